"""The Pareto front: which trials it holds, and how much it covers, against what counting points says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.core.front import front_of, hypervolume, middle_of, non_dominated, reference_of
from autolab.core.objectives import Objective, OutcomeConstraint
from autolab.core.parameters import RangeParameter
from autolab.core.problem import Problem, Space
from autolab.core.trials import Estimate, Outcome

SPACE = Space((RangeParameter("x", 0, 1),))
TWO = Problem(SPACE, Objective("a", "minimize"), (), (Objective("b", "maximize"),))
WEIGHTED = Problem(
    SPACE, Objective("a", "minimize", weight=2.0), (), (Objective("b", "target", 5.0, weight=0.5),)
)  # fmt: skip


def outcome(a: float, b: float, **more: float) -> Outcome:
    return {"a": Estimate(a, 0.3), "b": Estimate(b, 0.8)} | {name: Estimate(value) for name, value in more.items()}


def test_the_front_holds_what_no_other_trial_beats_and_equals_once() -> None:
    outcomes = [(1, outcome(1, 1)), (2, outcome(2, 3)), (3, outcome(2, 2)), (4, outcome(2, 3)), (5, outcome(0.5, 0))]
    assert front_of(TWO, outcomes) == (1, 2, 5)


def test_what_breaks_an_outcome_constraint_or_lacks_a_metric_is_not_on_the_front() -> None:
    bounded = Problem(SPACE, TWO.objective, (OutcomeConstraint("c", "<=", 1.0),), TWO.others)
    assert front_of(bounded, [(1, outcome(0, 9, c=2)), (2, outcome(1, 1, c=0)), (3, outcome(0, 9))]) == (2,)


@given(st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=1, max_size=8), st.sampled_from([2, 3]))
def test_the_hypervolume_is_what_counting_unit_cells_says(rows: list[tuple[int, ...]], m: int) -> None:
    losses = [tuple(float(value) for value in row[:m]) for row in rows]
    cells = np.array(list(itertools.product(range(5), repeat=m))) + 0.5
    dominated = [any(all(a < c for a, c in zip(row, cell, strict=True)) for row in losses) for cell in cells]
    assert hypervolume(losses, (5.0,) * m) == pytest.approx(sum(dominated))
    front = [losses[at] for at in non_dominated(losses)]
    assert hypervolume(front, (5.0,) * m) == pytest.approx(sum(dominated))


def test_a_stated_threshold_is_the_reference_and_an_absent_one_is_chosen_beyond_the_front() -> None:
    stated = Problem(SPACE, Objective("a", "minimize", threshold=7.0), (), (Objective("b", "maximize"),))
    losses = [(0.0, -1.0), (2.0, -3.0), (4.0, 5.0)]
    reference = reference_of(stated, losses)
    assert reference[0] == 7.0
    assert reference[1] > -1.0
    assert all(worst > 0 for worst in hypervolumes_of(losses, reference))


def hypervolumes_of(losses: list[tuple[float, ...]], reference: tuple[float, ...]) -> list[float]:
    return [hypervolume([row], reference) for row in losses[:2]]


def test_the_middle_is_good_in_everything() -> None:
    assert middle_of([(0.0, 10.0), (1.0, 4.0), (10.0, 0.0)]) == 1


def test_weights_make_one_number_with_its_standard_error() -> None:
    score = WEIGHTED.score(outcome(3.0, 4.0))
    assert score is not None
    assert score.value == pytest.approx(2.0 * 3.0 + 0.5 * 1.0)
    assert score.sem == pytest.approx(np.hypot(0.6, 0.4))
    assert not WEIGHTED.seeks_front
    assert WEIGHTED.ranking.metric == "2 × a + 0.5 × |b - 5|"
    assert WEIGHTED.score({"a": Estimate(1.0)}) is None
