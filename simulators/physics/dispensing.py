"""What a syringe dispenser really delivers: systematic error, random error, and the drop that stays at the tip.

Volumes are in microlitres. References:

[ISO8655-2] ISO 8655-2:2002, Piston-operated volumetric apparatus, part 2: piston pipettes, table 1 (type A): the
maximum permissible systematic error is 0.8 % and the random error (coefficient of variation of ten gravimetric
weighings) 0.3 % at nominal volumes from 100 to 1000 µL; the random error is 0.8 % at 10 µL, that is 0.08 µL.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Delivery", "channel_bias", "deliver", "random_error_ul"]

SYSTEMATIC_LIMIT = 0.008
"""Largest relative systematic error [ISO8655-2]."""
RANDOM_CV = 0.003
"""Coefficient of variation at large volumes [ISO8655-2]."""
RANDOM_FLOOR_UL = 0.08
"""Standard deviation at small volumes [ISO8655-2]."""
RESIDUAL_UL = 0.05
"""Liquid that stays at the tip after each dispense. An assumption of this bench; no standard gives it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the liquid of one dispense went, in microlitres."""

    from_reservoir_ul: float
    into_well_ul: float
    residual_ul: float
    """What stayed at the tip and is lost: ``from_reservoir_ul - into_well_ul``."""


def channel_bias(seed: int) -> float:
    """Relative systematic error of a channel, uniform within half of what is permissible [ISO8655-2]_.

    Args:
        seed: Seed of this channel of this instrument.

    Returns:
        A fraction of the volume, such as 0.002 for 0.2 % too much.
    """
    return float(np.random.default_rng(seed).uniform(-SYSTEMATIC_LIMIT / 2, SYSTEMATIC_LIMIT / 2))


def random_error_ul(volume_ul: float) -> float:
    """Standard deviation of a dispense: a floor and a relative part, added in quadrature [ISO8655-2]_."""
    return math.hypot(RANDOM_FLOOR_UL, RANDOM_CV * volume_ul)


def deliver(pumped_ul: float, bias: float, seed: int) -> Delivery:
    """Draw what a dispense delivers.

    Args:
        pumped_ul: Volume that the piston swept by its encoder, at least 0 µL.
        bias: Relative systematic error of the channel.
        seed: Seed of this operation: the same seed gives the same delivery.

    Returns:
        Volumes of at least 0 µL; ``from_reservoir_ul`` equals ``into_well_ul + residual_ul``.
    """
    if pumped_ul <= 0:
        return Delivery(0.0, 0.0, 0.0)
    error = float(np.random.default_rng(seed).normal(0.0, random_error_ul(pumped_ul)))
    out = max(pumped_ul * (1.0 + bias) + error, 0.0)
    residual = min(RESIDUAL_UL, out)
    return Delivery(out, out - residual, residual)
