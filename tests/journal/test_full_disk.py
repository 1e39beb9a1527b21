"""A disk that is full: whichever write finds no room, nothing is lost or repeated, and the campaign goes on later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autolab.campaign.events import CampaignEvent, TrialEnded
from autolab.compose.options import RunOptions
from autolab.compose.running import run_campaign
from autolab.core.clock import VirtualClock
from autolab.core.errors import StorageError
from autolab.core.trials import TrialState
from autolab.journal.audit import audit
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from benchmarks.powerloss import ACTIONS, five_actions
from benchmarks.recorder import Recording, recording
from tests.campaign.softlab import SoftLab

TRIALS = 2


def soft_lab(folder: Path) -> SoftLab:
    return SoftLab(trials=TRIALS, folder=folder, make_plan=five_actions)


def full_after(disk: Recording, n_writes: int | None) -> Callable[[Journal], None]:
    """The disk is full after so many writes of the campaign."""

    def begin(journal: Journal) -> None:
        disk.room = n_writes

    return begin


def writes_of_a_campaign(folder: Path) -> int:
    lab, start = soft_lab(folder), []
    with recording(folder) as disk:
        lab.run(lambda journal: start.append(disk.count("write")))
        n_writes = disk.count("write") - start[0]
        lab.journal.close()
    return n_writes


@pytest.mark.parametrize("is_brief", [False, True], ids=["until it is resumed", "for one write"])
def test_whichever_write_finds_no_room_the_campaign_pauses_and_goes_on_where_there_is_room(
    is_brief: bool, tmp_path: Path
):
    (tmp_path / "whole").mkdir()
    n_writes = writes_of_a_campaign(tmp_path / "whole")
    assert n_writes > 300
    for n in range(0, n_writes, 29):
        folder = tmp_path / str(n)
        folder.mkdir()
        lab = soft_lab(folder)
        with recording(folder) as disk:
            disk.is_brief = is_brief
            with pytest.raises(StorageError, match="the disk is full: nothing more can be recorded, so nothing more"):
                lab.run(full_after(disk, n))
            assert disk.refused
            lab.journal.close()
            disk.room = None
            reader = JournalReader.open(folder)
            intended = {intent.operation for intent in reader.intents("soft-1")}
            reader.close()
            assert {str(operation) for operation in lab.pump.poured} <= intended  # nothing was done without an intent
            assert lab.resume().state == "finished"
            lab.journal.close()
        check(lab, folder)


def test_a_journal_that_finds_no_room_when_it_is_made_is_made_when_there_is_room(tmp_path: Path):
    (tmp_path / "whole").mkdir()
    with recording(tmp_path / "whole") as disk:
        journal = Journal(tmp_path / "whole", VirtualClock())
        n_writes = disk.count("write")
        journal.close()
    for n in range(0, n_writes, 7):
        folder = tmp_path / str(n)
        folder.mkdir()
        with recording(folder) as disk:
            disk.room = n
            with pytest.raises(StorageError, match="the disk is full"):
                Journal(folder, VirtualClock())
            disk.room = None
            Journal(folder, VirtualClock()).close()
        assert audit(folder, None).findings == ()


def check(lab: SoftLab, folder: Path) -> None:
    """Each action was done once, each trial has its outcome, and the log agrees with the tables."""
    poured = [str(operation) for operation in lab.pump.poured]
    assert len(poured) == len(set(poured)) == TRIALS * ACTIONS
    reader = JournalReader.open(folder)
    assert [trial.state for trial in reader.trials("soft-1")] == [TrialState.INGESTED] * TRIALS
    assert {intent.state for intent in reader.intents("soft-1")} == {"done"}
    reader.close()
    assert audit(folder, None).findings == ()


class Filler:
    """Fills the disk when so many trials have ended."""

    def __init__(self, disk: Recording, after: int) -> None:
        self._disk, self._left = disk, after

    def notify(self, event: CampaignEvent) -> None:
        if isinstance(event, TrialEnded):
            self._left -= 1
            self._disk.room = 0 if self._left == 0 else self._disk.room


def test_a_campaign_that_found_no_room_is_recorded_as_paused_with_the_reason(tmp_path: Path):
    campaign = Path(__file__).resolve().parents[2] / "examples" / "replay" / "campaign.yaml"
    options = RunOptions(data=tmp_path, simulate=True, virtual=True, engine="sobol", trials=4, seed=1)
    with recording(tmp_path) as disk:
        disk.is_brief = True
        with pytest.raises(StorageError, match="make room and resume") as told:
            run_campaign(campaign, options, observers=[Filler(disk, after=2)])
    assert told.value.exit_code == 6
    reader = JournalReader.open(tmp_path)
    record = reader.campaign()
    reader.close()
    assert (record.state, record.reason) == ("paused", str(told.value))
