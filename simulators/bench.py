"""Geometry of the colour bench: which well of the strip on the stage is under the nozzle, and which under the probe."""

from __future__ import annotations

import math

from simulators.base import Store

__all__ = [
    "NOZZLE_HEAD_MM",
    "PITCH_MM",
    "PROBE_HEAD_MM",
    "TOLERANCE_MM",
    "TRAVEL_MM",
    "WELLS",
    "leave_labware",
    "well_position",
    "well_under",
]

TRAVEL_MM = (0.0, 300.0)
"""Travel of the linear stage."""

WELLS = 24
"""Wells of a strip."""

PITCH_MM = 9.0
"""Distance between neighbouring wells, as in a 96-well plate (ANSI SLAS 4-2004)."""

NOZZLE_HEAD_MM = 20.0
"""Stage position at which well 0 is under the dispenser's nozzle."""

PROBE_HEAD_MM = 80.0
"""Stage position at which well 0 is under the spectrometer's probe."""

TOLERANCE_MM = 1.5
"""Largest distance between the middle of a well and the axis of a head at which the head reaches the well."""


def leave_labware(store: Store, labware: str, position_mm: float) -> None:
    """Leave a bench without its stage and arm as they would: labware on the stage, which rests there."""
    store.save("stage", {"position": position_mm, "moving": False})
    store.save("arm", {"places": {"stage": labware}})


def well_position(well: int, head_mm: float) -> float:
    """Stage position in mm at which ``well`` (from 0) is under the head at ``head_mm``."""
    return head_mm + PITCH_MM * well


def well_under(position_mm: float, head_mm: float) -> int | None:
    """The well (from 0) under a head, or None where the head is over no well.

    Args:
        position_mm: Stage position in mm.
        head_mm: Stage position in mm at which well 0 is under the head.
    """
    if not math.isfinite(position_mm):
        return None
    well = round((position_mm - head_mm) / PITCH_MM)
    if not 0 <= well < WELLS:
        return None
    return well if abs(well_position(well, head_mm) - position_mm) <= TOLERANCE_MM else None
