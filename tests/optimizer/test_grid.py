"""The full factorial design."""

from __future__ import annotations

import pytest

from autolab.core.constraints import Constraint
from autolab.core.errors import ProposerError
from autolab.core.parameters import ChoiceParameter, IntegerParameter, RangeParameter, Values
from autolab.core.problem import Space
from optimizer.engine import suggest
from tests.optimizer.builders import observed, problem, request

SPACE = Space(
    (
        RangeParameter("x", 0, 1),
        RangeParameter("t", 1, 16, scale="log"),
        IntegerParameter("k", 1, 3),
        ChoiceParameter("c", ("a", "b")),
    )
)


def walked(space: Space, trials: int, root: int = 1) -> list[Values]:
    past = []
    for trial in range(1, trials + 1):
        past.append(observed(trial, suggest(request(problem(space), "grid", trial, past, root=root)).values))
    return [item.values for item in past]


def test_each_combination_of_levels_is_tried_once_and_then_again() -> None:
    size = 5 * 5 * 3 * 2
    found = walked(SPACE, size)
    assert len({tuple(values.values()) for values in found}) == size
    assert {values["x"] for values in found} == {0.0, 0.25, 0.5, 0.75, 1.0}
    assert sorted({round(float(values["t"]), 9) for values in found}) == [1.0, 2.0, 4.0, 8.0, 16.0]
    past = [observed(trial, values) for trial, values in enumerate(found, 1)]
    again = suggest(request(problem(SPACE), "grid", size + 1, past))
    assert again.values in found
    assert again.reason.startswith(f"full factorial of {size} points, in random order; a repeat")


def test_the_order_is_drawn_from_the_campaigns_seed() -> None:
    assert walked(SPACE, 8) == walked(SPACE, 8)
    assert walked(SPACE, 8) != walked(SPACE, 8, root=2)


def test_combinations_that_break_a_constraint_are_passed_over() -> None:
    space = Space(tuple(RangeParameter(name, 0, 1) for name in "ab"), (Constraint("a + b == 1"),))
    assert {(values["a"], values["b"]) for values in walked(space, 5)} == {(i / 4, 1 - i / 4) for i in range(5)}


def test_a_grid_without_a_feasible_point_and_one_too_large_are_refused() -> None:
    with pytest.raises(ProposerError, match="none of the grid's 25 combinations"):
        walked(Space(tuple(RangeParameter(name, 0, 1) for name in "ab"), (Constraint("a + b == 0.9"),)), 1)
    with pytest.raises(ProposerError, match="1953125 combinations to walk, and takes 1000000"):
        walked(Space(tuple(RangeParameter(f"x{index}", 0, 1) for index in range(9))), 1)
