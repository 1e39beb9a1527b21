"""Is there any point of the space that keeps all constraints? Asked before anything moves.

Linear constraints are decided exactly, as a mixed-integer linear program (steps, integers and numeric choices are its
integers). Where a constraint is not linear and the values are not few enough to try them all, a Sobol sequence is
searched and its best points are repaired by sequential quadratic programming; then "none was found" is all that can
be said, and the message says it so.
"""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from autolab.config.linearprogram import Point, solve
from autolab.core.constraints import Constraint
from autolab.core.errors import InputError
from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, Parameter, RangeParameter
from autolab.core.problem import Space

__all__ = ["N_TRIES", "Conflict", "check_feasible", "find_conflict"]

N_TRIES = 2048
"""Points of the Sobol sequence that are searched; a power of two keeps the sequence balanced."""
_N_REPAIRS = 12
"""Best points of the sequence that are repaired."""
_FEW = 4096
"""Combinations that are tried one by one."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Constraints that no point keeps."""

    index: int
    """Position of the constraint that makes it impossible, from 0."""
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

    The same space gives the same answer on every call.
    """
    numeric = [parameter for parameter in space.parameters if _is_numeric(parameter)]
    if _is_feasible(numeric, space.constraints).is_feasible:
        return None
    for index, constraint in enumerate(space.constraints):
        alone = _is_feasible(numeric, (constraint,))
        if not alone.is_feasible:
            return Conflict(index, _message(constraint, alone, ""))
        together = _is_feasible(numeric, space.constraints[: index + 1])
        if not together.is_feasible:
            return Conflict(index, _message(constraint, together, _company(numeric, space.constraints, index)))
    return None


def _company(parameters: Sequence[Parameter], constraints: Sequence[Constraint], index: int) -> str:
    """The smallest set of constraints before ``index`` that it contradicts: none of them can be left out."""
    others = list(constraints[:index])
    for other in constraints[:index]:
        without = [kept for kept in others if kept is not other]
        if not _is_feasible(parameters, [*without, constraints[index]]).is_feasible:
            others = without
    return f" together with {' and '.join(repr(other.text) for other in others)}"


def _message(constraint: Constraint, answer: _Answer, company: str) -> str:
    start = f"constraint {constraint.text!r}: "
    advice = ": widen the bounds of its parameters, or relax it"
    if answer.is_proven:
        return f"{start}no values within the bounds keep it{company}{advice}"
    return f"{start}no values within the bounds that keep it{company} were found among {answer.n_tries} tries{advice}"


def _is_feasible(parameters: Sequence[Parameter], constraints: Sequence[Constraint]) -> _Answer:
    """Try the cheap answers first."""
    used = set[str]().union(*(constraint.names for constraint in constraints))
    free = [parameter for parameter in parameters if parameter.name in used]
    if any(_holds(constraints, point) for point in _obvious_points(free)):
        return _Answer(is_feasible=True, is_proven=True)
    sizes = [_n_values(parameter) for parameter in free]
    if None not in sizes and math.prod(size or 1 for size in sizes) <= _FEW:
        found = any(_holds(constraints, point) for point in _all_points(free))
        return _Answer(is_feasible=found, is_proven=True)
    forms = [constraint.linear for constraint in constraints]
    solution = solve(free, [form for form in forms if form is not None])
    if solution is False:
        return _Answer(is_feasible=False, is_proven=True)
    if isinstance(solution, dict) and _holds(constraints, solution):  # a second look, free of the solver's tolerances
        return _Answer(is_feasible=True, is_proven=True)
    return _search(free, constraints)


def _holds(constraints: Sequence[Constraint], point: Mapping[str, float]) -> bool:
    return all(constraint.holds(point) for constraint in constraints)


def _is_numeric(parameter: Parameter) -> bool:
    if isinstance(parameter, ChoiceParameter):
        return parameter.is_numeric
    return not (isinstance(parameter, FixedParameter) and isinstance(parameter.value, bool | str))


def _value_at(parameter: Parameter, fraction: float) -> float:
    """The value of a numeric parameter at a fraction from 0 to 1 of its range, as the hardware can do it."""
    if isinstance(parameter, FixedParameter):
        return float(parameter.value)
    if isinstance(parameter, ChoiceParameter):
        index = min(int(fraction * len(parameter.choices)), len(parameter.choices) - 1)
        return float(parameter.choices[index])
    return float(parameter.round(parameter.lower + fraction * (parameter.upper - parameter.lower)))


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


def _search(parameters: Sequence[Parameter], constraints: Sequence[Constraint]) -> _Answer:
    """Search a Sobol sequence, and repair its best points."""
    qmc = importlib.import_module("scipy.stats.qmc")
    free = [parameter for parameter in parameters if not isinstance(parameter, FixedParameter)]
    fixed = {parameter.name: _value_at(parameter, 0.0) for parameter in parameters if parameter not in free}
    sequence = cast("list[list[float]]", qmc.Sobol(max(len(free), 1), scramble=False).random(N_TRIES).tolist())
    starts: list[tuple[float, list[float]]] = []
    for row in sequence:
        point = fixed | {parameter.name: _value_at(parameter, x) for parameter, x in zip(free, row, strict=False)}
        if _holds(constraints, point):
            return _Answer(is_feasible=True, is_proven=True)
        starts.append((_badness(constraints, point), row))
    starts.sort(key=lambda item: item[0])
    for _, row in starts[:_N_REPAIRS]:
        if _holds(constraints, _repaired(free, fixed, constraints, row)):
            return _Answer(is_feasible=True, is_proven=True)
    return _Answer(is_feasible=False, is_proven=False, n_tries=N_TRIES)


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
