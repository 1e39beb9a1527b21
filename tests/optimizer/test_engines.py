"""What every engine promises, tried on every engine."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolab.core.atmost import AtMost
from autolab.core.canonical import canonical_json
from autolab.core.conditionals import Conditional
from autolab.core.constraints import Constraint
from autolab.core.errors import ProposerError
from autolab.core.objectives import OutcomeConstraint
from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, RangeParameter
from autolab.core.problem import Space
from autolab.core.proposing import UNLEARNED, EngineSpec, Observation, Pending
from optimizer.design import design_point
from optimizer.engine import suggest
from optimizer.rounding import NoPointLeftError
from optimizer.routing import ENGINES, choose
from optimizer.space import UnitSpace, key_of
from tests.optimizer.builders import THEIRS, failed, observed, problem, request, spec
from tests.optimizer.strategies import spaces

every_engine = pytest.mark.parametrize("engine", [*ENGINES, THEIRS])
every_model = pytest.mark.parametrize("engine", ["ax", "botorch", "lean"])
every_learner = pytest.mark.parametrize("engine", ["ax", "botorch", "lean", THEIRS])

PLAIN = Space((RangeParameter("x", 0, 2), RangeParameter("y", 0.1, 10, scale="log")))
BENCH = Space(
    (
        RangeParameter("cyan", 0, 300, "uL", step=1),
        RangeParameter("magenta", 0, 300, "uL", step=1),
        RangeParameter("time", 1, 30, "s", scale="log"),
    ),
    (Constraint("cyan + magenta <= 300"),),
)
MIXTURE = Space(tuple(RangeParameter(name, 0, 100, step=5) for name in "abc"), (Constraint("a + b + c == 100"),))
CURVED = Space(
    (RangeParameter("x", 0.1, 10, scale="log", step=0.1), RangeParameter("y", 0, 10)), (Constraint("x * y <= 5"),)
)
KINDS = Space(
    (
        RangeParameter("x", 0, 1, step=0.25),
        IntegerParameter("k", 1, 7, step=2),
        ChoiceParameter("solvent", ("water", "ethanol", "acetone")),
        ChoiceParameter("grade", (1, 2, 5), ordered=True),
        ChoiceParameter("stir", (True, False)),
        FixedParameter("lid", "closed"),
    )
)
CHOICE_BESIDE_CONSTRAINT = Space(
    (RangeParameter("x", 0, 1), RangeParameter("y", 0, 1), ChoiceParameter("solvent", ("water", "ethanol"))),
    (Constraint("x + y <= 1"),),
)
AT_MOST = Space(
    tuple(RangeParameter(name, 0, 100, step=5) for name in "abcd"),
    (Constraint("a + b + c + d == 100"),),
    (AtMost(2, ("a", "b", "c", "d")),),
)
CONDITIONAL = Space(
    (
        ChoiceParameter("gas", ("none", "argon", "nitrogen"), ordered=True),
        RangeParameter("flow", 0, 50, "mL/min", step=5),
        RangeParameter("x", 0, 1),
    ),
    conditionals=(Conditional("flow", (("gas", ("argon", "nitrogen")),), 0),),
)
SPACES = {
    "plain": PLAIN,
    "bench": BENCH,
    "mixture": MIXTURE,
    "curved": CURVED,
    "kinds": KINDS,
    "choice-beside-constraint": CHOICE_BESIDE_CONSTRAINT,
    "at-most": AT_MOST,
    "conditional": CONDITIONAL,
}
OWN = [
    pytest.param(engine, space, id=f"{name}-{engine}")
    for name, space in SPACES.items()
    for engine in (*ENGINES, THEIRS)
    if choose(problem(space), spec(engine)).name == spec(engine).name
]
"""Each engine with the spaces that it serves itself; of the others it hands on the request as it is."""


def history(space: Space, n: int) -> list[Observation]:
    unit = UnitSpace(space)
    return [observed(index + 1, design_point(unit, 99, index)) for index in range(n)]


@pytest.mark.parametrize(("engine", "space"), OWN)
def test_suggestions_keep_grids_and_constraints_and_repeat_nothing(engine: str, space: Space) -> None:
    past = history(space, 7)
    pending = [Pending(8, design_point(UnitSpace(space), 99, 7))]
    suggestion = suggest(request(problem(space), engine, 9, past, pending))
    assert space.violations(suggestion.values) == []
    assert list(suggestion.values) == list(space.names)
    known = {key_of(item.values) for item in [*past, *pending]}
    assert key_of(suggestion.values) not in known
    assert suggestion.trial == 9
    assert suggestion.seen == tuple(range(1, 8))
    assert suggestion.pending == (8,)


@every_engine
def test_the_same_request_gives_the_same_suggestion_to_the_last_byte(engine: str) -> None:
    asked = request(problem(BENCH), engine, 8, history(BENCH, 6), [Pending(7, design_point(UnitSpace(BENCH), 5, 0))])
    suggest(request(problem(PLAIN), engine, 7, history(PLAIN, 6)))  # what happened before leaves no trace
    assert canonical_json(suggest(asked)) == canonical_json(suggest(asked))


@every_engine
def test_seeds_matter(engine: str) -> None:
    past = history(PLAIN, 6)
    first, second = (suggest(request(problem(PLAIN), engine, 7, past, root=root)).values for root in (1, 2))
    assert first != second


@every_engine
@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_or_no_outcomes_are_enough(engine: str, n: int) -> None:
    suggestion = suggest(request(problem(PLAIN), engine, 9, history(PLAIN, n), initial=2))
    assert PLAIN.violations(suggestion.values) == []


@every_engine
def test_a_failed_trial_is_not_proposed_again(engine: str) -> None:
    space = Space((IntegerParameter("k", 0, 5),))
    past: list[Observation] = []
    for trial in range(1, 7):
        values = suggest(request(problem(space), engine, trial, past, initial=2)).values
        assert values not in [item.values for item in past]
        past.append(failed(trial, values) if trial % 2 else observed(trial, values))
    repeat = suggest(request(problem(space), engine, 7, past, initial=2))
    assert repeat.values in [item.values for item in past if item.outcome is not None]
    assert "every other point has been tried" in repeat.reason


@every_engine
def test_a_space_where_everything_failed_or_runs_is_refused(engine: str) -> None:
    space = Space((IntegerParameter("k", 0, 1),))
    with pytest.raises(ProposerError, match="no point of the space is left"):
        suggest(request(problem(space), engine, 3, [failed(1, {"k": 0})], [Pending(2, {"k": 1})]))


@every_learner
def test_the_initial_design_is_shared_and_says_so(engine: str) -> None:
    asked = request(problem(PLAIN), engine, 3, history(PLAIN, 2))
    suggestion = suggest(asked)
    assert suggestion.values == suggest(request(problem(PLAIN), "sobol", 3, history(PLAIN, 2))).values
    assert suggestion.engine == "sobol"
    assert suggestion.reason == "initial design, point 3 of 4"


@every_model
def test_a_learned_suggestion_says_what_it_was_learned_from(engine: str) -> None:
    past = [*history(PLAIN, 5), failed(6, {"x": 1.0, "y": 1.0})]
    best = min((item for item in past if item.outcome), key=lambda item: item.outcome["y"].value)
    suggestion = suggest(request(problem(PLAIN), engine, 8, past, [Pending(7, {"x": 0.5, "y": 1.0})]))
    value = best.outcome["y"].value
    assert suggestion.engine == engine
    assert suggestion.reason == (
        f"expected improvement over trial {best.trial} (y {value:.4g}), by a model of 5 outcomes and 1 in flight"
    )


@every_learner
def test_equal_outcomes_and_single_outcomes_get_a_space_filling_point_with_the_reason(engine: str) -> None:
    flat = [observed(item.trial, item.values, 1.0) for item in history(PLAIN, 5)]
    assert "all 5 outcomes are equal" in suggest(request(problem(PLAIN), engine, 6, flat)).reason
    assert "only one outcome" in suggest(request(problem(PLAIN), engine, 6, flat[:1])).reason
    assert "no outcome yet" in suggest(request(problem(PLAIN), engine, 6, [])).reason


@every_learner
@pytest.mark.parametrize("goal", ["minimize", "maximize", "target"])
def test_engines_learn_towards_each_goal(engine: str, goal: str) -> None:
    space = Space((RangeParameter("x", 0, 2),))
    posed = problem(space, goal=goal)  # the target is 0.5
    past: list[Observation] = []
    for trial in range(1, 12):
        values = suggest(request(posed, engine, trial, past)).values
        past.append(observed(trial, values, 2 * math.sin(float(values["x"]))))
    best = min(posed.objective.loss(item.outcome["y"].value) for item in past if item.outcome)
    optimum = {"minimize": 0.0, "maximize": -2.0, "target": 0.0}[goal]
    assert best == pytest.approx(optimum, abs=0.02)


@every_model
def test_outcome_constraints_steer_the_search(engine: str) -> None:
    space = Space((RangeParameter("x", 0, 1), RangeParameter("y", 0, 1)))
    posed = problem(space, constraints=[OutcomeConstraint("z", "<=", 0.3)])
    past: list[Observation] = []
    for trial in range(1, 13):
        values = suggest(request(posed, engine, trial, past, initial=5)).values
        x, y = float(values["x"]), float(values["y"])
        past.append(observed(trial, values, -x - 0.1 * y, z=x))
    kept = [item for item in past[5:] if item.outcome and item.outcome["z"].value <= 0.35]
    assert len(kept) >= 3
    assert max(float(item.values["x"]) for item in kept) > 0.2


def test_a_nonlinear_constraint_turns_the_search_to_the_best_that_keeps_it() -> None:
    """Both numbers are to be large: alone that is a corner, under a product it is a point on the curve."""
    square = Space((RangeParameter("x", 0, 10, step=0.5), RangeParameter("y", 0, 10, step=0.5)))
    curved = Space(square.parameters, (Constraint("x * y <= 20"), Constraint("x ** 2 + y ** 2 <= 50")))
    past = [observed(item.trial, item.values, -sum(map(float, item.values.values()))) for item in history(square, 12)]
    alone, under = (suggest(request(problem(space), "botorch", 13, past)).values for space in (square, curved))
    assert float(alone["x"]) * float(alone["y"]) > 60
    assert curved.violations(under) == []
    assert sum(map(float, under.values())) >= 8.5  # the largest sum on the grid is 9


@every_learner
def test_the_scatter_within_a_trial_is_not_taken_for_the_noise(engine: str) -> None:
    """The noise is inferred from the outcomes: decision 8 says why."""
    from autolab.core.trials import Estimate

    values = [item.values for item in history(PLAIN, 5)]
    exact = [Observation(i, v, {"y": Estimate(float(i % 3), 1e-3)}) for i, v in enumerate(values, 1)]
    vague = [Observation(i, v, {"y": Estimate(float(i % 3), 2.0)}) for i, v in enumerate(values, 1)]
    first, second = (suggest(request(problem(PLAIN), engine, 6, past)).values for past in (exact, vague))
    assert first == second


@pytest.mark.parametrize(
    ("space", "why"),
    [
        (MIXTURE, "Ax takes no equality such as 'a + b + c == 100'"),
        (CURVED, "Ax has no step on a log scale, as x has"),
        (Space(PLAIN.parameters, (Constraint("x * y <= 5"),)), "Ax takes no nonlinear constraint such as 'x * y <= 5'"),
        (Space(PLAIN.parameters, (Constraint("x + y <= 5"),)), "uses y"),
        (CHOICE_BESIDE_CONSTRAINT, "Ax is slow with choices (solvent)"),
    ],
    ids=["mixture", "log-step", "nonlinear", "log-in-constraint", "choices"],
)
def test_what_ax_cannot_express_goes_to_botorch_with_the_reason(space: Space, why: str) -> None:
    routing = choose(problem(space), EngineSpec("ax"))
    assert routing.name == "botorch"
    assert why in (routing.why or "")


def test_the_reason_for_botorch_is_told_with_the_suggestion() -> None:
    suggestion = suggest(request(problem(MIXTURE), "ax", 7, history(MIXTURE, 6)))
    assert suggestion.engine == "botorch"
    assert suggestion.reason.endswith("by BoTorch itself, since Ax takes no equality such as 'a + b + c == 100'")


@pytest.mark.parametrize("space", [PLAIN, BENCH, KINDS], ids=["plain", "bench", "kinds"])
def test_what_ax_can_express_stays_with_ax(space: Space) -> None:
    assert choose(problem(space), EngineSpec("ax")).name == "ax"


def test_an_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ProposerError, match="no engine 'axx': use one of auto, ax, botorch, lean, sobol, random, grid, "
    ):
        suggest(request(problem(PLAIN), "axx", 1))


def test_outcomes_outside_the_bounds_teach_nothing_and_break_nothing() -> None:
    past = [*history(PLAIN, 5), observed(6, {"x": 7.0, "y": 1.0}), Observation(7, {"x": 1.0}, None)]
    assert "model of 5 outcomes" in suggest(request(problem(PLAIN), "botorch", 8, past)).reason


def drawn(space: Space, seed: int) -> Sequence[Observation]:
    unit = UnitSpace(space)
    try:
        return [observed(index + 1, design_point(unit, seed, index)) for index in range(4)]
    except NoPointLeftError:
        return []


@pytest.mark.parametrize("engine", ["sobol", "random"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(space=spaces(), seed=st.integers(0, 999))
def test_light_engines_suggest_points_of_any_space(engine: str, space: Space, seed: int) -> None:
    try:
        suggestion = suggest(request(problem(space), engine, 5, drawn(space, seed)))
    except NoPointLeftError:
        return
    assert space.violations(suggestion.values) == []


@every_learner
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(space=spaces(), seed=st.integers(0, 999))
def test_learning_engines_suggest_points_of_any_space(engine: str, space: Space, seed: int) -> None:
    try:
        suggestion = suggest(request(problem(space), engine, 5, drawn(space, seed)))
    except NoPointLeftError:
        return
    assert space.violations(suggestion.values) == []


@pytest.mark.parametrize("engine", sorted(UNLEARNED))
def test_what_learns_nothing_proposes_the_same_whatever_was_measured(engine: str) -> None:
    """The readiness review counts all others as engines that learn."""
    points = [suggest(request(problem(PLAIN), engine, trial)).values for trial in range(1, 9)]
    told = [[observed(n, at, sign * n) for n, at in enumerate(points, 1)] for sign in (1.0, -1.0)]
    one, other = (suggest(request(problem(PLAIN), engine, 9, past)).values for past in told)
    assert one == other
    assert set(ENGINES) - UNLEARNED == {"auto", "ax", "botorch", "lean"}
