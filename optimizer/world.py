"""Worlds: what answers a trial in a backtest, in the place of a lab.

A pool is a table of measured conditions: of those that were not tested in this run, the nearest to the suggestion
answers, with one of its replicates. Near is the sum of absolute differences of the unit coordinates; conditions with
the wished-for unordered choices come first. Where the table is the whole grid of the space, the suggestion itself
answers. The other world is an emulator, see `optimizer.emulator`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from autolab.core.errors import InputError
from autolab.core.parameters import Values
from autolab.core.problem import Problem
from autolab.core.seeds import derive_seed
from autolab.core.trials import Estimate, Outcome
from optimizer.space import Points, UnitSpace, key_of

__all__ = ["Answer", "Condition", "Pool", "World", "conditions_of", "quantiles", "true_losses"]

LEAST_CONDITIONS = 5
"""Conditions below which a table says nothing about strategies."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What was set, and what was measured there: one outcome for each replicate."""

    values: Values
    replicates: tuple[Mapping[str, float], ...]

    def mean(self, metric: str) -> float:
        """Mean of a metric over the replicates: its value without noise, as far as known."""
        return math.fsum(replicate[metric] for replicate in self.replicates) / len(self.replicates)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a trial came to."""

    values: Values
    """What was tested in fact."""
    outcome: Outcome
    """What was measured, with its noise."""
    loss: float
    """What is true: loss without noise; that of the worst point where an outcome constraint is broken."""
    place: int | None
    """Number of the condition that answered; None where any point can."""


class World(Protocol):
    """Answers trials. The same question gets the same answer."""

    @property
    def problem(self) -> Problem:
        """What is looked for."""
        ...

    @property
    def best(self) -> float:
        """Least true loss of the space, among what keeps the outcome constraints."""
        ...

    @property
    def worst(self) -> float:
        """Largest true loss of the space."""
        ...

    @property
    def shares(self) -> Mapping[str, float]:
        """Loss of the best 1 and 5 % of the space, by name."""
        ...

    @property
    def most(self) -> int | None:
        """How many trials it can answer in one run; None for any number."""
        ...

    def answer(self, wish: Values, tested: Set[int], seed: int, trial: int) -> Answer:
        """The outcome of a suggestion.

        Args:
            wish: What was suggested.
            tested: Places of the conditions that this run has tested.
            seed: Seed of the world.
            trial: Number of the trial.
        """
        ...


def conditions_of(rows: Sequence[tuple[Values, Mapping[str, float]]]) -> tuple[Condition, ...]:
    """Measurements as conditions with their replicates, in the order in which they first appear.

    Raises:
        InputError: there are fewer than five conditions.
    """
    found: dict[object, list[tuple[Values, Mapping[str, float]]]] = {}
    for values, metrics in rows:
        found.setdefault(key_of(values), []).append((values, metrics))
    if len(found) < LEAST_CONDITIONS:
        verb = "is 1" if len(found) == 1 else f"are {len(found)}"
        raise InputError(f"a backtest needs at least {LEAST_CONDITIONS} different conditions, and there {verb}")
    return tuple(Condition(same[0][0], tuple(metrics for _, metrics in same)) for same in found.values())


def true_losses(problem: Problem, means: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Losses of points from the values of their metrics, infinite where an outcome constraint is broken. ``(n,)``."""
    losses = np.array([problem.objective.loss(float(value)) for value in means[problem.objective.metric]])
    for constraint in problem.outcome_constraints:
        keeps = np.array([constraint.holds(float(value)) for value in means[constraint.metric]], dtype=bool)
        losses = np.where(keeps, losses, np.inf)
    return losses


def quantiles(losses: NDArray[np.float64]) -> dict[str, float]:
    """Losses of the best 1 and 5 % of points that keep the outcome constraints, by name."""
    finite = losses[np.isfinite(losses)]
    return {f"top {share:.0%}".replace("%", " %"): float(np.quantile(finite, share)) for share in (0.01, 0.05)}


@dataclass(frozen=True)
class Pool:
    """A table of measured conditions.

    Args:
        problem: The campaign's problem.
        conditions: What was measured; at least one keeps the outcome constraints, and they are not all alike.

    Raises:
        InputError: no condition keeps the outcome constraints, or none is better than another.
    """

    problem: Problem
    conditions: tuple[Condition, ...]

    def __post_init__(self) -> None:
        metric = self.problem.objective.metric
        if not np.isfinite(self._losses).any():
            kept = " and ".join(map(str, self.problem.outcome_constraints))
            raise InputError(f"no measured condition keeps {kept}: there is nothing that a campaign could find")
        if not self.worst > self.best:
            raise InputError(f"every condition has the same {metric}, so that no strategy is better than another")

    @property
    def most(self) -> int:
        return len(self.conditions)

    @property
    def best(self) -> float:
        return self._extent[0]

    @property
    def worst(self) -> float:
        return self._extent[1]

    @property
    def shares(self) -> Mapping[str, float]:
        return quantiles(self._losses)

    def answer(self, wish: Values, tested: Set[int], seed: int, trial: int) -> Answer:
        place = self._nearest(wish, tested)
        condition = self.conditions[place]
        replicates = condition.replicates
        drawn = np.random.default_rng(derive_seed(seed, "replicate", trial)).integers(len(replicates))
        outcome = {metric: Estimate(replicates[drawn][metric]) for metric in self.problem.metrics}
        return Answer(condition.values, outcome, min(float(self._losses[place]), self.worst), place)

    def _nearest(self, wish: Values, tested: Set[int]) -> int:
        """Place of the nearest condition that was not tested; of two equally near, the one that stands first."""
        differences = np.abs(self._points - self._unit.encode(wish))
        is_choice = np.array([dimension.is_categorical for dimension in self._unit.dimensions], dtype=bool)
        differences[:, is_choice] = np.where(differences[:, is_choice] > 1e-9, 1.0 + self._unit.d, 0.0)
        distances = differences.sum(axis=1)
        distances[list(tested)] = np.inf
        return int(distances.argmin())

    @cached_property
    def _extent(self) -> tuple[float, float]:
        metric = self.problem.objective.metric
        all_of_them = [self.problem.objective.loss(condition.mean(metric)) for condition in self.conditions]
        return float(self._losses.min()), max(all_of_them)

    @cached_property
    def _unit(self) -> UnitSpace:
        return UnitSpace(self.problem.space)

    @cached_property
    def _points(self) -> Points:
        return np.array([self._unit.encode(condition.values) for condition in self.conditions])

    @cached_property
    def _losses(self) -> NDArray[np.float64]:
        means = {m: np.array([c.mean(m) for c in self.conditions]) for m in self.problem.metrics}
        return true_losses(self.problem, means)
