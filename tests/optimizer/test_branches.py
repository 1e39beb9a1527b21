"""Spaces in which parameters may have to stand still: at most so many above 0, and those that matter only at times."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolab.core.atmost import AtMost
from autolab.core.branches import branches_of as spaces_of
from autolab.core.canonical import canonical_json, plain
from autolab.core.conditionals import Conditional
from autolab.core.constraints import Constraint
from autolab.core.errors import InputError, ProposerError
from autolab.core.parameters import ChoiceParameter, RangeParameter, Values
from autolab.core.problem import Space
from autolab.core.proposing import EngineSpec, Observation, SuggestRequest
from optimizer.branches import branches_of, free_coordinates
from optimizer.design import design_point, feasible_draws, uniform_point
from optimizer.engine import suggest
from optimizer.evidence import Evidence
from optimizer.rounding import NoPointLeftError, nearest
from optimizer.routing import choose
from optimizer.space import Points, UnitSpace, key_of
from optimizer.wire import adapter
from tests.optimizer.builders import failed, observed, problem, request
from tests.optimizer.strategies import split_spaces

SLOW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])

SALTS = Space(
    tuple(RangeParameter(name, 0, 100, step=5) for name in "abcde"),
    (Constraint("a + b + c + d + e == 100"),),
    (AtMost(2, tuple("abcde")),),
)
HEATED = Space(
    (
        ChoiceParameter("solvent", ("water", "dmf", "dmso")),
        RangeParameter("heat", 20.0, 90.0),
        RangeParameter("x", 0.0, 1.0),
    ),
    conditionals=(Conditional("heat", (("solvent", ("dmf", "dmso")),), 20.0),),
)


def every_point(space: Space) -> list[Values]:
    """All points of a finite space, by trying each combination."""
    unit = UnitSpace(space)
    grids = [[dim.at(index) for index in range(dim.size or 0)] for dim in unit.dimensions]
    names = [dim.parameter.name for dim in unit.dimensions]
    found = ({**unit.fixed, **dict(zip(names, point, strict=True))} for point in itertools.product(*grids))
    return [values for values in found if not space.violations(values)]


def is_small(space: Space) -> bool:
    size = UnitSpace(space).size
    return size is not None and size <= 2000


@SLOW
@given(split_spaces(), st.integers(0, 2**32))
def test_branches_hold_the_points_of_the_space_and_no_others(space: Space, seed: int) -> None:
    unit = UnitSpace(space)
    whole = replace(space, at_most=(), conditionals=())
    for draw in np.random.default_rng(seed).random((20, unit.d)):
        draw[draw < 0.4] = 0.0
        for values in (unit.decode(draw), UnitSpace(whole).decode(draw)):
            in_branch = any(not branch.violations(values) for branch in spaces_of(space))
            assert in_branch is (not space.violations(values))


@SLOW
@given(split_spaces().filter(is_small), st.integers(0, 2**32))
def test_the_nearest_point_of_all_branches_is_found(space: Space, seed: int) -> None:
    unit = UnitSpace(space)
    target = np.random.default_rng(seed).random(unit.d)
    points = every_point(space)
    if not points:
        with pytest.raises(ProposerError, match="no point"):
            nearest(unit, target)
        return
    found = nearest(unit, target)
    assert space.violations(found) == []
    assert away(unit, found, target) == pytest.approx(min(away(unit, values, target) for values in points), abs=1e-6)


def away(unit: UnitSpace, values: Values, target: Points) -> float:
    """Distance as `nearest` measures it: two different solvents are one apart."""
    differences = np.abs(unit.encode(values) - target)
    choices = [dimension.is_categorical for dimension in unit.dimensions]
    return float(np.where(choices, differences > 1e-9, differences).sum())


@SLOW
@given(split_spaces(), st.integers(0, 999))
def test_designs_and_draws_are_points_of_the_space(space: Space, seed: int) -> None:
    unit = UnitSpace(space)
    try:
        points = [design_point(unit, seed, index) for index in range(6)]
        points += [uniform_point(unit, seed + index) for index in range(3)]
    except ProposerError:
        assert not is_small(space) or not every_point(space)
        return
    assert [space.violations(values) for values in points] == [[]] * len(points)
    draws = feasible_draws(unit, seed, 16)
    assert len(draws) > 0
    assert unit.feasible(draws, slack=10.0).all()


@SLOW
@given(split_spaces(), st.integers(0, 999))
def test_points_of_the_space_are_feasible_and_others_are_not(space: Space, seed: int) -> None:
    unit = UnitSpace(space)
    whole = UnitSpace(replace(space, at_most=(), conditionals=()))
    draws = np.random.default_rng(seed).random((40, unit.d))
    draws[draws < 0.5] = 0.0
    values = [whole.decode(draw) for draw in draws]
    encoded = np.array([unit.encode(each) for each in values])
    keeps = [not space.violations(each) for each in values]
    assert unit.feasible(encoded).tolist() == keeps


@pytest.mark.parametrize("engine", ["random", "grid", "lean"])
@FEW
@given(space=split_spaces(), seed=st.integers(0, 999))
def test_engines_suggest_points_of_any_such_space(engine: str, space: Space, seed: int) -> None:
    unit = UnitSpace(space)
    try:
        past = [observed(index + 1, design_point(unit, seed, index)) for index in range(4)]
        suggestion = suggest(request(problem(space), engine, 5, past))
    except (NoPointLeftError, ProposerError):
        assert engine == "grid" or not is_small(space) or len(every_point(space)) <= 4
        return
    assert space.violations(suggestion.values) == []
    assert key_of(suggestion.values) not in {key_of(item.values) for item in past} or "a repeat" in suggestion.reason


def test_a_design_takes_the_branches_in_turn() -> None:
    unit = UnitSpace(SALTS)
    branches = branches_of(unit)
    points = np.array([unit.encode(design_point(unit, 3, index)) for index in range(len(branches))])
    assert len(branches) == 10
    assert len({frozenset(np.flatnonzero(point)) for point in points}) >= 9  # an end of a line is in several


def test_a_branch_that_the_constraints_leave_empty_is_left_out() -> None:
    parts = (RangeParameter("a", 0, 80), RangeParameter("b", 0, 30), RangeParameter("c", 0, 30))
    unit = UnitSpace(Space(parts, (Constraint("a + b + c == 100"),), (AtMost(2, ("a", "b", "c")),)))
    assert sorted(branch.free.tolist() for branch in branches_of(unit)) == [[0, 1], [0, 2]]


@pytest.mark.parametrize("engine", ["lean", "botorch"])
def test_what_is_proposed_keeps_at_most_where_the_best_would_break_it(engine: str) -> None:
    """The more salts the better: without the constraint all five are taken, with it no more than two."""
    free = replace(SALTS, at_most=())
    rng = np.random.default_rng(2)
    few = [design_point(UnitSpace(SALTS), 5, index) for index in range(9)]
    past = [observed(trial, values, spread_of(values)) for trial, values in enumerate(few, 1)]
    many = [nearest(UnitSpace(free), point) for point in rng.dirichlet(np.ones(5), 9)]
    both = [*past, *(observed(trial, values, spread_of(values)) for trial, values in enumerate(many, 10))]
    kept, broken = (suggest(request(problem(space), engine, 19, both)).values for space in (SALTS, free))
    assert len([value for value in broken.values() if float(value) > 0]) > 2
    assert len([value for value in kept.values() if float(value) > 0]) == 2
    assert sum(map(float, kept.values())) == 100


def spread_of(values: Values) -> float:
    return sum((float(value) / 100) ** 2 for value in values.values())


def test_the_best_pair_of_five_is_found() -> None:
    def response(values: Values) -> float:
        wanted = {"a": 0.0, "b": 70.0, "c": 0.0, "d": 30.0, "e": 0.0}
        return sum((float(values[name]) - best) ** 2 for name, best in wanted.items()) / 1e4

    past: list[Observation] = []
    for trial in range(1, 23):
        values = suggest(request(problem(SALTS), "lean", trial, past, initial=8)).values
        past.append(observed(trial, values, response(values)))
    best = min(past, key=lambda item: response(item.values)).values
    assert {name: value for name, value in best.items() if value} == {"b": 70.0, "d": 30.0}


def test_what_does_not_matter_counts_for_nothing() -> None:
    """Trials in water differ only in the heat that they did not have: same suggestion, and the same point again."""
    rng = np.random.default_rng(4)
    past, said = [], []
    for trial in range(1, 10):
        solvent = ("water", "dmf", "dmso")[trial % 3]
        x, heat, written = (float(number) for number in (rng.random(), rng.uniform(20, 90), rng.uniform(20, 90)))
        values = {"solvent": solvent, "heat": 20.0 if solvent == "water" else heat, "x": x}
        past.append(observed(trial, values, x - heat / 90))
        said.append(observed(trial, {**values, "heat": written} if solvent == "water" else values, x - heat / 90))
    one, other = (suggest(request(problem(HEATED), "lean", 10, seen)) for seen in (past, said))
    assert one.values == other.values
    assert HEATED.violations(one.values) == []
    evidence = Evidence(problem(HEATED), (failed(1, {"solvent": "water", "heat": 77.0, "x": 0.5}),), ())
    assert key_of({"solvent": "water", "heat": 20.0, "x": 0.5}) in evidence.forbidden


@pytest.mark.parametrize("engine", ["lean", "botorch"])
def test_a_conditional_parameter_is_varied_where_it_matters_and_stands_still_elsewhere(engine: str) -> None:
    """Heat helps in DMF, and water cannot be heated: the search goes to hot DMF."""

    def response(values: Values) -> float:
        gain = {"water": 0.0, "dmf": 0.02, "dmso": 0.005}[str(values["solvent"])] * (float(values["heat"]) - 20)
        return (float(values["x"]) - 0.3) ** 2 - gain

    is_ordered = engine == "botorch"  # its model of unordered choices takes ten times as long to fit
    solvent = ChoiceParameter("solvent", ("water", "dmso", "dmf"), ordered=is_ordered)
    space = replace(HEATED, parameters=(solvent, *HEATED.parameters[1:]))
    points = [design_point(UnitSpace(space), 3, index) for index in range(12)]
    past = [observed(trial, values, response(values)) for trial, values in enumerate(points, 1)]
    assert all(values["solvent"] != "water" or values["heat"] == 20.0 for values in points)
    values = suggest(request(problem(space), engine, 13, past)).values
    assert values["solvent"] == "dmf"
    assert float(values["heat"]) > 70.0
    assert response(values) < min(map(response, points))


@pytest.mark.parametrize("engine", ["lean", "botorch"])
def test_earlier_trials_that_are_impossible_teach_and_are_not_what_has_to_be_beaten(engine: str) -> None:
    """Before there was the constraint, x + y = 2 was the best: it cannot be had, and the best possible is sought."""
    square = (RangeParameter("x", 0, 1), RangeParameter("y", 0, 1))
    space = Space(square, (Constraint("x + y <= 1"),))
    points = [(1.0, 1.0), (0.9, 0.8), (0.2, 0.1), (0.5, 0.2), (0.1, 0.6), (0.7, 0.9), (0.3, 0.3)]
    past = [observed(n, {"x": x, "y": y}, -(2 * x + y)) for n, (x, y) in enumerate(points, 1)]
    suggestion = suggest(request(problem(space), engine, 8, past))
    assert suggestion.reason.startswith("expected improvement over trial 4 (y -1.2)")
    assert float(suggestion.values["x"]) == pytest.approx(1.0, abs=0.05)


def test_engines_that_cannot_are_replaced_with_the_reason() -> None:
    few = choose(problem(Space(SALTS.parameters, (), SALTS.at_most)), EngineSpec("ax"))
    heated = choose(problem(HEATED), EngineSpec("ax"))
    assert (few.name, few.why) == ("botorch", "Ax takes no 'at most 2 of [a, b, c, d, e] above 0'")
    assert (heated.name, heated.why) == ("botorch", "Ax takes no conditional parameter such as heat")
    assert choose(problem(SALTS), EngineSpec("lean")).name == "lean"
    assert "lean is as good under 'at most" in choose(problem(SALTS), EngineSpec("auto")).note


@pytest.mark.parametrize("space", [SALTS, HEATED], ids=["salts", "heated"])
def test_the_space_goes_to_the_proposer_and_back_and_older_records_are_read(space: Space) -> None:
    asked = request(problem(space), "sobol", 1)
    assert adapter(SuggestRequest).validate_json(canonical_json(asked)) == asked
    older = plain(asked)
    for key in ("at_most", "conditionals"):
        del older["problem"]["space"][key]
    assert adapter(SuggestRequest).validate_python(older).problem.space == replace(space, at_most=(), conditionals=())


def test_a_space_is_left_in_no_direction_in_which_something_stands_still() -> None:
    unit = UnitSpace(HEATED)
    points = [{"solvent": solvent, "heat": 20.0, "x": 0.5} for solvent in ("water", "dmf")]
    free = free_coordinates(unit, np.array([unit.encode(values) for values in points]))
    assert free.tolist() == [[False, False, True], [False, True, True]]


def test_more_ways_than_can_be_searched_are_refused_with_their_number() -> None:
    space = Space(
        tuple(RangeParameter(f"x{n}", 0, 1) for n in range(12)), (), (AtMost(6, tuple(f"x{n}" for n in range(12))),)
    )
    with pytest.raises(InputError, match="in 924 ways, and 256 can be searched"):
        suggest(request(problem(space), "sobol", 1))
