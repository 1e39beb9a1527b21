"""A lab that is open: its devices connected and guarded, its clock running."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autolab.config.specs import ConsumableSpec
from autolab.core.clock import Clock
from autolab.core.trials import Realm
from autolab.journal.journal import Journal
from autolab.journal.records import DeviceRecord
from devices.reconciling import counts
from safety.guard import Guard
from safety.scene import LabRules
from safety.trip import Trip
from safety.zones import Zones

__all__ = ["OpenLab", "OwnStock"]


@dataclass(frozen=True)
class OwnStock:
    """What a campaign has to go by, in microlitres by material."""

    before: Mapping[str, float]
    """What would be left, had the campaign used nothing."""
    used: Callable[[int], Mapping[str, float]]
    """What a trial of it has used, by the record."""


@dataclass(frozen=True)
class OpenLab:
    """What ``autolab.compose`` hands to a campaign. Closing it is the business of whoever opened it."""

    name: str
    laboratory: str
    realm: Realm
    """The weakest realm of a device: what its evidence counts as."""
    clock: Clock
    bench: str
    """Identity of the hardware's contents; wells used on one bench are free on another."""
    devices: Mapping[str, Any]
    records: tuple[DeviceRecord, ...]
    stations: frozenset[str]
    wells: tuple[tuple[str, str, int], ...]
    """All wells of the lab as (labware, place, well), in the order of use."""
    loop: asyncio.AbstractEventLoop | None
    """Event loop on which the lab's asynchronous devices live; None where it has none."""
    check: Callable[[], list[str]] = field(repr=False)
    """Asks every device whether it answers; returns a sentence for each that does not."""
    trip: Trip = field(default_factory=Trip, repr=False)
    """The latch that the guards of all devices share."""
    rules: LabRules = field(default_factory=LabRules, repr=False)
    """What the lab file says of materials, wells, zones and times at places; numbers in the devices' own units."""
    zones: Zones = field(default_factory=Zones, repr=False)
    """The zones that the moves of all devices reserve."""
    guards: Mapping[str, Guard] = field(default_factory=dict[str, Guard], repr=False)
    """The guard of each device."""
    stock_left: Callable[[Journal], Mapping[str, float]] = field(default=lambda _: {}, repr=False)
    """What is left of each material by the record, in microlitres."""
    own_stock: Callable[[Journal, str], OwnStock] = field(default=lambda *_: OwnStock({}, lambda _: {}), repr=False)
    """The same as a campaign sees it, trial by trial; asked with its id."""
    consumables: Mapping[str, ConsumableSpec] = field(default_factory=dict[str, ConsumableSpec])
    """What is used up besides the materials, by name."""
    consumables_left: Callable[[Journal], Mapping[str, float]] = field(default=lambda _: {}, repr=False)
    """What is left of each by the record."""
    power: Path | None = None
    """Folder of the watchdog's sockets; None where nothing takes the power away."""

    @property
    def strongest(self) -> Realm:
        """The strongest realm of a device, by which people are asked: one that is hardware can do harm."""
        return max((Realm(record.realm) for record in self.records), key=list(Realm).index, default=self.realm)

    @property
    def simulated(self) -> frozenset[str]:
        """Devices that simulators stand in for."""
        return frozenset(record.name for record in self.records if record.realm == Realm.SIMULATED)

    def counts(self) -> dict[str, int]:
        """Each device's own count of operations, where it has one and answers."""
        return counts(self.devices)
