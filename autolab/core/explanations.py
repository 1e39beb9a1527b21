"""Why a trial was suggested, in numbers: what the model expected of it, and what it was near to."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Doubt", "Explanation", "Neighbour", "Odds", "Prediction"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model expected of one metric, in its unit."""

    metric: str
    mean: float
    sd: float
    """Standard deviation of the value without noise: what the model does not know."""
    noise: float | None = None
    """Standard deviation of the noise that the model has inferred; None where it does not say."""


@dataclass(frozen=True, slots=True)
class Odds:
    """How probably an outcome constraint is kept by the value without noise."""

    constraint: str
    probability: float


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A trial that had been tried before, with or without an outcome."""

    trial: int
    distance: float
    """In the unit cube: root of the sum of squared differences, each as a fraction of the parameter's range (of its
    logarithm on a log scale). Two different unordered choices are 1 apart."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """An outcome that the others make impossible, and which counts for little until it is repeated."""

    metric: str
    trial: int
    measured: float
    mean: float
    """What the others predict."""
    sd: float
    """Standard deviation of what would be measured."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a trial was suggested. What is None was not known, or has no meaning for the problem."""

    predictions: tuple[Prediction, ...] = ()
    odds: tuple[Odds, ...] = ()
    acquisition: float | None = None
    """What the engine made as large as it could, in the engine's own terms: comparable within one campaign only."""
    gain: float | None = None
    """Expected improvement over the best trial (by the model's means, of those that keep the outcome constraints), in
    the objective's unit, times the chances of keeping the outcome constraints and of success. Of a front: of its
    hypervolume."""
    exploration: float | None = None
    """Share of the gain, 0 to 1, that is due to the model's ignorance: 1 minus the improvement that would be left if
    the outcome were exactly its mean, over the expected improvement."""
    nearest: tuple[Neighbour, ...] = ()
    """The trials that were nearest, the nearest first."""
    active: tuple[str, ...] = ()
    """Bounds and constraints on which the point lies."""
    silent: str | None = None
    """Why nothing is predicted; None where something is."""
    success: float | None = None
    """Probability that the trial has an outcome at all; None where no trial had failed for its recipe."""
    doubted: tuple[Doubt, ...] = ()
    """Outcomes that counted for little."""
    cost: float | None = None
    """Predicted cost of the trial, in the unit of the campaign's costs; None where none are stated."""
    left: tuple[str, ...] = ()
    """The constraints under which it was made because so much is left of materials, as the engine had them."""
    cost_of_changes: float = 0.0
    """What of it is paid because choices differ from those of the trial before."""
