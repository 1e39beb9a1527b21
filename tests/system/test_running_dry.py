"""A campaign that will run dry says so, and pauses before the trial that would."""

from __future__ import annotations

from pathlib import Path

from autolab.core.trials import TrialState
from autolab.journal.reader import JournalReader
from tests.compose.files import example
from tests.system.command import autolab


def test_a_campaign_pauses_before_the_trial_that_would_run_dry(tmp_path: Path):
    file = example("colour", tmp_path, {"lab.yaml": ("clear:   {stock: 250 mL}", "clear:   {stock: 0.6 mL}")})
    words = ("run", file, "--simulate", "--time-factor", 800, "--engine", "random", "--trials", 12, "--seed", 5)
    done = autolab(*words, data=tmp_path / "data")
    assert done.returncode == 5, done.stderr
    assert "Note: clear may run dry: " in done.stderr
    assert "clear runs dry: " in done.stdout
    reader = JournalReader.open(tmp_path / "data")
    campaign = reader.campaign()
    states = [trial.state for trial in reader.trials(campaign.id)]
    used = [i.action["volume_ul"] for i in reader.intents(campaign.id) if i.action.get("material") == "clear"]
    asked = [(i.principal, i.cause, i.detail) for i in reader.interventions(campaign.id)]
    reader.close()
    ((who, cause, detail),) = asked
    assert (who, cause) == ("autolab", "request")
    assert " waits: clear runs dry: " in detail
    assert set(states) == {TrialState.INGESTED, TrialState.SCREENED}, "a trial was begun that could not be finished"
    assert 600.0 - max(used) < sum(used) <= 600.0
    again = autolab("resume", campaign.id, data=tmp_path / "data")
    assert again.returncode == 5, again.stderr
    assert "clear runs dry: " in again.stdout


def test_what_is_left_is_shared_out_and_a_trial_that_needs_more_does_not_begin(tmp_path: Path):
    """What a trial will pour is known from dry runs of its plan, so that the dispenser never finds too little."""
    file = example("colour", tmp_path, {"lab.yaml": ("clear:   {stock: 250 mL}", "clear:   {stock: 90 uL}")})
    words = ("run", file, "--simulate", "--virtual", "--engine", "random", "--trials", 12, "--seed", 1)
    done = autolab(*words, data=tmp_path / "data")
    assert done.returncode == 5, done.stderr
    assert "are left and the trial needs" in done.stdout
    reader = JournalReader.open(tmp_path / "data")
    first, *others = reader.trials(reader.campaign().id)
    reader.close()
    assert TrialState.FAILED not in {trial.state for trial in others}
    assert first.state is TrialState.INGESTED
    assert "; clear is bounded to 90 µL by what is left in its bottle" in first.suggestion.reason
    explanation = first.suggestion.explanation
    assert explanation is not None
    assert explanation.left == ("cyan + magenta + yellow >= 210",)


def test_too_few_wells_are_foreseen_before_the_first_trial(tmp_path: Path):
    file = example("colour", tmp_path, {"lab.yaml": ("wells: 24", "wells: 1")})
    words = ("run", file, "--simulate", "--virtual", "--engine", "random", "--trials", 12, "--seed", 1)
    done = autolab(*words, data=tmp_path / "data")
    assert done.returncode == 5, done.stderr
    first = done.stderr.splitlines()[1]
    assert first == "Note: wells will run out: 8 are free and 12 trials are to come."
    assert "no free well is left: put in fresh labware" in done.stdout
