"""An exact Gaussian process in closed form, with BoTorch's default priors, on numpy and LAPACK alone.

The model is that of BoTorch's `SingleTaskGP` [Hvarfner2024vanilla]_: standardised values ``y = m + f(x) + e`` with a
constant mean ``m``, a squared-exponential kernel of unit variance with one lengthscale for each parameter, and normal
noise. Lengthscales are log-normal a priori, ``LogNormal(sqrt(2) + log(d) / 2, sqrt(3))`` and at least 0.025; the noise
variance is ``LogNormal(-4, 1)`` and at least 1e-4. The hyperparameters are those of the largest posterior density; the
mean is eliminated, since for given others its best value is known [Rasmussen2006gaussian]_ (equations 2.43, 5.9).

Two different unordered choices are one unit apart, whatever they are; with descriptors they are as far apart as these,
each with a lengthscale of its own.

.. [Hvarfner2024vanilla] C. Hvarfner, E. O. Hellsten, L. Nardi, Vanilla Bayesian optimization performs great in high
   dimensions, ICML 2024.
.. [Rasmussen2006gaussian] C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press, 2006.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from optimizer.cholesky import factor, half_inverse, inverse_of_factor, solve, whiten
from optimizer.learner import NumericalFailureError
from optimizer.space import Points, UnitSpace

__all__ = [
    "LENGTH_SPREAD",
    "NOISE_PRIOR",
    "QUIETEST",
    "SHORTEST",
    "Features",
    "Hyperparameters",
    "LeanModel",
    "centre_and_scale",
    "fit",
    "kernel",
    "length_prior",
    "log_posterior",
    "profiled",
    "with_noise",
]

SHORTEST = 0.025
QUIETEST = 1e-4
NOISE_PRIOR = (-4.0, 1.0)
LENGTH_SPREAD = math.sqrt(3.0)
_SEARCH = {"maxfun": 200, "ftol": 1e-6, "gtol": 1e-3}


class Features:
    """Coordinates in which the kernel is a squared exponential.

    Unordered choices become a column for each descriptor, or without descriptors one for each choice.

    Args:
        grids: For each coordinate, the places of its unordered choices (shape ``(k,)``), or None where it is a number.
        tables: Descriptors of choices, shape ``(k, m)``, by coordinate.
    """

    def __init__(self, grids: Sequence[Points | None], tables: Mapping[int, Points] | None = None) -> None:
        self.d = len(grids)
        self.numeric = np.array([index for index, grid in enumerate(grids) if grid is None], dtype=np.intp)
        self._grids = [(index, grid) for index, grid in enumerate(grids) if grid is not None]
        self._tables = dict(tables or {})
        owners, self.n_lengths = [int(index) for index in self.numeric], self.d
        for index, grid in self._grids:
            if index not in self._tables:
                owners += [index] * len(grid)
                continue
            extra = self._tables[index].shape[1] - 1
            owners += [index, *range(self.n_lengths, self.n_lengths + extra)]
            self.n_lengths += extra
        self.owner = np.array(owners, dtype=np.intp)
        """Lengthscale of each column: that of its coordinate, or behind those one of a further descriptor. ``(c,)``"""

    @classmethod
    def of(cls, unit: UnitSpace) -> Features:
        """The features of a space."""
        grids = [dimension.grid if dimension.is_categorical else None for dimension in unit.dimensions]
        tables = {at: dim.table for at, dim in enumerate(unit.dimensions) if dim.table is not None}
        return cls(grids, tables)

    def __call__(self, points: Points) -> Points:
        """Columns of ``points``, shape ``(n, d)``. Shape ``(n, c)``."""
        columns = [points[:, self.numeric] - 0.5]
        for index, grid in self._grids:
            places = np.abs(points[:, index, None] - grid).argmin(axis=1)
            if index in self._tables:
                columns.append(self._tables[index][places] - 0.5)
            else:
                # Two different one-hot rows have the squared distance 2; scaled, it is 1.
                columns.append((places[:, None] == np.arange(len(grid))) * math.sqrt(0.5))
        return columns[0] if len(columns) == 1 else np.hstack(columns)


@dataclass(frozen=True)
class Hyperparameters:
    """Lengthscales of the features, shape ``(l,)``, and the variance of the noise in standardised units (its mean where
    it is known for each outcome).
    """

    lengthscales: Points
    noise: float


def kernel(left: Points, right: Points) -> Points:
    """Squared exponential of rows already divided by their lengthscales. Shape ``(n, m)``."""
    exponent = left @ right.T
    exponent -= 0.5 * np.einsum("ij,ij->i", left, left)[:, None]
    exponent -= 0.5 * np.einsum("ij,ij->i", right, right)[None, :]
    np.minimum(exponent, 0.0, out=exponent)
    return np.exp(exponent, out=exponent)


def log_posterior(
    columns: Points, owner: NDArray[np.intp], y: Points, theta: Points, known: Points | None = None
) -> tuple[float, Points]:
    """Logarithm of the posterior density of the hyperparameters, up to a constant, and its gradient.

    Args:
        columns: Features of the outcomes, shape ``(n, c)``.
        owner: Lengthscale of each column, shape ``(c,)``.
        y: Standardised values, shape ``(n,)``.
        theta: Lengthscales, then the variance of the noise unless it is known. Shape ``(d + 1,)``, or ``(d,)``.
        known: Variances of the noise, shape ``(n,)``; None where it is to be found.

    Raises:
        NumericalFailureError: The covariance is not positive definite.
    """
    n, d = len(y), len(theta) - (known is None)
    lengths, noise = theta[:d], float(theta[-1]) if known is None else known
    scaled = columns / lengths[owner]
    covariance = kernel(scaled, scaled)
    lower = factor(with_noise(covariance, noise))
    mean, alpha = profiled(lower, y)
    value = -0.5 * float((y - mean) @ alpha) - float(np.log(np.diag(lower)).sum()) - 0.5 * n * math.log(2 * math.pi)

    half = half_inverse(lower)
    gradient = np.empty(len(theta))
    gradient[-1] = 0.5 * float(alpha @ alpha) - float(np.trace(half))
    # By lengthscale j: the sum over all pairs of (alpha alpha' - inverse) * covariance * (z_j - z_j')^2 / 2.
    half *= covariance
    weighted = alpha[:, None] * scaled
    pairs = np.einsum("ij,ij->j", weighted, covariance @ weighted) - 2.0 * np.einsum("ij,ij->j", scaled, half @ scaled)
    sums = alpha * (covariance @ alpha) - half.sum(axis=0) - half.sum(axis=1)
    gradient[:d] = np.bincount(owner, sums @ (scaled * scaled) - pairs, d) / lengths

    logs = np.log(theta)
    centres = np.append(np.full(d, _length_centre(d)), NOISE_PRIOR[0])[: len(theta)]
    spreads = np.append(np.full(d, LENGTH_SPREAD), NOISE_PRIOR[1])[: len(theta)]
    deviations = (logs - centres) / spreads
    value -= float((logs + 0.5 * deviations**2 + np.log(spreads * math.sqrt(2 * math.pi))).sum())
    return value, gradient - (1.0 + deviations / spreads) / theta


def with_noise(covariance: Points, noise: float | Points) -> Points:
    """A copy with ``noise`` added to the diagonal."""
    noisy = covariance.copy()
    noisy[np.diag_indices(len(noisy))] += noise
    return noisy


def profiled(lower: Points, y: Points) -> tuple[float, Points]:
    """The likeliest constant mean, and the inverse covariance times what is left of ``y``. Shapes ``()``, ``(n,)``."""
    solved = solve(lower, np.column_stack([y, np.ones(len(y))]))
    mean = float(solved[:, 0].sum() / solved[:, 1].sum())
    return mean, solved[:, 0] - mean * solved[:, 1]


def _length_centre(d: int) -> float:
    return math.sqrt(2.0) + 0.5 * math.log(d)


def length_prior(d: int) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm of a lengthscale in ``d`` dimensions."""
    return _length_centre(d), LENGTH_SPREAD


def prior_mode(d: int) -> Points:
    """Where the density of the priors is largest: lengthscales, then noise. Shape ``(d + 1,)``."""
    return np.append(np.full(d, math.exp(_length_centre(d) - 3.0)), math.exp(NOISE_PRIOR[0] - 1.0))


def fit(features: Features, points: Points, y: Points, known: Points | None = None) -> Hyperparameters:
    """The hyperparameters of the largest posterior density that is met from the priors' own mode, as BoTorch does.

    Args:
        features: Of the space.
        points: Points of the outcomes, shape ``(n, d)``.
        y: Standardised values, shape ``(n,)``.
        known: Variances of their noise, shape ``(n,)``; None where it is to be found.

    Raises:
        NumericalFailureError: The numerics gave up.
    """
    columns, n = features(points), len(y)

    def descend(logs: Points) -> tuple[float, Points]:
        theta = np.exp(logs)
        value, gradient = log_posterior(columns, features.owner, y, theta, known)
        return -value / n, -gradient * theta / n

    # The density is that of the parameters themselves; their logarithms only make the way to its top three times
    # shorter. Both are followed to about 1 % of a parameter, which moves no suggestion.
    start = np.log(prior_mode(features.n_lengths))
    bounds = [(math.log(SHORTEST), None)] * features.n_lengths + [(math.log(QUIETEST), None)]
    if known is not None:
        start, bounds = start[:-1], bounds[:-1]
    found: Any = minimize(descend, start, jac=True, method="L-BFGS-B", bounds=bounds, options=_SEARCH)
    theta = np.exp(found.x)
    if not np.all(np.isfinite(theta)):
        raise NumericalFailureError("the search for hyperparameters diverged")
    return Hyperparameters(theta[: features.n_lengths], float(theta[-1] if known is None else known.mean()))


class LeanModel:
    """The posterior of one metric, in standardised units inside and in the metric's unit outside.

    Args:
        features: Of the space.
        points: Points of the outcomes, shape ``(n, d)``.
        values: Values of the metric, shape ``(n,)``, in its unit.
        hyperparameters: None fits them.
        known: Variances of the noise, in the unit squared, shape ``(n,)``; None where it is learned.

    Raises:
        NumericalFailureError: The numerics gave up.
    """

    def __init__(
        self,
        features: Features,
        points: Points,
        values: Points,
        hyperparameters: Hyperparameters | None = None,
        known: Points | None = None,
    ) -> None:
        self.features, self.points = features, points
        self.centre, self.scale = centre_and_scale(values)
        self.y = (values - self.centre) / self.scale
        given = None if known is None else np.maximum(known / self.scale**2, QUIETEST)
        self.hyperparameters = hyperparameters or fit(features, points, self.y, given)
        self.noise: float | Points = self.hyperparameters.noise if given is None else given
        """Variance of the noise, standardised: one for all, or shape ``(n,)``."""
        self.rows = self.scaled(points)
        self.covariance = kernel(self.rows, self.rows)
        """Prior covariance of the noise-free values at the outcomes. Shape ``(n, n)``."""
        self.lower = factor(with_noise(self.covariance, self.noise))
        self.mean, self.alpha = profiled(self.lower, self.y)

    @cached_property
    def _lengths(self) -> Points:
        return self.hyperparameters.lengthscales[self.features.owner]

    def standardised(self, value: float) -> float:
        """A value of the metric in standard deviations from the mean of those seen."""
        return (value - self.centre) / self.scale

    def scaled(self, points: Points) -> Points:
        """Features divided by their lengthscales. Shape ``(n, c)``."""
        return self.features(points) / self._lengths

    def posterior(self, points: Points) -> tuple[Points, Points]:
        """Mean and covariance of the noise-free values at ``points``, standardised. Shapes ``(m,)``, ``(m, m)``."""
        rows = self.scaled(points)
        cross = kernel(self.rows, rows)
        solved = whiten(self.lower, cross)
        return self.mean + cross.T @ self.alpha, kernel(rows, rows) - solved.T @ solved

    # With A the covariance of the outcomes and v the noise, the noise-free values at the outcomes have the posterior
    # mean y - v A^-1 (y - m) and the posterior covariance v - v A^-1 v: one inverse is all that it takes.

    @cached_property
    def means(self) -> Points:
        """Posterior means of the noise-free values at the outcomes, standardised. Shape ``(n,)``."""
        return self.y - self.noise * self.alpha

    @cached_property
    def variances(self) -> Points:
        """Their posterior variances. Shape ``(n,)``."""
        noise, inverse = self.noise, inverse_of_factor(self.lower)
        return noise - noise * noise * np.einsum("ij,ij->j", inverse, inverse)

    def covariances(self, row: int) -> Points:
        """Their posterior covariances with that of outcome ``row``. Shape ``(n,)``."""
        noise, picked = self.noise, np.zeros((len(self.y), 1))
        picked[row] = np.broadcast_to(noise, len(self.y))[row]
        return picked[:, 0] - noise * solve(self.lower, picked)[:, 0]

    def predict(self, points: Points) -> tuple[Points, Points]:
        """Mean and standard deviation of the noise-free value at ``points``, in the metric's unit. Shapes ``(m,)``."""
        cross = kernel(self.rows, self.scaled(points))
        solved = whiten(self.lower, cross)
        variances = np.maximum(1.0 - np.einsum("ij,ij->j", solved, solved), 0.0)
        return (
            self.centre + self.scale * (self.mean + cross.T @ self.alpha),
            self.scale * np.sqrt(variances),
        )


def centre_and_scale(values: Points) -> tuple[float, float]:
    """Mean and standard deviation, or 1 where the values differ by rounding only. Safe for numbers of any size."""
    largest = float(np.abs(values).max()) or 1.0
    if not math.isfinite(largest):
        raise NumericalFailureError("an outcome is not a finite number")
    shrunk = values / largest
    scale = float(shrunk.std(ddof=1))
    return largest * float(shrunk.mean()), largest * scale if scale > 1e-14 else 1.0
