"""Which trial is recommended."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.core.objectives import OutcomeConstraint
from autolab.core.parameters import RangeParameter
from autolab.core.problem import Space
from autolab.core.proposing import UNLEARNED, Observation
from autolab.core.trials import Estimate
from optimizer.recommendation import recommend
from tests.optimizer.builders import failed, observed, problem

LINE = Space((RangeParameter("x", 0, 1),))


def test_nothing_is_recommended_without_an_outcome() -> None:
    assert recommend(problem(LINE), ()) is None
    assert recommend(problem(LINE), (failed(1, {"x": 0.5}),)) is None


def test_few_outcomes_are_taken_as_measured_and_it_says_so() -> None:
    best = recommend(problem(LINE), tuple(observed(n, {"x": n / 10}, 5.0 - n) for n in (1, 2, 3)))
    assert best is not None
    assert (best.trial, best.mean, best.sem) == (3, 2.0, None)
    assert best.reason == "best as measured: 3 outcomes are too few for a model"


@pytest.mark.parametrize(("goal", "at"), [("minimize", 0.3), ("maximize", 0.7), ("target", 0.5)])
def test_a_model_looks_past_a_lucky_measurement(goal: str, at: float) -> None:
    rng = np.random.default_rng(0)
    # A cosine wave whose extremes are at 0.3 and 0.7, and one wild reading far away from them.
    wave = {"minimize": -1.0, "maximize": 1.0, "target": 1.0}[goal]
    past = []
    for trial in range(1, 42):
        x = (trial - 1) / 40
        level = 0.5 + wave * np.exp(-(((x - at) / 0.15) ** 2)) if goal != "target" else 0.5 + 3 * (x - at)
        past.append(observed(trial, {"x": x}, level + 0.05 * rng.standard_normal()))
    wild = {"minimize": -0.65, "maximize": 1.65, "target": 0.5}[goal]
    past[38] = observed(39, {"x": 0.95}, wild)
    best = recommend(problem(LINE, goal=goal), tuple(past))
    assert best is not None
    assert best.values["x"] == pytest.approx(at, abs=0.08)
    assert best.sem is not None
    assert best.sem > 0
    assert best.reason == "best midway between its measurement and a model of 41 outcomes"


def test_the_luckiest_repeat_of_a_recipe_does_not_speak_for_it() -> None:
    # As measured: 0.2 was hit once at 1 and missed twice at 4 (mean 3), and 0.6 has 2.5 twice.
    past = tuple(observed(n, {"x": x}, y) for n, (x, y) in enumerate([(0.2, 4), (0.6, 2.5), (0.2, 1), (0.2, 4)], 1))
    best = recommend(problem(LINE), past)
    assert best is not None
    assert (best.trial, best.mean, best.ranked) == (2, 2.5, (2, 1))


@given(rows=st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.integers(-5, 5)), min_size=1, max_size=30))
def test_as_measured_the_recipe_with_the_best_mean_is_recommended(rows: list[tuple[float, int]]) -> None:
    past = tuple(observed(n, {"x": x}, float(y)) for n, (x, y) in enumerate(rows, 1))
    means = {x: np.mean([y for at, y in rows if at == x]) for x, _ in rows}
    best = recommend(problem(LINE), past, with_model=False)
    assert best is not None
    assert best.mean == pytest.approx(min(means.values()))
    assert means[float(best.values["x"])] == pytest.approx(min(means.values()))
    assert best.trial == next(n for n, (x, _) in enumerate(rows, 1) if x == best.values["x"])


def test_the_standard_error_of_a_repeated_recipe_is_that_of_its_mean() -> None:
    past = tuple(_with_sem(n, 0.2, y, sem) for n, (y, sem) in enumerate([(1.0, 0.3), (3.0, 0.4)], 1))
    best = recommend(problem(LINE), past)
    assert best is not None
    assert (best.trial, best.mean, best.sem) == (1, 2.0, pytest.approx(0.25))
    best = recommend(problem(LINE), (*past, observed(3, {"x": 0.2}, 2.0)))
    assert best is not None
    assert (best.mean, best.sem) == (2.0, None)


@pytest.mark.parametrize("engine", ["lean", "botorch"])
def test_with_a_model_a_recipe_is_judged_by_the_mean_of_its_repeats(engine: str) -> None:
    rng = np.random.default_rng(1)
    line = [observed(n, {"x": (n - 1) / 20}, 0.1 * rng.standard_normal()) for n in range(1, 22)]
    repeats = [observed(21 + n, {"x": 0.5}, y) for n, y in enumerate([-0.6, 0.2, 0.3, 0.2, 0.25, 0.2], 1)]
    best = recommend(problem(LINE), (*line, *repeats), engine=engine)
    assert best is not None
    assert best.values["x"] != 0.5
    lone = recommend(problem(LINE), (*line, repeats[0]), engine=engine)
    assert lone is not None
    assert lone.values["x"] == 0.5  # without the other repeats, the lucky one does speak for it


def test_a_doubted_repeat_does_not_count() -> None:
    wave = [observed(n, {"x": (n - 1) / 20}, ((n - 1) / 20 - 0.5) ** 2) for n in range(1, 22)]
    past = (*wave, observed(22, {"x": 0.5}, 4.0))
    trusting = recommend(problem(LINE), past, engine="lean")
    doubting = recommend(replace(problem(LINE), doubts_outliers=True), past, engine="lean")
    assert trusting is not None
    assert doubting is not None
    assert trusting.ranked[-1] == 11
    assert (doubting.trial, doubting.mean) == (11, pytest.approx(0.0, abs=0.01))


def _with_sem(trial: int, x: float, y: float, sem: float) -> Observation:
    return replace(observed(trial, {"x": x}, y), outcome={"y": Estimate(y, sem)})


def test_outcome_constraints_are_kept() -> None:
    posed = problem(LINE, constraints=[OutcomeConstraint("z", "<=", 0.5)])
    past = tuple(observed(n, {"x": n / 10}, -n, z=n / 10) for n in range(1, 11))
    best = recommend(posed, past)
    assert best is not None
    assert best.values["x"] <= 0.5


def test_two_constraints_may_bound_one_metric_and_the_objective_too() -> None:
    bounds = [
        OutcomeConstraint("z", "<=", 0.75),
        OutcomeConstraint("z", ">=", 0.25),
        OutcomeConstraint("y", ">=", -6.5),
    ]
    past = tuple(observed(n, {"x": n / 10}, -n, z=n / 10) for n in range(1, 11))
    best = recommend(problem(LINE, constraints=bounds), past)
    assert best is not None
    assert 0.25 <= float(best.values["x"]) <= 0.65


def test_it_says_when_no_trial_keeps_the_outcome_constraints() -> None:
    posed = problem(LINE, constraints=[OutcomeConstraint("z", "<=", -1.0)])
    best = recommend(posed, tuple(observed(n, {"x": n / 10}, float(n), z=n / 10) for n in range(1, 9)))
    assert best is not None
    assert best.reason.endswith("; no trial keeps z <= -1")


@pytest.mark.parametrize("engine", sorted(UNLEARNED))
def test_an_engine_without_a_model_borrows_the_one_that_auto_would_take(engine: str) -> None:
    past = tuple(observed(n, {"x": n / 10}, (n - 4) ** 2 / 9, z=n / 10) for n in range(1, 9))
    bounded = problem(LINE, constraints=[OutcomeConstraint("z", "<=", 0.5)])
    found, lean = (recommend(problem(LINE), past, engine=name) for name in (engine, "lean"))
    assert found == lean != recommend(problem(LINE), past, engine="botorch")
    assert recommend(bounded, past, engine=engine) == recommend(bounded, past, engine="botorch")


def test_the_same_outcomes_give_the_same_recommendation() -> None:
    rng = np.random.default_rng(1)
    past = tuple(observed(n, {"x": float(rng.random())}, float(rng.random())) for n in range(1, 12))
    assert recommend(problem(LINE), past, 3) == recommend(problem(LINE), past, 3)
