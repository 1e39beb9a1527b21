"""Which trial to recommend when a campaign ends: not simply the luckiest measurement."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from autolab.core.diagnoses import Diagnosis
from autolab.core.front import losses_of, middle_of, non_dominated
from autolab.core.problem import Problem
from autolab.core.proposing import ADAPTIVE, RANKED, UNLEARNED, EngineSpec, Observation, Recommendation
from autolab.core.trials import Estimate, Outcome
from optimizer.evidence import Evidence
from optimizer.learner import NumericalFailureError
from optimizer.routing import FEWEST, choose
from optimizer.slices import Predict, slices_through
from optimizer.space import Key, Points, key_of

if TYPE_CHECKING:
    from botorch.models import SingleTaskGP

__all__ = ["Recommendation", "recommend"]

TRUST_IN_MODEL = 0.5
"""Weight of the model against the measurement of the trial itself.

A model takes what it cannot explain for noise, and part of that is the real roughness of the response. The figures are
in docs/explanation/decisions/0007-recommend-midway-between-model-and-measurement.md.
"""


def recommend(
    problem: Problem,
    observations: tuple[Observation, ...],
    seed: int = 0,
    *,
    engine: str | None = None,
    with_model: bool = True,
) -> Recommendation | None:
    """The observed trial that is best: midway between model and measurement from 5 outcomes on, as measured below that.

    Trials of one recipe are judged by the mean of their measurements, and the first of them is named: else the luckiest
    of its repeats would speak for it. Of trials that keep the outcome constraints, where any does. Where a front is
    sought it is the middle of the front, by `autolab.core.front.middle_of`. Deterministic.

    Args:
        problem: The problem; its objective decides what is best.
        observations: All finished trials.
        seed: Seed of the model's fit (it restarts from random places where the first fit fails).
        engine: Engine of the campaign: where ``lean`` serves it, its model is used and no torch is imported. So it is
            for an engine without a model, where ``auto`` would take ``lean``.
        with_model: False recommends the best as measured, and imports no torch.

    Returns:
        None where no trial has a usable outcome.
    """
    evidence = Evidence(problem, observations, ())
    if evidence.n == 0:
        return None
    if not with_model:
        return _measured(evidence, "as measured")
    if evidence.n < FEWEST:
        return _measured(evidence, f"as measured: {evidence.n} outcomes are too few for a model")
    if evidence.unit.d == 0 or evidence.is_flat:
        return _measured(evidence, "as measured: the outcomes differ in nothing that a model could learn")
    try:
        belief = _lean_posterior(evidence) if _is_lean(problem, engine) else _posterior(evidence, seed)
    except NumericalFailureError as error:
        return _measured(evidence, f"as measured: the model failed with {error}")
    best = _modelled(evidence, belief.means, belief.deviations)
    return replace(best, diagnosis=_sliced(evidence, best, belief))


def _sliced(evidence: Evidence, best: Recommendation, belief: _Belief) -> Diagnosis | None:
    """The diagnosis, with slices of the models through the recommended trial."""
    if belief.diagnosis is None:
        return None
    try:
        slices = slices_through(evidence.unit, best.values, belief.predict)
    except NumericalFailureError:  # the model has served at the outcomes: a picture less is no reason to doubt it
        return belief.diagnosis
    metrics = (replace(one, slices=each) for one, each in zip(belief.diagnosis.metrics, slices, strict=True))
    return replace(belief.diagnosis, metrics=tuple(metrics))


def _is_lean(problem: Problem, engine: str | None) -> bool:
    if engine is None:
        return False
    return choose(problem, EngineSpec("auto" if engine in (*UNLEARNED, ADAPTIVE) else engine)).name == "lean"


def _measured(evidence: Evidence, reason: str) -> Recommendation:
    outcomes = [outcome for _, outcome in evidence.usable]
    for rows in _repeats(evidence):
        mean = _mean([outcomes[row] for row in rows], evidence.outputs)
        for row in rows:
            outcomes[row] = mean
    return _chosen(evidence, outcomes, f"best {reason}")


def _repeats(evidence: Evidence) -> list[list[int]]:
    """Rows of the usable outcomes of each recipe that was measured more than once."""
    rows: dict[Key, list[int]] = {}
    for row, (observation, _) in enumerate(evidence.usable):
        rows.setdefault(key_of(evidence.problem.space.settled(observation.values)), []).append(row)
    return [of_one for of_one in rows.values() if len(of_one) > 1]


def _mean(outcomes: list[Outcome], metrics: tuple[str, ...]) -> Outcome:
    """The mean of independent outcomes; of a metric it has a standard error where each of them has one."""
    found: dict[str, Estimate] = {}
    for metric in metrics:
        values, sems = zip(*((outcome[metric].value, outcome[metric].sem) for outcome in outcomes), strict=True)
        known = [sem for sem in sems if sem is not None]
        sem = math.hypot(*known) / len(values) if len(known) == len(values) else None
        found[metric] = Estimate(math.fsum(values) / len(values), sem)
    return found


@dataclass(frozen=True)
class _Belief:
    """Means and standard deviations at the outcomes, for each output: shapes ``(n, m)``."""

    means: Points
    deviations: Points
    predict: Predict
    """The models anywhere."""
    diagnosis: Diagnosis | None


def _posterior(evidence: Evidence, seed: int) -> _Belief:
    """By BoTorch's models."""
    from optimizer.diagnosis import diagnose  # scipy's optimisers take a third of a second to import
    from optimizer.model import fit, fitted, predicted  # torch takes a second to import
    from optimizer.numerics import NUMERICAL_ERRORS, seeded, single_thread

    with single_thread(), seeded(seed):
        try:
            models = fit(evidence)
            parts = [
                fitted(m, cast("SingleTaskGP", each)) for m, each in zip(evidence.outputs, models.models, strict=True)
            ]
            diagnosis = diagnose(evidence, parts, "BoTorch's Gaussian process with a Matérn-5/2 kernel")
        except NUMERICAL_ERRORS as error:
            raise NumericalFailureError(type(error).__name__) from error

    def predict(points: Points) -> tuple[Points, Points]:
        with single_thread():
            try:
                return predicted(models, points)
            except NUMERICAL_ERRORS as error:
                raise NumericalFailureError(type(error).__name__) from error

    return _Belief(*predict(evidence.points), predict, diagnosis)


def _lean_posterior(evidence: Evidence) -> _Belief:
    """By the lean engine's models."""
    from optimizer.diagnosis import diagnose, of_lean  # scipy's optimisers take a third of a second to import
    from optimizer.lean_learner import model_of

    metrics = evidence.outputs
    models = {metric: model_of(evidence, metric, evidence.values(metric)) for metric in metrics}

    def predict(points: Points) -> tuple[Points, Points]:
        found = [models[metric].predict(points) for metric in metrics]
        return np.stack([means for means, _ in found], axis=1), np.stack([sds for _, sds in found], axis=1)

    parts = [of_lean(metric, models[metric]) for metric in metrics]
    diagnosis = diagnose(evidence, parts, "lean's Gaussian process with a squared exponential")
    return _Belief(*predict(evidence.points), predict, diagnosis)


def _modelled(evidence: Evidence, modelled: Points, deviations: Points) -> Recommendation:
    metrics = evidence.outputs
    values = np.stack([evidence.values(metric) for metric in metrics], axis=1)
    measured = np.ma.masked_array(values, mask=_doubted(evidence))
    modelled, deviations = modelled.copy(), deviations.copy()
    for rows in _repeats(evidence):  # alike to the last bit: the first of them is named
        measured[rows] = measured[rows].mean(axis=0)
        modelled[rows], deviations[rows] = modelled[rows[0]], deviations[rows[0]]
    midway = TRUST_IN_MODEL * modelled + (1.0 - TRUST_IN_MODEL) * measured
    means = np.where(np.ma.getmaskarray(midway), modelled, np.ma.getdata(midway))
    believed = [
        {metric: Estimate(float(mean), float(sd)) for metric, mean, sd in zip(metrics, row, sds, strict=True)}
        for row, sds in zip(means, deviations, strict=True)
    ]
    return _chosen(evidence, believed, f"best midway between its measurement and a model of {evidence.n} outcomes")


def _doubted(evidence: Evidence) -> NDArray[np.bool_]:
    """Which outcomes are doubted: where no other is of their recipe, the model alone is believed. Shape ``(n, m)``."""
    from optimizer.outliers import doubts_of  # scipy's optimisers take a third of a second to import

    doubted = [{doubt.trial for doubt in doubts_of(evidence, metric)} for metric in evidence.outputs]
    return np.array([[seen.trial in trials for trials in doubted] for seen, _ in evidence.usable], dtype=bool)


def _chosen(evidence: Evidence, outcomes: list[Outcome], reason: str) -> Recommendation:
    """The best row by ``outcomes`` (one for each usable outcome), or the middle of their front."""
    problem = evidence.problem
    keeps = [all(c.holds(outcome[c.metric].value) for c in problem.outcome_constraints) for outcome in outcomes]
    keeps = keeps if any(keeps) else evidence.keeps_constraints.tolist()
    rows = [row for row, keep in enumerate(keeps) if keep or not any(keeps)]
    front: tuple[int, ...] = ()
    ranked: list[int] = []
    if problem.seeks_front:
        losses = [losses_of(problem, outcomes[row]) for row in rows]
        best = non_dominated(losses)
        front = tuple(evidence.usable[rows[at]][0].trial for at in best)
        row = rows[best[middle_of([losses[at] for at in best])]]
        reason = f"the middle of the front of {len(front)} trials, each {reason}"
    else:
        scores = [(problem.score(outcomes[row]), row) for row in rows]
        ranked = [row for _, row in sorted((problem.ranking.loss(s.value), row) for s, row in scores if s is not None)]
        row = ranked[0]
    observation, _ = evidence.usable[row]
    estimate = problem.score(outcomes[row]) or outcomes[row][problem.objective.metric]
    said = reason + _broken(evidence)
    trial, trials = observation.trial, _trials(evidence, ranked)
    return Recommendation(trial, observation.values, estimate.value, estimate.sem, said, front, ranked=trials)


def _trials(evidence: Evidence, rows: list[int]) -> tuple[int, ...]:
    """Numbers of the trials of ``rows``, the first one of each recipe."""
    recipes: dict[Key, int] = {}
    for row in rows:
        observation, _ = evidence.usable[row]
        recipes.setdefault(key_of(evidence.problem.space.settled(observation.values)), observation.trial)
    return tuple(islice(recipes.values(), RANKED))


def _broken(evidence: Evidence) -> str:
    if evidence.keeps_constraints.any():
        return ""
    broken = " and ".join(str(constraint) for constraint in evidence.problem.outcome_constraints)
    return f"; no trial keeps {broken}"
