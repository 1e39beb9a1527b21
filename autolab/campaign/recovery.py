"""What is left of a campaign after an interruption, and what becomes of the trials that were under way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from autolab.campaign.book import Book
from autolab.core.clock import Clock
from autolab.core.errors import AutolabError, DeviceError
from autolab.core.operations import OperationId
from autolab.core.phases import Settlement
from autolab.core.principals import Principal
from autolab.core.samples import Sample
from autolab.core.trials import CONFIRM, FINAL, Suggestion, TrialState, Verdict
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from autolab.journal.records import IntentRecord, TrialRecord
from devices.reconciling import Reconcilable

__all__ = ["Fate", "Recovered", "Unfinished", "fate_of", "recovered", "settle", "unfinished"]

ASK_AGAIN_LAB_S = 1.0
"""Lab seconds after which an instrument that is still busy is asked again."""
LONGEST_ACTION_LAB_S = 3600.0
"""Lab seconds after which nobody waits for a busy instrument any longer."""


@dataclass(frozen=True)
class Unfinished:
    """A trial whose plan had begun and not ended."""

    suggestion: Suggestion
    sample: Sample | None
    attempt: int
    intents: tuple[IntentRecord, ...]
    """The actions of this attempt."""
    is_prepared: bool = False
    """Whether it waits for its plate, or its plate was being measured."""


@dataclass(frozen=True)
class Recovered:
    """Where a campaign stood when it was interrupted."""

    lab_s: float
    """Lab seconds of its last record."""
    book: Book
    unscreened: tuple[tuple[Suggestion, Verdict | None], ...]
    """Suggestions without a verdict, and those that wait for people, with theirs: the screen judges them again."""
    ready: tuple[Suggestion, ...]
    """Suggestions that were allowed and not begun, and those of trials that have failed and are tried again."""
    attempts: Mapping[int, int]
    """Number of the attempt that each trial is at."""
    unfinished: tuple[Unfinished, ...]
    reduced: tuple[int, ...]
    """Trials whose outcome is kept, and which the proposer has not been told of."""
    searched_s: float | None = None
    """Lab seconds at which the last search was over, and trials to confirm its winner were chosen; None before."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a trial that was under way."""

    what: Literal["goes on", "failed", "in doubt"]
    why: str
    has_done: bool = False
    """Whether an action that was in doubt turned out to be done."""
    is_silent: bool = False
    """Whether it is in doubt because a device did not answer, and may answer later."""


def recovered(trials: Iterable[TrialRecord], intents: Iterable[IntentRecord]) -> Recovered:
    """Read where a campaign stood from its record."""
    book, begun = Book(), list(intents)
    by_state: dict[TrialState, list[TrialRecord]] = {}
    lab_s = 0.0
    for trial in trials:
        by_state.setdefault(trial.state, []).append(trial)
        book.suggestions[trial.number] = trial.suggestion
        lab_s = max(lab_s, *(transition.lab_s for transition in trial.transitions))
        if trial.state in FINAL:
            book.concluded[trial.number] = trial.outcome if trial.state is TrialState.INGESTED else None
            if trial.state is TrialState.FAILED and trial.fault is not None:
                book.faults[trial.number] = trial.fault
            elif trial.state is TrialState.REFUSED and trial.verdict is not None:
                book.refused(trial.number, trial.verdict)
            if trial.closes is not None:
                book.closes[trial.number] = trial.closes
        elif trial.state is TrialState.REDUCED:
            book.concluded[trial.number] = trial.outcome
    for intent in begun:
        lab_s = max(lab_s, intent.intended_lab_s, intent.settled_lab_s or 0.0)
    under_way = [
        trial
        for state in (TrialState.RUNNING, TrialState.PREPARED, TrialState.IN_DOUBT, TrialState.ACQUIRED)
        for trial in by_state.get(state, [])
    ]
    return Recovered(
        lab_s=lab_s,
        book=book,
        unscreened=(
            *((trial.suggestion, trial.verdict) for trial in by_state.get(TrialState.AWAITING, [])),
            *((suggestion, None) for suggestion in _suggestions(by_state, TrialState.SUGGESTED)),
        ),
        ready=_suggestions(by_state, TrialState.SCREENED),
        attempts={trial.number: trial.attempt for group in by_state.values() for trial in group},
        unfinished=tuple(
            replace(
                _unfinished(trial.suggestion, trial.samples[-1] if trial.samples else None, trial.attempt, begun),
                is_prepared=_is_prepared(trial),
            )
            for trial in sorted(under_way, key=lambda trial: trial.number)
        ),
        reduced=tuple(trial.number for trial in by_state.get(TrialState.REDUCED, [])),
        searched_s=max(
            (t.transitions[0].lab_s for group in by_state.values() for t in group if t.suggestion.engine == CONFIRM),
            default=None,
        ),
    )


def unfinished(
    journal: Journal, campaign: str, suggestion: Suggestion, sample: Sample | None, attempt: int
) -> Unfinished:
    """An attempt at a trial whose plan has failed, with its actions."""
    reader = JournalReader(journal.states, journal.documents)
    return _unfinished(suggestion, sample, attempt, reader.intents(campaign, suggestion.trial))


def settle(
    past: Recovered,
    fate: Callable[[Unfinished], Fate],
    fail: Callable[[int, AutolabError, Sample | None], None],
    doubt: Callable[[int, Fate], None],
) -> list[Unfinished]:
    """Decide what becomes of each trial that was under way. Returns those that go on.

    Args:
        past: Where the campaign stood.
        fate: Settles the actions of a trial, see `fate_of`.
        fail: Records that a trial has failed.
        doubt: Records that nobody knows what became of an action.
    """
    found: list[Unfinished] = []
    for trial in past.unfinished:
        what = fate(trial)
        if what.what == "goes on":
            found.append(trial)
        elif what.what == "failed":
            fail(trial.suggestion.trial, DeviceError(what.why), trial.sample)
        else:
            doubt(trial.suggestion.trial, what)
    return found


def fate_of(trial: Unfinished, devices: Mapping[str, Any], clock: Clock, journal: Journal) -> Fate:
    """Settle the actions of a trial that was under way by asking the devices. Nothing is guessed, and nothing moves.

    Args:
        trial: The trial.
        devices: Devices of the lab by name, connected.
        clock: Lab time.
        journal: Keeps each answer with the device that gave it.
    """
    has_done = False
    for intent in trial.intents:
        if intent.state == "failed":
            _note_used(intent, devices, journal)
            return Fate("failed", intent.detail or f"{intent.operation} failed")
        if intent.state != "intended":
            continue
        operation = OperationId.parse(intent.operation)
        try:
            settlement = _ask(devices.get(intent.device), intent, operation, clock)
        except DeviceError as error:
            return Fate("in doubt", f"{intent.operation}: {error}", is_silent=True)
        by = Principal(intent.device, "system")
        match settlement.state:
            case "done":
                journal.settle(operation, "done", settlement.evidence, by=by)
                has_done = True
            case "not done":
                journal.settle(operation, "void", settlement.evidence, by=by)
            case "partly":
                journal.settle(operation, "failed", settlement.evidence, by=by, used_ul=settlement.used_ul)
                return Fate("failed", settlement.evidence)
            case _:
                return Fate("in doubt", f"{intent.operation}: {settlement.evidence}")
    return Fate("goes on", "all its actions are settled", has_done)


def _note_used(intent: IntentRecord, devices: Mapping[str, Any], journal: Journal) -> None:
    """Correct what an action that has failed is booked with, where its device knows what it really used."""
    device = devices.get(intent.device)
    if intent.used_ul is None and isinstance(device, Reconcilable):
        with suppress(DeviceError):  # it stays booked in full
            settlement = device.reconcile(OperationId.parse(intent.operation), intent.counter)
            if settlement.used_ul is not None:
                journal.used(intent.operation, settlement.used_ul)


def _ask(device: Any, intent: IntentRecord, operation: OperationId, clock: Clock) -> Settlement:
    if not isinstance(device, Reconcilable):
        return Settlement("unknown", f"{intent.device} cannot say what became of it")
    end = clock.now() + LONGEST_ACTION_LAB_S
    settlement = device.reconcile(operation, intent.counter)
    while settlement.state == "running" and clock.now() < end:
        clock.sleep(ASK_AGAIN_LAB_S)
        settlement = device.reconcile(operation, intent.counter)
    return settlement


def _unfinished(
    suggestion: Suggestion, sample: Sample | None, attempt: int, intents: Iterable[IntentRecord]
) -> Unfinished:
    mine = tuple(i for i in intents if i.trial == suggestion.trial and _attempt(i) == attempt)
    return Unfinished(suggestion, sample, attempt, mine)


def _is_prepared(trial: TrialRecord) -> bool:
    """Whether an attempt at a trial has been prepared: another attempt begins with *screened*."""
    states = [transition.state for transition in trial.transitions]
    last = max((at for at, state in enumerate(states) if state is TrialState.SCREENED), default=0)
    return TrialState.PREPARED in states[last:]


def _suggestions(by_state: Mapping[TrialState, list[TrialRecord]], state: TrialState) -> tuple[Suggestion, ...]:
    return tuple(trial.suggestion for trial in by_state.get(state, []))


def _attempt(intent: IntentRecord) -> int:
    return OperationId.parse(intent.operation).attempt
