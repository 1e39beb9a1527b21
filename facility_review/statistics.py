"""Intervals for what is counted and measured. All are exact or stated approximations; none draws without a seed.

The confidence of a two-sided interval is 0.90 unless another is asked for, so that each of its ends is a one-sided
95 % bound. Counts may be real numbers (a share times n), for which the beta and gamma forms are continuous.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaincinv, ndtri  # pyright: ignore[reportMissingTypeStubs] (scipy brings none)

__all__ = [
    "Floats",
    "Interval",
    "bootstrap_by_cluster",
    "chi_square_quantile",
    "clopper_pearson",
    "clopper_pearson_lower",
    "clopper_pearson_upper",
    "cpk_interval",
    "garwood",
    "miscoverage_interval",
    "mtbf_interval",
    "normal_quantile",
    "pooled_sd",
    "pooled_sd_interval",
    "quantile_interval",
    "wilson",
]

Floats = NDArray[np.float64]
Interval = tuple[float, float]
CONFIDENCE = 0.90


def normal_quantile(probability: float) -> float:
    """Quantile of the standard normal distribution."""
    return float(ndtri(probability))


def chi_square_quantile(probability: float, dof: float) -> float:
    """Quantile of the chi-square distribution with ``dof`` degrees of freedom."""
    return 2 * float(gammaincinv(dof / 2, probability))


def clopper_pearson_lower(successes: float, n: float, confidence: float = 0.95) -> float:
    """One-sided lower bound of a share.

    Clopper and Pearson, Biometrika 26 (1934) 404. With no miss in n it is ``(1 - confidence) ** (1 / n)``.
    """
    return 0.0 if successes <= 0 or n <= 0 else float(betaincinv(successes, n - successes + 1, 1 - confidence))


def clopper_pearson_upper(successes: float, n: float, confidence: float = 0.95) -> float:
    """One-sided upper bound of a share (see `clopper_pearson_lower`)."""
    return 1.0 if successes >= n or n <= 0 else float(betaincinv(successes + 1, n - successes, confidence))


def clopper_pearson(successes: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """Two-sided exact interval of a share, equal tails."""
    one_sided = (1 + confidence) / 2
    return clopper_pearson_lower(successes, n, one_sided), clopper_pearson_upper(successes, n, one_sided)


def wilson(successes: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """Score interval of a share without continuity correction. E. B. Wilson, JASA 22 (1927) 209."""
    if n <= 0:
        return 0.0, 1.0
    z = normal_quantile((1 + confidence) / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def miscoverage_interval(
    miscoverage: float, n: float, nominal: float = 0.90, confidence: float = CONFIDENCE
) -> Interval:
    """Interval of ``|coverage - nominal|`` from the Wilson interval of the coverage.

    Which side the coverage erred on is not known from the difference; it is taken to be too low, the side on which a
    share of 0.90 varies more.
    """
    low, high = (bound - nominal for bound in wilson(max(0.0, nominal - miscoverage) * n, n, confidence))
    smallest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return smallest, max(abs(low), abs(high))


def garwood(events: float, exposure: float, confidence: float = CONFIDENCE) -> Interval:
    """Exact interval of a Poisson rate, in events per unit of ``exposure``. F. Garwood, Biometrika 28 (1936) 437."""
    if exposure <= 0:
        return 0.0, math.inf
    tail = (1 - confidence) / 2
    low = 0.0 if events <= 0 else chi_square_quantile(tail, 2 * events) / (2 * exposure)
    return low, chi_square_quantile(1 - tail, 2 * events + 2) / (2 * exposure)


def mtbf_interval(mtbf: float, events: float, confidence: float = CONFIDENCE) -> Interval:
    """Exact interval of a mean time between stops, observed over a fixed time, stops being Poisson.

    Args:
        mtbf: Operating time over ``events``, in hours, say.
        events: Stops seen; with none of them there is no upper bound.
        confidence: Two-sided.
    """
    low_rate, high_rate = garwood(events, mtbf * events, confidence)
    return (0.0 if math.isinf(high_rate) else 1 / high_rate), (math.inf if low_rate <= 0 else 1 / low_rate)


def pooled_sd(groups: Sequence[Sequence[float]]) -> tuple[float, int]:
    """Pooled standard deviation of groups of replicates, and its degrees of freedom.

    ``s = sqrt(sum (n_i - 1) s_i^2 / sum (n_i - 1))`` (ISO 5725-2). Groups of fewer than two add nothing.
    """
    squares, dof = 0.0, 0
    for group in groups:
        if len(group) >= 2:
            mean = math.fsum(group) / len(group)
            squares += math.fsum((value - mean) ** 2 for value in group)
            dof += len(group) - 1
    return (math.sqrt(squares / dof) if dof else math.nan), dof


def pooled_sd_interval(sd: float, dof: float, confidence: float = CONFIDENCE) -> Interval:
    """Exact interval of a standard deviation of normal values: ``s sqrt(dof / chi2)``. Ratios of one scale with it."""
    if dof <= 0:
        return 0.0, math.inf
    tail = (1 - confidence) / 2
    low, high = (sd * math.sqrt(dof / chi_square_quantile(p, dof)) for p in (1 - tail, tail))
    return low, high


def cpk_interval(cpk: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """Normal approximation of a process capability: ``cpk +- z sqrt(1/(9n) + cpk^2/(2(n-1)))``.

    A. F. Bissell, Applied Statistics 39 (1990) 331.
    """
    if n <= 1:
        return -math.inf, math.inf
    half = normal_quantile((1 + confidence) / 2) * math.sqrt(1 / (9 * n) + cpk * cpk / (2 * (n - 1)))
    return cpk - half, cpk + half


def quantile_interval(
    values: Sequence[float], probability: float, confidence: float = CONFIDENCE
) -> tuple[float | None, float | None]:
    """Distribution-free interval of a quantile by order statistics (David and Nagaraja, Order Statistics, 7.1).

    Returns:
        Lower and upper bound, each one-sided at ``(1 + confidence) / 2``; None where there are too few values for it.
    """
    ordered = sorted(values)
    n = len(ordered)
    tail = (1 - confidence) / 2
    below = np.cumsum([math.comb(n, k) * probability**k * (1 - probability) ** (n - k) for k in range(n + 1)])
    lower = [rank for rank in range(1, n + 1) if below[rank - 1] <= tail]
    upper = [rank for rank in range(1, n + 1) if 1 - below[rank - 1] <= tail]
    return (ordered[lower[-1] - 1] if lower else None), (ordered[upper[0] - 1] if upper else None)


def bootstrap_by_cluster(
    clusters: Sequence[Sequence[float]],
    statistic: Callable[[Floats], float],
    seed: int,
    resamples: int = 2000,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Percentile interval of a statistic under resampling of whole clusters (campaigns, days, experiments).

    B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap (1993), 13.3; clusters stay together because what
    lies in one is not independent.

    Args:
        clusters: The values of each cluster; at least one cluster with a value.
        statistic: From all values of a resample, in one array of shape (n,), to a number.
        seed: Of the draws; derive it from the identity of what is resampled.
        resamples: How many.
        confidence: Two-sided.
    """
    arrays: list[Floats] = [np.asarray(cluster, dtype=np.float64) for cluster in clusters]
    rng = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    for index in range(resamples):
        chosen = rng.integers(0, len(arrays), len(arrays))
        resample: list[Floats] = [arrays[int(place)] for place in chosen]
        drawn[index] = statistic(np.concatenate(resample))
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
