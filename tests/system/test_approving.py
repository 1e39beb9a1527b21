"""Approving and refusing trials with the real command, while a campaign runs and while it is paused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autolab.campaign.events import TrialEnded
from autolab.compose.options import RunOptions
from autolab.compose.running import run_campaign
from autolab.core.errors import FileError, NotAuthorisedError
from autolab.journal.keys import make_personal_key
from autolab.journal.reader import JournalReader
from benchmarks.warm import WarmCommand
from tests.compose.files import example
from tests.system.command import autolab, campaigns, ctrl_c, line_with, started

BUDGET = "budget: {trials: 30}"
RUN = ("--simulate", "--seed", 1, "--engine", "random", "--time-factor", 100)
PLAN = "plan: plans.replay.measure"


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOLAB_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


def lab_with_people(tmp_path: Path, level: str, trials: int = 2) -> tuple[Path, Path, Path]:
    """A replay lab in which each trial asks for approval: campaign file, lab file and data folder."""
    changes = {"campaign.yaml": (BUDGET, f"budget: {{trials: {trials}}}\napproval: {level}")}
    file = example("replay", tmp_path, changes)
    lab = file.with_name("lab.yaml")
    people = "".join(f"  {name}: {{key: {make_personal_key(name)}, may: [approve]}}\n" for name in ("ada", "bob"))
    lab.write_text(f'{lab.read_text()}people:\n{people}envelope_version: "1"\n')
    return file, lab, tmp_path / "data"


def interrupted(process: WarmCommand) -> int:
    """The exit code after Ctrl-C."""
    ctrl_c(process)
    process.communicate(timeout=60)
    return process.wait()


def shown(data: Path, *words: object) -> dict[str, Any]:
    done = autolab("show", *words, "--json", data=data)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_trials_are_approved_and_refused_while_the_campaign_runs_and_while_it_is_paused(tmp_path: Path, keys: Path):
    file, _, data = lab_with_people(tmp_path, "new")
    refused = autolab("run", file, *RUN, data=data)
    assert (refused.returncode, "say who you are with '--as NAME'" in refused.stderr) == (2, True), refused.stderr
    process = started("run", file, *RUN, "--as", "ada", data=data)
    line_with(process, "trial 1 of teal-replayed")
    (campaign,) = [found["campaign"] for found in campaigns(data)]
    status = autolab("status", data=data).stdout
    assert "waiting: trial 1 needs the approval of 1 person: the campaign asks for approval: new" in status
    assert "envelope version 1, " in status
    own = autolab("approve", campaign, 1, "--as", "ada", data=data)
    assert (own.returncode, "ada proposed it" in own.stderr, "bob" in own.stderr) == (2, True, True), own.stderr
    stranger = autolab("approve", campaign, 1, "--as", "eve", data=data)
    assert (stranger.returncode, "'autolab key eve'" in stranger.stderr) == (2, True), stranger.stderr
    approved = autolab("approve", campaign, 1, "--as", "bob", "--for", "5min", data=data)
    assert approved.stdout == f"trial 1 of {campaign} is approved by bob; it runs as soon as a lane is free\n"
    line_with(process, "trial 2 of teal-replayed")
    assert interrupted(process) == 5
    said = autolab("refuse", campaign, 2, "--as", "bob", "--because", "too much yellow", data=data)
    assert (said.returncode, "is kept" in said.stdout) == (0, True), said.stderr
    done = autolab("resume", campaign, "--as", "ada", data=data)
    assert done.returncode == 0, done.stderr
    found = shown(data, campaign)
    assert found["trials_by_state"] == {"ingested": 1, "refused": 1}
    trial = shown(data, campaign, "--trial", 2)
    assert trial["transitions"][-1]["detail"] == "bob: too much yellow"
    reader = JournalReader.open(data)
    causes = [(one.principal, one.cause) for one in reader.interventions(campaign)]
    reader.close()
    assert causes == [("bob", "approve"), ("ada", "pause"), ("ada", "resume"), ("bob", "refuse")]
    assert autolab("audit", "verify", data=data).returncode == 0


def test_another_envelope_needs_another_version_and_another_person(tmp_path: Path, keys: Path):
    file, lab, data = lab_with_people(tmp_path, "new", trials=1)
    process = started("run", file, *RUN, "--as", "ada", data=data)
    line_with(process, "trial 1 of teal-replayed")
    assert interrupted(process) == 5
    words = ("resume", "teal", "--accept-changes", "--as", "ada")
    lab.write_text(
        lab.read_text().replace(
            "instrument.cyan:    {min: 0 uL, max: 120 uL}", "instrument.cyan: {min: 0 uL, max: 125 uL}"
        )
    )
    same = autolab(*words, data=data)
    assert (same.returncode, "its version is still 1: put the envelope back" in same.stderr) == (2, True), same.stderr
    lab.write_text(lab.read_text().replace('envelope_version: "1"', 'envelope_version: "2"'))
    alone = autolab(*words, data=data)
    assert (alone.returncode, "(version 1 → 2), and nobody but ada has approved" in alone.stderr) == (2, True)
    autolab("approve", "teal", "--envelope", "--as", "ada", data=data)
    assert autolab(*words, data=data).returncode == 2
    approved = autolab("approve", "teal", "--envelope", "--as", "bob", data=data)
    assert (approved.returncode, approved.stderr) == (0, "")
    process = started(*words, data=data)
    line_with(process, "trial 1 of teal-replayed")
    assert interrupted(process) == 5
    assert shown(data, "teal")["envelope"]["version"] == "2"


def test_outside_the_simulated_realm_nothing_runs_that_nobody_has_proven_or_approved(tmp_path: Path):
    """An instrument that is not started by --simulate, in a lab that proves little of its envelope and names nobody."""
    file = example("replay", tmp_path, {"lab.yaml": ("max: 120 uL}", "max: 120 uL, proven: {min: 0 uL, max: 1 uL}}")})
    lab, data = file.with_name("lab.yaml"), tmp_path / "data"
    bench = started("simulate", lab, "--time-factor", 100, data=tmp_path / "bench")
    try:
        place = next(line for line in bench.stdout if "tcp://" in line).split()[-1]
        lab.write_text(lab.read_text().replace("tcp://127.0.0.1:5601", place))
        done = autolab("run", file, "--seed", 1, "--engine", "random", "--trials", 2, data=data)
    finally:
        assert interrupted(bench) == 0
    assert done.returncode == 5, done.stderr
    assert "1 person has to approve it, and nobody may: the lab's owner names people" in done.stdout
    found = shown(data, *[one["campaign"] for one in campaigns(data)])
    assert (found["realm"], found["trials_by_state"]) == ("emulated", {"awaiting approval": 2})


class Rewriter:
    """Changes the lab file while the campaign runs."""

    def __init__(self, lab: Path) -> None:
        self.lab = lab

    def notify(self, event: Any) -> None:
        if isinstance(event, TrialEnded) and event.trial == 1:
            self.lab.write_text(self.lab.read_text().replace("max: 120 uL}", "max: 1 uL, tier: prohibited}"))


def test_a_lab_file_that_changes_while_a_campaign_runs_has_no_effect(tmp_path: Path):
    file = example("replay", tmp_path)
    options = RunOptions(data=tmp_path / "data", simulate=True, virtual=True, trials=4, seed=1, engine="random")
    result = run_campaign(file, options, observers=[Rewriter(file.with_name("lab.yaml"))])
    assert (result.state, result.trials) == ("finished", 4)
    reader = JournalReader.open(tmp_path / "data")
    record = reader.campaign()
    reader.close()
    assert "prohibited" in file.with_name("lab.yaml").read_text()
    assert "prohibited" not in record.lab_file


def test_a_campaign_that_asks_for_less_than_its_lab_is_refused_with_its_line(tmp_path: Path):
    file = example("replay", tmp_path, {"lab.yaml": ("max: 120 uL}", "max: 120 uL, tier: hazardous}")})
    file.write_text(f"{file.read_text()}approval: new\n")
    options = RunOptions(data=tmp_path / "data", simulate=True, virtual=True)
    with pytest.raises(FileError, match=r"campaign\.yaml:13: approval: new asks for less than the lab, where instrum"):
        run_campaign(file, options)


def test_an_account_with_the_name_of_a_person_proves_nothing(
    tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    file, _, data = lab_with_people(tmp_path, "routine")
    options = RunOptions(data=data, simulate=True, virtual=True, trials=1, engine="random")
    with pytest.raises(NotAuthorisedError, match="'ada' is one of the lab's people"):
        run_campaign(file, options)
