"""Reads one sheet of an Excel workbook, each cell as a person sees it.

openpyxl reads the parts of the workbook, and of the sheet the cells that are rare. Plain numbers and texts, of which
nearly every table consists, are read here: at a third of the time, which counts where there are 100,000 rows.
"""

from __future__ import annotations

import importlib
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from autolab.config.words import did_you_mean, listed
from autolab.core.errors import FileError

__all__ = ["BROKEN", "Cell", "Row", "plain_cell", "read_workbook"]

Cell = str | float
Row = tuple[int, Sequence[Cell]]
"""Number of the row, as the program that shows the file counts, and its cells."""

_NOT_WHOLE = (zipfile.BadZipFile, zlib.error, SyntaxError, OSError, EOFError, RuntimeError)
BROKEN = (KeyError, ValueError, TypeError, AttributeError, IndexError, *_NOT_WHOLE)
"""What libraries raise for a file that is not what its ending says, or damaged: broken XML is a SyntaxError."""
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ROW, _VALUE, _TEXT = f"{_MAIN}row", f"{_MAIN}v", f"{_MAIN}t"
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384
"""Of a sheet in Excel (ECMA-376 leaves both open); a damaged file may claim any."""


def read_workbook(path: Path, data: bytes, wanted: str | None) -> tuple[str, Iterator[Row]]:
    """The name and the rows of the sheet that is wanted, or of the only one.

    Args:
        path: The file, for messages.
        data: What it holds.
        wanted: Name of the sheet.

    Raises:
        FileError: it is no workbook, or a damaged one, or has no such sheet, or several and none is named.
    """
    excel: Any = importlib.import_module("openpyxl.reader.excel")
    try:
        reader = excel.ExcelReader(io.BytesIO(data), read_only=True, data_only=True)
        reader.read_manifest()
        reader.read_strings()
        reader.read_workbook()
        excel.apply_stylesheet(reader.archive, reader.wb)
        sheets = {
            str(sheet.name): str(part.target)
            for sheet, part in reader.parser.find_sheets()
            if part.target in reader.valid_files and "chartsheet" not in part.Type
        }
    except BROKEN as error:
        raise FileError(str(path), None, f"it cannot be read as a workbook ({error})") from None
    name = wanted if wanted is not None else next(iter(sheets), "")
    if wanted is None and len(sheets) > 1:
        said = f"it has the sheets {listed(map(repr, sheets))}: say in the mapping which one holds the measurements"
        raise FileError(str(path), None, f"{said}, such as 'sheet: {name}'")
    if name not in sheets:
        guess = did_you_mean(name, sheets)
        hint = f"did you mean {guess!r}?" if guess else f"it has {listed(map(repr, sheets))}"
        raise FileError(str(path), None, f"it has no sheet {name!r}: {hint}")
    return name, _rows(path, name, reader, sheets[name])


def _rows(path: Path, name: str, reader: Any, part: str) -> Iterator[Row]:
    """The rows of a sheet, also those between others that it leaves out because they are empty."""
    xml: Any = importlib.import_module("openpyxl.xml.functions")
    sheet, next_row = _Sheet(reader), 1
    try:
        with reader.archive.open(part) as source:
            for _, element in xml.iterparse(source):
                if element.tag != _ROW:
                    continue
                number, cells = sheet.row(element)
                element.clear()
                yield from ((missing, ()) for missing in range(next_row, number))
                if number >= next_row:
                    yield number, cells
                    next_row = number + 1
    except BROKEN as error:
        raise FileError(str(path), None, f"its sheet {name!r} cannot be read ({error})") from None


class _Sheet:
    """Reads the rows of one sheet, which are elements of its XML."""

    def __init__(self, reader: Any) -> None:
        book, worksheet = reader.wb, importlib.import_module("openpyxl.worksheet._reader")
        self._texts: Sequence[str] = reader.shared_strings
        self._percents = _percents(book)
        dates: set[int] = {*book._date_formats, *book._timedelta_formats}
        self._special = {str(style) for style in dates | self._percents}
        """Styles that change what a number means."""
        self._parser: Any = worksheet.WorkSheetParser(
            None,
            self._texts,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        self._places: dict[str, int] = {}
        """Columns by their letters, from 1."""
        self._number = 0

    def row(self, element: Any) -> Row:
        """A row with its number.

        Raises:
            One of `BROKEN`: it is damaged.
        """
        said = element.get("r")
        self._number = self._number + 1 if said is None else int(float(said))
        if not 0 < self._number <= _LAST_ROW:
            raise ValueError(f"it has a row {said}, and a sheet has {_LAST_ROW}")
        n_digits, cells = len(str(self._number)), list[Cell]()
        for cell in element:
            place, value = self._places.get((cell.get("r") or "")[:-n_digits]), self._common(cell)
            if place is None or value is None:
                place, value = self._rare(cell, len(cells))
            if place == len(cells) + 1:
                cells.append(value)
            else:
                cells += [""] * (place - len(cells))
                cells[place - 1] = value
        return self._number, cells

    def _common(self, cell: Any) -> Cell | None:
        """What a cell holds that is a plain number or a plain text; None of others."""
        kind = cell.get("t")
        if kind is None or kind == "n":
            if cell.get("s") in self._special:
                return None
            text = cell.findtext(_VALUE)
            return float(text) if text else ""
        if kind == "s":
            text = cell.findtext(_VALUE)
            return self._texts[int(text)].strip() if text else ""
        if kind == "inlineStr" and len(cell) == 1 and len(cell[0]) == 1 and cell[0][0].tag == _TEXT:
            return (cell[0][0].text or "").strip()
        return None

    def _rare(self, cell: Any, n_before: int) -> tuple[int, Cell]:
        """Column of a cell, and what it shows."""
        at = cell.get("r")
        self._parser.row_counter, self._parser.col_counter = self._number, n_before
        found = self._parser.parse_cell(cell)
        place = int(found["column"])
        if not 0 < place <= _LAST_COLUMN:
            raise ValueError(f"it has a cell {at}, and a sheet has {_LAST_COLUMN} columns")
        if at and (letters := at.removesuffix(str(self._number))).isalpha():
            self._places[letters] = place
        value = plain_cell(found["value"])
        in_percent = found["style_id"] in self._percents and isinstance(value, float)
        return place, f"{100 * value:.12g}%" if in_percent else value


def _percents(book: Any) -> set[int]:
    """Styles that show a number in percent."""
    formats: Any = importlib.import_module("openpyxl.styles.numbers")
    own: list[str] = list(book._number_formats)
    names: dict[int, str] = dict(formats.BUILTIN_FORMATS)
    names.update(enumerate(own, int(formats.BUILTIN_FORMATS_MAX_SIZE)))
    return {style for style, each in enumerate(book._cell_styles) if "%" in names.get(each.numFmtId, "")}


def plain_cell(value: Any) -> Cell:
    """A cell as number or text."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return value.isoformat() if isinstance(value, date | time) else str(value).strip()
