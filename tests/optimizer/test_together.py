"""What stands beside each other: descriptions, limits and conditions, with explanations and diagnoses."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from autolab.core.parameters import ChoiceParameter
from autolab.core.problem import Space
from optimizer.engine import suggest
from optimizer.recommendation import recommend
from tests.optimizer.builders import observed, problem, request
from tests.optimizer.test_descriptors import described, history
from tests.optimizer.test_engines import AT_MOST, CONDITIONAL, drawn


@pytest.mark.parametrize("engine", ["lean", "botorch"])
def test_a_model_of_described_choices_is_explained_and_diagnosed(engine: str) -> None:
    space = described("alpha", ChoiceParameter("lid", ("open", "closed")))
    past = [replace(item, values={**item.values, "lid": ("open", "closed")[item.trial % 2]}) for item in history()]
    goal = problem(space)
    said = suggest(request(goal, engine, len(past) + 1, past)).explanation
    assert said is not None
    assert said.predictions
    found = recommend(goal, tuple(past), 1, engine=engine)
    assert found is not None
    assert found.diagnosis is not None
    roles = found.diagnosis.metrics[0].roles
    assert [role.parameter for role in roles] == ["solvent", "time", "lid"]
    assert roles[0].importance > roles[1].importance
    assert roles[0].lengthscale is None, "each descriptor has its own"


@pytest.mark.parametrize("engine", ["lean", "botorch"])
@pytest.mark.parametrize("space", [AT_MOST, CONDITIONAL], ids=["at most", "conditional"])
def test_limits_on_parameters_are_explained_and_diagnosed(engine: str, space: Space) -> None:
    goal = problem(space)
    past = [observed(item.trial, item.values, float(item.trial % 4)) for item in drawn(space, 3)]
    said = suggest(request(goal, engine, len(past) + 1, past)).explanation
    assert said is not None
    found = recommend(goal, tuple(past), 1, engine=engine)
    assert found is not None
    assert all(math.isfinite(each.mean) for each in said.predictions)
    assert said.predictions or said.silent, "either it says what it expects, or why it does not"
