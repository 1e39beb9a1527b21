"""The seam between an engine and the library that learns: evidence in, a wished-for point and its forecast out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from autolab.core.errors import ProposerError
from autolab.core.problem import Problem
from optimizer.evidence import Evidence
from optimizer.space import Points

__all__ = ["Forecast", "Learner", "Loan", "NumericalFailureError", "Wish"]


class NumericalFailureError(ProposerError):
    """The numerics of a model gave up on this evidence (a matrix not positive definite, a fit that diverged)."""


@dataclass(frozen=True)
class Forecast:
    """What the models of a learner say of one point and of the outcomes, by metric of ``problem``, in its unit."""

    problem: Problem
    """What the models are of: the problem, or the form in which the learner took it."""
    means: Points
    """Posterior means at the point. Shape ``(m,)``."""
    deviations: Points
    """Posterior standard deviations there of the values without noise. Shape ``(m,)``."""
    known: Points
    """Posterior means at the usable outcomes. Shape ``(n, m)``."""
    noises: Points | None = None
    """Standard deviations of the noise. Shape ``(m,)``; None where the learner does not say."""
    acquisition: float | None = None
    """The acquisition at the point, in the learner's own terms."""
    gain: float | None = None
    """The expected improvement by the learner's own account, in the unit of the loss; None where it gives none."""
    success: float | None = None
    """Probability that a trial there has an outcome; None where no trial has failed for its recipe."""


@dataclass(frozen=True)
class Wish:
    """The point of the unit cube to try next, and what its learner can say of any point."""

    point: Points
    """Shape ``(d,)``; not yet rounded to the hardware."""
    foresee: Callable[[Points], Forecast]
    """The forecast at a point of shape ``(d,)``, by the models that are fitted already.

    Raises:
        NumericalFailureError: The numerics gave up.
    """
    said: str = ""
    """What was predicted of hard outcome constraints, in words."""


@dataclass(frozen=True)
class Loan:
    """Evidence with what was borrowed for it."""

    evidence: Evidence
    said: str
    """What became of each source, in words that follow the reason of a suggestion."""


class Learner(Protocol):
    """Fits a model and maximises an acquisition function. Without memory."""

    def wish(self, evidence: Evidence, seed: int) -> Wish:
        """The point to try next.

        Raises:
            NumericalFailureError: The numerics gave up; a space-filling point is then proposed instead.
        """
        ...
