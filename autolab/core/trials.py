"""Trials: from suggestion through verdict to outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from autolab.core.errors import InputError
from autolab.core.explanations import Explanation
from autolab.core.parameters import Values

__all__ = [
    "CONFIRM",
    "FINAL",
    "NEXT",
    "PERSON",
    "REPEAT",
    "Estimate",
    "Outcome",
    "Realm",
    "Suggestion",
    "TrialState",
    "Verdict",
]


class Realm(StrEnum):
    """Where a trial happened. Stamped by ``autolab.compose``."""

    SIMULATED = "simulated"
    EMULATED = "emulated"
    PHYSICAL = "physical"


class TrialState(StrEnum):
    """Where a trial stands."""

    SUGGESTED = "suggested"
    AWAITING = "awaiting approval"
    SCREENED = "screened"
    REFUSED = "refused"
    RUNNING = "running"
    PREPARED = "prepared"
    ACQUIRED = "acquired"
    REDUCED = "reduced"
    INGESTED = "ingested"
    FAILED = "failed"
    IN_DOUBT = "in doubt"
    ABANDONED = "abandoned"


NEXT: Mapping[TrialState | None, frozenset[TrialState]] = {
    None: frozenset({TrialState.SUGGESTED}),
    TrialState.SUGGESTED: frozenset(
        {TrialState.SCREENED, TrialState.AWAITING, TrialState.REFUSED, TrialState.ABANDONED}
    ),
    TrialState.AWAITING: frozenset(
        {TrialState.SCREENED, TrialState.AWAITING, TrialState.REFUSED, TrialState.ABANDONED}
    ),
    TrialState.SCREENED: frozenset({TrialState.RUNNING, TrialState.AWAITING, TrialState.REFUSED, TrialState.ABANDONED}),
    TrialState.RUNNING: frozenset(
        {
            TrialState.PREPARED,
            TrialState.ACQUIRED,
            TrialState.FAILED,
            TrialState.IN_DOUBT,
            TrialState.ABANDONED,
            TrialState.RUNNING,
        }
    ),
    TrialState.PREPARED: frozenset({TrialState.RUNNING, TrialState.FAILED, TrialState.ABANDONED}),
    TrialState.IN_DOUBT: frozenset({TrialState.IN_DOUBT, TrialState.RUNNING, TrialState.FAILED, TrialState.ABANDONED}),
    TrialState.ACQUIRED: frozenset({TrialState.REDUCED, TrialState.FAILED, TrialState.RUNNING}),
    TrialState.REDUCED: frozenset({TrialState.INGESTED}),
    TrialState.INGESTED: frozenset(),
    TrialState.FAILED: frozenset({TrialState.SCREENED}),
    TrialState.REFUSED: frozenset(),
    TrialState.ABANDONED: frozenset(),
}
"""What may follow each state; None is before the trial is suggested. *Running* or *in doubt* again is a resume. A trial
that has failed and is tried again waits as *screened*, so that the retry is not forgotten. One that was allowed is
*refused* after all where its region has been closed meanwhile. *Awaiting approval* again is another proposal. A trial
that is imported is *ingested* from the first. One on a plate is *prepared* while it waits for the others, and *running*
again while the plate is measured."""

FINAL = frozenset({TrialState.INGESTED, TrialState.FAILED, TrialState.REFUSED, TrialState.ABANDONED})
"""States in which nothing more happens to a trial by itself."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric's value with its standard error, both in the metric's unit.

    Raises:
        InputError: NaN or infinite numbers, or a negative standard error.
    """

    value: float
    sem: float | None = None
    """Standard error of the value; None where it is not known."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise InputError(f"an outcome must be a finite number, not {self.value!r}")
        if self.sem is not None and not (math.isfinite(self.sem) and self.sem >= 0):
            raise InputError(f"a standard error must be a finite number of at least zero, not {self.sem!r}")


PERSON = "person"
"""Engine of a suggestion that a person handed in."""
REPEAT = "repeat"
"""Engine of a suggestion that a person made: an earlier trial once more."""
CONFIRM = "confirm"
"""Engine of a suggestion that confirms the winner: one of the best trials once more, when the search is over."""

Outcome = dict[str, Estimate]
"""What a trial yields: an estimate for each metric, by name. Made once and never changed."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A proposed trial before it has been screened, with all that is needed to derive it again."""

    trial: int
    """Trial number, from 1."""
    values: Values
    engine: str
    """What made it: the engine's name, or that of its initial design."""
    reason: str
    """Why this trial, in one sentence."""
    seed: int
    seen: tuple[int, ...]
    """Trials whose outcomes (or failures) it saw."""
    pending: tuple[int, ...]
    """Trials that were in flight: known by their values only."""
    explanation: Explanation | None = None
    """Why this trial, in numbers; None where a person chose it, or an older autolab made it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the screen says of a suggestion. Unknown is refused."""

    decision: Literal["allowed", "needs approval", "refused"]
    reasons: tuple[str, ...] = ()
    persons: int = 0
    """How many different people have to approve it."""
    dry_run: str | None = None
    """What the dry run of the plan has shown, in words; None where there was none."""
    needs_ul: Mapping[str, float] | None = None
    """The most that the dry run foresees to be poured, in microlitres by material; None where nobody knows."""

    @property
    def blames_recipe(self) -> bool:
        """True where the plan was walked through with these values, and what it would do is refused."""
        is_known = self.dry_run is not None and not self.dry_run.startswith("not analysable")
        return self.decision == "refused" and is_known
