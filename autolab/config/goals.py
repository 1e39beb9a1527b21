"""From ``objectives`` and ``outcome_constraints`` of a campaign file to the values of the core."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from autolab.config.campaignmodel import ObjectiveModel, OutcomeConstraintModel
from autolab.config.problems import Problems, valid
from autolab.config.spaces import check_unit_of
from autolab.config.words import shown
from autolab.core.errors import InputError
from autolab.core.objectives import Objective, OutcomeConstraint

__all__ = ["check_engine", "read_objective", "read_outcome_constraints"]

UNLEARNED = ("sobol", "random")
"""Engines that learn nothing from outcomes."""

_OUTCOME = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*(<=|>=)\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?|\S+)\s*")


def read_objective(problems: Problems, values: Mapping[str, Any]) -> Objective | None:
    """Read the objective, and gather what is wrong with it.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.

    Returns:
        The objective, or None where there are problems.
    """
    declared = values.get("objectives")
    if not isinstance(declared, dict):
        return None
    entries = cast("dict[str, Any]", declared)
    found = [_read_objective(problems, name, raw) for name, raw in entries.items()]
    for name in list(entries)[1:]:
        problems.not_available_yet(
            ("objectives", name), f"several objectives are not available yet: keep one, and remove {name!r}"
        )
    return found[0] if found else None


def _read_objective(problems: Problems, name: str, raw: object) -> Objective | None:
    model = valid(ObjectiveModel, raw)
    if model is None:
        return None
    path = ("objectives", name)
    check_unit_of(problems, (*path, "unit"), name, model.unit)
    try:
        return Objective(name, model.goal, model.target, model.tolerance, model.unit or "")
    except InputError as error:
        said = str(error).removeprefix(f"{name}: ")
        key = "goal" if said.startswith("'goal") else "tolerance" if "tolerance" in said else "target"
        problems.add((*path, key), str(error))
        return None


def read_outcome_constraints(problems: Problems, values: Mapping[str, Any]) -> tuple[OutcomeConstraint, ...]:
    """Read the bounds on outcomes, and gather what is wrong with them."""
    raw = values.get("outcome_constraints")
    found: list[OutcomeConstraint] = []
    for index, item in enumerate(cast("list[Any]", raw) if isinstance(raw, list) else []):
        model = valid(OutcomeConstraintModel, {"keep": item} if isinstance(item, str) else item)
        if model is None:
            continue  # the shape check says so
        path = ("outcome_constraints", index)
        try:
            constraint = replace(_outcome_constraint(model.keep), hard=model.hard)
        except InputError as error:
            problems.add(path, str(error))
            continue
        for other in found:
            if _exclude(constraint, other):
                problems.add(path, f"outcome constraints '{other}' and '{constraint}' exclude each other: relax one")
        found.append(constraint)
    return tuple(found)


def check_engine(
    problems: Problems, values: Mapping[str, Any], outcome_constraints: tuple[OutcomeConstraint, ...]
) -> None:
    """Refuse a hard bound beside an engine that predicts nothing."""
    engine = values.get("engine")
    name = cast("dict[str, Any]", engine).get("name") if isinstance(engine, dict) else engine
    for index, constraint in enumerate(outcome_constraints):
        if constraint.hard is not None and name in UNLEARNED:
            path = ("outcome_constraints", index, "hard")
            problems.add(path, f"{constraint}: 'hard' needs an engine that learns, and {name} predicts nothing: "
                         "take another engine, or remove 'hard'")  # fmt: skip


def _outcome_constraint(text: str) -> OutcomeConstraint:
    wanted = "write a metric, <= or >=, and a number, such as 'turbidity <= 0.2'"
    match = _OUTCOME.fullmatch(text)
    if match is None:
        raise InputError(f"outcome constraint {shown(text)} cannot be read: {wanted}")
    metric, relation, number = match.groups()
    try:
        bound = float(number)
    except ValueError:
        raise InputError(f"outcome constraint {shown(text)}: {shown(number)} is not a number: {wanted}") from None
    return OutcomeConstraint(metric, ">=" if relation == ">=" else "<=", bound)


def _exclude(one: OutcomeConstraint, other: OutcomeConstraint) -> bool:
    if one.metric != other.metric or one.relation == other.relation:
        return False
    upper, lower = (one, other) if one.relation == "<=" else (other, one)
    return upper.bound < lower.bound
