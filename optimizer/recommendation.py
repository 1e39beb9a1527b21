"""Which trial to recommend when a campaign ends: not simply the luckiest measurement."""

from __future__ import annotations

import numpy as np

from autolab.core.problem import Problem
from autolab.core.proposing import Observation, Recommendation
from optimizer.evidence import Evidence
from optimizer.space import Points

__all__ = ["Recommendation", "recommend"]

_FEWEST = 5
"""Outcomes from which a model is believed."""


TRUST_IN_MODEL = 0.5
"""Weight of the model against the measurement of the trial itself.

A model takes what it cannot explain for noise, and part of that is the real roughness of the response. The figures are
in docs/explanation/decisions/0007-recommend-midway-between-model-and-measurement.md.
"""


def recommend(
    problem: Problem, observations: tuple[Observation, ...], seed: int = 0, *, with_model: bool = True
) -> Recommendation | None:
    """The observed trial that is best: midway between model and measurement from 5 outcomes on, as measured below that.

    Of trials that keep the outcome constraints, where any does. Deterministic.

    Args:
        problem: The problem; its objective decides what is best.
        observations: All finished trials.
        seed: Seed of the model's fit (it restarts from random places where the first fit fails).
        with_model: False recommends the best as measured, and imports no torch.

    Returns:
        None where no trial has a usable outcome.
    """
    evidence = Evidence(problem, observations, ())
    if evidence.n == 0:
        return None
    if not with_model:
        return _measured(evidence, "best as measured")
    if evidence.n < _FEWEST:
        return _measured(evidence, f"best as measured: {evidence.n} outcomes are too few for a model")
    if evidence.unit.d == 0 or np.ptp(evidence.losses) == 0.0:
        return _measured(evidence, "best as measured: the outcomes differ in nothing that a model could learn")
    return _modelled(evidence, seed)


def _measured(evidence: Evidence, reason: str) -> Recommendation:
    observation, outcome = evidence.usable[evidence.incumbent]
    estimate = outcome[evidence.problem.objective.metric]
    return Recommendation(
        observation.trial, observation.values, estimate.value, estimate.sem, reason + _broken(evidence)
    )


def _modelled(evidence: Evidence, seed: int) -> Recommendation:
    from optimizer.model import fit, metrics_of, tensor  # torch takes a second to import
    from optimizer.numerics import NUMERICAL_ERRORS, seeded, single_thread

    with single_thread(), seeded(seed):
        try:
            posterior = fit(evidence).posterior(tensor(evidence.points))
        except NUMERICAL_ERRORS as error:
            return _measured(evidence, f"best as measured: the model failed with {type(error).__name__}")
        modelled = posterior.mean.detach().numpy()
        deviations = posterior.variance.clamp_min(0.0).sqrt().detach().numpy()
    measured = np.stack([evidence.values(metric) for metric in metrics_of(evidence)], axis=1)
    means = TRUST_IN_MODEL * modelled + (1.0 - TRUST_IN_MODEL) * measured
    row = _best(evidence, means)
    observation, _ = evidence.usable[row]
    return Recommendation(
        trial=observation.trial,
        values=observation.values,
        mean=float(means[row, 0]),
        sem=float(deviations[row, 0]),
        reason=f"best midway between its measurement and a model of {evidence.n} outcomes" + _broken(evidence),
    )


def _best(evidence: Evidence, means: Points) -> int:
    """Row of the least expected loss among the rows expected to keep the outcome constraints. ``means``: ``(n, m)``."""
    objective = evidence.problem.objective
    losses = np.array([objective.loss(float(mean)) for mean in means[:, 0]])
    keeps = evidence.keeps_constraints.copy()
    for index, constraint in enumerate(evidence.problem.outcome_constraints, start=1):
        keeps &= np.array([constraint.holds(float(mean)) for mean in means[:, index]], dtype=bool)
    if not keeps.any():
        keeps = evidence.keeps_constraints
    return int(np.argmin(np.where(keeps, losses, np.inf) if keeps.any() else losses))


def _broken(evidence: Evidence) -> str:
    if evidence.keeps_constraints.any():
        return ""
    broken = " and ".join(str(constraint) for constraint in evidence.problem.outcome_constraints)
    return f"; no trial keeps {broken}"
