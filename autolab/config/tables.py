"""Reads the cells of a table that somebody has kept: CSV, an Excel workbook, or Parquet. What they mean is not judged.

A cell is a number, or a text without blanks around it; an empty one is the empty text. Dates become texts such as
``2026-03-05``, and a number that a workbook shows in percent becomes a text with its sign, as a person sees it.
"""

from __future__ import annotations

import csv
import hashlib
import importlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autolab.config.words import listed
from autolab.config.workbook import BROKEN, Cell, Row, plain_cell, read_workbook
from autolab.core.errors import FileError, InputError

__all__ = ["KINDS", "Cell", "Layout", "Table", "read_table"]

KINDS = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".parquet")
"""Endings of the files that are read."""
_MAX_BYTES = 100_000_000
_MOST_ROWS = 200_000
_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Layout:
    """What a person says of how a table is written; None where the file itself shall tell."""

    sheet: str | None = None
    header: int | None = None
    """Row of the headings."""
    separator: str | None = None
    encoding: str = "utf-8-sig"


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of a table."""

    file: str
    sha256: str
    sheet: str
    """Empty where the file has no sheets."""
    header_row: int
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    """Rows below the headings, those with nothing in them left out."""
    n_empty: int


def read_table(path: Path, layout: Layout) -> Table:
    """Read a file whole.

    Args:
        path: The file; its ending says what it is.
        layout: How it is written.

    Raises:
        FileError: it cannot be read as what its ending says, or has no headings.
        InputError: it is Parquet, and pyarrow is not installed.
    """
    data = _bytes(path)
    sheet, rows = "", iter(())
    if path.suffix.casefold() in (".xlsx", ".xlsm"):
        sheet, rows = read_workbook(path, data, layout.sheet)
    elif path.suffix.casefold() == ".parquet":
        rows = _parquet(path, data)
    else:
        rows = _csv(path, data, layout)
    return _arranged(path, hashlib.sha256(data).hexdigest(), sheet, rows, layout.header)


def _bytes(path: Path) -> bytes:
    if path.suffix.casefold() not in KINDS:
        old = ": open it and save it as .xlsx" if path.suffix.casefold() == ".xls" else ""
        raise FileError(str(path), None, f"a table ends in {listed(KINDS, 'or')}, not in {path.suffix!r}{old}")
    try:
        if path.stat().st_size > _MAX_BYTES:
            said = f"the table is larger than {_MAX_BYTES // 1_000_000} MB: import it in parts"
            raise FileError(str(path), None, said)
        return path.read_bytes()
    except OSError as error:
        raise FileError(str(path), None, f"the table cannot be read: {error.strerror}") from None


def _arranged(path: Path, sha256: str, sheet: str, rows: Iterable[Row], header_row: int | None) -> Table:
    """The headings, and the rows below them."""
    header: tuple[str, ...] | None = None
    at, n_empty, found = 0, 0, list[Row]()
    for number, cells in rows:
        is_empty = not any(cell != "" for cell in cells)
        if header is None:
            if (is_empty and header_row is None) or (header_row is not None and number < header_row):
                continue
            at, header = number, tuple(str(cell) for cell in cells)
        elif is_empty:
            n_empty += 1
        else:
            found.append((number, cells))
            if len(found) > _MOST_ROWS:
                raise FileError(str(path), number, f"more than {_MOST_ROWS} rows: import them in parts")
    if header is None or not found:
        what = "the table is empty" if header is None else "the table has headings only"
        raise FileError(str(path), None, f"{what}: it needs a row of headings and rows of values below it")
    while header and header[-1] == "":
        header = header[:-1]
    for name in header:
        if name and header.count(name) > 1:
            raise FileError(str(path), at, f"two columns are named {name!r}: rename one of them")
    return Table(str(path), sha256, sheet, at, header, tuple(found), n_empty)


def _csv(path: Path, data: bytes, layout: Layout) -> Iterator[Row]:
    try:
        text = data.decode(layout.encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        name = "UTF-8" if layout.encoding == "utf-8-sig" else layout.encoding
        said = f"this is not text in {name}: save the table as CSV, UTF-8, or say in the mapping how it is encoded"
        raise FileError(str(path), line, f"{said}, such as 'encoding: cp1252'") from None
    except LookupError:
        raise FileError(str(path), None, f"no encoding is called {layout.encoding!r}: try 'cp1252'") from None
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = layout.separator or max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    try:
        for row in reader:
            yield reader.line_num, [cell.strip() for cell in row]
    except csv.Error as error:
        raise FileError(str(path), reader.line_num, f"the table is not CSV: {error}") from None


def _parquet(path: Path, data: bytes) -> Iterator[Row]:
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
        arrow: Any = importlib.import_module("pyarrow")
    except ImportError:
        said = "Parquet needs pyarrow, which is not installed: run 'pip install autolab[parquet]', or save it as CSV"
        raise InputError(f"{path}: {said}") from None
    try:
        table = parquet.read_table(arrow.BufferReader(data))
        columns: list[list[Any]] = [column.to_pylist() for column in table.columns]
    except (arrow.ArrowException, *BROKEN) as error:
        raise FileError(str(path), None, f"it cannot be read as Parquet ({error})") from None
    yield 0, [str(name).strip() for name in table.column_names]
    for number, row in enumerate(zip(*columns, strict=True), 1):
        yield number, [plain_cell(value) for value in row]
