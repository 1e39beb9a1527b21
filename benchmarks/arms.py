"""The arms of `loop.py`: each runs one campaign of so many trials and names the trial that it recommends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autolab.core.parameters import IntegerParameter, Values
from autolab.core.proposing import EngineSpec, Observation, Pending, SuggestRequest
from autolab.core.seeds import derive_seed
from benchmarks.problems import Case
from optimizer.engine import suggest
from optimizer.recommendation import recommend

__all__ = ["ARMS", "Arm"]

Arm = Callable[[Case, int, int], dict[str, Any]]
"""Case, seed and number of trials; returns the values of each trial, what was measured, and the recommended trial."""


def _ours(engine: str, lag: int) -> Arm:
    """Our engine; the suggestion for trial n sees the outcomes of trials up to ``n - 1 - lag``."""

    def run(case: Case, seed: int, trials: int) -> dict[str, Any]:
        observations: list[Observation] = []
        engines: list[str] = []
        for trial in range(1, trials + 1):
            seen = max(0, trial - 1 - lag)
            request = SuggestRequest(
                problem=case.problem,
                engine=EngineSpec(engine),
                trial=trial,
                seed=derive_seed(seed, "suggest", trial),
                design_seed=derive_seed(seed, "design"),
                observations=tuple(observations[:seen]),
                pending=tuple(Pending(item.trial, item.values) for item in observations[seen:]),
            )
            suggestion = suggest(request)
            engines.append(suggestion.engine)
            outcome = case.measure(suggestion.values, seed, trial)
            observations.append(Observation(trial, suggestion.values, outcome))
        best = recommend(case.problem, tuple(observations), derive_seed(seed, "recommend"), engine=engine)
        if best is None:
            raise RuntimeError(f"{engine}, seed {seed}: no recommendation after {trials} trials")
        return {
            "values": [observation.values for observation in observations],
            "measured": [_measured(case, observation) for observation in observations],
            "engines": engines,
            "recommended": best.trial,
        }

    return run


def _measured(case: Case, observation: Observation) -> float:
    outcome = observation.outcome or {}
    return outcome[case.problem.objective.metric].value


def _bluesky_adaptive(case: Case, seed: int, trials: int) -> dict[str, Any]:
    """bluesky-adaptive's `AxOptimizer`, driven as its plan `optimize_step` does: suggest one, measure, ingest."""
    import numpy as np
    import torch
    from bluesky_adaptive.ax import Objective, RangeDOF
    from bluesky_adaptive.ax.optimizer import AxOptimizer

    from optimizer.numerics import single_thread

    torch.manual_seed(seed)
    np.random.seed(seed)
    objective = case.problem.objective
    optimizer = AxOptimizer(
        parameters=[_dof(RangeDOF, parameter).to_ax_parameter_config() for parameter in case.problem.space.parameters],
        objective=Objective(name=objective.metric, minimize=objective.goal == "minimize").ax_expression,
    )
    points: list[Values] = []
    measured: list[float] = []
    with single_thread():
        for trial in range(1, trials + 1):
            (suggestion,) = optimizer.suggest(1)
            values = {name: suggestion[name] for name in case.problem.space.names}
            value = case.measure(values, seed, trial)[objective.metric].value
            optimizer.ingest([{"_id": suggestion["_id"], objective.metric: value}])
            points.append({name: float(number) for name, number in values.items()})
            measured.append(value)
        ((best, _, _),) = optimizer.get_best_points()
    return {"values": points, "measured": measured, "recommended": int(best) + 1}


def _dof(kind: Any, parameter: Any) -> Any:
    is_whole = isinstance(parameter, IntegerParameter)
    return kind(
        name=parameter.name,
        bounds=(parameter.lower, parameter.upper),
        parameter_type="int" if is_whole else "float",
        step_size=parameter.step,
        scaling=None if is_whole else parameter.scale,
    )


ARMS: dict[str, Arm] = {
    "autolab": _ours("ax", lag=1),
    "autolab-blocking": _ours("ax", lag=0),
    "autolab-auto": _ours("auto", lag=1),
    "sobol": _ours("sobol", lag=1),
    "bluesky-adaptive": _bluesky_adaptive,
}
"""By name. ``autolab-blocking`` waits for each outcome, as bluesky-adaptive does: it shows what pipelining costs.
``autolab-auto`` takes the engine that `auto` takes, which is `lean` on all of these cases."""
