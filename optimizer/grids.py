"""What is best on the hardware's grid: small finite spaces scored whole, and steps to better neighbours elsewhere.

Rounding the top of an acquisition function may lead to where it is low: a grid can be coarser than the function is
smooth.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autolab.core.canonical import canonical_json
from autolab.core.parameters import ChoiceParameter, Values
from optimizer.evidence import Evidence
from optimizer.rounding import SMALL_SPACE, all_points
from optimizer.space import Dimension, Points, UnitSpace, key_of

__all__ = ["WHOLE", "best_of_whole", "on_grid", "walk"]

WHOLE = 2048
"""Finite spaces of at most this many points are scored whole."""
_WALK = 30
"""Steps on the grids at most."""
ValueOf = Callable[[Points], Points]
"""A function over the unit cube: ``(m, d)`` to ``(m,)``."""


def best_of_whole(value_of: ValueOf, evidence: Evidence, most: int = WHOLE) -> Points | None:
    """The best point of a finite space that is not taken; where all are taken, the best. Shape ``(d,)``.

    None where the space has more than ``most`` points, at most `WHOLE`: it has to be searched.
    """
    unit = evidence.unit
    points = _whole(unit)
    if points is None or len(points) > most:
        return None
    order = np.argsort(-value_of(points), kind="stable")
    return next((points[row] for row in order if _is_free(evidence, unit.decode(points[row]))), points[order[0]])


_wholes: dict[str, Points | None] = {}


def _whole(unit: UnitSpace) -> Points | None:
    """All points of a small finite space that keep the constraints. Shape ``(n, d)``."""
    if unit.size is None or unit.size > (WHOLE if unit.is_cube else SMALL_SPACE):
        return None
    identity = canonical_json(unit.space)
    if identity not in _wholes:
        if len(_wholes) > 16:
            _wholes.clear()
        points = all_points(unit)
        _wholes[identity] = points if 0 < len(points) <= WHOLE else None
    return _wholes[identity]


def on_grid(evidence: Evidence, points: Points) -> Points:
    """The points, each moved to the nearest that its steps allow where that keeps the constraints; without those taken.

    Shape ``(n, d)``, or as they came where all are taken.
    """
    unit = evidence.unit
    if all(dimension.size is None or dimension.is_categorical for dimension in unit.dimensions):
        return points
    moved = np.array([unit.encode(unit.decode(point)) for point in points]).reshape(-1, unit.d)
    moved = np.where(unit.feasible(moved)[:, None], moved, points)
    is_free = np.array([key_of(unit.decode(point)) not in evidence.taken for point in moved], dtype=bool)
    return moved[is_free] if is_free.any() else points


def walk(value_of: ValueOf, evidence: Evidence, point: Points, value: float) -> Points:
    """Move to the best free neighbour on the grids, or other choice, as long as that is better. Shape ``(d,)``."""
    unit = evidence.unit
    if all(dimension.size is None for dimension in unit.dimensions):
        return point
    for _ in range(_WALK):
        near = _neighbours(unit, point)
        if unit.space.conditionals:  # another choice may change what matters
            near = np.array([unit.encode(unit.decode(moved)) for moved in near]).reshape(-1, unit.d)
        near = near[unit.feasible(near)] if len(near) else near
        if len(near) == 0:
            break
        values = value_of(near)
        order = [row for row in np.argsort(-values, kind="stable") if values[row] > value]
        row = next((row for row in order if _is_free(evidence, unit.decode(near[row]))), None)
        if row is None:
            break
        point, value = near[row], float(values[row])
    return point


def _neighbours(unit: UnitSpace, point: Points) -> Points:
    """Points one step away on one grid, with another choice, or one step up and one down. Shape ``(n, d)``."""
    steps = [_steps(dimension, float(x)) for dimension, x in zip(unit.dimensions, point, strict=True)]
    found: list[Points] = []
    for index, places in enumerate(steps):
        for place in places:
            moved = point.copy()
            moved[index] = place
            found.append(moved)
            for other in range(index) if not unit.is_cube and not unit.dimensions[index].is_categorical else ():
                for second in () if unit.dimensions[other].is_categorical else steps[other]:
                    if (second - point[other]) * (place - point[index]) < 0.0:
                        both = moved.copy()
                        both[other] = second
                        found.append(both)
    return np.array(found).reshape(-1, unit.d)


def _steps(dimension: Dimension, coordinate: float) -> list[float]:
    """Coordinates one step away, or of all other choices."""
    size = dimension.size
    if size is None:
        return []
    if dimension.is_categorical:
        return [float(place) for place in dimension.grid if abs(place - coordinate) > 1e-9]
    parameter = dimension.parameter
    if isinstance(parameter, ChoiceParameter):
        index = int(np.abs(dimension.grid - coordinate).argmin())
    else:
        index = round((float(dimension.decode(coordinate)) - parameter.lower) / float(parameter.step or 1))
    return [dimension.encode(dimension.at(i)) for i in (index - 1, index + 1) if 0 <= i < size]


def _is_free(evidence: Evidence, values: Values) -> bool:
    return key_of(values) not in evidence.taken and not evidence.unit.space.violations(values)
