"""Zones: parts of space in which only one device may move at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Span", "Zone"]


@dataclass(frozen=True, slots=True)
class Span:
    """The values of a signal between which its device is in a zone, ends included."""

    lower: float
    upper: float
    unit: str


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of space, by what reaches into it."""

    name: str
    places: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """By device, the places at which it reaches into the zone; it is out again when its action has ended well."""
    moves: frozenset[str] = frozenset()
    """Devices and signals (``device.signal``) that are in the zone as long as they move, wherever they move."""
    ranges: Mapping[str, Span] = field(default_factory=dict[str, Span])
    """By ``device.signal``, the values at which its device is in the zone, moving or standing."""

    @property
    def devices(self) -> tuple[str, ...]:
        """Every device that reaches into the zone, each once."""
        named = (*self.places, *self.moves, *self.ranges)
        return tuple(sorted({name.partition(".")[0] for name in named}))
