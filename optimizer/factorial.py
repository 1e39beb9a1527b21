"""The full factorial design: all combinations of a few levels of each parameter, in random order [Box2005statistics]_.

Choices, and grids of at most `ALL_LEVELS` values, are walked whole. Any other parameter gets `COARSE_LEVELS` levels,
evenly spaced on its scale from bound to bound and rounded to its step.

.. [Box2005statistics] G. E. P. Box, J. S. Hunter, W. G. Hunter, Statistics for Experimenters, 2nd edition, Wiley, 2005.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import lru_cache

import numpy as np

from autolab.core.errors import ProposerError
from autolab.core.parameters import Values
from optimizer.rounding import NoPointLeftError
from optimizer.space import Dimension, Key, Points, UnitSpace, key_of

__all__ = ["ALL_LEVELS", "COARSE_LEVELS", "LARGEST", "factorial_point", "factorial_size"]

ALL_LEVELS = 10
COARSE_LEVELS = 5
LARGEST = 1_000_000
"""Combinations beyond which no full factorial is made."""


def factorial_size(unit: UnitSpace) -> int:
    """Number of combinations, before constraints."""
    return math.prod(len(levels) for levels in _all_levels(unit))


def factorial_point(unit: UnitSpace, seed: int, index: int, *, avoid: Collection[Key] = ()) -> Values:
    """The first combination from place ``index`` (from 0) of the order of ``seed`` that keeps all constraints.

    Behind the last place comes the first. Combinations in ``avoid`` are passed over.

    Raises:
        ProposerError: There are more than `LARGEST` combinations.
        NoPointLeftError: No combination keeps the constraints and may still be suggested.
    """
    size = factorial_size(unit)
    if size > LARGEST:
        raise ProposerError(
            f"engine grid would have {size} combinations to walk, and takes {LARGEST} at most: "
            "leave out parameters, or use engine sobol"
        )
    levels = _all_levels(unit)
    order = _order(size, seed)
    for place in range(size):
        digits = np.unravel_index(int(order[(index + place) % size]), [len(each) for each in levels] or [1])
        values = unit.decode(np.array([each[digit] for each, digit in zip(levels, digits, strict=False)]))
        if key_of(values) not in avoid and not unit.space.violations(values):
            return values
    raise NoPointLeftError(
        f"no point of the space is left to try: none of the grid's {size} combinations keeps the constraints and is "
        "free. Loosen the constraints, use finer steps, or end the campaign"
    )


def _all_levels(unit: UnitSpace) -> list[Points]:
    """Coordinates of the levels of all parameters; where one stands when it does not matter is a level of it."""
    still = {rule.name: rule.otherwise for rule in unit.space.conditionals}
    found: list[Points] = []
    for dimension in unit.dimensions:
        levels, name = _levels(dimension), dimension.parameter.name
        found.append(np.union1d(levels, [dimension.encode(still[name])]) if name in still else levels)
    return found


def _levels(dimension: Dimension) -> Points:
    """Coordinates of a parameter's levels."""
    size = dimension.size
    if dimension.is_categorical or (size is not None and size <= ALL_LEVELS):
        return dimension.grid
    places = np.linspace(0.0, 1.0, COARSE_LEVELS)
    return np.array([dimension.encode(dimension.decode(float(place))) for place in places])


@lru_cache(maxsize=4)
def _order(size: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(size)
