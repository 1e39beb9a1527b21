"""From ``envelope`` and ``signals`` of a lab file to what each signal can read, so that rules may name it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from autolab.config.labmodel import SignalModel
from autolab.config.problems import Problems, valid
from autolab.config.units import check_same_dimension, check_unit, convert, read_quantity
from autolab.config.words import KeyPath, did_you_mean, listed
from autolab.core.envelope import Limit, RangeLimit
from autolab.core.errors import InputError
from autolab.core.interlocks import SignalSpec

__all__ = ["read_signals"]


def read_signals(problems: Problems, values: Mapping[str, Any], envelope: Mapping[str, Limit]) -> dict[str, SignalSpec]:
    """Read what signals can read, and gather what is wrong with it.

    A signal of the envelope has its unit from there, and no range of readings: what is measured may leave what may be
    written. Its entry in ``signals`` adds the range that is physically possible, in the same unit.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.
        envelope: Limit by ``device.signal``.

    Returns:
        What each signal can read, by ``device.signal``, of those that are right.
    """
    found = {name: _of_limit(limit) for name, limit in envelope.items()}
    declared, devices = values.get("signals"), values.get("devices")
    known = list(cast("dict[str, Any]", devices)) if isinstance(devices, dict) else []
    for name, raw in cast("dict[str, Any]", declared).items() if isinstance(declared, dict) else ():
        path = ("signals", name)
        device = name.partition(".")[0]
        if "." in name and known and device not in known:
            guess = did_you_mean(device, known)
            hint = f"did you mean {guess!r}?" if guess else f"devices are {listed(known)}"
            problems.add(path, f"{name}: {device!r} is not a device of this lab: {hint}")
        model = valid(SignalModel, raw)
        spec = None if model is None else _read_signal(problems, path, name, model, found.get(name))
        if spec is not None:
            found[name] = spec
    return found


def _of_limit(limit: Limit) -> SignalSpec:
    if isinstance(limit, RangeLimit):
        return SignalSpec(limit.signal, limit.unit)
    if limit.pattern is not None:
        return SignalSpec(limit.signal, is_text=True)
    return SignalSpec(limit.signal, values=limit.values)


def _read_signal(
    problems: Problems, path: KeyPath, name: str, model: SignalModel, written: SignalSpec | None
) -> SignalSpec | None:
    has_range = model.min is not None or model.max is not None
    kinds = [
        *(["min and max"] if has_range else []),
        *(["allowed"] if model.allowed is not None else []),
        *(["unit"] if model.unit is not None else []),
    ]
    if len(kinds) != 1:
        if kinds or not problems.has(path):
            given = f"here are {listed(kinds)}" if kinds else "here is none of them"
            problems.add(path, f"{name}: give either min and max, or allowed, or unit, and {given}")
        return None
    if written is not None and written.is_number == (model.allowed is not None):
        here, there = ("values", "numbers") if written.is_number else ("numbers", "values")
        problems.add(path, f"{name}: here it reads {here}, and in the envelope it takes {there}: make them agree")
        return None
    if model.allowed is not None:
        return SignalSpec(name, values=tuple(model.allowed))
    return _read_number(problems, path, name, model, None if written is None else written.unit)


def _read_number(
    problems: Problems, path: KeyPath, name: str, model: SignalModel, unit: str | None
) -> SignalSpec | None:
    """A numeric signal, in the unit of the envelope, or else of its ``min``."""
    key = "unit"
    try:
        if model.unit is not None:
            check_unit(model.unit)
            if unit is not None:
                check_same_dimension(model.unit, unit)
            return SignalSpec(name, model.unit if unit is None else unit)
        for key, value in (("min", model.min), ("max", model.max)):
            if value is None:
                problems.add(path, f"{name}: {key} is missing: add '{key}: ...' with its unit")
                return None
        key = "min"
        lower = read_quantity(model.min or 0, unit)
        unit = lower.unit if unit is None else unit
        key = "max"
        upper = read_quantity(model.max or 0, unit)
        return SignalSpec(name, unit, convert(lower.value, lower.unit, unit), convert(upper.value, upper.unit, unit))
    except InputError as error:
        said = str(error).removeprefix(f"{name}: ")
        problems.add((*path, key), f"{name}: {said}" if said != str(error) else f"{name}: {key} {error}")
        return None
