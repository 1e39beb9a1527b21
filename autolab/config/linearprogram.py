"""Linear constraints over the parameters of a space, as a mixed-integer linear program."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from typing import Any

from autolab.core.constraints import Linear
from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, Parameter, RangeParameter

__all__ = ["Point", "solve"]

_SECONDS = 5.0
"""Longest time for one program."""

Point = dict[str, float]
"""A number for each parameter, by name."""


def solve(parameters: Sequence[Parameter], forms: Sequence[Linear]) -> Point | bool | None:
    """Find a point that keeps all linear constraints.

    Args:
        parameters: Numeric parameters: those of the constraints, and no others.
        forms: The constraints.

    Returns:
        A point, rounded to what the hardware can do; False where it is proven that there is none; None where the
        solver cannot say (numbers beyond its range, or no time left).
    """
    np, optimize = importlib.import_module("numpy"), importlib.import_module("scipy.optimize")
    columns = _Columns(parameters)
    rows = [columns.row(form) for form in forms]
    rows += [_one_of(switches, len(columns.uppers)) for switches in columns.switches]
    numbers = [number for weights, low, high in rows for number in (*weights, low, high)]
    if not rows or any(math.isnan(number) for number in numbers):
        return None
    if not all(math.isfinite(number) for weights, _, _ in rows for number in weights):
        return None
    weights, lows, highs = (np.array(part, dtype=float) for part in zip(*rows, strict=True))
    solved: Any = optimize.milp(
        np.zeros(len(columns.uppers)),
        integrality=np.array(columns.are_whole),
        bounds=optimize.Bounds(0.0, np.array(columns.uppers)),
        constraints=optimize.LinearConstraint(weights, lows, highs),
        options={"time_limit": _SECONDS},
    )
    if solved.status == 2:  # proven infeasible (scipy.optimize.milp, "status")
        return False
    return None if solved.x is None else columns.point([float(x) for x in solved.x], parameters)


def _one_of(switches: Sequence[int], n_variables: int) -> tuple[list[float], float, float]:
    return [1.0 if at in switches else 0.0 for at in range(n_variables)], 1.0, 1.0


class _Columns:
    """The variables of the linear program: each parameter is ``offset + sum(weight * variable)``.

    A continuous parameter is one variable from 0 to 1 times its width, a step or integer parameter one whole number,
    a numeric choice one switch for each value, of which exactly one is on.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.offsets: dict[str, float] = {}
        self.terms: dict[str, list[tuple[int, float]]] = {}
        self.uppers: list[float] = []
        self.are_whole: list[int] = []
        self.switches: list[list[int]] = []
        for parameter in parameters:
            self._add(parameter)

    def _add(self, parameter: Parameter) -> None:
        name = parameter.name
        if isinstance(parameter, FixedParameter):
            self.offsets[name], self.terms[name] = float(parameter.value), []
        elif isinstance(parameter, ChoiceParameter):
            switches = [self._variable(1.0, whole=1) for _ in parameter.choices]
            self.offsets[name] = 0.0
            self.terms[name] = [(at, float(value)) for at, value in zip(switches, parameter.choices, strict=True)]
            self.switches.append(switches)
        else:
            n_values = parameter.grid_size()
            if n_values is None:
                at, weight = self._variable(1.0, whole=0), parameter.upper - parameter.lower
            else:
                at, weight = self._variable(n_values - 1.0, whole=1), float(parameter.step or 1.0)
            self.offsets[name], self.terms[name] = float(parameter.lower), [(at, weight)]

    def _variable(self, upper: float, whole: int) -> int:
        self.uppers.append(upper)
        self.are_whole.append(whole)
        return len(self.uppers) - 1

    def row(self, form: Linear) -> tuple[list[float], float, float]:
        """A constraint over the variables: weights, lower and upper bound, scaled so that the largest weight is 1."""
        weights = [0.0] * len(self.uppers)
        bound = form.bound
        for name, coefficient in form.coefficients.items():
            bound -= coefficient * self.offsets[name]
            for at, weight in self.terms[name]:
                weights[at] += coefficient * weight
        scale = max((abs(weight) for weight in weights), default=0.0) or 1.0
        bound /= scale
        low = -math.inf if form.relation == "<=" else bound
        high = math.inf if form.relation == ">=" else bound
        return [weight / scale for weight in weights], low, high

    def point(self, solution: Sequence[float], parameters: Sequence[Parameter]) -> Point:
        """The parameters at a solution, rounded to what the hardware can do."""
        values: Point = {}
        for parameter in parameters:
            name = parameter.name
            raw = self.offsets[name] + sum(weight * solution[at] for at, weight in self.terms[name])
            if isinstance(parameter, RangeParameter | IntegerParameter):
                values[name] = float(parameter.round(raw))
            elif isinstance(parameter, ChoiceParameter):
                values[name] = _nearest([float(choice) for choice in parameter.choices], raw)
            else:
                values[name] = raw
        return values


def _nearest(numbers: Sequence[float], to: float) -> float:
    return min(numbers, key=lambda number: abs(number - to))
