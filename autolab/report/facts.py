"""The facts of a campaign, gathered once from the journal for all figures and tables of a report."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from autolab.core.front import front_of
from autolab.core.objectives import Objective, OutcomeConstraint
from autolab.core.trials import Estimate, TrialState
from autolab.journal.reader import JournalReader
from autolab.journal.records import (
    CampaignRecord,
    DeviceRecord,
    IntentRecord,
    InterventionRecord,
    MovementRecord,
    TrialRecord,
)

__all__ = ["WITHOUT_OUTCOME", "Facts", "Measured", "Work", "median", "recommended_trial", "target_is_met"]

WITHOUT_OUTCOME = (TrialState.FAILED, TrialState.REFUSED, TrialState.ABANDONED, TrialState.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Measured:
    """A trial with an outcome, and the best one up to it."""

    trial: TrialRecord
    estimate: Estimate
    """Of what trials are ordered by (`Problem.ranking`)."""
    keeps: bool
    """True where all outcome constraints hold as measured."""
    best: float | None
    """Best value so far among the trials that keep the constraints; None while there is none, and for a front."""
    best_trial: int | None
    """The trial that has it."""


@dataclass(frozen=True)
class Work:
    """What a device did for a trial, over lab time: an action, a move or a measurement."""

    trial: int
    device: str
    what: str
    """The action's phase, or ``move`` or ``measure``."""
    state: str
    """``done``, ``failed``, or ``intended`` for an action that is not settled."""
    begun_lab_s: float
    ended_lab_s: float | None
    detail: str | None


@dataclass(frozen=True)
class Facts:
    """One campaign as its journal has it."""

    campaign: CampaignRecord
    trials: tuple[TrialRecord, ...]
    devices: tuple[DeviceRecord, ...]
    work: tuple[Work, ...]
    """In the order in which it was begun."""
    intents: tuple[IntentRecord, ...]
    """The actions, in the order in which they were begun."""
    interventions: tuple[InterventionRecord, ...]
    measured: tuple[Measured, ...]

    @classmethod
    def read(cls, reader: JournalReader, campaign: CampaignRecord) -> Facts:
        """Gather the facts of a campaign.

        Raises:
            StorageError: the journal cannot be read.
        """
        trials, intents = tuple(reader.trials(campaign.id)), tuple(reader.intents(campaign.id))
        return cls(
            campaign,
            trials,
            tuple(reader.devices(campaign.id)),
            _work(intents, reader.movements(campaign.id)),
            intents,
            tuple(reader.interventions(campaign.id)),
            tuple(_measured(campaign, trials)),
        )

    @property
    def objective(self) -> Objective:
        """What trials are ordered by: the objective, or the weighted sum of several. The first one of a front."""
        return self.campaign.problem.ranking

    @property
    def front(self) -> tuple[int, ...]:
        """Trials of the front: those that are recommended, or as measured while it runs; none where none is sought."""
        if not self.campaign.problem.seeks_front:
            return ()
        if self.campaign.recommendation is not None:
            return self.campaign.recommendation.front
        return front_of(self.campaign.problem, [(m.trial.number, m.trial.outcome or {}) for m in self.measured])

    @property
    def without_outcome(self) -> tuple[TrialRecord, ...]:
        """Trials that failed, were refused, abandoned, or are in doubt."""
        return tuple(trial for trial in self.trials if trial.state in WITHOUT_OUTCOME)

    @property
    def best(self) -> Measured | None:
        """The best trial as measured; None while no trial keeps all outcome constraints."""
        if not self.measured or self.measured[-1].best_trial is None:
            return None
        number = self.measured[-1].best_trial
        return next(m for m in self.measured if m.trial.number == number)

    @property
    def recommended_trial(self) -> int | None:
        """Number of the trial that the campaign recommends, or the best as measured while it runs."""
        return recommended_trial(self.campaign, self.best.trial.number if self.best else None)

    @property
    def target_is_met(self) -> bool | None:
        """Whether the confirmed value meets the target, or without one the best outcome as measured; None without a
        target or an outcome.
        """
        return target_is_met(self.campaign, self.best.estimate.value if self.best else None)

    @property
    def lab_seconds(self) -> float:
        """Lab time from the start of the campaign to its last record."""
        times = [transition.lab_s for trial in self.trials for transition in trial.transitions]
        times += [work.ended_lab_s or work.begun_lab_s for work in self.work]
        return max(times, default=0.0)

    def count(self, state: TrialState) -> int:
        """Number of trials in a state."""
        return sum(trial.state is state for trial in self.trials)


def recommended_trial(campaign: CampaignRecord, best: int | None) -> int | None:
    """Number of the trial that a campaign recommends, or while it runs of the ``best`` one as measured."""
    return best if campaign.recommendation is None else campaign.recommendation.trial


def target_is_met(campaign: CampaignRecord, best: float | None) -> bool | None:
    """Whether the confirmed value meets the target, or without one the ``best`` as measured; None without either."""
    problem, recommendation = campaign.problem, campaign.recommendation
    objective = problem.ranking
    if problem.seeks_front or objective.target is None:
        return None
    if objective.goal == "target" and objective.tolerance is None:
        return None
    if recommendation is not None and recommendation.confirmed:
        return objective.is_reached(recommendation.mean)
    return None if best is None else objective.is_reached(best)


def _work(intents: Sequence[IntentRecord], movements: Sequence[MovementRecord]) -> tuple[Work, ...]:
    work = [
        Work(i.trial, i.device, _phase(i.operation), i.state, i.intended_lab_s, i.settled_lab_s, i.detail)
        for i in intents
    ]
    work += [
        Work(m.trial, m.device, m.what, "failed" if m.failure else "done", m.begun_lab_s, m.ended_lab_s, m.failure)
        for m in movements
    ]
    return tuple(sorted(work, key=lambda item: item.begun_lab_s))


def _phase(operation: str) -> str:
    """Name of the phase that an action belongs to, from its operation id."""
    parts = operation.split(".")
    return parts[3] if len(parts) == 5 else operation


def _measured(campaign: CampaignRecord, trials: Sequence[TrialRecord]) -> list[Measured]:
    problem = campaign.problem
    found: list[Measured] = []
    best: float | None = None
    best_trial: int | None = None
    for trial in trials:
        estimate = problem.score(trial.outcome or {})
        if estimate is None:
            continue
        keeps = all(_keeps(trial, constraint) for constraint in problem.outcome_constraints)
        loss = problem.ranking.loss
        if keeps and not problem.seeks_front and (best is None or loss(estimate.value) < loss(best)):
            best, best_trial = estimate.value, trial.number
        found.append(Measured(trial, estimate, keeps, best, best_trial))
    return found


def _keeps(trial: TrialRecord, constraint: OutcomeConstraint) -> bool:
    estimate = (trial.outcome or {}).get(constraint.metric)
    return estimate is not None and constraint.holds(estimate.value)


def median(numbers: Sequence[float]) -> float:
    """Median; NaN of nothing."""
    return statistics.median(numbers) if numbers else math.nan
