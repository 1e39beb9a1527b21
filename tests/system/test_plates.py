"""A plate on the colour bench: the same bench gives the same numbers, and each outcome leads back through its run."""

from __future__ import annotations

from pathlib import Path

import pytest

from autolab.cli.tracing import origin_lines
from autolab.compose.checking import check_names
from autolab.compose.matching import bind_files
from autolab.compose.options import RunOptions
from autolab.compose.running import run_campaign
from autolab.core.errors import FileError, InputError
from autolab.core.trials import Outcome
from autolab.journal.calibrations import of_campaign
from autolab.journal.reader import JournalReader
from autolab.report.provenance import provenance
from tests.compose.files import example
from tests.system.test_provenance import Sobol

PLATE = """plan: plans.colourplate.mix
plate: {trials: 3, measure: plans.colourplate.measure_plate}"""
PLAN = "plan: plans.colour.mix_and_measure"


def written(folder: Path, plan: str) -> Path:
    file = example("colour", folder)
    text = file.read_text(encoding="utf-8")
    assert PLAN in text
    file.write_text(text.replace(PLAN, plan), encoding="utf-8")
    return file


def run(folder: Path, plan: str) -> JournalReader:
    options = RunOptions(data=folder / "data", simulate=True, virtual=True, trials=4, seed=5, engine="sobol")
    result = run_campaign(written(folder, plan), options, proposer=Sobol())
    assert (result.state, result.trials) == ("finished", 4), result.reason
    return JournalReader.open(folder / "data")


def outcomes(reader: JournalReader) -> list[Outcome | None]:
    return [trial.outcome for trial in reader.trials(reader.campaign().id)]


def test_wells_that_are_measured_together_yield_what_each_would_yield_alone(tmp_path: Path):
    (tmp_path / "alone").mkdir()
    (tmp_path / "together").mkdir()
    alone, together = run(tmp_path / "alone", PLAN), run(tmp_path / "together", PLATE)
    assert outcomes(together) == outcomes(alone)
    record = together.campaign()
    trials = together.trials(record.id)
    for trial in trials:
        origin = provenance(together, record, trial)
        assert origin.gaps == ()
        mixed, measured = origin.runs
        assert (mixed.plan, mixed.n_events, mixed.shared_with) == ("plans.colourplate.mix", 0, ())
        others = {1: (2, 3), 2: (1, 3), 3: (1, 2), 4: ()}[trial.number]
        assert (measured.plan, measured.n_events, measured.shared_with) == (
            "plans.colourplate.measure_plate",
            3,
            others,
        )
        assert {device.name for device in measured.devices} == {"stage", "dispenser", "spectrometer"}
        assert len(origin.samples[0].dispenses) >= 2
    said = origin_lines(provenance(together, record, trials[0]))
    assert any(line.endswith("3 events, with trials 2, 3 on the same plate") for line in said)
    alone.close()
    together.close()


BLANK = (
    "blank: {kind: blank, of: [spectrometer], plan: plans.references.blank, reduce: plans.references.baseline, "
    "valid: {time: 1 d, trials: 3}}"
)


def with_blank(folder: Path, blank: str) -> Path:
    lab = written(folder, PLATE).with_name("lab.yaml")
    lab.write_text(f"{lab.read_text(encoding='utf-8')}calibrations:\n  {blank}\n", encoding="utf-8")
    return lab.with_name("campaign.yaml")


def test_each_trial_of_a_plate_leads_to_the_calibration_that_stood_in_the_shared_run(tmp_path: Path):
    options = RunOptions(data=tmp_path / "data", simulate=True, virtual=True, trials=4, seed=5, engine="sobol")
    result = run_campaign(with_blank(tmp_path, BLANK), options, proposer=Sobol())
    assert (result.state, result.trials) == ("finished", 4), result.reason
    reader = JournalReader.open(tmp_path / "data")
    performed = of_campaign(reader.states, result.campaign)
    assert [(one.name, one.trial) for one in performed] == [("blank", 1), ("blank", 4)]
    record = reader.campaign()
    for trial in reader.trials(record.id):
        origin = provenance(reader, record, trial)
        assert origin.gaps == ()
        mixed, measured = origin.runs
        assert mixed.calibrations == (), "nothing is measured while a well is prepared"
        assert [(one.name, one.trial) for one in measured.calibrations] == [("blank", 1 if trial.number < 4 else 4)]
    reader.close()


def test_what_is_valid_for_fewer_trials_than_a_plate_has_is_refused_before_anything_moves(tmp_path: Path):
    file = with_blank(tmp_path, BLANK.replace("trials: 3", "trials: 2"))
    with pytest.raises(FileError, match=r"blank 'blank' of spectrometer is valid for 2: give at most 2"):
        bind_files(file, RunOptions(data=tmp_path / "data", simulate=True, virtual=True))


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (f"{PLAN}\nplate: {{trials: 3, measure: plans.colour.put_back}}", "takes no 'plate': it would not know which"),
        (PLATE.replace("measure_plate", "measure_plates"), "did you mean plans.colourplate.measure_plate"),
        (f"lanes: 2\n{PLATE}", "would run them side by side: remove one of the two keys"),
        (PLATE.replace("trials: 3", "trials: 1"), "plate.trials: 1 is less than 2: give at least 2"),
    ],
    ids=["no-plate", "misspelt", "lanes", "one-trial"],
)
def test_a_plate_that_cannot_be_is_refused_before_anything_moves(tmp_path: Path, plan: str, message: str):
    with pytest.raises((FileError, InputError), match=message.replace("(", "\\(")):
        check_names("campaign", written(tmp_path, plan))
