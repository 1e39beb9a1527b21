"""The criteria as a workbook: exported, filled in by people who do not write YAML, and read back.

Each answer goes the way of an entry in ``evidence.yaml``; what is wrong is said with sheet and cell.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autolab.config.specs import Source
from autolab.core.errors import InputError
from facility_review.declared import read_entry
from facility_review.evidence import EvidenceRecord, Finding, finding_of
from facility_review.instrument import Instrument
from facility_review.units import Unit

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["read_workbook", "write_workbook"]

EVIDENCE = ("class", "realm", "by", "date", "valid_until", "file", "sha256", "query", "tool", "notes")
"""Columns of what stands behind an answer."""
ABOUT, LADDERS, METRICS, FACTS = "About", "Ladders", "Metrics", "Facts"
LADDER_COLUMNS = ("criterion", "step", "what it says", "answer", *EVIDENCE)
METRIC_COLUMNS = ("metric", "criterion", "what it is", "unit", "value", "n", "successes", "low", "high", *EVIDENCE)
FACT_COLUMNS = ("fact", "what it is", "type", "value", "n", *EVIDENCE)
_BROKEN = (
    *(OSError, KeyError, ValueError, TypeError, IndexError, AttributeError, EOFError, OverflowError),
    *(RuntimeError, SyntaxError, zlib.error),
)
"""What the reader of workbooks raises where XML, archive or references are broken."""
ANSWERS = ("yes", "no", "not shown")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "answer": ANSWERS,
    "class": ("measured", "documented", "attested"),
    "realm": ("physical", "emulated", "simulated"),
}
WIDTHS: Mapping[str, int] = {"what it says": 80, "what it is": 70, "notes": 40, "file": 30, "sha256": 20}
HOW = (
    "Fill in what you can show, and save. Name this file in evidence.yaml: 'workbook: criteria.xlsx'.",
    "Ladders: answer each step with yes, no or not shown; an empty answer is not shown. The evidence of a criterion "
    "stands in the row of its first step.",
    "Metrics and facts: give the value, and for shares how many were counted (n) and how many went well (successes).",
    "class: measured, documented or attested. by: who approved it or says so. file: a path beside evidence.yaml.",
)


def write_workbook(instrument: Instrument, unit: Unit, path: Path) -> None:
    """Write an empty workbook of all criteria for one unit.

    Raises:
        InputError: it cannot be written there.
    """
    from openpyxl import Workbook  # a quarter of a second, and only who wants a workbook needs it

    book = Workbook()
    about = book.worksheets[0]
    about.title = ABOUT
    head = instrument.file.instrument
    for row in (("unit", unit.id), ("instrument", instrument.version), ("statement", head.disclaimer)):
        about.append(row)
    for line in HOW:
        about.append(("how", line))
    about.column_dimensions["B"].width = 120
    rows: dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]] = {
        LADDERS: (LADDER_COLUMNS, list(_ladder_rows(instrument))),
        METRICS: (METRIC_COLUMNS, list(_metric_rows(instrument))),
        FACTS: (FACT_COLUMNS, [(fact.id, fact.definition, fact.type) for fact in instrument.facts.values()]),
    }
    for title, (columns, lines) in rows.items():
        _fill(book, title, columns, lines)
    try:
        book.save(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}): name another place") from None


def _ladder_rows(instrument: Instrument) -> Iterator[tuple[Any, ...]]:
    for criterion in instrument.criteria.values():
        for number, text in enumerate(criterion.steps, 1):
            yield (criterion.id, number, text)


def _metric_rows(instrument: Instrument) -> Iterator[tuple[Any, ...]]:
    for metric in instrument.metrics.values():
        yield (metric.id, instrument.criterion_of.get(metric.id, ""), f"{metric.name}: {metric.formula}", metric.unit)


def _fill(book: Workbook, title: str, columns: tuple[str, ...], lines: list[tuple[Any, ...]]) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    sheet: Worksheet = book.create_sheet(title)
    sheet.append(columns)
    for line in lines:
        sheet.append(line)
    sheet.freeze_panes = "B2"
    for place, name in enumerate(columns, 1):
        letter = get_column_letter(place)
        sheet[f"{letter}1"].font = Font(bold=True)
        sheet.column_dimensions[letter].width = WIDTHS.get(name, 14)
        if name in ("what it says", "what it is"):
            for row in range(2, len(lines) + 2):
                sheet[f"{letter}{row}"].alignment = Alignment(wrap_text=True, vertical="top")
        if name in CHOICES:
            span, said = f"{letter}2:{letter}{len(lines) + 1}", f'"{",".join(CHOICES[name])}"'
            choice = DataValidation(type="list", formula1=said, allow_blank=True, sqref=span)
            sheet.add_data_validation(choice)


def read_workbook(unit: Unit, path: Path, instrument: Instrument) -> Iterator[EvidenceRecord | Finding]:
    """Read a workbook that somebody has filled in. What is empty says nothing."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        content = path.read_bytes()  # openpyxl leaves a file that it cannot read open
        book = load_workbook(BytesIO(content), data_only=True)
        written = load_workbook(BytesIO(content))
    except (InvalidFileException, zipfile.BadZipFile, *_BROKEN) as error:
        yield Finding(f"cannot be read as a workbook ({error}): none of it counts", str(path))
        return
    titles = {sheet.title for sheet in book.worksheets}
    missing = [title for title in (ABOUT, LADDERS, METRICS, FACTS) if title not in titles]
    if missing:
        said = f"has no sheet {missing[0]!r} of cells: export a new one and copy the answers into it"
        yield Finding(said, str(path))
        return
    about = {str(row[0]): row[1] for row in book[ABOUT].iter_rows(values_only=True) if len(row) > 1}
    if about.get("unit") != unit.id:
        said = f"sheet {ABOUT}, cell B1: it is the workbook of {about.get('unit')!r}, and the unit is {unit.id!r}"
        yield Finding(f"{said}: none of it counts", str(path), 1)
        return
    if about.get("instrument") != instrument.version:
        said = f"it was exported with version {about.get('instrument')} of the instrument, and this is"
        yield Finding(f"sheet {ABOUT}, cell B2: {said} {instrument.version}: answers may not fit", str(path), 2)
    number = 0
    for title, columns, key in ((LADDERS, LADDER_COLUMNS, "criterion"), (METRICS, METRIC_COLUMNS, "metric"),
                                (FACTS, FACT_COLUMNS, "fact")):  # fmt: skip
        sheet = _Sheet(path, title)
        formulas = _formulas(written[title])
        for row in sheet.rows(book[title], columns):
            if lost := [cell for cell, value in row.values() if value is None and cell in formulas]:
                said = f"sheet {title}, cell {', '.join(lost)}: the result of the formula is not stored"
                digits = int("".join(filter(str.isdigit, lost[0])))
                yield Finding(f"{said}: write the number or text; this row does not count", str(path), digits)
                continue
            if _is_empty(row):
                continue
            number += 1
            yield from sheet.read(unit, number, row, key)


def _formulas(sheet: Worksheet) -> frozenset[str]:
    """Cells that hold a formula."""
    return frozenset(cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f")


Row = dict[str, tuple[str, Any]]
"""Cell and value by column."""


def _is_empty(row: Row) -> bool:
    given = [*EVIDENCE, "answer", "value", "n", "successes"]
    return all(row[name][1] in (None, "") for name in given if name in row)


class _Sheet:
    """One sheet: its rows as entries, and messages with its cells."""

    def __init__(self, path: Path, title: str) -> None:
        self._path, self._title = path, title
        self._cells: list[str] = []

    def rows(self, sheet: Worksheet, columns: tuple[str, ...]) -> Iterator[Row]:
        """The rows below the head; of a ladder, the first row of each criterion with the answers of all its steps."""
        first: Row | None = None
        for cells in sheet.iter_rows(min_row=2, max_col=len(columns)):
            row: Row = {name: (cell.coordinate, cell.value) for name, cell in zip(columns, cells, strict=False)}
            if "step" not in row:
                yield row
                continue
            if first is not None and row["criterion"][1] != first["criterion"][1]:
                yield first
                first = None
            if first is None:
                first = row
            first[f"answer {row['step'][1]}"] = row["answer"]
        if first is not None:
            yield first

    def read(self, unit: Unit, number: int, row: Row, key: str) -> Iterator[EvidenceRecord | Finding]:
        """The record of one answer, or what is wrong with it."""
        self._cells, lines = [""], dict[tuple[str | int, ...], int]()
        entry: dict[str, Any] = {key: row[key][1], "id": f"workbook-{row[key][1]}".replace(".", "-")}
        self._mark(lines, (), row[key][0])
        for name in ("class", "realm", "by", "query", "tool", "notes", "value", "n", "successes"):
            self._take(entry, lines, row, name)
        for name in ("date", "valid_until"):
            self._take(entry, lines, row, name)
            if isinstance(entry.get(name), date | datetime):
                entry[name] = entry[name].strftime("%Y-%m-%d")
        if row["file"][1]:
            entry["files"] = {str(row["file"][1]): str(row["sha256"][1] or "")}
            self._mark(lines, ("files", str(row["file"][1])), row["sha256"][0])
        if "low" in row and row["low"][1] is not None and row["high"][1] is not None:
            entry["interval"] = [row["low"][1], row["high"][1]]
            self._mark(lines, ("interval",), row["low"][0])
        try:
            if "step" in row:
                entry["step"] = self._step(row, lines)
            record, found = read_entry(unit, Source(str(self._path), "", lines), number, entry, "workbook")
        except InputError as error:
            yield from map(self._placed, finding_of(error))
            return
        yield from map(self._placed, found)
        yield replace(record, line=self._row(record.line))

    def _take(self, entry: dict[str, Any], lines: dict[tuple[str | int, ...], int], row: Row, name: str) -> None:
        if name in row and row[name][1] is not None:
            entry[name] = row[name][1]
            self._mark(lines, (name,), row[name][0])

    def _step(self, row: Row, lines: dict[tuple[str | int, ...], int]) -> int:
        """The highest step for which it and all before it are answered with yes.

        Raises:
            FileError: an answer is none of the three.
        """
        step, is_unbroken = 0, True
        for number in range(1, 6):
            cell, answer = row.get(f"answer {number}", ("", None))
            said = str(answer or "not shown").strip().lower()
            if said not in ANSWERS:
                self._mark(lines, ("step",), cell)
                known = ", ".join(ANSWERS)
                raise Source(str(self._path), "", lines).error(("step",), f"{answer!r} is no answer: write {known}")
            is_unbroken = is_unbroken and said == "yes"
            step += is_unbroken
        return step

    def _mark(self, lines: dict[tuple[str | int, ...], int], path: tuple[str | int, ...], cell: str) -> None:
        """Give a cell a number that stands where a file has lines."""
        self._cells.append(cell)
        lines[path] = len(self._cells) - 1

    def _row(self, line: int | None) -> int | None:
        digits = "" if line is None else "".join(letter for letter in self._cells[line] if letter.isdigit())
        return int(digits) if digits else None

    def _placed(self, finding: Finding) -> Finding:
        cell = "" if finding.line is None else f", cell {self._cells[finding.line]}"
        return replace(finding, text=f"sheet {self._title}{cell}: {finding.text}", line=self._row(finding.line))
