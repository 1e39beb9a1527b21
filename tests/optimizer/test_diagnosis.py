"""How far a model can be trusted: what is predicted of each outcome from the others, and what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from autolab.core.canonical import canonical_json
from autolab.core.constraints import Constraint
from autolab.core.diagnoses import Diagnosis, MetricDiagnosis, SliceThrough
from autolab.core.parameters import ChoiceParameter, RangeParameter
from autolab.core.problem import Problem, Space
from autolab.core.proposing import Observation
from optimizer.diagnosis import diagnose, of_lean
from optimizer.evidence import Evidence
from optimizer.lean_learner import model_of
from optimizer.lean_model import LeanModel
from optimizer.recommendation import Recommendation, recommend
from optimizer.space import Points
from optimizer.wire import adapter
from tests.optimizer.builders import observed, problem

CUBE = Space(tuple(RangeParameter(name, 0, 1) for name in "abc"))
POSED = problem(CUBE)
N = 40


def smooth(a: float, b: float, c: float) -> float:
    return 5 + 3 * np.sin(3 * a) + 4 * (b - 0.6) ** 2 + 0.05 * c


def measured(
    response: Callable[[int, float, float, float], float], n: int = N, seed: int = 0
) -> tuple[Observation, ...]:
    points = np.random.default_rng(seed).random((n, 3))
    return tuple(
        observed(t, dict(zip("abc", p, strict=True)), response(t, *p)) for t, p in enumerate(points.tolist(), 1)
    )


def noisy(sd: float = 0.1, seed: int = 3) -> Callable[[int, float, float, float], float]:
    noise = np.random.default_rng(seed).standard_normal(200) * sd
    return lambda t, a, b, c: smooth(a, b, c) + noise[t]


def diagnosed(past: Sequence[Observation], posed: Problem = POSED, engine: str = "lean") -> MetricDiagnosis:
    best = recommend(posed, tuple(past), engine=engine)
    assert best is not None
    assert best.diagnosis is not None
    return best.diagnosis.metrics[0]


def kinds(found: MetricDiagnosis) -> list[str]:
    return [misfit.kind for misfit in found.misfits]


def test_each_outcome_is_predicted_as_by_a_model_that_has_not_seen_it() -> None:
    evidence = Evidence(POSED, measured(noisy(), 15), ())
    values = evidence.values("y")
    model = model_of(evidence, "y", values)
    (found,) = diagnosis_of(evidence, model).metrics
    for row, out in enumerate(found.left_out):
        others = np.arange(len(values)) != row
        without = LeanModel(model.features, evidence.points[others], values[others], model.hyperparameters)
        # The same standardisation and mean as those of all outcomes: they are kept.
        without.centre, without.scale = model.centre, model.scale
        without.y, without.mean = model.y[others], model.mean
        without.alpha = np.linalg.solve(without.lower @ without.lower.T, without.y - model.mean)
        ((mean,), (deviation,)) = without.predict(evidence.points[[row]])
        assert out.mean == pytest.approx(mean, abs=1e-4)
        total = np.hypot(deviation, model.scale * np.sqrt(model.hyperparameters.noise))
        assert out.sd == pytest.approx(total, rel=1e-4)
        assert (out.trial, out.measured) == (row + 1, pytest.approx(values[row], rel=1e-5))


def diagnosis_of(evidence: Evidence, model: LeanModel) -> Diagnosis:
    found = diagnose(evidence, [of_lean("y", model)], "lean")
    assert found is not None
    return found


@pytest.mark.parametrize("engine", ["lean", "botorch"])
def test_a_good_campaign_is_predicted_covered_and_has_no_misfit(engine: str) -> None:
    found = diagnosed(measured(noisy()), engine=engine)
    assert found.misfits == ()
    assert found.explained > 0.95
    assert 0.8 <= found.covered <= 1.0
    assert found.noise == pytest.approx(0.1, rel=0.6)
    roles = {role.parameter: role for role in found.roles}
    assert roles["a"].importance > roles["b"].importance > 10 * roles["c"].importance
    assert roles["c"].importance < 0.02
    assert (roles["c"].lengthscale or 0) > 2 * (roles["a"].lengthscale or 0) > 0


@pytest.mark.parametrize("seed", range(8))
def test_chance_alone_is_not_said_to_be_a_misfit(seed: int) -> None:
    assert diagnosed(measured(noisy(0.4, seed), 30, seed)).misfits == ()


def test_outcomes_that_depend_on_no_parameter_are_called_blind() -> None:
    noise = np.random.default_rng(4).standard_normal(N + 1)
    found = diagnosed(measured(lambda t, *_: 5 + noise[t]))
    assert kinds(found) == ["blind"]
    assert found.explained < 0.3
    assert "y hardly depends on any parameter, as far as 40 outcomes show" in found.misfits[0].said


def test_outcomes_that_lie_far_from_the_model_are_named() -> None:
    good = noisy()
    found = diagnosed(measured(lambda t, a, b, c: good(t, a, b, c) + (6.0 if t in (7, 22) else 0.0)))
    assert kinds(found) == ["outliers"]
    assert found.misfits[0].trials == (7, 22)
    assert "2 outcomes lie far from the model. Repeat trials 7, 22 ('autolab repeat')" in found.misfits[0].said


def test_a_scatter_that_grows_with_the_value_asks_for_a_log_scale() -> None:
    noise = np.random.default_rng(5).standard_normal(N + 1)
    past = measured(lambda t, a, b, _: float(np.exp(2.5 * a + b + 0.3 * noise[t])))
    assert "scale" in kinds(diagnosed(past))
    logs = measured(lambda t, a, b, _: 10 + 2.5 * a + b + 0.3 * noise[t])
    assert "scale" not in kinds(diagnosed(logs))


@pytest.mark.parametrize(("slope", "word"), [(0.03, "rises"), (-0.03, "falls")])
def test_a_drift_with_the_number_of_the_trial_is_said(slope: float, word: str) -> None:
    good = noisy()
    found = diagnosed(measured(lambda t, a, b, c: good(t, a, b, c) + slope * t))
    assert kinds(found) == ["drift"]
    assert f"y {word} with the number of the trial" in found.misfits[0].said


def test_few_outcomes_say_nothing_of_misfits() -> None:
    noise = np.random.default_rng(4).standard_normal(N + 1)
    assert diagnosed(measured(lambda t, *_: 5 + noise[t], 11)).misfits == ()


def test_choices_and_several_metrics_are_diagnosed_too() -> None:
    space = Space((RangeParameter("x", 0, 1), ChoiceParameter("s", ("p", "q", "r"))))
    level = {"p": 0.0, "q": 5.0, "r": 1.0}
    rng = np.random.default_rng(2)
    past = [
        observed(t, {"x": x, "s": "pqr"[t % 3]}, level["pqr"[t % 3]] + x + 0.05 * float(rng.standard_normal()))
        for t, x in enumerate(rng.random(20).tolist(), 1)
    ]
    for engine in ("lean", "botorch"):
        roles = diagnosed(past, problem(space), engine).roles
        assert roles[1].importance > 0.8
        assert (roles[0].lengthscale is None) == (engine == "botorch")  # BoTorch's mixed kernel has several


def test_a_recommendation_goes_to_the_host_and_back_with_its_diagnosis() -> None:
    best = recommend(POSED, measured(noisy(), 15), engine="lean")
    assert adapter(Recommendation).validate_json(canonical_json(best)) == best


def test_values_beyond_bearing_give_no_diagnosis_and_no_failure() -> None:
    past = [observed(t, {"a": t / 10, "b": 0.5, "c": 0.5}, 1e99 * t) for t in range(1, 9)]
    best = recommend(POSED, tuple(past), engine="lean")
    assert best is not None


def slices_of(past: Sequence[Observation], posed: Problem, engine: str) -> dict[str, SliceThrough]:
    return {each.parameter: each for each in diagnosed(past, posed, engine).slices}


@pytest.mark.parametrize("engine", ["lean", "botorch"])
def test_slices_through_the_recommended_trial_follow_the_truth_within_their_uncertainty(engine: str) -> None:
    past = measured(noisy(), 40)
    best = recommend(POSED, past, engine=engine)
    assert best is not None
    for name, each in slices_of(past, POSED, engine).items():
        values = [float(point.value) for point in each.points]
        assert values == sorted(values)
        assert (min(values), max(values)) == (0.0, 1.0)
        assert best.values[name] in values
        truth = np.array([smooth(**{**best.values, name: value}) for value in values])
        z = (truth - [point.mean for point in each.points]) / np.array([point.sd for point in each.points])
        assert np.mean(np.abs(z) < 3) > 0.9


def test_a_slice_tells_the_points_that_break_a_constraint_and_has_each_choice_once() -> None:
    space = Space(
        (RangeParameter("a", 0, 1), RangeParameter("b", 0, 1), ChoiceParameter("kind", ("x", "y", "z"))),
        (Constraint("a + b <= 1"),),
    )
    rows = np.random.default_rng(1).random((24, 2)) / 2
    kinds_ = ("x", "y", "z") * 8
    past = tuple(
        observed(t, {"a": a, "b": b, "kind": kind}, a + 2 * b + ord(kind) / 40)
        for t, ((a, b), kind) in enumerate(zip(rows.tolist(), kinds_, strict=True), 1)
    )
    found = slices_of(past, problem(space), "lean")
    best = recommend(problem(space), past, engine="lean")
    assert best is not None
    assert [point.value for point in found["kind"].points] == ["x", "y", "z"]
    assert all(p.is_allowed == (float(p.value) + float(best.values["b"]) <= 1 + 1e-6) for p in found["a"].points)
    assert {point.is_allowed for point in found["a"].points} == {True, False}


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_prediction_that_is_not_finite_costs_the_slices_and_nothing_else(
    number: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = measured(noisy(), 15)
    sliced = recommend(POSED, past, engine="lean")
    predict = LeanModel.predict

    def spoilt(model: LeanModel, points: Points) -> tuple[Points, Points]:
        means, deviations = predict(model, points)
        return (means if len(points) == len(past) else means * number), deviations

    monkeypatch.setattr(LeanModel, "predict", spoilt)
    plain = recommend(POSED, past, engine="lean")
    assert sliced is not None
    assert plain is not None
    assert sliced.diagnosis is not None
    assert plain.diagnosis is not None
    assert (plain.trial, plain.mean) == (sliced.trial, sliced.mean)
    assert sliced.diagnosis.metrics[0].slices
    assert plain.diagnosis.metrics == tuple(replace(one, slices=()) for one in sliced.diagnosis.metrics)
