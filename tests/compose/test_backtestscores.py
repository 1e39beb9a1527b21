"""Scores of a backtest, against values worked out by hand, and intervals that hold what they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.compose.backtestscores import engine_scores, needed_trials, paired_interval, regrets
from autolab.core.backtests import EngineScore

OURS = np.array([[5.0, 3.0, 1.0, 2.0], [4.0, 1.0, 3.0, 0.0], [5.0, 5.0, 5.0, 1.0]])
THEIRS = np.array([[6.0, 5.0, 4.0, 3.0], [4.0, 4.0, 4.0, 1.0], [6.0, 5.0, 5.0, 5.0]])


def scored(goal: float = 1.0) -> dict[str, EngineScore]:
    found = engine_scores({"ours": OURS, "random": THEIRS}, "random", 0.0, 10.0, {"target": goal})
    return {score.engine: score for score in found}


def test_regret_is_the_best_so_far_above_the_best_of_all_in_units_of_the_range() -> None:
    assert regrets(OURS, 0.0, 10.0)[0] == pytest.approx([0.5, 0.3, 0.1, 0.1])
    assert regrets(np.array([[-1.0]]), 0.0, 10.0)[0, 0] == 0.0, "an emulator's best is found by search"
    assert [each.value for each in scored()["ours"].regret] == pytest.approx([14 / 30, 9 / 30, 7 / 30, 2 / 30])
    assert scored()["ours"].median_regret == pytest.approx(0.1)


def test_experiments_to_a_goal_count_all_trials_where_it_was_not_reached() -> None:
    assert needed_trials(OURS, 1.0) == [3, 2, 4]
    assert needed_trials(THEIRS, 1.0) == [None, 4, None]
    ours, theirs = scored()["ours"].goals[0], scored()["random"].goals[0]
    assert (ours.experiments.value, ours.reached) == (3.0, 3)
    assert (theirs.experiments.value, theirs.reached) == (4.0, 1)


def test_acceleration_is_the_reference_over_ours_and_nothing_for_a_goal_that_half_never_reach() -> None:
    acceleration = scored()["ours"].goals[0].acceleration
    assert acceleration is not None
    assert acceleration.value == pytest.approx(4 / 3)
    short = scored(goal=0.5)["ours"].goals[0]
    assert (short.reached, short.acceleration and short.acceleration.value) == (1, 0.0)
    assert scored(goal=-1.0)["ours"].goals[0].acceleration is None, "neither came there"
    assert scored()["random"].goals[0].acceleration is None


def test_enhancement_and_difference_are_those_after_the_last_trial() -> None:
    ours = scored()["ours"]
    assert ours.enhancement is not None
    assert ours.difference is not None
    # Medians of the bests: 1 and 3; median loss of the reference 4.5, least loss of all 0.
    assert ours.enhancement.value == pytest.approx((3.0 - 1.0) / 4.5)
    assert ours.difference.value == pytest.approx((0.1 + 0.0 + 0.1) / 3 - (0.3 + 0.1 + 0.5) / 3)
    assert scored()["random"].difference is None


def test_one_run_has_no_interval_and_losses_without_spread_no_enhancement() -> None:
    flat = np.full((1, 3), 2.0)
    score = engine_scores({"ours": flat, "random": flat}, "random", 1.0, 3.0, {"target": 2.0})[0]
    assert (score.enhancement, score.regret[0].low, score.goals[0].experiments.high) == (None, None, None)


def test_an_interval_covers_a_planted_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    truth, covered = 0.3, 0
    for _ in range(40):
        sample = truth + rng.standard_normal(25)
        _, low, high = paired_interval(25, lambda rows, s=sample: s[rows].mean(axis=-1), "planted")
        covered += low <= truth <= high
    assert 34 <= covered <= 40


def test_a_difference_is_paired_so_that_what_seeds_share_falls_out() -> None:
    shared = np.random.default_rng(4).uniform(0.0, 9.0, (20, 1))
    found = engine_scores({"ours": shared, "random": shared + 0.5}, "random", 0.0, 10.0, {})[0]
    assert found.difference is not None
    interval = (found.difference.low, found.difference.value, found.difference.high)
    assert interval == pytest.approx((-0.05, -0.05, -0.05))
    assert found.regret[0].high is not None
    assert found.regret[0].low is not None
    assert found.regret[0].high - found.regret[0].low > 0.1


@given(st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=1, max_size=6))
def test_regret_never_rises_and_stays_between_0_and_1(losses: list[list[float]]) -> None:
    found = regrets(np.array(losses), 0.0, 1.0)
    assert np.all(np.diff(found, axis=1) <= 0)
    assert np.all((found >= 0) & (found <= 1))
