"""Correcting, repeating and abandoning trials as a technician types it; both values stay."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from autolab.core.trials import TrialState
from autolab.journal.reader import JournalReader
from tests.compose.files import EXAMPLES
from tests.system.command import autolab, ctrl_c, line_with, started

FILE = EXAMPLES / "replay" / "campaign.yaml"


@pytest.fixture(scope="module")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("finished") / "data"
    words = ("run", FILE, "--simulate", "--time-factor", 300, "--engine", "random", "--trials", 3, "--seed", 1)
    done = autolab(*words, data=data)
    assert done.returncode == 0, done.stderr
    return data


@pytest.fixture
def finished(finished_once: Path, tmp_path: Path) -> Path:
    """A data folder with one finished campaign of three trials, for one test alone."""
    shutil.copytree(finished_once, tmp_path / "data")
    return tmp_path / "data"


def shown(data: Path, *words: object) -> dict[str, Any]:
    done = autolab("show", _id(data), *words, "--json", data=data)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _id(data: Path) -> str:
    reader = JournalReader.open(data)
    try:
        return reader.campaign().id
    finally:
        reader.close()


def test_a_corrected_outcome_counts_from_here_on_and_the_one_before_is_kept(finished: Path):
    before = shown(finished)
    worst = max(before["trials"], key=lambda trial: trial["outcome"]["colour_distance"]["value"])["trial"]
    reason = "the white balance was off"
    done = autolab("correct", _id(finished), worst, "colour_distance=0.5±0.1", "--because", reason, data=finished)
    assert done.returncode == 0, done.stderr
    after = shown(finished)
    assert (before["recommendation"]["trial"], after["recommendation"]["trial"]) != (worst, worst)
    assert after["recommendation"]["trial"] == worst
    assert after["trials"][worst - 1]["outcome"] == {"colour_distance": {"value": 0.5, "sem": 0.1}}
    (change,) = shown(finished, "--trial", worst)["interventions"]
    old = before["trials"][worst - 1]["outcome"]["colour_distance"]["value"]
    assert change["cause"] == "correct"
    assert change["detail"] == f"colour_distance {old:.6g} → 0.5 ± 0.1: {reason}"
    assert reason in autolab("show", _id(finished), "--trial", worst, data=finished).stdout
    assert autolab("audit", "verify", data=finished).returncode == 0


def test_a_repeated_trial_runs_beyond_the_budget_with_the_same_values(finished: Path):
    done = autolab("repeat", _id(finished), 2, "--because", "the sample looked cloudy", data=finished)
    assert done.stdout.strip() == f"trial 2 is repeated as trial 4 by 'autolab resume {_id(finished)}'"
    assert "trial 2 is to be repeated as trial 4" in autolab("resume", data=finished).stdout
    resumed = autolab("resume", _id(finished), data=finished)
    assert resumed.returncode == 0, resumed.stderr
    trials = shown(finished)["trials"]
    assert [trial["state"] for trial in trials] == ["ingested"] * 4
    assert trials[3]["values"] == trials[1]["values"]
    assert (trials[3]["repeat_of"], trials[3]["engine"]) == (2, "repeat")
    assert trials[3]["why"] == "repeat of trial 2: the sample looked cloudy"
    assert autolab("resume", _id(finished), data=finished).returncode == 2


def test_an_abandoned_trial_is_left_out_and_the_campaign_goes_on(tmp_path: Path):
    words = ("run", FILE, "--simulate", "--time-factor", 0.2, "--engine", "random", "--trials", 2, "--seed", 1)
    process = started(*words, data=tmp_path)
    line_with(process, "trial 1:")
    ctrl_c(process)
    line_with(process, "press Ctrl-C again")
    ctrl_c(process)  # in the middle of a measurement of five seconds
    process.communicate(timeout=60)
    done = autolab("abandon", _id(tmp_path), 1, "--because", "the plate fell", data=tmp_path)
    assert done.returncode == 0, done.stderr
    resumed = autolab("resume", _id(tmp_path), data=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    states = [trial["state"] for trial in shown(tmp_path)["trials"]]
    assert states == [str(TrialState.ABANDONED), str(TrialState.INGESTED)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("correct", "replay", 9, "colour_distance=1", "--because", "x"), "has no trial 9; it has 3"),
        (("correct", "replay", 1, "color_distance=1", "--because", "x"), "no metric 'color_distance'; it has colour_d"),
        (("correct", "replay", 1, "colour_distance=low", "--because", "x"), "is no outcome: write METRIC=VALUE"),
        (("correct", "replay", 1, "colour_distance=nan", "--because", "x"), "must be a finite number"),
        (("correct", "replay", 1, "colour_distance=1", "--because", " "), "--because: say why"),
        (("abandon", "replay", 1, "--because", "x"), "trial 1 is ingested: only a trial that has not ended can be"),
        (("repeat", "other", 1, "--because", "x"), "no campaign is 'other'"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_cannot_be_changed_is_refused_with_its_reason(words: tuple[Any, ...], said: str, finished: Path):
    name = _id(finished)
    words = tuple(name if word == "replay" else word for word in words)
    done = autolab(*words, data=finished)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
