"""Reads a table of measured conditions, its columns matched to the parameters and metrics of a campaign.

A column belongs to a parameter or metric of its name; the unit may stand behind it: ``flow``, ``flow [mL/min]``,
``flow (mL/min)``, or ``flow_mL/min`` as ``autolab export`` writes it. Numbers in another unit of the same dimension are
converted. Rows outside the space are left out and counted; cells that are no numbers are refused with their line.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autolab.config.measuredrow import RowReader, Wanted
from autolab.config.units import convert
from autolab.config.words import did_you_mean, listed
from autolab.core.errors import FileError, InputError, InputErrors
from autolab.core.parameters import FixedParameter, Values
from autolab.core.problem import Problem

__all__ = ["MeasuredRow", "MeasuredTable", "read_measured"]

_MAX_BYTES = 50_000_000
_MOST_ERRORS = 10
_HEADING = re.compile(r"(.*?)\s*(?:\[([^\[\]]*)\]|\(([^()]*)\))")


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
    wanted, notes = _matched(path, header, problem)
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
    _raise_any(errors)
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


def _matched(path: Path, header: Sequence[str], problem: Problem) -> tuple[list[Wanted], list[str]]:
    """Which column holds what.

    Raises:
        InputErrors: there is no column, or more than one, for something that is wanted, or its unit does not fit.
    """
    found: list[Wanted] = []
    errors: list[InputError] = []
    for what, name, unit, needed in _names(problem):
        columns = [index for index, text in enumerate(header) if name in _meanings(text, unit)]
        if len(columns) == 1:
            try:
                found.append(_wanted(header[columns[0]], columns[0], name, unit))
            except InputError as error:
                errors.append(FileError(str(path), 1, str(error)))
        elif columns:
            both = listed(repr(header[index]) for index in columns)
            errors.append(FileError(str(path), 1, f"{both} could all be the {what} {name!r}: rename all but one"))
        elif needed:
            errors.append(FileError(str(path), 1, _missing(what, name, header)))
    _raise_any(errors)
    used = {column.index for column in found}
    unused = [text for index, text in enumerate(header) if index not in used and text]
    notes = [f"columns that the campaign does not name were not used: {', '.join(unused)}"] if unused else []
    bare = [f"{column.name} in {column.unit}" for column in found if column.unit and column.written is None]
    if bare:
        notes.append(f"columns without a unit were taken in the campaign's: {', '.join(bare)}")
    converted = [f"{c.name} from {c.written} to {c.unit}" for c in found if c.written not in (None, c.unit)]
    if converted:
        notes.append(f"converted: {', '.join(converted)}")
    return found, notes


def _names(problem: Problem) -> Iterator[tuple[str, str, str, bool]]:
    """What is wanted: its kind, name and unit, and whether it may not be missing."""
    for parameter in problem.space.parameters:
        yield "parameter", parameter.name, parameter.unit, not isinstance(parameter, FixedParameter)
    for metric in problem.metrics:
        yield "metric", metric, problem.objective.unit if metric == problem.objective.metric else "", True


def _meanings(text: str, unit: str) -> set[str]:
    """Names that a heading may stand for."""
    found = {text}
    if match := _HEADING.fullmatch(text):
        found.add(match.group(1))
    if unit and text.endswith(f"_{unit}"):
        found.add(text.removesuffix(f"_{unit}"))
    return found


def _wanted(text: str, index: int, name: str, unit: str) -> Wanted:
    """The column at ``index``.

    Raises:
        InputError: the heading names a unit of another dimension, or none at all.
    """
    if text == name:
        return Wanted(name, text, index, unit, None)
    match = _HEADING.fullmatch(text)
    written = unit if match is None else (match.group(2) or match.group(3) or "").strip()
    try:
        convert(1.0, written, unit)
    except InputError as error:
        raise InputError(f"column {text!r}: {error}") from None
    return Wanted(name, text, index, unit, written)


def _missing(what: str, name: str, header: Sequence[str]) -> str:
    bare = {(match.group(1) if (match := _HEADING.fullmatch(text)) else text): text for text in header if text}
    guess = did_you_mean(name, bare)
    hint = f"did you mean {bare[guess]!r}? Rename it" if guess else f"columns are {listed(map(repr, bare.values()))}"
    return f"there is no column for the {what} {name!r}: {hint}"


def _n_cells(n: int) -> str:
    return f"this row has {n} cell{'' if n == 1 else 's'}"


def _raise_any(errors: Sequence[InputError]) -> None:
    if len(errors) > _MOST_ERRORS:
        more = InputError(f"and {len(errors) - _MOST_ERRORS} more lines are refused")
        raise InputErrors([*errors[:_MOST_ERRORS], more])
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise InputErrors(errors)
