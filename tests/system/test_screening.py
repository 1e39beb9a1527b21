"""The screen in the loop: what the dry run finds is recorded and shown, and a plan that it refuses never runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from autolab.journal.reader import JournalReader
from autolab.journal.records import TrialRecord
from tests.compose.files import EXAMPLES
from tests.system.command import autolab

PLANS = """
import bluesky.plan_stubs as bps
from hotplate.device import HotPlate


def twice_as_warm(plate: HotPlate, *, temperature: float, md=None):
    yield from bps.open_run(md=md)
    yield from bps.mv(plate, 2 * temperature)
    yield from bps.trigger_and_read([plate])
    yield from bps.close_run()


def as_warm_as_the_sample(plate: HotPlate, *, temperature: float, md=None):
    yield from bps.open_run(md=md)
    yield from bps.mv(plate, temperature)
    readings = yield from bps.trigger_and_read([plate])
    if readings["plate_sample"]["value"] > 60.0:
        yield from bps.mv(plate, %s)
    yield from bps.close_run()


def by_itself(plate: HotPlate, *, temperature: float, md=None):
    plate.set(temperature)
    yield from bps.null()
"""
CAMPAIGN = """
name: warm
lab: lab.yaml
parameters:
  temperature: {bounds: [40, 66], unit: degC}
objectives:
  sample_temperature: {goal: maximize}
plan: labplans.PLAN
reduce: hotplate.plans.sample_temperature
budget: {trials: 8}
"""


def lab_with(plan: str, folder: Path, second: str = "40.0") -> Path:
    """The hot plate with a plan of this test. Returns the campaign file."""
    (folder / "hotplate").symlink_to(EXAMPLES / "hotplate/hotplate")
    lab = (EXAMPLES / "hotplate/lab.yaml").read_text().replace("[hotplate]", "[hotplate, labplans]")
    (folder / "lab.yaml").write_text(lab)
    (folder / "labplans.py").write_text(PLANS % second)
    (folder / "campaign.yaml").write_text(CAMPAIGN.replace("PLAN", plan))
    return folder / "campaign.yaml"


def trials_of(data: Path) -> list[TrialRecord]:
    reader = JournalReader.open(data)
    try:
        return reader.trials(reader.campaign().id)
    finally:
        reader.close()


def run(file: Path, data: Path) -> list[TrialRecord]:
    autolab("run", file, "--simulate", "--virtual", "--engine", "sobol", "--seed", 2, data=data)
    return trials_of(data)


def test_over_sockets_the_colour_plan_is_proved_and_show_says_so(tmp_path: Path):
    file = EXAMPLES / "colour" / "campaign.yaml"
    how = ("--simulate", "--time-factor", 800, "--engine", "sobol", "--trials", 2, "--seed", 4)
    done = autolab("run", file, *how, data=tmp_path)
    assert done.returncode == 0, done.stderr
    verdicts = [trial.verdict for trial in trials_of(tmp_path)]
    assert [(v.decision, v.dry_run) for v in verdicts if v] == [("allowed", "proved")] * 2
    reader = JournalReader.open(tmp_path)
    identity = reader.campaign().id
    reader.close()
    shown = autolab("show", identity, "--trial", 2, data=tmp_path)
    assert "screen: allowed\ndry run of its plan: proved\n" in shown.stdout


def test_trials_whose_plan_would_leave_the_envelope_are_refused_and_the_others_run(tmp_path: Path):
    trials = run(lab_with("twice_as_warm", tmp_path), tmp_path / "data")
    assert len(trials) == 8
    assert {str(trial.state) for trial in trials} == {"ingested", "refused"}
    for trial in trials:
        assert trial.verdict is not None
        is_inside = 2 * float(trial.suggestion.values["temperature"]) <= 120.0
        assert (trial.verdict.decision == "allowed") == is_inside
        assert trial.verdict.dry_run == "proved"
        assert is_inside or "plate.temperature: refused to write" in trial.verdict.reasons[0]


def test_a_way_that_a_plan_takes_only_after_a_measurement_is_judged_before_anything_runs(tmp_path: Path):
    trials = run(lab_with("as_warm_as_the_sample", tmp_path, second="121.0"), tmp_path / "data")
    assert {str(trial.state) for trial in trials} == {"refused"}
    verdict = trials[0].verdict
    assert verdict is not None
    assert "refused to write 121 degC: the envelope allows 15 to 120 degC" in verdict.reasons[0]
    assert "where plate_sample = " in verdict.reasons[0]
    assert verdict.dry_run is not None
    assert verdict.dry_run.startswith("explored 2 branches in ")


def test_a_plan_whose_ways_are_all_inside_the_envelope_runs_and_is_explored(tmp_path: Path):
    trials = run(lab_with("as_warm_as_the_sample", tmp_path), tmp_path / "data")
    assert {str(trial.state) for trial in trials} == {"ingested"}
    assert {str(trial.verdict and trial.verdict.dry_run)[:19] for trial in trials} == {"explored 2 branches"}


def test_check_refuses_a_plan_that_writes_by_itself_and_says_where(tmp_path: Path):
    file = lab_with("by_itself", tmp_path)
    done = autolab("check", file, data=tmp_path / "data")
    assert done.returncode == 2
    assert f"{file}:8: plan 'labplans.by_itself' is refused by the screen" in done.stderr
    assert "the plan itself uses plate.set: let a message do it" in done.stderr


@pytest.mark.parametrize("name", ["colour", "replay", "hotplate"])
def test_check_says_that_the_plans_of_the_examples_are_proved(name: str, tmp_path: Path):
    done = autolab("check", EXAMPLES / name / "campaign.yaml", data=tmp_path)
    assert done.returncode == 0
    assert "dry run of the plan: proved at 8 of 8 points" in done.stdout + done.stderr
