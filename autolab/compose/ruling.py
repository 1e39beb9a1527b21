"""The lab's own rules on matter and space, matched with what its device classes can keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from autolab.compose.devices import writable_signals
from autolab.config.specs import LabSpec
from autolab.config.units import convert
from autolab.core.errors import FileError, InputErrors
from autolab.core.zones import Span, Zone
from safety.mixing import expired
from safety.scene import LabRules
from safety.zones import Zones

__all__ = ["lab_rules", "locate_all", "refuse_expired"]


def lab_rules(lab: LabSpec, classes: Mapping[str, type]) -> LabRules:
    """What a lab file says of materials, wells, zones and times at places, numbers in the devices' own units.

    Args:
        lab: The lab file.
        classes: Class of each device.

    Raises:
        FileError: a zone names a device, or a signal of one, that reserves no zones.
        InputErrors: several of these.
    """
    problems = [error for zone in lab.zones.values() for error in _unkept(lab, zone, classes)]
    if problems:
        raise problems[0] if len(problems) == 1 else InputErrors(problems)
    zones = {name: _in_device_units(lab, zone, classes) for name, zone in lab.zones.items()}
    return LabRules(lab.materials, lab.labware, zones, lab.dwell_s)


def refuse_expired(lab: LabSpec, today: date) -> None:
    """Refuse a lab in which a material has expired, whether or not a campaign uses it: nobody knows before it runs.

    Args:
        lab: The lab file.
        today: The day, in UTC.

    Raises:
        FileError: one has expired, with the line of its date.
        InputErrors: several have.
    """
    said = {name: expired(material, today) for name, material in lab.materials.items()}
    problems = [lab.source.error(("materials", name, "expires"), why) for name, why in said.items() if why is not None]
    if problems:
        raise problems[0] if len(problems) == 1 else InputErrors(problems)


def locate_all(zones: Zones, devices: Mapping[str, Any]) -> None:
    """Make the devices of an opened lab known to its zones, and ask each where it is. One that does not know keeps all
    zones that it reaches.

    Args:
        zones: The zones of the lab.
        devices: Every device, connected.
    """
    for name in sorted(zones.devices):
        zones.watch(name, devices[name].whereabouts)
    for name in sorted(zones.devices):
        zones.locate(name)


def _unkept(lab: LabSpec, zone: Zone, classes: Mapping[str, type]) -> Iterator[FileError]:
    """What of a zone the classes of its devices do not reserve."""
    wanted = {
        **{("places", device): (device, "place") for device in zone.places},
        **{("ranges", signal): _split(signal) for signal in zone.ranges},
        **{("moves", name): _split(name) for name in sorted(zone.moves)},
    }
    for (key, named), (device, signal) in wanted.items():
        kept: frozenset[str] = getattr(classes[device], "zoned", frozenset())
        if signal not in kept and not (signal == "" and kept):
            by = f"reserves zones by {', '.join(sorted(kept))} only" if kept else "reserves no zones"
            yield lab.source.error(
                ("zones", zone.name, key),
                f"zone {zone.name}: {named} cannot be kept out of it, because {lab.devices[device].class_name} {by}: "
                "leave it out, and keep it apart by a station",
            )


def _in_device_units(lab: LabSpec, zone: Zone, classes: Mapping[str, type]) -> Zone:
    ranges: dict[str, Span] = {}
    for name, span in zone.ranges.items():
        device, signal = _split(name)
        known = writable_signals(classes[device], lab.devices[device]) or ()
        unit = next((item.unit for item in known if item.name == signal and item.unit is not None), span.unit)
        lower, upper = (convert(value, span.unit, unit) for value in (span.lower, span.upper))
        ranges[name] = Span(lower, upper, unit)
    return replace(zone, ranges=ranges)


def _split(name: str) -> tuple[str, str]:
    device, _, signal = name.partition(".")
    return device, signal
