"""The lean engine as a whole: what it proposes, what it costs to load, and where `auto` takes it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolab.core.canonical import canonical_json
from autolab.core.constraints import Constraint
from autolab.core.objectives import OutcomeConstraint
from autolab.core.parameters import ChoiceParameter, IntegerParameter, RangeParameter, Values
from autolab.core.problem import Problem, Space
from autolab.core.proposing import EngineSpec, Observation, Pending, SuggestRequest
from optimizer.design import design_point
from optimizer.engine import suggest
from optimizer.evidence import Evidence
from optimizer.grids import WHOLE
from optimizer.lean_learner import LeanLearner, _fitted
from optimizer.lean_search import maximise
from optimizer.recommendation import recommend
from optimizer.rounding import NoPointLeftError, all_points, nearest
from optimizer.routing import choose
from optimizer.space import Points, UnitSpace
from optimizer.wire import adapter
from tests.optimizer.builders import observed, problem, request
from tests.optimizer.strategies import spaces
from tests.optimizer.test_engines import BENCH, CURVED, KINDS, MIXTURE, PLAIN, SPACES, history

HEAVY = ("torch", "botorch", "gpytorch", "ax", "pandas")
SQUARE = Space((RangeParameter("x", 0, 1), RangeParameter("y", 0, 1)))


class Hill:
    """A surface with one top, and a ridge across the coordinates."""

    def __init__(self, top: Points) -> None:
        self._top = top
        self._shape = np.eye(len(top)) + 0.8 * np.ones((len(top), len(top)))

    def __call__(self, points: Points) -> Points:
        away = points - self._top
        return -np.einsum("ij,jk,ik->i", away, self._shape, away)

    def slopes(self, points: Points) -> tuple[Points, Points]:
        return self(points), -2.0 * (points - self._top) @ self._shape


def stepped(*constraints: str) -> Space:
    return Space(
        (RangeParameter("a", 0, 50, step=1), IntegerParameter("b", 0, 60), RangeParameter("c", 0, 1, step=0.25)),
        tuple(Constraint(text) for text in constraints),
    )


@pytest.mark.parametrize(
    "space",
    [stepped(), stepped("a + b <= 40"), stepped("a + b == 40"), stepped("a - 2 * b <= -20", "a + 10 * c >= 12")],
    ids=["free", "inequality", "equality", "two"],
)
@pytest.mark.parametrize("seed", range(5))
def test_the_best_point_of_the_grid_under_the_constraints_is_found(space: Space, seed: int) -> None:
    top = np.random.default_rng(seed).random(3)
    evidence = Evidence(problem(space), tuple(history(space, 5)), ())
    points = all_points(evidence.unit)
    best = float(Hill(top)(points).max())
    found = maximise(Hill(top), evidence, seed)
    assert not space.violations(evidence.unit.decode(found))
    assert float(Hill(top)(found[None, :])[0]) == pytest.approx(best, abs=2e-3)
    assert len(points) > WHOLE or space.constraints


@pytest.mark.parametrize("seed", range(5))
def test_the_best_point_under_linear_constraints_is_found(seed: int) -> None:
    names = "abcd"
    mixture = Space(tuple(RangeParameter(n, 0, 1) for n in names), (Constraint("a + b + c + d == 1"),))
    top = np.array([0.6, 0.5, 0.2, -0.4]) + 0.1 * np.random.default_rng(seed).random(4)
    evidence = Evidence(problem(mixture), tuple(history(mixture, 5)), ())
    found = maximise(Hill(top), evidence, seed)
    assert not mixture.violations(evidence.unit.decode(found))
    grid = np.linspace(0.0, 1.0, 41)
    simplex = np.array([[a, b, c, 1 - a - b - c] for a in grid for b in grid for c in grid if a + b + c <= 1 + 1e-9])
    assert float(Hill(top)(found[None, :])[0]) >= float(Hill(top)(simplex).max()) - 1e-9


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(space=spaces(), seed=st.integers(0, 999), n=st.integers(2, 12))
def test_what_it_wishes_for_is_a_free_point_that_the_hardware_can_do(space: Space, seed: int, n: int) -> None:
    if choose(problem(space), EngineSpec("lean")).name != "lean":
        return
    unit = UnitSpace(space)
    try:
        past = [observed(index + 1, design_point(unit, seed, index)) for index in range(n)]
        evidence = Evidence(problem(space), tuple(past), ())
        wish = LeanLearner().wish(evidence, seed)
        assert nearest(unit, wish.point, avoid=evidence.taken, seed=seed) == pytest.approx(unit.decode(wish.point))
    except NoPointLeftError:
        return
    assert not space.violations(unit.decode(wish.point))


def test_a_trial_in_flight_sends_the_next_elsewhere() -> None:
    past = [
        observed(n, {"x": x, "y": y}) for n, (x, y) in enumerate(np.random.default_rng(4).random((9, 2)).tolist(), 1)
    ]
    first = suggest(request(problem(SQUARE), "lean", 10, past))
    second = suggest(request(problem(SQUARE), "lean", 11, past, [Pending(10, first.values)]))
    without = suggest(request(problem(SQUARE), "lean", 11, past))
    assert distance(without.values, first.values) < 0.02
    assert distance(second.values, first.values) > 0.1


def distance(one: Values, other: Values) -> float:
    return max(abs(float(one[name]) - float(other[name])) for name in one)


def test_it_finds_the_top_of_a_response_on_a_mixture() -> None:
    past: list[Observation] = []
    space = Space(tuple(RangeParameter(n, 0, 100) for n in "abc"), (Constraint("a + b + c == 100"),))
    for trial in range(1, 21):
        values = suggest(request(problem(space), "lean", trial, past, initial=5)).values
        past.append(
            observed(
                trial,
                values,
                sum((float(values[n]) / 100 - t) ** 2 for n, t in zip("abc", (0.2, 0.7, 0.1), strict=True)),
            )
        )
    assert min(item.outcome["y"].value for item in past if item.outcome) < 1e-4


def test_hyperparameters_of_many_outcomes_depend_on_the_request_alone() -> None:
    past = [
        observed(n, {"x": x, "y": y}) for n, (x, y) in enumerate(np.random.default_rng(5).random((131, 2)).tolist(), 1)
    ]
    fresh: list[Values] = []
    for n in (131, 130, 131):
        _fitted.cache_clear()
        fresh.append(suggest(request(problem(SQUARE), "lean", n + 1, past[:n])).values)
    warm = [suggest(request(problem(SQUARE), "lean", n + 1, past[:n])).values for n in (130, 131)]
    assert fresh[0] == fresh[2] == warm[1]
    assert fresh[1] == warm[0]


def in_flight(space: Space) -> list[Pending]:
    return [Pending(8, design_point(UnitSpace(space), 99, 7))]


def test_other_processes_suggest_the_same() -> None:
    lines = [
        canonical_json(request(problem(space), "lean", 9, history(space, 7), in_flight(space)))
        for space in (PLAIN, BENCH, MIXTURE, KINDS)
    ]
    script = (
        "import sys\n"
        "from autolab.core.canonical import canonical_json\n"
        "from optimizer.engine import suggest\n"
        "from autolab.core.proposing import SuggestRequest\n"
        "from optimizer.wire import adapter\n"
        "for line in sys.stdin: print(canonical_json(suggest(adapter(SuggestRequest).validate_json(line))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input="\n".join(lines), capture_output=True, text=True, check=False
    )
    here = [canonical_json(suggest(adapter(SuggestRequest).validate_json(line))) for line in lines]
    assert done.stdout.splitlines() == here, done.stderr


def test_it_suggests_and_recommends_without_torch_and_is_small_to_import() -> None:
    script = (
        "import json, re, sys\n"
        "import optimizer.lean_learner\n"
        "status = open('/proc/self/status').read()\n"
        "from optimizer.engine import suggest\n"
        "from optimizer.recommendation import recommend\n"
        "from autolab.core.proposing import SuggestRequest\n"
        "from optimizer.wire import adapter\n"
        "asked = adapter(SuggestRequest).validate_json(sys.stdin.read())\n"
        "suggestion = suggest(asked)\n"
        "found = recommend(asked.problem, asked.observations, 1, engine='auto')\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "mib = int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) / 1024\n"
        "print(json.dumps([suggestion.engine, found.reason, heavy, mib]))\n"
    )
    asked = canonical_json(request(problem(PLAIN), "auto", 9, history(PLAIN, 7)))
    done = subprocess.run([sys.executable, "-c", script], input=asked, capture_output=True, text=True, check=False)
    engine, reason, heavy, mib = json.loads(done.stdout or done.stderr)
    assert (engine, heavy) == ("lean", [])
    assert reason == "best midway between its measurement and a model of 7 outcomes"
    assert mib <= 100


def test_it_recommends_by_a_model_like_botorchs() -> None:
    past = tuple(history(PLAIN, 12))
    lean, reference = (recommend(problem(PLAIN), past, 1, engine=engine) for engine in ("lean", "botorch"))
    assert lean is not None
    assert reference is not None
    assert lean.trial == reference.trial
    assert lean.mean == pytest.approx(reference.mean, abs=0.01)


@pytest.mark.parametrize(
    ("posed", "name", "why"),
    [
        (problem(PLAIN), "lean", "lean is made for one objective over numbers"),
        (problem(BENCH.__class__(BENCH.parameters[:2], BENCH.constraints)), "lean", "lean is made for"),
        (problem(MIXTURE), "botorch", "as good where parts make up a total, as by 'a + b + c == 100'"),
        (problem(KINDS), "botorch", "as good with choices, such as solvent"),
        (problem(CURVED), "botorch", "lean takes no nonlinear constraint such as 'x * y <= 5'"),
        (problem(PLAIN, goal="target"), "botorch", "bringing y to a target"),
        (problem(PLAIN, constraints=[OutcomeConstraint("z", "<=", 1)]), "botorch", "such as z <= 1"),
    ],
    ids=["plain", "linear", "mixture", "choices", "nonlinear", "target", "outcome-constraint"],
)
def test_auto_takes_lean_for_what_is_proven_and_says_why(posed: Problem, name: str, why: str) -> None:
    routing = choose(posed, EngineSpec("auto"))
    assert routing.name == name
    assert why in routing.note
    assert routing.note.startswith(f"; auto took {name}, since ")


def test_the_choice_of_auto_is_told_with_the_suggestion() -> None:
    asked = request(problem(PLAIN), "auto", 8, history(PLAIN, 7))
    suggestion = suggest(asked)
    by_name = suggest(replace(asked, engine=EngineSpec("lean", 4)))
    assert (suggestion.engine, suggestion.values) == ("lean", by_name.values)
    assert suggestion.reason.startswith(by_name.reason + "; auto took lean, since ")


@pytest.mark.parametrize(
    ("space", "why"),
    [
        (CURVED, "lean takes no nonlinear constraint such as 'x * y <= 5'"),
        (Space(PLAIN.parameters, (Constraint("x + y <= 5"),)), "constraint over a log scale, and 'x + y <= 5' uses y"),
        (
            Space((ChoiceParameter("n", (1, 2, 4)), RangeParameter("x", 0, 1)), (Constraint("n + x <= 4"),)),
            "constraint over unordered choices, and 'n + x <= 4' uses n",
        ),
    ],
    ids=["nonlinear", "log", "choices"],
)
def test_what_lean_cannot_express_goes_to_botorch_with_the_reason(space: Space, why: str) -> None:
    routing = choose(problem(space), EngineSpec("lean"))
    assert routing.name == "botorch"
    assert why in (routing.why or "")


@pytest.mark.parametrize("space", [space for name, space in SPACES.items() if name != "curved"])
def test_lean_serves_what_it_can_express(space: Space) -> None:
    for goal in ("minimize", "maximize", "target"):
        assert choose(problem(space, goal=goal), EngineSpec("lean")).name == "lean"
