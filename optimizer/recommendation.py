"""Which trial to recommend when a campaign ends: not simply the luckiest measurement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from autolab.core.diagnoses import Diagnosis
from autolab.core.front import losses_of, middle_of, non_dominated
from autolab.core.problem import Problem
from autolab.core.proposing import UNLEARNED, EngineSpec, Observation, Recommendation
from autolab.core.trials import Estimate, Outcome
from optimizer.evidence import Evidence
from optimizer.learner import NumericalFailureError
from optimizer.routing import FEWEST, choose
from optimizer.space import Points

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

    Of trials that keep the outcome constraints, where any does. Where a front is sought it is the middle of the front,
    by `autolab.core.front.middle_of`. Deterministic.

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
    return replace(_modelled(evidence, belief.means, belief.deviations), diagnosis=belief.diagnosis)


def _is_lean(problem: Problem, engine: str | None) -> bool:
    if engine is None:
        return False
    return choose(problem, EngineSpec("auto" if engine in UNLEARNED else engine)).name == "lean"


def _measured(evidence: Evidence, reason: str) -> Recommendation:
    return _chosen(evidence, [outcome for _, outcome in evidence.usable], f"best {reason}")


@dataclass(frozen=True)
class _Belief:
    """Means and standard deviations at the outcomes, for each output: shapes ``(n, m)``."""

    means: Points
    deviations: Points
    diagnosis: Diagnosis | None


def _posterior(evidence: Evidence, seed: int) -> _Belief:
    """By BoTorch's models."""
    from optimizer.diagnosis import diagnose  # scipy's optimisers take a third of a second to import
    from optimizer.model import fit, fitted, tensor  # torch takes a second to import
    from optimizer.numerics import NUMERICAL_ERRORS, seeded, single_thread

    with single_thread(), seeded(seed):
        try:
            models = fit(evidence)
            posterior = models.posterior(tensor(evidence.points))
            parts = [
                fitted(m, cast("SingleTaskGP", each)) for m, each in zip(evidence.outputs, models.models, strict=True)
            ]
            diagnosis = diagnose(evidence, parts, "BoTorch's Gaussian process with a Matérn-5/2 kernel")
        except NUMERICAL_ERRORS as error:
            raise NumericalFailureError(type(error).__name__) from error
        deviations = posterior.variance.clamp_min(0.0).sqrt().detach().numpy()
        return _Belief(posterior.mean.detach().numpy(), deviations, diagnosis)


def _lean_posterior(evidence: Evidence) -> _Belief:
    """By the lean engine's models."""
    from optimizer.diagnosis import diagnose, of_lean  # scipy's optimisers take a third of a second to import
    from optimizer.lean_learner import model_of

    metrics = evidence.outputs
    models = {metric: model_of(evidence, metric, evidence.values(metric)) for metric in metrics}
    found = [models[metric].predict(evidence.points) for metric in metrics]
    means, deviations = (np.stack(part, axis=1) for part in zip(*found, strict=True))
    parts = [of_lean(metric, models[metric]) for metric in metrics]
    return _Belief(means, deviations, diagnose(evidence, parts, "lean's Gaussian process with a squared exponential"))


def _modelled(evidence: Evidence, modelled: Points, deviations: Points) -> Recommendation:
    metrics = evidence.outputs
    measured = np.stack([evidence.values(metric) for metric in metrics], axis=1)
    means = TRUST_IN_MODEL * modelled + (1.0 - TRUST_IN_MODEL) * measured
    means = np.where(_doubted(evidence), modelled, means)
    believed = [
        {metric: Estimate(float(mean), float(sd)) for metric, mean, sd in zip(metrics, row, sds, strict=True)}
        for row, sds in zip(means, deviations, strict=True)
    ]
    return _chosen(evidence, believed, f"best midway between its measurement and a model of {evidence.n} outcomes")


def _doubted(evidence: Evidence) -> NDArray[np.bool_]:
    """Which outcomes are doubted: of these the model alone is believed. Shape ``(n, m)``."""
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
    if problem.seeks_front:
        losses = [losses_of(problem, outcomes[row]) for row in rows]
        best = non_dominated(losses)
        front = tuple(evidence.usable[rows[at]][0].trial for at in best)
        row = rows[best[middle_of([losses[at] for at in best])]]
        reason = f"the middle of the front of {len(front)} trials, each {reason}"
    else:
        scores = [(problem.score(outcomes[row]), row) for row in rows]
        row = min(((problem.ranking.loss(score.value), row) for score, row in scores if score is not None))[1]
    observation, _ = evidence.usable[row]
    estimate = problem.score(outcomes[row]) or outcomes[row][problem.objective.metric]
    said = reason + _broken(evidence)
    return Recommendation(observation.trial, observation.values, estimate.value, estimate.sem, said, front)


def _broken(evidence: Evidence) -> str:
    if evidence.keeps_constraints.any():
        return ""
    broken = " and ".join(str(constraint) for constraint in evidence.problem.outcome_constraints)
    return f"; no trial keeps {broken}"
