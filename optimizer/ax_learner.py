"""Ax as a learner: a client rebuilt from the evidence for each question.

Ax sees the unit cube: log scales are unbent and constraints rewritten before it looks, so that names in a campaign file
can never collide with what Ax's expressions mean. It is asked with its own model (``Generators.BOTORCH_MODULAR``, what
its method "fast" uses after the initial design) and sees trials in flight as running trials.

- A goal of ``target`` becomes the minimum of ``|value - target|``, computed here: Ax has no such goal.
- Small grids and choices are choices for Ax. Grids of more than `SMALL_GRID` values, and all grids beside a
  constraint, are ranges for Ax, and the answer is rounded afterwards.
- Fewer restarts and a shorter walk of the constraint sampler than Ax's defaults: at 30 trials and 4 parameters a search
  under a constraint took 14 s of processor time with the defaults and 1.3 s so, on the same busy machine.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from ax.adapter.registry import Generators
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from ax.api.utils.instantiation.from_struct import experiment_from_struct
from ax.api.utils.structs import ExperimentStruct
from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.observation import ObservationFeatures
from ax.exceptions.core import SearchSpaceExhausted
from ax.generation_strategy.generation_node import GenerationNode
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.generation_strategy.generator_spec import GeneratorSpec
from ax.utils.common.logger import set_ax_logger_levels

from autolab.core.objectives import Objective
from autolab.core.problem import Problem
from optimizer.evidence import Evidence
from optimizer.lean_model import QUIETEST
from optimizer.learner import Forecast, NumericalFailureError, Wish
from optimizer.numerics import NUMERICAL_ERRORS, single_thread
from optimizer.outliers import noises_of
from optimizer.polytope import polytope
from optimizer.space import Dimension, Points

__all__ = ["SMALL_GRID", "AxLearner"]

SMALL_GRID = 100
"""Grids of at most this many values are choices for Ax, where there is no constraint."""

_FREE: dict[str, Any] = {"num_restarts": 5, "raw_samples": 512}
_CONSTRAINED: dict[str, Any] = {
    "num_restarts": 4,
    "raw_samples": 256,
    "options": {"n_burnin": 512, "n_thinning": 4, "maxiter": 60},
}
_OBJECTIVE = "loss"


class AxLearner:
    """Ax's default model and acquisition function."""

    def __init__(self) -> None:
        set_ax_logger_levels(logging.CRITICAL)

    def wish(self, evidence: Evidence, seed: int) -> Wish:
        with single_thread():
            try:
                answer = _ask(evidence, seed, with_constraints=False)
                # A maximum that happens to keep the constraints is the maximum under them; searching under
                # constraints from the start takes Ax several times as long.
                if evidence.unit.constraints and not evidence.unit.feasible(answer.point[None, :])[0]:
                    answer = _ask(evidence, seed, with_constraints=True)
            except SearchSpaceExhausted:
                # Ax has tried every point that it knows: the best measured one is where a repeat teaches most.
                return Wish(evidence.points[evidence.incumbent], _nothing)
            except NUMERICAL_ERRORS as error:
                raise NumericalFailureError(f"Ax stopped with {type(error).__name__}") from error
        return answer


def _nothing(_: Points) -> Forecast:
    raise NumericalFailureError("Ax has tried every point that it knows, and made no model")


def _ask(evidence: Evidence, seed: int, *, with_constraints: bool) -> Wish:
    """Ax's next point."""
    client = Client(random_seed=seed % 2**32)
    names = [f"x{index}" for index in range(evidence.unit.d)]
    client.set_experiment(_experiment(evidence, names, with_constraints=with_constraints))
    client.configure_optimization(
        objective=f"-{_OBJECTIVE}",
        outcome_constraints=[
            f"c{index} {constraint.relation} {constraint.bound!r}"
            for index, constraint in enumerate(evidence.problem.outcome_constraints)
        ],
    )
    strategy = _strategy(_CONSTRAINED if with_constraints else _FREE)
    client.set_generation_strategy(strategy)
    ((_, answer),) = client.get_next_trials(max_trials=1).items()
    point = np.array([_decode(dim, answer[name]) for dim, name in zip(evidence.unit.dimensions, names, strict=True)])
    return Wish(point, lambda place: _forecast(evidence, names, strategy, place))


def _forecast(evidence: Evidence, names: list[str], strategy: GenerationStrategy, point: Points) -> Forecast:
    """What Ax's model says at ``point``, shape ``(d,)``: of the loss, and of the metrics of outcome constraints."""
    problem = _as_taken(evidence.problem)
    places = [point, *evidence.points]
    features = [ObservationFeatures(parameters=_encode(evidence, place, names)) for place in places]
    with single_thread():
        try:
            if strategy.adapter is None:
                raise NumericalFailureError("Ax made no model")
            means, covariances = strategy.adapter.predict(observation_features=features)
        except NUMERICAL_ERRORS as error:
            raise NumericalFailureError(f"Ax stopped with {type(error).__name__}") from error
    outputs = [_OBJECTIVE]
    bounded = [constraint.metric for constraint in problem.outcome_constraints]
    outputs += [f"c{bounded.index(metric)}" for metric in problem.metrics[1:]]
    found = np.array([means[output] for output in outputs])
    if problem.objective.goal == "maximize":
        found[0] = -found[0]
    variances = np.array([covariances[output][output][0] for output in outputs])
    return Forecast(problem, found[:, 0], np.sqrt(np.maximum(variances, 0.0)), found[:, 1:].T)


def _as_taken(problem: Problem) -> Problem:
    """The problem as Ax has it: the distance from a target is made small."""
    objective = problem.objective
    if objective.goal != "target":
        return problem
    distance = f"|{objective.metric} - {objective.target:g}|"
    return replace(problem, objective=Objective(distance, "minimize", unit=objective.unit))


def _strategy(options: dict[str, Any]) -> GenerationStrategy:
    spec = GeneratorSpec(
        generator_enum=Generators.BOTORCH_MODULAR,
        generator_gen_kwargs={"model_gen_options": {"optimizer_kwargs": dict(options)}},
    )
    # No fallback: Ax would answer with a Sobol point and not say so. No deduplication: rounding looks after that.
    node = GenerationNode(name="MBM", generator_specs=[spec], fallback_specs={}, should_deduplicate=False)
    return GenerationStrategy(name="MBM", nodes=[node])


def _experiment(evidence: Evidence, names: list[str], *, with_constraints: bool) -> Experiment:
    """The experiment with all outcomes attached at once: one by one takes Ax 40 ms each."""
    unit = evidence.unit
    experiment = experiment_from_struct(
        ExperimentStruct(
            parameters=[
                _parameter(dim, name, is_choice=_is_choice(evidence, dim))
                for dim, name in zip(unit.dimensions, names, strict=True)
            ],
            parameter_constraints=_constraints(evidence, names) if with_constraints else [],
            name=None,
            description=None,
            experiment_type=None,
            owner=None,
        )
    )
    arms: list[tuple[int, str]] = []
    for point in evidence.points:
        by_name, index = experiment.attach_trial([_encode(evidence, point, names)])
        experiment.trials[index].mark_completed()
        arms.append((index, next(iter(by_name))))
    experiment.attach_data(Data(df=pd.DataFrame(_rows(evidence, arms))))
    for point in evidence.pending_points:
        experiment.attach_trial([_encode(evidence, point, names)])
    return experiment


def _rows(evidence: Evidence, arms: list[tuple[int, str]]) -> list[dict[str, Any]]:
    own = evidence.problem.objective.metric
    metrics = [(_OBJECTIVE, evidence.losses, _sems(evidence, own))]
    for index, constraint in enumerate(evidence.problem.outcome_constraints):
        metrics.append((f"c{index}", evidence.values(constraint.metric), _sems(evidence, constraint.metric)))
    return [
        {
            "trial_index": trial,
            "arm_name": arm,
            "metric_name": name,
            "metric_signature": name,
            "mean": float(values[row]),
            "sem": float(sems[row]),
        }
        for name, values, sems in metrics
        for row, (trial, arm) in enumerate(arms)
    ]


def _sems(evidence: Evidence, metric: str) -> Points:
    """Standard errors of the outcomes; NaN where the noise is inferred (decision 8). Shape ``(n,)``."""
    known = noises_of(evidence, metric)
    quietest = QUIETEST * (float(evidence.values(metric).var(ddof=1)) or 1.0)
    return np.full(evidence.n, math.nan) if known is None else np.sqrt(np.maximum(known, quietest))


def _is_choice(evidence: Evidence, dimension: Dimension) -> bool:
    if dimension.is_categorical:
        return True
    return not evidence.unit.constraints and dimension.size is not None and dimension.size <= SMALL_GRID


def _parameter(dimension: Dimension, name: str, *, is_choice: bool) -> RangeParameterConfig | ChoiceParameterConfig:
    if not is_choice:
        return RangeParameterConfig(name=name, bounds=(0.0, 1.0), parameter_type="float")
    if dimension.is_categorical:
        labels = [f"choice{index}" for index in range(dimension.size or 0)]
        return ChoiceParameterConfig(name=name, values=labels, parameter_type="str", is_ordered=False)
    grid = [float(place) for place in dimension.grid]
    return ChoiceParameterConfig(name=name, values=grid, parameter_type="float", is_ordered=True)


def _encode(evidence: Evidence, point: Points, names: list[str]) -> dict[str, Any]:
    encoded: dict[str, Any] = {}
    for dimension, name, coordinate in zip(evidence.unit.dimensions, names, point, strict=True):
        if not _is_choice(evidence, dimension):
            encoded[name] = float(coordinate)
            continue
        index = int(np.argmin(np.abs(dimension.grid - coordinate)))
        encoded[name] = f"choice{index}" if dimension.is_categorical else float(dimension.grid[index])
    return encoded


def _decode(dimension: Dimension, answer: object) -> float:
    if isinstance(answer, str):
        return float(dimension.grid[int(answer.removeprefix("choice"))])
    return float(answer)  # pyright: ignore[reportArgumentType] (a range or an ordered choice: a number)


def _constraints(evidence: Evidence, names: list[str]) -> list[str]:
    """Linear constraints in unit coordinates, as Ax writes them."""
    rows = polytope(evidence.unit)
    cut = slice(2 * evidence.unit.d, None)  # without the faces of the cube
    texts: list[str] = []
    for weights, limit in zip(rows.below[cut], rows.limits[cut], strict=True):
        terms = [f"{weight:.15f} * {name}" for weight, name in zip(weights, names, strict=True) if weight]
        if terms:  # else it is over fixed parameters only
            texts.append(f"{' + '.join(terms)} <= {limit:.15f}")
    return texts
