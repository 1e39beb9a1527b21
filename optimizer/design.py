"""Space-filling points: the initial design that all engines share, and what the engines without a model propose.

Point ``k`` of a design depends on the space, the design's seed and ``k`` alone. Three kinds of space:

- most: a scrambled Sobol sequence [Owen1998]_; its points that break a constraint are passed over;
- linear constraints that leave less than 5 % of the cube (mixtures leave nothing of it): a hit-and-run walk
  [Smith1984]_ through the polytope, of which each point of the design takes the best of 16 (the one farthest from all
  before it [Mitchell1991]_), so that its first points already fill it;
- anything else: Sobol points, each moved onto the constraints.

.. [Owen1998] A. B. Owen, Scrambling Sobol' and Niederreiter-Xing points, J. Complexity 14 (1998) 466.
.. [Smith1984] R. L. Smith, Efficient Monte Carlo procedures for generating points uniformly distributed over bounded
   regions, Operations Research 32 (1984) 1296.
.. [Mitchell1991] D. P. Mitchell, Spectrally optimal sampling for distribution ray tracing, SIGGRAPH 25 (1991) 157.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from functools import lru_cache

import numpy as np
from scipy.optimize import linprog

from autolab.core.canonical import canonical_json
from autolab.core.errors import ProposerError
from autolab.core.parameters import FixedParameter, Values
from autolab.core.problem import Space
from autolab.core.proposing import EngineSpec
from optimizer.rounding import nearest
from optimizer.space import Key, Points, UnitSpace, key_of

__all__ = ["design_point", "initial_trials", "is_polytope", "uniform_point", "walk_polytope"]

_SCARCE = 0.05
_PROBE = 1024
_BEST_OF = 16
_THINNING = 4


def initial_trials(space: Space, spec: EngineSpec) -> int:
    """Trials of the initial design: what the file says, or twice the number of free parameters, at least 5."""
    if spec.initial is not None:
        return spec.initial
    free = sum(not isinstance(parameter, FixedParameter) for parameter in space.parameters)
    return max(5, 2 * free)


def design_point(unit: UnitSpace, seed: int, index: int, *, avoid: Collection[Key] = ()) -> Values:
    """Point number ``index`` (from 0) of the space-filling design of ``seed``, rounded, inside all constraints.

    Points of the design differ from each other as long as the space has enough of them. A point in ``avoid`` is
    replaced by its nearest neighbour.

    Raises:
        ProposerError: No point of the space is left.
    """
    points = _design(canonical_json(unit.space), unit, seed, 1 << max(6, index.bit_length()))
    values = points[index % len(points)]
    if key_of(values) in avoid:
        return nearest(unit, unit.encode(values), avoid=avoid, seed=seed)
    return values


def uniform_point(unit: UnitSpace, seed: int, *, avoid: Collection[Key] = ()) -> Values:
    """One point drawn at random, rounded, inside all constraints and not in ``avoid``.

    Uniform wherever at least one in 200 draws is inside the constraints; elsewhere a draw moved onto them.

    Raises:
        ProposerError: No point of the space is left.
    """
    rng = np.random.default_rng(seed)
    draws = rng.random((200, unit.d))
    for draw in draws:
        values = unit.spread(draw)
        if key_of(values) not in avoid and not unit.space.violations(values):
            return values
    return nearest(unit, draws[0], avoid=avoid, seed=seed)


_cache: dict[tuple[str, int, int], tuple[Values, ...]] = {}


def _design(identity: str, unit: UnitSpace, seed: int, size: int) -> tuple[Values, ...]:
    """The first ``size`` points of a design; fewer where the space has fewer."""
    key = (identity, seed, size)
    if key not in _cache:
        if len(_cache) > 32:
            _cache.clear()
        _cache[key] = tuple(_first(unit, seed, size))
    return _cache[key]


def _first(unit: UnitSpace, seed: int, size: int) -> Iterator[Values]:
    seen: set[Key] = set()
    repeats = 0
    for values in _stream(unit, seed):
        identity = key_of(values)
        if identity in seen:
            repeats += 1
            if repeats > 64 * size and seen:
                return  # a small finite space: the design has met all of it, or nearly
            continue
        seen.add(identity)
        yield values
        if len(seen) == size:
            return
    if not seen:
        raise ProposerError("no point keeps all constraints: widen the bounds or loosen the constraints")


def _stream(unit: UnitSpace, seed: int) -> Iterator[Values]:
    """Points of the design, without end where the space is not empty; some may be equal after rounding."""
    if unit.d == 0:
        yield unit.decode(np.zeros(0))
        return
    probe = _sobol(unit.d, _PROBE, seed)
    inside = [not unit.space.violations(unit.spread(point)) for point in probe]
    if np.mean(inside) >= _SCARCE:
        yield from _passing(unit, seed)
    elif is_polytope(unit):
        for point in _best_candidates(unit, seed):
            yield nearest(unit, point, seed=seed)
    else:
        for point in probe:
            yield nearest(unit, unit.encode(unit.spread(point)), seed=seed)


def _passing(unit: UnitSpace, seed: int) -> Iterator[Values]:
    """Sobol points that keep the constraints; a longer sequence of the same seed begins with the shorter one."""
    done, count = 0, _PROBE
    while count <= 1 << 17:
        for point in _sobol(unit.d, count, seed)[done:]:
            values = unit.spread(point)
            if not unit.space.violations(values):
                yield values
        done, count = count, count * 4


@lru_cache(maxsize=8)
def _sobol(d: int, count: int, seed: int) -> Points:
    """The first ``count`` points (a power of two) of a scrambled Sobol sequence. Shape ``(count, d)``."""
    from scipy.stats import qmc  # takes half a second to import, so only where a design is made

    return qmc.Sobol(d, scramble=True, rng=np.random.default_rng(seed)).random(count)


def is_polytope(unit: UnitSpace) -> bool:
    """True where all constraints are linear in the unit coordinates too: none uses a log scale or unordered choices."""
    bent = {dim.parameter.name for dim in unit.dimensions if dim.is_log or dim.is_categorical}
    return unit.is_linear and not any(constraint.names & bent for constraint in unit.constraints)


def walk_polytope(unit: UnitSpace, seed: int) -> Iterator[Points]:
    """Points spread uniformly over the polytope of the linear constraints, without end. Each of shape ``(d,)``.

    Coordinates that no constraint uses give each of a finite number of values the same chance.
    """
    below, limits, equal, levels = _polytope(unit)
    point = _centre(below, limits, equal, levels)
    basis = _null_space(equal, unit.d)
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


def _best_candidates(unit: UnitSpace, seed: int) -> Iterator[Points]:
    """Of each ``_BEST_OF`` points of the walk, the one farthest from all taken before; the first is the first."""
    walk = walk_polytope(unit, seed)
    taken = np.empty((0, unit.d))
    while True:
        batch = np.array(list(itertools.islice(walk, _BEST_OF)))
        distances = np.linalg.norm(batch[:, None, :] - taken[None, :, :], axis=2).min(axis=1, initial=np.inf)
        best = batch[int(np.argmax(distances))]
        taken = np.vstack([taken, best])
        yield best


def _polytope(unit: UnitSpace) -> tuple[Points, Points, Points, Points]:
    """``A x <= b`` and ``C x == d`` of the cube and the linear constraints, in unit coordinates."""
    below, limits = [np.eye(unit.d), -np.eye(unit.d)], [np.ones(unit.d), np.zeros(unit.d)]
    equal, levels = [np.zeros((0, unit.d))], [np.zeros(0)]
    stencil = np.vstack([np.zeros(unit.d), np.eye(unit.d)])
    columns = unit.columns(stencil)
    for constraint in unit.constraints:
        values = np.broadcast_to(np.asarray(constraint.excess(columns), dtype=float), (unit.d + 1,))
        row, bound = values[1:] - values[0], -float(values[0])
        scale = float(np.abs(row).max()) or 1.0
        if constraint.relation == "==":
            equal.append(row[None, :] / scale)
            levels.append(np.array([bound / scale]))
        else:
            below.append(row[None, :] / scale)
            limits.append(np.array([bound / scale]))
    return np.vstack(below), np.concatenate(limits), np.vstack(equal), np.concatenate(levels)


def _centre(below: Points, limits: Points, equal: Points, levels: Points) -> Points:
    """Centre of the largest ball inside the polytope (Chebyshev centre), by linear programming. Shape ``(d,)``."""
    d = below.shape[1]
    norms = np.linalg.norm(below, axis=1, keepdims=True)
    result = linprog(
        c=[0.0] * d + [-1.0],
        A_ub=np.hstack([below, norms]),
        b_ub=limits,
        A_eq=np.hstack([equal, np.zeros((len(equal), 1))]) if len(equal) else None,
        b_eq=levels if len(equal) else None,
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

