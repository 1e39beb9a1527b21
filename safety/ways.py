"""Ways: through which zones a move goes, and in which zones a device stands. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autolab.core.zones import Zone

__all__ = ["Way", "reached", "standing"]


@dataclass(frozen=True, slots=True)
class Way:
    """A move of a device, by what it touches from its beginning to its end."""

    device: str
    places: frozenset[str] = frozenset()
    """Named places that the device reaches for."""
    spans: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    """By signal without the device's name: from and to, in the signal's own unit."""


def reached(zones: Mapping[str, Zone], way: Way) -> frozenset[str]:
    """Names of the zones that a move goes through. A position that is NaN touches every span.

    Args:
        zones: The zones of the lab, spans in the devices' own units.
        way: The move.
    """
    return frozenset(name for name, zone in zones.items() if _is_reached(zone, way))


def standing(zones: Mapping[str, Zone], device: str, at: Mapping[str, float]) -> frozenset[str]:
    """Names of the zones in which a device stands when it rests.

    Args:
        zones: The zones of the lab, spans in the devices' own units.
        device: Name of the device.
        at: Where its signals stand, by name without the device's; a signal that is missing or NaN is anywhere.
    """
    return frozenset(
        name
        for name, zone in zones.items()
        for signal, span in zone.ranges.items()
        if _device(signal) == device and not _is_outside(at.get(_signal(signal)), span.lower, span.upper)
    )


def _is_reached(zone: Zone, way: Way) -> bool:
    if way.device in zone.moves or zone.places.get(way.device, frozenset()) & way.places:
        return True
    return any(
        f"{way.device}.{signal}" in zone.moves or _crosses(zone, f"{way.device}.{signal}", ends)
        for signal, ends in way.spans.items()
    )


def _crosses(zone: Zone, signal: str, ends: Iterable[float]) -> bool:
    span, (begin, end) = zone.ranges.get(signal), ends
    if span is None:
        return False
    return not (max(begin, end) < span.lower or min(begin, end) > span.upper) or begin != begin or end != end


def _is_outside(value: float | None, lower: float, upper: float) -> bool:
    return value is not None and (value < lower or value > upper)


def _device(signal: str) -> str:
    return signal.partition(".")[0]


def _signal(signal: str) -> str:
    return signal.partition(".")[2]
