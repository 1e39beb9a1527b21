"""The seam between an engine and the library that learns: evidence in, a wished-for point out."""

from __future__ import annotations

from typing import Protocol

from autolab.core.errors import ProposerError
from optimizer.evidence import Evidence
from optimizer.space import Points

__all__ = ["Learner", "NumericalFailureError"]


class NumericalFailureError(ProposerError):
    """The numerics of a model gave up on this evidence (a matrix not positive definite, a fit that diverged)."""


class Learner(Protocol):
    """Fits a model and maximises an acquisition function. Without memory."""

    def wish(self, evidence: Evidence, seed: int) -> Points:
        """The point of the unit cube to try next, shape ``(d,)``; not yet rounded to the hardware.

        Raises:
            NumericalFailureError: The numerics gave up; a space-filling point is then proposed instead.
        """
        ...
