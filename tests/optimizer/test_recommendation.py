"""Which trial is recommended."""

from __future__ import annotations

import numpy as np
import pytest

from autolab.core.objectives import OutcomeConstraint
from autolab.core.parameters import RangeParameter
from autolab.core.problem import Space
from autolab.core.proposing import UNLEARNED
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
