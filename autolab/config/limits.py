"""From the ``envelope`` of a lab file to limits: one for each writable signal, in the unit of its ``min``."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from autolab.config.labmodel import LimitModel, ProvenModel
from autolab.config.problems import Problems, valid
from autolab.config.units import Quantity, convert, convert_difference, read_quantity
from autolab.config.words import KeyPath, did_you_mean, listed, shown
from autolab.core.envelope import AllowedValues, Limit, RangeLimit
from autolab.core.errors import InputError
from autolab.core.parameters import Value

__all__ = ["read_envelope"]

_NUMBERS = ("min", "max", "max_step", "max_rate", "tolerance", "safe")


def read_envelope(problems: Problems, values: Mapping[str, Any]) -> dict[str, Limit]:
    """Read the envelope, and gather what is wrong with it.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.

    Returns:
        Limit by ``device.signal``, of those that are right.
    """
    declared, devices = values.get("envelope"), values.get("devices")
    known = list(cast("dict[str, Any]", devices)) if isinstance(devices, dict) else []
    found: dict[str, Limit] = {}
    for signal, raw in cast("dict[str, Any]", declared).items() if isinstance(declared, dict) else ():
        path = ("envelope", signal)
        device = signal.partition(".")[0]
        if "." in signal and known and device not in known:
            guess = did_you_mean(device, known)
            hint = f"did you mean {guess!r}?" if guess else f"devices are {listed(known)}"
            problems.add(path, f"{signal}: {device!r} is not a device of this lab: {hint}")
        limit = _read_limit(problems, path, signal, valid(LimitModel, raw))
        if limit is not None:
            found[signal] = limit
    return found


def _read_limit(problems: Problems, path: KeyPath, signal: str, model: LimitModel | None) -> Limit | None:
    if model is None:
        return None
    has_range = any(getattr(model, key) is not None for key in _NUMBERS)
    kinds = [
        *(["min and max"] if has_range else []),
        *(["allowed"] if model.allowed is not None else []),
        *(["pattern"] if model.pattern is not None else []),
    ]
    if not kinds and problems.has(path):
        return None  # the one that is meant is misspelt
    if len(kinds) != 1:
        given = f"here are {listed(kinds)}" if kinds else "here is none of them"
        problems.add(path, f"{signal}: give either min and max, or allowed, or pattern, and {given}")
        return None
    if has_range:
        return _read_range(problems, path, signal, model)
    if model.pattern is not None:
        return _read_pattern(problems, path, signal, model)
    values = model.allowed or []
    for index, value in enumerate(values):
        if value in values[:index]:
            problems.add((*path, "allowed"), f"{signal}: allowed value {shown(value)} is given twice: remove one")
    return _allowed(problems, path, signal, model, tuple(values), None)


def _read_pattern(problems: Problems, path: KeyPath, signal: str, model: LimitModel) -> Limit | None:
    pattern = model.pattern or ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a pattern that may change its meaning is refused
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        problems.add((*path, "pattern"), f"{signal}: pattern {shown(pattern)} is not a regular expression: {error}")
        return None
    return _allowed(problems, path, signal, model, (), pattern)


def _allowed(
    problems: Problems, path: KeyPath, signal: str, model: LimitModel, values: tuple[Value, ...], pattern: str | None
) -> Limit | None:
    proven = model.proven
    if isinstance(proven, ProvenModel):
        problems.add((*path, "proven"), f"{signal}: proven is a range here: write some of its values, or 'all'")
        return None
    try:
        return AllowedValues(
            signal, values, pattern, tier=model.tier, proven=tuple(proven) if isinstance(proven, list) else proven
        )
    except InputError as error:
        problems.add((*path, "proven"), str(error))
        return None


def _read_range(problems: Problems, path: KeyPath, signal: str, model: LimitModel) -> Limit | None:
    has_misspelt_key, n_before = problems.has(path), problems.count
    for key in ("min", "max"):
        if getattr(model, key) is None and not has_misspelt_key:
            problems.add(path, f"{signal}: {key} is missing: add '{key}: ...' with its unit")
    texts = {key: getattr(model, key) for key in _NUMBERS if getattr(model, key) is not None}
    numbers: dict[str, Quantity] = {}
    for key, text in texts.items():
        if key == "safe" and text == "hold":
            continue
        wanted = numbers["min"].unit if "min" in numbers else None
        try:
            numbers[key] = _per_second(text, wanted) if key == "max_rate" else read_quantity(text, wanted)
        except InputError as error:
            hint = f"{error} (or 'hold')" if key == "safe" else str(error)
            problems.add((*path, key), f"{signal}: {key} {hint}")
    if problems.count > n_before or not {"min", "max"} <= numbers.keys():
        return None
    try:
        return replace(_range(signal, numbers), tier=model.tier, proven=_proven(numbers, model.proven))
    except InputError as error:
        said = str(error).removeprefix(f"{signal}: ")
        keys = ("proven", "max_step", "max_rate", "tolerance", "safe", "min", "max")
        key = next((key for key in keys if said.startswith(key)), "min")
        problems.add((*path, key), f"{signal}: {said}")
        return None


def _proven(numbers: Mapping[str, Quantity], proven: object) -> tuple[float, float] | None:
    """The proven region of a range, in the unit of ``min``.

    Raises:
        InputError: it is no region.
    """
    unit, lower, upper = numbers["min"].unit, numbers["min"], numbers["max"]
    if proven is None:
        return None
    if proven == "all":
        return lower.value, convert(upper.value, upper.unit, unit)
    if not isinstance(proven, ProvenModel):
        raise InputError("proven is a list here: write 'proven: {min: ..., max: ...}', or 'all'")
    ends: list[float] = []
    for key, text in (("min", proven.min), ("max", proven.max)):
        try:
            quantity = read_quantity(text, unit)
        except InputError as error:
            raise InputError(f"proven {key} {error}") from None
        ends.append(convert(quantity.value, quantity.unit, unit))
    return ends[0], ends[1]


def _per_second(text: str | float, wanted: str | None) -> Quantity:
    """The change in a second, from a text such as ``5 K/min``, in the unit of the change.

    Raises:
        InputError: it is no change in a time.
    """
    change, slash, time = str(text).rpartition("/")
    if not slash:
        raise InputError(f"{shown(text)} is no change in a time: write for example '5 K/min'")
    quantity = read_quantity(change.strip(), wanted)
    return Quantity(quantity.value / convert(1.0, time.strip(), "s"), quantity.unit)


def _range(signal: str, numbers: Mapping[str, Quantity]) -> RangeLimit:
    """The limit in the unit of ``min``. Step, rate and tolerance are differences: zero points do not matter to
    them.

    Raises:
        InputError: the numbers do not make sense.
    """
    unit = numbers["min"].unit
    safe = numbers.get("safe")

    def difference(key: str) -> float | None:
        number = numbers.get(key)
        return None if number is None else convert_difference(number.value, number.unit, unit)

    return RangeLimit(
        signal,
        lower=numbers["min"].value,
        upper=convert(numbers["max"].value, numbers["max"].unit, unit),
        unit=unit,
        max_step=difference("max_step"),
        max_rate=difference("max_rate"),
        tolerance=difference("tolerance"),
        safe="hold" if safe is None else convert(safe.value, safe.unit, unit),
    )
