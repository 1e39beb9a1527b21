"""What a trial costs weighs on what is proposed, and changes of choices are few."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from autolab.core.costs import Costs
from autolab.core.errors import InputError
from autolab.core.faults import SCREENED
from autolab.core.objectives import Objective
from autolab.core.parameters import ChoiceParameter, IntegerParameter, RangeParameter, Values
from autolab.core.problem import Problem, Space
from autolab.core.proposing import Observation, Pending
from autolab.core.trials import Estimate
from autolab.report.explaining import explanation_lines
from optimizer.design import design_point
from optimizer.engine import suggest
from optimizer.evidence import Evidence
from optimizer.space import UnitSpace
from optimizer.spending import thrift_of
from tests.optimizer.builders import request

DEAR_SIDE = Space((RangeParameter("x", 0.0, 10.0, "mL", step=0.1), RangeParameter("t", 1.0, 100.0, "s", scale="log")))
DEAR = Problem(DEAR_SIDE, Objective("y", "minimize"), costs=Costs("EUR", 1.0, (("x", 5.0),)))
SOLVENTS = Space((RangeParameter("x", 0.0, 1.0, step=0.01), ChoiceParameter("solvent", ("water", "ethanol", "dmf"))))
CHANGES = Problem(SOLVENTS, Objective("y", "minimize"), costs=Costs("min", 5.0, (), (("solvent", 60.0),)))
every_learner = pytest.mark.parametrize("engine", ["lean", "botorch", "ax"])


def valleys() -> list[Observation]:
    """Two valleys, around 2 and around 8, the second a little deeper."""
    places = [(0.0, 3.0), (1.0, 1.2), (3.2, 1.4), (5.0, 3.0), (6.8, 1.3), (9.2, 1.3), (10.0, 3.0)]
    return [Observation(n, {"x": x, "t": 10.0}, {"y": Estimate(y)}) for n, (x, y) in enumerate(places, 1)]


@every_learner
def test_of_two_valleys_the_cheaper_one_is_searched_first(engine: str):
    blind = suggest(request(replace(DEAR, costs=None), engine, 8, valleys()))
    made = suggest(request(DEAR, engine, 8, valleys()))
    assert float(made.values["x"]) < min(4.0, float(blind.values["x"]) + 0.5)
    assert made.explanation is not None
    assert made.explanation.cost == pytest.approx(1.0 + 5.0 * float(made.values["x"]))
    assert any(line.startswith("predicted cost: ") for line in explanation_lines(DEAR, made.explanation))
    assert "for each EUR of its cost" in made.reason
    if engine == "ax":
        assert made.engine == "botorch"
        assert "since Ax does not weigh what a trial costs" in made.reason


def test_an_exponent_of_zero_minds_no_cost():
    blind = suggest(request(replace(DEAR, costs=None), "lean", 8, valleys()))
    free = replace(DEAR, costs=Costs("EUR", 1.0, (("x", 5.0),), (), 0.0))
    assert suggest(request(free, "lean", 8, valleys())).values == blind.values


@pytest.mark.parametrize("engine", ["lean", "botorch"])
def test_what_is_dear_is_searched_when_the_money_is_nearly_spent(engine: str):
    """The seven trials have cost 183 EUR, and the dear valley is the deeper one."""
    assert DEAR.costs is not None
    deeper = {5: {"y": Estimate(1.1)}, 6: {"y": Estimate(1.1)}}
    seen = [replace(each, outcome=deeper.get(each.trial, each.outcome)) for each in valleys()]
    early, late = (replace(DEAR, costs=replace(DEAR.costs, spend=spend)) for spend in (10_000.0, 184.0))
    first, last = (suggest(request(posed, engine, 8, seen)) for posed in (early, late))
    assert float(first.values["x"]) < 4.0 < 6.0 < float(last.values["x"])
    assert first.reason.endswith(", for each EUR of its cost to the power 0.98")
    assert last.reason.endswith(", for each EUR of its cost to the power 0.01")
    spent = replace(DEAR, costs=replace(DEAR.costs, spend=100.0))
    assert " to the power 0.00" in suggest(request(spent, engine, 8, seen)).reason


def changes_in(problem: Problem, engine: str, trials: int) -> int:
    offsets = {"water": 0.02, "ethanol": 0.0, "dmf": 0.01}
    observations: list[Observation] = []
    for trial in range(1, trials + 1):
        values = suggest(request(problem, engine, trial, observations, initial=9)).values
        y = (float(values["x"]) - 0.4) ** 2 + offsets[str(values["solvent"])]
        observations.append(Observation(trial, values, {"y": Estimate(y)}))
    solvents = [o.values["solvent"] for o in observations]
    return sum(a != b for a, b in pairwise(solvents))


def test_a_campaign_changes_its_solvent_less_often_where_that_costs():
    assert changes_in(CHANGES, "lean", 18) <= 0.6 * changes_in(replace(CHANGES, costs=None), "lean", 18)


@pytest.mark.parametrize("engine", ["lean", "sobol"])
def test_the_initial_design_has_the_same_points_in_the_order_of_fewest_changes(engine: str):
    unit = UnitSpace(SOLVENTS)
    made = [suggest(request(CHANGES, engine, trial, initial=9)) for trial in range(1, 10)]
    points = [design_point(unit, request(CHANGES, engine, 1).design_seed, index) for index in range(9)]

    def keys(values: list[Values]) -> list[tuple[str, float]]:
        return sorted((str(v["solvent"]), float(v["x"])) for v in values)

    assert keys([one.values for one in made]) == keys(points)
    solvents = [one.values["solvent"] for one in made]
    assert sum(a != b for a, b in pairwise(solvents)) == len(set(solvents)) - 1


def test_a_change_is_one_from_the_last_trial_that_was_run_or_is_to_run():
    water, dmf = {"x": 0.5, "solvent": "water"}, {"x": 0.5, "solvent": "dmf"}
    refused = Observation(2, dmf, None, None, SCREENED)
    seen = (Observation(1, water, {"y": Estimate(1.0)}), refused)
    assert Evidence(CHANGES, seen, ()).before == water
    assert Evidence(CHANGES, seen, (Pending(3, dmf),)).before == dmf
    assert CHANGES.costs is not None
    assert (CHANGES.costs.of(dmf, water), CHANGES.costs.of(dmf, dmf), CHANGES.costs.of(dmf, None)) == (65.0, 5.0, 5.0)


def test_the_weight_is_one_over_the_cost_with_its_gradient():
    space = Space(
        (RangeParameter("x", 1.0, 9.0), RangeParameter("t", 1.0, 100.0, scale="log"), IntegerParameter("n", 1, 5))
    )
    costs = Costs("min", 2.0, (("x", 0.5), ("t", 0.1), ("n", 3.0)), (), 0.7)
    thrift = thrift_of(Evidence(Problem(space, Objective("y", "minimize"), costs=costs), (), ()))
    assert thrift is not None
    points, unit, step = np.random.default_rng(1).random((6, 3)), UnitSpace(space), 1e-6
    points[:, 2] = np.round(points[:, 2] * 4) / 4
    logs, gradients = thrift.slopes(points)
    assert np.allclose(logs, [-0.7 * np.log(costs.of(unit.decode(point), None)) for point in points])
    for at in range(3):
        move = np.eye(3)[at] * step
        numeric = (thrift.slopes(points + move)[0] - thrift.slopes(points - move)[0]) / (2 * step)
        assert np.allclose(gradients[:, at], numeric, rtol=1e-6)


def test_a_trial_that_costs_nothing_in_itself_is_refused():
    with pytest.raises(InputError, match="'trial' is a number above 0, not 0"):
        Costs("min", 0.0)
    with pytest.raises(InputError, match="spend is a number above 0, not -1"):
        Costs("min", 1.0, spend=-1.0)
