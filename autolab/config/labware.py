"""From ``labware`` of a lab file to specs: where each piece belongs, and what a well of it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from autolab.config.labmodel import LabwareModel
from autolab.config.materials import volume_ul
from autolab.config.problems import Problems, valid
from autolab.config.specs import LabwareSpec
from autolab.config.words import shown
from autolab.core.errors import InputError

__all__ = ["read_labware"]


def read_labware(problems: Problems, values: Mapping[str, Any]) -> dict[str, LabwareSpec]:
    """Read the labware, and gather what is wrong with it.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.

    Returns:
        Labware by kind, of those that are right.
    """
    raw = values.get("labware")
    found: dict[str, LabwareSpec] = {}
    taken: dict[str, str] = {}
    for name, item in cast("dict[str, Any]", raw).items() if isinstance(raw, dict) else ():
        model = valid(LabwareModel, item)
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
        capacity_ul, freeboard_ul = _room(problems, name, model)
        found[name] = LabwareSpec(name, tuple(model.places), model.wells, capacity_ul, freeboard_ul)
    return found


def _room(problems: Problems, name: str, model: LabwareModel) -> tuple[float | None, float]:
    """Capacity and freeboard of a well, in microlitres."""
    capacity_ul, freeboard_ul = (
        _volume(problems, name, key, text)
        for key, text in (("capacity", model.capacity), ("freeboard", model.freeboard))
    )
    if model.capacity is None and model.freeboard is not None:
        problems.add(
            ("labware", name, "freeboard"),
            f"{name}: freeboard says what of the capacity stays empty, and there is none: add 'capacity: 360 uL'",
        )
    elif capacity_ul is not None and capacity_ul <= (freeboard_ul or 0.0):
        room = f"the freeboard of {shown(model.freeboard)}" if model.freeboard is not None else "zero"
        problems.add(
            ("labware", name, "capacity"),
            f"{name}: capacity {shown(model.capacity)} is not above {room}, so that nothing could be poured: "
            "give what a well holds to its brim",
        )
    return capacity_ul, freeboard_ul or 0.0


def _volume(problems: Problems, name: str, key: str, text: str | float | None) -> float | None:
    if text is None:
        return None
    try:
        return volume_ul(text, "360 uL")
    except InputError as error:
        problems.add(("labware", name, key), f"{name}: {key} {error}")
        return None
