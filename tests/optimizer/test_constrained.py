"""The proof on constrained and mixed parameters: its problems are what they are said to be, and so are its figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autolab.core.parameters import Values
from benchmarks.cells import read_cells
from benchmarks.constrained import ARMS, CELLS, figures, run_cell
from benchmarks.functions import FUNCTIONS, without_equality
from optimizer.design import feasible_draws
from optimizer.space import UnitSpace


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_in_the_space_is_better_than_the_best_point_which_lies_in_it(name: str) -> None:
    made = FUNCTIONS[name]
    assert made.problem.space.violations(made.best_at) == []
    unit = UnitSpace(made.problem.space)
    rng = np.random.default_rng(0)
    near = np.clip(unit.encode(made.best_at) + 0.02 * rng.standard_normal((2000, unit.d)), 0.0, 1.0)
    tried = [unit.decode(point) for point in (*near, *feasible_draws(unit, 1, 2000))]
    feasible = [values for values in tried if not made.problem.space.violations(values)]
    assert len(feasible) >= 2000
    slack = 1e-5 * (made.worst - made.best)
    assert min(made.truth(values) for values in feasible) >= made.best - slack


def test_a_mixture_without_its_equality_has_the_same_answers() -> None:
    made = FUNCTIONS["mixture:hartmann4"]
    other = without_equality(made)
    assert other.problem.space.names == ("x1", "x2", "x3")
    assert other.best == pytest.approx(made.best, abs=1e-6)
    parts: Values = {"x1": 0.1, "x2": 0.2, "x3": 0.3}
    assert other.truth(parts) == pytest.approx(made.truth({**parts, "x4": 0.4}))
    with pytest.raises(ValueError, match="not the sum of all parts"):
        without_equality(FUNCTIONS["linear:branin"])


@pytest.mark.parametrize("arm", ARMS)
def test_a_cell_can_be_run_again(arm: str) -> None:
    one, two = ({**run_cell("mixed:branin", arm, 3, trials=7), "cpu_s": 0} for _ in range(2))
    assert one == two
    assert 0.0 < one["regret"] < 1.0


def test_the_figures_say_on_how_many_problems_it_is_no_worse() -> None:
    few = _rows("mixed:ackley5", 0.01, 0.02, 4)
    rows = [*_rows("linear:branin", 0.01, 0.02), *_rows("mixed:branin", 0.05, 0.02), *few]
    said = "\n".join(figures(rows))
    assert "| linear:branin | 5 | 0.0100 | – | 0.0200 | – |" in said
    assert "| linear:branin | 5 | -0.0100 (-0.0100 to -0.0100) | shown |" in said
    assert "| mixed:branin | 5 | 0.0300 (0.0300 to 0.0300) | NOT shown |" in said
    assert "No worse than Ax on 1 of 3; wanted on at least 6: NOT shown." in said


def test_the_cells_that_are_kept_are_of_this_proof_and_each_is_there_once() -> None:
    cells = [(row["problem"], row["arm"], row["seed"]) for row in read_cells(CELLS)]
    assert len(cells) == len(set(cells))
    assert {problem for problem, _, _ in cells} <= set(FUNCTIONS)
    assert {arm for _, arm, _ in cells} <= set(ARMS)


def _rows(problem: str, ours: float, control: float, n: int = 5) -> list[dict[str, Any]]:
    return [
        {"problem": problem, "arm": arm, "seed": seed, "regret": regret}
        for seed in range(n)
        for arm, regret in (("ours:lean", ours), ("ax", control))
    ]
