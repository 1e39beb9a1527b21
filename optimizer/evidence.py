"""What is known when a suggestion is asked for, in the form that models take: arrays in the unit cube."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import numpy as np

from autolab.core.faults import SCREENED
from autolab.core.parameters import Values
from autolab.core.problem import Problem, Space
from autolab.core.proposing import Observation, Pending
from autolab.core.quarantine import Quarantine
from autolab.core.trials import Outcome
from optimizer.space import Key, Points, UnitSpace, key_of

__all__ = ["LARGEST", "Evidence", "Taken"]

LARGEST = 1e100
"""Outcomes beyond plus or minus this are no measurements that arithmetic could bear."""


@dataclass(frozen=True)
class Taken(Collection[Key]):
    """Points that may not be suggested, by `key_of`: some one by one, and all of some regions."""

    keys: frozenset[Key]
    closed: tuple[Quarantine, ...]
    space: Space

    def __contains__(self, key: object) -> bool:
        if key in self.keys:
            return True
        if not self.closed:
            return False
        values: Values = dict(zip(sorted(self.space.names), cast("Key", key), strict=True))
        return any(quarantine.holds(values, self.space) for quarantine in self.closed)

    def __iter__(self) -> Iterator[Key]:
        return iter(self.keys)

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True)
class Evidence:
    """The outcomes that a model may learn from, and the points that may not be suggested.

    Trials that failed, lack a metric, lie outside the bounds (earlier data may), or measured beyond `LARGEST` teach
    the models of metrics nothing: the squares of such numbers are beyond what a float holds. Those that failed for
    their recipe teach where trials fail.
    """

    problem: Problem
    observations: tuple[Observation, ...]
    pending: tuple[Pending, ...]
    borrowed: tuple[Observation, ...] = ()
    """Outcomes of earlier data, numbered below 1: models learn from them, and no suggestion is compared to them."""

    @cached_property
    def unit(self) -> UnitSpace:
        """The space as the unit cube."""
        return UnitSpace(self.problem.space)

    @cached_property
    def usable(self) -> tuple[tuple[Observation, Outcome], ...]:
        """Observations that a model may learn from, with their outcomes, in the order of their trials."""
        return tuple((observation, outcome) for observation, outcome, _ in self._placed)

    @cached_property
    def _placed(self) -> tuple[tuple[Observation, Outcome, Points], ...]:
        """The same, with their points of the unit cube."""
        found: list[tuple[Observation, Outcome, Points]] = []
        metrics = self.problem.metrics
        for observation in sorted((*self.borrowed, *self.observations), key=lambda item: item.trial):
            outcome = observation.outcome
            if outcome is None or any(metric not in outcome for metric in metrics):
                continue
            if any(abs(outcome[metric].value) > LARGEST for metric in metrics):
                continue
            point = self._inside(observation.values)
            if point is not None:
                found.append((observation, outcome, point))
        return tuple(found)

    @cached_property
    def too_large(self) -> tuple[int, ...]:
        """Trials with an outcome beyond `LARGEST`."""
        found = [(seen.trial, seen.outcome) for seen in self.observations if seen.outcome is not None]
        metrics = self.problem.metrics
        return tuple(t for t, o in found if any(m in o and abs(o[m].value) > LARGEST for m in metrics))

    @property
    def n(self) -> int:
        """Number of usable outcomes."""
        return len(self.usable)

    @cached_property
    def points(self) -> Points:
        """Points of the usable outcomes. Shape ``(n, d)``."""
        encoded = [point for _, _, point in self._placed]
        return np.clip(np.array(encoded, dtype=float).reshape(self.n, self.unit.d), 0.0, 1.0)

    @cached_property
    def pending_points(self) -> Points:
        """Points of the trials in flight. Shape ``(n, d)``."""
        encoded = [point for pending in self.pending if (point := self._inside(pending.values)) is not None]
        return np.clip(np.array(encoded, dtype=float).reshape(len(encoded), self.unit.d), 0.0, 1.0)

    @cached_property
    def failed(self) -> tuple[int, ...]:
        """Numbers of the trials that failed for their recipe, in order."""
        return tuple(trial for trial, _ in self._failed)

    @cached_property
    def failed_points(self) -> Points:
        """Their points. Shape ``(n, d)``."""
        return np.clip(np.array([point for _, point in self._failed]).reshape(-1, self.unit.d), 0.0, 1.0)

    @cached_property
    def _failed(self) -> list[tuple[int, Points]]:
        blamed = [o for o in self.observations if o.outcome is None and o.fault in self.problem.recipe_faults]
        places = [(o.trial, self._inside(o.values)) for o in sorted(blamed, key=lambda o: o.trial)]
        return [(trial, point) for trial, point in places if point is not None]

    def values(self, metric: str) -> Points:
        """Values of ``metric`` over the usable outcomes, in its unit. Shape ``(n,)``."""
        return np.array([outcome[metric].value for _, outcome in self.usable])

    @cached_property
    def before(self) -> Values | None:
        """Values of the last trial that was run or is to run; None where there is none."""
        return self.run[-1] if self.run else None

    @cached_property
    def run(self) -> tuple[Values, ...]:
        """Values of all trials that were run or are to run, in the order of their numbers."""
        run = [seen for seen in self.observations if seen.outcome is not None or seen.fault not in (None, SCREENED)]
        return tuple(item.values for item in sorted((*run, *self.pending), key=lambda item: item.trial))

    def noises(self, metric: str) -> Points | None:
        """Variances of the noise of the usable outcomes in ``metric``, in its unit squared; None where it is learned.

        Where outcomes report their own, one that does not counts with the mean variance of those that do. Shape
        ``(n,)``.
        """
        known = next((noise for noise in self.problem.noises if noise.metric == metric), None)
        if known is None:
            return None
        if known.sem is not None:
            return np.full(self.n, known.sem**2)
        sems = [outcome[metric].sem for _, outcome in self.usable]
        reported = [sem**2 for sem in sems if sem is not None]
        if not reported:
            return None
        return np.array([float(np.mean(reported)) if sem is None else sem**2 for sem in sems])

    @property
    def outputs(self) -> tuple[str, ...]:
        """Metric of each output of a model, each once: the objective's first."""
        return self.problem.metrics

    @cached_property
    def loss_table(self) -> Points:
        """The number to make small, of each usable outcome in each objective. Shape ``(n, objectives)``."""
        columns = [[o.loss(value) for value in self.values(o.metric)] for o in self.problem.objectives]
        return np.array(columns, dtype=float).T

    @cached_property
    def losses(self) -> Points:
        """The number to make small, of each usable outcome. Shape ``(n,)``.

        The weighted sum of several objectives; where a front is sought, the number of outcomes that dominate it.
        """
        if self.problem.seeks_front:
            table = self.loss_table
            beaten = (table[None] <= table[:, None]).all(axis=2) & (table[None] < table[:, None]).any(axis=2)
            return beaten.sum(axis=1).astype(float)
        weights = np.array([objective.weight or 1.0 for objective in self.problem.objectives])
        return self.loss_table @ weights

    @property
    def is_flat(self) -> bool:
        """True where all usable outcomes are equal in all objectives."""
        return bool(np.all(np.ptp(self.loss_table, axis=0) == 0.0))

    @cached_property
    def keeps_constraints(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which usable outcomes keep all outcome constraints, as measured. Shape ``(n,)``."""
        keeps = np.ones(self.n, dtype=bool)
        for constraint in self.problem.outcome_constraints:
            keeps &= np.array([constraint.holds(value) for value in self.values(constraint.metric)], dtype=bool)
        return keeps

    @cached_property
    def possible(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which usable outcomes are the campaign's own, of points that may be proposed (a table may break constraints).

        All of them where none is: something has to be improved upon. Shape ``(n,)``.
        """
        keeps = np.array([seen.trial > 0 for seen, _ in self.usable], dtype=bool)
        if not self.unit.is_cube:
            keeps &= self.unit.feasible(self.points, slack=10.0)
        return keeps if keeps.any() else np.ones(self.n, dtype=bool)

    @cached_property
    def incumbent(self) -> int:
        """Row of the best possible outcome as measured; of those that keep the outcome constraints where any does."""
        losses = np.where(self.possible, self.losses, np.inf)
        keeps = self.possible & self.keeps_constraints
        return int(np.argmin(np.where(keeps, losses, np.inf) if keeps.any() else losses))

    @cached_property
    def forbidden(self) -> Taken:
        """Points that must not be suggested again: trials that failed or were refused, those in flight, and all that
        lies in quarantine.
        """
        failed = [observation.values for observation in self.observations if observation.outcome is None]
        keys = frozenset(self._key(values) for values in [*failed, *(pending.values for pending in self.pending)])
        closed = tuple(
            Quarantine(observation.trial, observation.values, observation.closes)
            for observation in self.observations
            if observation.closes is not None and observation.outcome is None
        )
        return Taken(keys, closed, self.problem.space)

    @cached_property
    def taken(self) -> Taken:
        """All points known so far: the forbidden ones and those that have an outcome."""
        known = self.forbidden.keys | {self._key(observation.values) for observation in self.observations}
        return replace(self.forbidden, keys=known)

    def _key(self, values: Values) -> Key:
        """The identity of a point, to which nothing counts that does not matter there."""
        return key_of(self.problem.space.settled(values))

    def _inside(self, values: Values) -> Points | None:
        """The point of ``values``, shape ``(d,)``; None outside the bounds, or of other parameters."""
        if set(values) != self._names:
            return None
        point = self.unit.encode(self.problem.space.settled(values))
        return point if np.all((point >= -1e-9) & (point <= 1 + 1e-9)) else None  # NaN compares false

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.problem.space.names)
