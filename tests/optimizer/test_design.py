"""The space-filling design that all engines share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from autolab.core.constraints import Constraint
from autolab.core.errors import ProposerError
from autolab.core.parameters import FixedParameter, IntegerParameter, RangeParameter
from autolab.core.problem import Space
from autolab.core.proposing import EngineSpec
from optimizer.design import design_point, initial_trials, uniform_point
from optimizer.rounding import NoPointLeftError
from optimizer.space import UnitSpace, key_of
from tests.optimizer.strategies import spaces

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(spaces())
def test_design_points_have_no_violations(space: Space) -> None:
    unit = UnitSpace(space)
    try:
        points = [design_point(unit, 3, index) for index in range(4)]
        points.append(uniform_point(unit, 4))
    except NoPointLeftError:
        return
    assert all(space.violations(values) == [] for values in points)


def test_point_k_does_not_depend_on_how_many_points_are_asked_for() -> None:
    space = Space(tuple(RangeParameter(name, 0, 1, step=0.01) for name in "abc"), (Constraint("a + b <= 1"),))
    late = [design_point(UnitSpace(space), 7, index) for index in range(200)]
    assert [design_point(UnitSpace(space), 7, index) for index in range(20)] == late[:20]
    assert len({key_of(values) for values in late}) == 200


def test_a_design_fills_the_space_better_than_chance() -> None:
    unit = UnitSpace(Space(tuple(RangeParameter(name, 0, 1) for name in "ab")))
    design = np.array([unit.encode(design_point(unit, 1, index)) for index in range(64)])
    counts, _, _ = np.histogram2d(design[:, 0], design[:, 1], bins=8, range=[[0, 1], [0, 1]])
    assert counts.max() == 1  # 64 points of a scrambled Sobol sequence: one in each of 8 x 8 cells


def test_a_mixture_design_is_spread_over_the_simplex() -> None:
    unit = UnitSpace(Space(tuple(RangeParameter(n, 0, 1) for n in "abc"), (Constraint("a + b + c == 1"),)))
    design = np.array([unit.encode(design_point(unit, 1, index)) for index in range(16)])
    assert np.allclose(design.sum(axis=1), 1.0, atol=1e-8)
    assert (design.mean(axis=0) > 0.2).all()


def test_seeds_give_different_designs() -> None:
    unit = UnitSpace(Space((RangeParameter("x", 0, 1),)))
    assert design_point(unit, 1, 0) != design_point(unit, 2, 0)


def test_a_space_of_fixed_parameters_alone_has_one_point() -> None:
    unit = UnitSpace(Space((FixedParameter("x", 2.0),)))
    assert design_point(unit, 1, 0) == {"x": 2.0}
    assert uniform_point(unit, 1) == {"x": 2.0}


def test_a_small_space_is_met_whole_before_anything_repeats() -> None:
    unit = UnitSpace(Space((IntegerParameter("k", 0, 6),)))
    assert {design_point(unit, 1, index)["k"] for index in range(7)} == set(range(7))


def test_an_empty_polytope_is_refused() -> None:
    parts = tuple(RangeParameter(name, 0, 1) for name in "ab")
    unit = UnitSpace(Space(parts, (Constraint("a + b == 3"),)))
    with pytest.raises(ProposerError, match="no point"):
        design_point(unit, 1, 0)


def test_the_initial_design_is_twice_the_free_parameters_and_at_least_five() -> None:
    one = Space((RangeParameter("x", 0, 1), FixedParameter("f", 1)))
    four = Space(tuple(RangeParameter(name, 0, 1) for name in "abcd"))
    assert initial_trials(one, EngineSpec()) == 5
    assert initial_trials(four, EngineSpec()) == 8
    assert initial_trials(four, EngineSpec(initial=3)) == 3
