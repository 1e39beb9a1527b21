"""What fresh measurements of the best recipes say: selection accounted for, and nothing claimed that was not seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from autolab.core.confirming import Claim, claims


def test_one_recipe_has_the_ordinary_interval_of_a_mean():
    values = [1.0, 1.3, 1.1, 0.9]
    (claim,) = claims([values])
    expected = stats.t.interval(0.9, 3, np.mean(values), stats.sem(values))
    assert claim.mean == pytest.approx(np.mean(values))
    assert claim.interval == pytest.approx(expected, rel=1e-5)


def test_recipes_far_apart_are_left_alone_and_near_ones_are_pulled_together():
    far = claims([[1.0, 1.1, 1.2], [50.0, 50.1, 50.2]])
    assert far[0].mean == pytest.approx(1.1, abs=0.01)
    near = claims([[1.0, 2.0, 3.0], [1.4, 2.4, 3.4], [1.8, 2.8, 3.8]])
    assert 2.0 < near[0].mean < near[1].mean < near[2].mean < 2.8
    assert near[0].mean > 2.15


def test_what_was_measured_once_has_no_interval_and_what_never_scatters_has_no_width():
    assert claims([[1.0], [2.0]]) == [Claim(1.0, None, None), Claim(2.0, None, None)]
    assert claims([[1.0, 1.0], [2.0, 2.0]])[0] == Claim(1.0, 0.0, (1.0, 1.0))


def test_a_unit_changes_nothing_and_replicates_may_be_missing():
    groups = [[1.0, 1.2, 0.9], [1.1, 1.5], [1.4, 1.3, 1.6]]
    scaled = claims([[1000 * value for value in group] for group in groups])
    for claim, large in zip(claims(groups), scaled, strict=True):
        assert large.mean == pytest.approx(1000 * claim.mean)
        assert large.interval == pytest.approx(tuple(1000 * end for end in claim.interval or ()), rel=1e-5)


@pytest.mark.parametrize(("width", "least"), [(0.0, 0.85), (1.0, 0.85)])
def test_the_interval_of_the_best_of_five_covers_its_true_value_and_the_plain_one_does_not(width: float, least: float):
    rng = np.random.default_rng(7)
    covered, plain, low = 0, 0, 0.0
    n = 120
    for _ in range(n):
        true = rng.normal(0.0, width, 5)
        groups = [list(rng.normal(value, 1.0, 3)) for value in true]
        found = claims(groups)
        best = min(range(5), key=lambda at: found[at].mean)
        interval = found[best].interval or (0.0, 0.0)
        covered += interval[0] <= true[best] <= interval[1]
        low += (found[best].mean - true[best]) / n
        half = stats.t.ppf(0.95, 10) * np.sqrt(np.mean([np.var(group, ddof=1) for group in groups]) / 3)
        plain += abs(np.mean(groups[best]) - true[best]) <= half
    assert least <= covered / n <= 0.97
    assert abs(low) < 0.35  # plain means of five equals are 0.67 too low
    if width == 0.0:
        assert plain / n < 0.83
