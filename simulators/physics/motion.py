"""Motion of one axis from rest to rest. Units: mm, s. Pure functions of time."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Profile"]


@dataclass(frozen=True, slots=True)
class Profile:
    """A trapezoidal velocity profile: constant acceleration, cruise, constant deceleration.

    With ``d = |end - start|``, cruise velocity ``v`` and acceleration ``a``, the axis reaches ``v`` only where
    ``d >= v**2 / a``; on a shorter way the profile is a triangle with the peak velocity ``sqrt(a * d)``.
    Source: Biagiotti and Melchiorri, Trajectory Planning for Automatic Machines and Robots, Springer 2008, section 3.2.

    Raises:
        ValueError: a number is not finite, or velocity or acceleration is not above zero.
    """

    start_mm: float
    end_mm: float
    velocity_mm_s: float
    acceleration_mm_s2: float

    def __post_init__(self) -> None:
        numbers = (self.start_mm, self.end_mm, self.velocity_mm_s, self.acceleration_mm_s2)
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError(f"a motion profile needs finite numbers, not {numbers!r}")
        if self.velocity_mm_s <= 0 or self.acceleration_mm_s2 <= 0:
            raise ValueError(f"velocity and acceleration must be above zero, not {numbers[2:]!r}")

    @property
    def distance_mm(self) -> float:
        """Length of the way, at least zero."""
        return abs(self.end_mm - self.start_mm)

    @property
    def peak_mm_s(self) -> float:
        """Highest velocity that is reached."""
        return min(self.velocity_mm_s, math.sqrt(self.acceleration_mm_s2 * self.distance_mm))

    @property
    def ramp_s(self) -> float:
        """Duration of the acceleration, which is also that of the deceleration."""
        return self.peak_mm_s / self.acceleration_mm_s2

    @property
    def duration_s(self) -> float:
        """Time from rest to rest."""
        if self.distance_mm == 0:
            return 0.0
        return self.ramp_s + self.distance_mm / self.peak_mm_s

    def position_mm(self, t_s: float) -> float:
        """Position ``t_s`` seconds after the start; the ends outside the motion."""
        if t_s <= 0:
            return self.start_mm
        if t_s >= self.duration_s:
            return self.end_mm
        left = self.duration_s - t_s
        if t_s < self.ramp_s:
            way = self.acceleration_mm_s2 * t_s**2 / 2
        elif left < self.ramp_s:
            way = self.distance_mm - self.acceleration_mm_s2 * left**2 / 2
        else:
            way = self.peak_mm_s * (t_s - self.ramp_s / 2)
        return self.start_mm + math.copysign(way, self.end_mm - self.start_mm)
