"""The envelope: for each writable signal, the limits inside which everything must stay."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from autolab.core.canonical import content_hash
from autolab.core.errors import InputError
from autolab.core.parameters import Value

__all__ = ["AllowedValues", "Limit", "RangeLimit", "Tier", "envelope_hash"]

Tier = Literal["routine", "hazardous", "prohibited"]
"""What a write of a signal asks for: nothing beyond its proven region, two people, or it is never done."""


@dataclass(frozen=True, slots=True)
class RangeLimit:
    """Limits of a numeric signal, all in the signal's own unit.

    Raises:
        InputError: limits that are missing, equal, swapped or not finite: those mean "no limit" elsewhere, and are
            refused here.
    """

    signal: str
    """``device.signal``."""
    lower: float
    upper: float
    unit: str
    max_step: float | None = None
    """Largest difference between the present value and the next."""
    tolerance: float | None = None
    """Largest difference between what was commanded and what is read back: more than that trips the lab. None for the
    device's own, and a fault of the trial."""
    safe: float | Literal["hold"] = "hold"
    """Value of the safe state, or ``hold`` to stay."""
    max_rate: float | None = None
    """Largest change of the commanded value for each lab second since the write before."""
    tier: Tier = "routine"
    proven: tuple[float, float] | None = None
    """Lowest and highest value that are known to be harmless; None where none are."""
    kind: Literal["range"] = "range"

    def __post_init__(self) -> None:
        for name, number in (("min", self.lower), ("max", self.upper)):
            if not math.isfinite(number):
                raise InputError(f"{self.signal}: {name} {number!r} is not a finite number")
        if self.lower >= self.upper:
            what = "equal" if self.lower == self.upper else "swapped"
            raise InputError(
                f"{self.signal}: min {self.lower:g} and max {self.upper:g} are {what}: min must be below max"
            )
        differences = (("max_step", self.max_step), ("max_rate", self.max_rate), ("tolerance", self.tolerance))
        for name, number in differences:
            if number is not None and not (math.isfinite(number) and number > 0):
                raise InputError(f"{self.signal}: {name} {number!r} must be a finite number above zero")
        if self.safe != "hold" and not self.lower <= self.safe <= self.upper:
            raise InputError(f"{self.signal}: safe value {self.safe!r} is outside [{self.lower:g}, {self.upper:g}]")
        if self.proven is not None and not self.lower <= self.proven[0] <= self.proven[1] <= self.upper:
            raise InputError(
                f"{self.signal}: proven region [{self.proven[0]:g}, {self.proven[1]:g}] is empty or not inside "
                f"[{self.lower:g}, {self.upper:g}]"
            )


@dataclass(frozen=True, slots=True)
class AllowedValues:
    """The values that a signal without a scale may take: places, choices, switches, texts."""

    signal: str
    values: tuple[Value, ...]
    pattern: str | None = None
    """For texts: a regular expression that the whole text must match, instead of a list."""
    tier: Tier = "routine"
    proven: tuple[Value, ...] | Literal["all"] | None = None
    """The values that are known to be harmless; None where none are."""
    kind: Literal["allowed"] = "allowed"

    def __post_init__(self) -> None:
        if bool(self.values) == (self.pattern is not None):
            raise InputError(f"{self.signal}: give either allowed values or a pattern, and exactly one of the two")
        for value in () if self.proven in (None, "all") or self.pattern is not None else self.proven:
            if value not in self.values:
                raise InputError(f"{self.signal}: proven value {value!r} is not among the allowed ones")


Limit = RangeLimit | AllowedValues


def envelope_hash(envelope: Mapping[str, Limit]) -> str:
    """The content hash of an envelope: limits, tiers and proven regions, in the units of the lab file."""
    return content_hash(envelope)
