"""From criteria to dimensions, index and level, in arrays of shape (draws, criteria); one row may be the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facility_review.assessment import LEVELS, GateResult
from facility_review.criteria import Scored, is_true
from facility_review.gates import unmet_condition
from facility_review.inputs import Inputs
from facility_review.instrument import Instrument
from facility_review.statistics import Floats

__all__ = ["LEVELS", "Aggregate", "Ceiling", "ceilings", "index_of", "levels_of", "shortfalls"]

ROUNDING = 1e-9
"""By how much a sum may fall short of a minimum because numbers are rounded to 53 bits."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A level that cannot be passed, whatever the scores, and why."""

    level: int
    """0 to 5."""
    reason: str
    gate: str | None = None
    """The gate that makes it, if one does."""
    metric: str | None = None
    """The metric that an extra condition asks more of, if one does."""
    least: float = 0.0
    """What it asks of that metric."""


def ceilings(instrument: Instrument, inputs: Inputs, gates: Sequence[GateResult]) -> tuple[Ceiling, ...]:
    """What holds the level down besides the dimensions' minima: gates, extra conditions and facts."""
    found = [
        Ceiling(
            LEVELS.index(gate.ceiling), f"{gate.gate} {gate.name}: {gate.state}; {'; '.join(gate.reasons)}", gate.gate
        )
        for gate in gates
        if gate.is_open
    ]
    for fact in instrument.file.facts:
        highest = fact.highest_level_if_false
        if highest is not None and not is_true(instrument, inputs, fact.id):
            found.append(Ceiling(LEVELS.index(highest), f"{fact.id} is false: {highest} is the highest level"))
    for rank, rule in enumerate(instrument.file.levels):
        for condition in rule.extra:
            if why := unmet_condition(instrument, inputs, condition):
                least = float(condition.value) if condition.metric is not None else 0.0
                found.append(Ceiling(rank - 1, f"{rule.id}: {why}", metric=condition.metric, least=least))
    return tuple(sorted(found, key=lambda ceiling: ceiling.level))


class Aggregate:
    """How criteria are put together for one unit: which apply, with which weights.

    Args:
        instrument: The instrument.
        scored: All criteria, in the order of the instrument: the columns of the arrays.
    """

    def __init__(self, instrument: Instrument, scored: Sequence[Scored]) -> None:
        self.instrument = instrument
        self.names = [item.id for item in instrument.file.dimensions]
        self.columns: list[list[int]] = []
        self.keys: list[list[int]] = []
        """Places within `columns` of the key criteria, by dimension."""
        for name in self.names:
            columns = [
                place
                for place, item in enumerate(scored)
                if item.criterion.dimension == name and item.score.is_applicable
            ]
            self.columns.append(columns)
            self.keys.append([place for place, column in enumerate(columns) if scored[column].criterion.key])
        self.weights: list[Floats] = [
            np.array([scored[column].criterion.weight for column in columns], dtype=np.float64)
            for columns in self.columns
        ]
        self.is_present = np.array([bool(columns) for columns in self.columns])

    def mean(self, scores: Floats, place: int) -> Floats:
        """Weighted mean of one dimension's criteria, of shape (draws,)."""
        columns = self.columns[place]
        return scores[:, columns] @ self.weights[place] / self.weights[place].sum()

    def dimension(self, scores: Floats, place: int, raised: tuple[int, float] | None = None) -> Floats:
        """Score of one dimension, of shape (draws,); NaN where none of its criteria applies.

        Args:
            scores: Shape (draws, criteria).
            place: Of the dimension, in the order of the instrument.
            raised: A criterion's column, and what it is to score at least.
        """
        columns = self.columns[place]
        if not columns:
            return np.full(len(scores), np.nan)
        mine = scores[:, columns]
        if raised is not None:
            within = columns.index(raised[0])
            mine[:, within] = np.maximum(mine[:, within], raised[1])
        mean = mine @ self.weights[place] / self.weights[place].sum()
        if not self.keys[place]:
            return mean
        return np.minimum(mean, mine[:, self.keys[place]].min(axis=1) + self.instrument.file.aggregation.key_margin)

    def dimensions(self, scores: Floats) -> Floats:
        """Scores of all dimensions, of shape (draws, dimensions)."""
        return np.stack([self.dimension(scores, place) for place in range(len(self.names))], axis=1)

    def index(self, dimensions: Floats, weights: Floats | None = None) -> Floats:
        """Index, 0 to 100, of shape (draws,); other weights than the instrument's may be given."""
        if weights is None:
            weights = np.array([item.weight for item in self.instrument.file.dimensions])
        return index_of(dimensions[:, self.is_present], weights[..., self.is_present])

    def meets(self, dimensions: Floats, rank: int) -> NDArray[np.bool_]:
        """Whether the minima of a level and of all below it hold, of shape (draws,). No criterion meets 0 alone."""
        least = np.zeros(len(self.names))
        for rule in self.instrument.file.levels[: rank + 1]:
            for place, name in enumerate(self.names):
                least[place] = max(least[place], rule.minima.get(name, 0))
        return np.all((dimensions >= least - ROUNDING) | (least <= 0), axis=1)

    def minimum(self, name: str, rank: int) -> float:
        """What a level and all below it ask of a dimension."""
        return max((rule.minima.get(name, 0.0) for rule in self.instrument.file.levels[: rank + 1]), default=0.0)


def index_of(dimensions: Floats, weights: Floats) -> Floats:
    """``100 (prod (D + 1)^w - 1) / 5``, with weights scaled to sum to 1.

    Args:
        dimensions: Shape (draws, dimensions).
        weights: Shape (dimensions,) or (draws, dimensions).
    """
    shares = weights / weights.sum(axis=-1, keepdims=True)
    return 100 * (np.exp((np.log1p(dimensions) * shares).sum(axis=-1)) - 1) / 5


def levels_of(aggregate: Aggregate, dimensions: Floats, highest: int) -> NDArray[np.int64]:
    """Level reached in each draw, 0 to 5.

    Args:
        aggregate: How criteria are put together.
        dimensions: Shape (draws, dimensions).
        highest: The lowest ceiling.
    """
    reached = np.zeros(len(dimensions), dtype=np.int64)
    for rank in range(1, highest + 1):
        reached[aggregate.meets(dimensions, rank)] = rank
    return reached


def shortfalls(aggregate: Aggregate, dimensions: Floats, rank: int) -> tuple[str, ...]:
    """The dimensions that fall short of a level, widest gap first, each as a sentence.

    Args:
        aggregate: How criteria are put together.
        dimensions: Shape (dimensions,).
        rank: Of the level, 1 to 5.
    """
    short = [
        (aggregate.minimum(name, rank) - float(value), name, float(value))
        for name, value, is_present in zip(aggregate.names, dimensions, aggregate.is_present, strict=True)
        if is_present and value < aggregate.minimum(name, rank) - ROUNDING
    ]
    empty = [
        f"{name}: no criterion applies, and {LEVELS[rank]} asks for {aggregate.minimum(name, rank):g}"
        for name, is_present in zip(aggregate.names, aggregate.is_present, strict=True)
        if not is_present and aggregate.minimum(name, rank) > 0
    ]
    found = (
        f"{name} is {value:.2f}, and {LEVELS[rank]} asks for {value + lack:g}"
        for lack, name, value in sorted(short, key=lambda item: (-item[0], item[1]))
    )
    return (*empty, *found)
