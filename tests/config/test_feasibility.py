"""Constraints that no point can keep are found before anything moves; all others are let through."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolab.config.feasibility import check_feasible, find_conflict
from autolab.config.intervals import is_out_of_reach
from autolab.core.constraints import Constraint
from autolab.core.errors import InputError
from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, Parameter, RangeParameter
from autolab.core.problem import Space

RANGES: tuple[Parameter, ...] = tuple(RangeParameter(name, 0.0, 100.0) for name in "abc")
STEPS: tuple[Parameter, ...] = tuple(RangeParameter(name, 0.0, 100.0, step=0.1) for name in "abc")


def space(parameters: tuple[Parameter, ...], *constraints: str) -> Space:
    return Space(parameters, tuple(Constraint(text) for text in constraints))


@pytest.mark.parametrize(
    ("parameters", "constraints"),
    [
        pytest.param(RANGES, (), id="no-constraint"),
        pytest.param(RANGES, ("a + b + c == 100",), id="mixture"),
        pytest.param(STEPS, ("a + b + c == 100",), id="mixture-of-steps"),
        pytest.param(STEPS, ("a + b + c == 100.7", "a >= 33.3", "b >= 33.3", "c >= 33.3"), id="thin-mixture"),
        pytest.param(RANGES, ("a + b + c == 100", "a * b <= 5", "a >= 1", "b >= 1"), id="mixture-with-product"),
        pytest.param(RANGES, ("a * b == 1234.5",), id="curved-equality"),
        pytest.param(RANGES, ("a ** 2 + b ** 2 <= 1e-6",), id="a-corner"),
        pytest.param(RANGES, ("1 / a <= 0.5",), id="division-by-zero-at-a-corner"),
        pytest.param(
            (IntegerParameter("n", 0, 1000), ChoiceParameter("x", (0.5, 1.5, 2.5)), FixedParameter("y", 3)),
            ("n * 1.5 + x == 751.5 + y - 3", "x <= 2"),
            id="integers-and-choices",
        ),
    ],
)
def test_a_space_with_a_point_is_accepted(parameters: tuple[Parameter, ...], constraints: tuple[str, ...]) -> None:
    check_feasible(space(parameters, *constraints))


def test_only_the_constraints_that_contradict_each_other_are_named() -> None:
    conflict = find_conflict(space(RANGES, "a >= 60", "c <= 90", "b >= 60", "a + c <= 190", "a + b <= 100"))
    assert conflict is not None
    assert conflict.message == (
        "constraint 'a + b <= 100': no values within the bounds keep it together with 'a >= 60' and 'b >= 60': "
        "widen the bounds of its parameters, or relax it"
    )


@pytest.mark.parametrize(
    ("parameters", "constraints", "index"),
    [
        pytest.param(RANGES, ("a + b <= 50", "a + b + c == 301"), 1, id="beyond-the-bounds"),
        pytest.param(RANGES, ("a >= 60", "b >= 60", "a + b <= 100"), 2, id="together"),
        pytest.param(STEPS, ("a + b + c == 100.05",), 0, id="between-the-steps"),
        pytest.param(RANGES, ("a * b >= 10001",), 0, id="product-too-large"),
        pytest.param((IntegerParameter("n", 0, 10**6),), ("2 * n == 1001",), 0, id="odd-number"),
        pytest.param(RANGES, ("a <= -0.000001",), 0, id="just-outside"),
    ],
)
def test_a_space_without_a_point_is_refused_at_the_constraint_that_makes_it_so(
    parameters: tuple[Parameter, ...], constraints: tuple[str, ...], index: int
) -> None:
    conflict = find_conflict(space(parameters, *constraints))
    assert conflict is not None
    assert conflict.index == index
    with pytest.raises(InputError, match="no values within the bounds"):
        check_feasible(space(parameters, *constraints))


@settings(max_examples=40)
@given(
    st.lists(st.floats(0.0, 100.0), min_size=3, max_size=3),
    st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), min_size=1, max_size=3),
)
def test_constraints_built_around_a_point_are_accepted(point: list[float], weights: list[list[int]]) -> None:
    texts: list[str] = []
    for row in weights:
        left = " + ".join(f"{weight} * {name}" for weight, name in zip(row, "abc", strict=True))
        bound = sum(weight * value for weight, value in zip(row, point, strict=True))
        texts.append(f"{left} <= {bound + 1e-6!r}")
    check_feasible(space(RANGES, *texts))


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.floats(-5.0, 5.0), st.floats(0.0, 5.0)), min_size=3, max_size=3),
    st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3),
    st.sampled_from(
        ["a * b - c", "a / b + c", "a ** 2 - b * c", "-a * (b + 2) / c", "(a + 3) ** b", "a ** b", "2 ** c - a / 3"]
    ),
    st.sampled_from(["<=", ">=", "=="]),
)
def test_what_some_point_keeps_is_never_out_of_reach(
    boxes: list[tuple[float, float]], shares: list[float], text: str, relation: str
) -> None:
    bounds = {name: (low, low + width) for name, (low, width) in zip("abc", boxes, strict=True)}
    point = {n: low + share * (high - low) for (n, (low, high)), share in zip(bounds.items(), shares, strict=True)}
    value = Constraint(f"{text} <= 0").excess(point)
    if math.isfinite(value) and abs(value) < 1e100:
        assert not is_out_of_reach(Constraint(f"{text} {relation} {value!r}"), bounds)


@pytest.mark.parametrize(
    "text", ["a * b >= 10001", "a ** 2 + 1 <= 0.5", "1 / (a + 1) >= 2", "a - b == 101", "0 * a >= 1"]
)
def test_what_bounds_exclude_is_proven_so_without_a_search(text: str) -> None:
    conflict = find_conflict(space(RANGES, text))
    assert conflict is not None
    assert "tries" not in conflict.message
