"""Devices that fall silent over an action: it is settled by what they say later, and never done twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autolab.core.clock import VirtualClock
from autolab.core.errors import DeviceTimeoutError, NotConnectedError, StorageError
from autolab.core.faults import FaultKind, FaultPolicy
from autolab.core.trials import TrialState
from autolab.journal.journal import Journal
from tests.campaign.softlab import SoftLab, pour_and_read


def falls_silent(trial: int, error: Exception) -> Any:
    """The action of a trial ends without a word from the device, once."""
    left = [1 / trial]
    return lambda amount: error if amount in left and not left.clear() else None


def states(lab: SoftLab) -> list[str]:
    return [str(trial.state) for trial in lab.trials_of()]


def test_what_turns_out_to_be_done_is_not_done_again():
    lab = SoftLab(trials=3, fails=falls_silent(2, DeviceTimeoutError("pump: no reply")))
    lab.pump.says = "done"
    assert lab.run().state == "finished"
    assert states(lab) == ["ingested"] * 3
    assert len(lab.pump.poured) == 3
    doubted = lab.reader.intents("soft-1")[1]
    assert (doubted.state, doubted.settled_by) == ("done", "pump")
    assert doubted.detail == "pump says that it has carried out soft1.t2.r1.pour.a1 (it counts 2 operations)"


def test_what_turns_out_to_be_done_in_part_has_failed_as_the_campaign_says():
    policies = {FaultKind.TIMEOUT: FaultPolicy(retry=1)}
    lab = SoftLab(trials=3, fails=falls_silent(2, DeviceTimeoutError("pump: no reply")), on_failure=policies)
    lab.run()
    assert [trial.attempt for trial in lab.trials_of()] == [1, 2, 1]
    doubted = lab.reader.intents("soft-1")[1]
    assert (doubted.state, doubted.settled_by) == ("failed", "pump")


@pytest.mark.parametrize("says", ["done", "unknown"])
def test_a_dead_device_leaves_its_trial_in_doubt_and_says_after_a_resume_what_happened(tmp_path: Path, says: str):
    lab = SoftLab(trials=3, folder=tmp_path, fails=falls_silent(2, NotConnectedError("pump: nobody is connected")))
    lab.pump.says, lab.pump.is_silent, lab.silent = says, True, ("pump: does not answer",)
    result = lab.run()
    assert (result.state, result.exit_code) == ("failed", 4)
    assert result.reason == (
        "trial 2 is in doubt: soft1.t2.r1.pour.a1: pump: does not answer; see to the device, then resume"
    )
    assert states(lab)[:2] == ["ingested", "in doubt"]
    lab.journal.close()
    assert lab.resume().reason == result.reason  # it is still silent
    lab.journal.close()
    lab.pump.is_silent, lab.silent = False, ()
    if says == "unknown":
        lab.pump.count -= 1  # it never heard of it
    assert lab.resume().state == "finished"
    assert states(lab) == ["ingested"] * 3
    assert len(lab.pump.poured) == (3 if says == "done" else 4)
    lab.journal.close()


def test_a_device_that_is_silent_after_its_action_interrupts_the_trial(tmp_path: Path):
    def reads(pump: Any, x: float, operations: Any, md: Any):
        for msg in pour_and_read(pump, x, operations, md):
            if msg.command == "read" and x == 0.5 and lab.silent:
                raise DeviceTimeoutError("pump: no reply")
            yield msg

    policies = {FaultKind.TIMEOUT: FaultPolicy(retry=3)}
    lab = SoftLab(trials=3, folder=tmp_path, make_plan=reads, on_failure=policies, silent=("pump: does not answer",))
    result = lab.run()
    assert (result.state, result.exit_code, result.reason) == ("failed", 4, "pump: does not answer")
    assert states(lab)[:2] == ["ingested", "running"]
    lab.journal.close()
    lab.silent = ()
    assert lab.resume().state == "finished"
    assert states(lab) == ["ingested"] * 3
    assert len(lab.pump.poured) == 3
    lab.journal.close()


def test_what_a_person_says_was_done_in_part_has_failed(tmp_path: Path):
    lab = SoftLab(trials=3, folder=tmp_path, fails=falls_silent(2, NotConnectedError("pump: nobody is connected")))
    lab.pump.says = "unknown"
    result = lab.run()
    assert (result.state, result.exit_code) == ("paused", 5)
    lab.journal.settle("soft1.t2.r1.pour.a1", "failed", "half of it is on the floor")
    lab.journal.close()
    assert lab.resume().state == "finished"
    assert states(lab) == ["ingested", "failed", "ingested"]
    lab.journal.close()


def test_a_retry_that_is_owed_survives_the_end_of_the_controller(tmp_path: Path):
    policies = {FaultKind.TIMEOUT: FaultPolicy(retry=1)}
    lab = SoftLab(
        trials=3,
        folder=tmp_path,
        fails=falls_silent(2, DeviceTimeoutError("pump: no reply")),
        on_failure=policies,
        silent=("pump: does not answer",),
    )
    assert lab.run().state == "failed"
    assert lab.trials_of()[1].state is TrialState.SCREENED
    lab.journal.close()
    lab.silent = ()
    assert lab.resume().state == "finished"
    assert states(lab) == ["ingested"] * 3
    assert [str(operation) for operation in lab.pump.poured][2] == "soft1.t2.r1.pour.a2"
    lab.journal.close()


def test_a_controller_that_was_overtaken_writes_nothing_more(tmp_path: Path):
    other = Journal(tmp_path, VirtualClock())

    def overtaken(pump: Any, x: float, operations: Any, md: Any):
        if x == 0.5:
            other.take_lease("another process")
        yield from pour_and_read(pump, x, operations, md)

    lab = SoftLab(trials=3, folder=tmp_path, make_plan=overtaken)
    with pytest.raises(StorageError, match="another controller"):
        lab.run()
    assert states(lab)[:2] == ["ingested", "running"]
    assert len(lab.pump.poured) == 1
    for write in (
        lambda: lab.journal.settle("soft1.t1.r1.pour.a1", "failed"),
        lambda: lab.journal.fail("soft-1", 2, "it leaks"),
        lambda: lab.journal.end_campaign("soft-1", "failed", "it leaks", None),
    ):
        with pytest.raises(StorageError, match="another controller"):
            write()
    other.close()
