"""Where the lean engine's acquisition is largest: under linear constraints, over mixed variables, on the hardware's
grid.

A small finite space is scored whole (`optimizer.grids`). Elsewhere:

1. points that fill the feasible part of the space, and some on the lines from the best trials into it;
2. gradient search from the best of them that differ from each other, each in its branch of the space and unordered
   choices held fixed: within the cube L-BFGS-B, under linear constraints sequential least squares, both of scipy;
3. rounding to the hardware, then steps to better neighbours on the grids and to other choices; the best *rounded*
   point that is not taken wins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from scipy.optimize import minimize

from autolab.core.canonical import canonical_json
from optimizer.branches import Branch, branches_of
from optimizer.design import feasible_draws
from optimizer.evidence import Evidence
from optimizer.grids import best_of_whole, walk
from optimizer.polytope import Polytope, polytope
from optimizer.rounding import NoPointLeftError, nearest
from optimizer.space import Points, UnitSpace

__all__ = ["Surface", "maximise"]

_FILLING = 512
_NEAR = 96
_NEAR_EACH = 8
"""Points on the lines in each branch at least."""
_BEST = 3
_STARTS = 4
_APART = 0.1
"""Starts differ by this much in some coordinate, as long as there are such points."""
_CLIMB = 50
_DUST = 1e-12
_KEPT = 1024
"""Points kept to fill a space with constraints; each suggestion takes half of them."""


class Surface(Protocol):
    """A function over the unit cube with its gradient."""

    def __call__(self, points: Points) -> Points:
        """Values at ``points``: ``(m, d)`` to ``(m,)``."""
        ...

    def slopes(self, points: Points) -> tuple[Points, Points]:
        """Values and gradients at ``points``: ``(m, d)`` to ``(m,)`` and ``(m, d)``."""
        ...


def maximise(surface: Surface, evidence: Evidence, seed: int) -> Points:
    """The best rounded point that is not taken; where all are taken, the best. Shape ``(d,)``."""
    unit = evidence.unit
    found = best_of_whole(surface, evidence)
    if found is not None:
        return found
    rng = np.random.default_rng(seed)
    filling = _filling(unit, rng)
    pool = np.vstack([filling, _near_best(evidence, filling, rng)])
    starts = _apart(pool, surface(pool))
    tops = [top for branch, part in _by_branch(unit, starts) for top in branch.lift(_tops(surface, branch, part))]
    finalists = np.array(list(_rounded(evidence, [*tops, *starts], seed)))
    if len(finalists) == 0:
        return starts[0]  # the engine says that every point is taken, and allows a repeat
    values = surface(finalists)
    best, value = finalists[int(np.argmax(values))], float(values.max())
    return walk(surface, evidence, best, value)


def _by_branch(unit: UnitSpace, points: Points) -> Iterator[tuple[Branch, Points]]:
    """The branches that hold ``points`` (shape ``(n, d)``), each with those that no earlier one holds, in its cube."""
    left = np.ones(len(points), dtype=bool)
    for branch in branches_of(unit):
        inside = left & branch.holds(points)
        if inside.any():
            yield branch, branch.lower(points[inside])
        left &= ~inside


@dataclass(frozen=True)
class _Face:
    """A surface over the cube of a branch."""

    surface: Surface
    branch: Branch

    def __call__(self, points: Points) -> Points:
        return self.surface(self.branch.lift(points))

    def slopes(self, points: Points) -> tuple[Points, Points]:
        values, gradients = self.surface.slopes(self.branch.lift(points))
        return values, self.branch.lower(gradients)


def _tops(surface: Surface, branch: Branch, starts: Points) -> Points:
    """Where gradient ascent from ``starts`` ends, all in the cube of the branch. Shape ``(m, k)``."""
    if branch.unit.d == 0:
        return starts
    face = _Face(surface, branch) if len(branch.still) else surface
    return _climbed_within(face, branch.unit, starts) if branch.unit.constraints else _climbed(face, starts)


_fillings: dict[str, Points] = {}


def _filling(unit: UnitSpace, rng: np.random.Generator) -> Points:
    """Points that fill the feasible part of the space, others for each suggestion. Shape ``(n, d)``."""
    if unit.is_cube:
        points = (_sobol(unit.d) + rng.random(unit.d)) % 1.0
        for index, dimension in enumerate(unit.dimensions):
            if dimension.is_categorical:
                points[:, index] = dimension.grid[(points[:, index] * len(dimension.grid)).astype(int)]
        return points
    identity = canonical_json(unit.space)
    if identity not in _fillings:
        if len(_fillings) > 16:
            _fillings.clear()
        _fillings[identity] = feasible_draws(unit, 0, _KEPT)
    kept = _fillings[identity]
    return kept[rng.permutation(len(kept))[:_FILLING]]


@lru_cache(maxsize=16)
def _sobol(d: int) -> Points:
    from scipy.stats import qmc  # takes half a second to import

    return qmc.Sobol(d, scramble=True, rng=np.random.default_rng(2)).random(_FILLING)


def _near_best(evidence: Evidence, filling: Points, rng: np.random.Generator) -> Points:
    """Points on the lines from the best trials to others in their branch, which linear constraints allow. ``(n, d)``"""
    unit = evidence.unit
    keeps = evidence.keeps_constraints & evidence.possible
    best = evidence.points[np.argsort(np.where(keeps, evidence.losses, np.inf), kind="stable")[:_BEST]]
    if not unit.is_cube:
        best = best[unit.feasible(best, slack=10.0)]  # earlier data may break them
    places = [(best[branch.holds(best)], filling[branch.holds(filling)]) for branch in branches_of(unit)]
    places = [(centres, others) for centres, others in places if len(centres) and len(others)]
    count = max(_NEAR // max(len(places), 1), _NEAR_EACH)
    return np.vstack([np.zeros((0, unit.d)), *(_lines(unit, *ends, count, rng) for ends in places)])


def _lines(unit: UnitSpace, best: Points, filling: Points, count: int, rng: np.random.Generator) -> Points:
    """Points on lines from ``best`` to ``filling``, both of shape ``(n, d)``. Shape ``(count, d)``."""
    centres = best[rng.integers(len(best), size=count)]
    others = filling[rng.integers(len(filling), size=count)]
    near = centres + rng.choice([0.03, 0.1, 0.3], size=(count, 1)) * (others - centres)
    for index, dimension in enumerate(unit.dimensions):
        if dimension.is_categorical:
            near[:, index] = np.where(rng.random(count) < 0.8, centres[:, index], others[:, index])
    return near


def _apart(pool: Points, values: Points) -> Points:
    """The best points of ``pool`` that differ from each other, then simply the best. Shape ``(_STARTS, d)``."""
    order = np.argsort(-values, kind="stable")[: 32 * _STARTS]
    chosen: list[int] = []
    for row in order:
        if all(np.abs(pool[row] - pool[other]).max() > _APART for other in chosen):
            chosen.append(int(row))
        if len(chosen) == _STARTS:
            break
    return pool[[*chosen, *(row for row in order if row not in chosen)][:_STARTS]]


def _climbed(surface: Surface, starts: Points) -> Points:
    """Gradient ascent from all ``starts`` at once, inside the cube. Shape ``(m, d)``."""

    def descend(flat: Points) -> tuple[float, Points]:
        values, gradients = surface.slopes(flat.reshape(starts.shape))
        return -float(values.sum()), -gradients.ravel()

    options = {"maxiter": _CLIMB, "ftol": 1e-6, "gtol": 1e-3}
    bounds = [(0.0, 1.0)] * starts.size
    found: Any = minimize(descend, starts.ravel(), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return _settled(found.x.reshape(starts.shape), starts)


def _climbed_within(surface: Surface, unit: UnitSpace, starts: Points) -> Points:
    """The same inside the linear constraints, one after the other."""
    conditions = _conditions(polytope(unit), unit.d)

    def descend(point: Points) -> tuple[float, Points]:
        values, gradients = surface.slopes(point[None, :])
        return -float(values[0]), -gradients[0]

    def climb(start: Points) -> Points:
        found: Any = minimize(
            descend,
            start,
            jac=True,
            method="SLSQP",
            bounds=[(0.0, 1.0)] * unit.d,
            constraints=conditions,
            options={"maxiter": _CLIMB},
        )
        return found.x

    return _settled(np.array([climb(start) for start in starts]), starts)


def _settled(found: Points, starts: Points) -> Points:
    """What was found, or its start where that is no number; what lies beside a face by rounding lies on it."""
    found = np.where(np.isfinite(found).all(axis=1, keepdims=True), found, starts)
    return np.where(found < _DUST, 0.0, np.where(found > 1.0 - _DUST, 1.0, found))


def _conditions(rows: Polytope, d: int) -> list[dict[str, Any]]:
    """The constraints as `scipy.optimize.minimize` takes them; the faces of the cube are bounds already."""
    below, limits = rows.below[2 * d :], rows.limits[2 * d :]
    below, limits = below[below.any(axis=1)], limits[below.any(axis=1)]  # others are over fixed parameters only
    equal, levels = rows.equal[rows.equal.any(axis=1)], rows.levels[rows.equal.any(axis=1)]
    conditions: list[dict[str, Any]] = []
    if len(below):
        conditions.append({"type": "ineq", "fun": lambda x: limits - below @ x, "jac": lambda _: -below})
    if len(equal):
        conditions.append({"type": "eq", "fun": lambda x: equal @ x - levels, "jac": lambda _: equal})
    return conditions


def _rounded(evidence: Evidence, finalists: list[Points], seed: int) -> Iterator[Points]:
    for finalist in finalists:
        try:
            yield evidence.unit.encode(nearest(evidence.unit, finalist, avoid=evidence.taken, seed=seed))
        except NoPointLeftError:
            return
