"""From ``consumables`` of a lab file to specs: pieces in stock, and the room of waste bottles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from autolab.config.labmodel import ConsumableModel
from autolab.config.materials import volume_ul
from autolab.config.problems import Problems, valid
from autolab.config.specs import ConsumableSpec
from autolab.core.errors import InputError

__all__ = ["read_consumables"]


def read_consumables(problems: Problems, values: Mapping[str, Any]) -> dict[str, ConsumableSpec]:
    """Read the consumables, and gather what is wrong with them.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.

    Returns:
        Consumable by name, of those that are right.
    """
    raw = values.get("consumables")
    materials = cast("dict[str, Any]", values["materials"]) if isinstance(values.get("materials"), dict) else {}
    found: dict[str, ConsumableSpec] = {}
    for name, item in cast("dict[str, Any]", raw).items() if isinstance(raw, dict) else ():
        path = ("consumables", name)
        if name in materials:
            problems.add(path, f"{name} is a material too: choose another name")
        model = valid(ConsumableModel, item)
        if model is None:
            continue
        is_counted = model.stock is not None and model.per is not None
        if is_counted == (model.room is not None) or (model.stock is None) != (model.per is None):
            problems.add(path, f"{name}: give either 'stock' and 'per', such as {{stock: 960, per: pour}}, or 'room'")
        elif model.room is not None:
            try:
                found[name] = ConsumableSpec(name, volume_ul(model.room, "5 L"), "volume")
            except InputError as error:
                problems.add((*path, "room"), f"{name}: room {error}")
        elif model.stock is not None and model.per is not None:
            found[name] = ConsumableSpec(name, float(model.stock), model.per)
    return found
