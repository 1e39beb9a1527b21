"""Tables of measured conditions: which column is what, which rows count, and what is refused, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from autolab.config.measured import MeasuredTable, read_measured
from autolab.core.constraints import Constraint
from autolab.core.errors import InputError
from autolab.core.objectives import Objective, OutcomeConstraint
from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, Parameter, RangeParameter
from autolab.core.problem import Problem, Space

HEADER = "flow,kind,yield\n"


def problem(*more: Parameter, constraints: tuple[str, ...] = (), metrics: tuple[str, ...] = ()) -> Problem:
    flow = RangeParameter("flow", 1.0, 5.0, "mL/min", step=0.5)
    kind = ChoiceParameter("kind", ("water", "ethanol"))
    space = Space((flow, kind, *more), tuple(Constraint(text) for text in constraints))
    bounds = tuple(OutcomeConstraint(metric, "<=", 1.0) for metric in metrics)
    return Problem(space, Objective("yield", "maximize", unit="percent"), bounds)


def read(tmp_path: Path, text: str, posed: Problem | None = None) -> MeasuredTable:
    file = tmp_path / "t.csv"
    file.write_bytes(text.encode())
    return read_measured(file, posed or problem())


def said(tmp_path: Path, text: str, posed: Problem | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text, posed)
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_rows_become_values_and_metrics_with_their_lines(tmp_path: Path) -> None:
    found = read(tmp_path, "kind,flow,yield,who\nwater,1.5,40,me\n\nethanol,2,41.5,me\n")
    assert [(row.line, row.values, dict(row.metrics)) for row in found.rows] == [
        (2, {"flow": 1.5, "kind": "water"}, {"yield": 40.0}),
        (4, {"flow": 2.0, "kind": "ethanol"}, {"yield": 41.5}),
    ]
    assert found.notes == (
        "columns that the campaign does not name were not used: who",
        "columns without a unit were taken in the campaign's: flow in mL/min, yield in percent",
    )


@pytest.mark.parametrize("heading", ["flow [L/h]", "flow (L/h)", "flow[L/h]"])
def test_numbers_in_another_unit_are_converted_and_that_is_said(tmp_path: Path, heading: str) -> None:
    found = read(tmp_path, f"{heading},kind,yield_percent\n0.12,water,40\n")
    assert found.rows[0].values["flow"] == pytest.approx(2.0)
    assert "converted: flow from L/h to mL/min" in found.notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "flow [bar],kind,yield\n",
            "t.csv:1: column 'flow [bar]': 'bar' is a pressure, and a flow is wanted: use 'mL/min' or a unit like it",
        ),
        (
            "flow [],kind,yield\n",
            "t.csv:1: column 'flow []': without a unit it is a pure number, and a flow is wanted: "
            "use 'mL/min' or a unit like it",
        ),
        (
            "flw [mL/min],kind,yield\n",
            "t.csv:1: there is no column for the parameter 'flow': did you mean 'flw [mL/min]'? Rename it",
        ),
        (
            "flow,kind,speed\n",
            "t.csv:1: there is no column for the metric 'yield': columns are 'flow', 'kind' and 'speed'",
        ),
        (
            "flow,flow (mL/min),kind,yield\n",
            "t.csv:1: 'flow' and 'flow (mL/min)' could all be the parameter 'flow': rename all but one",
        ),
        ("flow,flow,kind,yield\n", "t.csv:1: two columns are named 'flow': rename one of them"),
        ("flow;kind;yield\n", "t.csv:1: the cells are separated by ';': save the table with ',' between the cells"),
        ("", "t.csv: the table is empty: it needs a header and rows"),
        (HEADER, "t.csv: no row of the table can be used: it has a header only"),
        (HEADER + "2,water\n", "t.csv:2: this row has 2 cells, and the header has 3"),
        (
            HEADER + "2,water,\n",
            "t.csv: no row of the table can be used: 1 row without a value and left out (first in line 2)",
        ),
        (HEADER + ",water,1\n", "t.csv:2: column 'flow' is empty here: give the value, or take the row out"),
        (HEADER + "nan,water,1\n", "t.csv:2: column 'flow' holds nan here: it must be a finite number"),
        (HEADER + "2,water,inf\n", "t.csv:2: column 'yield' holds inf here: it must be a finite number"),
        (
            HEADER + "2,water,1e300\n",
            "t.csv:2: column 'yield' holds 1e300 here: it is beyond ±1e+100, use a larger unit",
        ),
        (
            HEADER + '"2,5",water,1\n',
            "t.csv:2: column 'flow' holds '2,5' here: a number is wanted, with a point and not a comma in it",
        ),
        (
            HEADER + "1e300,water,1\n",
            "t.csv: no row of the table can be used: 1 row is outside the space and left out (first "
            "in line 2: flow = 1e+300 mL/min is above 5)",
        ),
        (
            HEADER + "2,etanol,1\n",
            "t.csv: no row of the table can be used: 1 row is outside the space and left out (first "
            "in line 2: kind = 'etanol' is none of its choices: did you mean 'ethanol'?)",
        ),
    ],
    ids=lambda value: value.replace("\n", "|")[:25],
)
def test_what_cannot_be_used_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    assert said(tmp_path, text) == message


def test_several_wrong_lines_are_said_together_and_not_too_many(tmp_path: Path) -> None:
    rows = "".join(f"x,water,{n}\n" for n in range(12))
    lines = said(tmp_path, HEADER + rows).splitlines()
    assert lines[0] == "t.csv:2: column 'flow' holds 'x' here: a number is wanted"
    assert lines[10:] == ["and 2 more lines are refused"]


def test_rows_outside_the_space_are_counted_and_those_that_are_nearly_inside_are_taken(tmp_path: Path) -> None:
    other = RangeParameter("other", 0.0, 5.0, "mL/min")
    text = "flow,kind,other,yield\n" + "\n".join(
        ["2,water,3,1", "2.2,water,2.8,2", "2,water,3.01,3", "0.5,water,4.5,4", "2,water,2,5", "2,water,3,nan"]
    )
    found = read(tmp_path, text, problem(other, constraints=("flow + other == 5",)))
    assert [row.line for row in found.rows] == [2, 3, 4]
    assert found.n_read == 6
    assert found.notes[1:] == (
        "2 rows are outside the space and left out (first in line 5: flow = 0.5 mL/min is below 1)",
        "1 row without a value and left out (first in line 7)",
        "1 row is beyond a constraint by less than 0.5 % of its bound and taken as rounded (first in line 4)",
        "1 row is between the steps of a parameter (first in line 3)",
    )


def test_fixed_whole_and_numeric_choices_are_read_as_what_they_are(tmp_path: Path) -> None:
    more = (
        FixedParameter("hold", 300, "s"),
        IntegerParameter("n", 1, 9),
        ChoiceParameter("size", (1, 2.5)),
        ChoiceParameter("wet", (True, False)),
    )
    rows = ("2,water,300.0,3.0,2.5,TRUE,1", "2,water,200,3,1,true,1", "2,water,300,3.5,1,false,1")
    text = "\n".join(("flow,kind,hold,n,size,wet,yield", *rows))
    found = read(tmp_path, text, problem(*more))
    assert found.rows[0].values == {"flow": 2.0, "kind": "water", "hold": 300, "n": 3, "size": 2.5, "wet": True}
    assert isinstance(found.rows[0].values["n"], int)
    assert "2 rows are outside the space and left out (first in line 3: hold is not 300)" in found.notes


def test_every_metric_of_the_problem_is_wanted(tmp_path: Path) -> None:
    assert said(tmp_path, HEADER, problem(metrics=("haze",))) == (
        "t.csv:1: there is no column for the metric 'haze': columns are 'flow', 'kind' and 'yield'"
    )
    found = read(tmp_path, "flow,kind,yield,haze\n2,water,3,0.5\n", problem(metrics=("haze",)))
    assert dict(found.rows[0].metrics) == {"yield": 3.0, "haze": 0.5}
