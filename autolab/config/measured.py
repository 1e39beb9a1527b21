"""Reads a table of measured conditions, its columns matched to the parameters and metrics of a campaign.

Numbers in another unit of the same dimension are converted (`autolab.config.columns`). Rows outside the space are left
out and counted; cells that are no numbers are refused with their line.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autolab.config.columns import match_columns, problem_fields, raise_any
from autolab.config.measuredrow import RowReader
from autolab.core.errors import FileError, InputError
from autolab.core.parameters import Values
from autolab.core.problem import Problem

__all__ = ["MeasuredRow", "MeasuredTable", "read_measured"]

_MAX_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """One measurement: what was set, and what was found, in the units of the campaign."""

    line: int
    values: Values
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class MeasuredTable:
    """The measurements of a table that lie in a campaign's space."""

    source: str
    """Path of the file, as the person named it."""
    sha256: str
    rows: tuple[MeasuredRow, ...]
    n_read: int
    """Rows of the file, those that were left out included."""
    notes: tuple[str, ...]
    """What a person should know of the reading, one sentence each."""


def read_measured(path: Path, problem: Problem) -> MeasuredTable:
    """Read a CSV file with a header, in UTF-8.

    Args:
        path: The file.
        problem: Says which columns are wanted, in which units, and which rows lie inside.

    Raises:
        FileError: it cannot be read, or no row of it lies in the space.
        InputErrors: columns are missing or cells are not what they should be; the first ten are reported.
    """
    data = _read(path)
    header, lines = _cells(path, data)
    wanted, notes = match_columns(str(path), 1, header, list(problem_fields(problem)))
    reader = RowReader(problem, wanted)
    rows: list[MeasuredRow] = []
    errors: list[InputError] = []
    for line, cells in lines:
        if len(cells) != len(header):
            errors.append(FileError(str(path), line, f"{_n_cells(len(cells))}, and the header has {len(header)}"))
            continue
        try:
            found = reader.read(line, cells)
        except InputError as error:
            errors.append(FileError(str(path), line, str(error)))
            continue
        if found is not None:
            rows.append(MeasuredRow(line, *found))
    raise_any(errors)
    notes = [*notes, *reader.notes]
    if not rows:
        why = "; ".join(reader.notes) or "it has a header only"
        raise FileError(str(path), None, f"no row of the table can be used: {why}")
    return MeasuredTable(str(path), hashlib.sha256(data).hexdigest(), tuple(rows), len(lines), tuple(notes))


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise FileError(
                str(path), None, f"the table is larger than {_MAX_BYTES // 1_000_000} MB: take a part of it"
            )
        return path.read_bytes()
    except OSError as error:
        raise FileError(str(path), None, f"the table cannot be read: {error.strerror}") from None


def _cells(path: Path, data: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and the rows with the number of their last line."""
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(row)]
    except UnicodeDecodeError:
        raise FileError(str(path), None, "the table is not text in UTF-8: save it as CSV, UTF-8") from None
    except csv.Error as error:
        raise FileError(str(path), None, f"the table is not CSV: {error}") from None
    if not lines:
        raise FileError(str(path), None, "the table is empty: it needs a header and rows")
    (line, header), rows = lines[0], lines[1:]
    if len(header) == 1 and ";" in header[0]:
        raise FileError(str(path), line, "the cells are separated by ';': save the table with ',' between the cells")
    for name in header:
        if name and header.count(name) > 1:
            raise FileError(str(path), line, f"two columns are named {name!r}: rename one of them")
    return header, rows


def _n_cells(n: int) -> str:
    return f"this row has {n} cell{'' if n == 1 else 's'}"
