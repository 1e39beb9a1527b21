"""The states of a trial, driven by random events and crashes: what the table does not allow is refused."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from autolab.core.clock import VirtualClock
from autolab.core.errors import StorageError
from autolab.core.trials import FINAL, NEXT, Estimate, Suggestion, TrialState, Verdict
from autolab.journal import plates
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from autolab.journal.records import Timings
from tests.journal.test_journal import ADA, START

TRIALS = st.integers(1, 3)
STATES = st.sampled_from(list(TrialState))


class TrialStates(RuleBasedStateMachine):
    """The journal on the disk against a model of it: the state of each trial, and all that it has been."""

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "1"
        self.folder.mkdir()
        self.journal = Journal(self.folder, VirtualClock())
        self.journal.start_campaign(START, ADA)
        self.been: dict[int, list[TrialState]] = {1: [], 2: [], 3: []}

    def teardown(self) -> None:
        self.journal.close()
        shutil.rmtree(self.root)

    @rule(trial=TRIALS, state=STATES)
    def enter(self, trial: int, state: TrialState) -> None:
        been = self.been[trial]
        now = been[-1] if been else None
        try:
            _enter(self.journal, trial, state)
        except StorageError:
            assert state not in NEXT[now]
            return
        assert state in NEXT[now]
        been.append(state)

    @rule(trial=TRIALS, data=st.data())
    def go_on(self, trial: int, data: st.DataObject) -> None:
        """One of the states that may follow, so that all of them are reached."""
        been = self.been[trial]
        if following := sorted(NEXT[been[-1] if been else None]):
            self.enter(trial, data.draw(st.sampled_from(following)))

    @rule(trial=TRIALS, state=STATES)
    def crash_in_the_middle_of_a_commit(self, trial: int, state: TrialState) -> None:
        """What was in a commit that did not end has not happened."""
        try:
            with self.journal.commit():
                _enter(self.journal, trial, state)
                raise KeyboardInterrupt
        except (KeyboardInterrupt, StorageError):
            self.crash()

    @rule()
    def crash(self) -> None:
        """A controller that is gone closes nothing: the next one finds the files as they lie on the disk."""
        left, self.folder = self.folder, self.root / str(int(self.folder.name) + 1)
        self.folder.mkdir()
        for file in left.iterdir():
            if not file.name.endswith("-shm"):
                shutil.copy(file, self.folder)
        self.journal.close()
        self.journal = Journal(self.folder, VirtualClock())

    @invariant()
    def each_trial_is_where_it_was_put_and_remembers_how_it_came_there(self) -> None:
        trials = JournalReader(self.journal.states, self.journal.documents).trials("c-1")
        assert {trial.number: trial.state for trial in trials} == {n: been[-1] for n, been in self.been.items() if been}
        told = {trial.number: [moment.state for moment in trial.transitions] for trial in trials}
        assert told == {number: been for number, been in self.been.items() if been}


TrialStates.TestCase.settings = settings(max_examples=15, stateful_step_count=40, deadline=None)
TestTrialStates = TrialStates.TestCase


def _enter(journal: Journal, trial: int, state: TrialState) -> None:
    """The call by which a trial comes into a state."""
    suggestion = Suggestion(trial, {"x": trial / 4}, "sobol", "a point", 3, (), ())
    calls: dict[TrialState, Callable[[], None]] = {
        TrialState.SUGGESTED: lambda: journal.suggest("c-1", "simulated", suggestion),
        TrialState.SCREENED: lambda: _screen(journal, suggestion),
        TrialState.AWAITING: lambda: journal.screen("c-1", suggestion, Verdict("needs approval", ("new",), 1), ADA),
        TrialState.REFUSED: lambda: journal.screen("c-1", suggestion, Verdict("refused", ("no",)), ADA),
        TrialState.RUNNING: lambda: _run(journal, suggestion),
        TrialState.PREPARED: lambda: plates.prepared(journal, "c-1", trial, 1),
        TrialState.ACQUIRED: lambda: journal.acquired("c-1", trial),
        TrialState.REDUCED: lambda: journal.reduced("c-1", trial, 1, 1, {"y": Estimate(1.0)}),
        TrialState.INGESTED: lambda: journal.ingested("c-1", trial, Timings(0.0, 0.0, 0.0, 0.0)),
        TrialState.FAILED: lambda: journal.fail("c-1", trial, "it leaks"),
        TrialState.IN_DOUBT: lambda: journal.doubt("c-1", trial, "nobody knows"),
        TrialState.ABANDONED: lambda: journal.abandon("c-1", trial, "a person gave it up"),
    }
    calls[state]()


def _screen(journal: Journal, suggestion: Suggestion) -> None:
    """By a verdict the first time; a trial that has failed is owed another attempt."""
    if TrialState.FAILED in _been(journal, suggestion.trial):
        journal.try_again("c-1", suggestion.trial, 2)
    else:
        journal.screen("c-1", suggestion, Verdict("allowed"), ADA)


def _run(journal: Journal, suggestion: Suggestion) -> None:
    """By its permit the first time, as a resume or a retry from then on."""
    been = _been(journal, suggestion.trial)
    if TrialState.SCREENED in been and TrialState.RUNNING not in been:
        journal.begin("c-1", suggestion, 1, None, "bench")
    else:
        journal.begin_again("c-1", suggestion.trial, 1, "resumed")


def _been(journal: Journal, number: int) -> list[TrialState]:
    trials = JournalReader(journal.states, journal.documents).trials("c-1")
    return [transition.state for trial in trials if trial.number == number for transition in trial.transitions]


def test_nothing_follows_a_final_state_but_a_retry() -> None:
    assert {state: following for state, following in NEXT.items() if state in FINAL and following} == {
        TrialState.FAILED: {TrialState.SCREENED}
    }
