"""The nearest grid point under linear constraints, as a mixed-integer linear programme (scipy's HiGHS).

Variables: for each parameter its unit coordinate (continuous), the number of its grid step (grids), or one binary for
each choice that a constraint uses; and for each an upper bound ``t`` on the distance to the target. Minimised is the
sum of the ``t``. On a log scale a value's distance is linearised at the target.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from autolab.core.parameters import ChoiceParameter
from optimizer.expressions import CompiledConstraint
from optimizer.space import Dimension, Points, UnitSpace

__all__ = ["solve_nearest"]

_MARGIN = 2e-6
"""Inequalities with continuous parameters are tightened by this fraction of their scale: HiGHS keeps rows to 1e-6."""


@dataclass
class _Columns:
    """Variables of the programme, as they are added."""

    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)

    def add(self, lower: float, upper: float, *, whole: bool = False, cost: float = 0.0) -> int:
        self.lower.append(lower)
        self.upper.append(upper)
        self.whole.append(int(whole))
        self.cost.append(cost)
        return len(self.lower) - 1


_Row = tuple[dict[int, float], float, float]
"""Coefficients by variable, lower bound, upper bound."""


def solve_nearest(unit: UnitSpace, target: Points) -> Points | None:
    """The point nearest to ``target`` (shape ``(d,)``) that keeps the linear constraints, on all grids.

    Constraints that are not linear are left out. Returns None where the programme has no solution.
    """
    linear = [constraint for constraint in unit.constraints if constraint.linear is not None]
    if not linear:
        return None
    used = {name for constraint in linear for name in constraint.names}
    columns, rows = _Columns(), list[_Row]()
    parts: dict[str, tuple[dict[int, float], float]] = {}
    for dimension, wish in zip(unit.dimensions, target, strict=True):
        if dimension.parameter.name in used:
            parts[dimension.parameter.name] = _add_parameter(columns, rows, dimension, float(wish))
    for constraint in linear:
        row = _constraint_row(unit, constraint, parts)
        if row is None:
            return None
        rows.append(row)
    solution = _solve(columns, rows)
    if solution is None:
        return None
    point = target.copy()
    for index, dimension in enumerate(unit.dimensions):
        name = dimension.parameter.name
        if name in parts:
            weights, constant = parts[name]
            value = constant + sum(weight * solution[column] for column, weight in weights.items())
            point[index] = _coordinate(dimension, value)
    return point


def _coordinate(dimension: Dimension, value: float) -> float:
    parameter = dimension.parameter
    if isinstance(parameter, ChoiceParameter):
        return dimension.encode(min(parameter.choices, key=lambda choice: abs(float(choice) - value)))
    return dimension.encode(min(max(value, parameter.lower), parameter.upper))


def _add_parameter(
    columns: _Columns, rows: list[_Row], dimension: Dimension, wish: float
) -> tuple[dict[int, float], float]:
    """Add a parameter's variables; its value is a linear function of them, which is returned."""
    parameter = dimension.parameter
    if isinstance(parameter, ChoiceParameter):
        binaries = [
            columns.add(0, 1, whole=True, cost=float(abs(place - wish) if parameter.ordered else abs(place - wish) > 0))
            for place in dimension.grid
        ]
        rows.append((dict.fromkeys(binaries, 1.0), 1.0, 1.0))
        return {binary: float(choice) for binary, choice in zip(binaries, parameter.choices, strict=True)}, 0.0
    width = parameter.upper - parameter.lower
    wished = parameter.lower + wish * width
    scale = width
    if dimension.is_log:
        wished = parameter.lower * (parameter.upper / parameter.lower) ** wish
        scale = wished * float(np.log(parameter.upper / parameter.lower))
    size = dimension.size
    if size is None:
        value, weight = columns.add(0.0, 1.0), width
    else:
        value, weight = columns.add(0, size - 1, whole=True), float(parameter.step or 1)
    distance = columns.add(0.0, np.inf, cost=1.0)
    # t >= (lower + weight x - wished) / scale, and the same with the other sign.
    offset = (parameter.lower - wished) / scale
    rows.append(({value: weight / scale, distance: -1.0}, -np.inf, -offset))
    rows.append(({value: -weight / scale, distance: -1.0}, -np.inf, offset))
    return {value: weight}, parameter.lower


def _constraint_row(
    unit: UnitSpace, constraint: CompiledConstraint, parts: dict[str, tuple[dict[int, float], float]]
) -> _Row | None:
    linear = constraint.linear
    if linear is None:
        return None
    sign = -1.0 if linear.relation == ">=" else 1.0
    bound = sign * linear.bound
    weights: dict[int, float] = {}
    for name, coefficient in linear.coefficients.items():
        if name in unit.fixed:
            bound -= sign * coefficient * float(unit.fixed[name])
            continue
        columns, constant = parts[name]
        bound -= sign * coefficient * constant
        for column, weight in columns.items():
            weights[column] = weights.get(column, 0.0) + sign * coefficient * weight
    scale = max((abs(weight) for weight in weights.values()), default=1.0) or 1.0
    has_continuous = any(
        dimension.size is None and dimension.parameter.name in linear.coefficients for dimension in unit.dimensions
    )
    scaled = {column: weight / scale for column, weight in weights.items()}
    if linear.relation == "==":
        return scaled, bound / scale, bound / scale
    return scaled, -np.inf, bound / scale - (_MARGIN if has_continuous else 0.0)


def _solve(columns: _Columns, rows: list[_Row]) -> Points | None:
    # Most problems need it not, and it takes a second to import.
    from scipy.optimize import Bounds, LinearConstraint, milp

    matrix = np.zeros((len(rows), len(columns.lower)))
    for index, (weights, _, _) in enumerate(rows):
        for column, weight in weights.items():
            matrix[index, column] = weight
    lows, highs = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    result = milp(  # scipy-stubs: bounds are arrays in truth
        c=np.array(columns.cost),
        constraints=LinearConstraint(matrix, lows, highs),  # pyright: ignore[reportArgumentType] (arrays, says its manual)
        bounds=Bounds(np.array(columns.lower), np.array(columns.upper)),  # pyright: ignore[reportArgumentType] (arrays too)
        integrality=np.array(columns.whole),
        options={"node_limit": 20_000, "mip_rel_gap": 0.0},  # a limit of time would let the machine choose
    )
    if result.x is None:
        return None
    solution = np.asarray(result.x, dtype=float)
    whole = np.array(columns.whole, dtype=bool)
    solution[whole] = np.round(solution[whole])
    return solution
