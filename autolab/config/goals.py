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
from autolab.core.proposing import ADAPTIVE, UNLEARNED

__all__ = ["check_goals", "engine_named", "read_objectives", "read_outcome_constraints"]

MOST_OBJECTIVES = 4
"""Objectives of a front: filling one takes ever more trials, and its hypervolume ever more time."""

_OUTCOME = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*(<=|>=)\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?|\S+)\s*")


def read_objectives(problems: Problems, values: Mapping[str, Any]) -> tuple[Objective, ...] | None:
    """Read the objectives, and gather what is wrong with them.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.

    Returns:
        The objectives in the order of the file, or None where there are problems.
    """
    declared = values.get("objectives")
    if not isinstance(declared, dict):
        return None
    read = [_read_objective(problems, name, raw) for name, raw in cast("dict[str, Any]", declared).items()]
    found = tuple(objective for objective in read if objective is not None)
    if len(found) < len(read) or not found:
        return None
    if len(found) == 1:
        _check_alone(problems, found[0])
    else:
        _check_together(problems, found)
    return found


def _read_objective(problems: Problems, name: str, raw: object) -> Objective | None:
    model = valid(ObjectiveModel, raw)
    if model is None:
        return None
    path = ("objectives", name)
    check_unit_of(problems, (*path, "unit"), name, model.unit)
    try:
        unit = model.unit or ""
        return Objective(name, model.goal, model.target, model.tolerance, unit, model.threshold, model.weight)
    except InputError as error:
        said = str(error).removeprefix(f"{name}: ")
        key = "goal" if said.startswith("'goal") else next((k for k in ("tolerance", "weight") if k in said), "target")
        problems.add((*path, key), str(error))
        return None


def _check_alone(problems: Problems, objective: Objective) -> None:
    for key in ("threshold", "weight"):
        if getattr(objective, key) is not None:
            path = ("objectives", objective.metric, key)
            problems.add(path, f"{objective.metric}: {key!r} goes with several objectives, and this is one: remove it")


def _check_together(problems: Problems, objectives: tuple[Objective, ...]) -> None:
    """Refuse what contradicts itself, and what would have no effect."""
    weighted = [objective for objective in objectives if objective.weight is not None]
    bare = [objective for objective in objectives if objective.weight is None]
    for objective in bare if weighted else ():
        said = f"{objective.metric}: {weighted[0].metric} has a weight: give all objectives one, or none"
        problems.add(("objectives", objective.metric), said)
    for objective in weighted:
        for key in ("threshold", *(("target",) if objective.goal != "target" else ())):
            if getattr(objective, key) is not None:
                said = f"{objective.metric}: {key!r} has no effect beside weights: remove it, or the weights"
                problems.add(("objectives", objective.metric, key), said)
    if weighted:
        return
    if len(objectives) > MOST_OBJECTIVES:
        said = (
            f"a front of {len(objectives)} objectives is too wide to be filled: at most {MOST_OBJECTIVES}, or weights"
        )
        problems.add(("objectives", objectives[MOST_OBJECTIVES].metric), said)
    endless = [o.metric for o in objectives if o.target is None or (o.goal == "target" and o.tolerance is None)]
    for objective in objectives:
        if objective.goal != "target" and objective.target is not None and endless:
            said = f"{objective.metric}: a trial that reaches all targets ends the campaign, and {endless[0]} has none "
            said += "to reach: give it one, or say what is still of interest with 'threshold'"
            problems.add(("objectives", objective.metric, "target"), said)


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


def engine_named(values: Mapping[str, Any]) -> str:
    """The engine that a campaign file names; empty where it names none that could be one."""
    engine = values.get("engine")
    name = cast("dict[str, Any]", engine).get("name") if isinstance(engine, dict) else engine
    return name if isinstance(name, str) else ""


def check_goals(
    problems: Problems,
    values: Mapping[str, Any],
    objectives: tuple[Objective, ...],
    outcome_constraints: tuple[OutcomeConstraint, ...],
) -> None:
    """Refuse what does not go with the goals: an engine that predicts nothing, a rule that needs one number."""
    engine, name = values.get("engine"), engine_named(values)
    make = cast("dict[str, Any]", engine).get("make") if isinstance(engine, dict) else None
    if make is not None and name != ADAPTIVE:
        problems.add(("engine", "make"), f"make goes with 'name: {ADAPTIVE}' only: write that, or remove the key")
    for index, constraint in enumerate(outcome_constraints):
        if constraint.hard is not None and name in UNLEARNED:
            said = (
                f"{constraint}: 'hard' needs an engine that learns, and {name} predicts nothing: take another engine, "
            )
            problems.add(("outcome_constraints", index, "hard"), f"{said}or remove 'hard'")
    stopping = values.get("stopping")
    gain = cast("dict[str, Any]", stopping).get("expected_gain") if isinstance(stopping, dict) else None
    if gain is not None and name in (*UNLEARNED, ADAPTIVE):
        said = f"expected_gain needs an engine that says what it expects, and {name} does not: take another engine, "
        problems.add(("stopping", "expected_gain"), f"{said}or remove the rule")
    rule = cast("dict[str, Any]", stopping).get("no_improvement") if isinstance(stopping, dict) else None
    if rule is not None and len(objectives) > 1 and objectives[0].weight is None:
        said = "no_improvement needs one number to look at, and here are several objectives: give each a weight, or "
        problems.add(("stopping", "no_improvement"), f"{said}remove the rule")


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
