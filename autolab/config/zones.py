"""From ``zones`` and ``dwell`` of a lab file to zones, and to the longest times at places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from autolab.config.labmodel import SpanModel, ZoneModel
from autolab.config.problems import Problems, valid
from autolab.config.specs import LabwareSpec
from autolab.config.units import convert, read_quantity
from autolab.config.words import KeyPath, did_you_mean, listed, shown
from autolab.core.envelope import AllowedValues, Limit, RangeLimit
from autolab.core.errors import InputError
from autolab.core.zones import Span, Zone

__all__ = ["read_dwell", "read_zones"]


def read_zones(problems: Problems, values: Mapping[str, Any], envelope: Mapping[str, Limit]) -> dict[str, Zone]:
    """Read the zones, and gather what is wrong with them.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.
        envelope: Limit of each writable signal.

    Returns:
        Zone by name, of those that are right; spans are in the units of the envelope.
    """
    declared, devices = values.get("zones"), values.get("devices")
    known = list(cast("dict[str, Any]", devices)) if isinstance(devices, dict) else []
    found: dict[str, Zone] = {}
    for name, raw in cast("dict[str, Any]", declared).items() if isinstance(declared, dict) else ():
        path = ("zones", name)
        model, n_before = valid(ZoneModel, raw), problems.count
        if model is None or problems.has(path):
            continue
        _check_places(problems, (*path, "places"), model.places, known, envelope)
        _check_moves(problems, (*path, "moves"), model, known, envelope)
        ranges = {
            signal: span
            for signal, item in model.ranges.items()
            if (span := _span(problems, (*path, "ranges", signal), signal, item, envelope)) is not None
        }
        zone = Zone(name, {key: frozenset(item) for key, item in model.places.items()}, frozenset(model.moves), ranges)
        if problems.count == n_before and len(zone.devices) < 2:
            who = f"only {zone.devices[0]}" if zone.devices else "nothing"
            problems.add(path, f"{name}: {who} reaches into this zone, and a zone keeps two devices apart: add another")
        if problems.count == n_before:
            found[name] = zone
    return found


def read_dwell(
    problems: Problems, values: Mapping[str, Any], envelope: Mapping[str, Limit], labware: Mapping[str, LabwareSpec]
) -> dict[str, float]:
    """Read how long labware may stay at places, and gather what is wrong with it.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.
        envelope: Limit of each writable signal; its allowed texts are places.
        labware: The labware, which has places too.

    Returns:
        Longest time in seconds, by place.
    """
    declared = values.get("dwell")
    known = [place for kind in labware.values() for place in kind.places]
    known += [place for limit in envelope.values() for place in _places(limit) if place not in known]
    found: dict[str, float] = {}
    for place, text in cast("dict[str, Any]", declared).items() if isinstance(declared, dict) else ():
        path = ("dwell", place)
        if problems.has(path):
            continue
        if place not in known:
            guess = did_you_mean(place, known)
            hint = f"did you mean {guess!r}?" if guess else f"places are {listed(known)}"
            problems.add(path, f"dwell: {shown(place)} is no place of this lab: {hint}")
            continue
        try:
            found[place] = _seconds(text)
        except InputError as error:
            problems.add(path, f"dwell: {place} {error}")
    return found


def _seconds(text: str | float) -> float:
    if not isinstance(text, str):
        raise InputError(f"{shown(text)} has no unit: write for example '30 min'")
    quantity = read_quantity(text, "s")
    if quantity.value <= 0.0:
        raise InputError(f"{shown(text)} is not above zero: give the longest time, or remove it")
    return convert(quantity.value, quantity.unit, "s")


def _check_places(
    problems: Problems,
    path: KeyPath,
    places: Mapping[str, list[str]],
    devices: list[str],
    envelope: Mapping[str, Limit],
) -> None:
    for device, names in places.items():
        if device not in devices:
            problems.add((*path, device), _unknown_device(device, devices))
            continue
        allowed = [
            place
            for signal, limit in envelope.items()
            if signal.partition(".")[0] == device
            for place in _places(limit)
        ]
        for index, place in enumerate(names):
            where = (*path, device, index)
            if place in names[:index]:
                problems.add(where, f"{device}: place {shown(place)} is given twice: remove one")
            elif place not in allowed:
                guess = did_you_mean(place, allowed)
                hint = f"did you mean {guess!r}?" if guess else f"allowed are {listed(allowed)}"
                problems.add(where, f"{device}: the envelope does not let it go to {shown(place)}: {hint}")


def _check_moves(
    problems: Problems, path: KeyPath, model: ZoneModel, devices: list[str], envelope: Mapping[str, Limit]
) -> None:
    for index, name in enumerate(model.moves):
        where, device = (*path, index), name.partition(".")[0]
        if device not in devices:
            problems.add(where, _unknown_device(device, devices))
        elif name in model.moves[:index]:
            problems.add(where, f"{name} is given twice: remove one")
        elif name != device and name not in envelope:
            problems.add(where, _not_writable(name, envelope))
        elif name in (*model.places, *model.ranges):
            key = "places" if name in model.places else "ranges"
            problems.add(where, f"{name} is in the zone whenever it moves, and under {key} again: keep one of them")


def _span(
    problems: Problems, path: KeyPath, signal: str, model: SpanModel, envelope: Mapping[str, Limit]
) -> Span | None:
    limit = envelope.get(signal)
    if not isinstance(limit, RangeLimit):
        problems.add(path, _not_writable(signal, {key: item for key, item in envelope.items() if _is_range(item)}))
        return None
    numbers: dict[str, float] = {}
    for key, text in (("min", model.min), ("max", model.max)):
        try:
            quantity = read_quantity(text, limit.unit)
            numbers[key] = convert(quantity.value, quantity.unit, limit.unit)
        except InputError as error:
            problems.add((*path, key), f"{signal}: {key} {error}")
    if len(numbers) < 2:
        return None
    span = Span(numbers["min"], numbers["max"], limit.unit)
    if span.lower > span.upper:
        problems.add((*path, "min"), f"{signal}: min {shown(model.min)} is above max {shown(model.max)}: swap them")
        return None
    if span.upper < limit.lower or span.lower > limit.upper:
        problems.add(
            (*path, "min"),
            f"{signal}: {shown(model.min)} to {shown(model.max)} is outside the envelope, which allows "
            f"{limit.lower:g} to {limit.upper:g} {limit.unit}, so that it never gets there: correct it",
        )
        return None
    return span


def _unknown_device(device: str, devices: list[str]) -> str:
    guess = did_you_mean(device, devices)
    hint = f"did you mean {guess!r}?" if guess else f"devices are {listed(devices)}"
    return f"{device!r} is not a device of this lab: {hint}"


def _not_writable(signal: str, known: Mapping[str, Limit]) -> str:
    guess = did_you_mean(signal, known)
    hint = f"did you mean {guess!r}?" if guess else f"these are there: {listed(known)}"
    return f"{signal!r} has no range in the envelope, so nobody sees it move: {hint}"


def _places(limit: Limit) -> list[str]:
    return [value for value in limit.values if isinstance(value, str)] if isinstance(limit, AllowedValues) else []


def _is_range(limit: Limit) -> bool:
    return isinstance(limit, RangeLimit)
