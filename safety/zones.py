"""The zones of a lab at work: who is in which of them, and who has to wait."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from autolab.core.errors import AutolabError, InputError, ZoneError
from autolab.core.zones import Zone
from safety.ways import Way, reached, standing

__all__ = ["Whereabouts", "Zones"]

Whereabouts = Callable[[], Mapping[str, float]]
"""Asks a device where it rests: its signals by name, empty for one that is out of all zones when it rests.

Raises a `DeviceError` where the device moves, does not answer, or does not know where it is."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """The zones that one device has."""

    number: int
    """Grows from claim to claim, so that a move that ends late cannot give away what has been claimed since."""
    zones: frozenset[str]
    lost: str | None = None
    """Why nobody knows where the device is; None where it moves or stands in the zones."""
    moves: bool = False


class Zones:
    """Reserves zones for moves, all of a move at once, and gives them back only when the position is known.

    All devices of an open lab share one. Whoever has to wait for a zone is refused at once and holds nothing
    meanwhile, so that no two devices can wait for each other. Callable from any thread.

    Args:
        zones: The zones, by name, spans in the devices' own units.
    """

    def __init__(self, zones: Mapping[str, Zone] | None = None) -> None:
        self._zones: Mapping[str, Zone] = MappingProxyType(dict(zones or {}))
        self._claims: dict[str, _Claim] = {}
        self._whereabouts: dict[str, Whereabouts] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    @property
    def devices(self) -> frozenset[str]:
        """Names of the devices that reach into a zone."""
        return frozenset(device for zone in self._zones.values() for device in zone.devices)

    def watch(self, device: str, whereabouts: Whereabouts) -> None:
        """Make a device known, which has every zone that it reaches until it has been located.

        Args:
            device: Name of the device.
            whereabouts: Asks it where it is.
        """
        reach = frozenset(name for name, zone in self._zones.items() if device in zone.devices)
        with self._lock:
            self._whereabouts[device] = whereabouts
            if reach:
                self._claims[device] = _Claim(next(self._numbers), reach, "it has not been asked where it is")

    def reserve(self, way: Way) -> int | None:
        """Reserve all zones of a move, or none. A device that is lost in some of them is asked where it is first.

        Args:
            way: The move; nothing has been sent yet.

        Returns:
            A number for `arrived` and `lose`; None where the move touches no zone.

        Raises:
            ZoneError: another device has one of the zones, or nobody knows that it has not.
        """
        wanted = reached(self._zones, way)
        for rival in self._rivals(way.device, wanted):
            self.locate(rival)
        with self._lock:
            own = self._claims.get(way.device)
            if not wanted and own is None:
                return None
            zones = wanted if own is None else wanted | own.zones
            claim = _Claim(next(self._numbers), zones, moves=True)
            for other, held in sorted(self._claims.items()):
                if other != way.device and (shared := claim.zones & held.zones):
                    raise ZoneError(_refusal(way.device, other, min(shared), held))
            self._claims[way.device] = claim
            return claim.number

    def check(self, way: Way) -> None:
        """Refuse a write that moves a device through a zone which it has not reserved: the lowest write asks this.

        Raises:
            ZoneError: the zone is not reserved.
        """
        wanted = reached(self._zones, way)
        if not wanted:
            return
        with self._lock:
            own = self._claims.get(way.device)
        if own is None or not own.moves or not wanted <= own.zones:
            raise ZoneError(
                f"{way.device}: refused to move into zone {min(wanted)}, which it has not reserved: move it by its "
                "'set', which reserves"
            )

    def arrived(self, device: str, number: int, at: Mapping[str, float]) -> None:
        """A move has ended, and its end was read back: the device keeps only the zones in which it stands.

        Args:
            device: Name of the device.
            number: Of the reservation; one that is not the device's last changes nothing.
            at: Where its signals stand, by name without the device's, as read back.
        """
        with self._lock:
            if self._is_last(device, number):
                self._settle(device, at)

    def lose(self, device: str, number: int, why: str) -> None:
        """A move has not ended as it should: the device keeps its zones until it is known where it is.

        Args:
            device: Name of the device.
            number: Of the reservation; one that is not the device's last changes nothing.
            why: What happened, in one sentence.
        """
        with self._lock:
            if self._is_last(device, number):
                self._claims[device] = _Claim(number, self._claims[device].zones, why)

    def locate(self, device: str) -> bool:
        """Ask a lost device where it is; it keeps only the zones in which it stands. True where that is known now."""
        with self._lock:
            claim, ask = self._claims.get(device), self._whereabouts.get(device)
        if claim is None or claim.lost is None:
            return True
        if ask is None:
            return False
        try:
            at = ask()
        except AutolabError as error:
            self.lose(device, claim.number, str(error))
            return False
        self.arrived(device, claim.number, at)
        return True

    def free(self, device: str) -> None:
        """A person has looked, and says that a lost device is out of all zones.

        Raises:
            InputError: the device is not lost: it moves, stands in a zone by its own account, or has none.
        """
        with self._lock:
            claim = self._claims.get(device)
            if claim is None or claim.lost is None:
                state = "has no zone" if claim is None else "moves" if claim.moves else "says itself where it is"
                raise InputError(f"{device} {state}: there is nothing to free")
            del self._claims[device]

    def held(self) -> Mapping[str, tuple[str, str | None]]:
        """Who has each zone that is taken, and why the device is lost where it is; the first by name of several."""
        with self._lock:
            return {
                zone: (device, claim.lost)
                for device, claim in sorted(self._claims.items(), reverse=True)
                for zone in sorted(claim.zones)
            }

    def _rivals(self, device: str, wanted: frozenset[str]) -> list[str]:
        """Other devices that have one of the zones; those that are lost in it can be asked where they are."""
        with self._lock:
            own = self._claims.get(device)
            zones = wanted if own is None else wanted | own.zones
            return [other for other, held in sorted(self._claims.items()) if other != device and zones & held.zones]

    def _is_last(self, device: str, number: int) -> bool:
        claim = self._claims.get(device)
        return claim is not None and claim.number == number

    def _settle(self, device: str, at: Mapping[str, float]) -> None:
        stands = standing(self._zones, device, at)
        if stands:
            self._claims[device] = _Claim(next(self._numbers), stands)
        else:
            del self._claims[device]


def _refusal(device: str, other: str, zone: str, held: _Claim) -> str:
    if held.moves:
        what, advice = "moves in it", "wait until its move has ended"
    elif held.lost is None:
        what, advice = "stands in it", f"move {other} out of it first"
    else:
        what = f"may be in it ({held.lost})"
        advice = f"look where {other} is, and bring it out of the zone by a move that ends well"
    return f"{device}: refused to move into zone {zone}: {other} {what}; {advice}"
