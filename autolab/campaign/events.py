"""What a running campaign tells its observers. Observers cannot change what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from autolab.core.problem import Problem
from autolab.core.trials import Outcome, Realm, Suggestion
from autolab.journal.records import Recommendation

__all__ = [
    "BypassesChanged",
    "CampaignEnded",
    "CampaignEvent",
    "CampaignResult",
    "CampaignStarted",
    "Observer",
    "PhaseChanged",
    "StopRequested",
    "TrialEnded",
    "TrialStarted",
]


@dataclass(frozen=True, slots=True)
class CampaignStarted:
    """The lab is open and the first trial is being prepared."""

    campaign: str
    name: str
    lab: str
    realm: Realm
    problem: Problem
    engine: str
    seed: int
    budget_trials: int
    """Trials that it may take at most, those that confirm its winner included."""
    budget_hours: float | None
    done: int = 0
    """Trials that are over already, where the campaign is resumed."""
    per_plate: int = 1
    """Trials that are measured, and so end, together."""


@dataclass(frozen=True, slots=True)
class TrialStarted:
    """A lane begins a trial."""

    lane: int
    suggestion: Suggestion
    lab_s: float
    """Lab seconds since the campaign started, as in all events."""


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """A device begins something that takes time."""

    lane: int
    trial: int
    phase: str
    """What runs now, such as ``dispense-cyan`` or ``moving stage``."""
    lab_s: float


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial has an outcome, or failed, was refused or abandoned."""

    trial: int
    state: Literal["ingested", "failed", "refused", "abandoned"]
    outcome: Outcome | None
    why: str | None
    """Why it has no outcome, in one sentence."""
    best_trial: int | None
    """The best trial so far, as measured."""
    best_value: float | None
    lab_s: float


@dataclass(frozen=True, slots=True)
class StopRequested:
    """A person asked to stop: after the running trials, or at once."""

    at_once: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that a person should know while the campaign goes on, in one sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class BypassesChanged:
    """Interlocks are bypassed, or are not any more."""

    bypasses: tuple[str, ...]
    """A sentence for each that is in force."""


@dataclass(frozen=True, slots=True)
class CampaignEnded:
    """The campaign is over and all is recorded."""

    result: CampaignResult
    lab_s: float


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """How a campaign ended."""

    campaign: str
    state: Literal["finished", "paused", "stopped", "failed"]
    reason: str
    """Why it ended, in one sentence."""
    exit_code: int
    """As the design's list of exit codes says."""
    trials: int
    """Trials with an outcome."""
    target_met: bool | None
    """Whether the confirmed value reaches the target, or without confirmation a measured one; None without a target."""
    recommendation: Recommendation | None


CampaignEvent = (
    CampaignStarted | TrialStarted | PhaseChanged | TrialEnded | StopRequested | Noted | BypassesChanged | CampaignEnded
)


class Observer(Protocol):
    """Watches a campaign. What it raises is reported once, and never disturbs the campaign."""

    def notify(self, event: CampaignEvent) -> None:
        """Take note of an event. Called from the campaign's thread; it must return quickly."""
        ...
