"""Interruptions: whatever the instant, nothing is lost or done twice, and the campaign goes on as it would have."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from bluesky import RunEngine
from hypothesis import given, settings
from hypothesis import strategies as st

from autolab.campaign.events import PhaseChanged
from autolab.core.clock import VirtualClock
from autolab.core.errors import StorageError
from autolab.core.operations import OperationId, Operations
from autolab.core.principals import Principal
from autolab.core.trials import Estimate, TrialState
from autolab.journal.journal import Journal
from plans.conventions import act, phase
from tests.campaign.softlab import Pour, SoftLab

TRIALS = 3


class Crash(Exception):  # noqa: N818 (it is no error: it is the end of the process)
    """The controller is gone."""


class Crashing:
    """Ends the controller at a commit: from then on nothing is written any more."""

    def __init__(self, lab: SoftLab, at: int, *, after: bool) -> None:
        self.count, self._lab, self.at, self._after = 0, lab, at, after

    def __call__(self, journal: Journal) -> None:
        for database in (journal.states, journal.documents):
            self._wrap(database)

    def _wrap(self, database: Any) -> None:
        commit = database.commit

        @contextmanager
        def crashing(*begun: Any):
            if database._connection.in_transaction:
                with commit():
                    yield
                return
            self.count += 1
            if self.count > self.at or (self.count == self.at and not self._after):
                self._crash()
            with commit(*begun):
                yield
            if self.count == self.at:
                self._crash()

        database.commit = crashing

    def _crash(self) -> None:
        self._lab.pump.is_cut_off = True
        raise Crash


def two_pours(pump: Any, x: float, operations: Operations, md: Any):
    """Pours twice, and measures in a phase."""

    def measured():
        yield from bps.trigger_and_read([pump])
        return pump.amount

    @bpp.run_decorator(md=dict(md))
    def run():
        yield from act(pump, Pour(x / 2, operations("first")))
        yield from act(pump, Pour(x, operations("second")))
        amount = yield from phase("measure", measured())
        yield from act(pump, Pour(0.0, operations("rinse")))
        assert amount == x

    yield from run()


def uninterrupted() -> list[Any]:
    lab = SoftLab(trials=TRIALS, make_plan=two_pours, reduce=by_maximum)
    lab.run()
    return [(trial.suggestion, trial.outcome) for trial in lab.trials_of()]


def by_maximum(data: Any) -> dict[str, Estimate]:
    return {"y": Estimate(float(data.column("pump_amount").max()))}


def commits_of_a_campaign(tmp_path: Path) -> int:
    lab = SoftLab(trials=TRIALS, make_plan=two_pours, reduce=by_maximum, folder=tmp_path)
    counting = Crashing(lab, 10**9, after=False)
    lab.run(counting)
    return counting.count


def crash_and_resume(folder: Path, crashes: list[tuple[int, bool]]) -> SoftLab:
    """Run a campaign through crashes to its end."""
    lab = SoftLab(trials=TRIALS, make_plan=two_pours, reduce=by_maximum, folder=folder)
    go = lab.run
    for at, after in crashes:
        try:
            go(Crashing(lab, at, after=after))
        except Crash:
            lab.journal.close()
            go = lab.resume
            continue
        return lab
    go()
    return lab


def check(lab: SoftLab) -> None:
    trials = lab.trials_of()
    assert [trial.state for trial in trials] == [TrialState.INGESTED] * TRIALS
    assert [(trial.suggestion, trial.outcome) for trial in trials] == uninterrupted()
    assert len(lab.pump.poured) == len(set(lab.pump.poured)) == 3 * TRIALS
    assert {intent.state for intent in lab.reader.intents("soft-1")} == {"done"}


def test_a_crash_at_any_commit_loses_no_outcome_and_repeats_no_action(tmp_path: Path):
    total = commits_of_a_campaign(tmp_path)
    assert total > 30
    for at in range(1, total + 1):  # before one commit is after the one before it, but for what happens in between
        folder = tmp_path / f"{at}"
        folder.mkdir()
        check(crash_and_resume(folder, [(at, at % 2 == 0)]))


@settings(max_examples=10, deadline=None)
@given(crashes=st.lists(st.tuples(st.integers(1, 45), st.booleans()), min_size=2, max_size=5))
def test_crashes_again_and_again_change_nothing(tmp_path_factory: pytest.TempPathFactory, crashes: Any):
    folder = tmp_path_factory.mktemp("crashes")
    check(crash_and_resume(folder, crashes))


def test_a_phase_is_the_plan_itself_in_a_bare_run_engine():
    seen: list[Any] = []

    def body():
        yield from bps.null()
        return 7

    def plan():
        seen.append((yield from phase("measure", body())))

    RunEngine(context_managers=[])(plan())
    assert seen == [7]


def crash_when_an_action_is_intended(lab: SoftLab) -> None:
    """Run a campaign whose controller is gone when the first action is intended, and not yet sent."""
    crashing = Crashing(lab, 10**9, after=True)

    def begin(journal: Journal) -> None:
        crashing(journal)
        intend = journal.intend

        def intend_and_crash(*arguments: Any) -> None:
            crashing.at = crashing.count + 1
            intend(*arguments)

        journal.intend = intend_and_crash  # pyright: ignore[reportAttributeAccessIssue]

    with pytest.raises(Crash):
        lab.run(begin)
    lab.journal.close()


def test_an_action_that_was_not_sent_is_settled_by_the_devices_own_count_and_done_then(tmp_path: Path):
    lab = SoftLab(trials=1, folder=tmp_path)
    crash_when_an_action_is_intended(lab)
    lab.resume()
    (intent,) = lab.reader.intents("soft-1")
    assert intent.state == "done"
    assert len(lab.pump.poured) == 1


def test_an_action_that_nobody_can_answer_for_pauses_the_campaign_until_a_person_does(tmp_path: Path):
    lab = SoftLab(trials=TRIALS, folder=tmp_path)
    crash_when_an_action_is_intended(lab)
    lab.pump.count += 3  # somebody used it by hand
    result = lab.resume()
    assert (result.state, result.exit_code) == ("paused", 5)
    assert result.reason == (
        "trial 1 is in doubt: soft1.t1.r1.pour.a1: pump does not know soft1.t1.r1.pour.a1, and its count went from "
        "0 to 3: somebody else used it; look, and say what happened with 'autolab settle'"
    )
    assert lab.trials_of()[0].state is TrialState.IN_DOUBT
    assert lab.pump.poured == []
    lab.journal.settle("soft1.t1.r1.pour.a1", "done", "I looked: the well is full", by=Principal("ada", "person"))
    lab.journal.close()
    assert lab.resume().state == "finished"
    assert len(lab.pump.poured) == TRIALS - 1
    (intent, *_) = lab.reader.intents("soft-1")
    assert (intent.settled_by, intent.detail) == ("ada", "I looked: the well is full")


def test_a_counter_that_went_back_is_in_doubt_and_never_taken_for_undone(tmp_path: Path):
    lab = SoftLab(trials=TRIALS, folder=tmp_path)
    lab.pump.count = 5
    crash_when_an_action_is_intended(lab)
    lab.pump.count = 0
    assert "its count went back from 5 to 0: it was reset" in lab.resume().reason


def test_a_stale_controller_that_wakes_up_can_intend_nothing(tmp_path: Path):
    stale, fresh = Journal(tmp_path, VirtualClock()), Journal(tmp_path, VirtualClock())
    stale.take_lease("the first controller")
    fresh.take_lease("the second controller")
    message = r"another controller \(the second controller\) has taken over this lab: nothing more is done here"
    with pytest.raises(StorageError, match=message):
        stale.intend(OperationId("k", 1, 1, "pour"), "c-1", "pump", {})
    stale.close()
    fresh.close()


def test_a_trial_cannot_enter_a_state_that_does_not_follow(tmp_path: Path):
    lab = SoftLab(trials=1, folder=tmp_path)
    lab.run()
    with pytest.raises(StorageError, match="soft-1: trial 1 is ingested, and cannot become running"):
        lab.journal.begin_again("soft-1", 1, 1, "again")
    with pytest.raises(StorageError, match="soft-1: trial 9 is not known, and cannot become failed"):
        lab.journal.fail("soft-1", 9, "it leaks")


def test_a_pause_ends_the_plan_before_its_next_action_and_a_resume_does_only_the_rest(tmp_path: Path):
    lab = SoftLab(trials=TRIALS, make_plan=two_pours, reduce=by_maximum, folder=tmp_path)

    class Pauses:
        def notify(self, event: Any) -> None:
            if isinstance(event, PhaseChanged) and (event.trial, event.phase) == (2, "first"):
                lab.stop.request("ada pressed pause")

    lab.observers = (Pauses(),)
    result = lab.run()
    assert (result.state, result.exit_code) == ("paused", 5)
    lab.observers = ()
    lab.journal.close()
    assert lab.resume().state == "finished"
    check(lab)


def test_a_plan_that_asks_for_a_pause_pauses_the_campaign():
    def pausing(pump: Any, x: float, operations: Operations, md: Any):
        yield from act(pump, Pour(x, operations("pour")))
        yield from bps.clear_checkpoint()
        yield from bps.pause()

    lab = SoftLab(trials=TRIALS, make_plan=pausing)
    result = lab.run()
    assert (result.state, result.exit_code) == ("paused", 5)
    assert lab.trials_of()[0].state is TrialState.RUNNING
