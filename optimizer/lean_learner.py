"""The lean learner: an exact Gaussian process and noisy expected improvement in closed form, without torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.special import ndtr

from autolab.core.objectives import OutcomeConstraint
from optimizer.evidence import Evidence
from optimizer.lean_acquisition import Conditioned, Limit, NoisyImprovement, promising
from optimizer.lean_model import Features, Hyperparameters, LeanModel
from optimizer.lean_search import Surface, maximise
from optimizer.learner import Forecast, NumericalFailureError, Wish
from optimizer.outliers import noises_of
from optimizer.space import Points
from optimizer.spending import thrift_of
from optimizer.success import success_of
from optimizer.weighting import weighted

__all__ = ["LeanLearner", "model_of", "settled"]

_EACH = 128
"""Outcomes up to which each new one is fitted to."""


class LeanLearner:
    """A Gaussian process for each metric, and noisy expected improvement under linear and outcome constraints."""

    def wish(self, evidence: Evidence, seed: int) -> Wish:
        with _numerics():
            models, success = _models(evidence), success_of(evidence)
            surface = weighted(_acquisition(evidence, models), success, thrift_of(evidence))

            def foresee(point: Points) -> Forecast:
                known = None if success is None else float(success(point[None, :])[0])
                return replace(_forecast(evidence, models, surface, point), success=known)

            return Wish(maximise(surface, evidence, seed), foresee)


@contextmanager
def _numerics() -> Iterator[None]:
    try:
        yield
    except (np.linalg.LinAlgError, FloatingPointError) as error:
        raise NumericalFailureError(f"the lean model stopped with {type(error).__name__}") from error


def model_of(evidence: Evidence, metric: str, values: Points) -> LeanModel:
    """The model of ``values`` of ``metric`` (or of their losses), one for each usable outcome, shape ``(n,)``.

    Up to `_EACH` outcomes the hyperparameters are fitted to all of them. From then on they are those of the outcomes up
    to the last multiple of a growing step, in the order of their trials: they hardly move any more, and the answer
    still depends on the request alone.

    Raises:
        NumericalFailureError: The numerics gave up.
    """
    features = Features.of(evidence.unit)
    count, known = settled(evidence.n), noises_of(evidence, metric)
    hyperparameters = _fitted(
        tuple(None if not dim.is_categorical else dim.size for dim in evidence.unit.dimensions),
        tuple((at, dim.table.tobytes()) for at, dim in enumerate(evidence.unit.dimensions) if dim.table is not None),
        evidence.points[:count].tobytes(),
        values[:count].tobytes(),
        None if known is None else known[:count].tobytes(),
    )
    return LeanModel(features, evidence.points, values, hyperparameters, known)


def settled(n: int) -> int:
    """Outcomes, of ``n``, to which the hyperparameters are fitted."""
    if n <= _EACH:
        return n
    step = 4 if n <= 2 * _EACH else 16
    return n - n % step


@lru_cache(maxsize=32)
def _fitted(
    choices: tuple[int | None, ...],
    tables: tuple[tuple[int, bytes], ...],
    points: bytes,
    values: bytes,
    known: bytes | None,
) -> Hyperparameters:
    """`optimizer.lean_model.fit`, remembered: a trial in flight changes the request, and not the fit."""
    described = {at: np.frombuffer(table).reshape(choices[at] or 0, -1) for at, table in tables}
    features = Features([None if size is None else np.linspace(0.0, 1.0, size) for size in choices], described)
    found = np.frombuffer(values)
    noises = None if known is None else np.frombuffer(known)
    return LeanModel(features, np.frombuffer(points).reshape(len(found), -1), found, known=noises).hyperparameters


def _models(evidence: Evidence) -> dict[str, LeanModel]:
    """A model of each metric; where the objective's is made large, of its loss."""
    objective = evidence.problem.objective
    values = evidence.values(objective.metric) if objective.goal == "target" else evidence.losses
    model = model_of(evidence, objective.metric, values)
    others = dict.fromkeys(metric for metric in evidence.outputs if metric != objective.metric)
    return {m: model_of(evidence, m, evidence.values(m)) for m in others} | {objective.metric: model}


def _forecast(evidence: Evidence, models: dict[str, LeanModel], surface: Surface, point: Points) -> Forecast:
    """What the models say at ``point``, shape ``(d,)``."""
    objective, metrics = evidence.problem.objective, evidence.outputs
    signs = np.array([-1.0 if m == objective.metric and objective.goal == "maximize" else 1.0 for m in metrics])
    ordered = [models[metric] for metric in metrics]
    with _numerics():
        here = [model.predict(point[None, :]) for model in ordered]
        return Forecast(
            problem=evidence.problem,
            means=signs * np.array([float(mean[0]) for mean, _ in here]),
            deviations=np.array([float(deviation[0]) for _, deviation in here]),
            known=signs * np.stack([model.centre + model.scale * model.means for model in ordered], axis=1),
            noises=np.array([model.scale * math.sqrt(model.hyperparameters.noise) for model in ordered]),
            acquisition=float(surface(point[None, :])[0]),
        )


def _acquisition(evidence: Evidence, models: dict[str, LeanModel]) -> NoisyImprovement:
    objective, pending = evidence.problem.objective, evidence.pending_points
    model = models[objective.metric]
    target = model.standardised(float(objective.target or 0.0)) if objective.goal == "target" else None
    bounds = evidence.problem.outcome_constraints
    is_limited = bool(bounds) or not evidence.possible.all()
    rows = promising(model, target, _odds(evidence, models) * evidence.possible if is_limited else None)
    processes = {
        metric: Conditioned(each, pending, rows, stream)
        for stream, (metric, each) in enumerate(sorted(models.items(), key=lambda item: item[0] != objective.metric))
    }
    limits = [Limit(processes[bound.metric], *_side(evidence, bound, models[bound.metric])) for bound in bounds]
    return NoisyImprovement(processes[objective.metric], limits, target)


def _side(evidence: Evidence, bound: OutcomeConstraint, model: LeanModel) -> tuple[float, float]:
    """Sign and standardised bound, in terms of what ``model`` is of: the loss, for the metric that is maximised."""
    objective = evidence.problem.objective
    sign = 1.0 if bound.relation == "<=" else -1.0
    if bound.metric == objective.metric and objective.goal == "maximize":
        return -sign, model.standardised(-bound.bound)
    return sign, model.standardised(bound.bound)


def _odds(evidence: Evidence, models: dict[str, LeanModel]) -> Points:
    """Chance of each outcome to keep all outcome constraints, were its noise taken away. Shape ``(n,)``."""
    odds = np.ones(evidence.n)
    for bound in evidence.problem.outcome_constraints:
        model = models[bound.metric]
        sign, level = _side(evidence, bound, model)
        odds *= ndtr(sign * (level - model.means) / np.sqrt(np.maximum(model.variances, 1e-16)))
    return odds
