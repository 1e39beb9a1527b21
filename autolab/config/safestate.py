"""From ``safe_state`` of a lab file to its steps, each inside the envelope."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from autolab.config.labmodel import SafeStateStepModel
from autolab.config.problems import Problems, valid
from autolab.config.units import convert, read_quantity
from autolab.config.words import KeyPath, did_you_mean, dotted, kind_of, listed, shown
from autolab.core.envelope import AllowedValues, Limit, RangeLimit
from autolab.core.errors import InputError
from autolab.core.interlocks import Number, SafeStateStep, SetStep, StopStep
from autolab.core.parameters import Value

__all__ = ["read_safe_state"]


def read_safe_state(
    problems: Problems, values: Mapping[str, Any], envelope: Mapping[str, Limit]
) -> tuple[SafeStateStep, ...]:
    """Read the steps into the safe state, and gather what is wrong with them.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.
        envelope: Limit of each writable signal.

    Returns:
        The steps that are right, in the order of the file.
    """
    declared, devices = values.get("safe_state"), values.get("devices")
    known = list(cast("dict[str, Any]", devices)) if isinstance(devices, dict) else []
    found: list[SafeStateStep] = []
    for index, raw in enumerate(cast("list[Any]", declared) if isinstance(declared, list) else ()):
        path = ("safe_state", index)
        model = valid(SafeStateStepModel, raw)
        if model is None or problems.has(path):
            continue
        step = _read_step(problems, path, model, known, envelope)
        if step is not None:
            found.append(step)
    return tuple(found)


def _read_step(
    problems: Problems, path: KeyPath, model: SafeStateStepModel, devices: list[str], envelope: Mapping[str, Limit]
) -> SafeStateStep | None:
    given = [key for key in ("device", "do", "set", "to") if getattr(model, key) is not None]
    line = problems.source.line(path)
    if model.device is not None and model.do is not None and len(given) == 2:
        if model.device in devices:
            return StopStep(model.device, line)
        guess = did_you_mean(model.device, devices)
        hint = f"did you mean {guess!r}?" if guess else f"devices are {listed(devices)}"
        problems.add((*path, "device"), f"{model.device!r} is not a device of this lab: {hint}")
        return None
    if model.set is None or model.to is None or len(given) != 2:
        what = f"here are {listed(given)}" if given else "here is none of them"
        problems.add(path, f"{dotted(path)}: give either device and do, or set and to, and {what}")
        return None
    limit = envelope.get(model.set)
    if limit is None:
        guess = did_you_mean(model.set, envelope)
        hint = f"did you mean {guess!r}?" if guess else f"writable are {listed(envelope)}"
        problems.add((*path, "set"), f"{model.set!r} is not in the envelope, so it cannot be written: {hint}")
        return None
    if limit.tier == "prohibited":
        problems.add(
            (*path, "set"), f"{model.set} is prohibited in the envelope, so it cannot be written: stop its device"
        )
        return None
    try:
        return _set_step(limit, model.to, line)
    except InputError as error:
        problems.add((*path, "to"), f"{model.set}: {error}")
        return None


def _set_step(limit: Limit, to: Value, line: int | None) -> SetStep:
    """The step of a value that the guard takes, from wherever the signal is.

    Raises:
        InputError: the guard would refuse it, always or from some value.
    """
    if isinstance(limit, AllowedValues):
        _check_allowed(limit, to)
        return SetStep(limit.signal, to, "", line)
    if isinstance(to, bool):
        raise InputError(f"{shown(to)} is {kind_of(to)}, and a number with its unit is wanted")
    quantity = read_quantity(to, limit.unit)
    value = convert(quantity.value, quantity.unit, limit.unit)
    if not limit.lower <= value <= limit.upper:
        raise InputError(
            f"{shown(to)} is outside the envelope, which allows "
            f"{Number(limit.lower, limit.unit)} to {Number(limit.upper, limit.unit)}: choose a value inside"
        )
    _check_step(limit, value)
    return SetStep(limit.signal, value, limit.unit, line)


def _check_step(limit: RangeLimit, value: float) -> None:
    longest = max(value - limit.lower, limit.upper - value)
    if limit.max_step is not None and limit.max_step < longest:
        raise InputError(
            f"it may be {Number(longest, limit.unit)} away, and max_step is {Number(limit.max_step, limit.unit)}, so "
            "the guard could refuse it: raise max_step, or stop the device instead"
        )


def _check_allowed(limit: AllowedValues, to: Value) -> None:
    if limit.pattern is not None:
        if not (isinstance(to, str) and re.fullmatch(limit.pattern, to)):
            raise InputError(f"{shown(to)} does not match the pattern {shown(limit.pattern)} of the envelope")
        return
    if not any(to == item and isinstance(to, bool) == isinstance(item, bool) for item in limit.values):
        raise InputError(f"{shown(to)} is not allowed: allowed are {listed(shown(item) for item in limit.values)}")
