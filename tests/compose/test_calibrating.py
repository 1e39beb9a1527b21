"""Calibrations on the colour bench in memory: found by their names, performed by themselves or by hand, and traced."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autolab.campaign.events import CampaignResult
from autolab.cli.app import app
from autolab.compose.calibratebyhand import calibrate_by_hand
from autolab.compose.calibrating import match_calibrations
from autolab.compose.names import Names
from autolab.compose.options import RunOptions
from autolab.compose.running import run_campaign
from autolab.config.lab import load_lab
from autolab.core.errors import InputError
from autolab.core.trials import TrialState
from autolab.journal.calibrations import of_campaign
from autolab.journal.journal import STATES_FILE
from autolab.journal.judgements import last_judgement
from autolab.journal.reader import JournalReader
from autolab.report.page import render_report
from autolab.report.provenance import provenance
from tests.compose.files import example
from tests.system.test_provenance import Sobol

BLANK = (
    "blank: {kind: blank, of: [spectrometer], plan: plans.references.blank, reduce: plans.references.baseline, "
    "valid: {time: 1 d, trials: 2}}"
)
CYAN = (
    "cyan: {kind: reference, of: [spectrometer, dispenser], plan: plans.references.reference, reduce: "
    "plans.references.reference_absorbance, with: {cyan: 0.06 mL, mixing_time: 5 s}, valid: {measurements: 30}}"
)


def declaring(folder: Path, *calibrations: str) -> Path:
    """The files of the bench with calibrations. Returns the campaign file."""
    file = example("colour", folder)
    lab = file.with_name("lab.yaml")
    lines = "".join(f"  {each}\n" for each in calibrations)
    lab.write_text(f"{lab.read_text(encoding='utf-8')}calibrations:\n{lines}", encoding="utf-8")
    return file


def in_memory(data: Path, trials: int = 3) -> RunOptions:
    return RunOptions(data=data, simulate=True, virtual=True, trials=trials, seed=1, engine="sobol", lanes=1)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> tuple[CampaignResult, Path]:
    """A screened campaign of three trials, which needs two blanks and a reference; and its data folder."""
    folder = tmp_path_factory.mktemp("calibrated")
    result = run_campaign(declaring(folder, BLANK, CYAN), in_memory(folder / "data"), proposer=Sobol())
    return result, folder / "data"


def test_they_are_performed_by_themselves_screened_and_in_wells_of_their_own(campaign: tuple[CampaignResult, Path]):
    result, data = campaign
    assert (result.state, result.trials) == ("finished", 3)
    reader = JournalReader.open(data)
    performed = of_campaign(reader.states, result.campaign)
    assert [(one.name, one.trial, one.state) for one in performed] == [
        ("blank", 1, "done"), ("cyan", 1, "done"), ("blank", 3, "done"),
    ]  # fmt: skip
    assert [list(one.values or ()) for one in performed] == [["baseline"], ["peak_absorbance"], ["baseline"]]
    assert performed[0].instruments == {"spectrometer": "Autolab fibre spectrometer no. SP-0001"}
    trials = reader.trials(result.campaign)
    assert [trial.samples[0].well for trial in trials] == [0, 3, 4]
    wells = [row["well"] for row in reader.states.rows("SELECT well FROM samples ORDER BY well")]
    assert wells == [0, 1, 2, 3, 4, 5]
    poured = [i for i in reader.intents(result.campaign, 1) if i.operation.endswith(".r901.disp-cyan.a1")]
    assert [intent.action["volume_ul"] for intent in poured] == [60.0], "0.06 mL reached the dispenser as 60 µL"
    assert {trial.verdict.dry_run for trial in trials if trial.verdict} == {"proved"}
    reader.close()


def test_from_each_outcome_the_walk_leads_to_what_stood_without_a_gap(campaign: tuple[CampaignResult, Path]):
    result, data = campaign
    reader = JournalReader.open(data)
    record = reader.campaign(result.campaign)
    for trial in reader.trials(result.campaign):
        origin = provenance(reader, record, trial)
        assert origin.gaps == ()
        (run,) = origin.runs
        assert [(one.name, one.trial) for one in run.calibrations] == [
            ("blank", 1), ("cyan", 1),
        ] if trial.number < 3 else [("cyan", 1), ("blank", 3)]  # fmt: skip
        assert all(
            uid in {u for one in run.calibrations for u in one.runs} for one in run.calibrations for uid in one.runs
        )
    reader.close()
    shown = said(data, "show", result.campaign, "--trial", "2")
    assert "    relied on blank 'blank' of spectrometer: performed on 2000-01-01 00:00 by " in shown
    assert "    relied on reference 'cyan' of dispenser, spectrometer: performed on " in shown
    status = said(data, "status", result.campaign)
    assert "valid until 2000-01-02 00:01, for 1 more of 2 trials" in status
    asked = json.loads(said(data, "status", result.campaign, "--json"))["calibrations"]
    assert [(state["calibration"]["name"], state["trials"]) for state in asked] == [("blank", 1), ("cyan", 3)]


def said(data: Path, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--data", str(data)])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_measurement_of_which_nothing_says_what_stood_is_a_gap(campaign: tuple[CampaignResult, Path], tmp_path: Path):
    result, data = campaign
    for file in data.glob("*.sqlite"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with closing(sqlite3.connect(tmp_path / STATES_FILE)) as connection:
        connection.execute("DELETE FROM calibration_uses WHERE trial = 1 AND calibration = 1")
        connection.commit()
    reader = JournalReader.open(tmp_path)
    record = reader.campaign(result.campaign)
    (gap,) = provenance(reader, record, reader.trials(record.id)[0]).gaps
    reader.close()
    assert gap.endswith("it recorded spectrometer, and nothing says which blank 'blank' stood")


def test_by_hand_they_are_performed_now_whatever_stands_and_recorded_as_the_persons(tmp_path: Path):
    lab = declaring(tmp_path, BLANK, CYAN).with_name("lab.yaml")
    result = calibrate_by_hand(lab, ["blank"], in_memory(tmp_path / "data", 1))
    assert (result.state, result.exit_code) == ("finished", 0)
    reader = JournalReader.open(tmp_path / "data")
    (performed,) = of_campaign(reader.states, result.campaign)
    (trial,) = reader.trials(result.campaign)
    assert (performed.name, performed.state, performed.by) == ("blank", "done", reader.campaign().principal)
    assert (trial.state, trial.suggestion.engine, trial.samples) == (TrialState.INGESTED, "person", ())
    reader.close()
    with pytest.raises(InputError, match="'blanc' is not a calibration of colour-bench: did you mean 'blank'"):
        calibrate_by_hand(lab, ["blanc"], in_memory(tmp_path / "data", 1))
    bare = example("colour-bench", tmp_path).with_name("lab.yaml")
    with pytest.raises(InputError, match="it declares no calibrations: write them under 'calibrations'"):
        calibrate_by_hand(bare, [], in_memory(tmp_path / "data", 1))


def test_a_plan_that_would_leave_the_envelope_is_not_run_and_neither_is_the_trial(tmp_path: Path):
    bad = BLANK.replace("plans.references.blank", "blanks.wrong.blank").replace(
        "reduce: plans.references.baseline, ", ""
    )
    file = declaring(tmp_path, bad)
    lab = file.with_name("lab.yaml")
    lab.write_text(f"{lab.read_text()}packages: [blanks]\n")
    (file.parent / "blanks").mkdir()
    (file.parent / "blanks" / "__init__.py").write_text("")
    (file.parent / "blanks" / "wrong.py").write_text(
        "import bluesky.plan_stubs as bps\n\n\ndef blank(stage):\n    yield from bps.mv(stage, 400.0)\n"
    )
    result = run_campaign(file, in_memory(tmp_path / "data", 1), proposer=Sobol())
    assert result.trials == 0
    reader = JournalReader.open(tmp_path / "data")
    (trial,) = reader.trials(result.campaign)
    assert trial.state is TrialState.REFUSED
    assert str(trial.transitions[-1].detail).startswith(
        "blank: message 1 of the plan: stage.position: refused to write 400 mm"
    )
    assert of_campaign(reader.states, result.campaign) == []
    reader.close()


def test_on_the_bench_that_drifts_the_blank_is_taken_again_and_the_drift_is_taken_out(tmp_path: Path):
    file = example("calibrated-bench", tmp_path)
    result = run_campaign(file, in_memory(tmp_path / "data", 5), proposer=Sobol())
    reader = JournalReader.open(tmp_path / "data")
    record = reader.campaign()
    performed = [(one.name, one.trial) for one in of_campaign(reader.states, record.id)]
    assert performed == [
        ("lamp", 1), ("blank", 1), ("cyan", 1), ("cyan", 5), ("blank", 5), ("cyan", 5),
    ], "the page docs/how-to/calibrate.md tells it like this"  # fmt: skip
    fifth = last_judgement(reader.states, record.id, 5)
    assert fifth is not None
    (drift,) = fifth.corrections
    assert drift.corrected.value - drift.raw.value == pytest.approx(0.0122, abs=0.001), "the baseline went down by it"
    assert (fifth.passed, len(fifth.findings), result.trials) == (True, 4, 5)
    report = render_report(reader, record)
    reader.close()
    assert "blank: baseline" in report
    assert "What each calibration gave, in its order" in report


NOT_A_PLAN = "'plans.colour.NOZZLE_MM' is not a plan: a plan is a function that yields messages"
NOT_A_REDUCER = "'plans.references.blank' is not a reducer: declare it with @reducer(metrics=...) of plans.reducers"
NO_DEVICE = "needs 'cyan', which is no device of the lab: write it under 'with'; devices are stage"
DRIFT = "valid: {drift: {of: blank, metric: base, by: 1}}"


@pytest.mark.parametrize(
    ("which", "old", "new", "why"),
    [
        ("blank", "references.blank", "references.blanc", "has no 'blanc'; did you mean plans.references.blank?"),
        ("blank", "plans.references.blank", "plans.colour.NOZZLE_MM", NOT_A_PLAN),
        ("blank", "plans.references.blank", "os.remove", "list 'os' under 'packages' in the lab file if it is yours"),
        ("blank", "references.baseline", "references.blank", NOT_A_REDUCER),
        ("cyan", "cyan: 0.06 mL", "cyan: 60", "cyan: 60 has no unit: write for example '60 uL'"),
        ("cyan", "cyan: 0.06 mL", "cyan: 60 s", "cyan: "),
        ("cyan", "cyan: 0.06 mL", "cyam: 60 uL", "takes no 'cyam' from here; did you mean 'cyan'?"),
        ("cyan", "cyan: 0.06 mL, ", "", NO_DEVICE),
        ("cyan", "valid: {measurements: 30}", DRIFT, "cyan: blank does not yield 'base'; it yields baseline"),
    ],
)
def test_names_and_values_that_do_not_fit_are_refused_with_file_and_line(
    tmp_path: Path, which: str, old: str, new: str, why: str
):
    text = f"{BLANK}\n  {CYAN}"
    assert text.count(old) == 1
    file = declaring(tmp_path, text.replace(old, new)).with_name("lab.yaml")
    lab = load_lab(file)
    with pytest.raises(InputError) as refusal:
        match_calibrations(lab, Names(lab.source, lab.packages, file.parent))
    line = next(n for n, line in enumerate(file.read_text().splitlines(), 1) if line.startswith(f"  {which}: {{kind"))
    assert str(refusal.value).startswith(f"{file}:{line}: ")
    assert why in str(refusal.value)
