"""Several objectives: what is proposed and recommended goes towards the front, or towards the weighted sum."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from autolab.core.errors import InputError
from autolab.core.front import front_of, hypervolume, losses_of
from autolab.core.objectives import Objective, OutcomeConstraint
from autolab.core.parameters import RangeParameter
from autolab.core.problem import Problem, Space
from autolab.core.proposing import EngineSpec, Observation
from autolab.core.trials import Estimate, Outcome
from optimizer.engine import choose, suggest
from optimizer.recommendation import recommend
from tests.optimizer.builders import request

PLANE = Space((RangeParameter("x", 0, 1, step=0.05), RangeParameter("y", 0, 1, step=0.05)))


def measured(x: float, y: float) -> Outcome:
    """The front is where y is 0: there ``a`` grows with x as ``b`` falls."""
    return {"a": Estimate(x + y), "b": Estimate((1 - x) ** 2 + y)}


def posed(
    first: Objective | None = None,
    second: Objective | None = None,
    constraints: tuple[OutcomeConstraint, ...] = (),
) -> Problem:
    one, two = first or Objective("a", "minimize"), second or Objective("b", "minimize")
    return Problem(PLANE, one, constraints, (two,))


def run(problem: Problem, trials: int, engine: str = "botorch") -> list[Observation]:
    past: list[Observation] = []
    for trial in range(1, trials + 1):
        values = suggest(request(problem, engine, trial, past, initial=5)).values
        past.append(Observation(trial, values, measured(float(values["x"]), float(values["y"]))))
    return past


def covered(problem: Problem, past: list[Observation]) -> float:
    return hypervolume([losses_of(problem, item.outcome) for item in past if item.outcome], (1.2, 1.2))


def test_the_front_is_filled_faster_than_by_a_design_that_learns_nothing() -> None:
    problem = posed()
    learned, filled = run(problem, 12), run(problem, 12, "sobol")
    assert covered(problem, learned) > covered(problem, filled)
    front = front_of(problem, [(item.trial, item.outcome) for item in learned if item.outcome])
    places = sorted(float(item.values["x"]) for item in learned if item.trial in front)
    assert len(front) >= 5
    assert places[0] <= 0.2
    assert places[-1] >= 0.7  # both ends are reached
    best = recommend(problem, tuple(learned))
    assert best is not None
    assert best.trial in best.front
    assert 0.15 <= float(best.values["x"]) <= 0.65
    assert best.reason.startswith(f"the middle of the front of {len(best.front)} trials")


def test_thresholds_keep_the_search_to_what_is_of_interest() -> None:
    narrow = posed(Objective("a", "minimize", threshold=0.45), Objective("b", "minimize", threshold=0.9))
    learned = run(narrow, 8)[5:]
    inside = [item for item in learned if item.outcome and item.outcome["a"].value <= 0.5]
    assert len(inside) >= 2


@pytest.mark.parametrize(("weights", "at"), [((10.0, 1.0), 0.0), ((1.0, 10.0), 0.95)])
def test_weights_decide_where_the_best_is(weights: tuple[float, float], at: float) -> None:
    weighted = posed(Objective("a", "minimize", weight=weights[0]), Objective("b", "minimize", weight=weights[1]))
    learned = run(weighted, 8)
    best = recommend(weighted, tuple(learned))
    assert best is not None
    assert best.front == ()
    assert float(best.values["x"]) == pytest.approx(at, abs=0.15)
    assert "× a + " in suggest(request(weighted, "botorch", 9, learned, initial=5)).reason


def test_outcome_constraints_bound_the_front_too() -> None:
    bounded = posed(constraints=(OutcomeConstraint("a", ">=", 0.5),))
    learned = run(bounded, 8)
    best = recommend(bounded, tuple(learned))
    assert best is not None
    kept = {item.trial for item in learned if item.outcome and item.outcome["a"].value >= 0.45}
    assert set(best.front) <= kept


def test_equal_outcomes_in_all_objectives_get_a_space_filling_point() -> None:
    same = {"a": Estimate(1.0), "b": Estimate(2.0)}
    past = [Observation(n, {"x": n / 10, "y": 0.5}, same) for n in range(1, 7)]
    assert "all 6 outcomes are equal" in suggest(request(posed(), "botorch", 7, past)).reason
    best = recommend(posed(), tuple(past))
    assert best is not None
    assert best.front == (1,)


def test_a_trial_that_lacks_one_metric_teaches_nothing_and_breaks_nothing() -> None:
    past = run(posed(), 6)
    past.append(Observation(7, {"x": 0.5, "y": 0.0}, {"a": Estimate(-9.0)}))
    reason = suggest(request(posed(), "botorch", 8, past, initial=5)).reason
    assert "by a model of 6 outcomes" in reason
    assert recommend(posed(), tuple(past)) == recommend(posed(), tuple(past[:6]))


def test_an_outcome_beyond_all_measure_is_left_out_and_said() -> None:
    past = [Observation(n, {"x": n / 10, "y": 0.5}, measured(n / 10, 0.5)) for n in range(1, 7)]
    wild = Observation(7, {"x": 0.8, "y": 0.5}, {"a": Estimate(-1e300), "b": Estimate(0.1)})
    suggestion = suggest(request(posed(), "botorch", 8, [*past, wild]))
    assert suggestion.engine == "botorch"
    assert "by a model of 6 outcomes; without trial 7, whose outcome is beyond 1e+100" in suggestion.reason
    best = recommend(posed(), (*past, wild))
    assert best is not None
    assert 7 not in best.front


@pytest.mark.parametrize("sem", [0.0, None, 1e300])
def test_a_standard_error_that_says_nothing_changes_nothing(sem: float | None) -> None:
    """The noise is inferred, and neither no scatter within a trial nor a boundless one breaks the model."""
    plain = [Observation(n, {"x": n / 10, "y": 0.5}, measured(n / 10, 0.5)) for n in range(1, 7)]
    odd = [
        replace(item, outcome={name: Estimate(e.value, sem) for name, e in (item.outcome or {}).items()})
        for item in plain
    ]
    assert suggest(request(posed(), "botorch", 8, odd)).values == suggest(request(posed(), "botorch", 8, plain)).values


@pytest.mark.parametrize(("value", "sem"), [(math.nan, None), (math.inf, None), (1.0, -0.1), (1.0, math.nan)])
def test_what_is_no_number_or_has_a_negative_standard_error_is_no_outcome(value: float, sem: float | None) -> None:
    with pytest.raises(InputError, match="finite number"):
        Estimate(value, sem)


def test_several_objectives_go_to_botorch_with_the_reason() -> None:
    routing = choose(posed(), EngineSpec("ax"))
    assert (routing.name, routing.why) == ("botorch", "Ax is asked for one objective, and here are 2")
    assert choose(posed(), EngineSpec("sobol")).name == "sobol"
