"""Noise that is known is used as it is; what is not known is learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autolab.core.errors import InputError
from autolab.core.noises import KnownNoise
from autolab.core.objectives import Objective, OutcomeConstraint
from autolab.core.parameters import RangeParameter
from autolab.core.problem import Problem, Space
from autolab.core.proposing import Observation
from autolab.core.trials import Estimate
from autolab.report.explaining import explanation_lines
from optimizer.engine import suggest
from optimizer.evidence import Evidence
from optimizer.lean_learner import model_of
from optimizer.lean_model import QUIETEST
from optimizer.outliers import doubts_of
from optimizer.recommendation import recommend
from tests.optimizer.builders import request

LINE = Space((RangeParameter("x", 0.0, 1.0, step=0.01),))
REPORTED = Problem(LINE, Objective("y", "minimize"), noises=(KnownNoise("y"),))
UNKNOWN = replace(REPORTED, noises=())
every_learner = pytest.mark.parametrize("engine", ["lean", "botorch", "ax"])


def seen(rows: list[tuple[float, float, float | None]]) -> list[Observation]:
    """Observations of (x, y, standard error)."""
    return [Observation(n, {"x": x}, {"y": Estimate(y, sem)}) for n, (x, y, sem) in enumerate(rows, 1)]


def lucky() -> list[Observation]:
    """A bowl around 0.3 that is well known, and one outcome far from it that is better and hardly known at all."""
    bowl = [(x, (x - 0.3) ** 2, 0.002) for x in (0.0, 0.1, 0.2, 0.4, 0.5, 0.6, 1.0)]
    return seen([*bowl, (0.8, -0.6, 1.0)])


@every_learner
def test_an_outcome_that_is_known_to_be_vague_draws_the_search_less(engine: str):
    believed = suggest(request(UNKNOWN, engine, 9, lucky()))
    doubted = suggest(request(REPORTED, engine, 9, lucky()))
    assert float(believed.values["x"]) > 0.65
    assert float(doubted.values["x"]) < 0.5


@pytest.mark.parametrize("engine", ["lean", None])
def test_a_recommendation_weighs_outcomes_by_what_is_known_of_them(engine: str | None):
    vague = [(x, (x - 0.3) ** 2, 0.002) for x in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)]
    known = recommend(REPORTED, tuple(seen([*vague, (0.31, -0.05, 1.0)])), engine=engine)
    assert known is not None
    assert known.mean == pytest.approx(-0.025, abs=0.005)  # midway between what was measured and what the others say


def test_standard_errors_are_ignored_where_nobody_vouches_for_them():
    bare = seen([(float(o.values["x"]), o.outcome["y"].value, None) for o in lucky() if o.outcome])
    assert suggest(request(UNKNOWN, "lean", 9, lucky())) == suggest(request(UNKNOWN, "lean", 9, bare))


def test_replicates_pool_as_the_inverse_of_their_variances():
    sems = [0.1, 0.2, 0.2, 0.4]
    one = Evidence(REPORTED, tuple(seen([(0.5, 1.0, s) for s in sems] + [(0.0, 0.0, 0.1), (1.0, 3.0, 0.1)])), ())
    model = model_of(one, "y", one.values("y"))
    pooled = float(np.sum(np.array(sems) ** -2.0)) ** -0.5
    (mean,), (deviation,) = model.predict(np.array([[0.5]]))
    assert deviation == pytest.approx(pooled, rel=0.02)
    assert mean == pytest.approx(1.0, abs=0.02)


def test_a_number_in_the_file_stands_for_all_outcomes_and_the_model_finds_no_other():
    problem = replace(REPORTED, noises=(KnownNoise("y", 0.05),))
    evidence = Evidence(problem, tuple(lucky()), ())
    assert np.array_equal(evidence.noises("y"), np.full(8, 0.05**2))  # pyright: ignore[reportArgumentType]
    made = suggest(request(problem, "lean", 9, lucky()))
    assert made.explanation is not None
    assert made.explanation.predictions[0].noise == pytest.approx(0.05)


def test_an_outcome_without_a_standard_error_counts_like_the_others_and_none_at_all_means_learned():
    mixed = Evidence(REPORTED, tuple(seen([(0.0, 1.0, 0.3), (0.5, 2.0, None), (1.0, 3.0, 0.4)])), ())
    assert mixed.noises("y") == pytest.approx([0.09, 0.125, 0.16])
    assert Evidence(REPORTED, tuple(seen([(0.0, 1.0, None), (1.0, 2.0, None)])), ()).noises("y") is None


@every_learner
def test_a_standard_error_of_zero_is_the_least_noise_and_a_negative_one_is_refused(engine: str):
    exact = [(x, (x - 0.3) ** 2, 0.0) for x in (0.0, 0.2, 0.5, 0.9)]
    made = suggest(request(REPORTED, engine, 6, seen([*exact, (0.5, 0.05, 0.0)])))  # two exact values that differ
    assert made.engine == engine
    model = model_of(evidence := Evidence(REPORTED, tuple(seen(exact)), ()), "y", evidence.values("y"))
    assert np.all(model.noise == QUIETEST)
    with pytest.raises(InputError, match="noise of y: a standard error is a number of at least zero, not -1"):
        KnownNoise("y", -1.0)


@every_learner
def test_the_noise_of_a_bounded_metric_may_be_known_too(engine: str):
    problem = replace(UNKNOWN, outcome_constraints=(OutcomeConstraint("z", "<=", 1.0),), noises=(KnownNoise("z", 0.1),))
    past = [
        Observation(n, {"x": x}, {"y": Estimate((x - 0.3) ** 2), "z": Estimate(2.0 - 2.0 * x)})
        for n, x in enumerate((0.0, 0.2, 0.4, 0.7, 0.9), 1)
    ]
    assert 0.45 < float(suggest(request(problem, engine, 6, past)).values["x"]) < 0.75  # kept from 0.5 on


# outliers


def bowl(wrong: dict[int, float], n: int = 16) -> list[Observation]:
    """A bowl around 0.3 with a noise of 0.004, and outcomes that were misread, by trial."""
    noise = np.random.default_rng(5).standard_normal(n)
    places = np.linspace(0.0, 1.0, n).round(2).tolist()
    rows = [(x, (x - 0.3) ** 2 + 0.004 * e) for x, e in zip(places, noise, strict=True)]
    return seen([(x, wrong.get(trial, y), None) for trial, (x, y) in enumerate(rows, 1)])


DOUBTING = replace(UNKNOWN, doubts_outliers=True)


@every_learner
def test_an_impossible_outcome_does_not_draw_the_search_and_the_explanation_says_so(engine: str):
    past = bowl({13: -0.3})  # at 0.8
    kept, doubted = (suggest(request(problem, engine, 17, past)) for problem in (UNKNOWN, DOUBTING))
    assert engine == "ax" or abs(float(kept.values["x"]) - 0.8) < 0.2  # what Ax does with it is its own affair
    assert "expected improvement over trial 13" not in doubted.reason
    assert abs(float(doubted.values["x"]) - 0.3) < 0.2
    assert doubted.explanation is not None
    (doubt,) = doubted.explanation.doubted
    assert (doubt.metric, doubt.trial, doubt.measured) == ("y", 13, -0.3)
    assert doubt.mean == pytest.approx(0.25, abs=0.03)
    (line,) = [line for line in explanation_lines(DOUBTING, doubted.explanation) if line.startswith("trial 13")]
    assert line.startswith("trial 13 counted for little: y -0.3, and the others predict 0.2")


@pytest.mark.parametrize("engine", ["lean", None])
def test_the_report_flags_what_is_doubted_with_advice(engine: str | None):
    found = recommend(DOUBTING, tuple(bowl({13: -0.3})), engine=engine)
    assert found is not None
    assert found.trial in (5, 6)
    assert found.diagnosis is not None
    (misfit,) = [m for m in found.diagnosis.metrics[0].misfits if m.kind == "outliers"]
    assert misfit.trials == (13,)
    assert "Repeat trial 13 ('autolab repeat')" in misfit.said
    assert misfit.said.endswith("until then trial 13 counts for little")


def test_no_outcome_of_a_model_that_is_right_is_doubted_and_nothing_then_changes():
    past = bowl({})
    assert suggest(request(DOUBTING, "lean", 17, past)) == suggest(request(UNKNOWN, "lean", 17, past))
    draws = [Evidence(DOUBTING, tuple(_smooth(seed)), ()) for seed in range(40)]
    assert sum(bool(doubts_of(evidence, "y")) for evidence in draws) <= 3


def _smooth(seed: int) -> list[Observation]:
    rng = np.random.default_rng(seed)
    places = rng.random(20)
    return seen([(float(x), float(np.sin(5.0 * x) + 0.1 * rng.standard_normal()), None) for x in places])


def test_a_repeat_that_agrees_makes_an_outcome_possible_again():
    past = bowl({13: -0.3})
    again = [Observation(trial, {"x": 0.8}, {"y": Estimate(-0.3)}) for trial in (17, 18, 19)]
    assert [d.trial for d in doubts_of(Evidence(DOUBTING, tuple(past), ()), "y")] == [13]
    assert 13 not in {d.trial for d in doubts_of(Evidence(DOUBTING, (*past, *again), ()), "y")}


def test_few_outcomes_and_what_stands_alone_are_never_doubted():
    assert doubts_of(Evidence(DOUBTING, tuple(bowl({5: -3.0}, n=11)), ()), "y") == ()
    alone = [Observation(n, {"x": 0.01 * n}, {"y": Estimate(0.01 * n)}) for n in range(1, 15)]
    alone.append(Observation(15, {"x": 1.0}, {"y": Estimate(-5.0)}))
    assert doubts_of(Evidence(DOUBTING, tuple(alone), ()), "y") == ()
