"""From ``calibrations`` of a lab file to declared calibrations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, cast

import yaml

from autolab.config.calibrationmodel import CalibrationModel
from autolab.config.problems import Problems, valid
from autolab.config.specs import Source
from autolab.config.units import convert, read_quantity
from autolab.config.words import did_you_mean, listed, shown
from autolab.core.calibrations import Calibration, Correction, Drift, Validity
from autolab.core.errors import InputError

__all__ = ["MOST", "calibrations_in", "read_calibrations"]

MOST = 32
"""Calibrations that a lab may declare: their operation ids need numbers of their own."""


def read_calibrations(problems: Problems, values: Mapping[str, Any]) -> tuple[Calibration, ...]:
    """Read the calibrations, and gather what is wrong with them.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.

    Returns:
        Those that are right, in the order of the file.
    """
    raw = values.get("calibrations")
    declared = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    devices = cast("dict[str, Any]", values["devices"]) if isinstance(values.get("devices"), dict) else {}
    if len(declared) > MOST:
        problems.add(("calibrations",), f"{len(declared)} calibrations are declared, and at most {MOST} are possible")
    models = {name: model for name, item in declared.items() if (model := valid(CalibrationModel, item)) is not None}
    found: list[Calibration] = []
    for name, model in models.items():
        before = problems.count
        _check_devices(problems, name, model.of, devices)
        validity = _validity(problems, name, model, models, list(declared))
        if model.corrects and model.reduce is None:
            problems.add(("calibrations", name, "corrects"), f"{name}: it yields no value to correct by: add 'reduce'")
        if validity is not None and problems.count == before:
            corrects = tuple(Correction(metric, one.by, one.how) for metric, one in model.corrects.items())
            how = (model.plan, model.reduce, validity, model.if_invalid, model.with_, corrects)
            found.append(Calibration(name, model.kind, tuple(model.of), *how))
    return tuple(found)


@lru_cache(maxsize=64)
def calibrations_in(text: str) -> tuple[Calibration, ...]:
    """The calibrations that the text of a lab file declares, as a record has kept it; none where it cannot be read."""
    try:
        values: object = yaml.safe_load(text)
    except yaml.YAMLError:
        return ()
    if not isinstance(values, dict):
        return ()
    return read_calibrations(Problems(Source("", text, {})), cast("dict[str, Any]", values))


def _check_devices(problems: Problems, name: str, of: list[str], devices: Iterable[str]) -> None:
    for index, device in enumerate(of):
        path = ("calibrations", name, "of", index)
        if device not in devices:
            guess = did_you_mean(device, list(devices))
            hint = f"did you mean {guess!r}?" if guess else f"devices are {listed(list(devices))}"
            problems.add(path, f"{name}: {device!r} is not a device of this lab: {hint}")
        elif device in of[:index]:
            problems.add(path, f"{name}: {device} is given twice: remove one")


def _validity(
    problems: Problems, name: str, model: CalibrationModel, models: Mapping[str, CalibrationModel], known: list[str]
) -> Validity | None:
    path, given = ("calibrations", name, "valid"), model.valid
    if given.time is given.trials is given.measurements is given.drift is None:
        problems.add(
            path, f"{name}: nothing says how long it is valid: give time, trials, measurements or drift, such as 8 h"
        )
        return None
    try:
        time_s = None if given.time is None else _seconds(given.time)
    except InputError as error:
        problems.add((*path, "time"), f"{name}: time {error}")
        return None
    drift = None
    if given.drift is not None:
        if (why := _wrong_reference(name, given.drift.of, models, known)) is not None:
            problems.add((*path, "drift", "of"), f"{name}: {why}")
        drift = Drift(given.drift.of, given.drift.metric, given.drift.by)
    return Validity(time_s, given.trials, given.measurements, drift)


def _wrong_reference(name: str, of: str, models: Mapping[str, CalibrationModel], known: list[str]) -> str | None:
    """Why a calibration cannot show the drift of another; None where it can."""
    if of == name:
        return f"it cannot show its own drift: name another calibration than {of!r}"
    if of not in known:
        guess = did_you_mean(of, known)
        hint = f"did you mean {guess!r}?" if guess else f"calibrations are {listed(known)}"
        return f"{of!r} is not a calibration of this lab: {hint}"
    if of not in models:  # its shape is wrong, which has been said
        return None
    if models[of].reduce is None:
        return f"{of!r} yields no value, so that it shows no drift: give it a 'reduce'"
    if models[of].valid.drift is not None:
        return f"{of!r} depends on the drift of another itself: name one that is valid for a time or a count"
    if models[of].if_invalid == "refuse":
        return f"{of!r} is not performed by itself ('if_invalid: refuse'), so that nobody would see a drift"
    return None


def _seconds(time: str | float) -> float:
    if not isinstance(time, str):
        raise InputError(f"{shown(time)} has no unit: write for example '{time:g} h'")
    quantity = read_quantity(time, "s")
    if quantity.value <= 0.0:
        raise InputError(f"{shown(time)} is not above zero: it would never be valid")
    return convert(quantity.value, quantity.unit, "s")
