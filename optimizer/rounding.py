"""Rounding to what the hardware can do: the nearest point of the grid that keeps every constraint.

Distance is the sum of absolute differences of the unit coordinates. Four ways, tried in this order:

1. each parameter by itself, where that already keeps the constraints;
2. all points of a small finite space, sorted by distance;
3. a mixed-integer linear programme, where all constraints are linear; continuous parameters are then moved onto the
   constraints to full precision (the solver's own tolerance of 1e-6 is coarser than a constraint's);
4. a search around the point, in clouds of growing radius, each candidate projected onto the constraints.

Where parameters may have to stand still, that is done in each branch that may hold the nearest point.

The answer has no violations, or there is none and `ProposerError` says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator

import numpy as np

from autolab.core.errors import ProposerError
from autolab.core.parameters import Values
from optimizer.branches import branches_of
from optimizer.programme import solve_nearest
from optimizer.projection import project
from optimizer.space import Key, Points, UnitSpace, key_of

__all__ = ["SMALL_SPACE", "NoPointLeftError", "all_points", "nearest"]

SMALL_SPACE = 20_000
"""Finite spaces of at most this many points are searched whole."""

_RADII = (0.01, 0.03, 0.1, 0.3, 1.0)
_CLOUD = 64


class NoPointLeftError(ProposerError):
    """No point of the space keeps the constraints and may still be suggested."""


def nearest(unit: UnitSpace, target: Points, *, avoid: Collection[Key] = (), seed: int = 0) -> Values:
    """The point nearest to ``target`` that the hardware can do, inside all constraints.

    Args:
        unit: The space.
        target: Wished-for point of the unit cube, shape ``(d,)``.
        avoid: Points that must not come out, by `key_of`.
        seed: Seed of the search in clouds.

    Raises:
        NoPointLeftError: There is no such point.
    """
    target = np.clip(target, 0.0, 1.0)
    find = _nearest_of_branches if unit.is_split else _nearest_candidate
    values = find(unit, target, avoid, seed)
    if values is not None:
        return values
    rules = [*unit.constraints, *unit.space.at_most]
    constraints = ", ".join(repr(rule.text) for rule in rules) or "none"
    raise NoPointLeftError(
        f"no point of the space is left to try: {len(avoid)} points are taken or have failed, and the constraints are "
        f"{constraints}. Widen bounds or constraints, use finer steps, or end the campaign"
    )


def _nearest_candidate(unit: UnitSpace, target: Points, avoid: Collection[Key], seed: int) -> Values | None:
    for values in _candidates(unit, target, seed):
        if key_of(values) not in avoid and not unit.space.violations(values):
            return values
    return None


def _nearest_of_branches(unit: UnitSpace, target: Points, avoid: Collection[Key], seed: int) -> Values | None:
    """The nearest point of all branches: those that lie farther away than a point that was found are not searched."""
    branches = branches_of(unit)
    gaps = np.array([branch.distance(target) for branch in branches])
    best: Values | None = None
    shortest = np.inf
    for at in np.argsort(gaps, kind="stable"):
        branch, gap = branches[at], float(gaps[at])
        if gap >= shortest:
            break
        wish = target[branch.free]
        try:
            values = nearest(branch.unit, wish, avoid=avoid, seed=seed)
        except NoPointLeftError:
            continue
        distance = gap + float(np.abs(branch.unit.encode(values) - wish).sum())
        if distance < shortest:
            best, shortest = values, distance
    return best


def all_points(unit: UnitSpace) -> Points:
    """All points of a small finite space that keep the constraints. Shape ``(n, d)``."""
    grids = [dimension.grid for dimension in unit.dimensions]
    points = np.array(list(itertools.product(*grids)), dtype=float).reshape(-1, unit.d)
    return points[unit.feasible(points, slack=10.0)]


def _candidates(unit: UnitSpace, target: Points, seed: int) -> Iterator[Values]:
    """Points to look at, the nearest first as far as that is known."""
    yield unit.decode(target)
    if unit.d == 0:
        return  # fixed parameters alone: there is one point
    if unit.size is not None and unit.size <= SMALL_SPACE:
        points = all_points(unit)
        for index in np.argsort(np.abs(points - target).sum(axis=1), kind="stable"):
            yield unit.decode(points[index])
        return
    if unit.constraints:
        yield from _repaired(unit, target)
    for cloud in _clouds(unit, target, seed):
        found = [values for point in cloud for values in _cheaply_repaired(unit, point)]
        feasible = [values for values in found if not unit.space.violations(values)]
        yield from sorted(feasible, key=_distance_to(unit, target))
    if unit.constraints:
        for cloud in _clouds(unit, target, seed):
            for point in cloud[:8]:
                yield from _repaired(unit, point)


def _repaired(unit: UnitSpace, target: Points) -> Iterator[Values]:
    """Candidates of the linear programme (exact where all constraints are linear) and of the projection."""
    solution = solve_nearest(unit, target)
    if solution is not None:
        yield unit.decode(solution)
        yield unit.decode(project(unit, solution))
    yield from _cheaply_repaired(unit, target)


def _cheaply_repaired(unit: UnitSpace, target: Points) -> Iterator[Values]:
    if not unit.constraints:
        yield unit.decode(target)
        return
    moved = unit.decode(project(unit, target))
    yield moved
    # Rounding to the grid may have left the constraint again: let the continuous parameters make up for it.
    yield unit.decode(project(unit, unit.encode(moved)))


def _distance_to(unit: UnitSpace, target: Points) -> Callable[[Values], float]:
    return lambda values: float(np.abs(unit.encode(values) - target).sum())


def _clouds(unit: UnitSpace, target: Points, seed: int) -> Iterator[Points]:
    """Points around ``target``: first its neighbours on the grids, then random ones at growing distance."""
    neighbours = [target]
    for index, dimension in enumerate(unit.dimensions):
        step = 1.0 / (dimension.size - 1) if dimension.size else 1e-3
        for shift in (-step, step, -2 * step, 2 * step):
            neighbour = target.copy()
            neighbour[index] = min(max(neighbour[index] + shift, 0.0), 1.0)
            neighbours.append(neighbour)
    yield np.array(neighbours)
    rng = np.random.default_rng(seed)
    for radius in _RADII:
        yield np.clip(target + radius * rng.uniform(-1.0, 1.0, (_CLOUD, unit.d)), 0.0, 1.0)
    yield rng.uniform(0.0, 1.0, (4 * _CLOUD, unit.d))
