"""From ``power`` of a lab file to a spec: which devices lose their power with the relay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from autolab.config.labmodel import PowerModel
from autolab.config.problems import Problems, valid
from autolab.config.specs import PowerSpec
from autolab.config.units import convert, read_quantity
from autolab.config.words import shown
from autolab.core.errors import InputError

__all__ = ["read_power"]

DEAD_MAN_S = (0.06, 10.0)
"""Shortest and longest dead-man in seconds: the watchdog asks for power every 20 ms."""


def read_power(problems: Problems, values: Mapping[str, Any]) -> PowerSpec | None:
    """Read what the relay switches, and gather what is wrong with it.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.

    Returns:
        None where nothing is declared, or what is declared has not the right shape.
    """
    model = valid(PowerModel, values["power"]) if values.get("power") is not None else None
    if model is None:
        return None
    declared = values.get("devices")
    names = list(cast("dict[str, Any]", declared)) if isinstance(declared, dict) else model.devices
    for index, name in enumerate(model.devices):
        path = ("power", "devices", index)
        if name not in names:
            problems.add(path, f"{shown(name)} is no device of this lab: its devices are {', '.join(names)}")
        elif name in model.devices[:index]:
            problems.add(path, f"{name} is given twice: remove one")
    try:
        return PowerSpec(tuple(model.devices), _dead_man_s(model.dead_man))
    except InputError as error:
        problems.add(("power", "dead_man"), f"dead_man {error}")
        return None


def _dead_man_s(dead_man: str | float) -> float:
    if not isinstance(dead_man, str):
        raise InputError(f"{shown(dead_man)} has no unit: write for example '140 ms'")
    quantity = read_quantity(dead_man, "s")
    seconds = convert(quantity.value, quantity.unit, "s")
    if not DEAD_MAN_S[0] <= seconds <= DEAD_MAN_S[1]:
        raise InputError(f"{shown(dead_man)} is outside 60 ms to 10 s: the watchdog asks for power every 20 ms")
    return seconds
