"""Rounding and projection: exact, nearest, and honest when there is nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from autolab.core.constraints import Constraint
from autolab.core.errors import ProposerError
from autolab.core.parameters import ChoiceParameter, IntegerParameter, RangeParameter
from autolab.core.problem import Space
from optimizer import programme
from optimizer.rounding import NoPointLeftError, nearest
from optimizer.space import UnitSpace, key_of
from tests.optimizer.strategies import spaces

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(spaces(), st.integers(0, 2**32))
def test_the_nearest_point_has_no_violations_or_there_is_none(space: Space, seed: int) -> None:
    unit = UnitSpace(space)
    target = np.random.default_rng(seed).random(unit.d)
    try:
        values = nearest(unit, target)
    except NoPointLeftError:
        grids = [[dim.at(i) for i in range(dim.size)] if dim.size else None for dim in unit.dimensions]
        if all(grid is not None for grid in grids):
            names = [dim.parameter.name for dim in unit.dimensions]
            for point in itertools.product(*[grid for grid in grids if grid is not None]):
                everything = {**unit.fixed, **dict(zip(names, point, strict=True))}
                assert space.violations(everything)
        return
    assert space.violations(values) == []


@SLOW
@given(spaces(constrained=False), st.integers(0, 2**32))
def test_a_point_survives_the_way_into_the_cube_and_back(space: Space, seed: int) -> None:
    unit = UnitSpace(space)
    values = unit.spread(np.random.default_rng(seed).random(unit.d))
    assert space.violations(values) == []
    back = unit.decode(unit.encode(values))
    assert key_of(back) == key_of(values)
    assert {name: type(value) for name, value in back.items()} == {n: type(v) for n, v in values.items()}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.2, 1.8), st.sampled_from(["<=", ">="]))
def test_the_programme_finds_the_nearest_grid_point_that_brute_force_finds(
    seed: int, bound: float, relation: str
) -> None:
    space = Space(
        (
            RangeParameter("a", 0, 1, step=0.1),
            RangeParameter("b", 0, 2, step=0.25),
            IntegerParameter("k", 0, 4),
            ChoiceParameter("c", (0.0, 0.5, 1.0), ordered=True),
        ),
        (Constraint(f"a + 0.5 * b + 0.1 * k - 0.2 * c {relation} {bound!r}"),),
    )
    unit = UnitSpace(space)
    target = np.random.default_rng(seed).random(4)
    points = np.array(list(itertools.product(*[dim.grid for dim in unit.dimensions])))
    keeps = np.array([not space.violations(unit.decode(point)) for point in points])
    assume(keeps.any())
    shortest = np.abs(points[keeps] - target).sum(axis=1).min()
    solution = programme.solve_nearest(unit, target)
    assert solution is not None
    assert space.violations(unit.decode(solution)) == []
    assert np.abs(unit.encode(unit.decode(solution)) - target).sum() == pytest.approx(shortest, abs=1e-6)


def test_a_mixture_adds_up_exactly() -> None:
    parts = tuple(RangeParameter(name, 0, 100) for name in "abc")
    unit = UnitSpace(Space(parts, (Constraint("a + b + c == 100"),)))
    for point in np.random.default_rng(0).random((20, 3)):
        values = nearest(unit, point)
        assert abs(sum(float(value) for value in values.values()) - 100) < 1e-6
        assert unit.space.violations(values) == []


def test_a_mixture_on_a_fine_grid_adds_up_exactly() -> None:
    parts = tuple(RangeParameter(name, 0, 100, step=0.5) for name in "abcd")
    unit = UnitSpace(Space(parts, (Constraint("a + b + c + d == 100"),)))
    for point in np.random.default_rng(0).random((10, 4)):
        assert unit.space.violations(nearest(unit, point)) == []


def test_a_mixture_of_grid_and_continuous_parts_adds_up_exactly() -> None:
    parts = (RangeParameter("a", 0, 100, step=5), RangeParameter("b", 0, 100), RangeParameter("c", 0, 100, step=0.1))
    unit = UnitSpace(Space(parts, (Constraint("a + b + c == 100"), Constraint("a <= 0.5 * b"))))
    for point in np.random.default_rng(0).random((10, 3)):
        assert unit.space.violations(nearest(unit, point)) == []


def test_nonlinear_constraints_are_kept() -> None:
    parts = (RangeParameter("x", 0.1, 10, scale="log", step=0.1), RangeParameter("y", 0, 10))
    for text in ("x * y <= 5", "x * y == 5", "x ** 2 + y ** 2 <= 4", "y >= x ** 2"):
        unit = UnitSpace(Space(parts, (Constraint(text),)))
        for point in np.random.default_rng(1).random((5, 2)):
            assert unit.space.violations(nearest(unit, point)) == []


def test_a_constraint_that_no_point_keeps_is_refused_with_the_constraint_named() -> None:
    unit = UnitSpace(Space((RangeParameter("x", 0, 1),), (Constraint("x >= 2"),)))
    with pytest.raises(ProposerError, match="'x >= 2'"):
        nearest(unit, np.array([0.5]))


def test_points_to_avoid_are_avoided_until_none_is_left() -> None:
    unit = UnitSpace(Space((IntegerParameter("k", 0, 3),)))
    taken = set()
    for _ in range(4):
        values = nearest(unit, np.array([0.4]), avoid=taken)
        assert key_of(values) not in taken
        taken.add(key_of(values))
    with pytest.raises(NoPointLeftError, match="4 points are taken"):
        nearest(unit, np.array([0.4]), avoid=taken)


def test_a_taken_continuous_point_is_replaced_by_a_near_one() -> None:
    unit = UnitSpace(Space((RangeParameter("x", 0, 1), RangeParameter("y", 0, 1)), (Constraint("x + y <= 1"),)))
    target = np.array([0.8, 0.8])
    first = nearest(unit, target)
    second = nearest(unit, target, avoid={key_of(first)})
    assert second != first
    assert unit.space.violations(second) == []
    distances = [np.abs(unit.encode(values) - target).sum() for values in (first, second)]
    assert distances == pytest.approx([0.6, 0.6], abs=1e-5)
