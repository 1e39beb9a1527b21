"""Space-filling points: the initial design that all engines share, and what the engines without a model propose.

Point ``k`` of a design depends on the space, the design's seed and ``k`` alone. Three kinds of space:

- most: a scrambled Sobol sequence [Owen1998]_; its points that break a constraint are passed over;
- linear constraints that leave less than 5 % of the cube (mixtures leave nothing of it): a walk through the
  polytope (`optimizer.polytope`), of which each point of the design takes the best of 16 (the one farthest from all
  before it [Mitchell1991]_), so that its first points already fill it;
- anything else: Sobol points, each moved onto the constraints.

Where parameters may have to stand still, the points are those of the branches' own designs, in turn, in an order drawn
for each round.

.. [Owen1998] A. B. Owen, Scrambling Sobol' and Niederreiter-Xing points, J. Complexity 14 (1998) 466.
.. [Mitchell1991] D. P. Mitchell, Spectrally optimal sampling for distribution ray tracing, SIGGRAPH 25 (1991) 157.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from functools import lru_cache

import numpy as np

from autolab.core.canonical import canonical_json
from autolab.core.errors import ProposerError
from autolab.core.parameters import FixedParameter, Values
from autolab.core.problem import Space
from autolab.core.proposing import EngineSpec
from autolab.core.seeds import derive_seed
from optimizer.branches import branches_of
from optimizer.polytope import is_polytope, walk_polytope
from optimizer.projection import project
from optimizer.rounding import NoPointLeftError, nearest
from optimizer.routing import FEWEST
from optimizer.space import Key, Points, UnitSpace, key_of

__all__ = ["design_point", "feasible_draws", "initial_trials", "uniform_point"]

_SCARCE = 0.05
_PROBE = 1024
_LEAST_PROBE = 64
"""Points, a power of two, by which it is seen how much of the cube the constraints leave; of each branch, fewer."""
_BEST_OF = 16
_PATIENCE = 16
"""Repeats in a row after which a branch is taken to be met whole."""
_EACH_BRANCH = 4
"""Draws from each branch at least."""


def initial_trials(space: Space, spec: EngineSpec) -> int:
    """Trials of the initial design: what the file says, or twice the number of free parameters, at least 5."""
    if spec.initial is not None:
        return spec.initial
    free = sum(not isinstance(parameter, FixedParameter) for parameter in space.parameters)
    return max(FEWEST, 2 * free)


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
    if unit.is_split:
        branches = branches_of(unit)
        for at in rng.permutation(len(branches)):
            try:
                return uniform_point(branches[at].unit, derive_seed(seed, "branch", int(at)), avoid=avoid)
            except NoPointLeftError:
                continue
    draws = rng.random((200, unit.d))
    for draw in draws:
        values = unit.spread(draw)
        if key_of(values) not in avoid and not unit.space.violations(values):
            return values
    return nearest(unit, draws[0], avoid=avoid, seed=seed)


def feasible_draws(unit: UnitSpace, seed: int, count: int) -> Points:
    """Up to about ``count`` points spread over the feasible part of the cube, not rounded to grids. ``(n, d)``.

    Unordered choices are on their places. Linear constraints are sampled exactly; nonlinear ones by passing over, or
    where that leaves too few, by moving points onto them.
    """
    if unit.is_split:
        branches = branches_of(unit)
        each = max(-(-count // len(branches)), _EACH_BRANCH)
        draws_of = (branch.lift(feasible_draws(branch.unit, seed + at, each)) for at, branch in enumerate(branches))
        return np.vstack(list(draws_of))
    if unit.d == 0:
        return np.zeros((int(not unit.space.violations(unit.decode(np.zeros(0)))), 0))
    draws = _sobol(unit.d, 1 << (4 * count - 1).bit_length(), seed).copy()
    for index, dimension in enumerate(unit.dimensions):
        if dimension.is_categorical:
            places = (draws[:, index] * (dimension.size or 1)).astype(int)
            draws[:, index] = dimension.grid[places]
    inside = unit.feasible(draws)
    if inside.sum() >= count:
        return draws[inside][:count]
    if is_polytope(unit):
        return np.array(list(itertools.islice(walk_polytope(unit, seed), count))).reshape(-1, unit.d)
    moved = np.array([project(unit, point) for point in draws[~inside][: count - int(inside.sum())]])
    moved = moved.reshape(-1, unit.d)
    return np.vstack([draws[inside], moved[unit.feasible(moved)]])


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


def _stream(unit: UnitSpace, seed: int, n_probed: int = _PROBE) -> Iterator[Values]:
    """Points of the design, without end where the space is not empty; some may be equal after rounding."""
    if unit.is_split:
        yield from _in_turn(unit, seed)
        return
    if unit.d == 0:
        yield unit.decode(np.zeros(0))
        return
    probe = _sobol(unit.d, n_probed, seed)
    inside = [not unit.space.violations(unit.spread(point)) for point in probe]
    if np.mean(inside) >= _SCARCE:
        yield from _passing(unit, seed)
    elif is_polytope(unit):
        for point in _best_candidates(unit, seed):
            yield nearest(unit, point, seed=seed)
    else:
        for point in probe:
            yield nearest(unit, unit.encode(unit.spread(point)), seed=seed)


def _in_turn(unit: UnitSpace, seed: int) -> Iterator[Values]:
    """Points of the branches, one of each in each round; a branch whose design is short begins it again."""
    branches = branches_of(unit)
    n_probed = max(1 << (_PROBE // len(branches)).bit_length() >> 1, _LEAST_PROBE)
    streams = [_stream(b.unit, derive_seed(seed, "branch", at), n_probed) for at, b in enumerate(branches)]
    known: list[set[Key]] = [set() for _ in branches]
    repeats = [0] * len(branches)
    for number in itertools.count():
        open_ones = [at for at, count in enumerate(repeats) if count < _PATIENCE]
        if not open_ones:
            return
        for at in np.random.default_rng(derive_seed(seed, "round", number)).permutation(open_ones).tolist():
            values = next(streams[at], None)
            if values is None:
                repeats[at] = _PATIENCE
                continue
            repeats[at] = repeats[at] + 1 if key_of(values) in known[at] else 0
            known[at].add(key_of(values))
            yield values


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
