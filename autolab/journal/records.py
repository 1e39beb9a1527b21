"""Rows of the journal as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autolab.core.approvals import Proposal
from autolab.core.confirming import Confirm
from autolab.core.imports import ImportedFrom
from autolab.core.problem import Problem
from autolab.core.proposing import EngineSpec, Recommendation
from autolab.core.samples import Sample
from autolab.core.trials import Outcome, Suggestion, TrialState, Verdict
from autolab.core.workflows import Workflow

__all__ = [
    "CampaignRecord",
    "DeviceRecord",
    "IntentRecord",
    "InterventionRecord",
    "MovementRecord",
    "Past",
    "PhaseRecord",
    "Recommendation",
    "Timings",
    "Transition",
    "TrialRecord",
]


@dataclass(frozen=True, slots=True)
class CampaignRecord:
    """One campaign."""

    id: str
    """Name and time of its start; unique in a data folder."""
    key: str
    """Short unique key that its operation ids carry."""
    name: str
    lab: str
    laboratory: str
    realm: str
    state: str
    """``running``, ``paused``, ``finished``, ``stopped`` or ``failed``."""
    reason: str | None
    """Why it ended, in one sentence."""
    seed: int
    created: str
    """Date and time in UTC, ISO 8601."""
    principal: str
    engine: EngineSpec
    lanes: int
    budget_trials: int
    problem: Problem
    campaign_file: str
    lab_file: str
    campaign_hash: str
    lab_hash: str
    environment: dict[str, Any]
    """Versions of Python and packages, the machine, and the command."""
    recommendation: Recommendation | None
    options: Mapping[str, Any]
    """How it was asked to run, and where its files are."""
    envelope_hash: str = ""
    """Content hash of the envelope that it runs in; empty where an older autolab began it."""
    envelope_version: str = ""
    confirm: Confirm | None = None
    """How its winner is confirmed; None where it is not, or an older autolab began it."""

    @property
    def is_experiment(self) -> bool:
        """False where it only performs calibrations (``autolab calibrate``) or moves a device (``autolab move``)."""
        return not (self.options.get("calibrate") or self.options.get("move"))

    @property
    def planned(self) -> int:
        """Trials that it may take, those that confirm its winner included."""
        return self.budget_trials + (0 if self.confirm is None else self.confirm.trials)


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """A device as it was when the campaign started."""

    name: str
    class_name: str
    address: str
    model: str
    serial_number: str
    realm: str


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of a trial's state."""

    trial: int
    state: TrialState
    lab_s: float
    """Lab seconds since the campaign started."""
    date: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the real time of a trial went, in seconds."""

    wall_s: float
    device_s: float
    commit_s: float
    proposer_s: float
    """Waiting for the proposer."""
    screen_s: float = 0.0
    """Waiting for the screen while nothing ran: asking the devices how they stand, and the dry run."""

    @property
    def overhead_s(self) -> float:
        """What is left for the loop itself."""
        return self.wall_s - self.device_s - self.commit_s - self.proposer_s - self.screen_s


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial with its history."""

    number: int
    state: TrialState
    suggestion: Suggestion
    verdict: Verdict | None
    outcome: Outcome | None
    failure: str | None
    """Why it failed, in one sentence."""
    realm: str
    lane: int | None
    samples: tuple[Sample, ...]
    runs: tuple[str, ...]
    """Uids of its Bluesky runs."""
    transitions: tuple[Transition, ...]
    timings: Timings | None
    attempt: int = 1
    """Which attempt it is, or was."""
    repeat_of: int | None = None
    """The trial that it repeats, because a person wanted that or to confirm the winner."""
    fault: str | None = None
    """Kind of the fault that it failed with last."""
    closes: float | None = None
    """Half width of the region around it that is in quarantine, as a fraction of each parameter's range."""
    proposal: Proposal | None = None
    """What people are asked to approve, where they are."""
    workflow: Workflow | None = None
    """Who chose and who did it, from its end on; None before, where an older autolab ran it, and of imported ones."""
    source: ImportedFrom | None = None
    """Where in a table it was imported from; None of all others."""

    @property
    def begun_s(self) -> float | None:
        """Lab time at which it was last begun: of one on a plate its preparation, not the measuring of the plate."""
        states = [transition.state for transition in self.transitions]
        if TrialState.PREPARED not in states:
            return self.lab_s(TrialState.RUNNING)
        last = len(states) - 1 - states[::-1].index(TrialState.PREPARED)
        return next((t.lab_s for t in self.transitions[last::-1] if t.state is TrialState.RUNNING), None)

    def lab_s(self, state: TrialState) -> float | None:
        """Lab time at which the trial last entered ``state``; None where it never did."""
        times = [transition.lab_s for transition in self.transitions if transition.state is state]
        return times[-1] if times else None


@dataclass(frozen=True, slots=True)
class IntentRecord:
    """An action, written before it was begun and again when it ended."""

    operation: str
    trial: int
    device: str
    action: dict[str, Any]
    state: str
    """``intended``, ``done``, ``failed``, or ``void`` where it was found not to have happened."""
    intended_lab_s: float
    settled_lab_s: float | None
    detail: str | None
    counter: int | None = None
    """The device's own count of operations before the action, where it was known."""
    settled_by: str | None = None
    """Who settled it, where it was in doubt."""
    used_ul: float | None = None
    """Volume that it really used, in microlitres, where that is known to differ from what was intended."""


@dataclass(frozen=True, slots=True)
class PhaseRecord:
    """A phase that is complete."""

    result: Any
    """What it returned."""
    first: int
    """Number of the first document that it may have recorded."""
    last: int
    """Number of the last document that was recorded when it ended."""


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier runs of a trial's plan have done."""

    actions: Mapping[str, str]
    """State of each action by its operation id: ``intended``, ``done``, ``failed`` or ``void``."""
    phases: Mapping[str, PhaseRecord]
    """Phases that are complete, by name."""


@dataclass(frozen=True, slots=True)
class MovementRecord:
    """Something that a device did for a plan and that may be repeated: a move, a measurement."""

    trial: int
    device: str
    what: str
    """``move`` or ``measure``."""
    begun_lab_s: float
    ended_lab_s: float
    failure: str | None


@dataclass(frozen=True, slots=True)
class InterventionRecord:
    """Something a person did to a campaign, with its cause."""

    trial: int | None
    principal: str
    cause: str
    detail: str
    lab_s: float
    date: str
