"""Earlier data help where they agree with the campaign's own outcomes, and change nothing where they mislead."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from autolab.core.earlier import Earlier
from autolab.core.noises import KnownNoise
from autolab.core.parameters import Parameter, RangeParameter, Value, Values
from autolab.core.problem import Problem, Space
from autolab.core.proposing import Observation
from autolab.core.trials import Estimate, Suggestion
from optimizer.engine import suggest
from optimizer.transfer import rank_agreement
from tests.optimizer.builders import observed, problem, request

Sign = Literal[1, -1]
NAMES = ("a", "b", "c")
PARAMETERS: tuple[Parameter, ...] = tuple(RangeParameter(name, 0.0, 1.0) for name in NAMES)
PLAIN = problem(Space(PARAMETERS))
INITIAL = 5


def truth(values: Values, shift: float = 0.0) -> float:
    a, b, c = (float(values[name]) + shift for name in NAMES)
    return 4.0 * ((a - 0.3) ** 2 + (b - 0.7) ** 2 + (c - 0.5) ** 2) + 0.4 * math.sin(8.0 * a) * math.cos(5.0 * b)


def before(seed: int, sign: Sign = 1) -> Earlier:
    """Forty points in no order, with an offset, a factor of two, and an optimum a little beside ours."""
    rng = np.random.default_rng(1000 + seed)
    rows: list[tuple[Value, ...]] = []
    for point in rng.random((40, 3)).tolist():
        value = 5.0 + 2.0 * truth(dict(zip(NAMES, point, strict=True)), 0.04) + 0.05 * float(rng.standard_normal())
        rows.append((*point, sign * value))
    return Earlier("before", "0" * 64, NAMES, ("y",), tuple(rows))


def pursued(posed: Problem, seed: int, trials: int, engine: str = "lean") -> tuple[list[Suggestion], list[Observation]]:
    """A campaign: its suggestions and outcomes, with the same noise for the same seed."""
    noise = 0.03 * np.random.default_rng(seed).standard_normal(trials)
    made: list[Suggestion] = []
    seen: list[Observation] = []
    for trial in range(1, trials + 1):
        made.append(suggest(request(posed, engine, trial, seen, root=seed, initial=INITIAL)))
        seen.append(observed(trial, made[-1].values, truth(made[-1].values) + float(noise[trial - 1])))
    return made, seen


def best(seen: list[Observation]) -> float:
    return min(truth(each.values) for each in seen)


def test_after_ten_trials_a_helpful_campaign_has_led_further_and_a_misleading_one_nowhere() -> None:
    gains: list[float] = []
    for seed in range(6):
        alone, own = pursued(PLAIN, seed, 10)
        helped, with_help = pursued(replace(PLAIN, earlier=(before(seed),)), seed, 10)
        misled, with_lies = pursued(replace(PLAIN, earlier=(before(seed, -1),)), seed, 10)
        gains.append(best(own) - best(with_help))
        assert [each.values for each in misled] == [each.values for each in alone]
        assert best(with_lies) == best(own)
        assert all("without before, which misleads" in each.reason for each in misled[INITIAL:])
        assert "with 40 outcomes of before (rank agreement " in helped[INITIAL].reason
    assert float(np.mean(gains)) > 2.0 * float(np.std(gains, ddof=1)) / math.sqrt(len(gains))


@pytest.mark.parametrize("engine", ["botorch", "auto", "ax"])
def test_every_engine_that_learns_uses_them(engine: str) -> None:
    _, seen = pursued(PLAIN, 1, INITIAL, "sobol")
    made = suggest(request(replace(PLAIN, earlier=(before(1),)), engine, 6, seen, root=1, initial=INITIAL))
    alone = suggest(request(PLAIN, "botorch", 6, seen, root=1, initial=INITIAL))
    assert "with 40 outcomes of before" in made.reason
    assert truth(made.values) < truth(alone.values)
    assert made.explanation is not None
    assert made.explanation.predictions
    assert {each.trial for each in made.explanation.nearest} <= set(range(1, INITIAL + 1))


def test_the_same_request_gives_the_same_suggestion() -> None:
    _, seen = pursued(PLAIN, 2, 7, "sobol")
    asked = request(replace(PLAIN, earlier=(before(2), replace(before(3, -1), name="lies"))), "lean", 8, seen)
    made = suggest(asked)
    assert suggest(asked) == made
    assert "with 40 outcomes of before" in made.reason
    assert "without lies, which misleads" in made.reason


def test_they_are_not_used_before_they_can_be_judged() -> None:
    _, seen = pursued(PLAIN, 1, 3, "sobol")
    made = suggest(request(replace(PLAIN, earlier=(before(1),)), "lean", 4, seen, initial=3))
    assert "without before yet, since 3 outcomes cannot judge it" in made.reason


def test_what_lies_outside_the_bounds_teaches_nothing() -> None:
    _, seen = pursued(PLAIN, 1, INITIAL, "sobol")
    far = replace(before(1), rows=tuple((*(float(x) + 2.0 for x in row[:3]), row[3]) for row in before(1).rows))
    made = suggest(request(replace(PLAIN, earlier=(far,)), "lean", 6, seen, initial=INITIAL))
    assert "without before, which has 0 outcomes inside the bounds" in made.reason


def test_an_earlier_outcome_that_is_known_to_be_vague_misleads_less() -> None:
    good = before(1)
    false = [(*row[:3], float(row[3]) - 6.0) if at % 8 == 0 else row for at, row in enumerate(good.rows)]
    errors = tuple((30.0 if at % 8 == 0 else 0.05,) for at in range(len(false)))
    _, seen = pursued(PLAIN, 1, INITIAL, "sobol")
    seen = [replace(each, outcome={"y": Estimate(truth(each.values), 0.03)}) for each in seen]
    posed = replace(PLAIN, noises=(KnownNoise("y"),))
    told, untold = (
        suggest(request(replace(posed, earlier=(source,)), "lean", 6, seen, root=1, initial=INITIAL))
        for source in (replace(good, rows=tuple(false), errors=errors), replace(good, rows=tuple(false)))
    )
    assert "with 40 outcomes of before" in told.reason
    assert truth(told.values) < truth(untold.values)


def test_rank_agreement_counts_pairs() -> None:
    right = np.array([1.0, 2.0, 3.0])
    assert rank_agreement(10.0 * right, right) == 1.0
    assert rank_agreement(-right, right) == -1.0
    assert rank_agreement(np.array([1.0, 3.0, 2.0]), right) == pytest.approx(1 / 3)
