"""Effects: what a plan would do to the lab, as a dry run finds it and the screen judges it."""

from __future__ import annotations

from dataclasses import dataclass

from autolab.core.parameters import Value

__all__ = ["Carry", "Effect", "Lapse", "Pour", "Write"]


@dataclass(frozen=True, slots=True)
class Write:
    """A value is written to a signal."""

    signal: str
    """``device.signal``."""
    value: Value
    """In the unit that the device takes."""


@dataclass(frozen=True, slots=True)
class Pour:
    """A volume of a material goes into the well of the trial's sample."""

    device: str
    material: str
    volume_ul: float


@dataclass(frozen=True, slots=True)
class Carry:
    """A piece of labware goes from one named place to another."""

    device: str
    labware: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Lapse:
    """Lab time goes by, at least so much."""

    seconds: float


Effect = Write | Pour | Carry | Lapse
