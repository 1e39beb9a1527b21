"""The unit cube: each free parameter is one coordinate between 0 and 1.

Ranges are divided linearly, or by the logarithm where their scale says so. Ordered choices lie evenly, in their order;
those that a constraint uses lie by their numbers, so that the constraint keeps its form. Unordered choices lie evenly
too, and only the equality of two such coordinates means anything. Fixed parameters have no coordinate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, RangeParameter, Value, Values
from autolab.core.problem import Space
from optimizer.expressions import HOLDS_WITHIN, CompiledConstraint

__all__ = ["STILL", "Dimension", "Points", "UnitSpace", "key_of"]

Points = NDArray[np.float64]
"""Points of the unit cube, one a row: shape ``(n, d)``, or ``(d,)`` for a single one."""

Free = RangeParameter | IntegerParameter | ChoiceParameter
"""A parameter that has a coordinate."""

Key = tuple[Value, ...]

STILL = 1e-9
"""How far a coordinate may be from where it stands still."""


def key_of(values: Values) -> Key:
    """An identity of a point: equal for points that the hardware cannot tell apart."""
    return tuple(
        value if isinstance(value, bool | str) else float(f"{float(value):.10g}") for _, value in sorted(values.items())
    )


@dataclass(frozen=True)
class Dimension:
    """One coordinate of the unit cube, and the parameter that it stands for."""

    parameter: Free
    by_number: bool = False
    """For choices: True where the coordinate is proportional to the number, False where it counts the choices."""

    @property
    def is_categorical(self) -> bool:
        """True for unordered choices: the coordinate has no neighbourhood."""
        return isinstance(self.parameter, ChoiceParameter) and not self.parameter.ordered

    @property
    def is_log(self) -> bool:
        """True where equal steps of the coordinate are equal factors of the value."""
        return isinstance(self.parameter, RangeParameter) and self.parameter.scale == "log"

    @property
    def size(self) -> int | None:
        """Number of values, None for a continuous parameter."""
        if isinstance(self.parameter, ChoiceParameter):
            return len(self.parameter.choices)
        return self.parameter.grid_size()

    def at(self, index: int) -> Value:
        """Value number ``index`` of a parameter with a finite number of them."""
        return (
            self.parameter.choices[index] if isinstance(self.parameter, ChoiceParameter) else self.parameter.at(index)
        )

    def encode(self, value: Value) -> float:
        """The coordinate of ``value``, in [0, 1] for values inside the bounds."""
        parameter = self.parameter
        if isinstance(parameter, ChoiceParameter):
            return self._encode_choice(parameter, value)
        number = float(value)
        if self.is_log:
            return math.log(number / parameter.lower) / math.log(parameter.upper / parameter.lower)
        return (number - parameter.lower) / (parameter.upper - parameter.lower)

    def decode(self, coordinate: float) -> Value:
        """The value nearest to ``coordinate`` that the parameter takes."""
        parameter = self.parameter
        if isinstance(parameter, ChoiceParameter):
            return parameter.choices[int(np.argmin(np.abs(self.grid - coordinate)))]
        coordinate = min(max(coordinate, 0.0), 1.0)
        if not self.is_log:
            return parameter.round(parameter.lower + coordinate * (parameter.upper - parameter.lower))
        rough = parameter.round(parameter.lower * (parameter.upper / parameter.lower) ** coordinate)
        size = self.size
        if size is None:
            return rough
        # The nearest value on a log scale may be a neighbour of the one that is nearest on a linear scale.
        step = parameter.step or 1.0
        index = round((float(rough) - parameter.lower) / step)
        near = [parameter.at(i) for i in range(max(index - 1, 0), min(index + 2, size))]
        return min(near, key=lambda value: abs(self.encode(value) - coordinate))

    def spread(self, uniform: float) -> Value:
        """The value of a uniform draw in [0, 1): each of a finite number of values has the same chance.

        A log scale with a step keeps equal chances for equal factors.
        """
        size = self.size
        if size is None or self.is_log:
            return self.decode(uniform)
        return self.at(min(int(uniform * size), size - 1))

    @cached_property
    def grid(self) -> Points:
        """Coordinates of all values of a parameter that has a finite number of them. Shape ``(size,)``."""
        return np.array([self.encode(self.at(index)) for index in range(self.size or 0)])

    @cached_property
    def table(self) -> Points | None:
        """Descriptors of the choices, each from 0 to 1 over them; None where there are none. Shape ``(size, m)``."""
        if not isinstance(self.parameter, ChoiceParameter) or not self.parameter.descriptors:
            return None
        columns = np.array([descriptor.numbers for descriptor in self.parameter.descriptors], dtype=float).T
        lowest = columns.min(axis=0)
        return (columns - lowest) / (columns.max(axis=0) - lowest)

    def _encode_choice(self, parameter: ChoiceParameter, value: Value) -> float:
        if self.by_number:
            numbers = [float(choice) for choice in parameter.choices]
            return (float(value) - min(numbers)) / (max(numbers) - min(numbers))
        for index, choice in enumerate(parameter.choices):
            if choice == value and isinstance(choice, bool) == isinstance(value, bool):
                return index / (len(parameter.choices) - 1)
        return math.nan


class UnitSpace:
    """A space of parameters, seen as the unit cube.

    Args:
        space: The parameters and their constraints.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.constraints = tuple(CompiledConstraint(constraint) for constraint in space.constraints)
        used = {name for constraint in self.constraints for name in constraint.names}
        self.dimensions: tuple[Dimension, ...] = tuple(
            Dimension(parameter, by_number=parameter.name in used)
            for parameter in space.parameters
            if not isinstance(parameter, FixedParameter)
        )
        self.fixed: Values = {p.name: p.value for p in space.parameters if isinstance(p, FixedParameter)}
        self.is_split = bool(space.at_most or space.conditionals)
        """True where parameters may have to stand still: then it is searched by `optimizer.branches`."""
        self.is_cube = not (self.is_split or self.constraints)
        """True where every point of the cube is in the space."""

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return len(self.dimensions)

    @cached_property
    def size(self) -> int | None:
        """Number of points before constraints; None where a parameter is continuous."""
        total = 1
        for dimension in self.dimensions:
            if dimension.size is None:
                return None
            total *= dimension.size
        return total

    def encode(self, values: Values) -> Points:
        """Coordinates of ``values``. Shape ``(d,)``; NaN where a choice is unknown."""
        return np.array([dimension.encode(values[dimension.parameter.name]) for dimension in self.dimensions])

    def decode(self, point: Points) -> Values:
        """The values nearest to ``point`` (shape ``(d,)``), each parameter by itself: constraints are not looked at.

        What does not matter there stands where it then stands.
        """
        values = self._values([dim.decode(float(x)) for dim, x in zip(self.dimensions, point, strict=True)])
        return self.space.settled(values)

    def spread(self, point: Points) -> Values:
        """The values of a uniform draw ``point`` (shape ``(d,)``); constraints are not looked at."""
        values = self._values([dim.spread(float(x)) for dim, x in zip(self.dimensions, point, strict=True)])
        return self.space.settled(values)

    def columns(self, points: Points) -> dict[str, Points | float]:
        """Numbers by parameter name at ``points`` (shape ``(n, d)``), not rounded, as constraints take them."""
        columns: dict[str, Points | float] = {
            name: float(value) for name, value in self.fixed.items() if isinstance(value, int | float)
        }
        for index, dimension in enumerate(self.dimensions):
            parameter, x = dimension.parameter, points[..., index]
            if isinstance(parameter, ChoiceParameter):
                if dimension.by_number:
                    numbers = [float(choice) for choice in parameter.choices]
                    columns[parameter.name] = min(numbers) + x * (max(numbers) - min(numbers))
            elif dimension.is_log:
                columns[parameter.name] = parameter.lower * (parameter.upper / parameter.lower) ** x
            else:
                columns[parameter.name] = parameter.lower + x * (parameter.upper - parameter.lower)
        return columns

    def feasible(self, points: Points, slack: float = 1.0) -> NDArray[np.bool_]:
        """Which of ``points`` (shape ``(n, d)``) keep all constraints. Shape ``(n,)``.

        Args:
            points: Points of the cube.
            slack: How many times the tolerance of a constraint is allowed.
        """
        columns = self.columns(points)
        keep = np.ones(len(points), dtype=bool)
        with np.errstate(all="ignore"):
            for constraint in self.constraints:
                excess = np.asarray(constraint.excess(columns), dtype=float)
                excess = np.abs(excess) if constraint.relation == "==" else excess
                allowed = slack * HOLDS_WITHIN * np.maximum(1.0, np.abs(constraint.bound(columns)))
                keep &= np.broadcast_to(excess <= allowed, keep.shape)  # NaN compares false: refused
        return keep & self._stands_still(points) if self.is_split else keep

    def _stands_still(self, points: Points) -> NDArray[np.bool_]:
        """Which of ``points`` (shape ``(n, d)``) keep each ``at most`` and have still what does not matter. ``(n,)``"""
        places = {dimension.parameter.name: at for at, dimension in enumerate(self.dimensions)}
        keep = np.ones(len(points), dtype=bool)
        for rule in self.space.at_most:
            columns = [places[name] for name in rule.names]
            zeros = [self.dimensions[at].encode(0) for at in columns]
            keep &= (points[:, columns] > np.array(zeros) + STILL).sum(axis=1) <= rule.count
        for rule in self.space.conditionals:
            matters = np.ones(len(points), dtype=bool)
            for name, wanted in rule.when:
                dimension = self.dimensions[places[name]]
                near = np.array([dimension.encode(value) for value in wanted])
                matters &= (np.abs(points[:, places[name], None] - near) <= STILL).any(axis=1)
            at = places[rule.name]
            keep &= matters | (np.abs(points[:, at] - self.dimensions[at].encode(rule.otherwise)) <= STILL)
        return keep

    def _values(self, free: Sequence[Value]) -> Values:
        by_name: Values = dict(self.fixed)
        by_name.update({dim.parameter.name: value for dim, value in zip(self.dimensions, free, strict=True)})
        return {name: by_name[name] for name in self.space.names}
