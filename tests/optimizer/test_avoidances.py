"""What people want to be avoided is not proposed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autolab.core.avoidances import Avoidance
from autolab.core.constraints import Constraint
from autolab.core.parameters import ChoiceParameter, RangeParameter
from autolab.core.problem import Space
from optimizer.engine import suggest
from tests.optimizer.builders import observed, problem, request

FOAMS = Avoidance("stirring > 180 rpm", "stirring <= 180.0", "foams", "ana", "2026-12-31")
SPACE = Space(
    (
        RangeParameter("stirring", 0, 300, "rpm", step=1),
        RangeParameter("cyan", 0, 300, "uL"),
        ChoiceParameter("solvent", ("water", "ethanol")),
    ),
    (Constraint("cyan + stirring >= 100"),),
)
FREE = problem(SPACE, goal="maximize")
RULED = replace(
    FREE,
    space=replace(SPACE, constraints=(*SPACE.constraints, Constraint(FOAMS.keep, because=str(FOAMS)))),
    avoided=(FOAMS,),
)
PAST = [
    observed(n, {"stirring": s, "cyan": 150.0 + n, "solvent": "water"}, s)
    for n, s in enumerate([0.0, 60.0, 120.0, 180.0, 300.0, 250.0], 1)
]


@pytest.mark.parametrize("engine", ["lean", "botorch", "ax"])
def test_what_would_be_proposed_is_not_where_a_rule_avoids_it(engine: str) -> None:
    free = suggest(request(FREE, engine, 7, PAST))
    ruled = suggest(request(RULED, engine, 7, PAST))
    assert float(free.values["stirring"]) > 180
    assert 100 < float(ruled.values["stirring"]) <= 180  # as near to the best as it may
    assert ruled.explanation is not None
    if ruled.values["stirring"] == 180:
        assert f"stirring <= 180.0 ({FOAMS})" in ruled.explanation.active


@pytest.mark.parametrize("engine", ["sobol", "random", "grid"])
def test_engines_that_learn_nothing_keep_out_of_it_too(engine: str) -> None:
    asked = [suggest(request(posed, engine, trial)).values for posed in (RULED, FREE) for trial in range(1, 17)]
    assert all(float(values["stirring"]) <= 180 for values in asked[:16])
    assert any(float(values["stirring"]) > 180 for values in asked[16:])
