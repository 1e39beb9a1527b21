"""Objectives and outcome constraints: what a campaign is for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from autolab.core.errors import InputError

__all__ = ["Goal", "Objective", "OutcomeConstraint"]

Goal = Literal["minimize", "maximize", "target"]


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric that a campaign improves.

    ``minimize`` and ``maximize`` may have a ``target``: reaching it ends the campaign. ``target`` steers the metric
    towards ``target``, and ends the campaign within ``tolerance`` of it.

    Raises:
        InputError: numbers that are not finite, or do not go with the goal.
    """

    metric: str
    goal: Goal
    target: float | None = None
    tolerance: float | None = None
    unit: str = ""
    threshold: float | None = None
    """Beside other objectives: the worst value that is still of interest; None where it is chosen from the outcomes."""
    weight: float | None = None
    """Beside other objectives: what one unit of the metric counts; None where the front is sought."""

    def __post_init__(self) -> None:
        numbers = ("target", "tolerance", "threshold", "weight")
        for name, number in ((name, getattr(self, name)) for name in numbers):
            if number is not None and not math.isfinite(number):
                raise InputError(f"{self.metric}: {name} {number!r} is not a finite number")
        if self.goal == "target" and self.target is None:
            raise InputError(f"{self.metric}: 'goal: target' needs the number to aim for: write 'target: ...'")
        if self.tolerance is not None and (self.goal != "target" or self.tolerance <= 0):
            raise InputError(f"{self.metric}: 'tolerance' goes with 'goal: target' and must be above zero")
        if self.weight is not None and self.weight <= 0:
            raise InputError(f"{self.metric}: a weight must be above zero, and not {self.weight:g}")

    def loss(self, value: float) -> float:
        """The number to make small: the value, its negative, or its distance from the target."""
        if self.goal == "minimize":
            return value
        if self.goal == "maximize":
            return -value
        return abs(value - (self.target or 0.0))

    def is_reached(self, value: float) -> bool:
        """True where ``value`` meets the target; never without a target, and never for NaN."""
        if self.target is None or not math.isfinite(value):
            return False
        if self.goal == "target":
            return self.tolerance is not None and abs(value - self.target) <= self.tolerance
        return value <= self.target if self.goal == "minimize" else value >= self.target


@dataclass(frozen=True, slots=True)
class OutcomeConstraint:
    """A bound on a metric that the recommended trial should keep.

    A soft one steers the search, and a trial may be proposed that breaks it. A hard one forbids: a trial that is
    predicted to break it with a probability above ``hard`` is not proposed.

    Raises:
        InputError: a bound that is not finite, or a probability that is not above 0 and at most 0.5.
    """

    metric: str
    relation: Literal["<=", ">="]
    bound: float
    hard: float | None = None
    """Largest probability with which a proposed trial may break it; None where it is soft."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.bound):
            raise InputError(f"outcome constraint on {self.metric}: bound {self.bound!r} is not a finite number")
        if self.hard is not None and not 0.0 < self.hard <= 0.5:
            raise InputError(
                f"outcome constraint on {self.metric}: 'hard' is a probability above 0 and at most 0.5, and not "
                f"{self.hard!r}"
            )

    def __str__(self) -> str:
        return f"{self.metric} {self.relation} {self.bound:g}"

    def holds(self, value: float) -> bool:
        """True where ``value`` keeps the bound; NaN never does."""
        return value <= self.bound if self.relation == "<=" else value >= self.bound
