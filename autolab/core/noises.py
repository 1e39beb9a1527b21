"""Noise that is known: how far what is measured lies from what is true."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autolab.core.errors import InputError

__all__ = ["KnownNoise"]


@dataclass(frozen=True, slots=True)
class KnownNoise:
    """The standard error of a metric's outcomes, as known to whoever wrote the campaign file.

    It is that of a whole trial, with all that differs from trial to trial. Zero counts as the least noise that models
    take, 1 % of the scatter of the outcomes.

    Raises:
        InputError: a standard error that is negative or no finite number.
    """

    metric: str
    sem: float | None = None
    """In the metric's unit; None where each outcome reports its own."""

    def __post_init__(self) -> None:
        if self.sem is not None and not (math.isfinite(self.sem) and self.sem >= 0.0):
            raise InputError(f"noise of {self.metric}: a standard error is a number of at least zero, not {self.sem:g}")
