"""The arms of `optimizer.py`: ours by name of the engine, and peers, each behind one question for the next point.

All arms begin with the same five points of a Sobol design (bluesky-adaptive's optimiser lays its own design). A peer is
asked with its defaults. On a pool the nearest condition answers, and the peer is told what was tested in fact; BoTorch
as is scores the pool itself, and once more (``botorch-snapped``) does as all others.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from autolab.core.parameters import (
    ChoiceParameter,
    FixedParameter,
    IntegerParameter,
    Parameter,
    RangeParameter,
    Values,
)
from autolab.core.problem import Problem
from autolab.core.proposing import EngineSpec, Observation, Pending
from autolab.core.seeds import derive_seed
from optimizer.replay import Ask, engine_ask
from optimizer.space import UnitSpace
from optimizer.world import Pool, World

__all__ = ["INITIAL", "NEEDS", "PEERS", "AxPeer", "ask_of", "inside", "is_installed"]

INITIAL = 5
"""Points of the shared design."""
METRIC = "outcome"
"""What peers call the metric: some read a name such as ``yield`` as code."""


class Peer(Protocol):
    """What a peer is to this benchmark."""

    def tell(self, values: Values, value: float, /) -> None:
        """Take an outcome, in the unit of the metric."""
        ...

    def ask(self) -> Values:
        """The next point."""
        ...


def ask_of(arm: str, world: World, seed: int) -> Ask:
    """The question of an arm: an engine of ours after ``ours:``, ``random``, ``sobol``, or a peer."""
    if arm.startswith("ours:") or arm in ("random", "sobol"):
        return engine_ask(world.problem, EngineSpec(arm.removeprefix("ours:"), INITIAL), seed)
    design = engine_ask(world.problem, EngineSpec("sobol"), seed)
    peer = PEERS[arm](world, derive_seed(seed, "peer") % 2**31)
    told = 0

    def ask(trial: int, observations: tuple[Observation, ...], pending: tuple[Pending, ...]) -> Values:
        nonlocal told
        for observation in observations[told:]:
            outcome = observation.outcome or {}
            peer.tell(observation.values, outcome[world.problem.objective.metric].value)
        told = len(observations)
        if trial <= INITIAL and arm != "bluesky-adaptive":
            return design(trial, observations, pending)
        return inside(world.problem, peer.ask())

    return ask


def inside(problem: Problem, values: Values) -> Values:
    """A peer's answer on our grid: some lay theirs past an upper bound."""
    return {
        p.name: p.round(float(values[p.name])) if isinstance(p, RangeParameter | IntegerParameter) else values[p.name]
        for p in problem.space.parameters
    }


class AxPeer:
    """Ax's client with its method "fast"; the five points are attached in the place of its own design."""

    def __init__(self, problem: Problem, seed: int) -> None:
        from ax.api.client import Client
        from ax.utils.common.logger import set_ax_logger_levels

        set_ax_logger_levels(50)
        self._wished: tuple[int, Values] | None = None
        self._client = Client(random_seed=seed)
        space = problem.space
        self._metrics = [f"{METRIC}{at or ''}" for at in range(len(problem.objectives))]
        self._client.configure_experiment(
            parameters=[_ax_parameter(parameter) for parameter in space.parameters],
            parameter_constraints=[each.text for each in space.constraints if each.relation != "=="],
        )
        signs = ["-" if objective.goal == "minimize" else "" for objective in problem.objectives]
        wanted = [f"{sign}{metric}" for sign, metric in zip(signs, self._metrics, strict=True)]
        self._client.configure_optimization(objective=", ".join(wanted))
        self._client.configure_generation_strategy(
            method="fast", initialization_budget=INITIAL, initialize_with_center=False
        )

    def tell(self, values: Values, *measured: float) -> None:
        index = None
        if self._wished is not None:
            number, wish = self._wished
            self._wished = None
            if wish == values:
                index = number
            else:
                self._client.mark_trial_abandoned(number)
        if index is None:
            index = self._client.attach_trial(dict(values))
        self._client.complete_trial(index, raw_data=dict(zip(self._metrics, measured, strict=True)))

    def ask(self) -> Values:
        ((index, values),) = self._client.get_next_trials(max_trials=1).items()
        self._wished = index, dict(values)
        return dict(values)


class AdaptivePeer:
    """bluesky-adaptive's `AxOptimizer`, asked and told as its plan does; it lays its own initial design."""

    def __init__(self, world: World, seed: int) -> None:
        from bluesky_adaptive.ax.optimizer import AxOptimizer

        sign = "-" if world.problem.objective.goal == "minimize" else ""
        parameters = [_ax_parameter(parameter) for parameter in world.problem.space.parameters]
        self._optimizer = AxOptimizer(parameters, f"{sign}{METRIC}", client_kwargs={"random_seed": seed})
        self._wished: dict[str, Any] = {}

    def tell(self, values: Values, value: float) -> None:
        names = [name for name in self._wished if name != "_id"]
        if {name: self._wished[name] for name in names} == values:
            self._optimizer.ingest([{**self._wished, METRIC: value}])
        else:
            if self._wished:
                self._optimizer.register_failures([self._wished])
            self._optimizer.ingest([{**values, METRIC: value}])
        self._wished = {}

    def ask(self) -> Values:
        (found,) = self._optimizer.suggest(1)
        self._wished = dict(found)
        return {name: value for name, value in found.items() if name != "_id"}


class BoTorchPeer:
    """`SingleTaskGP` with its defaults and `qLogNoisyExpectedImprovement`; on a pool it scores what is left of it."""

    def __init__(self, world: World, seed: int, *, scores_pool: bool = True) -> None:
        self._unit = UnitSpace(world.problem.space)
        self._loss = world.problem.objective.loss
        self._seed = seed
        self._points: list[Any] = []
        self._losses: list[float] = []
        self._pool = [c.values for c in world.conditions] if isinstance(world, Pool) and scores_pool else None

    def tell(self, values: Values, value: float) -> None:
        self._points.append(self._unit.encode(values))
        self._losses.append(self._loss(value))
        if self._pool is not None:
            self._pool.remove(values)

    def ask(self) -> Values:
        import torch
        from botorch.acquisition.logei import qLogNoisyExpectedImprovement
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from botorch.models.transforms.outcome import Standardize
        from botorch.optim import optimize_acqf, optimize_acqf_discrete
        from gpytorch.mlls import ExactMarginalLogLikelihood

        torch.manual_seed(derive_seed(self._seed, len(self._points)) % 2**31)
        x = torch.tensor(np.array(self._points), dtype=torch.double)
        y = -torch.tensor(self._losses, dtype=torch.double).unsqueeze(-1)
        model = SingleTaskGP(x, y, outcome_transform=Standardize(m=1))
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        acquisition = qLogNoisyExpectedImprovement(model, X_baseline=x, prune_baseline=True)
        if self._pool is not None:
            choices = torch.tensor(np.array([self._unit.encode(each) for each in self._pool]), dtype=torch.double)
            point, _ = optimize_acqf_discrete(acquisition, q=1, choices=choices)
            return self._pool[int((choices - point).abs().sum(dim=1).argmin())]
        bounds = torch.stack([torch.zeros(self._unit.d), torch.ones(self._unit.d)]).double()
        point, _ = optimize_acqf(acquisition, bounds, q=1, num_restarts=10, raw_samples=512)
        return self._unit.decode(point[0].numpy())


class BaybePeer:
    """BayBE with its `BotorchRecommender`, on continuous parameters."""

    def __init__(self, world: World, seed: int) -> None:
        from baybe import Campaign
        from baybe.objectives import SingleTargetObjective
        from baybe.parameters import NumericalContinuousParameter
        from baybe.recommenders import BotorchRecommender
        from baybe.searchspace import SearchSpace
        from baybe.targets import NumericalTarget
        from baybe.utils.random import set_random_seed

        set_random_seed(seed)
        parameters = [NumericalContinuousParameter(p.name, (p.lower, p.upper)) for p in _ranges(world)]
        target = NumericalTarget(METRIC, minimize=world.problem.objective.goal == "minimize")
        space = SearchSpace.from_product(parameters)
        self._campaign = Campaign(space, SingleTargetObjective(target), BotorchRecommender())

    def tell(self, values: Values, value: float) -> None:
        import pandas as pd

        row = {name: float(number) for name, number in values.items()}
        self._campaign.add_measurements(pd.DataFrame([{**row, METRIC: value}]))

    def ask(self) -> Values:
        return dict(self._campaign.recommend(1).iloc[0])


class XoptPeer:
    """Xopt's `ExpectedImprovementGenerator`."""

    def __init__(self, world: World, seed: int) -> None:
        import torch
        from xopt import VOCS
        from xopt.generators.bayesian import ExpectedImprovementGenerator

        torch.manual_seed(seed)
        objective = world.problem.objective
        goal = "MINIMIZE" if objective.goal == "minimize" else "MAXIMIZE"
        bounds = {p.name: [float(p.lower), float(p.upper)] for p in _ranges(world)}
        self._generator = ExpectedImprovementGenerator(vocs=VOCS(variables=bounds, objectives={METRIC: goal}))

    def tell(self, values: Values, value: float) -> None:
        import pandas as pd

        self._generator.add_data(pd.DataFrame([{**values, METRIC: value}]))

    def ask(self) -> Values:
        return dict(self._generator.generate(1)[0])


class OptunaPeer:
    """Optuna with one of its samplers, each question in a study that knows all outcomes."""

    def __init__(self, world: World, seed: int, sampler: str) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        made = optuna.samplers.GPSampler if sampler == "gp" else optuna.samplers.TPESampler
        direction = world.problem.objective.goal
        self._study = optuna.create_study(sampler=made(seed=seed, n_startup_trials=INITIAL), direction=direction)
        self._ranges = {p.name: optuna.distributions.FloatDistribution(p.lower, p.upper) for p in _ranges(world)}
        self._asked: Any = None

    def tell(self, values: Values, value: float) -> None:
        import optuna

        if self._asked is not None:
            self._study.tell(self._asked, state=optuna.trial.TrialState.FAIL)
            self._asked = None
        numbers = {name: float(number) for name, number in values.items()}
        self._study.add_trial(optuna.trial.create_trial(params=numbers, distributions=self._ranges, value=value))

    def ask(self) -> Values:
        self._asked = self._study.ask(self._ranges)
        return dict(self._asked.params)


def _ranges(world: World) -> list[RangeParameter | IntegerParameter]:
    return [p for p in world.problem.space.parameters if isinstance(p, RangeParameter | IntegerParameter)]


def _ax_parameter(parameter: Parameter) -> Any:
    from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

    if isinstance(parameter, ChoiceParameter):
        values = list(parameter.choices)
        kind = "str" if any(isinstance(value, str) for value in values) else "float"
        return ChoiceParameterConfig(
            name=parameter.name, values=values, parameter_type=kind, is_ordered=parameter.ordered
        )
    if isinstance(parameter, FixedParameter):
        raise SystemExit(f"{parameter.name}: no problem of this benchmark fixes a parameter")
    is_whole = isinstance(parameter, IntegerParameter)
    bounds, kind = (parameter.lower, parameter.upper), "int" if is_whole else "float"
    step = parameter.step if not is_whole or parameter.step != 1 else None
    return RangeParameterConfig(name=parameter.name, bounds=bounds, parameter_type=kind, step_size=step)


PEERS: dict[str, Callable[[World, int], Peer]] = {
    "ax": lambda world, seed: AxPeer(world.problem, seed),
    "botorch-as-is": BoTorchPeer,
    "botorch-snapped": lambda world, seed: BoTorchPeer(world, seed, scores_pool=False),
    "bluesky-adaptive": AdaptivePeer,
    "baybe": BaybePeer,
    "xopt": XoptPeer,
    "optuna-gp": lambda world, seed: OptunaPeer(world, seed, "gp"),
    "optuna-tpe": lambda world, seed: OptunaPeer(world, seed, "tpe"),
}
"""By name."""
NEEDS = {
    "bluesky-adaptive": "bluesky_adaptive",
    "baybe": "baybe",
    "xopt": "xopt",
    "optuna-gp": "optuna",
    "optuna-tpe": "optuna",
}
"""Packages that are no part of the default install."""


def is_installed(arm: str) -> bool:
    """Whether the package of an arm is there."""
    return arm not in NEEDS or importlib.util.find_spec(NEEDS[arm]) is not None
