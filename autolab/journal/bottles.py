"""The stock bottles of a lab, as the lab files said over time that campaigns were started and resumed with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import yaml

from autolab.core.canonical import content_hash
from autolab.journal.database import Database

__all__ = [
    "CHANGED",
    "CONSUMABLES",
    "Bottle",
    "Shelf",
    "consumables_of",
    "declared_bottles",
    "declared_consumables",
    "shelf_of",
    "shelves",
]

CHANGED = "materials"
"""Cause of the intervention that keeps the ``materials`` with which a campaign goes on."""
CONSUMABLES = "consumables"
"""Cause of the intervention that keeps the ``consumables`` with which a campaign goes on."""
_CHANGES = "SELECT detail, lab_s FROM interventions WHERE campaign = ? AND cause = ? ORDER BY id"
_KEYS = ("stock", "expires", "bottle", "lot", "filled")
_PIECES = ("stock", "per", "room", "filled")

Declared = dict[str, dict[str, str]]
"""What a lab file says of each bottle, by material."""


@dataclass(frozen=True, slots=True)
class Bottle:
    """A stock bottle."""

    material: str
    id: str
    """Its barcode; or a name that is made from what the lab file says of it."""
    has_barcode: bool
    stock: str
    """What was in it when it was declared, as the lab file writes it."""
    lot: str | None
    expires: str | None


@dataclass(frozen=True)
class Shelf:
    """The bottles or consumables of a campaign: what was declared, and since when in lab seconds, the oldest first."""

    lab: str
    declared: tuple[tuple[float, Declared | None], ...]

    @property
    def latest(self) -> tuple[float, Declared | None]:
        """What stands there now, and since when."""
        return self.declared[-1]

    def since(self, name: str, declared: Declared | None) -> float | None:
        """Lab seconds since when what is declared of one thing has been so; None where it is not so any more."""
        found, wanted = None, (declared or {}).get(name)
        for since_lab_s, each in self.declared:
            if (each or {}).get(name) != wanted:
                found = None
            elif found is None:
                found = since_lab_s
        return found

    def bottle(self, material: str, lab_s: float) -> Bottle | None:
        """The bottle that a material came from at a lab time; None where none was declared."""
        found = None
        for since_lab_s, declared in self.declared:
            if since_lab_s <= lab_s:
                found = (declared or {}).get(material)
        return None if found is None else _bottle(self.lab, material, found)

    def bottles(self) -> list[Bottle]:
        """All bottles that ever stood there."""
        return [
            _bottle(self.lab, name, said) for _, declared in self.declared for name, said in (declared or {}).items()
        ]


def shelf_of(states: Database, campaign: str, lab: str, lab_file: str) -> Shelf:
    """The bottles of a campaign.

    Args:
        states: Database of the states.
        campaign: Id of the campaign.
        lab: Name of its lab.
        lab_file: Text of the lab file with which it started.
    """
    changes = [(row["lab_s"], _of(json.loads(row["detail"]))) for row in states.rows(_CHANGES, (campaign, CHANGED))]
    return Shelf(lab, ((0.0, declared_bottles(lab_file)), *changes))


def shelves(states: Database, lab: str, bench: str) -> dict[str, Shelf]:
    """The bottles of each campaign of a lab on a bench, by the campaign's id."""
    rows = states.rows("SELECT id, lab_file FROM campaigns WHERE lab = ? AND bench = ?", (lab, bench))
    return {row["id"]: shelf_of(states, row["id"], lab, row["lab_file"]) for row in rows}


@lru_cache(maxsize=64)
def declared_bottles(text: str) -> Declared | None:
    """What a lab file says of each bottle; not to be changed. What it may be mixed with is no refill."""
    return _of((yaml.safe_load(text) or {}).get("materials") if text else None)


def _of(declared: Any, keys: tuple[str, ...] = _KEYS) -> Declared | None:
    if not isinstance(declared, dict):
        return None
    bottles = cast("dict[str, dict[str, Any]]", declared)
    return {name: {key: str(said[key]) for key in keys if key in said} for name, said in bottles.items()}


def _bottle(lab: str, material: str, said: dict[str, str]) -> Bottle:
    made = f"{material}-{content_hash({'lab': lab, 'material': material, **said})[:8]}"
    code = said.get("bottle")
    return Bottle(
        material, code or made, code is not None, said.get("stock", "?"), said.get("lot"), said.get("expires")
    )


@lru_cache(maxsize=64)
def declared_consumables(text: str) -> Declared | None:
    """What a lab file says of each consumable; not to be changed."""
    return _of((yaml.safe_load(text) or {}).get(CONSUMABLES) if text else None, _PIECES)


def consumables_of(states: Database, campaign: str, lab: str, lab_file: str) -> Shelf:
    """The consumables of a campaign; see `shelf_of`."""
    changes = states.rows(_CHANGES, (campaign, CONSUMABLES))
    known = [(row["lab_s"], _of(json.loads(row["detail"]), _PIECES)) for row in changes]
    return Shelf(lab, ((0.0, declared_consumables(lab_file)), *known))
