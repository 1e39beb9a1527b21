"""Earlier data are read in the campaign's units, refused where they do not fit, and frozen when it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from autolab.compose.earlier import earlier_campaign, notes_on_tables, with_earlier
from autolab.compose.options import RunOptions
from autolab.compose.resuming import as_begun
from autolab.compose.running import run_campaign
from autolab.config.campaign import load_campaign
from autolab.core.errors import FileError, InputError, InputErrors
from autolab.core.objectives import Objective
from autolab.core.parameters import FixedParameter, Parameter, RangeParameter, Values
from autolab.core.problem import Problem, Space
from autolab.core.trials import Estimate, Outcome
from autolab.journal.reader import JournalReader
from autolab.report.page import render_report
from tests.compose.files import example

FLOW, HEAT = RangeParameter("flow", 0.0, 10.0, unit="mL/min"), RangeParameter("heat", 0.0, 100.0, unit="degC")
OURS = Problem(Space((FLOW, HEAT)), Objective("y", "minimize", unit="mm"))
TABLE = "cyan,magenta,yellow,colour_distance\n" + "".join(f"{10 * i},{5 * i},{60 - 6 * i},{20 + i}\n" for i in range(9))


def theirs(*parameters: Parameter, unit: str = "mm") -> Problem:
    return Problem(Space(parameters), Objective("y", "minimize", unit=unit))


def given(folder: Path, earlier: str, more: str = "") -> Path:
    """The replay example with a key ``earlier``."""
    file = example(
        "replay",
        folder,
        {"campaign.yaml": ("budget: {trials: 30}", f"budget: {{trials: 7}}\n{more}earlier: {earlier}")},
    )
    (file.parent / "old.csv").write_text(TABLE)
    return file


def test_units_are_converted() -> None:
    other = theirs(
        RangeParameter("flow", 0.0, 600.0, unit="mL/h"), RangeParameter("heat", 270.0, 370.0, unit="K"), unit="cm"
    )
    found = earlier_campaign("old", other, [({"flow": 120.0, "heat": 300.15}, {"y": Estimate(0.3)})], OURS)
    ((values, outcome),) = found.trials()
    assert values == {"flow": pytest.approx(2.0), "heat": pytest.approx(27.0)}
    assert (outcome["y"].value, outcome["y"].sem) == (pytest.approx(3.0), None)
    assert found.errors == ()


def test_standard_errors_come_along_in_our_units() -> None:
    celsius = replace(OURS, objective=Objective("y", "minimize", unit="degC"))
    known: list[tuple[Values, Outcome]] = [
        ({"flow": 1.0, "heat": 2.0}, {"y": Estimate(300.15, 0.5)}),
        ({"flow": 2.0, "heat": 2.0}, {"y": Estimate(0.0)}),
    ]
    found = earlier_campaign("old", theirs(FLOW, HEAT, unit="K"), known, celsius)
    assert [outcome["y"].sem for _, outcome in found.trials()] == [pytest.approx(0.5), None]
    assert [outcome["y"].value for _, outcome in found.trials()] == [pytest.approx(27.0), pytest.approx(-273.15)]


@pytest.mark.parametrize(
    ("parameters", "unit", "said"),
    [
        ([FLOW], "mm", "old has no parameter 'heat', which is varied here: fix it, or remove old"),
        ([FLOW, HEAT, RangeParameter("salt", 0.0, 1.0)], "mm", "old has varied 'salt', which is no parameter here"),
        ([FLOW, RangeParameter("heat", 0.0, 1.0, unit="m")], "mm", "old: parameter 'heat': "),
        ([FLOW, HEAT], "kg", "old: metric 'y': "),
    ],
)
def test_what_does_not_fit_is_refused(parameters: Sequence[Parameter], unit: str, said: str) -> None:
    values: Values = {parameter.name: 0.5 for parameter in parameters}
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        earlier_campaign("old", theirs(*parameters, unit=unit), [(values, {"y": Estimate(1.0)})], OURS)


def test_a_campaign_without_the_metric_is_refused() -> None:
    with pytest.raises(InputError, match="old has no trial with an outcome in y: name another campaign"):
        earlier_campaign("old", OURS, [({"flow": 1.0, "heat": 2.0}, {"z": Estimate(1.0)})], OURS)


def test_what_is_fixed_here_may_be_missing_there() -> None:
    here = replace(OURS, space=Space((FLOW, FixedParameter("plate", "A"))))
    found = earlier_campaign("old", theirs(FLOW), [({"flow": 1.0}, {"y": Estimate(2.0)})], here)
    assert found.rows == ((1.0, "A", 2.0),)


@pytest.mark.parametrize(
    ("earlier", "more", "said"),
    [
        ("[old.csv, old.csv]", "", r"earlier: 'old.csv' is named twice: remove one"),
        ("[old.csv]", "engine: sobol\n", r"earlier: engine sobol learns nothing: take another engine"),
        (
            "[old.csv]",
            'outcome_constraints: [{keep: "turbidity <= 1", hard: 0.1}]\n',
            r"earlier: a hard outcome constraint is judged by this campaign's own outcomes alone",
        ),
    ],
)
def test_keys_that_do_not_go_together_are_refused_with_their_line(
    tmp_path: Path, earlier: str, more: str, said: str
) -> None:
    with pytest.raises(FileError, match=r"campaign.yaml:\d+: " + said):
        load_campaign(given(tmp_path, earlier, more))


def test_what_is_not_there_is_refused_with_the_line_of_the_campaign_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"campaign.yaml:\d+: earlier: .*holds no campaigns"):
        with_earlier(load_campaign(given(tmp_path, "[nobody-20260101]")), tmp_path / "data")


def test_a_bad_cell_is_refused_with_the_line_of_the_table(tmp_path: Path) -> None:
    file = given(tmp_path, "[old.csv]")
    (file.parent / "old.csv").write_text(TABLE + "1,2,x,3\n")
    with pytest.raises((FileError, InputErrors), match=r"old.csv:11: .*'x'"):
        notes_on_tables(load_campaign(file))


def test_they_are_frozen_with_the_campaign_judged_with_each_trial_and_told(tmp_path: Path) -> None:
    first = run_campaign(given(tmp_path, "[]"), options(tmp_path, engine="sobol", trials=6)).campaign
    file = given(tmp_path / "more", f"[old.csv, {first}]", "engine: {name: lean, initial: 4}\n")
    second = run_campaign(file, options(tmp_path)).campaign
    (file.parent / "old.csv").unlink()
    reader = JournalReader.open(tmp_path / "data")
    try:
        record, trials = reader.campaign(second), reader.trials(second)
        page = render_report(reader, record)
    finally:
        reader.close()
    frozen = record.problem.earlier
    assert [(source.name, len(source.rows)) for source in frozen] == [("old.csv", 9), (first, 6)]
    assert as_begun(load_campaign(file), record).problem.earlier == frozen
    with pytest.raises(FileError, match=r"campaign.yaml:\d+: earlier: .*nobody-20260101"):
        with_earlier(load_campaign(given(tmp_path / "nobody", "[nobody-20260101]")), tmp_path / "data")
    assert all(name in trials[-1].suggestion.reason for name in ("old.csv", first))
    assert "Earlier data" in page
    assert frozen[0].sha256[:16] in page


def options(folder: Path, engine: str | None = None, trials: int | None = None) -> RunOptions:
    return RunOptions(data=folder / "data", simulate=True, virtual=True, seed=1, engine=engine, trials=trials)
