"""A hard outcome constraint: what is predicted to break it too often is not proposed, and else nothing is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from autolab.core.constraints import Constraint
from autolab.core.errors import InputError, NoPermittedTrialError
from autolab.core.objectives import OutcomeConstraint
from autolab.core.parameters import ChoiceParameter, RangeParameter, Values
from autolab.core.problem import Problem, Space
from autolab.core.proposing import UNLEARNED, EngineSpec, Observation
from optimizer.client import ProposerHost
from optimizer.engine import choose, suggest
from optimizer.evidence import Evidence
from optimizer.hard import Hard
from optimizer.model import fit
from optimizer.space import UnitSpace
from tests.optimizer.builders import observed, problem, request

STEPPED = Space((RangeParameter("x", 0, 1, step=0.05), RangeParameter("y", 0, 1, step=0.05)))


def run(posed: Problem, trials: int, *, initial: int = 5, root: int = 1) -> list[Observation]:
    """A campaign whose objective draws towards what breaks the bound: ``y`` is -x, ``z`` is x."""
    past: list[Observation] = []
    for trial in range(1, trials + 1):
        values = suggest(request(posed, "botorch", trial, past, initial=initial, root=root)).values
        past.append(measured(trial, values))
    return past


def measured(trial: int, values: Values) -> Observation:
    x, y = float(values["x"]), float(values["y"])
    return observed(trial, values, -x - 0.1 * y, z=x + 0.2 * math.sin(5 * y))


def breaks(past: Sequence[Observation], bound: float) -> int:
    return sum(item.outcome is not None and item.outcome["z"].value > bound for item in past)


def bounded(hard: float | None, space: Space = STEPPED) -> Problem:
    return problem(space, constraints=[OutcomeConstraint("z", "<=", 0.5, hard)])


def test_a_hard_bound_is_broken_less_often_than_a_soft_one_and_the_search_goes_on() -> None:
    soft, hard = run(bounded(None), 11)[5:], run(bounded(0.05), 11)[5:]
    assert breaks(hard, 0.5) <= 1
    assert breaks(hard, 0.5) < breaks(soft, 0.5)
    best = max(float(item.values["x"]) for item in hard if item.outcome and item.outcome["z"].value <= 0.5)
    assert best >= 0.4


@pytest.mark.parametrize(
    ("space", "hard"),
    [
        (STEPPED, 0.02),
        (Space((RangeParameter("x", 0, 1), RangeParameter("y", 0, 1)), (Constraint("x + y <= 1.2"),)), 0.3),
        (Space((*STEPPED.parameters, ChoiceParameter("solvent", ("water", "ethanol")))), 0.1),
    ],
    ids=["steps", "constraint", "choice"],
)
def test_what_is_proposed_keeps_to_the_probability_after_rounding(space: Space, hard: float) -> None:
    posed = bounded(hard, space)
    unit = UnitSpace(space)
    rng = np.random.default_rng(3)
    drawn = [unit.decode(np.append(0.8 * rng.random(2), rng.integers(2, size=unit.d - 2))) for _ in range(7)]
    past = [measured(number, values) for number, values in enumerate(drawn, 1) if not space.violations(values)]
    suggestion = suggest(request(posed, "botorch", 12, past))
    evidence = Evidence(posed, tuple(past), ())
    chance = Hard(evidence, fit(evidence)).probabilities(unit.encode(suggestion.values)[None, :])
    assert space.violations(suggestion.values) == []
    assert chance[0, 0] <= hard
    assert (
        f"predicted to break z <= 0.5 with {100 * chance[0, 0]:.2g} % (at most {100 * hard:g} %)" in suggestion.reason
    )


def test_the_probability_is_that_of_a_new_outcome_with_its_noise() -> None:
    rng = np.random.default_rng(2)
    space = Space((RangeParameter("x", 0, 1),))
    past = [observed(n, {"x": x}, -x, z=0.1 * float(rng.standard_normal())) for n, x in enumerate(rng.random(60), 1)]
    posed = problem(space, constraints=[OutcomeConstraint("z", "<=", 0.1, 0.05)])
    evidence = Evidence(posed, tuple(past), ())
    chances = Hard(evidence, fit(evidence)).probabilities(np.array([[0.5]]))
    assert chances[0, 0] == pytest.approx(0.16, abs=0.06)  # one standard deviation of the noise away


def test_where_nothing_is_permitted_nothing_is_proposed_and_it_says_how_near_the_best_is() -> None:
    posed = problem(STEPPED, constraints=[OutcomeConstraint("z", "<=", -1.0, 0.05)])
    past = [measured(n, {"x": n / 10, "y": (7 * n % 10) / 10}) for n in range(1, 9)]
    with (
        pytest.raises(NoPermittedTrialError, match=r"hard outcome constraint.*predicted to break z <= -1 with") as info,
        ProposerHost() as host,
    ):  # the kind of the error comes through the pipe
        host.suggest(request(posed, "botorch", 9, past))
    assert info.value.exit_code == 5


def test_the_initial_design_is_judged_too_once_a_model_is_believed() -> None:
    posed = bounded(0.05)
    past = run(posed, 7, initial=40)
    everywhere = [suggest(request(problem(STEPPED), "sobol", n)).values for n in range(6, 41)]
    refused = [values for values in everywhere if float(values["x"]) > 0.8]
    assert refused  # the design has such points, and none of them is proposed
    assert not [item.trial for item in past[5:] if item.values in refused or float(item.values["x"]) > 0.8]


def test_every_point_tried_leaves_a_permitted_repeat() -> None:
    space = Space((RangeParameter("x", 0, 1, step=0.25), RangeParameter("y", 0, 0.25, step=0.25)))
    posed = problem(space, constraints=[OutcomeConstraint("z", "<=", 0.8, 0.2)])
    places = [{"x": x / 4, "y": y / 4} for x in range(5) for y in range(2)]
    past = [observed(n, dict(at), -at["x"], z=at["x"]) for n, at in enumerate(places, 1)]
    suggestion = suggest(request(posed, "botorch", 11, past))
    assert float(suggestion.values["x"]) <= 0.75
    assert "a repeat" in suggestion.reason


def test_only_an_engine_that_can_is_chosen_for_it() -> None:
    routing = choose(bounded(0.05), EngineSpec("ax"))
    assert (routing.name, routing.why) == ("botorch", "Ax has no hard outcome constraint such as 'z <= 0.5'")


@pytest.mark.parametrize("engine", ["lean", "auto"])
def test_the_reference_serves_it_under_every_other_name_that_learns(engine: str) -> None:
    assert choose(bounded(0.05), EngineSpec(engine)).name == "botorch"
    past = [observed(n, {"x": n / 10, "y": 0.0}, n / 10, z=n / 20) for n in range(1, 9)]
    suggestion = suggest(request(bounded(0.05), engine, 9, past, initial=5))
    assert suggestion.engine == "botorch"
    assert "lean has no hard outcome constraint" in suggestion.reason


@pytest.mark.parametrize("engine", sorted(UNLEARNED))
def test_an_engine_that_predicts_nothing_is_not_another_one_in_secret(engine: str) -> None:
    """Files and commands refuse it for a campaign; a backtest or a rehearsal asks for what it is."""
    assert suggest(request(bounded(0.05), engine, 9, [])).engine == engine


@pytest.mark.parametrize("hard", [0.0, -0.1, 0.6, math.nan])
def test_a_probability_that_is_none_is_refused(hard: float) -> None:
    with pytest.raises(InputError, match=r"a probability above 0 and at most 0.5"):
        OutcomeConstraint("z", "<=", 1.0, hard)
