"""Emulators: a model of measured conditions that answers at any point of the space, with its accuracy stated.

Three kinds, from scikit-learn: ``gp``, a Gaussian process (Matérn 5/2, a lengthscale for each coordinate, noise);
``network``, the mean of five small neural networks; and ``forest``, 100 extremely randomised trees [Geurts2006]_. A
Gaussian process flatters strategies that hold one themselves; networks are as smooth and share no prior with them; a
forest makes steps. The accuracy is that of five-fold cross-validation over conditions, so that no replicate of a
condition is in both parts.

.. [Geurts2006] P. Geurts, D. Ernst, L. Wehenkel, Extremely randomized trees, Machine Learning 63 (2006) 3.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from autolab.core.backtests import Accuracy
from autolab.core.errors import InputError
from autolab.core.parameters import Values
from autolab.core.problem import Problem
from autolab.core.seeds import derive_seed
from autolab.core.trials import Estimate
from optimizer.branches import free_coordinates
from optimizer.design import feasible_draws
from optimizer.space import Points, UnitSpace
from optimizer.world import Answer, Condition, Pool, quantiles, true_losses

__all__ = ["Emulator", "Kind", "fit_emulator"]

Kind = Literal["gp", "network", "forest"]

LEAST_CONDITIONS = 15
"""Conditions that an emulator needs: three for each part of the cross-validation."""
_FOLDS = 5
_DRAWS = 4096
_MOST_FOR_SCALES = 300
"""Conditions from which a Gaussian process learns its lengthscales; it then answers from all of them."""
_NETWORKS = 5
_WIDTH = 32
"""Neurons of each of the two layers."""
_POLISHED = 8
_ROUNDS = 40


@dataclass(frozen=True)
class Emulator:
    """A fitted model as a world. Make one with `fit_emulator`."""

    problem: Problem
    models: Mapping[str, Any]
    """A fitted regressor for each metric, over encoded points."""
    accuracy: tuple[Accuracy, ...]
    noise: Mapping[str, float]
    """Standard deviation of a measurement, by metric, in its unit."""
    anchors: Points
    """Measured conditions in the unit cube, shape ``(n, d)``: the best point is looked for around them too."""

    @property
    def most(self) -> None:
        return None

    @property
    def best(self) -> float:
        return self._extent[0]

    @property
    def worst(self) -> float:
        return self._extent[1]

    @property
    def shares(self) -> Mapping[str, float]:
        return self._shares

    def answer(self, wish: Values, tested: Set[int], seed: int, trial: int) -> Answer:  # noqa: ARG002 (any point answers)
        point = self._unit.encode(wish)[None, :]
        means = self._means(point)
        rng = np.random.default_rng(derive_seed(seed, "noise", trial))
        noisy = {m: Estimate(float(means[m][0] + self.noise[m] * rng.standard_normal())) for m in self.problem.metrics}
        return Answer(wish, noisy, min(float(true_losses(self.problem, means)[0]), self.worst), None)

    def _means(self, points: Points) -> dict[str, NDArray[np.float64]]:
        inputs = _inputs(self._unit, points)
        with _quiet():
            return {metric: np.asarray(model.predict(inputs)) for metric, model in self.models.items()}

    def _losses(self, points: Points) -> NDArray[np.float64]:
        return true_losses(self.problem, self._means(points))

    @cached_property
    def _unit(self) -> UnitSpace:
        return UnitSpace(self.problem.space)

    @cached_property
    def _draws(self) -> Points:
        return feasible_draws(self._unit, derive_seed(0, "emulator draws"), _DRAWS)

    @cached_property
    def _shares(self) -> Mapping[str, float]:
        return quantiles(self._losses(self._draws))

    @cached_property
    def _extent(self) -> tuple[float, float]:
        """Least and largest true loss: over draws and measured conditions, the least of them polished."""
        points = np.vstack([self._draws, self.anchors])
        losses = self._losses(points)
        means = self._means(points)[self.problem.objective.metric]
        worst = max(self.problem.objective.loss(float(value)) for value in means)
        if not np.isfinite(losses).any():
            kept = " and ".join(map(str, self.problem.outcome_constraints))
            raise InputError(f"the emulator keeps {kept} nowhere: replay the table itself, without --emulator")
        order = np.argsort(losses, kind="stable")[:_POLISHED]
        return self._polished(points[order], losses[order]), worst

    def _polished(self, points: Points, losses: NDArray[np.float64]) -> float:
        """The least loss found by random steps of shrinking size from each point, inside the constraints."""
        rng = np.random.default_rng(derive_seed(0, "emulator polish"))
        is_free = np.array([not dimension.is_categorical for dimension in self._unit.dimensions])
        is_free = np.repeat(is_free & free_coordinates(self._unit, points), 8, axis=0)
        points, losses = points.copy(), losses.copy()
        for step in 0.1 * 0.87 ** np.arange(_ROUNDS):
            moved = np.repeat(points, 8, axis=0)
            moved = np.clip(moved + step * is_free * rng.standard_normal(moved.shape), 0.0, 1.0)
            found = np.where(self._unit.feasible(moved), self._losses(moved), np.inf).reshape(len(points), 8)
            best = found.argmin(axis=1)
            least = found[np.arange(len(points)), best]
            is_better = least < losses
            points[is_better] = moved.reshape(len(points), 8, -1)[np.arange(len(points)), best][is_better]
            losses = np.minimum(losses, least)
        return float(losses.min())


def fit_emulator(pool: Pool, kind: Kind, seed: int, noise: Mapping[str, float] | None = None) -> Emulator:
    """Fit an emulator to a pool, and measure its accuracy.

    Args:
        pool: The measured conditions.
        kind: ``gp``, ``network`` or ``forest``.
        seed: Seed of the parts of the cross-validation, and of the fits.
        noise: Standard deviation of a measurement by metric; None for what the replicates show, 0 without any.

    Raises:
        InputError: there are too few conditions, or the emulator keeps the outcome constraints nowhere.
    """
    n = len(pool.conditions)
    if n < LEAST_CONDITIONS:
        raise InputError(f"an emulator needs at least {LEAST_CONDITIONS} conditions, and there are {n}: leave it out")
    unit = UnitSpace(pool.problem.space)
    points = np.clip([unit.encode(condition.values) for condition in pool.conditions], 0.0, 1.0)
    inputs = _inputs(unit, points)
    models: dict[str, Any] = {}
    accuracy: list[Accuracy] = []
    for metric in pool.problem.metrics:
        means = np.array([condition.mean(metric) for condition in pool.conditions])
        with _quiet():
            models[metric] = _fitted(kind, inputs, means, derive_seed(seed, "emulator", metric))
            accuracy.append(_accuracy(kind, inputs, means, metric, seed))
    if noise is None:
        noise = {metric: _pooled_sd(pool.conditions, metric) for metric in pool.problem.metrics}
    emulator = Emulator(pool.problem, models, tuple(accuracy), noise, points)
    _ = emulator.best, emulator.shares  # found once, and pickled with it
    return emulator


def _accuracy(kind: Kind, inputs: Points, means: NDArray[np.float64], metric: str, seed: int) -> Accuracy:
    order = np.random.default_rng(derive_seed(seed, "folds", metric)).permutation(len(means))
    foretold = np.empty(len(means))
    for fold in range(_FOLDS):
        out = order[fold::_FOLDS]
        kept = np.setdiff1d(order, out)
        model = _fitted(kind, inputs[kept], means[kept], derive_seed(seed, "fold", fold, metric))
        foretold[out] = model.predict(inputs[out])
    error = float(((foretold - means) ** 2).mean())
    variance = float(means.var())
    return Accuracy(metric, 1.0 - error / variance if variance > 0 else 0.0, error**0.5)


def _fitted(kind: Kind, inputs: Points, means: NDArray[np.float64], seed: int) -> Any:
    """A fitted regressor. ``inputs``: ``(n, k)``, ``means``: ``(n,)``."""
    if kind == "forest":
        from sklearn.ensemble import ExtraTreesRegressor  # scikit-learn takes a second to import

        return ExtraTreesRegressor(100, random_state=seed % 2**32, n_jobs=1).fit(inputs, means)
    if kind == "network":
        return _networks(inputs, means, seed)
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    scales = np.ones(inputs.shape[1])
    matern = Matern(scales, (0.05, 20.0), nu=2.5)  # pyright: ignore[reportArgumentType] (documented: one a coordinate)
    kernel = ConstantKernel(1.0, (1e-2, 1e2)) * matern + WhiteKernel(1e-2, (1e-5, 1.0))
    chosen = np.random.default_rng(seed).permutation(len(means))[:_MOST_FOR_SCALES]
    learned = GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed % 2**32)
    learned.fit(inputs[chosen], means[chosen])
    if len(chosen) == len(means):
        return learned
    optimizer: Any = None  # documented: the kernel is kept as it is
    return GaussianProcessRegressor(learned.kernel_, optimizer=optimizer, normalize_y=True).fit(inputs, means)


def _networks(inputs: Points, means: NDArray[np.float64], seed: int) -> Any:
    """Five networks on outcomes of mean 0 and standard deviation 1, averaged."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import VotingRegressor
    from sklearn.neural_network import MLPRegressor
    from sklearn.preprocessing import StandardScaler

    networks = [
        MLPRegressor(
            hidden_layer_sizes=(_WIDTH, _WIDTH),
            activation="tanh",
            solver="lbfgs",
            alpha=0.01,
            max_iter=400,
            random_state=derive_seed(seed, "network", number) % 2**32,
        )
        for number in range(_NETWORKS)
    ]
    mean = VotingRegressor([(f"network{number}", network) for number, network in enumerate(networks)])
    return TransformedTargetRegressor(mean, transformer=StandardScaler()).fit(inputs, means)


def _inputs(unit: UnitSpace, points: Points) -> Points:
    """Points as models take them: unordered choices as one column a choice. Shape ``(n, k)``."""
    columns: list[NDArray[np.float64]] = []
    for index, dimension in enumerate(unit.dimensions):
        if dimension.is_categorical:
            columns += [(np.abs(points[:, index] - place) < 1e-9).astype(float) for place in dimension.grid]
        else:
            columns.append(points[:, index])
    return np.stack(columns, axis=1)


def _pooled_sd(conditions: tuple[Condition, ...], metric: str) -> float:
    """Standard deviation within conditions; 0 where there are no replicates."""
    squares, freedom = 0.0, 0
    for condition in conditions:
        values = np.array([replicate[metric] for replicate in condition.replicates])
        squares += float(((values - values.mean()) ** 2).sum())
        freedom += len(values) - 1
    return (squares / freedom) ** 0.5 if freedom else 0.0


@contextmanager
def _quiet() -> Iterator[None]:
    """One thread, so that sums are made in one order; and no advice about fits that is meant for their authors."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
