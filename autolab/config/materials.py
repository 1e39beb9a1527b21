"""From ``materials`` of a lab file to specs: stock, expiry, and what may be mixed with what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Literal, cast

from autolab.config.labmodel import MaterialModel
from autolab.config.problems import Problems, valid
from autolab.config.specs import MaterialSpec
from autolab.config.units import convert, read_quantity
from autolab.config.words import KeyPath, did_you_mean, listed, shown
from autolab.core.errors import InputError

__all__ = ["read_materials", "volume_ul"]

Relation = Literal["compatible", "incompatible"]
Pairs = dict[frozenset[str], KeyPath]
"""Where each pair of materials is listed first."""


def read_materials(problems: Problems, values: Mapping[str, Any]) -> dict[str, MaterialSpec]:
    """Read the materials, and gather what is wrong with them.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.

    Returns:
        Material by name, of those that are right; each pair stands with both of its materials.
    """
    raw = values.get("materials")
    declared = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    models = {name: model for name, item in declared.items() if (model := valid(MaterialModel, item)) is not None}
    found: dict[str, MaterialSpec] = {}
    for name, model in models.items():
        stock_ul = _stock_ul(problems, name, model.stock)
        expires = _expires(problems, name, model.expires)
        if stock_ul is not None:
            found[name] = MaterialSpec(name, stock_ul, expires, bottle=model.bottle, lot=model.lot)
    _refuse_one_bottle_twice(problems, models)
    pairs: dict[Relation, Pairs] = {
        relation: _pairs(problems, models, list(declared), relation) for relation in ("compatible", "incompatible")
    }
    _refuse_contradictions(problems, pairs)
    return {
        name: replace(
            spec,
            compatible=_partners(name, pairs["compatible"]),
            incompatible=_partners(name, pairs["incompatible"]),
        )
        for name, spec in found.items()
    }


def volume_ul(text: str | float, example: str) -> float:
    """A volume with its unit, in microlitres, not below zero.

    Args:
        text: What the file says.
        example: A volume as it might be written, for the message.

    Raises:
        InputError: it is no such volume. The message begins with the value.
    """
    if not isinstance(text, str):
        raise InputError(f"{shown(text)} has no unit: write for example {example!r}")
    quantity = read_quantity(text, "uL")
    if quantity.value < 0.0:
        raise InputError(f"{shown(text)} is below zero: write what is really there")
    return convert(quantity.value, quantity.unit, "uL")


def _stock_ul(problems: Problems, name: str, stock: str | float) -> float | None:
    try:
        example = f"{stock:g} mL" if not isinstance(stock, str) else "250 mL"
        return volume_ul(stock, example)
    except InputError as error:
        problems.add(("materials", name, "stock"), f"{name}: stock {error}")
        return None


def _refuse_one_bottle_twice(problems: Problems, models: Mapping[str, MaterialModel]) -> None:
    holds: dict[str, str] = {}
    for name, model in models.items():
        if model.bottle is not None and (other := holds.setdefault(model.bottle, name)) != name:
            problems.add(
                ("materials", name, "bottle"),
                f"{name}: bottle {shown(model.bottle)} is that of {other} already: a barcode names one bottle; "
                "write that of this bottle",
            )


def _expires(problems: Problems, name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        problems.add(
            ("materials", name, "expires"),
            f"{name}: expires {shown(text)} is no day of the calendar: write year, month and day as in '2027-03-31'",
        )
        return None


def _pairs(problems: Problems, models: Mapping[str, MaterialModel], known: list[str], relation: Relation) -> Pairs:
    """The pairs that a key lists, each once."""
    pairs: Pairs = {}
    for name, model in models.items():
        others = model.compatible if relation == "compatible" else model.incompatible
        for index, other in enumerate(others):
            path = ("materials", name, relation, index)
            wrong = _wrong(name, other, others[:index], known, relation)
            if wrong is not None:
                problems.add(path, f"{name}: {wrong}")
                continue
            pairs.setdefault(frozenset((name, other)), path)
    return pairs


def _wrong(name: str, other: str, before: list[str], known: list[str], relation: Relation) -> str | None:
    """What is wrong with naming ``other`` as a partner; None where nothing is."""
    if other not in known:
        guess = did_you_mean(other, known)
        hint = f"did you mean {guess!r}?" if guess else f"materials are {listed(known)}"
        return f"{relation} with {shown(other)}, which is no material of this lab: {hint}"
    if other in before:
        return f"{shown(other)} is given twice under {relation}: remove one"
    if other == name:
        return f"{relation} with itself: a material is always compatible with itself; remove it"
    return None


def _refuse_contradictions(problems: Problems, pairs: Mapping[Relation, Pairs]) -> None:
    for pair, path in pairs["incompatible"].items():
        if pair in pairs["compatible"]:
            line = problems.source.line(pairs["compatible"][pair])
            problems.add(
                path,
                f"{listed(sorted(pair))} are incompatible here, and compatible in line {line}: keep the one that is so",
            )


def _partners(name: str, pairs: Pairs) -> frozenset[str]:
    return frozenset(other for pair in pairs if name in pair for other in pair if other != name)
