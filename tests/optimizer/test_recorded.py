"""A problem without failures, costs or known noise gets the suggestions that it got before engines knew of such things.

`recorded.json` holds values that were suggested then. Write it anew (`python -m tests.optimizer.test_recorded`) only
with a change that is meant to move the suggestions of plain problems, and say so in its commit.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autolab.core.objectives import OutcomeConstraint
from autolab.core.parameters import Values
from autolab.core.proposing import Pending
from optimizer.design import design_point
from optimizer.engine import suggest
from optimizer.space import UnitSpace
from tests.optimizer.builders import observed, problem, request
from tests.optimizer.test_engines import SPACES

RECORDED = Path(__file__).parent / "recorded.json"
CASES = [
    *((name, "lean", goal, n) for name in SPACES for goal in ("minimize", "maximize", "target") for n in (7, 16)),
    ("bench", "botorch", "minimize", 7),
    ("plain", "ax", "minimize", 7),
]
CASES = [case for case in CASES if case[:2] != ("curved", "lean")]  # lean leaves that to BoTorch


def suggested(name: str, engine: str, goal: str, n: int) -> Values:
    unit = UnitSpace(SPACES[name])
    past = [observed(at + 1, design_point(unit, 99, at), z=float(at % 3)) for at in range(n)]
    pending = [Pending(n + 1, design_point(unit, 99, n))]
    bounds = [OutcomeConstraint("z", "<=", 1.5)] if goal == "maximize" else []
    return suggest(request(problem(SPACES[name], goal=goal, constraints=bounds), engine, n + 2, past, pending)).values


@pytest.mark.parametrize(("name", "engine", "goal", "n"), CASES)
def test_plain_problems_get_the_recorded_suggestions(name: str, engine: str, goal: str, n: int):
    values = suggested(name, engine, goal, n)
    known = json.loads(RECORDED.read_text())[f"{name} {engine} {goal} {n}"]
    assert set(values) == set(known)
    for parameter, value in values.items():
        is_number = isinstance(value, float)
        assert value == (pytest.approx(known[parameter], rel=1e-3, abs=1e-6) if is_number else known[parameter])


if __name__ == "__main__":
    found = {" ".join(map(str, case)): suggested(*case) for case in CASES}
    RECORDED.write_text(json.dumps(found, indent=1) + "\n")
