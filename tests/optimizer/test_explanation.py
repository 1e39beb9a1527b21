"""Why a trial was suggested, in numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autolab.core.canonical import canonical_json
from autolab.core.constraints import Constraint
from autolab.core.explanations import Explanation
from autolab.core.objectives import Objective, OutcomeConstraint
from autolab.core.parameters import ChoiceParameter, RangeParameter, Values
from autolab.core.problem import Problem, Space
from autolab.core.proposing import Observation
from autolab.core.trials import Estimate, Suggestion
from optimizer.engine import LearningEngine, suggest
from optimizer.evidence import Evidence
from optimizer.explanation import explain
from optimizer.lean_learner import LeanLearner
from optimizer.learner import Forecast, NumericalFailureError, Wish
from optimizer.routing import Routing
from optimizer.space import Points
from optimizer.wire import adapter
from tests.optimizer.builders import failed, observed, problem, request

LINE = Space((RangeParameter("x", 0, 1),))
PLANE = Space((RangeParameter("a", 0, 10, step=1), RangeParameter("b", 0, 10, step=1)), (Constraint("a + b <= 12"),))
PAST = tuple(observed(n, {"x": x}, 3 + 40 * (x - 0.4) ** 2) for n, x in enumerate(np.linspace(0, 1, 9), 1))


def explained(engine: str, posed: Problem, past: tuple[Observation, ...] = PAST) -> tuple[Values, Explanation]:
    made = suggest(request(posed, engine, len(past) + 1, past))
    assert made.explanation is not None
    return made.values, made.explanation


@pytest.mark.parametrize("engine", ["ax", "botorch", "lean"])
@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_what_is_predicted_is_nearly_what_is_true_there_in_the_unit_of_the_metric(engine: str, goal: str) -> None:
    values, explanation = explained(engine, problem(LINE, goal=goal))
    (prediction,) = explanation.predictions
    truth = 3 + 40 * (float(values["x"]) - 0.4) ** 2
    assert prediction.metric == "y"
    assert prediction.mean == pytest.approx(truth, abs=1.0)
    assert 0 < prediction.sd < 2.0
    assert explanation.silent is None
    assert explanation.gain is not None
    assert 0 <= explanation.gain < 2.0
    assert len(canonical_json(explanation)) < 1000


def test_ax_which_models_the_distance_from_a_target_says_so() -> None:
    _, explanation = explained("ax", problem(LINE, goal="target"))
    assert [prediction.metric for prediction in explanation.predictions] == ["|y - 0.5|"]
    assert explanation.gain is not None


def test_the_nearest_trials_are_named_with_their_distances_also_those_that_failed() -> None:
    posed = problem(Space((RangeParameter("x", 0, 10), ChoiceParameter("s", ("p", "q", "r")))))
    past = (observed(1, {"x": 2.0, "s": "p"}), failed(2, {"x": 4.0, "s": "p"}), observed(3, {"x": 3.0, "s": "q"}))
    found = explain(Evidence(posed, past, ()), {"x": 3.0, "s": "p"}, None)
    assert [near.trial for near in found.nearest] == [1, 2, 3]
    assert [near.distance for near in found.nearest] == pytest.approx([0.1, 0.1, 1.0])


def test_the_bounds_and_constraints_on_which_a_point_lies_are_named() -> None:
    evidence = Evidence(problem(PLANE), (observed(1, {"a": 1, "b": 1}),), ())
    assert explain(evidence, {"a": 3, "b": 4}, None).active == ()
    assert explain(evidence, {"a": 4, "b": 8}, None).active == ("a + b <= 12",)
    assert explain(evidence, {"a": 10, "b": 0}, None).active == ("upper bound of a, 10", "lower bound of b, 0")
    equal = Space(PLANE.parameters, (Constraint("a + b == 10"),))
    assert explain(Evidence(problem(equal), (), ()), {"a": 4, "b": 6}, None).active == ("a + b == 10",)


@pytest.mark.parametrize("engine", ["sobol", "random", "grid"])
def test_an_engine_that_predicts_nothing_says_so(engine: str) -> None:
    _, explanation = explained(engine, problem(LINE))
    assert (explanation.predictions, explanation.gain, explanation.acquisition) == ((), None, None)
    assert explanation.silent is not None
    assert len(explanation.nearest) == 3


def test_a_learning_engine_says_nothing_of_its_initial_design() -> None:
    explanation = suggest(request(problem(LINE), "lean", 2, PAST[:1])).explanation
    assert explanation is not None
    assert explanation.silent == "a point that fills the space"


class Mute:
    """A learner that suggests, and fails to explain."""

    def wish(self, evidence: Evidence, seed: int) -> Wish:
        def foresee(_: Points) -> Forecast:
            raise NumericalFailureError("the matrix is bad")

        return replace(LeanLearner().wish(evidence, seed), foresee=foresee)


def test_an_explanation_changes_no_suggestion_and_none_is_lost_over_one_that_fails() -> None:
    asked = request(problem(LINE), "lean", 10, PAST)
    told = suggest(asked)
    mute = LearningEngine(Routing("lean"), Mute).suggest(asked)
    assert mute == replace(told, explanation=mute.explanation)
    assert mute.explanation is not None
    assert mute.explanation.silent == "the matrix is bad"
    assert mute.explanation.nearest == told.explanation.nearest if told.explanation else False


def test_numbers_that_are_not_finite_are_not_told() -> None:
    evidence = Evidence(problem(LINE), PAST, ())
    bad = Forecast(evidence.problem, np.array([np.nan]), np.ones(1), np.ones((9, 1)))
    assert explain(evidence, {"x": 0.5}, bad).silent == "the model's numbers are not finite"


def test_a_suggestion_goes_to_the_host_and_back_with_its_explanation() -> None:
    made = suggest(request(problem(LINE), "lean", 10, PAST))
    assert adapter(Suggestion).validate_json(canonical_json(made)) == made


# the gain, against sums over many draws

DRAWS = np.random.default_rng(5).standard_normal(400_000)


def forecast(posed: Problem, mean: float, sd: float, more: tuple[float, float] = (0.0, 1.0)) -> Forecast:
    """Of 'y', and of 'z' where there is one; the outcomes so far had means 5, 4 and 6."""
    m = len(posed.metrics)
    known = np.column_stack([[5.0, 4.0, 6.0], [0.0, 0.0, 0.0]])[:, :m]
    return Forecast(posed, np.array([mean, more[0]][:m]), np.array([sd, more[1]][:m]), known)


def three(**more: float) -> tuple[Observation, ...]:
    return tuple(observed(n, {"x": n / 4}, y, **more) for n, y in ((1, 5.0), (2, 4.0), (3, 6.0)))


@pytest.mark.parametrize(("mean", "sd"), [(4.5, 1.0), (3.0, 0.5), (6.0, 2.0), (3.5, 0.01)])
@pytest.mark.parametrize("goal", ["minimize", "maximize", "target"])
def test_the_gain_is_the_expected_improvement_over_the_best(goal: str, mean: float, sd: float) -> None:
    posed = Problem(LINE, Objective("y", goal, 4.4 if goal == "target" else None))  # pyright: ignore[reportArgumentType]
    found = explain(Evidence(posed, three(), ()), {"x": 0.1}, forecast(posed, mean, sd))
    losses = np.array([posed.objective.loss(y) for y in (5.0, 4.0, 6.0)])
    drawn = {"minimize": lambda y: y, "maximize": lambda y: -y, "target": lambda y: np.abs(y - 4.4)}[goal]
    gains = np.maximum(losses.min() - drawn(mean + sd * DRAWS), 0.0)
    assert found.gain == pytest.approx(gains.mean(), rel=0.02, abs=2e-3)
    certain = max(losses.min() - posed.objective.loss(mean), 0.0)
    if found.gain and found.gain > 0.01:
        assert found.exploration == pytest.approx(min(max(1 - certain / gains.mean(), 0), 1), abs=0.02)


def test_exploration_is_nothing_where_the_model_is_sure_and_all_where_the_mean_is_no_better() -> None:
    posed = problem(LINE)
    sure = explain(Evidence(posed, three(), ()), {"x": 0.1}, forecast(posed, 3.0, 1e-6))
    blind = explain(Evidence(posed, three(), ()), {"x": 0.1}, forecast(posed, 4.0, 1.0))
    assert sure.exploration == pytest.approx(0.0, abs=1e-4)
    assert blind.exploration == 1.0


def test_the_gain_counts_the_chance_of_keeping_the_outcome_constraints() -> None:
    posed = problem(LINE, constraints=[OutcomeConstraint("z", "<=", 0.5)])
    found = explain(Evidence(posed, three(z=0.0), ()), {"x": 0.1}, forecast(posed, 4.0, 1.0, (0.5, 1.0)))
    free = explain(Evidence(problem(LINE), three(), ()), {"x": 0.1}, forecast(problem(LINE), 4.0, 1.0))
    assert [(each.constraint, each.probability) for each in found.odds] == [("z <= 0.5", 0.5)]
    assert found.gain == pytest.approx(0.5 * (free.gain or 0))
    assert found.exploration == free.exploration
    none_kept = explain(Evidence(posed, three(z=1.0), ()), {"x": 0.1}, forecast(posed, 4.0, 1.0, (0.5, 1.0)))
    assert none_kept.gain is None


def test_weights_are_counted() -> None:
    posed = Problem(LINE, Objective("y", "minimize", weight=2.0), (), (Objective("z", "maximize", weight=1.0),))
    past = tuple(
        Observation(n, {"x": n / 4}, {"y": Estimate(y), "z": Estimate(0.0)}) for n, y in ((1, 5.0), (2, 4.0), (3, 6.0))
    )
    found = explain(Evidence(posed, past, ()), {"x": 0.1}, forecast(posed, 4.5, 0.3, (0.5, 0.8)))
    rng = np.random.default_rng(1)
    losses = 2 * (4.5 + 0.3 * rng.standard_normal(400_000)) - (0.5 + 0.8 * rng.standard_normal(400_000))
    assert found.gain == pytest.approx(np.maximum(8.0 - losses, 0).mean(), rel=0.02)


def test_the_gain_of_a_front_is_hypervolume() -> None:
    space = Space((RangeParameter("load", 0, 10, "mg", step=0.5),))
    posed = Problem(space, Objective("yield", "maximize"), (), (Objective("cost", "minimize"),))
    past = tuple(
        Observation(trial, {"load": load}, {"yield": Estimate(100 * load / (load + 2)), "cost": Estimate(3 * load)})
        for trial, load in enumerate([0.0, 0.5, 9.0, 10.0, 9.5, 8.5], start=1)
    )
    _, explanation = explained("botorch", posed, past)
    assert [prediction.metric for prediction in explanation.predictions] == ["yield", "cost"]
    assert explanation.gain is not None
    assert 50 < explanation.gain < 3000  # the box is 83.3 by 30, and its middle is empty
    assert explanation.exploration is not None
    assert 0 <= explanation.exploration <= 1


def test_a_hard_constraint_leaves_the_explanation_whole() -> None:
    posed = problem(LINE, constraints=[OutcomeConstraint("z", "<=", 0.6, 0.05)])
    past = tuple(observed(n, {"x": x}, 1 - x, z=float(x)) for n, x in enumerate(np.linspace(0, 1, 7), 1))
    _, explanation = explained("botorch", posed, past)
    assert [prediction.metric for prediction in explanation.predictions] == ["y", "z"]
    assert explanation.odds[0].probability > 0.9
