"""BoTorch as a learner, for what Ax's client cannot express: equalities, nonlinear constraints, steps on log scales.

The acquisition function is noisy expected improvement in its logarithmic form [Ament2023logei]_ with the trials in
flight as pending points and the outcome constraints as probabilities of keeping them. It is maximised in three stages:

1. a pool of points that fill the feasible part of the space, and some around the best trials;
2. gradient search from the best of them under the constraints (`optimize_acqf`), unordered choices held fixed; a
   nonlinear equality has no interior to search in, so there the pool is refined by clouds of projected points;
3. rounding of all finalists to the hardware, and the best *rounded* point wins.

.. [Ament2023logei] S. Ament, S. Daulton, D. Eriksson, M. Balandat, E. Bakshy, Unexpected improvements to expected
   improvement for Bayesian optimization, NeurIPS 2023.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.objective import GenericMCObjective
from botorch.models import ModelListGP
from botorch.optim import optimize_acqf
from botorch.sampling import SobolQMCNormalSampler
from torch import Tensor

from autolab.core.objectives import Objective, OutcomeConstraint
from optimizer.design import feasible_draws
from optimizer.evidence import Evidence
from optimizer.expressions import CompiledConstraint
from optimizer.learner import NumericalFailureError
from optimizer.model import fit, tensor
from optimizer.numerics import NUMERICAL_ERRORS, seeded, single_thread
from optimizer.polytope import is_straight, polytope
from optimizer.projection import project
from optimizer.rounding import NoPointLeftError, nearest
from optimizer.space import Points, UnitSpace

__all__ = ["BoTorchLearner"]

_POOL = 384
_NEAR = 64
_STARTS = 4
_SAMPLES = 128
_CLOUD = 48


class BoTorchLearner:
    """A Gaussian process for each metric, and noisy expected improvement under all constraints."""

    def wish(self, evidence: Evidence, seed: int) -> Points:
        with single_thread(), seeded(seed):
            try:
                acquisition = _acquisition(evidence, fit(evidence), seed)
                return _maximise(acquisition, evidence, seed)
            except NUMERICAL_ERRORS as error:
                raise NumericalFailureError(f"BoTorch stopped with {type(error).__name__}") from error


def _acquisition(evidence: Evidence, model: ModelListGP, seed: int) -> AcquisitionFunction:
    scale = float(evidence.losses.std()) or 1.0
    pending = evidence.pending_points
    constraints = evidence.problem.outcome_constraints
    return qLogNoisyExpectedImprovement(
        model=model,
        X_baseline=tensor(evidence.points),
        sampler=SobolQMCNormalSampler(torch.Size([_SAMPLES]), seed=seed % 2**31),
        objective=GenericMCObjective(_gain(evidence.problem.objective, scale)),
        X_pending=tensor(pending) if len(pending) else None,
        constraints=[_breach(evidence, index, item) for index, item in enumerate(constraints, start=1)] or None,
    )


def _gain(objective: Objective, scale: float) -> Callable[..., Tensor]:
    """The number to make large, in standard deviations of the losses seen: samples ``(..., m)`` to ``(...)``."""

    def gain(samples: Tensor, X: Tensor | None = None) -> Tensor:  # noqa: ARG001, N803 (BoTorch passes X by name)
        value = samples[..., 0]
        if objective.goal == "minimize":
            return -value / scale
        if objective.goal == "maximize":
            return value / scale
        return -(value - float(objective.target or 0.0)).abs() / scale

    return gain


def _breach(evidence: Evidence, index: int, constraint: OutcomeConstraint) -> Callable[[Tensor], Tensor]:
    """How far samples ``(..., m)`` are beyond an outcome constraint, in standard deviations: at most 0 where kept."""
    sign = 1.0 if constraint.relation == "<=" else -1.0
    scale = float(evidence.values(constraint.metric).std()) or 1.0
    return lambda samples: sign * (samples[..., index] - constraint.bound) / scale


def _maximise(acquisition: AcquisitionFunction, evidence: Evidence, seed: int) -> Points:
    """The best rounded point that is not taken. Shape ``(d,)``."""
    unit = evidence.unit
    pool = np.vstack([feasible_draws(unit, seed, _POOL), _near_best(evidence, seed)])
    starts = pool[np.argsort(-_values(acquisition, pool), kind="stable")[:_STARTS]]
    if any(constraint.relation == "==" and not is_straight(unit, constraint) for constraint in unit.constraints):
        finalists = [*starts, *_refined_by_clouds(acquisition, unit, starts, seed)]
    else:
        finalists = [*starts, *_refined_by_gradient(acquisition, unit, starts)]
    rounded = np.array(list(_rounded(evidence, finalists, seed)))
    if len(rounded) == 0:
        return starts[0]  # every point is taken: the engine says so, and allows a repeat
    return rounded[int(np.argmax(_values(acquisition, rounded)))]


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


def _near_best(evidence: Evidence, seed: int) -> Points:
    """Points around the three best trials, moved onto the constraints. Shape ``(n, d)``."""
    rng = np.random.default_rng(seed)
    best = evidence.points[np.argsort(evidence.losses, kind="stable")[:3]]
    centres = best[rng.integers(len(best), size=_NEAR)]
    radius = rng.choice([0.02, 0.05, 0.1], size=(_NEAR, 1))
    return _cloud(evidence.unit, centres, radius, rng)


def _cloud(unit: UnitSpace, centres: Points, radius: Points | float, rng: np.random.Generator) -> Points:
    moved = centres + radius * rng.standard_normal(centres.shape)
    fixed = [index for index, dimension in enumerate(unit.dimensions) if dimension.is_categorical]
    moved[:, fixed] = centres[:, fixed]
    moved = np.clip(moved, 0.0, 1.0)
    if unit.constraints:
        inside = unit.feasible(moved)
        moved = np.array([point if keep else project(unit, point) for point, keep in zip(moved, inside, strict=True)])
        moved = moved[unit.feasible(moved)]
    return moved.reshape(-1, unit.d)


def _refined_by_clouds(
    acquisition: AcquisitionFunction, unit: UnitSpace, starts: Points, seed: int
) -> Iterator[Points]:
    rng = np.random.default_rng(seed)
    for start in starts[:2]:
        best, value = start, _values(acquisition, start[None, :])[0]
        for radius in (0.1, 0.03, 0.01, 0.003):
            cloud = _cloud(unit, np.tile(best, (_CLOUD, 1)), radius, rng)
            if len(cloud) == 0:
                continue
            values = _values(acquisition, cloud)
            if values.max() > value:
                best, value = cloud[int(values.argmax())], values.max()
        yield best


def _refined_by_gradient(acquisition: AcquisitionFunction, unit: UnitSpace, starts: Points) -> Iterator[Points]:
    conditions = _Conditions(unit)
    bounds = tensor(np.vstack([np.zeros(unit.d), np.ones(unit.d)]))
    categorical = [index for index, dimension in enumerate(unit.dimensions) if dimension.is_categorical]
    if len(categorical) == unit.d:
        return
    for start in starts:
        if not conditions.are_kept_strictly(start):
            continue
        candidate, _ = optimize_acqf(
            acquisition,
            bounds=bounds,
            q=1,
            num_restarts=1,
            batch_initial_conditions=tensor(start)[None, None, :],
            fixed_features={index: float(start[index]) for index in categorical} or None,
            options={"batch_limit": 1, "maxiter": 40},
            **conditions.arguments,
        )
        yield candidate.detach().numpy()[0]


class _Conditions:
    """The constraints as `optimize_acqf` takes them."""

    def __init__(self, unit: UnitSpace) -> None:
        rows = polytope(unit)
        cut = slice(2 * unit.d, None)
        self._unit = unit
        self._bent = [item for item in unit.constraints if not is_straight(unit, item)]
        self.arguments: dict[str, Any] = {
            "inequality_constraints": [
                _sparse(-row, -limit) for row, limit in zip(rows.below[cut], rows.limits[cut], strict=True) if row.any()
            ]
            or None,
            "equality_constraints": [
                _sparse(row, level) for row, level in zip(rows.equal, rows.levels, strict=True) if row.any()
            ]
            or None,
            "nonlinear_inequality_constraints": [(self._room(item), True) for item in self._bent] or None,
        }

    def are_kept_strictly(self, point: Points) -> bool:
        """True where ``point`` (shape ``(d,)``) is inside the nonlinear constraints, as the search needs it."""
        return all(float(self._room(item)(tensor(point))) > 0.0 for item in self._bent)

    def _room(self, constraint: CompiledConstraint) -> Callable[[Tensor], Tensor]:
        # unit.columns and the constraint use operators only, so tensors pass through them with their gradients.
        return lambda point: -constraint.excess(self._unit.columns(point))  # pyright: ignore[reportArgumentType] (a tensor)


def _sparse(row: Points, bound: float) -> tuple[Tensor, Tensor, float]:
    indices = np.flatnonzero(row)
    return torch.as_tensor(indices), tensor(row[indices]), float(bound)
