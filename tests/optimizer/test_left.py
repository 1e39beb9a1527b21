"""What is left of materials changes what is proposed, and the record says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autolab.core.constraints import Constraint
from autolab.core.parameters import RangeParameter
from autolab.core.problem import Problem, Space
from autolab.core.proposing import Observation
from autolab.report.explaining import explanation_lines
from optimizer.engine import suggest
from tests.optimizer.builders import observed, problem, request

DYES = Space(tuple(RangeParameter(name, 0.0, 120.0) for name in ("cyan", "magenta", "yellow")))
BECAUSE = "cyan is bounded to 34 µL by what is left in its bottle"


def past(n: int) -> tuple[Observation, ...]:
    """The response is best where there is much cyan, and 60 of the others."""
    rng = np.random.default_rng(1)
    points = [dict(zip(DYES.names, map(float, rng.uniform(0.0, 120.0, 3)), strict=True)) for _ in range(n)]
    return tuple(
        observed(number, p, (p["cyan"] - 100.0) ** 2 + (p["magenta"] - 60.0) ** 2 + (p["yellow"] - 60.0) ** 2)
        for number, p in enumerate(points, 1)
    )


def bounded(*texts: str) -> Problem:
    constraints = tuple(Constraint(text, BECAUSE, is_passing=True) for text in texts)
    return problem(replace(DYES, constraints=constraints))


@pytest.mark.parametrize("engine", ["lean", "botorch"])
def test_the_engine_proposes_the_best_of_what_can_still_be_made_and_says_why(engine: str) -> None:
    seen = past(12)
    free = suggest(request(problem(DYES), engine, 13, seen))
    left = suggest(request(bounded("cyan <= 34"), engine, 13, seen))
    assert float(free.values["cyan"]) > 34.0
    assert 25.0 <= float(left.values["cyan"]) <= 34.000001, "as much as there is"
    assert left.reason.endswith(f"; {BECAUSE}")
    assert left.explanation is not None
    assert left.explanation.left == ("cyan <= 34",)
    assert "what is left in stock allowed only: cyan <= 34" in explanation_lines(problem(DYES), left.explanation)
    assert free.explanation is not None
    assert free.explanation.left == ()
    best, gain = min(seen, key=lambda each: each.outcome["y"].value if each.outcome else 0.0), left.explanation.gain
    assert float(best.values["cyan"]) > 34.0
    assert gain is not None
    assert gain < 1.0, "it is told over the best of all, which could not be made again"
