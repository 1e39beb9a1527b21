"""Hyperparameters of the models of `optimizer.model`, by gradients in closed form: a tenth of autograd's cost or less.

The covariance of the standardised values is a sum of products of kernels, each term with a scale where there are
several, and noise. What is made large is what `fit_gpytorch_mll` makes large: the marginal likelihood times the priors
(`optimizer.lean_model`), from the same start. The constant mean is eliminated [Rasmussen2006gaussian]_. With ``W`` the
derivative of that by the covariance, ``(a a' - A^-1) / 2`` where ``a = A^-1 (y - m)``, each kernel returns the sum of
``W`` times its own derivatives by the logarithms of its lengthscales.

.. [Rasmussen2006gaussian] C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press, 2006.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from scipy.optimize import minimize

from optimizer.cholesky import factor, half_inverse
from optimizer.lean_model import LENGTH_SPREAD, NOISE_PRIOR, QUIETEST, SHORTEST, profiled, with_noise
from optimizer.learner import NumericalFailureError
from optimizer.space import Points

__all__ = ["Alike", "Covariance", "Found", "Kernel", "Smooth", "log_posterior", "maximise", "mean_of"]

_FREE = math.log(2.0)
"""Where scales and lengthscales without a prior begin, as gpytorch's do."""
_SCALES = (1e-3, 1e3)
_ALIKE = (1e-2, 1e2)
"""Bounds of what has no prior: beyond them, a kernel changes by nothing that could be measured."""
_SEARCH = {"maxfun": 200, "ftol": 1e-9, "gtol": 1e-5}


class Kernel(Protocol):
    """One factor of a covariance."""

    @property
    def n_lengths(self) -> int:
        """Number ``l`` of its lengthscales."""
        ...

    @property
    def start(self) -> float:
        """The lengthscale at which the search begins."""
        ...

    @property
    def bounds(self) -> tuple[float, float | None]:
        """The lengthscales that are allowed."""
        ...

    def values(self, lengths: Points) -> Points:
        """The kernel between all outcomes. Shape ``(n, n)``."""
        ...

    def slopes(self, lengths: Points, values: Points, weights: Points) -> Points:
        """Sums of ``weights`` times the derivatives of ``values`` by the logarithms of the lengthscales. ``(l,)``."""
        ...

    def prior(self, lengths: Points) -> tuple[float, Points]:
        """Logarithm of the prior density, up to a constant, and its slope by the logarithms: ``()``, ``(l,)``."""
        ...


@dataclass(frozen=True)
class Smooth:
    """A Matérn-5/2 kernel or a squared exponential, with the dimension-scaled prior."""

    columns: Points
    """Coordinates of the outcomes. Shape ``(n, l)``."""
    is_matern: bool

    @property
    def n_lengths(self) -> int:
        return self.columns.shape[1]

    @property
    def start(self) -> float:
        return math.exp(self._centre - LENGTH_SPREAD**2)

    @property
    def bounds(self) -> tuple[float, float | None]:
        return SHORTEST, None

    @property
    def _centre(self) -> float:
        return math.sqrt(2.0) + 0.5 * math.log(self.n_lengths)

    def values(self, lengths: Points) -> Points:
        squares = self._squares(lengths)
        if not self.is_matern:
            return np.exp(-0.5 * squares)
        far = np.sqrt(5.0 * squares)
        return (1.0 + far + far * far / 3.0) * np.exp(-far)

    def slopes(self, lengths: Points, values: Points, weights: Points) -> Points:
        if self.is_matern:
            far = np.sqrt(5.0 * self._squares(lengths))
            values = (5.0 / 3.0) * (1.0 + far) * np.exp(-far)
        pulls, scaled = weights * values, self.columns / lengths
        return 2.0 * (pulls.sum(axis=1) @ (scaled * scaled) - np.einsum("ij,ij->j", scaled, pulls @ scaled))

    def prior(self, lengths: Points) -> tuple[float, Points]:
        return _log_normal(lengths, self._centre, LENGTH_SPREAD)

    def _squares(self, lengths: Points) -> Points:
        scaled = self.columns / lengths
        norms = np.einsum("ij,ij->i", scaled, scaled)
        squares = norms[:, None] + norms[None, :] - 2.0 * (scaled @ scaled.T)
        return np.maximum(squares, 0.0, out=squares)


@dataclass(frozen=True)
class Alike:
    """``exp(-d)`` with ``d`` the mean over the coordinates of 1 / lengthscale where two choices differ."""

    differs: Points
    """1 where two outcomes differ in a coordinate, else 0. Shape ``(n, n, l)``."""

    @classmethod
    def of(cls, columns: Points) -> Alike:
        """For unordered choices of shape ``(n, l)``."""
        return cls((columns[:, None, :] != columns[None, :, :]).astype(float))

    @property
    def n_lengths(self) -> int:
        return self.differs.shape[2]

    @property
    def start(self) -> float:
        return _FREE

    @property
    def bounds(self) -> tuple[float, float | None]:
        return _ALIKE

    def values(self, lengths: Points) -> Points:
        return np.exp(-(self.differs @ (1.0 / (lengths * self.n_lengths))))

    def slopes(self, lengths: Points, values: Points, weights: Points) -> Points:
        return np.tensordot(weights * values, self.differs) / (lengths * self.n_lengths)

    def prior(self, lengths: Points) -> tuple[float, Points]:
        return 0.0, np.zeros(len(lengths))


@dataclass(frozen=True)
class Covariance:
    """A sum of products of kernels."""

    kernels: Sequence[Kernel]
    terms: Sequence[tuple[int, ...]]
    """The kernels that are multiplied in each term."""
    is_scaled: bool = True
    """Each term has a scale; False where the only one is as it is."""

    @property
    def n_scales(self) -> int:
        """Number of scales that are searched for."""
        return len(self.terms) if self.is_scaled else 0


@dataclass(frozen=True)
class Found:
    """The hyperparameters of the largest posterior density."""

    scales: Points
    """Of each term, shape ``(t,)``."""
    lengths: tuple[Points, ...]
    """Of each kernel."""
    noise: float | Points
    """Variance of the noise: one for all outcomes, or where it is known one for each, shape ``(n,)``."""


def maximise(covariance: Covariance, y: Points, known: Points | None = None) -> Found:
    """The hyperparameters of the largest posterior density that is met from the usual start.

    Args:
        covariance: Over the outcomes.
        y: Standardised values, shape ``(n,)``.
        known: Variances of their noise, shape ``(n,)``; None where one for all is to be found.

    Raises:
        NumericalFailureError: The numerics gave up.
    """

    def descend(logs: Points) -> tuple[float, Points]:
        value, slope = log_posterior(covariance, y, np.exp(logs), known)
        return -value / len(y), -slope / len(y)

    free = covariance.n_scales
    start = [_FREE] * free
    bounds: list[tuple[float, float | None]] = [_SCALES] * free
    for kernel in covariance.kernels:
        start += [kernel.start] * kernel.n_lengths
        bounds += [kernel.bounds] * kernel.n_lengths
    if known is None:
        start.append(math.exp(NOISE_PRIOR[0] - NOISE_PRIOR[1] ** 2))
        bounds.append((QUIETEST, None))
    logs = [(math.log(low), None if high is None else math.log(high)) for low, high in bounds]
    found: Any = minimize(descend, np.log(start), jac=True, method="L-BFGS-B", bounds=logs, options=_SEARCH)
    theta = np.exp(found.x)
    if not np.all(np.isfinite(theta)):
        raise NumericalFailureError("the search for hyperparameters diverged")
    return _taken_apart(covariance, theta, known)


def log_posterior(
    covariance: Covariance, y: Points, theta: Points, known: Points | None = None
) -> tuple[float, Points]:
    """Logarithm of the posterior density up to a constant, and its slope by the logarithms of the hyperparameters.

    Args:
        covariance: Over the outcomes.
        y: Standardised values, shape ``(n,)``.
        theta: Scales of the terms, lengthscales of the kernels, and the variance of the noise unless it is known.
            Shape ``(p,)``.
        known: Variances of the noise, shape ``(n,)``; None where one for all is to be found.

    Raises:
        NumericalFailureError: The covariance is not positive definite.
    """
    at = _taken_apart(covariance, theta, known)
    values = [kernel.values(lengths) for kernel, lengths in zip(covariance.kernels, at.lengths, strict=True)]
    products = [_product(values, term) for term in covariance.terms]
    lower = factor(with_noise(_sum(at.scales, products), at.noise))
    mean, alpha = profiled(lower, y)
    value = -0.5 * float((y - mean) @ alpha) - float(np.log(np.diag(lower)).sum())

    half = half_inverse(lower)
    weights = 0.5 * np.outer(alpha, alpha) - 0.5 * (half + half.T)
    slopes = [np.zeros(kernel.n_lengths) for kernel in covariance.kernels]
    for scale, term in zip(at.scales, covariance.terms, strict=True):
        for place in term:
            pulls = scale * weights
            for other in term:
                pulls = pulls if other == place else pulls * values[other]
            slopes[place] += covariance.kernels[place].slopes(at.lengths[place], values[place], pulls)
    for place, (kernel, lengths) in enumerate(zip(covariance.kernels, at.lengths, strict=True)):
        density, slope = kernel.prior(lengths)
        value, slopes[place] = value + density, slopes[place] + slope
    scales = [scale * float((weights * product).sum()) for scale, product in zip(at.scales, products, strict=True)]
    found = [scales[: covariance.n_scales], *slopes]
    if known is None:
        density, slope = _log_normal(theta[-1:], *NOISE_PRIOR)
        value, found = value + density, [*found, theta[-1:] * np.trace(weights) + slope]
    return value, np.concatenate(found)


def mean_of(covariance: Covariance, found: Found, y: Points) -> float:
    """The likeliest constant mean of ``y``, shape ``(n,)``.

    Raises:
        NumericalFailureError: The covariance is not positive definite.
    """
    values = [kernel.values(lengths) for kernel, lengths in zip(covariance.kernels, found.lengths, strict=True)]
    products = [_product(values, term) for term in covariance.terms]
    return profiled(factor(with_noise(_sum(found.scales, products), found.noise)), y)[0]


def _sum(scales: Points, products: Sequence[Points]) -> Points:
    total = scales[0] * products[0]
    for scale, product in zip(scales[1:], products[1:], strict=True):
        total += scale * product
    return total


def _product(values: Sequence[Points], term: Sequence[int]) -> Points:
    product = values[term[0]]
    for place in term[1:]:
        product = product * values[place]
    return product


def _taken_apart(covariance: Covariance, theta: Points, known: Points | None) -> Found:
    free = covariance.n_scales
    ends = np.cumsum([free, *(kernel.n_lengths for kernel in covariance.kernels)])
    lengths = tuple(theta[first:last] for first, last in pairwise(ends))
    return Found(theta[:free] if free else np.ones(1), lengths, float(theta[-1]) if known is None else known)


def _log_normal(values: Points, centre: float, spread: float) -> tuple[float, Points]:
    """Logarithm of a log-normal density up to a constant, and its slope by the logarithms of ``values``."""
    logs = np.log(values)
    deviations = (logs - centre) / spread
    return -float((logs + 0.5 * deviations**2).sum()), -1.0 - deviations / spread
