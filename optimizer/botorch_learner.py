"""BoTorch as a learner: a model, and the point where its acquisition function is largest.

What is large is said in `optimizer.acquisition`. A small finite space is scored whole (`optimizer.grids`). Elsewhere
it is maximised in three stages:

1. a pool of points that fill the feasible part of the space, and some around the best trials, on the grids;
2. gradient search from the best of them under the constraints (`optimize_acqf`), each in its branch of the space,
   unordered choices held fixed; a nonlinear equality has no interior to search in, so there the pool is refined by
   clouds of projected points;
3. rounding of all finalists to the hardware, and steps from the best *rounded* point to better ones on the grids.

Where there are hard outcome constraints (`optimizer.hard`), each stage keeps to what they permit, and the winner is
permitted as it is after rounding. Where they permit nothing, nothing is proposed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.fixed_feature import FixedFeatureAcquisitionFunction
from botorch.exceptions.errors import CandidateGenerationError
from botorch.models import ModelListGP
from botorch.optim import optimize_acqf
from torch import Tensor

from optimizer.acquisition import acquisition_of, improvement_scale, weighted
from optimizer.branches import Branch, branches_of
from optimizer.design import feasible_draws
from optimizer.evidence import Evidence
from optimizer.expressions import CompiledConstraint
from optimizer.grids import best_of_whole, on_grid, walk
from optimizer.hard import Hard, permitted_point
from optimizer.learner import Forecast, NumericalFailureError, Wish
from optimizer.model import fit, tensor
from optimizer.numerics import NUMERICAL_ERRORS, seeded, single_thread
from optimizer.polytope import is_straight, polytope
from optimizer.projection import project
from optimizer.rounding import NoPointLeftError, nearest
from optimizer.space import Points, UnitSpace, key_of
from optimizer.spending import thrift_of
from optimizer.success import Success, success_of

__all__ = ["BoTorchLearner"]

_POOL = 384
_NEAR = 64
_BEST = 3
_FRONT = 12
"""Trials around which it is looked: the three best, or up to so many that are equal, as those of a front are."""
_STARTS = 4
_CLOUD = 48
_STEPS_BACK = 17
"""Places between the start of a search and its end at which it is looked whether the hard constraints permit them."""
_ROUNDED = 48
"""Points of the pool that are rounded where there are hard constraints: rounding may leave what they permit."""


class BoTorchLearner:
    """A Gaussian process for each metric, and noisy expected improvement under all constraints."""

    def wish(self, evidence: Evidence, seed: int) -> Wish:
        with _numerics(seed):
            model = fit(evidence)
            sought = _sought(evidence, model, seed)
            return _wish(evidence, model, sought, _maximise(sought.weighted, evidence, seed))

    def permitted_wish(self, evidence: Evidence, seed: int) -> Wish:
        """As `wish`, of what the hard outcome constraints permit: rounded, and with what is predicted there.

        Raises:
            NoPermittedTrialError: They permit nothing.
            NumericalFailureError: The numerics gave up.
        """
        with _numerics(seed):
            model = fit(evidence)
            hard = Hard(evidence, model)
            sought = _sought(evidence, model, seed)
            point = _maximise_permitted(sought.weighted, evidence, hard, seed)
            return _wish(evidence, model, sought, point, hard.said(point))


@contextmanager
def _numerics(seed: int) -> Iterator[None]:
    with single_thread(), seeded(seed):
        try:
            yield
        except NUMERICAL_ERRORS as error:
            raise NumericalFailureError(f"BoTorch stopped with {type(error).__name__}") from error


@dataclass(frozen=True)
class _Sought:
    """What is made large, with the parts of it that are told."""

    plain: AcquisitionFunction
    weighted: AcquisitionFunction
    success: Success | None


def _sought(evidence: Evidence, model: ModelListGP, seed: int) -> _Sought:
    plain, success = acquisition_of(evidence, model, seed), success_of(evidence)
    return _Sought(plain, weighted(plain, success, thrift_of(evidence)), success)


def _wish(evidence: Evidence, model: ModelListGP, sought: _Sought, point: Points, said: str = "") -> Wish:
    return Wish(point, lambda place: _forecast(evidence, model, sought, place), said)


def _forecast(evidence: Evidence, model: ModelListGP, sought: _Sought, point: Points) -> Forecast:
    """What the models say at ``point``, shape ``(d,)``."""
    with _numerics(0), torch.no_grad():
        here = model.posterior(tensor(point[None, :]))
        measured = model.posterior(tensor(point[None, :]), observation_noise=True)
        value, plain = (float(_values(each, point[None, :])[0]) for each in (sought.weighted, sought.plain))
        return Forecast(
            problem=evidence.problem,
            means=here.mean[0].numpy(),
            deviations=here.variance[0].clamp_min(0.0).sqrt().numpy(),
            known=model.posterior(tensor(evidence.points)).mean.numpy(),
            noises=(measured.variance - here.variance)[0].clamp_min(0.0).sqrt().numpy(),
            acquisition=value,
            gain=math.exp(min(plain, 700.0)) * improvement_scale(evidence),
            success=None if sought.success is None else float(sought.success(point[None, :])[0]),
        )


def _maximise(acquisition: AcquisitionFunction, evidence: Evidence, seed: int) -> Points:
    """The best rounded point that is not taken. Shape ``(d,)``."""
    unit = evidence.unit
    found = best_of_whole(lambda points: _values(acquisition, points), evidence, _POOL)
    if found is not None:
        return found
    losses = np.where(evidence.possible, evidence.losses, np.inf)
    pool = on_grid(evidence, np.vstack([feasible_draws(unit, seed, _POOL), _near(evidence, losses, seed)]))
    starts = pool[np.argsort(-_values(acquisition, pool), kind="stable")[:_STARTS]]
    finalists = [*starts, *_refined(acquisition, unit, starts, seed)]
    rounded = np.array(list(_rounded(evidence, finalists, seed)))
    if len(rounded) == 0:
        return starts[0]  # every point is taken: the engine says so, and allows a repeat
    values = _values(acquisition, rounded)
    best, value = rounded[int(np.argmax(values))], float(values.max())
    return walk(lambda points: _values(acquisition, points), evidence, best, value)


def _maximise_permitted(acquisition: AcquisitionFunction, evidence: Evidence, hard: Hard, seed: int) -> Points:
    """The best rounded point that the hard constraints permit; one that was tried before where no other is. ``(d,)``

    Raises:
        NoPermittedTrialError: They permit none.
    """
    unit = evidence.unit
    places = [feasible_draws(unit, seed, _POOL), _near(evidence, evidence.losses, seed)]
    pool = np.vstack([*places, _near(evidence, hard.worst(evidence.points), seed)])
    permitted = pool[hard.permits(pool)]
    order = permitted[np.argsort(-_values(acquisition, permitted), kind="stable")] if len(permitted) else permitted
    finalists = [*_refined_permitted(acquisition, unit, order[:_STARTS], hard, seed), *order[:_ROUNDED]]
    rounded = np.array(list(_rounded(evidence, finalists, seed))).reshape(-1, unit.d)
    repeats = np.array([x for x in evidence.points if key_of(unit.decode(x)) not in evidence.forbidden])
    for candidates in (rounded, repeats.reshape(-1, unit.d)):
        best = permitted_point(hard, candidates, lambda points: _values(acquisition, points))
        if best is not None:
            return best
    raise hard.refusal(np.vstack([pool, evidence.points]))


def _refined(acquisition: AcquisitionFunction, unit: UnitSpace, starts: Points, seed: int) -> Iterator[Points]:
    """Points that a search from ``starts`` has found, each in its branch of the space."""
    left = np.ones(len(starts), dtype=bool)
    for branch in branches_of(unit):
        inside = left & branch.holds(starts)
        left &= ~inside
        if not inside.any() or branch.unit.d == 0:
            continue
        found = _refined_within(_within(acquisition, branch), branch.unit, branch.lower(starts[inside]), seed)
        yield from (branch.lift(point[None, :])[0] for point in found)


def _within(acquisition: AcquisitionFunction, branch: Branch) -> AcquisitionFunction:
    """The acquisition function over the cube of a branch."""
    if len(branch.still) == 0:
        return acquisition
    d = len(branch.free) + len(branch.still)
    return FixedFeatureAcquisitionFunction(acquisition, d, branch.still.tolist(), branch.anchor.tolist())


def _refined_within(acquisition: AcquisitionFunction, unit: UnitSpace, starts: Points, seed: int) -> Iterator[Points]:
    """The same in an ordinary space. A nonlinear equality has no interior to search in."""
    if any(constraint.relation == "==" and not is_straight(unit, constraint) for constraint in unit.constraints):
        return _refined_by_clouds(starts, seed, unit, lambda points: _values(acquisition, points))
    return _refined_by_gradient(acquisition, unit, starts, seed)


def _refined_permitted(
    acquisition: AcquisitionFunction, unit: UnitSpace, starts: Points, hard: Hard, seed: int
) -> Iterator[Points]:
    """Points that a search from permitted ``starts`` has found: what leads beyond is cut back, then refined nearby."""

    def value(points: Points) -> Points:
        return np.where(hard.permits(points), _values(acquisition, points), -np.inf)

    for end in _refined(acquisition, unit, starts, seed):
        start = starts[int(np.argmin(np.abs(starts - end).sum(axis=1)))]
        way = start + np.linspace(1.0, 0.0, _STEPS_BACK)[:, None] * (end - start)
        way = way[unit.feasible(way)]
        yield way[int(np.argmax(value(way)))] if len(way) else start
    yield from _refined_by_clouds(starts, seed, unit, value)


def _values(acquisition: AcquisitionFunction, points: Points) -> Points:
    """Acquisition at each of ``points``, shape ``(n, d)``. Shape ``(n,)``."""
    with torch.no_grad():
        return acquisition(tensor(points).unsqueeze(1)).numpy()


def _rounded(evidence: Evidence, finalists: list[Points], seed: int) -> Iterator[Points]:
    for finalist in finalists:
        try:
            yield evidence.unit.encode(nearest(evidence.unit, finalist, avoid=evidence.taken, seed=seed))
        except NoPointLeftError:
            return


def _near(evidence: Evidence, losses: Points, seed: int) -> Points:
    """Points around the trials with the least of ``losses`` (``(n,)``), moved onto the constraints: ``(m, d)``."""
    rng = np.random.default_rng(seed)
    count = max(_BEST, min(_FRONT, int((losses == losses.min()).sum())))
    best = evidence.points[np.argsort(losses, kind="stable")[:count]]
    centres = best[rng.integers(len(best), size=_NEAR)]
    radius = rng.choice([0.02, 0.05, 0.1], size=(_NEAR, 1))
    return _cloud(evidence.unit, centres, radius, rng)


def _cloud(unit: UnitSpace, centres: Points, radius: Points | float, rng: np.random.Generator) -> Points:
    moved = centres + radius * rng.standard_normal(centres.shape)
    fixed = [index for index, dimension in enumerate(unit.dimensions) if dimension.is_categorical]
    moved[:, fixed] = centres[:, fixed]
    moved = np.clip(moved, 0.0, 1.0)
    if unit.is_split:
        return _faces(unit, centres, moved, rng)
    if unit.constraints:
        inside = unit.feasible(moved)
        moved = np.array([point if keep else project(unit, point) for point, keep in zip(moved, inside, strict=True)])
        moved = moved[unit.feasible(moved)]
    return moved.reshape(-1, unit.d)


def _faces(unit: UnitSpace, centres: Points, moved: Points, rng: np.random.Generator) -> Points:
    """Each of ``moved`` (``(n, d)``) in a branch that holds its centre, and on its constraints: ``(m, d)``, m <= n."""
    branches = branches_of(unit)
    order = rng.permutation(len(branches))
    found, left = [np.zeros((0, unit.d))], np.ones(len(moved), dtype=bool)
    for branch in (branches[at] for at in order):
        inside = left & branch.holds(centres)
        left &= ~inside
        for point in branch.lower(moved[inside]):
            kept = point if branch.unit.feasible(point[None, :])[0] else project(branch.unit, point)
            found.append(branch.lift(kept[None, :]))
    kept = np.vstack(found)
    return kept[unit.feasible(kept)]


def _refined_by_clouds(
    starts: Points, seed: int, unit: UnitSpace, value_of: Callable[[Points], Points]
) -> Iterator[Points]:
    rng = np.random.default_rng(seed)
    for start in starts[:2]:
        best, value = start, value_of(start[None, :])[0]
        for radius in (0.1, 0.03, 0.01, 0.003):
            cloud = _cloud(unit, np.tile(best, (_CLOUD, 1)), radius, rng)
            if len(cloud) == 0:
                continue
            values = value_of(cloud)
            if values.max() > value:
                best, value = cloud[int(values.argmax())], values.max()
        yield best


def _refined_by_gradient(
    acquisition: AcquisitionFunction, unit: UnitSpace, starts: Points, seed: int
) -> Iterator[Points]:
    """Ends of a gradient search from each of ``starts``; those without constraints and of the same choices together.

    A search that leaves curved constraints, which BoTorch refuses, is replaced by one in clouds.
    """
    conditions = _Conditions(unit)
    categorical = [index for index, dimension in enumerate(unit.dimensions) if dimension.is_categorical]
    if len(categorical) == unit.d:
        return
    groups = dict[tuple[float, ...], list[Points]]()
    for at, start in enumerate(starts):
        if conditions.are_kept_strictly(start):
            alone = () if conditions.are_none else (float(at),)
            groups.setdefault((*start[categorical].tolist(), *alone), []).append(start)
    for key, group in groups.items():
        try:
            candidates, _ = optimize_acqf(
                acquisition,
                bounds=tensor(np.vstack([np.zeros(unit.d), np.ones(unit.d)])),
                q=1,
                num_restarts=len(group),
                batch_initial_conditions=tensor(np.array(group)).unsqueeze(1),
                fixed_features=dict(zip(categorical, key, strict=False)) or None,
                options={"batch_limit": len(group), "maxiter": 40},
                return_best_only=False,
                **conditions.arguments,
            )
        except CandidateGenerationError:
            yield from _refined_by_clouds(np.array(group), seed, unit, lambda points: _values(acquisition, points))
            continue
        yield from candidates.detach().numpy().reshape(-1, unit.d)


class _Conditions:
    """The constraints as `optimize_acqf` takes them."""

    def __init__(self, unit: UnitSpace) -> None:
        rows = polytope(unit)
        cut = slice(2 * unit.d, None)
        self._unit = unit
        self._rooms = [self._room(item) for item in unit.constraints if not is_straight(unit, item)]
        self.arguments: dict[str, Any] = {
            "inequality_constraints": [
                _sparse(-row, -limit) for row, limit in zip(rows.below[cut], rows.limits[cut], strict=True) if row.any()
            ]
            or None,
            "equality_constraints": [
                _sparse(row, level) for row, level in zip(rows.equal, rows.levels, strict=True) if row.any()
            ]
            or None,
            "nonlinear_inequality_constraints": [(room, True) for room in self._rooms] or None,
        }

    @property
    def are_none(self) -> bool:
        """True where there is nothing to keep but the bounds."""
        return not any(self.arguments.values())

    def are_kept_strictly(self, point: Points) -> bool:
        """True where ``point`` (shape ``(d,)``) is inside the nonlinear constraints, as the search needs it."""
        return all(float(room(tensor(point))) > 0.0 for room in self._rooms)

    def _room(self, constraint: CompiledConstraint) -> Callable[[Tensor], Tensor]:
        # unit.columns and the constraint use operators only, so tensors pass through them with their gradients.
        return lambda point: -constraint.excess(self._unit.columns(point))  # pyright: ignore[reportArgumentType] (a tensor)


def _sparse(row: Points, bound: float) -> tuple[Tensor, Tensor, float]:
    indices = np.flatnonzero(row)
    return torch.as_tensor(indices), tensor(row[indices]), float(bound)
