"""From ``interlocks`` and ``hazards`` of a lab file to rules, their numbers in the units of the signals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

from autolab.config.fields import FileModel
from autolab.config.labmodel import HazardModel, InterlockModel
from autolab.config.problems import Problems, valid
from autolab.config.ruleunits import resolved
from autolab.config.units import convert, read_quantity
from autolab.config.words import KeyPath, did_you_mean, listed, shown
from autolab.core.envelope import Limit
from autolab.core.errors import InputError
from autolab.core.interlocks import RELAY, STALE_AFTER_S, Condition, Hazard, Rule, SignalSpec
from autolab.core.ruletext import parse_condition

__all__ = ["read_hazards", "read_interlocks"]

M = TypeVar("M", bound=FileModel)


def read_interlocks(
    problems: Problems, values: Mapping[str, Any], signals: Mapping[str, SignalSpec], envelope: Mapping[str, Limit]
) -> tuple[Rule, ...]:
    """Read the interlocks, and gather what is wrong with them.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.
        signals: What each signal can read.
        envelope: Limit of each writable signal.

    Returns:
        The rules that are right, in the order of the file.
    """
    found: list[Rule] = []
    for path, model in _entries(problems, values, "interlocks", InterlockModel):
        n_before = problems.count
        if model.name == RELAY:
            problems.add((*path, "name"), f"{shown(RELAY)} is the name of the relay's own trip: choose another")
        when = _condition(problems, path, model.name, model.when, signals)
        for item, permitted in enumerate(model.of):
            _check_permitted(problems, (*path, "of", item), model.name, permitted, envelope)
        stale_after_s = _stale_after_s(problems, path, model)
        if model.effect == "trip" and not values.get("safe_state"):
            problems.add(path, f"{model.name}: a trip brings the lab into its safe state, and there is none: add steps")
        if when is None or problems.count > n_before:
            continue
        text, line = " ".join(model.when.split()), problems.source.line(path)
        try:
            of = tuple(model.of)
            found.append(Rule(model.name, when, model.effect, of, model.why, stale_after_s, text, line))
        except InputError as error:
            problems.add(path, str(error))
    return tuple(found)


def read_hazards(
    problems: Problems, values: Mapping[str, Any], signals: Mapping[str, SignalSpec]
) -> tuple[Hazard, ...]:
    """Read the hazards, and gather what is wrong with them.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.
        signals: What each signal can read.

    Returns:
        The hazards that are right, in the order of the file.
    """
    found: list[Hazard] = []
    for path, model in _entries(problems, values, "hazards", HazardModel):
        when = _condition(problems, path, model.name, model.when, signals)
        if when is not None:
            found.append(Hazard(model.name, when, " ".join(model.when.split()), problems.source.line(path)))
    return tuple(found)


def _entries(problems: Problems, values: Mapping[str, Any], key: str, model: type[M]) -> Iterator[tuple[KeyPath, M]]:
    """The entries of a list that have the right shape; a name that stands twice is refused."""
    declared = values.get(key)
    lines: dict[str, int | None] = {}
    for index, raw in enumerate(cast("list[Any]", declared) if isinstance(declared, list) else ()):
        path, entry = (key, index), valid(model, raw)
        if entry is None or problems.has(path):
            continue
        name = str(cast("dict[str, Any]", raw)["name"])
        if name in lines:
            problems.add((*path, "name"), f"{name}: the name stands in line {lines[name]} already: choose another")
        lines.setdefault(name, problems.source.line(path))
        yield path, entry


def _condition(
    problems: Problems, path: KeyPath, name: str, text: str, signals: Mapping[str, SignalSpec]
) -> Condition | None:
    try:
        parsed = parse_condition(text)
    except InputError as error:
        problems.add((*path, "when"), f"{name}: {error}")
        return None
    n_before = problems.count
    condition = resolved(parsed, signals, lambda message: problems.add((*path, "when"), f"{name}: {message}"))
    return condition if problems.count == n_before else None


def _check_permitted(
    problems: Problems, path: KeyPath, name: str, permitted: str, envelope: Mapping[str, Limit]
) -> None:
    writable = list(envelope)
    if permitted in envelope or any(signal.startswith(f"{permitted}.") for signal in writable):
        return
    known = [*dict.fromkeys(signal.partition(".")[0] for signal in writable), *writable]
    guess = did_you_mean(permitted, known)
    hint = f"did you mean {guess!r}?" if guess else f"writable are {listed(writable)}"
    problems.add(path, f"{name}: {permitted!r} is not in the envelope, so there is nothing to permit: {hint}")


def _stale_after_s(problems: Problems, path: KeyPath, model: InterlockModel) -> float:
    if model.stale_after is None:
        return STALE_AFTER_S
    try:
        quantity = read_quantity(model.stale_after, "s")
        seconds = convert(quantity.value, quantity.unit, "s")
        if seconds <= 0.0:
            raise InputError(f"{shown(model.stale_after)} is not above zero: give the age in seconds")
        return seconds
    except InputError as error:
        problems.add((*path, "stale_after"), f"{model.name}: stale_after {error}")
        return STALE_AFTER_S
