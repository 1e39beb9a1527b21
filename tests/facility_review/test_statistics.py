"""Intervals against published tables, against scipy, and by their defining equations."""

from __future__ import annotations

import math
import statistics as plain
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as _stats

from facility_review.statistics import (
    bootstrap_by_cluster,
    chi_square_quantile,
    clopper_pearson,
    clopper_pearson_lower,
    clopper_pearson_upper,
    cpk_interval,
    garwood,
    miscoverage_interval,
    mtbf_interval,
    normal_quantile,
    pooled_sd,
    pooled_sd_interval,
    quantile_interval,
    wilson,
)

stats: Any = _stats


@pytest.mark.parametrize(("n", "bound"), [(29, 0.90), (59, 0.95), (149, 0.98), (299, 0.99), (999, 0.997)])
def test_no_miss_in_n_gives_the_shares_of_the_instrument(n: int, bound: float) -> None:
    assert clopper_pearson_lower(n, n) == pytest.approx(bound, abs=0.0021)
    assert clopper_pearson_lower(n, n) >= bound - 1e-3
    assert clopper_pearson_upper(0, n) == pytest.approx(1 - clopper_pearson_lower(n, n))


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (0, 10, 0.0000, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (2, 10, 0.0252, 0.5561),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0000),
        (4, 20, 0.0573, 0.4366),
        (10, 20, 0.2720, 0.7280),
        (81, 263, 0.2527, 0.3676),
    ],
)
def test_clopper_pearson_95_percent_as_in_tables(successes: int, n: int, low: float, high: float) -> None:
    """Tables of exact binomial limits; 81 of 263 is the example of Newcombe, Statistics in Medicine 17 (1998) 857."""
    assert clopper_pearson(successes, n, 0.95) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_95_percent_as_newcombe_gives_it(successes: int, n: int, low: float, high: float) -> None:
    """The four examples of Newcombe (1998), method 3."""
    assert wilson(successes, n, 0.95) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("events", "low", "high"),
    [
        (0, 0.000, 3.689),
        (1, 0.025, 5.572),
        (2, 0.242, 7.225),
        (3, 0.619, 8.767),
        (5, 1.623, 11.668),
        (10, 4.795, 18.390),
    ],
)
def test_poisson_95_percent_as_garwood_gives_it(events: int, low: float, high: float) -> None:
    """Garwood (1936), table of fiducial limits."""
    assert garwood(events, 1, 0.95) == pytest.approx((low, high), abs=6e-4)


@pytest.mark.parametrize(
    ("probability", "dof", "quantile"),
    [(0.95, 1, 3.841), (0.95, 10, 18.307), (0.05, 10, 3.940), (0.975, 20, 34.170), (0.025, 20, 9.591)],
)
def test_chi_square_quantiles_as_in_tables(probability: float, dof: int, quantile: float) -> None:
    assert chi_square_quantile(probability, dof) == pytest.approx(quantile, abs=6e-4)


@pytest.mark.parametrize(("probability", "z"), [(0.95, 1.6449), (0.975, 1.9600), (0.05, -1.6449), (0.5, 0.0)])
def test_normal_quantiles_as_in_tables(probability: float, z: float) -> None:
    assert normal_quantile(probability) == pytest.approx(z, abs=5e-5)


@pytest.mark.parametrize(
    ("mtbf", "events", "low", "high"), [(60, 20, 41.28, 90.53), (100, 1, 21.08, 1949.57), (50, 5, 23.78, 126.89)]
)
def test_mtbf_from_the_chi_square_table(mtbf: float, events: int, low: float, high: float) -> None:
    """``2 T / chi2``: MIL-HDBK-338B, time-terminated test; 90 %, two-sided, by hand from chi-square quantiles."""
    total = 2 * mtbf * events
    by_hand = (total / chi_square_quantile(0.95, 2 * events + 2), total / chi_square_quantile(0.05, 2 * events))
    assert mtbf_interval(mtbf, events) == pytest.approx(by_hand)
    assert mtbf_interval(mtbf, events) == pytest.approx((low, high), rel=2e-3)


def test_no_stop_gives_no_upper_bound() -> None:
    assert mtbf_interval(60, 0) == (0.0, math.inf)


@pytest.mark.parametrize(("dof", "low", "high"), [(10, 0.739, 1.593), (20, 0.798, 1.358), (46, 0.856, 1.209)])
def test_standard_deviation_from_the_chi_square_table(dof: int, low: float, high: float) -> None:
    assert pooled_sd_interval(1, dof) == pytest.approx((low, high), abs=2e-3)
    wide = stats.chi2.ppf([0.95, 0.05], dof)
    assert pooled_sd_interval(1, dof) == pytest.approx(tuple(np.sqrt(dof / wide)), rel=1e-10)


def test_pooled_standard_deviation_is_that_of_its_groups() -> None:
    groups = [[1.0, 2.0, 3.0], [10.0, 10.5], [4.0]]
    wanted = math.sqrt((2 * plain.variance(groups[0]) + plain.variance(groups[1])) / 3)
    assert pooled_sd(groups) == (pytest.approx(wanted), 3)


def test_capability_as_bissell_gives_it() -> None:
    """Cpk 1.33 from 50: 1.33 +- 1.6449 sqrt(1/450 + 1.33^2/98)."""
    assert cpk_interval(1.33, 50) == pytest.approx((1.09580, 1.56420), abs=1e-5)


@pytest.mark.parametrize(("successes", "n"), [(0, 7), (3, 7), (7, 7), (95, 100), (198, 200), (849, 850)])
def test_shares_agree_with_scipy(successes: int, n: int) -> None:
    test = stats.binomtest(successes, n)
    exact, score = (test.proportion_ci(0.90, method) for method in ("exact", "wilson"))
    assert clopper_pearson(successes, n) == pytest.approx((exact.low, exact.high), abs=1e-12)
    assert wilson(successes, n) == pytest.approx((score.low, score.high), abs=1e-12)


@pytest.mark.parametrize("events", [0, 1, 4, 36, 250])
def test_rates_agree_with_scipy_by_their_defining_equations(events: int) -> None:
    low, high = garwood(events, 1)
    assert stats.poisson.cdf(events, high) == pytest.approx(0.05)
    assert events == 0 or stats.poisson.sf(events - 1, low) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("n", "probability", "lower", "upper"),
    [(59, 0.95, 53, 59), (58, 0.95, 52, None), (20, 0.5, 6, 15), (10, 0.5, 2, 9), (93, 0.95, 85, 92)],
)
def test_order_statistics_bound_a_quantile(n: int, probability: float, lower: int, upper: int | None) -> None:
    """59 values are the fewest whose largest bounds the 95th percentile with 95 %: Wilks (1941)."""
    low, high = quantile_interval(list(range(1, n + 1)), probability)
    if upper is not None:
        assert stats.binom.cdf(upper - 1, n, probability) >= 0.95 - 1e-12
        assert stats.binom.cdf(upper - 2, n, probability) < 0.95
    assert high == upper
    assert low == lower
    assert stats.binom.cdf(lower - 1, n, probability) <= 0.05


@given(st.floats(0, 1), st.integers(1, 500), st.integers(1, 500))
def test_more_of_the_same_never_loosens_a_bound(share: float, n: int, more: int) -> None:
    assert clopper_pearson_lower(share * (n + more), n + more) >= clopper_pearson_lower(share * n, n) - 1e-9
    assert clopper_pearson_upper(share * (n + more), n + more) <= clopper_pearson_upper(share * n, n) + 1e-9


@given(st.floats(0, 0.9), st.integers(1, 2000))
def test_miscoverage_lies_in_its_interval(miscoverage: float, n: int) -> None:
    low, high = miscoverage_interval(miscoverage, n)
    assert 0 <= low <= miscoverage + 1e-9
    assert miscoverage <= high + 1e-9


def test_the_bootstrap_is_seeded_and_keeps_clusters_together() -> None:
    clusters = [[1.0, 1.0, 1.0], [2.0, 2.0], [4.0]]

    def mean(values: np.ndarray[Any, Any]) -> float:
        return float(values.mean())

    found = bootstrap_by_cluster(clusters, mean, seed=5)
    assert found == bootstrap_by_cluster(clusters, mean, seed=5)
    assert found != bootstrap_by_cluster(clusters, mean, seed=6, resamples=7)
    assert 1 <= found[0] < 11 / 6 < found[1] <= 4
    assert bootstrap_by_cluster([[3.0, 3.0]], mean, seed=1, resamples=10) == (3.0, 3.0)


def test_the_bootstrap_of_a_mean_comes_near_its_normal_interval() -> None:
    values = np.random.default_rng(3).normal(10, 2, 400)
    low, high = bootstrap_by_cluster([[float(value)] for value in values], lambda x: float(x.mean()), seed=1)
    half = 1.6449 * float(values.std()) / 20
    assert (low, high) == pytest.approx((float(values.mean()) - half, float(values.mean()) + half), abs=0.03)
