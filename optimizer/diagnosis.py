"""How far a model can be trusted: each outcome predicted from the others, what each parameter does, what does not fit.

Leaving an outcome out of an exact Gaussian process needs no second fit [Rasmussen2006gaussian]_ (equations 5.10 to
5.12): with ``A`` the covariance of the outcomes, noise included, and ``r`` the outcomes without the constant mean::

    mean_i = y_i - [A^-1 r]_i / [A^-1]_ii,    variance_i = 1 / [A^-1]_ii

The hyperparameters and the mean stay as they were fitted to all outcomes. Importance is the total Sobol index of the
posterior mean, by Jansen's estimator [Saltelli2010variance]_, over the box of all bounds, also beyond constraints.

Misfits, each said where chance alone would hardly ever say it, were the model right:

- *blind*: the distances between outcomes do not go with those between points [Szekely2007distances]_;
- *outliers*: an outcome that is left out lies too many standard deviations away, for so many outcomes;
- *scale*: with each outcome left out in turn, a model of the logarithms gives it a larger density, by more than 4 in
  the logarithm of all, below which such differences mean little [Vehtari2017loo]_, and more than 2 standard errors;
- *drift*: a trend with the number of the trial explains what the model leaves.

.. [Rasmussen2006gaussian] C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press, 2006.
.. [Szekely2007distances] G. J. Székely, M. L. Rizzo, N. K. Bakirov, Measuring and testing dependence by correlation of
   distances, Ann. Statist. 35 (2007) 2769.
.. [Vehtari2017loo] A. Vehtari, A. Gelman, J. Gabry, Practical Bayesian model evaluation using leave-one-out
   cross-validation and WAIC, Statistics and Computing 27 (2017) 1413.
.. [Saltelli2010variance] A. Saltelli et al., Variance based sensitivity analysis of model output, Computer Physics
   Communications 181 (2010) 259, table 2 (f).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from autolab.core.diagnoses import ENOUGH, WIDTH, Diagnosis, LeftOut, MetricDiagnosis, Misfit, ParameterRole
from autolab.core.parameters import ChoiceParameter
from optimizer.cholesky import inverse_of_factor
from optimizer.evidence import Evidence
from optimizer.lean_model import Features, LeanModel, kernel
from optimizer.learner import NumericalFailureError
from optimizer.outliers import doubts_of
from optimizer.space import Dimension, Points, UnitSpace

__all__ = ["Fitted", "diagnose", "of_lean"]

_FEW = 0.2
"""Share of the outcomes that may lie far from the model; where more do, no more are looked for."""
_SOME = 0.5
"""Share of the variance above which a model is never said to be blind."""
_RARE = 0.005
"""Probability of what is said, on either side, were the model right; of any of the outliers."""
_DEPENDENT = 0.2
_SHUFFLES = 199
_MOST = 300
"""Outcomes that are looked at where the work grows faster than their number."""
_WIDE = 3.0
"""Ratio of largest to smallest outcome below which a logarithm is nearly a straight line."""
_BETTER = 4.0
_DRAWS = 512


@dataclass(frozen=True)
class Fitted:
    """What is asked of a fitted model of one metric. Values are standardised: ``value = centre + scale * y``."""

    metric: str
    y: Points
    """The outcomes, shape ``(n,)``."""
    weights: Points
    """Inverse covariance times what the mean leaves of the outcomes, shape ``(n,)``."""
    inverse: Points
    """Inverse covariance of the outcomes, noise included, shape ``(n, n)``."""
    centre: float
    scale: float
    noise: float
    """Variance of the noise."""
    lengthscales: Points | None
    """Shape ``(d,)``; None where the model has not one for each parameter."""
    mean_at: Callable[[Points], Points]
    """Posterior means at points ``(m, d)``, shape ``(m,)``, up to a factor and a constant."""


def of_lean(metric: str, model: LeanModel) -> Fitted:
    """What a diagnosis asks of lean's model of ``metric``."""
    root = inverse_of_factor(model.lower)
    return Fitted(
        metric=metric,
        y=model.y,
        weights=model.alpha,
        inverse=root.T @ root,
        centre=model.centre,
        scale=model.scale,
        noise=model.hyperparameters.noise,
        lengthscales=model.hyperparameters.lengthscales,
        mean_at=lambda points: kernel(model.scaled(points), model.rows) @ model.alpha,
    )


def diagnose(evidence: Evidence, fitted: Sequence[Fitted], model: str) -> Diagnosis | None:
    """Diagnose the models of a campaign; None where their numbers are not finite.

    Args:
        evidence: What they were fitted to.
        fitted: The models.
        model: What kind of model they are, in words.
    """
    found = tuple(_metric(evidence, each) for each in fitted)
    numbers = [x for each in found for x in (each.explained, each.covered, each.noise)]
    numbers += [x for each in found for out in each.left_out for x in (out.mean, out.sd)]
    return Diagnosis(model, found) if all(math.isfinite(number) for number in numbers) else None


def _metric(evidence: Evidence, fitted: Fitted) -> MetricDiagnosis:
    n = len(fitted.y)
    precision = fitted.inverse.diagonal()
    deviations, errors = 1.0 / np.sqrt(precision), fitted.weights / precision
    z = errors / deviations
    # Each outcome less the average of the others is n / (n - 1) times it less the average of all.
    plain = float(np.sum(((fitted.y - fitted.y.mean()) * n / (n - 1)) ** 2))
    explained = 1.0 - float(np.sum(errors**2)) / plain if plain > 0.0 else 0.0
    means = fitted.y - errors
    trials = [observation.trial for observation, _ in evidence.usable]
    values = evidence.values(fitted.metric)
    rows = zip(trials, values, fitted.centre + fitted.scale * means, fitted.scale * deviations, strict=True)
    return MetricDiagnosis(
        metric=fitted.metric,
        explained=explained,
        covered=float(np.mean(np.abs(z) <= WIDTH)),
        noise=fitted.scale * math.sqrt(fitted.noise),
        roles=_roles(evidence.unit, fitted),
        misfits=tuple(_misfits(evidence, fitted, z, explained)),
        left_out=tuple(LeftOut(trial, *(float(f"{x:.6g}") for x in row)) for trial, *row in rows),
    )


def _roles(unit: UnitSpace, fitted: Fitted) -> tuple[ParameterRole, ...]:
    from scipy.stats import qmc  # takes half a second to import

    draws = qmc.Sobol(2 * unit.d, scramble=True, rng=np.random.default_rng(3)).random(_DRAWS)
    for index, dimension in enumerate(unit.dimensions * 2):
        if dimension.is_categorical:
            draws[:, index] = dimension.grid[(draws[:, index] * len(dimension.grid)).astype(int)]
    one, other = draws[:, : unit.d], draws[:, unit.d :]
    values = fitted.mean_at(one)
    spread = float(values.var())
    found: list[ParameterRole] = []
    for index, dimension in enumerate(unit.dimensions):
        moved = one.copy()
        moved[:, index] = other[:, index]
        changes = float(np.mean((values - fitted.mean_at(moved)) ** 2)) / 2.0
        length = None if fitted.lengthscales is None or _is_described(dimension) else float(fitted.lengthscales[index])
        share = min(changes / spread, 1.0) if spread > 1e-12 else 0.0
        found.append(ParameterRole(dimension.parameter.name, share, length))
    return tuple(found)


def _is_described(dimension: Dimension) -> bool:
    """Whether a choice has descriptors, each with a lengthscale of its own."""
    return isinstance(dimension.parameter, ChoiceParameter) and bool(dimension.parameter.descriptors)


def _misfits(evidence: Evidence, fitted: Fitted, z: Points, explained: float) -> Iterator[Misfit]:
    n, metric = len(z), fitted.metric
    if n < ENOUGH:
        return
    trials = [observation.trial for observation, _ in evidence.usable]
    if explained < _SOME and not _depends(evidence, fitted.y):
        yield Misfit("blind", _blind(metric, n))
    doubted = {doubt.trial for doubt in doubts_of(evidence, metric)}
    far = tuple(sorted({*doubted, *(trials[row] for row in _far(evidence, metric, z))}))
    if far:
        yield Misfit("outliers", _outliers(metric, far) + _doubted(doubted), far)
    if _is_better_as_logarithm(evidence, metric):
        yield Misfit(
            "scale",
            f"a model of the logarithm predicts {metric} better, as it does where the scatter grows with the value. "
            f"Try a log scale: a reducer that gives the logarithm of {metric}",
        )
    rise = _rise(fitted, np.array(trials, dtype=float))
    if abs(rise) > -ndtri(_RARE):
        yield Misfit(
            "drift",
            f"{metric} {'rises' if rise > 0 else 'falls'} with the number of the trial, whatever the parameters: look "
            "for what ages, warms up or is used up, and repeat an early trial",
        )


def _blind(metric: str, n: int) -> str:
    return (
        f"{metric} hardly depends on any parameter, as far as {n} outcomes show. Check that what is varied reaches the "
        "sample and that the right thing is measured, repeat one trial to see the noise, or widen the bounds"
    )


def _outliers(metric: str, far: Sequence[int]) -> str:
    lies = "1 outcome lies" if len(far) == 1 else f"{len(far)} outcomes lie"
    which = f"trial{'s' if len(far) > 1 else ''} {', '.join(map(str, far))}"
    return f"{metric}: {lies} far from the model. Repeat {which} ('autolab repeat'), or correct what was misread"


def _doubted(trials: set[int]) -> str:
    if not trials:
        return ""
    which = f"trial{'s' if len(trials) > 1 else ''} {', '.join(map(str, sorted(trials)))}"
    return f"; until then {which} {'count' if len(trials) > 1 else 'counts'} for little"


def _far(evidence: Evidence, metric: str, z: Points) -> list[int]:
    """Rows that lie far from the model, given how many there are.

    One that lies far is taken for noise and hides others, so the rest is fitted again until nothing more is found.
    """
    far = np.abs(z) > -ndtri(_RARE / len(z))
    values, features = evidence.values(metric), Features.of(evidence.unit)
    while far.any() and far.sum() <= _FEW * len(z) and len(z) <= _MOST:
        rest = np.flatnonzero(~far)
        try:
            with np.errstate(all="ignore"):  # a search for hyperparameters may try what a float does not hold
                fitted = of_lean(metric, LeanModel(features, evidence.points[rest], values[rest]))
        except NumericalFailureError:
            break
        more = rest[np.abs(fitted.weights) / np.sqrt(fitted.inverse.diagonal()) > -ndtri(_RARE / len(z))]
        if len(more) == 0:
            break
        far[more] = True
    return [int(row) for row in np.flatnonzero(far)]


def _depends(evidence: Evidence, y: Points) -> bool:
    """Whether outcomes depend on the point: the permutation test of the distance covariance [Szekely2007distances]_.

    Of the ranks of the outcomes, so that a few that lie far do not hide the others.
    """
    rows = slice(None, _MOST)
    features = Features.of(evidence.unit)(evidence.points[rows])
    apart = _centred(np.sqrt(np.maximum(((features[:, None] - features[None]) ** 2).sum(axis=2), 0.0)))
    ranks = np.argsort(np.argsort(y[rows], kind="stable"), kind="stable").astype(float)
    differences = _centred(np.abs(ranks[:, None] - ranks))
    rng, own = np.random.default_rng(7), float(np.sum(apart * differences))
    orders = (rng.permutation(len(apart)) for _ in range(_SHUFFLES))
    beaten = sum(float(np.sum(apart * differences[np.ix_(order, order)])) >= own for order in orders)
    return (beaten + 1) / (_SHUFFLES + 1) <= _DEPENDENT


def _centred(distances: Points) -> Points:
    return distances - distances.mean(axis=0) - distances.mean(axis=1)[:, None] + distances.mean()


def _is_better_as_logarithm(evidence: Evidence, metric: str) -> bool:
    """Whether the logarithm of the outcomes is the better thing to model, by their densities when each is left out."""
    values = evidence.values(metric)
    if not (values > 0.0).all() or values.max() < _WIDE * values.min() or len(values) > _MOST:
        return False
    features = Features.of(evidence.unit)
    try:
        with np.errstate(all="ignore"):  # a search for hyperparameters may try what a float does not hold
            plain = of_lean(metric, LeanModel(features, evidence.points, values))
            logs = of_lean(metric, LeanModel(features, evidence.points, np.log(values)))
    except NumericalFailureError:
        return False
    # The density of a value is that of its logarithm over the value.
    gains = _log_densities(logs) - np.log(values) - _log_densities(plain)
    return bool(gains.sum() > max(_BETTER, 2.0 * math.sqrt(len(gains)) * gains.std()))


def _log_densities(fitted: Fitted) -> Points:
    """Log density of each outcome, given the others, in the metric's unit. Shape ``(n,)``."""
    precision = fitted.inverse.diagonal()
    return 0.5 * np.log(precision / (2.0 * math.pi)) - 0.5 * fitted.weights**2 / precision - math.log(fitted.scale)


def _rise(fitted: Fitted, along: Points) -> float:
    """A trend along ``along``, shape ``(n,)``, beside the model: standard normal where there is none.

    The score of a linear term in the mean, by generalised least squares with the constant mean.
    """
    ones = fitted.inverse.sum(axis=1)
    scaled = fitted.inverse @ along
    spread = float(along @ scaled) - float(along @ ones) ** 2 / float(ones.sum())
    return float(along @ fitted.weights) / math.sqrt(spread) if spread > 1e-12 else 0.0
