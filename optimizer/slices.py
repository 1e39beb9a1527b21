"""Slices of a model through one trial: one parameter moves over its values, all others stay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from autolab.core.diagnoses import SlicePoint, SliceThrough
from autolab.core.parameters import Value, Values
from optimizer.learner import NumericalFailureError
from optimizer.space import Dimension, Points, UnitSpace

__all__ = ["Predict", "slices_through"]

Predict = Callable[[Points], tuple[Points, Points]]
"""From points of the cube, shape ``(n, d)``, to means and standard deviations of m metrics, shapes ``(n, m)`` each."""

_MOST = 33
"""Values of a parameter with more of them, or a continuous one, that a slice is drawn through."""


def slices_through(unit: UnitSpace, values: Values, predict: Predict) -> list[tuple[SliceThrough, ...]]:
    """The slices through ``values``, for each metric in the order of ``predict``: one for each free parameter.

    Args:
        unit: The space of the model.
        values: The trial that they go through.
        predict: The model, in the metrics' units.

    Raises:
        NumericalFailureError: a prediction is not finite, or ``predict`` raised it.
    """
    origin = unit.encode(values)
    moved = [_values(dimension, values[dimension.parameter.name]) for dimension in unit.dimensions]
    lines: list[Points] = []
    for place, (dimension, each) in enumerate(zip(unit.dimensions, moved, strict=True)):
        line = np.tile(origin, (len(each), 1))
        line[:, place] = [dimension.encode(value) for value in each]
        lines.append(line)
    points = np.concatenate(lines)
    means, deviations = predict(points)
    if not (np.isfinite(means).all() and np.isfinite(deviations).all()):
        raise NumericalFailureError("a prediction that is not finite")
    allowed, ends = unit.feasible(points), np.cumsum([len(each) for each in moved])[:-1]
    found: list[tuple[SliceThrough, ...]] = []
    for column in range(means.shape[1]):
        parts = (np.split(each, ends) for each in (means[:, column], deviations[:, column], allowed))
        named = zip(unit.dimensions, moved, *parts, strict=True)
        found.append(tuple(_slice(dimension.parameter.name, *rest) for dimension, *rest in named))
    return found


def _slice(
    name: str, values: list[Value], means: Points, deviations: Points, allowed: NDArray[np.bool_]
) -> SliceThrough:
    rows = zip(values, means.tolist(), deviations.tolist(), allowed.tolist(), strict=True)
    points = [SlicePoint(value, float(f"{mean:.6g}"), float(f"{sd:.6g}"), ok) for value, mean, sd, ok in rows]
    return SliceThrough(name, tuple(points))


def _values(dimension: Dimension, own: Value) -> list[Value]:
    """Values along a parameter in their order, that of the trial among them."""
    size = dimension.size
    if size is not None and size <= _MOST:
        return [dimension.at(index) for index in range(size)]
    spread = {dimension.decode(float(at)) for at in np.linspace(0.0, 1.0, _MOST)}
    return sorted({*spread, own}, key=dimension.encode)
