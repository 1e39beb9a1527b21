"""Why a point is suggested, in numbers: from the forecast of the models that are fitted already.

The expected gain is the expected improvement [Jones1998ego]_ of the loss over the best trial. For a loss with the mean
``m`` and the standard deviation ``s``, over the best posterior mean ``b``::

    E[(b - loss)+] = s h(u),    u = (b - m) / s,    h(u) = phi(u) + u Phi(u)

The loss beside a target is the distance from it, and its improvement a tent: a second difference of ``h``. Were the
outcome exactly its mean, ``(b - m)+`` would be left; the rest is what there is to gain because the model does not know,
and its share of the whole is called the share of exploration. It is 0 where the model is sure, and 1 where the mean is
no better than the best trial. For a front, and for weights beside a target, there is no such form: the gain is then the
one that BoTorch's acquisition function gives.

.. [Jones1998ego] D. R. Jones, M. Schonlau, W. J. Welch, Efficient global optimization of expensive black-box functions,
   J. Global Optimization 13 (1998) 455.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from autolab.core.explanations import Explanation, Neighbour, Odds, Prediction
from autolab.core.front import hypervolume, non_dominated, reference_of
from autolab.core.parameters import ChoiceParameter, Values
from autolab.core.problem import Problem
from optimizer.evidence import Evidence
from optimizer.expressions import HOLDS_WITHIN, CompiledConstraint
from optimizer.learner import Forecast
from optimizer.space import Dimension, Points, UnitSpace

__all__ = ["explain"]

NEAREST = 3
"""Trials that are named as the nearest."""
_NUDGE = 1e-3
"""Fraction of the range of a continuous parameter that counts as a step of it."""
_TINY = 1e-12


def explain(evidence: Evidence, values: Values, forecast: Forecast | None, silent: str | None = None) -> Explanation:
    """Explain the suggestion of ``values``.

    Args:
        evidence: What was known.
        values: The point that is suggested.
        forecast: What the models say of it; None where there are none.
        silent: Why there is no forecast.
    """
    point = evidence.unit.encode(values)
    nearest, active = _nearest(evidence, point), (*_edges(evidence.unit, values), *_walls(evidence.unit, point))
    costs, before = evidence.problem.costs, evidence.before
    plain = Explanation(
        nearest=nearest,
        active=active,
        cost=None if costs is None else costs.of(values, before),
        cost_of_changes=0.0 if costs is None else costs.of_changes(values, before),
    )
    if forecast is None or not _is_finite(forecast):
        return replace(plain, silent=silent or "the model's numbers are not finite")
    odds = _odds(forecast)
    from optimizer.outliers import doubts_of  # scipy's optimisers take a third of a second to import

    success = _finite(forecast.success)
    chance = math.prod(each.probability for each in odds)
    gain, exploration = _gain(evidence, forecast, chance)
    return replace(
        plain,
        predictions=_predictions(forecast),
        odds=odds,
        acquisition=_finite(forecast.acquisition),
        gain=None if gain is None else _finite(gain * (1.0 if success is None else success)),
        exploration=_finite(exploration),
        success=success,
        doubted=tuple(doubt for metric in evidence.outputs for doubt in doubts_of(evidence, metric)),
    )


def _is_finite(forecast: Forecast) -> bool:
    parts = (forecast.means, forecast.deviations, forecast.known)
    return all(bool(np.isfinite(part).all()) for part in parts)


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _predictions(forecast: Forecast) -> tuple[Prediction, ...]:
    noises = [None] * len(forecast.means) if forecast.noises is None else [_finite(float(x)) for x in forecast.noises]
    rows = zip(forecast.problem.metrics, forecast.means, forecast.deviations, noises, strict=True)
    return tuple(Prediction(metric, float(mean), float(sd), noise) for metric, mean, sd, noise in rows)


def _odds(forecast: Forecast) -> tuple[Odds, ...]:
    metrics = forecast.problem.metrics
    found: list[Odds] = []
    for bound in forecast.problem.outcome_constraints:
        at = metrics.index(bound.metric)
        room = (bound.bound - forecast.means[at]) / max(forecast.deviations[at], _TINY)
        found.append(Odds(str(bound), _below(room if bound.relation == "<=" else -room)))
    return tuple(found)


# the gain


def _gain(evidence: Evidence, forecast: Forecast, chance: float) -> tuple[float | None, float | None]:
    """Expected gain with the chance of keeping the outcome constraints, and the share of it that is exploration."""
    kept = forecast.known[evidence.keeps_constraints]
    if len(kept) == 0:
        return None, None  # there is no best trial yet
    expected, certain = _improvements(evidence, forecast, kept)
    if expected is None:
        expected = None if forecast.gain is None else forecast.gain / max(chance, _TINY)
    if expected is None or not expected > 0.0:
        return (None if expected is None else 0.0), None
    return expected * chance, min(max(1.0 - certain / expected, 0.0), 1.0)


def _improvements(evidence: Evidence, forecast: Forecast, kept: Points) -> tuple[float | None, float]:
    """Expected improvement over the best of ``kept`` (None without a closed form), and that of the mean itself.

    Args:
        evidence: What was known.
        forecast: What is expected.
        kept: Posterior means of the trials that keep the outcome constraints. Shape ``(n, m)``.
    """
    problem = forecast.problem
    if problem.seeks_front:
        return None, _front_grows_by(evidence, forecast, kept)
    losses = [_loss(problem, row) for row in kept]
    best, here = min(losses), _loss(problem, forecast.means)
    certain = max(best - here, 0.0)
    targets = [objective for objective in problem.objectives if objective.goal == "target"]
    if targets and problem.others:
        return None, certain
    metrics = problem.metrics
    weights = [objective.weight or 1.0 for objective in problem.objectives]
    own = [forecast.deviations[metrics.index(objective.metric)] for objective in problem.objectives]
    deviation = max(math.hypot(*(weight * float(sd) for weight, sd in zip(weights, own, strict=True))), _TINY)
    if not targets:
        return deviation * _h((best - here) / deviation), certain
    tent = ((1.0, best), (-2.0, 0.0), (1.0, -best))
    return max(deviation * sum(weight * _h((edge - here) / deviation) for weight, edge in tent), 0.0), certain


def _loss(problem: Problem, row: Points) -> float:
    """The number to make small, of one row of means over the problem's metrics."""
    metrics = problem.metrics
    parts = ((o.weight or 1.0) * o.loss(float(row[metrics.index(o.metric)])) for o in problem.objectives)
    return math.fsum(parts)


def _front_grows_by(evidence: Evidence, forecast: Forecast, kept: Points) -> float:
    problem = forecast.problem
    columns = [(problem.metrics.index(objective.metric), objective) for objective in problem.objectives]
    seen = evidence.loss_table[evidence.keeps_constraints]
    reference = reference_of(problem, [tuple(row) for row in seen.tolist()])
    rows = [tuple(o.loss(float(row[at])) for at, o in columns) for row in (*kept, forecast.means)]
    front = [rows[at] for at in non_dominated(rows[:-1])]
    return hypervolume([*front, rows[-1]], reference) - hypervolume(front, reference)


def _h(u: float) -> float:
    return math.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi) + u * _below(u)


# the surroundings


def _nearest(evidence: Evidence, point: Points) -> tuple[Neighbour, ...]:
    others = [seen for seen in evidence.observations if seen.outcome is None and _is_of(evidence.unit, seen.values)]
    rows = [evidence.points, *(evidence.unit.encode(seen.values)[None, :] for seen in others)]
    trials = [*(seen.trial for seen, _ in evidence.usable), *(seen.trial for seen in others)]
    differences = np.abs(np.vstack(rows) - point)
    unordered = np.array([dimension.is_categorical for dimension in evidence.unit.dimensions], dtype=bool)
    differences[:, unordered] = differences[:, unordered] > 1e-9
    distances = np.sqrt((differences**2).sum(axis=1))
    found = sorted((float(distance), trial) for distance, trial in zip(distances, trials, strict=True))
    return tuple(Neighbour(trial, distance) for distance, trial in found[:NEAREST])


def _is_of(unit: UnitSpace, values: Values) -> bool:
    return set(values) == set(unit.space.names) and bool(np.isfinite(unit.encode(values)).all())


def _edges(unit: UnitSpace, values: Values) -> Iterator[str]:
    """The bounds of parameters on which a point lies."""
    for dimension in unit.dimensions:
        parameter = dimension.parameter
        if isinstance(parameter, ChoiceParameter):
            continue
        value = values[parameter.name]
        for side, bound in (("lower", parameter.lower), ("upper", parameter.upper)):
            if value == bound:
                yield f"{side} bound of {parameter.name}, {f'{bound:g} {parameter.unit}'.rstrip()}"


def _walls(unit: UnitSpace, point: Points) -> Iterator[str]:
    """The constraints that one step of some parameter would break; equalities always."""
    if not unit.constraints:
        return
    moved = np.array([row for at, dim in enumerate(unit.dimensions) for row in _moves(dim, point, at)])
    for constraint, written in zip(unit.constraints, unit.space.constraints, strict=True):
        if constraint.relation == "==" or (len(moved) and _breaks(unit, constraint, moved)):
            yield constraint.text + (f" ({written.because})" if written.because else "")


def _breaks(unit: UnitSpace, constraint: CompiledConstraint, moved: Points) -> bool:
    columns = unit.columns(moved)
    with np.errstate(all="ignore"):
        excess = np.asarray(constraint.excess(columns), dtype=float)
        return bool((excess > HOLDS_WITHIN * np.maximum(1.0, np.abs(constraint.bound(columns)))).any())


def _moves(dimension: Dimension, point: Points, at: int) -> Iterator[Points]:
    """The point with one coordinate a step up and a step down, whether or not that is within the bounds."""
    if dimension.is_categorical:
        return
    size = dimension.size
    step = _NUDGE if size is None or size < 2 or dimension.is_log else 1.0 / (size - 1)
    for change in (step, -step):
        moved = point.copy()
        moved[at] += change
        yield moved


def _below(u: float) -> float:
    """The probability of the standard normal distribution below ``u``."""
    from scipy.special import ndtr  # a quarter of a second to import, which engines without a model can do without

    return float(ndtr(u))
