"""Worlds of a backtest: which condition answers, what counts as true, and how far an emulator may be believed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest

from autolab.campaign.rules import visible
from autolab.core.constraints import Constraint
from autolab.core.errors import InputError
from autolab.core.objectives import Objective, OutcomeConstraint
from autolab.core.parameters import ChoiceParameter, IntegerParameter, Parameter, RangeParameter, Values
from autolab.core.problem import Problem, Space
from autolab.core.proposing import EngineSpec, Observation, Pending
from optimizer.emulator import fit_emulator
from optimizer.replay import engine_ask, replay
from optimizer.world import Condition, Pool, conditions_of

LINE = RangeParameter("x", 0.0, 10.0)
GRID = (IntegerParameter("a", 0, 4), IntegerParameter("b", 0, 5), ChoiceParameter("c", ("u", "v")))


def pool(
    parameters: Sequence[Parameter], rows: Sequence[tuple[Values, float]], bounds: Sequence[OutcomeConstraint] = ()
) -> Pool:
    posed = Problem(Space(tuple(parameters)), Objective("y", "minimize"), tuple(bounds))
    return Pool(posed, conditions_of([(values, {"y": y, "z": y}) for values, y in rows]))


def line(*losses: float) -> Pool:
    return pool((LINE,), [({"x": float(x)}, loss) for x, loss in enumerate(losses)])


def full_grid() -> Pool:
    points = itertools.product(range(5), range(6), "uv")
    return pool(GRID, [({"a": a, "b": b, "c": c}, a + 0.1 * b + (c == "v")) for a, b, c in points])


def test_the_nearest_condition_that_was_not_tested_answers_and_of_two_the_first() -> None:
    found = line(5.0, 4.0, 3.0, 2.0, 1.0)
    assert found.answer({"x": 2.2}, set(), 1, 1).values == {"x": 2.0}
    assert found.answer({"x": 2.2}, {2}, 1, 2).values == {"x": 3.0}
    assert found.answer({"x": 2.5}, set(), 1, 3).place == 2
    assert found.answer({"x": 2.0}, {0, 1, 2, 3}, 1, 4).values == {"x": 4.0}


def test_a_condition_with_the_same_choice_comes_before_any_nearer_one() -> None:
    kinds = ChoiceParameter("k", ("u", "v", "w"))
    rows = [({"x": float(x), "k": "v" if x else "u"}, float(x)) for x in range(6)]
    found = pool((LINE, kinds), rows)
    assert found.answer({"x": 9.0, "k": "u"}, set(), 1, 1).values == {"x": 0.0, "k": "u"}
    assert found.answer({"x": 9.0, "k": "u"}, {0}, 1, 1).values == {"x": 5.0, "k": "v"}


@pytest.mark.parametrize("engine", ["sobol", "random"])
def test_where_the_table_is_the_whole_grid_nothing_is_moved(engine: str) -> None:
    world = full_grid()
    wishes: list[Values] = []
    asked = engine_ask(world.problem, EngineSpec(engine), 3)

    def ask(trial: int, observations: tuple[Observation, ...], pending: tuple[Pending, ...]) -> Values:
        wishes.append(asked(trial, observations, pending))
        return wishes[-1]

    found = replay(world, ask, 3, 60)
    assert [observation.values for observation in found.observations] == wishes
    assert sorted(found.losses) == sorted(world.answer(c.values, set(), 1, 1).loss for c in world.conditions)


def test_replicates_are_drawn_by_seed_and_trial_and_their_mean_is_true() -> None:
    rows = [({"x": float(x)}, float(x + 10 * k)) for x in range(5) for k in range(3)]
    world = pool((LINE,), rows)
    answers = {(seed, trial): world.answer({"x": 2.0}, set(), seed, trial) for seed in range(4) for trial in range(4)}
    assert {answer.loss for answer in answers.values()} == {12.0}
    assert {answer.outcome["y"].value for answer in answers.values()} == {2.0, 12.0, 22.0}
    assert answers[1, 2] == world.answer({"x": 2.0}, set(), 1, 2)


def test_what_breaks_an_outcome_constraint_counts_as_the_worst() -> None:
    rows = [({"x": float(x)}, float(x)) for x in range(6)]
    world = pool((LINE,), rows, [OutcomeConstraint("z", ">=", 2.0)])
    assert (world.best, world.worst) == (2.0, 5.0)
    assert world.answer({"x": 0.0}, set(), 1, 1).loss == 5.0
    assert world.shares["top 5 %"] == pytest.approx(float(np.quantile([2, 3, 4, 5], 0.05)))


@pytest.mark.parametrize(
    ("rows", "bounds", "message"),
    [
        ([1.0], (), "a backtest needs at least 5 different conditions, and there is 1"),
        ([3.0] * 6, (), "every condition has the same y, so that no strategy is better than another"),
        (
            [1.0, 2.0, 3.0, 4.0, 5.0],
            (OutcomeConstraint("z", ">=", 9.0),),
            "no measured condition keeps z >= 9: there is nothing that a campaign could find",
        ),
    ],
    ids=["one row", "all alike", "none allowed"],
)
def test_a_table_that_says_nothing_is_refused(
    rows: list[float], bounds: tuple[OutcomeConstraint, ...], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        pool((LINE,), [({"x": float(x)}, y) for x, y in enumerate(rows)], bounds)
    assert str(caught.value) == message


def test_duplicates_are_replicates_of_one_condition() -> None:
    found = conditions_of([({"x": 1.0}, {"y": 1.0}), *(({"x": x}, {"y": x}) for x in (1.0, 2.0, 3.0, 4.0, 5.0))])
    assert len(found) == 5
    assert found[0] == Condition({"x": 1.0}, ({"y": 1.0}, {"y": 1.0}))


@pytest.mark.parametrize("lanes", [0, 1, 3])
def test_a_suggestion_sees_what_a_campaign_of_so_many_lanes_shows(lanes: int) -> None:
    shown: list[tuple[list[int], list[int]]] = []

    def ask(trial: int, observations: tuple[Observation, ...], pending: tuple[Pending, ...]) -> Values:
        shown.append(([each.trial for each in observations], [each.trial for each in pending]))
        return {"x": float(trial)}

    replay(line(*map(float, range(9))), ask, 1, 7, lanes)
    assert shown == [tuple(map(list, visible(trial, lanes))) for trial in range(1, 8)]


def surface(n: int, noise: float) -> Pool:
    rng = np.random.default_rng(5)
    space = Space((LINE, RangeParameter("w", 0.0, 1.0), ChoiceParameter("k", ("u", "v"))), (Constraint("x <= 9"),))
    rows: list[tuple[Values, dict[str, float]]] = []
    for _ in range(n):
        x, w, k = float(rng.uniform(0, 9)), float(rng.uniform()), str(rng.choice(["u", "v"]))
        y = (x - 6) ** 2 + 20 * (w - 0.3) ** 2 + 5 * (k == "v")
        rows += [({"x": x, "w": w, "k": k}, {"y": y + noise * float(rng.standard_normal())}) for _ in range(2)]
    return Pool(Problem(space, Objective("y", "minimize")), conditions_of(rows))


@pytest.mark.parametrize("kind", ["gp", "network", "forest"])
def test_an_emulator_states_how_well_it_foretells_what_it_has_not_seen(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimizer.emulator._NETWORKS", 1)  # for speed
    made = fit_emulator(surface(36, 0.5), kind, 1)  # pyright: ignore[reportArgumentType]
    (found,) = made.accuracy
    assert found.r2 > (0.7 if kind == "forest" else 0.97)
    assert made.noise["y"] == pytest.approx(0.5, rel=0.3)
    rng = np.random.default_rng(0)
    points = [{"x": float(rng.uniform(0, 9)), "w": float(rng.uniform()), "k": "u"} for _ in range(20)]
    assert min(made.answer(point, set(), 1, n).loss for n, point in enumerate(points)) >= made.best - 1e-9
    assert made.best < (6.0 if kind == "forest" else 1.5)
    assert made.answer(points[0], set(), 1, 1) == made.answer(points[0], {3}, 1, 1)


def test_an_emulator_of_noise_knows_that_it_foretells_nothing() -> None:
    rng = np.random.default_rng(2)
    rows = [({"x": float(x)}, float(rng.standard_normal())) for x in np.linspace(0, 10, 40)]
    (found,) = fit_emulator(pool((LINE,), rows), "gp", 1).accuracy
    assert found.r2 < 0.2
    assert math.isfinite(found.rmse)


def test_an_emulator_of_a_few_conditions_is_refused() -> None:
    with pytest.raises(InputError, match=r"an emulator needs at least 15 conditions, and there are 6: leave it out"):
        fit_emulator(line(*map(float, range(6))), "gp", 1)
