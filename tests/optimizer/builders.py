"""Builders for the tests of proposers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autolab.core.objectives import Objective, OutcomeConstraint
from autolab.core.parameters import Values
from autolab.core.problem import Problem, Space
from autolab.core.proposing import ADAPTIVE, EngineSpec, Observation, Pending, SuggestRequest
from autolab.core.seeds import derive_seed
from autolab.core.trials import Estimate

Response = Callable[[Values], float]
THEIRS = "theirs"


def response(values: Values) -> float:
    """A smooth bowl over numbers; each choice shifts it a little."""
    total = 0.0
    for value in values.values():
        total += 0.3 * len(value) if isinstance(value, str) else (float(value) - 1.0) ** 2 / 100
    return total


def problem(space: Space, *, goal: str = "minimize", constraints: Sequence[OutcomeConstraint] = ()) -> Problem:
    target = 0.5 if goal == "target" else None
    return Problem(space, Objective("y", goal, target=target), tuple(constraints))  # pyright: ignore[reportArgumentType]


def spec(engine: str, initial: int | None = None) -> EngineSpec:
    """What a file asks for; ``theirs`` is an optimiser in bluesky-adaptive's form."""
    is_theirs = engine == THEIRS
    return EngineSpec(ADAPTIVE if is_theirs else engine, initial, "tests.optimizer.agents.make" if is_theirs else None)


def request(
    posed: Problem,
    engine: str,
    trial: int,
    observations: Sequence[Observation] = (),
    pending: Sequence[Pending] = (),
    *,
    root: int = 1,
    initial: int | None = 4,
) -> SuggestRequest:
    return SuggestRequest(
        problem=posed,
        engine=spec(engine, initial),
        trial=trial,
        seed=derive_seed(root, "suggest", trial),
        design_seed=derive_seed(root, "design"),
        observations=tuple(observations),
        pending=tuple(pending),
    )


def observed(trial: int, values: Values, value: float | None = None, **more: float) -> Observation:
    value = response(values) if value is None else value
    return Observation(trial, values, {"y": Estimate(value)} | {name: Estimate(v) for name, v in more.items()})


def failed(trial: int, values: Values) -> Observation:
    return Observation(trial, values, None)
