"""Noisy expected improvement in its logarithmic form, integrated over what the noise hides at the baseline.

The noise-free values at the baseline (the trials that may be best, and the trials in flight) are unknown. Quasi-random
samples of them are drawn from their joint posterior [Letham2019constrained]_. Given one sample there is no noise at the
baseline, the incumbent is the best of the sample, and the expected improvement at a point is known in closed form::

    s (h(u) - h(c)) where u = (best - m) / s > c = -3.5,  else 0;    h(u) = phi(u) + u Phi(u)

with ``m`` and ``s`` the mean and standard deviation at the point, given the sample. It is multiplied by the chance of
keeping each outcome constraint. The acquisition is the logarithm of the mean over the samples.

An improvement beyond 3.5 standard deviations (odds of 1 in 4000) counts for nothing, since no model of measured data is
true so far out. Where nothing else is left, the place that comes nearest to the incumbent is the best: to each term is
added ``tail(m - best)``, the heavy tail by which BoTorch smooths the same function [Ament2023logei]_. Without the cut a
response with much scatter (conductivity over the shares of nanotubes, in the survey that the project measures on) is
searched where the model knows least, for odds below 1e-10, while better trials lie beside the best one.

.. [Letham2019constrained] B. Letham, B. Karrer, G. Ottoni, E. Bakshy, Constrained Bayesian optimization with noisy
   experiments, Bayesian Analysis 14 (2019) 495.
.. [Ament2023logei] S. Ament, S. Daulton, D. Eriksson, M. Balandat, E. Bakshy, Unexpected improvements to expected
   improvement for Bayesian optimization, NeurIPS 2023.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr, ndtri

from optimizer.cholesky import factor, inverse_of_factor
from optimizer.lean_model import LeanModel, kernel, with_noise
from optimizer.space import Points

__all__ = ["SAMPLES", "Conditioned", "Limit", "NoisyImprovement", "promising"]

SAMPLES = 128
"""Samples of the noise-free values at the baseline."""
_BASELINE = 48
"""Trials of the baseline at most, those in flight not counted."""
_CUT = -3.5
"""Standard deviations beyond which neither an improvement nor a trial of the baseline counts."""
_RARE = 1e-3
"""Chance of keeping the outcome constraints below which a trial is not in the baseline."""
_EXACT = 1e-8
"""Variance that stands for none, so that matrices keep their rank; in units of the process's own."""
_NARROW = 1e-6
_TAIL = 0.1
_ROOT_2PI = math.sqrt(2.0 * math.pi)


def _phi(u: Points) -> Points:
    return np.exp(-0.5 * u * u) / _ROOT_2PI


def _tail(gap: Points) -> Points:
    """BoTorch's `fatplus` beyond its softplus part, at ``gap`` standard deviations from improving."""
    return _TAIL * _NARROW**3 / (gap * gap + _NARROW**2)


_H_CUT = float(_phi(np.array(_CUT)) + _CUT * ndtr(_CUT))


def _h(u: Points) -> Points:
    """``h(u) - h(c)`` above the cut, 0 below it."""
    u = np.maximum(u, _CUT)
    return _phi(u) + u * ndtr(u) - _H_CUT


def promising(model: LeanModel, target: float | None = None, odds: Points | None = None) -> NDArray[np.intp]:
    """Rows of the outcomes whose noise-free value may be the best, the likeliest first.

    Args:
        model: Of the value that is made small, or brought to ``target``.
        target: The standardised value to aim for; None makes the value small.
        odds: Chance of each outcome to keep the outcome constraints, shape ``(n,)``; None where there are none.
    """
    loss = model.means if target is None else np.abs(model.means - target)
    odds = np.ones(len(loss)) if odds is None else odds
    best = int(np.argmin(np.where(odds >= 0.5, loss, np.inf))) if (odds >= 0.5).any() else int(np.argmax(odds))
    # Beside a target two losses may move against each other: the bound without their covariance is the safe one.
    shared = 2.0 * model.covariances(best) if target is None else 0.0
    lead = (loss[best] - loss) / np.sqrt(np.maximum(model.variances + model.variances[best] - shared, 1e-16))
    lead = np.where(odds > _RARE, lead, -np.inf)
    lead[best] = np.inf
    order = np.argsort(-lead, kind="stable")[:_BASELINE]
    return order[lead[order] > _CUT]


@lru_cache(maxsize=64)
def _normals(count: int, dimensions: int, stream: int) -> Points:
    """Quasi-random standard normal draws. Shape ``(count, dimensions)``."""
    from scipy.stats import qmc  # takes half a second to import

    rng = np.random.default_rng(stream)
    draws = qmc.Sobol(dimensions, scramble=True, rng=rng).random(count)
    # Two scrambled sequences go through the cube alike: only in another order is one independent of the other.
    return ndtri(np.clip(rng.permutation(draws), 1e-12, 1.0 - 1e-12))


Slope = Callable[[Points, Points], Points]


class Conditioned:
    """A process given samples of its noise-free values at the baseline: the points ``rows``, then ``pending``.

    Args:
        model: Of one metric.
        pending: Points of the trials in flight, shape ``(q, d)``.
        rows: Rows of the outcomes that make the baseline.
        stream: Which stream of draws to take; the metrics are independent.
        count: Number ``s`` of samples, a power of two.
    """

    def __init__(
        self, model: LeanModel, pending: Points, rows: NDArray[np.intp], stream: int = 0, count: int = SAMPLES
    ) -> None:
        self._model = model
        n, q = len(model.points), len(pending)
        mean, covariance = model.posterior(np.vstack([model.points[rows], pending]))
        # The values count as known to the variance _EXACT below, so it belongs to them here as well.
        lower = factor(covariance + _EXACT * np.eye(len(mean)))
        self.samples: Points = mean + _normals(count, len(mean), stream) @ lower.T
        """Noise-free values at the baseline, standardised. Shape ``(s, b)``."""

        places = np.append(rows, np.arange(n, n + q)).astype(np.intp)
        values = np.tile(np.append(model.y, np.zeros(q))[:, None], (1, count))
        values[places] = self.samples.T
        noise = np.full(n + q, model.hyperparameters.noise)
        noise[:n] = model.noise
        noise[places] = _EXACT
        self._rows = np.vstack([model.rows, model.scaled(pending)]) if q else model.rows
        covariance = kernel(self._rows, self._rows) if q else model.covariance
        self._root = inverse_of_factor(factor(with_noise(covariance, noise)))
        self._weights = self._root.T @ (self._root @ (values - model.mean))
        self._numbers = self._rows[:, : len(model.features.numeric)]

    def at(self, points: Points) -> tuple[Points, Points]:
        """Means given each sample, ``(m, s)``, and standard deviations, ``(m, 1)``, at ``points``, ``(m, d)``."""
        cross = kernel(self._model.scaled(points), self._rows)
        solved = cross @ self._root.T
        variances = 1.0 - np.einsum("ij,ij->i", solved, solved)
        return self._model.mean + cross @ self._weights, np.sqrt(np.maximum(variances, _EXACT))[:, None]

    def near(self, points: Points) -> tuple[Points, Points, Slope]:
        """`at`, and how a function of both changes with the points.

        Returns:
            Means, shape ``(m, s)``; standard deviations, shape ``(m, 1)``; and what turns a function's derivatives by
            them (of the same shapes) into its gradients by the points, shape ``(m, d)``, 0 along unordered choices.
        """
        features = self._model.features
        rows = self._model.scaled(points)
        cross = kernel(rows, self._rows)
        solved = cross @ self._root.T
        deviations = np.sqrt(np.maximum(1.0 - np.einsum("ij,ij->i", solved, solved), _EXACT))[:, None]

        def slope(by_means: Points, by_deviations: Points) -> Points:
            pulls = by_means @ self._weights.T - (solved @ self._root) * (by_deviations / deviations)
            pulls *= cross
            moves = pulls @ self._numbers - pulls.sum(axis=1)[:, None] * rows[:, : self._numbers.shape[1]]
            gradients = np.zeros((len(points), features.d))
            gradients[:, features.numeric] = moves / self._model.hyperparameters.lengthscales[features.numeric]
            return gradients

        return self._model.mean + cross @ self._weights, deviations, slope


@dataclass(frozen=True)
class Limit:
    """An outcome constraint: ``sign * value <= sign * bound``, standardised."""

    process: Conditioned
    sign: float
    bound: float

    def room(self, means: Points, deviations: Points) -> Points:
        """Standard deviations by which the bound is expected to be kept. Shape of ``means``."""
        return self.sign * (self.bound - means) / deviations


class NoisyImprovement:
    """The acquisition: larger is better.

    Args:
        process: Of the value that is made small, or brought to ``target``.
        limits: The outcome constraints.
        target: The standardised value to aim for, or None to make the value small.
    """

    def __init__(self, process: Conditioned, limits: Sequence[Limit] = (), target: float | None = None) -> None:
        self._process, self._limits, self._target = process, tuple(limits), target
        losses = process.samples if target is None else np.abs(process.samples - target)
        kept = np.ones(losses.shape, dtype=bool)
        for limit in self._limits:
            kept &= limit.room(limit.process.samples, np.ones(1)) >= 0.0
        # Where a sample keeps no bound anywhere, any point that keeps them improves on it.
        none_kept = float(losses.max()) + 1.0
        best = np.where(kept, losses, none_kept).min(axis=1)
        self.best: Points = best
        """The incumbent's loss in each sample. Shape ``(s,)``."""
        # (best - |value - target|)+ is a tent: the second difference of (edge - value + target)+ over its three edges.
        self._edges = [(1.0, best)] if target is None else [(1.0, best), (-2.0, np.zeros(1)), (1.0, -best)]

    def __call__(self, points: Points) -> Points:
        """The logarithm of the expected improvement in standardised units. ``(m, d)`` to ``(m,)``."""
        means, deviations = self._process.at(points)
        logs = np.log(self._gain(means, deviations))
        for limit in self._limits:
            logs += log_ndtr(limit.room(*limit.process.at(points)))
        top = logs.max(axis=1)
        return top + np.log(np.exp(logs - top[:, None]).mean(axis=1))

    def slopes(self, points: Points) -> tuple[Points, Points]:
        """The acquisition at ``points``, and its gradients, 0 along unordered choices. ``(m, d)`` to both shapes."""
        means, deviations, slope = self._process.near(points)
        gains, by_means, by_deviations = self._gain_slopes(means, deviations)
        logs = np.log(gains)
        limits = [(limit, *limit.process.near(points)) for limit in self._limits]
        rooms = [limit.room(those, spreads) for limit, those, spreads, _ in limits]
        for room in rooms:
            logs += log_ndtr(room)
        tops = logs.max(axis=1)[:, None]
        shares = np.exp(logs - tops)
        totals = shares.sum(axis=1)[:, None]
        shares /= totals
        scaled = shares / gains
        gradients = slope(scaled * by_means, np.einsum("ij,ij->i", scaled, by_deviations)[:, None])
        for (limit, _, spreads, slope), room in zip(limits, rooms, strict=True):
            hazards = shares * np.exp(-0.5 * room * room - log_ndtr(room)) / (_ROOT_2PI * spreads)
            gradients += slope(-limit.sign * hazards, -np.einsum("ij,ij->i", hazards, room)[:, None])
        return (tops + np.log(totals / logs.shape[1]))[:, 0], gradients

    def _gain(self, means: Points, deviations: Points) -> Points:
        """Expected improvement given each sample, and the tail. Shape of ``means``."""
        losses, gain = self._loss(means), np.zeros_like(means)
        for weight, edge in self._edges:
            gain += weight * _h((edge - losses) / deviations)
        return np.maximum(gain, 0.0) * deviations + _tail(np.maximum(losses - self.best, 0.0))

    def _gain_slopes(self, means: Points, deviations: Points) -> tuple[Points, Points, Points]:
        """`_gain`, and its derivatives by means and deviations. Shapes of ``means``."""
        losses = self._loss(means)
        gap = np.maximum(losses - self.best, 0.0)
        tail = _tail(gap)
        by_means = -2.0 * gap / (gap * gap + _NARROW**2) * tail
        by_deviation, gain = np.zeros_like(means), np.zeros_like(means)
        for weight, edge in self._edges:
            u = np.maximum((edge - losses) / deviations, _CUT)
            density, below = _phi(u), ndtr(u)
            live = weight * (u > _CUT)
            gain += live * (density + u * below - _H_CUT)
            by_means -= live * below
            by_deviation += live * (density - _H_CUT)
        if self._target is not None:
            by_means *= np.sign(means - self._target)
        return np.maximum(gain, 0.0) * deviations + tail, by_means, by_deviation

    def _loss(self, means: Points) -> Points:
        """What is made small: beside a target the tent is symmetric, so the side of it does not matter."""
        return means if self._target is None else np.abs(means - self._target)
