"""Pause, resume, stop and settle as a technician types them, from another terminal."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autolab.core.trials import TrialState
from autolab.journal.reader import JournalReader
from tests.system.command import autolab, line_with, started

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def paused(tmp_path: Path) -> tuple[Path, Path, str]:
    """A campaign of six trials that was paused in its second; its file, its data folder, its id."""
    shutil.copytree(EXAMPLES / "replay", tmp_path / "replay")
    file, data = tmp_path / "replay" / "campaign.yaml", tmp_path / "data"
    words = ("run", file, "--simulate", "--time-factor", 0.7, "--engine", "sobol", "--trials", 6, "--seed", 1)
    process = started(*words, data=data)
    line_with(process, "trial 2:")
    campaign = newest(data)
    asked = autolab("pause", campaign, data=data)
    assert asked.stdout.strip() == f"{campaign} pauses before the next action", asked.stderr
    process.communicate(timeout=60)
    assert process.returncode == 5
    return file, data, campaign


def newest(data: Path) -> str:
    reader = JournalReader.open(data)
    try:
        return reader.campaign().id
    finally:
        reader.close()


def test_a_pause_from_another_terminal_is_listed_and_resumed_to_the_end(tmp_path: Path):
    _, data, campaign = paused(tmp_path)
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


def test_a_changed_file_is_shown_as_a_difference_and_needs_consent(tmp_path: Path):
    file, data, campaign = paused(tmp_path)
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


def test_a_campaign_that_was_stopped_for_good_cannot_be_resumed(tmp_path: Path):
    _, data, campaign = paused(tmp_path)
    assert autolab("stop", campaign, data=data).stdout.strip() == f"{campaign} has ended; its record stays"
    refused = autolab("resume", campaign, data=data)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"{campaign} has stopped (stopped by a person: ")
    assert refused.stderr.rstrip().endswith("there is nothing to resume")
    assert autolab("resume", data=data).stdout.strip() == (
        "Nothing can be resumed: every campaign in this folder has ended."
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("settle", "k.t1.r1.pour.a1", "--because", "x"), "say exactly one of --done, --not-done and --partly"),
        (
            ("settle", "k.t1.r1.pour.a1", "--done", "--because", "x"),
            "there is no action 'k.t1.r1.pour.a1'; in doubt are: none",
        ),
        (
            ("settle", "k.t1.r1.pour.a1", "--done", "--because", " "),
            "--because: say what you saw, such as 'the well is empty'; it is kept with the answer",
        ),
    ],
    ids=["no answer", "unknown action", "no evidence"],
)
def test_what_cannot_be_settled_is_refused(words: tuple[str, ...], sentence: str, tmp_path: Path):
    arguments = ("run", EXAMPLES / "replay" / "campaign.yaml", "--simulate", "--virtual", "--engine", "sobol")
    assert autolab(*arguments, "--trials", 1, data=tmp_path).returncode == 0
    refused = autolab(*words, data=tmp_path)
    assert (refused.returncode, refused.stderr.strip()) == (2, sentence)


def test_a_campaign_on_the_virtual_clock_says_how_to_have_it_again(tmp_path: Path):
    arguments = ("run", EXAMPLES / "replay" / "campaign.yaml", "--simulate", "--virtual", "--engine", "sobol")
    assert autolab(*arguments, "--trials", 1, data=tmp_path).returncode == 0
    refused = autolab("resume", newest(tmp_path), data=tmp_path)
    assert refused.returncode == 2
    assert "has finished" in refused.stderr
