"""Workbooks: cells that are read here, and those that openpyxl reads, are what openpyxl alone would say of them."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from autolab.config.workbook import plain_cell, read_workbook
from autolab.core.errors import FileError

SHEET = "xl/worksheets/sheet1.xml"
ODD: list[Any] = [" a ", 1, 1.5, -3, 1e300, 10**20, True, date(2026, 5, 2), datetime.fromisoformat("2026-05-02 13:04"),
                  time(3, 4), timedelta(hours=30), "#DIV/0!", None, "=1+1", "x\ny", ""]  # fmt: skip


def written(path: Path) -> Path:
    """A workbook with cells of all kinds, and with rows and columns left out."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append([])
    sheet.append(ODD)
    for at, value, look in (("A5", 0.5, "0.0%"), ("B5", 1, "0%"), ("C5", -5, "yyyy-mm-dd"), ("D5", 2.5, "0.00")):
        sheet[at] = value
        sheet[at].number_format = look
    sheet["AB9"] = "far"
    sheet["B9"] = CellRichText("a ", TextBlock(InlineFont(b=True), "bold"))
    book.save(path)
    return path


def by_openpyxl(path: Path) -> list[list[Any]]:
    """The same rows, each cell asked of openpyxl, without the empty ones behind the last."""
    sheet: Any = openpyxl.load_workbook(path, data_only=True, rich_text=False).active
    rows = [[shown(cell) for cell in row] for row in sheet.iter_rows()]
    return [trimmed(row) for row in rows]


def shown(cell: Any) -> str | float:
    value = plain_cell(cell.value)
    return f"{100 * value:.12g}%" if isinstance(value, float) and "%" in cell.number_format else value


def trimmed(cells: Any) -> list[Any]:
    found = list(cells)
    while found and found[-1] == "":
        found.pop()
    return found


def rewritten(path: Path, part: str, old: bytes, new: bytes) -> Path:
    """The workbook with one of its parts changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old in parts[part]
    parts[part] = parts[part].replace(old, new)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def test_each_cell_is_what_openpyxl_says_whoever_reads_it(tmp_path: Path) -> None:
    path = written(tmp_path / "t.xlsx")
    name, rows = read_workbook(path, path.read_bytes(), None)
    found = list(rows)
    assert name == "Sheet"
    assert [number for number, _ in found] == list(range(1, 10))
    assert [trimmed(cells) for _, cells in found] == by_openpyxl(path)
    assert found[4][1] == ["50%", "100%", "1899-12-25", 2.5]


def test_texts_that_stand_in_the_sheet_itself_are_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet: Any = book.create_sheet("results")
    sheet.append([" dye ", "volume"])
    sheet.append(["blue", 2.5])
    book.save(tmp_path / "t.xlsx")
    name, rows = read_workbook(tmp_path / "t.xlsx", (tmp_path / "t.xlsx").read_bytes(), "results")
    assert (name, list(rows)) == ("results", [(1, ["dye", "volume"]), (2, ["blue", 2.5])])
    with zipfile.ZipFile(tmp_path / "t.xlsx") as archive:
        assert b'<c r="A2" t="inlineStr">' in archive.read(SHEET)  # else this would show nothing


@pytest.mark.parametrize(
    ("part", "old", "new", "message"),
    [
        (SHEET, b"</sheetData>", b"</sheetDat", "its sheet 'Sheet' cannot be read (not well-formed"),
        (SHEET, b"<v>1.5</v>", b"<v>1,5</v>", "its sheet 'Sheet' cannot be read (could not convert"),
        (SHEET, b'<row r="9"', b'<row r="9000000"', "it has a row 9000000, and a sheet has 1048576"),
        (SHEET, b'r="AB9"', b'r="ZZZ9"', "it has a cell ZZZ9, and a sheet has 16384 columns"),
        ("xl/workbook.xml", b"</sheets>", b"</sheet", "it cannot be read as a workbook (not well-formed"),
    ],
)
def test_a_damaged_workbook_is_refused_in_one_sentence(
    tmp_path: Path, part: str, old: bytes, new: bytes, message: str
) -> None:
    path = rewritten(written(tmp_path / "t.xlsx"), part, old, new)
    with pytest.raises(FileError) as caught:
        list(read_workbook(path, path.read_bytes(), None)[1])
    assert message in str(caught.value)
