"""Optimisers in bluesky-adaptive's form, as a laboratory might have its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autolab.core.parameters import Values
from autolab.core.problem import Problem
from optimizer.design import uniform_point
from optimizer.space import UnitSpace


class Climber:
    """Steps from the best point by a normal draw, whose width shrinks; keeps what it is told."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem, self._unit, self._rng = problem, UnitSpace(problem.space), np.random.default_rng(seed)
        self.told: list[Mapping[str, Any]] = []
        self.registered: list[Mapping[str, Any]] = []
        self.failed: list[Mapping[str, Any]] = []

    def suggest(self, num_points: int | None = None) -> Sequence[Mapping[str, Any]]:
        return [{"_id": number, **self._step()} for number in range(num_points or 1)]

    def ingest(self, points: Sequence[Mapping[str, Any]]) -> None:
        self.told.extend(points)

    def get_best_points(self) -> Sequence[tuple[Any, Mapping[str, Any], Mapping[str, Any]]]:
        return [(None, self._best(), {})]

    def register_suggestions(self, suggestions: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        self.registered.extend(suggestions)
        return [{"_id": number, **each} for number, each in enumerate(suggestions)]

    def register_failures(self, suggestions: Sequence[Mapping[str, Any]]) -> None:
        self.failed.extend(suggestions)

    def _best(self) -> Mapping[str, Any]:
        objective = self._problem.objective
        return min(self.told, key=lambda point: objective.loss(point[objective.metric]))

    def _step(self) -> Values:
        best = self._best()
        here = self._unit.encode({name: best[name] for name in self._problem.space.names})
        width = 0.5 / len(self.told)
        return self._unit.decode(np.clip(here + width * self._rng.standard_normal(self._unit.d), 0.0, 1.0))


def make(problem: Problem, seed: int) -> Climber:
    made = Climber(problem, seed)
    MADE.append(made)
    del MADE[:-4]
    return made


MADE: list[Climber] = []
"""The last ones that were made."""


class Forgetful(Climber):
    """Suggests something else than it was asked for."""

    def _step(self) -> Values:
        return {"zeal": 1.0}


class Lost(Climber):
    """Gives up."""

    def _step(self) -> Values:
        raise RuntimeError("no idea")


def make_forgetful(problem: Problem, seed: int) -> Climber:
    return Forgetful(problem, seed)


def make_lost(problem: Problem, seed: int) -> Climber:
    return Lost(problem, seed)


def make_nothing(problem: Problem, seed: int) -> object:
    return uniform_point(UnitSpace(problem.space), seed)


def make_without(problem: Problem, seed: int) -> object:
    raise ModuleNotFoundError("No module named 'bluesky_adaptive'", name="bluesky_adaptive")
