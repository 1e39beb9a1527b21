"""A workbook that is exported, filled in and read back gives what evidence.yaml would; errors name sheet and cell."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import openpyxl.chart
import pytest

from facility_review.collecting import collect
from facility_review.instrument import load_instrument
from facility_review.reduction import Examined, examine
from facility_review.spreadsheet import write_workbook
from facility_review.units import load_units
from tests.facility_review.journals import IDENTITY, write_unit

AS_OF = date(2026, 11, 22)
INSTRUMENT = load_instrument()
REPORT = b"signed"
HASH = hashlib.sha256(REPORT).hexdigest()
DOCUMENT = {
    "class": "documented", "realm": "physical", "by": "Grace Hopper", "date": datetime(2026, 10, 1),  # noqa: DTZ001 (as a workbook has it)
    "valid_until": "2027-10-01", "file": "report.pdf", "sha256": HASH,
}  # fmt: skip


def put(sheet: Any, row: int, **values: Any) -> None:
    heads = {cell.value: cell.column for cell in sheet[1]}
    for name, value in values.items():
        sheet.cell(row, heads[name]).value = value


def row_of(sheet: Any, *keys: object) -> int:
    return next(row[0].row for row in sheet.iter_rows(min_row=2) if tuple(c.value for c in row[: len(keys)]) == keys)


def answered(book: Any) -> None:
    ladders, metrics, facts = book["Ladders"], book["Metrics"], book["Facts"]
    for step, answer in enumerate(("yes", "yes", "YES", "no", "yes"), 1):
        put(ladders, row_of(ladders, "SAF-01", step), answer=answer)
    put(ladders, row_of(ladders, "SAF-01", 1), **DOCUMENT)
    put(metrics, row_of(metrics, "m_limit_reject"), value=1, n=59, successes=59, **DOCUMENT)
    put(facts, row_of(facts, "open_serious_events"), value=0, **DOCUMENT)


def examined(folder: Path, change: Callable[[Any], None] = lambda _: None) -> Examined:
    (folder / "report.pdf").write_bytes(REPORT)
    lab = write_unit(folder, "bench", IDENTITY.format(name="bench") + "workbook: criteria.xlsx\n")
    write_workbook(INSTRUMENT, load_units([lab])[0], folder / "criteria.xlsx")
    book = openpyxl.load_workbook(folder / "criteria.xlsx")
    answered(book)
    change(book)
    book.save(folder / "criteria.xlsx")
    return examine(INSTRUMENT, collect(load_units([lab]), [], INSTRUMENT, AS_OF)[0], AS_OF)


def said(found: Examined) -> str:
    return "\n".join(map(str, found.findings))


def test_what_is_filled_in_is_read_back(tmp_path: Path) -> None:
    inputs = examined(tmp_path).inputs
    assert (inputs.records["SAF-01"].step, inputs.records["SAF-01"].evidence_class) == (3, "documented")
    assert inputs.records["SAF-01"].realm == "physical"
    assert (inputs.records["SAF-04"].value, inputs.records["SAF-04"].n) == (1.0, 59)
    assert inputs.facts["open_serious_events"] == 0


def test_an_exported_workbook_has_all_steps_and_says_nothing_by_itself(tmp_path: Path) -> None:
    units = load_units([write_unit(tmp_path)])
    write_workbook(INSTRUMENT, units[0], tmp_path / "criteria.xlsx")
    book = openpyxl.load_workbook(tmp_path / "criteria.xlsx")
    n_steps = sum(len(criterion.steps) for criterion in INSTRUMENT.criteria.values())
    assert book["Ladders"].max_row == n_steps + 1
    assert book["Metrics"].max_row == len(INSTRUMENT.metrics) + 1


def _ladder(row: int, **values: Any) -> Callable[[Any], None]:
    return lambda book: put(book["Ladders"], row_of(book["Ladders"], "SAF-01", row), **values)


@pytest.mark.parametrize(
    ("change", "sentence", "left"),
    [
        pytest.param(_ladder(2, answer="maybe"), "'maybe' is no answer", None, id="no answer"),
        pytest.param(_ladder(1, sha256="0" * 64), "is not what was hashed", "attested", id="altered"),
        pytest.param(_ladder(1, file="gone.pdf"), "is missing", "attested", id="missing"),
        pytest.param(_ladder(1, valid_until="2026-11-10"), "one class down", "attested", id="expired"),
        pytest.param(_ladder(1, by=None), "no name stands for it", None, id="nameless"),
        pytest.param(_ladder(1, date="soon"), "is not possible here", None, id="no date"),
        pytest.param(_ladder(1, **{"class": "recorded"}), "is not known", None, id="no class"),
    ],
)
def test_errors_name_sheet_and_cell(
    tmp_path: Path, change: Callable[[Any], None], sentence: str, left: str | None
) -> None:
    found = examined(tmp_path, change)
    answer = found.inputs.records.get("SAF-01")
    assert (None if answer is None else answer.evidence_class) == left
    finding = next(each for each in found.findings if sentence in each.text)
    assert finding.file is not None
    assert finding.file.endswith("criteria.xlsx")
    assert finding.line is not None
    if sentence != "one class down":
        assert "sheet Ladders, cell " in finding.text
    assert found.inputs.facts["open_serious_events"] == 0, "the other answers count"


def test_a_workbook_of_another_unit_or_none_at_all_is_said(tmp_path: Path) -> None:
    def rename(book: Any) -> None:
        book["About"]["B1"] = "other"

    found = examined(tmp_path, rename)
    assert "cell B1: it is the workbook of 'other'" in said(found)
    assert "SAF-01" not in found.inputs.records
    (tmp_path / "criteria.xlsx").write_bytes(b"no workbook")
    units = load_units([tmp_path / "lab.yaml"])
    found = examine(INSTRUMENT, collect(units, [], INSTRUMENT, AS_OF)[0], AS_OF)
    assert "cannot be read as a workbook" in said(found)


def _rewritten(folder: Path, change: Callable[[bytes], bytes]) -> Examined:
    """The examination with the sheet of metrics changed inside of the archive."""
    examined(folder)
    with zipfile.ZipFile(folder / "criteria.xlsx") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet3.xml"] = change(parts["xl/worksheets/sheet3.xml"])
    with zipfile.ZipFile(folder / "criteria.xlsx", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    units = load_units([folder / "lab.yaml"])
    return examine(INSTRUMENT, collect(units, [], INSTRUMENT, AS_OF)[0], AS_OF)


def test_a_workbook_with_broken_xml_is_said(tmp_path: Path) -> None:
    for number, change in enumerate(
        (
            lambda _: b"<worksheet><oops",
            lambda text: text.replace(b"<sheetData>", b'<sheetData><row r="x"><c r="A1" t="s"><v>99999</v></c></row>'),
        )
    ):
        (tmp_path / str(number)).mkdir()
        assert "cannot be read as a workbook" in said(_rewritten(tmp_path / str(number), change))


def test_a_chart_in_place_of_a_sheet_is_said(tmp_path: Path) -> None:
    def chart(book: Any) -> None:
        book.remove(book["Metrics"])
        book.create_chartsheet("Metrics").add_chart(openpyxl.chart.BarChart())

    assert "has no sheet 'Metrics' of cells" in said(examined(tmp_path, chart))


def test_a_formula_without_its_result_is_said_with_its_cells(tmp_path: Path) -> None:
    def formula(book: Any) -> None:
        sheet = book["Metrics"]
        put(sheet, row_of(sheet, "m_limit_reject"), value="=1", n="=59")

    found = examined(tmp_path, formula)
    finding = next(each for each in found.findings if "result of the formula is not stored" in each.text)
    assert finding.text.startswith(f"sheet Metrics, cell E{finding.line}, F{finding.line}: ")
    assert "SAF-04" not in found.inputs.records
    assert found.inputs.records["SAF-01"].step == 3, "the other answers count"
