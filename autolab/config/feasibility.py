"""Is there any point of the space that keeps all constraints? Asked before anything moves.

Linear constraints are decided exactly, as a mixed-integer linear program (steps, integers and numeric choices are its
integers). Where a constraint is not linear and the values are not few enough to try them all, a Sobol sequence is
searched and its best points are repaired by sequential quadratic programming; then "none was found" is all that can
be said, and the message says it so. Where parameters may have to stand still, each branch of the space is asked.
"""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from autolab.config.intervals import is_out_of_reach
from autolab.config.linearprogram import Point, solve
from autolab.core.atmost import AtMost
from autolab.core.branches import branches_of
from autolab.core.constraints import Constraint
from autolab.core.errors import InputError
from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, Parameter, RangeParameter
from autolab.core.problem import Space, is_numeric

__all__ = ["N_TRIES", "Conflict", "check_feasible", "feasible_branches", "find_conflict"]

Rule = Constraint | AtMost

N_TRIES = 2048
"""Points of the Sobol sequence that are searched; a power of two keeps the sequence balanced."""
_LEAST_TRIES = 64
"""Points that are searched in each of many branches."""
_N_REPAIRS = 12
"""Best points of the sequence that are repaired."""
_FEW = 4096
"""Combinations that are tried one by one."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Constraints that no point keeps."""

    index: int
    """Position of the constraint that makes it impossible, from 0: arithmetic ones first, then each ``at most``."""
    message: str


@dataclass(frozen=True, slots=True)
class _Answer:
    is_feasible: bool
    is_proven: bool
    n_tries: int = 0


def check_feasible(space: Space) -> None:
    """Refuse a space in which no point keeps all constraints.

    Raises:
        InputError: there is none, or (constraints that are not linear) none was found.
    """
    if conflict := find_conflict(space):
        raise InputError(conflict.message)


def find_conflict(space: Space) -> Conflict | None:
    """The first constraint that cannot be kept, alone or with those before it; None where all can.

    Arithmetic constraints come first, then each ``at most``. The same space gives the same answer on every call.
    """
    rules: list[Rule] = [*space.constraints, *space.at_most]
    if _answer(space, rules).is_feasible:
        return None
    for index, rule in enumerate(rules):
        alone = _answer(space, [rule])
        if not alone.is_feasible:
            return Conflict(index, _message(rule, alone, ""))
        together = _answer(space, rules[: index + 1])
        if not together.is_feasible:
            return Conflict(index, _message(rule, together, _company(space, rules, index)))
    return None


def feasible_branches(space: Space) -> tuple[Space, ...]:
    """The branches of ``space`` in which a point was found that keeps all constraints."""
    branches = branches_of(space)
    n_tries = _tries_each(len(branches))
    return tuple(branch for branch in branches if _branch_answer(branch, n_tries).is_feasible)


def _company(space: Space, rules: Sequence[Rule], index: int) -> str:
    """The smallest set of constraints before ``index`` that it contradicts: none of them can be left out."""
    others = list(rules[:index])
    for other in rules[:index]:
        without = [kept for kept in others if kept is not other]
        if not _answer(space, [*without, rules[index]]).is_feasible:
            others = without
    return f" together with {' and '.join(repr(other.text) for other in others)}"


def _answer(space: Space, rules: Sequence[Rule]) -> _Answer:
    """Whether some point of the space keeps ``rules``, the others left out: one of its branches has to have one."""
    part = Space(
        space.parameters,
        tuple(rule for rule in rules if isinstance(rule, Constraint)),
        tuple(rule for rule in rules if isinstance(rule, AtMost)),
        space.conditionals,
    )
    branches = branches_of(part)
    is_proven, n_tries = True, 0
    for branch in branches:
        found = _branch_answer(branch, _tries_each(len(branches)))
        if found.is_feasible:
            return found
        is_proven, n_tries = is_proven and found.is_proven, n_tries + found.n_tries
    return _Answer(is_feasible=False, is_proven=is_proven, n_tries=n_tries)


def _tries_each(n_branches: int) -> int:
    """Points that are searched in each branch: a power of two, fewer the more branches there are."""
    return max(1 << (N_TRIES // n_branches).bit_length() >> 1, _LEAST_TRIES)


def _branch_answer(branch: Space, n_tries: int) -> _Answer:
    numeric = [parameter for parameter in branch.parameters if is_numeric(parameter)]
    return _is_feasible(numeric, branch.constraints, n_tries)


def _message(constraint: Rule, answer: _Answer, company: str) -> str:
    start = f"constraint {constraint.text!r}: "
    advice = ": widen the bounds of its parameters, or relax it"
    if answer.is_proven:
        return f"{start}no values within the bounds keep it{company}{advice}"
    return f"{start}no values within the bounds that keep it{company} were found among {answer.n_tries} tries{advice}"


def _is_feasible(parameters: Sequence[Parameter], constraints: Sequence[Constraint], n_tries: int) -> _Answer:
    """Try the cheap answers first."""
    used = set[str]().union(*(constraint.names for constraint in constraints))
    free = [parameter for parameter in parameters if parameter.name in used]
    if any(_holds(constraints, point) for point in _obvious_points(free)):
        return _Answer(is_feasible=True, is_proven=True)
    sizes = [_n_values(parameter) for parameter in free]
    if None not in sizes and math.prod(size or 1 for size in sizes) <= _FEW:
        found = any(_holds(constraints, point) for point in _all_points(free))
        return _Answer(is_feasible=found, is_proven=True)
    bounds = {parameter.name: _bounds(parameter) for parameter in free}
    if any(is_out_of_reach(constraint, bounds) for constraint in constraints):
        return _Answer(is_feasible=False, is_proven=True)
    forms = [constraint.linear for constraint in constraints]
    solution = solve(free, [form for form in forms if form is not None])
    if solution is False:
        return _Answer(is_feasible=False, is_proven=True)
    if isinstance(solution, dict) and _holds(constraints, solution):  # a second look, free of the solver's tolerances
        return _Answer(is_feasible=True, is_proven=True)
    return _search(free, constraints, n_tries)


def _holds(constraints: Sequence[Constraint], point: Mapping[str, float]) -> bool:
    return all(constraint.holds(point) for constraint in constraints)


def _value_at(parameter: Parameter, fraction: float) -> float:
    """The value of a numeric parameter at a fraction from 0 to 1 of its range, as the hardware can do it."""
    if isinstance(parameter, FixedParameter):
        return float(parameter.value)
    if isinstance(parameter, ChoiceParameter):
        index = min(int(fraction * len(parameter.choices)), len(parameter.choices) - 1)
        return float(parameter.choices[index])
    return float(parameter.round(parameter.lower + fraction * (parameter.upper - parameter.lower)))


def _bounds(parameter: Parameter) -> tuple[float, float]:
    """Lowest and highest value of a numeric parameter."""
    if isinstance(parameter, ChoiceParameter):
        numbers = [float(choice) for choice in parameter.choices]
        return min(numbers), max(numbers)
    return _value_at(parameter, 0.0), _value_at(parameter, 1.0)


def _obvious_points(parameters: Sequence[Parameter]) -> Iterator[Point]:
    """The corners where all are low or all are high, and the centre."""
    for fraction in (0.0, 1.0, 0.5):
        yield {parameter.name: _value_at(parameter, fraction) for parameter in parameters}


def _n_values(parameter: Parameter) -> int | None:
    if isinstance(parameter, FixedParameter):
        return 1
    if isinstance(parameter, ChoiceParameter):
        return len(parameter.choices)
    return parameter.grid_size()


def _all_points(parameters: Sequence[Parameter]) -> Iterator[Point]:
    columns: list[list[float]] = []
    for parameter in parameters:
        if isinstance(parameter, RangeParameter | IntegerParameter):
            columns.append([float(parameter.at(index)) for index in range(_n_values(parameter) or 0)])
        elif isinstance(parameter, ChoiceParameter):
            columns.append([float(choice) for choice in parameter.choices])
        else:
            columns.append([float(parameter.value)])
    names = [parameter.name for parameter in parameters]
    for values in itertools.product(*columns):
        yield dict(zip(names, values, strict=True))


def _search(parameters: Sequence[Parameter], constraints: Sequence[Constraint], n_tries: int) -> _Answer:
    """Search a Sobol sequence, and repair its best points."""
    qmc = importlib.import_module("scipy.stats.qmc")
    free = [parameter for parameter in parameters if not isinstance(parameter, FixedParameter)]
    fixed = {parameter.name: _value_at(parameter, 0.0) for parameter in parameters if parameter not in free}
    sequence = cast("list[list[float]]", qmc.Sobol(max(len(free), 1), scramble=False).random(n_tries).tolist())
    starts: list[tuple[float, list[float]]] = []
    for row in sequence:
        point = fixed | {parameter.name: _value_at(parameter, x) for parameter, x in zip(free, row, strict=False)}
        if _holds(constraints, point):
            return _Answer(is_feasible=True, is_proven=True)
        starts.append((_badness(constraints, point), row))
    starts.sort(key=lambda item: item[0])
    for _, row in starts[: max(_N_REPAIRS * n_tries // N_TRIES, 1)]:
        if _holds(constraints, _repaired(free, fixed, constraints, row)):
            return _Answer(is_feasible=True, is_proven=True)
    return _Answer(is_feasible=False, is_proven=False, n_tries=n_tries)


def _badness(constraints: Sequence[Constraint], point: Point) -> float:
    """Sum of what exceeds the constraints; infinite where it cannot be computed."""
    total = sum(max(0.0, constraint.excess(point)) for constraint in constraints)
    return total if math.isfinite(total) else math.inf


def _repaired(
    free: Sequence[Parameter], fixed: Point, constraints: Sequence[Constraint], start: Sequence[float]
) -> Point:
    """Move a point of the unit cube until it keeps the constraints, as far as that can be done from there."""
    np, optimize = importlib.import_module("numpy"), importlib.import_module("scipy.optimize")

    def point(x: Any, *, is_rounded: bool) -> Point:
        values = dict(fixed)
        for parameter, fraction, begin in zip(free, x, start, strict=False):
            if isinstance(parameter, ChoiceParameter):
                values[parameter.name] = _value_at(parameter, begin)
            elif is_rounded:
                values[parameter.name] = _value_at(parameter, float(fraction))
            elif isinstance(parameter, RangeParameter | IntegerParameter):
                values[parameter.name] = parameter.lower + float(fraction) * (parameter.upper - parameter.lower)
        return values

    def excess(x: Any) -> list[float]:
        found = (constraint.excess(point(x, is_rounded=False)) for constraint in constraints)
        return [number if math.isfinite(number) else 1e6 for number in found]

    def distance(x: Any) -> float:
        return float(np.sum((x - np.array(start)) ** 2))

    kinds = [constraint.relation == "==" for constraint in constraints]
    rules: list[dict[str, Any]] = [
        {"type": "eq" if is_equal else "ineq", "fun": _negative(excess, at)} for at, is_equal in enumerate(kinds)
    ]
    with np.errstate(all="ignore"):
        solved: Any = optimize.minimize(
            distance,
            np.array(start),
            method="SLSQP",
            bounds=[(0.0, 1.0)] * len(start),
            constraints=rules,
            options={"maxiter": 100, "ftol": 1e-12},
        )
    return point(np.clip(solved.x, 0.0, 1.0), is_rounded=True)


def _negative(excess: Callable[[Any], list[float]], at: int) -> Callable[[Any], float]:
    return lambda x: -excess(x)[at]
