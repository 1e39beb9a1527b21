"""Tables of earlier measurements: each row is taken or refused with its cell, and no row is guessed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from autolab.config.importing import field_names, read_import
from autolab.config.importmap import ImportMap, read_map
from autolab.core.constraints import Constraint
from autolab.core.errors import InputError
from autolab.core.imports import ReadTable
from autolab.core.objectives import Objective
from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, RangeParameter
from autolab.core.problem import Problem, Space
from autolab.core.trials import Estimate

PROBLEM = Problem(
    Space(
        (
            RangeParameter("flow", 1.0, 5.0, "mL/min"),
            RangeParameter("heat", 20.0, 80.0, "degC"),
            ChoiceParameter("solvent", ("water", "ethanol")),
            IntegerParameter("cycles", 1, 9),
            FixedParameter("stirrer", "on"),
        ),
        (Constraint("flow + cycles <= 13"),),
    ),
    Objective("yield", "maximize", unit="percent"),
)
HEADER = ["flow [mL/min]", "heat [K]", "solvent", "cycles", "stirrer", "yield [percent]", "yield_sem", "plate", "well",
          "barcode", "remark"]  # fmt: skip
MAP = "columns: {labware: plate}\n"
GOOD: list[Any] = [2.5, 300.15, "water", 3, "on", 61.5, 0.8, "P1"]
NUMBER = "a number is wanted"

DEFECTS: list[tuple[str, dict[str, Any], str]] = [
    ("mixed units", {"flow [mL/min]": "150 mL/h"}, "its unit is 'mL/h', and that of the column 'mL/min'"),
    ("a unit of another dimension", {"flow [mL/min]": "2 g"}, "'g' is a mass, and a flow is wanted"),
    ("a missing value, or merged cells", {"heat [K]": None}, "it is empty: give the value"),
    ("a missing outcome", {"yield [percent]": None}, "yield was not measured here"),
    ("an outcome written as n/a", {"yield [percent]": "n/a"}, "yield was not measured here"),
    ("a decimal comma", {"flow [mL/min]": "2,5"}, "there is a comma in it: write it with a point"),
    ("thousands set apart", {"yield [percent]": "1 061.5"}, "thousands are set apart in it"),
    ("a date made of a number", {"flow [mL/min]": date(2026, 5, 2)}, "this is a date or a time"),
    ("a date as text", {"flow [mL/min]": "2. May"}, NUMBER),
    ("text in a number", {"flow [mL/min]": "fast"}, NUMBER),
    ("a bound instead of a value", {"yield [percent]": "<0.5"}, "this is a bound or has an error with it"),
    ("a value with its error", {"yield [percent]": "61 ± 2"}, "this is a bound or has an error with it"),
    ("an error of the spreadsheet", {"yield [percent]": "#DIV/0!"}, "this is an error of the spreadsheet"),
    ("not a number", {"flow [mL/min]": "nan"}, "it must be a finite number"),
    ("infinite", {"yield [percent]": "inf"}, "it must be a finite number"),
    ("far too large", {"yield [percent]": 1e150}, "it is beyond ±1e+100"),
    ("a truth value", {"flow [mL/min]": True}, NUMBER),
    (
        "percent in a column of another unit",
        {"flow [mL/min]": "50%"},
        "this is in percent, and the column is in mL/min",
    ),
    ("a typographic minus", {"flow [mL/min]": "−2"}, "its minus is a dash"),
    ("an underscore that Python would read", {"flow [mL/min]": "1_0"}, NUMBER),
    ("out of bounds", {"flow [mL/min]": 7.5}, "flow = 7.5 mL/min is above 5 mL/min"),
    ("out of bounds after conversion", {"heat [K]": 25.0}, "heat = -248.15 degC is below 20 degC"),
    ("an unknown category", {"solvent": "ethnol"}, "is none of the choices: did you mean 'ethanol'?"),
    ("no whole number", {"cycles": 2.5}, "a whole number is wanted"),
    ("not what is fixed", {"stirrer": "off"}, "the campaign has it fixed at 'on'"),
    ("outside a constraint", {"flow [mL/min]": 4.9, "cycles": 9}, "the constraint flow + cycles <= 13 does not hold"),
    ("a negative standard error", {"yield_sem": -0.1}, "a standard error is at least 0"),
    ("a barcode twice", {"barcode": "B-1"}, "row 2 has this barcode, too"),
    ("a well used twice", {"well": "a1"}, "row 2 has well a1 of P1, too"),
    ("a value beyond the headings", {"": "oops"}, "it has 'oops' beyond the 11 columns that have headings"),
]


def sheet(path: Path, rows: list[list[Any]], header: list[str] = HEADER) -> Path:
    book = Workbook()
    assert book.active is not None
    for row in (header, *rows):
        book.active.append(row)
    book.save(path)
    return path


def read(path: Path, mapping: str = "") -> ReadTable:
    if not mapping:
        return read_import(path, PROBLEM, ImportMap())
    file = path.with_suffix(".map.yaml")
    file.write_text(mapping)
    return read_import(path, PROBLEM, read_map(file, field_names(PROBLEM)))


def said(path: Path, mapping: str = "") -> str:
    with pytest.raises(InputError) as caught:
        read(path, mapping)
    return str(caught.value).replace(f"{path.parent}/", "")


def text_table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    file = folder / "t.csv"
    file.write_bytes(text.encode(encoding))
    return file


def test_a_spreadsheet_with_every_kind_of_defect_is_imported_row_by_row(tmp_path: Path) -> None:
    rows = [[*GOOD, "A1", "B-1", "the first"]]
    for number, (_, change, _) in enumerate(DEFECTS, 2):
        row = dict(zip([*HEADER, ""], [*GOOD, f"A{number}", f"B-{number}", f"no. {number}", None], strict=True))
        rows.append(list((row | change).values()))
    first_after = len(rows) + 2
    rows += [HEADER, [None] * 11, rows[0], ["Total", None, None, None, None, 1845.0], [*GOOD, "H1", "B-h", "the last"]]
    found = read(sheet(tmp_path / "t.xlsx", rows), MAP)
    by_row = {refusal.row: refusal for refusal in found.refused}
    for number, (name, change, reason) in enumerate(DEFECTS, 3):
        assert reason in by_row[number].reason, (name, by_row[number])
        assert by_row[number].column in {*change, ""}, name
    assert "the headings stand here again" in by_row[first_after].reason
    assert "it is row 2 again" in by_row[first_after + 2].reason
    assert "it begins with 'total'" in by_row[first_after + 3].reason
    assert [row.source.row for row in found.rows] == [2, first_after + 4]
    assert (found.n_read, found.n_refused) == (len(rows) - 1, len(DEFECTS) + 3)
    assert "empty rows left out: 1" in found.notes
    first = found.rows[0]
    assert first.values == {"flow": 2.5, "heat": pytest.approx(27.0), "solvent": "water", "cycles": 3, "stirrer": "on"}
    assert first.outcome == {"yield": Estimate(61.5, 0.8)}
    assert str(first.source) == "row 2, barcode B-1, labware P1, well A1"
    out = by_row[3 + [name for name, *_ in DEFECTS].index("out of bounds")]
    assert str(out) == f"row {out.row}, column 'flow [mL/min]', '7.5': flow = 7.5 mL/min is above 5 mL/min"
    assert out.bound == "1 to 5 mL/min"


def test_a_row_with_several_defects_is_told_all_of_them(tmp_path: Path) -> None:
    found = read(text_table(tmp_path, "flow,heat,solvent,cycles,yield\n9,x,water,3,\n"))
    assert [refusal.column for refusal in found.refused] == ["flow", "heat", "yield"]
    assert found.n_refused == 1


def test_a_number_that_a_workbook_shows_in_percent_is_what_a_person_sees(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["flow", "heat", "solvent", "cycles", "yield"])
    book.active.append([2, 25, "water", 3, 0.5])
    book.active["E2"].number_format = "0.0%"
    book.save(tmp_path / "t.xlsx")
    assert read(tmp_path / "t.xlsx").rows[0].outcome == {"yield": Estimate(50.0)}


WHOLE = [
    ("flow [g],heat,solvent,cycles,yield\n", "t.csv:1: column 'flow [g]': 'g' is a mass, and a flow is wanted"),
    ("flwo,heat,solvent,cycles,yield\n", "no column for the parameter 'flow': did you mean 'flwo'? Rename it"),
    ("flow,flow [L/h],heat,solvent,cycles,yield\n", "'flow' and 'flow [L/h]' could all be the parameter 'flow'"),
    ("flow,heat,heat,solvent,cycles,yield\n", "two columns are named 'heat': rename one of them"),
    ("\n", "the table is empty: it needs a row of headings"),
]


@pytest.mark.parametrize(("text", "message"), WHOLE)
def test_a_table_whose_headings_do_not_fit_is_refused_as_a_whole(tmp_path: Path, text: str, message: str) -> None:
    row = "2,25,water,3,60\n" if text.strip() else ""
    assert message in said(text_table(tmp_path, text + row))


def test_a_file_that_is_not_what_it_says_is_refused(tmp_path: Path) -> None:
    row = "flow,heat,solvent,cycles,yield,µ\n2,25,water,3,60,µ\n"
    assert "t.csv:1: this is not text in UTF-8" in said(text_table(tmp_path, row, "cp1252"))
    assert read(text_table(tmp_path, row, "cp1252"), "encoding: cp1252\n").rows
    (tmp_path / "t.xlsx").write_text("no workbook")
    assert "cannot be read as a workbook" in said(tmp_path / "t.xlsx")
    (tmp_path / "t.parquet").write_text("no table")
    assert "cannot be read as Parquet" in said(tmp_path / "t.parquet")
    assert "open it and save it as .xlsx" in said(tmp_path / "t.xls")
    assert "the table cannot be read: No such file" in said(tmp_path / "lost.csv")
    book = Workbook()
    book.create_sheet("more")
    book.save(tmp_path / "t.xlsx")
    assert "it has the sheets 'Sheet' and 'more': say in the mapping" in said(tmp_path / "t.xlsx")
    assert "it has no sheet 'mor': did you mean 'more'?" in said(tmp_path / "t.xlsx", "sheet: mor\n")


def test_a_mapping_says_what_the_headings_do_not(tmp_path: Path) -> None:
    text = "Results of 2024\nDurchfluss;T (Bad);Zyklen;Ausbeute;u\n2,5;298,15;3;61,5;0,8\n"
    mapping = (
        "header: 2\nseparator: ';'\ndecimal: ','\nvalues: {solvent: water}\ncolumns:\n  flow: Durchfluss\n"
        "  heat: {heading: T (Bad), unit: K}\n  cycles: Zyklen\n  yield: Ausbeute\n"
        "  yield_sem: {heading: u, unit: percent}\n"
    )
    (row,) = read(text_table(tmp_path, text), mapping).rows
    assert row.values == {"flow": 2.5, "heat": pytest.approx(25.0), "solvent": "water", "cycles": 3, "stirrer": "on"}
    assert row.outcome == {"yield": Estimate(61.5, 0.8)}
    assert "a point in it" in str(read(text_table(tmp_path, text.replace("2,5", "2.5")), mapping).refused[0])


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("columns: {flwo: Q}\n", "columns: the campaign has no 'flwo': did you mean 'flow'?"),
        ("columns: {flow: Q}\n", "no column has the heading 'Q', named for 'flow': columns are 'flow'"),
        ("columns: {flow: {heading: flow, unit: furlong/x}}\n", "columns.flow: 'furlong/x' is not a unit"),
        ("values: {solvent: oil}\n", "values.solvent: 'oil' is outside what the parameter allows"),
        ("values: {flow: 2}\ncolumns: {flow: flow}\n", "values: 'flow' has a column, too: remove one of the two"),
        ("colums: {}\n", "did you mean 'columns'?"),
        ("encoding: klingon\n", "no encoding is called 'klingon'"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path, mapping: str, message: str) -> None:
    assert message in said(text_table(tmp_path, "flow,heat,solvent,cycles,yield\n2,25,water,3,60\n"), mapping)


def test_what_export_writes_can_be_imported(tmp_path: Path) -> None:
    text = "flow_mL/min,heat_degC,solvent,cycles,stirrer,yield_percent,yield_sem_percent\n2,25,water,3,on,60,0.5\n"
    (row,) = read(text_table(tmp_path, text)).rows
    assert row.outcome == {"yield": Estimate(60.0, 0.5)}


def test_parquet_is_read(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    columns = {"flow": [2.0, None], "heat": [25.0, 25.0], "solvent": ["water"] * 2, "cycles": [3, 3], "yield": [6.0, 7]}
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    found = read(tmp_path / "t.parquet")
    assert [row.source.row for row in found.rows] == [1]
    assert found.refused[0].row == 2
