"""Where trials failed for their recipe, engines look less; where an instrument failed, they do not mind."""

from __future__ import annotations

import numpy as np
import pytest

from autolab.core.faults import SCREENED
from autolab.core.parameters import ChoiceParameter, RangeParameter
from autolab.core.problem import Space
from autolab.core.proposing import Observation
from autolab.core.trials import Estimate
from optimizer.engine import suggest
from optimizer.lean_model import Features
from optimizer.space import UnitSpace
from optimizer.success import Success, log_posterior
from tests.optimizer.builders import problem, request

SQUARE = Space((RangeParameter("x", 0.0, 1.0, step=0.01), RangeParameter("y", 0.0, 1.0, step=0.01)))
every_learner = pytest.mark.parametrize("engine", ["lean", "botorch", "ax"])


def bowl(x: float, y: float) -> float:
    return (x - 0.8) ** 2 + (y - 0.5) ** 2


def past(fault: str | None) -> list[Observation]:
    """The bowl is lowest at (0.8, 0.5); beyond x = 0.6 all trials fail."""
    rng, found = np.random.default_rng(3), []
    for trial, (x, y) in enumerate(rng.integers(0, 101, size=(14, 2)) / 100, 1):
        values = {"x": float(x), "y": float(y)}
        known = x <= 0.6
        outcome = {"y": Estimate(bowl(x, y))} if known else None
        found.append(Observation(trial, values, outcome, None, None if known else fault))
    return found


@pytest.mark.parametrize(
    ("engine", "fault"),
    [("lean", "bad_outcome"), ("botorch", "bad_outcome"), ("ax", "bad_outcome"), ("lean", SCREENED)],
)
def test_a_suggestion_moves_away_from_where_recipes_failed_and_stays_near_the_boundary(engine: str, fault: str):
    blind = suggest(request(problem(SQUARE), engine, 15, past(None)))
    made = suggest(request(problem(SQUARE), engine, 15, past(fault)))
    assert blind.values["x"] > 0.6
    assert 0.45 <= made.values["x"] <= 0.6
    assert blind.explanation is not None
    assert made.explanation is not None
    assert blind.explanation.success is None
    assert made.explanation.success is not None
    assert 0.4 < made.explanation.success < 1.0
    assert "probability of success after 6 trials that failed" in made.reason


@every_learner
def test_what_an_instrument_is_to_blame_for_changes_no_suggestion(engine: str):
    blamed, unblamed = (suggest(request(problem(SQUARE), engine, 15, past(fault))) for fault in ("timeout", None))
    assert blamed == unblamed


def test_ax_leaves_a_problem_with_failed_recipes_to_botorch_and_says_so():
    made = suggest(request(problem(SQUARE), "ax", 15, past("bad_outcome")))
    assert made.engine == "botorch"
    assert "since Ax does not learn where trials fail, as trial 1 did" in made.reason


@every_learner
def test_where_all_recipes_failed_the_space_is_filled_away_from_them(engine: str):
    failed = [Observation(n, {"x": 0.1 * n, "y": 0.2}, None, None, "bad_outcome") for n in range(1, 6)]
    made = suggest(request(problem(SQUARE), engine, 6, failed))
    assert made.values["y"] > 0.7
    assert "away from 5 trials that failed" in made.reason
    assert made.explanation is not None
    assert made.explanation.success is not None
    assert made.explanation.success > 0.5


def test_a_choice_with_which_trials_fail_is_left_for_the_others():
    space = Space((RangeParameter("x", 0.0, 1.0, step=0.01), ChoiceParameter("gas", ("argon", "helium", "none"))))
    observations: list[Observation] = []
    for trial, x in enumerate(np.linspace(0.0, 1.0, 15).round(2).tolist(), 1):
        gas = ("argon", "helium", "none")[trial % 3]
        outcome = None if gas == "none" else {"y": Estimate((x - 0.5) ** 2 + 0.1 * len(gas))}
        observations.append(Observation(trial, {"x": x, "gas": gas}, outcome, None, "bad_outcome"))
    for engine in ("lean", "botorch"):
        assert suggest(request(problem(space), engine, 16, observations)).values["gas"] == "argon"


def test_fewer_trials_fail_and_a_better_one_is_found_than_without_learning_from_failures():
    def campaign(fault: str | None, seed: int) -> tuple[int, float]:
        observations: list[Observation] = []
        for trial in range(1, 19):
            values = suggest(request(problem(SQUARE), "lean", trial, observations, root=seed)).values
            x, y = float(values["x"]), float(values["y"])
            outcome = {"y": Estimate(bowl(x, y))} if x <= 0.6 else None
            observations.append(Observation(trial, values, outcome, None, fault))
        best = min((o.outcome["y"].value for o in observations if o.outcome), default=1.0)
        return sum(o.outcome is None for o in observations), best

    learned, blind = (np.array([campaign(fault, seed) for seed in (1, 2)]) for fault in ("bad_outcome", None))
    assert (learned[:, 0] < blind[:, 0]).all()
    assert learned[:, 1].mean() < 0.7 * blind[:, 1].mean()
    assert learned[:, 1].max() < 0.045  # 0.04 is the best that does not fail


def test_gradients_of_the_probability_and_of_its_lengthscales_are_right():
    unit = UnitSpace(
        Space((RangeParameter("x", 0, 1), RangeParameter("y", 0, 1), ChoiceParameter("c", ("a", "b", "c"))))
    )
    features, rng = Features.of(unit), np.random.default_rng(0)
    points = np.column_stack([rng.random((20, 2)), rng.integers(3, size=20) / 2])
    succeeded = points[:, 0] + points[:, 1] < 1.1
    success, places, step = Success(features, points, succeeded), points[:5] * 0.9, 1e-6
    _, gradients = success.slopes(places)
    for at in range(2):
        moved = np.eye(3)[at] * step
        numeric = (success.slopes(places + moved)[0] - success.slopes(places - moved)[0]) / (2 * step)
        assert np.allclose(gradients[:, at], numeric, rtol=1e-5, atol=1e-7)
    assert (success(points)[succeeded] > success(points)[~succeeded].max()).mean() > 0.9

    logs, signs = np.array([-1.0, 0.3, 0.5]), np.where(succeeded, 1.0, -1.0)

    def density(at: np.ndarray) -> float:
        return log_posterior(features(points), features, signs, at)[0]

    numeric = [(density(logs + move) - density(logs - move)) / 2e-5 for move in np.eye(3) * 1e-5]
    assert np.allclose(log_posterior(features(points), features, signs, logs)[1], numeric, rtol=1e-6)
