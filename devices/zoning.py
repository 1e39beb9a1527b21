"""Zones around a move: kept until its end was read back, and kept on where it was not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol, runtime_checkable

from devices.completion import Work
from safety.zones import Whereabouts, Zones

__all__ = ["Zoned", "within"]


@runtime_checkable
class Zoned(Protocol):
    """A device of ours that reserves the zones of its moves, through its guard."""

    name: str
    zoned: ClassVar[frozenset[str]]
    """Writable signals by which it moves; ``place`` stands for named places. A lab file may name no others."""

    def whereabouts(self) -> Mapping[str, float]:
        """Where it rests, asked now: position by signal; empty where it is out of all zones when it rests.

        Raises:
            DeviceError: it moves, does not answer, or does not know where it is.
        """
        ...


def within(zones: Zones, device: str, number: int | None, work: Work, whereabouts: Whereabouts) -> Work:
    """The work of a move in its zones. It is done only when the device has said where it is.

    Args:
        zones: The zones of the lab.
        device: Name of the device.
        number: Of the reservation; None where the move touches no zone, so that nothing is asked.
        work: The move, see `devices.completion`.
        whereabouts: Asks the device where it rests.
    """
    if number is None:
        yield from work
        return
    try:
        yield from work
        at = whereabouts()
    except BaseException as error:  # whatever ended the move, nobody knows where it is
        zones.lose(device, number, str(error) or type(error).__name__)
        raise
    zones.arrived(device, number, at)
