"""Pause, resume, stop and settle as a technician types them, from another terminal."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from autolab.core.trials import TrialState
from autolab.journal.reader import JournalReader
from tests.system.command import autolab, line_with, started

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A campaign of six trials that Ctrl-C has paused in its second: its files, and its data folder."""
    folder = tmp_path_factory.mktemp("interrupted")
    shutil.copytree(EXAMPLES / "replay", folder / "replay")
    file, data = folder / "replay" / "campaign.yaml", folder / "data"
    words = ("run", file, "--simulate", "--time-factor", 4, "--engine", "random", "--trials", 6, "--seed", 1)
    process = started(*words, data=data)
    line_with(process, "trial 2:")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 5
    return file, data


@pytest.fixture
def paused(interrupted: tuple[Path, Path], tmp_path: Path) -> Iterator[tuple[Path, Path, str]]:
    """The paused campaign, for one test alone: its file, a copy of its data folder, its id."""
    file, data = interrupted
    text = file.read_text(encoding="utf-8")
    shutil.copytree(data, tmp_path / "data")
    yield file, tmp_path / "data", newest(tmp_path / "data")
    file.write_text(text, encoding="utf-8")


def newest(data: Path) -> str:
    reader = JournalReader.open(data)
    try:
        return reader.campaign().id
    finally:
        reader.close()


def test_a_pause_from_another_terminal_reaches_the_running_campaign(tmp_path: Path):
    file = EXAMPLES / "replay" / "campaign.yaml"
    process = started("run", file, "--simulate", "--time-factor", 1, "--engine", "random", data=tmp_path)
    line_with(process, "trial 1:")
    campaign = newest(tmp_path)
    asked = autolab("pause", campaign, data=tmp_path)
    assert asked.stdout.strip() == f"{campaign} pauses before the next action", asked.stderr
    process.communicate(timeout=60)
    assert process.returncode == 5


def test_a_paused_campaign_is_listed_and_resumed_to_the_end(paused: tuple[Path, Path, str]):
    _, data, campaign = paused
    listed = autolab("resume", data=data)
    assert campaign in listed.stdout
    assert "paused by a person: " in listed.stdout
    again = autolab("pause", campaign, data=data)
    assert again.returncode == 2
    assert "is not running: it has paused" in again.stderr
    done = autolab("resume", campaign, data=data)
    assert done.returncode == 0, done.stderr
    reader = JournalReader.open(data)
    trials, intents = reader.trials(campaign), reader.intents(campaign)
    causes = [intervention.cause for intervention in reader.interventions(campaign)]
    reader.close()
    assert [trial.state for trial in trials] == [TrialState.INGESTED] * 6
    assert len(intents) == 6
    assert causes == ["pause", "resume"]


def test_a_changed_file_is_shown_as_a_difference_and_needs_consent(paused: tuple[Path, Path, str]):
    file, data, campaign = paused
    file.write_text(file.read_text().replace("[0, 120]", "[0, 110]", 1))
    refused = autolab("resume", campaign, data=data)
    assert refused.returncode == 2
    assert "its files have changed since it started" in refused.stderr
    assert "-  cyan:    {bounds: [0, 120], unit: uL}\n+  cyan:    {bounds: [0, 110], unit: uL}" in refused.stderr
    assert "Traceback" not in refused.stderr
    done = autolab("resume", campaign, "--accept-changes", data=data)
    assert done.returncode == 0, done.stderr
    reader = JournalReader.open(data)
    accepted = [i.detail for i in reader.interventions(campaign) if i.cause == "accept changes"]
    reader.close()
    assert len(accepted) == 1
    assert "+  cyan:    {bounds: [0, 110], unit: uL}" in accepted[0]


def test_a_campaign_that_was_stopped_for_good_cannot_be_resumed(paused: tuple[Path, Path, str]):
    _, data, campaign = paused
    assert autolab("stop", campaign, data=data).stdout.strip() == f"{campaign} has ended; its record stays"
    refused = autolab("resume", campaign, data=data)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"{campaign} has stopped (stopped by a person: ")
    assert refused.stderr.rstrip().endswith("there is nothing to resume")
    assert autolab("resume", data=data).stdout.strip() == (
        "Nothing can be resumed: every campaign in this folder has ended."
    )
    reader = JournalReader.open(data)
    stopped = reader.interventions(campaign)[-1]
    last = max(t.lab_s for trial in reader.trials(campaign) for t in trial.transitions)
    reader.close()
    assert (stopped.cause, stopped.lab_s) == ("stop", pytest.approx(last, abs=5.0)), "its lab time goes on"


def test_what_cannot_be_settled_is_refused(paused: tuple[Path, Path, str]):
    _, data, _ = paused
    for words, sentence in (
        (("--because", "x"), "say exactly one of --done, --not-done, --partly and --by-hand"),
        (("--done", "--because", "x"), "there is no action 'k.t1.r1.pour.a1'; in doubt are: none"),
        (
            ("--done", "--because", " "),
            "--because: say what you saw, such as 'the well is empty'; it is kept with the answer",
        ),
    ):
        refused = autolab("settle", "k.t1.r1.pour.a1", *words, data=data)
        assert (refused.returncode, refused.stderr.strip()) == (2, sentence)
