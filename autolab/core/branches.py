"""Branches: ordinary spaces that together are a space of which some parameters may have to stand still.

``at most 2 of [a, b, c] above 0`` is three spaces, in each of which one of the three is fixed at 0. A parameter that
matters only for one solvent makes a space for each solvent, in which it is free or fixed. In each branch only the
arithmetic constraints are left, so that what can be done exactly in an ordinary space can be done in all of them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

from autolab.core.errors import InputError
from autolab.core.parameters import ChoiceParameter, FixedParameter, Parameter, Value
from autolab.core.problem import Space

__all__ = ["MOST_BRANCHES", "branches_of", "count_branches"]

MOST_BRANCHES = 256
"""Branches of a space at most: each is searched."""


def count_branches(space: Space) -> int:
    """How many branches there may be at most; equal ones are counted more than once."""
    ways = [math.comb(len(rule.names), rule.count) for rule in space.at_most]
    return math.prod(ways) * math.prod(len(parameter.choices) for parameter in _deciding(space))


def branches_of(space: Space) -> tuple[Space, ...]:
    """Spaces without conditional parameters and ``at most`` that together hold the points of ``space``, and no others.

    Some of them may be empty, where arithmetic constraints leave nothing of them.

    Raises:
        InputError: there would be more than `MOST_BRANCHES`.
    """
    if not space.at_most and not space.conditionals:
        return (space,)
    if (count := count_branches(space)) > MOST_BRANCHES:
        raise InputError(
            f"the parameters that may have to stand still do so in {count} ways, and {MOST_BRANCHES} can be searched: "
            "name fewer parameters in 'at most', or fewer choices in 'when'"
        )
    deciding = _deciding(space)
    found: dict[tuple[tuple[str, Value], ...], None] = {}
    for choices in itertools.product(*(parameter.choices for parameter in deciding)):
        chosen: dict[str, Value] = {p.name: choice for p, choice in zip(deciding, choices, strict=True)}
        still = {rule.name: rule.otherwise for rule in space.conditionals if not rule.is_active(chosen)}
        for absent in _left_out(space):
            fixed = {**dict.fromkeys(absent, 0), **still, **chosen}
            found.setdefault(tuple(sorted(fixed.items(), key=lambda item: item[0])))
    return tuple(_with_fixed(space, dict(fixed)) for fixed in found)


def _deciding(space: Space) -> list[ChoiceParameter]:
    """The choices on which it depends whether a conditional parameter matters."""
    names = {name for rule in space.conditionals for name, _ in rule.when}
    return [p for p in space.parameters if isinstance(p, ChoiceParameter) and p.name in names]


def _left_out(space: Space) -> list[frozenset[str]]:
    """Sets of parameters that are fixed at 0: the smallest that keep every ``at most``."""
    ways = [itertools.combinations(rule.names, len(rule.names) - rule.count) for rule in space.at_most]
    sets = list(dict.fromkeys(frozenset[str]().union(*way) for way in itertools.product(*ways)))
    return [each for each in sets if not any(other < each for other in sets)]


def _with_fixed(space: Space, fixed: Mapping[str, Value]) -> Space:
    parameters = (_fixed(p, fixed[p.name]) if p.name in fixed else p for p in space.parameters)
    return Space(tuple(parameters), space.constraints)


def _fixed(parameter: Parameter, value: Value) -> FixedParameter:
    """The parameter at one of its values, which keeps the type that the parameter gives it."""
    if isinstance(parameter, ChoiceParameter):
        value = next(choice for choice in parameter.choices if parameter.is_choice(choice, value))
    elif not isinstance(parameter, FixedParameter):
        value = parameter.round(float(value))
    return FixedParameter(parameter.name, value, parameter.unit)
