"""Where trials succeed: the probability that a trial has an outcome, learned from those that failed for their recipe.

A Gaussian process for classification by Laplace's approximation [Rasmussen2006gaussian]_ (algorithms 3.1, 3.2, 5.1). A
hidden value ``f`` is normal with mean `_MEAN`, variance `_VARIANCE` and a squared exponential kernel; a trial succeeds
with the probability ``Phi(f)``. Far from all trials that makes 68 %: what nobody has tried is likely to work. The
lengthscales, one for each parameter, are those of the largest posterior density, with the priors of the lean model.

The acquisition is multiplied by the probability [Gelbart2014unknown]_: a weight and no wall, since an optimum often
lies where trials begin to fail.

.. [Rasmussen2006gaussian] C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press, 2006.
.. [Gelbart2014unknown] M. A. Gelbart, J. Snoek, R. P. Adams, Bayesian optimization with unknown constraints, UAI 2014.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_ndtr

from optimizer.cholesky import factor, solve, whiten
from optimizer.evidence import Evidence
from optimizer.lean_model import SHORTEST, Features, kernel, length_prior
from optimizer.space import Points

__all__ = ["Success", "log_posterior", "success_of"]

_MEAN, _VARIANCE = 1.5, 9.0
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_SEARCH = {"maxfun": 100, "ftol": 1e-6, "gtol": 1e-3}
_NEWTON, _SETTLED = 30, 1e-9


class Success:
    """The probability of success over the unit cube.

    Args:
        features: Of the space.
        points: Points of the trials, shape ``(n, d)``.
        succeeded: Which of them have an outcome, shape ``(n,)``.

    Raises:
        NumericalFailureError: The numerics gave up.
    """

    def __init__(self, features: Features, points: Points, succeeded: NDArray[np.bool_]) -> None:
        self._features = features
        columns, signs = features(points), np.where(succeeded, 1.0, -1.0)
        self.lengthscales = _fit(columns, features, signs)
        """Of the features, shape ``(l,)``."""
        self._lengths = self.lengthscales[features.owner]
        self._rows = columns / self._lengths
        self._mode = _mode(_VARIANCE * kernel(self._rows, self._rows), signs)

    def __call__(self, points: Points) -> Points:
        """Probabilities at ``points``: ``(m, d)`` to ``(m,)``."""
        return np.exp(self.slopes(points)[0])

    def slopes(self, points: Points) -> tuple[Points, Points]:
        """Logarithms of the probabilities at ``points``, and their gradients, 0 along unordered choices.

        ``(m, d)`` to ``(m,)`` and ``(m, d)``.
        """
        rows, mode = self._features(points) / self._lengths, self._mode
        cross = _VARIANCE * kernel(rows, self._rows)
        means, pull = _MEAN + cross @ mode.weights, cross @ mode.precision
        widths = np.sqrt(1.0 + np.maximum(_VARIANCE - np.einsum("ij,ij->i", cross, pull), 0.0))
        levels = means / widths
        logs = log_ndtr(levels)
        by_level = np.exp(-0.5 * levels**2 - _HALF_LOG_2PI - logs)
        pulls = cross * (mode.weights * (by_level / widths)[:, None] + pull * (by_level * levels / widths**2)[:, None])
        numeric = self._features.numeric
        width = len(numeric)
        gradients = np.zeros((len(points), self._features.d))
        moves = pulls @ self._rows[:, :width] - pulls.sum(axis=1)[:, None] * rows[:, :width]
        gradients[:, numeric] = moves / self.lengthscales[numeric]
        return logs, gradients


def success_of(evidence: Evidence) -> Success | None:
    """The probability of success by what is known; None where no trial has failed for its recipe.

    Raises:
        NumericalFailureError: The numerics gave up.
    """
    n_failed = len(evidence.failed_points)
    if n_failed == 0:
        return None
    points = np.vstack([evidence.points, evidence.failed_points])
    return Success(Features.of(evidence.unit), points, np.arange(len(points)) < evidence.n)


@dataclass(frozen=True)
class _Mode:
    """The hidden values that are most probable, and what Laplace's approximation makes of them. Shapes ``(n,)``."""

    log_evidence: float
    weights: Points
    """Inverse covariance times what the mean leaves of the hidden values."""
    precision: Points
    """Inverse of covariance plus inverse curvature. Shape ``(n, n)``."""
    spread: Points
    """Posterior variances of the hidden values."""
    third: Points
    """Third derivatives of the logarithm of the likelihood."""


def _mode(covariance: Points, signs: Points) -> _Mode:
    """Newton's method for the hidden values of ``signs``: 1 where a trial succeeded, -1 where it failed."""
    f, n = np.full(len(signs), _MEAN), len(signs)
    for _ in range(_NEWTON):
        slope, curvature = _likelihood(f, signs)[1:3]
        root = np.sqrt(curvature)
        lower = factor(np.eye(n) + root[:, None] * covariance * root)
        wanted = curvature * (f - _MEAN) + slope
        moved = wanted - root * solve(lower, (root * (covariance @ wanted))[:, None])[:, 0]
        moved = _MEAN + covariance @ moved
        is_settled = float(np.abs(moved - f).max()) < _SETTLED
        f = moved
        if is_settled:
            break
    value, weights, curvature, third = _likelihood(f, signs)  # at the mode the slope is the weights
    root = np.sqrt(curvature)
    lower = factor(np.eye(n) + root[:, None] * covariance * root)
    half = whiten(lower, np.diag(root))
    solved = whiten(lower, root[:, None] * covariance)
    evidence = value - 0.5 * float(weights @ (f - _MEAN)) - float(np.log(np.diag(lower)).sum())
    spread = covariance.diagonal() - np.einsum("ij,ij->j", solved, solved)
    return _Mode(evidence, weights, half.T @ half, spread, third)


def _likelihood(f: Points, signs: Points) -> tuple[float, Points, Points, Points]:
    """Logarithm of the likelihood, its first, its negative second, and its third derivatives by the hidden values."""
    t = signs * f
    logs = log_ndtr(t)
    ratio = np.exp(-0.5 * t * t - _HALF_LOG_2PI - logs)
    curvature = ratio * (ratio + t)
    return float(logs.sum()), signs * ratio, curvature, signs * ratio * ((t + ratio) * (2.0 * ratio + t) - 1.0)


def log_posterior(columns: Points, features: Features, signs: Points, logs: Points) -> tuple[float, Points]:
    """Logarithm of the density of the lengthscales given the trials, up to a constant, and its gradient by ``logs``.

    Args:
        columns: Features of the trials, shape ``(n, c)``.
        features: Of the space.
        signs: 1 where a trial succeeded, -1 where it failed. Shape ``(n,)``.
        logs: Logarithms of the lengthscales, shape ``(l,)``.
    """
    scaled = columns / np.exp(logs)[features.owner]
    covariance = _VARIANCE * kernel(scaled, scaled)
    mode = _mode(covariance, signs)
    by_values = 0.5 * mode.spread * mode.third
    along = by_values - mode.precision @ (covariance @ by_values)
    # The covariance of two trials grows by itself times (z_j - z_j')^2 for each unit of the logarithm of lengthscale j.
    pulls = 0.5 * (np.outer(mode.weights, mode.weights) - mode.precision) + np.outer(along, mode.weights)
    pulls *= covariance
    sums = (pulls.sum(axis=0) + pulls.sum(axis=1)) @ (scaled * scaled)
    sums -= 2.0 * np.einsum("ij,ij->j", scaled, pulls @ scaled)
    centre, deviation = length_prior(features.d)
    beyond = (logs - centre) / deviation
    value = mode.log_evidence - float((logs + 0.5 * beyond**2).sum())
    return value, np.bincount(features.owner, sums, len(logs)) - 1.0 - beyond / deviation


def _fit(columns: Points, features: Features, signs: Points) -> Points:
    """The lengthscales of the largest density that is met from the prior's own mode. Shape ``(l,)``."""
    centre, deviation = length_prior(features.d)

    def descend(logs: Points) -> tuple[float, Points]:
        value, gradient = log_posterior(columns, features, signs, logs)
        return -value, -gradient

    start = np.full(features.n_lengths, centre - deviation**2)
    bounds = [(math.log(SHORTEST), None)] * features.n_lengths
    found: Any = minimize(descend, start, jac=True, method="L-BFGS-B", bounds=bounds, options=_SEARCH)
    return np.exp(found.x if np.all(np.isfinite(found.x)) else start)
