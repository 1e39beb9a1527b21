"""From ``parameters`` and ``constraints`` of a campaign file to a `Space`."""

from __future__ import annotations

import keyword
import math
from collections.abc import Mapping
from typing import Any, cast

from autolab.config.campaignmodel import ParameterModel
from autolab.config.conditions import read_conditionals
from autolab.config.descriptors import read_descriptors
from autolab.config.feasibility import find_conflict
from autolab.config.problems import Problems, valid
from autolab.config.units import check_unit
from autolab.config.words import KeyPath, did_you_mean, listed, shown
from autolab.core.atmost import AtMost, is_at_most, unfit_for_at_most
from autolab.core.branches import MOST_BRANCHES, count_branches
from autolab.core.conditionals import Conditional
from autolab.core.constraints import Constraint
from autolab.core.errors import InputError
from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, Parameter, RangeParameter
from autolab.core.problem import Space, is_numeric

__all__ = ["read_space", "unusable"]

_KINDS = ("bounds", "choices", "value")
_GOES_WITH = {
    "step": "bounds",
    "scale": "bounds",
    "integer": "bounds",
    "ordered": "choices",
    "descriptors": "choices",
}
_LARGEST = 1e15
_MOST_VALUES = 1e9
_BLAME = (
    ("bound", "bounds"),
    ("step", "step"),
    ("log scale", "scale"),
    ("descriptor", "descriptors"),
    ("choice", "choices"),
    ("value", "value"),
)
"""Words of a refusal, and the key whose line it belongs to."""


def read_space(problems: Problems, values: Mapping[str, Any]) -> Space | None:
    """Read parameters and constraints, and gather what is wrong with them.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.

    Returns:
        The space, or None where there are problems.
    """
    if not isinstance(values.get("parameters"), dict):
        return None
    declared = cast("dict[str, Any]", values["parameters"])
    n_before = problems.count
    parameters = [_read_parameter(problems, name, raw) for name, raw in declared.items()]
    found = [parameter for parameter in parameters if parameter is not None]
    conditionals = read_conditionals(problems, declared, found)
    rules = _read_rules(problems, values.get("constraints"), list(declared), found, conditionals)
    if problems.count > n_before or len(found) < len(parameters) or not found:
        return None
    is_fixed = all(isinstance(parameter, FixedParameter) for parameter in found)
    if is_fixed and values.get("budget") != {"trials": 1}:
        problems.add(
            ("parameters",),
            "parameters: all of them are fixed: give at least one of them bounds or choices; or 'budget: {trials: 1}', "
            "for one trial",
        )
        return None
    constraints = [(at, rule) for at, rule in rules if isinstance(rule, Constraint)]
    at_most = [(at, rule) for at, rule in rules if isinstance(rule, AtMost)]
    space = Space(
        tuple(found),
        tuple(rule for _, rule in constraints),
        tuple(rule for _, rule in at_most),
        tuple(conditionals),
    )
    if (count := count_branches(space)) > MOST_BRANCHES:
        _refuse_branches(problems, at_most, conditionals, count)
        return None
    if conflict := find_conflict(space):
        problems.add(("constraints", [*constraints, *at_most][conflict.index][0]), conflict.message)
        return None
    return space


def _refuse_branches(
    problems: Problems, at_most: list[tuple[int, AtMost]], conditionals: list[Conditional], count: int
) -> None:
    """Say it where most of the ways come from: at the last ``at most``, or at the last ``when``."""
    said = f"parameters stand still in {count} ways, and {MOST_BRANCHES} can be searched"
    if at_most:
        at, rule = at_most[-1]
        problems.add(("constraints", at), f"constraint {rule.text!r}: {said}: name fewer parameters, or split the goal")
    else:
        name = conditionals[-1].name
        problems.add(("parameters", name, "when"), f"{name}: {said}: depend on parameters with fewer choices")


def _read_parameter(problems: Problems, name: str, raw: object) -> Parameter | None:
    path = ("parameters", name)
    if keyword.iskeyword(name):
        problems.add(path, f"{shown(name)} is a reserved word of Python: choose another name for the parameter")
    model = valid(ParameterModel, raw)
    if model is None:
        return None
    n_before = problems.count
    if problems.has(path) and all(getattr(model, kind) is None for kind in _KINDS):
        return None  # the one that is meant is misspelt
    _check_keys(problems, path, name, model)
    check_unit_of(problems, (*path, "unit"), name, model.unit)
    if problems.count > n_before:
        return None
    try:
        return _parameter(name, model)
    except InputError as error:
        problems.add((*path, *_blamed(str(error), name)), str(error))
        return None


def _check_keys(problems: Problems, path: KeyPath, name: str, model: ParameterModel) -> None:
    """Exactly one kind, and no key of another kind."""
    kinds = [kind for kind in _KINDS if getattr(model, kind) is not None]
    if len(kinds) != 1:
        given = f"here are {listed(kinds)}" if kinds else "here is none of them"
        problems.add(path, f"{name}: give exactly one of bounds, choices and value, and {given}")
        return
    for key, wanted in _GOES_WITH.items():
        if getattr(model, key) is not None and kinds != [wanted]:
            problems.add((*path, key), f"{name}: {key!r} goes with {wanted!r}, and not with {kinds[0]!r}: remove it")
    if model.integer and model.scale == "log":
        problems.add((*path, "scale"), f"{name}: 'scale: log' does not go with 'integer: true': remove one of the two")


def check_unit_of(problems: Problems, path: KeyPath, name: str, unit: str | None) -> None:
    """Gather a refusal where ``unit`` is no unit."""
    try:
        check_unit(unit or "")
    except InputError as error:
        problems.add(path, f"{name}: {error}")


def _parameter(name: str, model: ParameterModel) -> Parameter:
    """Build the value; the keys are known to fit together.

    Raises:
        InputError: the numbers do not make sense.
    """
    unit = model.unit or ""
    if model.choices is not None:
        described = read_descriptors(name, model.choices, model.descriptors)
        return ChoiceParameter(name, tuple(model.choices), bool(model.ordered), unit, descriptors=described)
    if model.value is not None:
        return FixedParameter(name, model.value, unit)
    lower, upper = model.bounds or (0.0, 0.0)
    _check_size(name, lower, upper, model.step)
    if not model.integer:
        return RangeParameter(name, lower, upper, unit, model.step, model.scale or "linear")
    RangeParameter(name, lower, upper, unit, model.step)  # refuses what makes no sense for any number
    step = 1.0 if model.step is None else model.step
    if not (lower.is_integer() and upper.is_integer()):
        raise InputError(f"{name}: bounds [{lower:g}, {upper:g}] of an integer parameter must be whole numbers")
    if not step.is_integer():
        raise InputError(f"{name}: step {step:g} of an integer parameter must be a whole number")
    return IntegerParameter(name, int(lower), int(upper), unit, int(step))


def _check_size(name: str, lower: float, upper: float, step: float | None) -> None:
    """Refuse numbers of which no hardware can have a use, and which arithmetic cannot bear."""
    for bound in (lower, upper):
        if math.isfinite(bound) and abs(bound) > _LARGEST:
            raise InputError(f"{name}: bound {bound:g} is beyond ±{_LARGEST:g}: use a larger unit")
    if step is not None and math.isfinite(upper - lower) and 0 < step < (upper - lower) / _MOST_VALUES:
        raise InputError(
            f"{name}: step {step:g} makes more than a thousand million values: use a larger step, or remove the step"
        )


def _blamed(message: str, name: str) -> tuple[str, ...]:
    """Key whose line a refusal of the core belongs to: the one that it speaks of first."""
    said = message.removeprefix(f"{name}: ")
    places = [(said.find(word), key) for word, key in _BLAME if word in said]
    return (min(places)[1],) if places else ()


def _read_rules(
    problems: Problems,
    raw: object,
    declared: list[str],
    parameters: list[Parameter],
    conditionals: list[Conditional],
) -> list[tuple[int, Constraint | AtMost]]:
    """The constraints, each with its place in the file's list."""
    found: list[tuple[int, Constraint | AtMost]] = []
    for index, text in enumerate(cast("list[Any]", raw) if isinstance(raw, list) else []):
        if not isinstance(text, str):
            continue  # the shape check says so
        path = ("constraints", index)
        try:
            rule = AtMost.read(text) if is_at_most(text) else Constraint(text)
        except InputError as error:
            problems.add(path, str(error))
            continue
        except OverflowError:
            problems.add(path, f"constraint {shown(text)}: it holds a number that is too large: use a smaller one")
            continue
        if not rule.names:
            problems.add(path, f"constraint {shown(text)}: it names no parameter: remove it, or name one")
        for name in sorted(rule.names):
            if said := unusable(name, declared, parameters, tuple(conditionals), is_counted=isinstance(rule, AtMost)):
                problems.add(path, f"constraint {shown(text)}: {said}")
        found.append((index, rule))
    return found


def unusable(
    name: str,
    declared: list[str],
    parameters: list[Parameter],
    conditionals: tuple[Conditional, ...] = (),
    *,
    is_counted: bool = False,
) -> str | None:
    """Why a constraint cannot use ``name``, or None where it can."""
    if name not in declared:
        guess = did_you_mean(name, declared)
        hint = f"did you mean {guess!r}?" if guess else f"parameters are {listed(declared)}"
        return f"{name!r} is not a parameter: {hint}"
    parameter = next((item for item in parameters if item.name == name), None)
    if parameter is None:
        return None  # it was refused itself
    if not is_numeric(parameter):
        return f"{name!r} has values that are no numbers: remove it from the constraint"
    said = unfit_for_at_most(parameter, conditionals) if is_counted else None
    return f"{name!r} {said}" if said else None
