"""Reads a ``lab.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from autolab.config.deviceentries import read_devices
from autolab.config.interlocks import read_hazards, read_interlocks
from autolab.config.labmodel import LabModel, LabwareModel, MaterialModel
from autolab.config.limits import read_envelope
from autolab.config.power import read_power
from autolab.config.problems import Problems, valid
from autolab.config.safestate import read_safe_state
from autolab.config.signals import read_signals
from autolab.config.specs import LabSpec, LabwareSpec, MaterialSpec
from autolab.config.units import convert, read_quantity
from autolab.config.words import shown
from autolab.config.yamlfile import read_yaml
from autolab.core.canonical import content_hash
from autolab.core.errors import InputError

__all__ = ["load_lab"]


def load_lab(path: str | Path) -> LabSpec:
    """Read and check a lab file. No class is imported, and no device is spoken to.

    Args:
        path: The file; messages name it as it is given here.

    Raises:
        FileError: the file or one line of it is refused.
        InputErrors: several lines are refused; all of them are reported.
    """
    file = read_yaml(path)
    problems = Problems(file.source)
    problems.check_shape(LabModel, file.values)
    devices = read_devices(problems, file.values)
    materials = _read_materials(problems, file.values)
    labware = _read_labware(problems, file.values)
    envelope = read_envelope(problems, file.values)
    signals = read_signals(problems, file.values, envelope)
    interlocks = read_interlocks(problems, file.values, signals, envelope)
    hazards = read_hazards(problems, file.values, signals)
    safe_state = read_safe_state(problems, file.values, envelope)
    power = read_power(problems, file.values)
    problems.raise_any()
    model = LabModel.model_validate(file.values)
    return LabSpec(
        name=model.name,
        laboratory=model.laboratory,
        devices=devices,
        stations=tuple(model.stations),
        materials=materials,
        labware=labware,
        envelope=envelope,
        signals=signals,
        interlocks=interlocks,
        hazards=hazards,
        safe_state=safe_state,
        packages=tuple(model.packages),
        heads=None if model.audit is None else Path(path).parent / model.audit.heads,
        source=file.source,
        content_hash=content_hash(file.values),
        power=power,
    )


def _entries(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    declared = values.get(key)
    return cast("dict[str, Any]", declared) if isinstance(declared, dict) else {}


def _read_materials(problems: Problems, values: Mapping[str, Any]) -> dict[str, MaterialSpec]:
    found: dict[str, MaterialSpec] = {}
    for name, raw in _entries(values, "materials").items():
        model = valid(MaterialModel, raw)
        if model is None:
            continue
        try:
            found[name] = MaterialSpec(name, _stock_ul(model.stock))
        except InputError as error:
            problems.add(("materials", name, "stock"), f"{name}: stock {error}")
    return found


def _stock_ul(stock: str | float) -> float:
    if not isinstance(stock, str):
        raise InputError(f"{shown(stock)} has no unit: write for example '{stock:g} mL'")
    quantity = read_quantity(stock, "uL")
    if quantity.value < 0.0:
        raise InputError(f"{shown(stock)} is below zero: write what is really there")
    return convert(quantity.value, quantity.unit, "uL")


def _read_labware(problems: Problems, values: Mapping[str, Any]) -> dict[str, LabwareSpec]:
    found: dict[str, LabwareSpec] = {}
    taken: dict[str, str] = {}
    for name, raw in _entries(values, "labware").items():
        model = valid(LabwareModel, raw)
        if model is None:
            continue
        for index, place in enumerate(model.places):
            if place in taken:
                where = "twice" if taken[place] == name else f"to {taken[place]!r} already"
                problems.add(
                    ("labware", name, "places", index),
                    f"{name}: place {shown(place)} is given {where}: each piece needs a place of its own",
                )
            taken.setdefault(place, name)
        found[name] = LabwareSpec(name, tuple(model.places), model.wells)
    return found
