"""The branches of a space in the unit cube: faces of it, in each of which some coordinates stand still."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autolab.config.feasibility import feasible_branches
from autolab.core.canonical import canonical_json
from autolab.core.errors import ProposerError
from optimizer.space import STILL, Points, UnitSpace

__all__ = ["Branch", "branches_of", "free_coordinates"]


@dataclass(frozen=True)
class Branch:
    """An ordinary space, and where it lies in the cube of the whole one."""

    unit: UnitSpace
    """The space with its own cube, of ``k`` coordinates."""
    free: NDArray[np.intp]
    """Which coordinates of the whole cube those are. Shape ``(k,)``."""
    still: NDArray[np.intp]
    """The other ones, which stand still. Shape ``(d - k,)``."""
    anchor: Points
    """Where they stand. Shape ``(d - k,)``."""
    is_choice: NDArray[np.bool_]
    """Which of them are unordered choices, of which any two are equally far from each other. Shape ``(d - k,)``."""

    def lift(self, points: Points) -> Points:
        """Points of the branch's cube as points of the whole one: ``(n, k)`` to ``(n, d)``."""
        lifted = np.empty((len(points), len(self.free) + len(self.still)))
        lifted[:, self.free] = points
        lifted[:, self.still] = self.anchor
        return lifted

    def lower(self, points: Points) -> Points:
        """The free coordinates of points of the whole cube: ``(n, d)`` to ``(n, k)``."""
        return points[:, self.free]

    def holds(self, points: Points) -> NDArray[np.bool_]:
        """Which points of the whole cube, ``(n, d)``, lie in this face; constraints are not looked at. ``(n,)``"""
        return np.all(np.abs(points[:, self.still] - self.anchor) <= STILL, axis=1)

    def distance(self, point: Points) -> float:
        """How far a point of the whole cube, shape ``(d,)``, lies from this face of it."""
        differences = np.abs(point[self.still] - self.anchor)
        return float(np.where(self.is_choice, differences > STILL, differences).sum())


def free_coordinates(unit: UnitSpace, points: Points) -> NDArray[np.bool_]:
    """Which coordinates of points, shape ``(n, d)``, are free in the first branch that holds the point. ``(n, d)``"""
    free, left = np.zeros(points.shape, dtype=bool), np.ones(len(points), dtype=bool)
    for branch in branches_of(unit):
        inside = left & branch.holds(points)
        free[np.ix_(inside, branch.free)] = True
        left &= ~inside
    return free


_cache: dict[str, tuple[Branch, ...]] = {}


def branches_of(unit: UnitSpace) -> tuple[Branch, ...]:
    """The branches that hold points: an ordinary space is its own only one.

    Raises:
        ProposerError: No branch holds a point.
    """
    if not unit.is_split:
        return (_whole(unit),)
    identity = canonical_json(unit.space)
    if identity not in _cache:
        if len(_cache) > 16:
            _cache.clear()
        _cache[identity] = tuple(_branch(unit, UnitSpace(space)) for space in feasible_branches(unit.space))
    if not _cache[identity]:
        raise ProposerError("no point keeps all constraints: widen the bounds or loosen the constraints")
    return _cache[identity]


def _whole(unit: UnitSpace) -> Branch:
    nothing = np.zeros(0, dtype=np.intp)
    return Branch(unit, np.arange(unit.d, dtype=np.intp), nothing, np.zeros(0), np.zeros(0, dtype=bool))


def _branch(unit: UnitSpace, part: UnitSpace) -> Branch:
    names = [dimension.parameter.name for dimension in unit.dimensions]
    still = [at for at, name in enumerate(names) if name in part.fixed]
    free = [at for at, name in enumerate(names) if name not in part.fixed]
    anchor = [unit.dimensions[at].encode(part.fixed[names[at]]) for at in still]
    is_choice = [unit.dimensions[at].is_categorical for at in still]
    return Branch(
        part,
        np.array(free, dtype=np.intp),
        np.array(still, dtype=np.intp),
        np.array(anchor, dtype=float),
        np.array(is_choice, dtype=bool),
    )
