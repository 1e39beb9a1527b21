"""The polytope of the linear constraints inside the unit cube, and a uniform walk through it.

The walk is hit-and-run [Smith1984]_.

.. [Smith1984] R. L. Smith, Efficient Monte Carlo procedures for generating points uniformly distributed over bounded
   regions, Operations Research 32 (1984) 1296.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from autolab.core.errors import ProposerError
from optimizer.expressions import CompiledConstraint
from optimizer.space import Points, UnitSpace

__all__ = ["Polytope", "is_polytope", "is_straight", "polytope", "walk_polytope"]

_THINNING = 4


@dataclass(frozen=True)
class Polytope:
    """``below @ x <= limits`` and ``equal @ x == levels``, in unit coordinates; rows scaled to a largest weight of 1.

    The first ``2 d`` rows of ``below`` are the faces of the cube.
    """

    below: Points
    limits: Points
    equal: Points
    levels: Points


def is_straight(unit: UnitSpace, constraint: CompiledConstraint) -> bool:
    """True where a constraint is linear in the unit coordinates too: it uses no log scale and no unordered choices."""
    bent = {dim.parameter.name for dim in unit.dimensions if dim.is_log or dim.is_categorical}
    return constraint.linear is not None and not constraint.names & bent


def is_polytope(unit: UnitSpace) -> bool:
    """True where all constraints are linear in the unit coordinates."""
    return all(is_straight(unit, constraint) for constraint in unit.constraints)


def polytope(unit: UnitSpace) -> Polytope:
    """The cube cut by all constraints that are linear in the unit coordinates."""
    below, limits = [np.eye(unit.d), -np.eye(unit.d)], [np.ones(unit.d), np.zeros(unit.d)]
    equal, levels = [np.zeros((0, unit.d))], [np.zeros(0)]
    columns = unit.columns(np.vstack([np.zeros(unit.d), np.eye(unit.d)]))
    for constraint in unit.constraints:
        if not is_straight(unit, constraint):
            continue
        values = np.broadcast_to(np.asarray(constraint.excess(columns), dtype=float), (unit.d + 1,))
        row, bound = values[1:] - values[0], -float(values[0])
        scale = float(np.abs(row).max(initial=0.0)) or 1.0
        rows, bounds = (equal, levels) if constraint.relation == "==" else (below, limits)
        rows.append(row[None, :] / scale)
        bounds.append(np.array([bound / scale]))
    return Polytope(np.vstack(below), np.concatenate(limits), np.vstack(equal), np.concatenate(levels))


def walk_polytope(unit: UnitSpace, seed: int) -> Iterator[Points]:
    """Points spread uniformly over the polytope of the linear constraints, without end. Each of shape ``(d,)``.

    Coordinates that no constraint uses give each of a finite number of values the same chance.
    """
    rows = polytope(unit)
    below, limits = rows.below, rows.limits
    point = _centre(rows)
    basis = _null_space(rows.equal, unit.d)
    used = {name for constraint in unit.constraints for name in constraint.names}
    loose = [index for index, dimension in enumerate(unit.dimensions) if dimension.parameter.name not in used]
    rng = np.random.default_rng(seed)
    for step in itertools.count(1):
        direction = basis @ rng.standard_normal(basis.shape[1])
        speed = below @ direction
        room = np.maximum(limits - below @ point, 0.0)
        forward = min(room[speed > 1e-12] / speed[speed > 1e-12], default=0.0)
        backward = max(room[speed < -1e-12] / speed[speed < -1e-12], default=0.0)
        point = point + direction * rng.uniform(backward, forward)
        if step % _THINNING == 0:
            spread = unit.encode(unit.spread(np.clip(point, 0.0, 1.0 - 1e-12)))
            out = point.copy()
            out[loose] = spread[loose]
            yield out


def _centre(rows: Polytope) -> Points:
    """Centre of the largest ball inside the polytope (Chebyshev centre), by linear programming. Shape ``(d,)``."""
    d = rows.below.shape[1]
    norms = np.linalg.norm(rows.below, axis=1, keepdims=True)
    from scipy.optimize import linprog  # most problems need it not, and it takes a second to import

    result = linprog(
        c=[0.0] * d + [-1.0],
        A_ub=np.hstack([rows.below, norms]),
        b_ub=rows.limits,
        A_eq=np.hstack([rows.equal, np.zeros((len(rows.equal), 1))]) if len(rows.equal) else None,
        b_eq=rows.levels if len(rows.equal) else None,
        bounds=[(0.0, 1.0)] * d + [(0.0, None)],
    )
    if result.x is None:
        raise ProposerError("no point keeps all constraints: widen the bounds or loosen the constraints")
    return np.asarray(result.x[:d], dtype=float)


def _null_space(equal: Points, d: int) -> Points:
    """Orthonormal directions along which all equalities stay satisfied. Shape ``(d, free)``."""
    if len(equal) == 0:
        return np.eye(d)
    _, singular, rows = np.linalg.svd(equal)
    rank = int((singular > 1e-10).sum())
    return rows[rank:].T
