"""The lean engine's acquisition is noisy expected improvement: as integrated by brute force, and as BoTorch has it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.objective import LinearMCObjective
from botorch.models import SingleTaskGP
from botorch.sampling import SobolQMCNormalSampler
from scipy.stats import norm

from optimizer.lean_acquisition import SAMPLES, Conditioned, Limit, NoisyImprovement, promising
from optimizer.lean_model import Features, Hyperparameters, LeanModel
from optimizer.model import tensor
from optimizer.numerics import single_thread
from optimizer.space import Points

DRAWS = 60_000
MANY = 16384
"""Samples for which the closed form is compared with other ways to the same number."""
NO_PENDING = np.zeros((0, 2))
PENDING = np.array([[0.25, 0.55], [0.97, 0.2]])


def model(seed: int, *, shift: float = 0.0, noise: float = 0.05) -> LeanModel:
    points = np.random.default_rng(1).random((14, 2))
    rng = np.random.default_rng(seed)
    values = np.sin(5.0 * points[:, 0] + shift) + points[:, 1] ** 2 + 0.2 * rng.standard_normal(14)
    return LeanModel(Features([None] * 2), points, values, Hyperparameters(np.array([0.35, 0.6]), noise))


def acquisition(
    of: LeanModel, pending: Points = NO_PENDING, target: float | None = None, count: int = MANY
) -> NoisyImprovement:
    return NoisyImprovement(Conditioned(of, pending, promising(of, target), count=count), (), target)


def asked(seed: int, n: int = 12) -> Points:
    return np.random.default_rng(seed + 50).random((n, 2))


@cache
def normals(columns: int, seed: int) -> Points:
    return np.random.default_rng(seed).standard_normal((DRAWS, columns))


def sampled(of: LeanModel, points: Points, seed: int = 7) -> Points:
    """Noise-free values at ``points``, drawn from their joint posterior. Shape ``(DRAWS, n)``."""
    mean, covariance = of.posterior(points)
    root = np.linalg.cholesky(covariance + 1e-9 * np.eye(len(mean)))
    return mean + normals(len(mean), seed) @ root.T


@dataclass(frozen=True)
class Integral:
    """An expected improvement by brute force, and its standard error."""

    value: float
    error: float

    def agrees(self, logarithm: float) -> bool:
        """Within four standard errors, 2 %, and what is cut off."""
        return abs(np.exp(logarithm) - self.value) <= 4.0 * self.error + 0.02 * self.value + 2e-5


def integrated(of: LeanModel, pending: Points, point: Points, target: float | None = None) -> Integral:
    """E[(best noise-free loss of all outcomes and trials in flight - loss at ``point``)+], by Monte Carlo."""
    values = sampled(of, np.vstack([of.points, pending, point]))
    losses = values if target is None else np.abs(values - target)
    gain = np.maximum(losses[:, :-1].min(axis=1) - losses[:, -1], 0.0)
    return Integral(float(gain.mean()), float(gain.std()) / DRAWS**0.5)


@pytest.mark.parametrize("pending", [NO_PENDING, PENDING], ids=["alone", "beside-trials-in-flight"])
@pytest.mark.parametrize("target", [None, 0.4], ids=["least", "target"])
@pytest.mark.parametrize("noise", [1e-3, 0.3])
def test_it_is_the_integral_over_what_the_noise_hides(pending: Points, target: float | None, noise: float) -> None:
    of = model(1, noise=noise)
    points = asked(1)
    logarithms = acquisition(of, pending, target)(points)
    for point, logarithm in zip(points, logarithms, strict=True):
        assert integrated(of, pending, point, target).agrees(float(logarithm))


def test_its_own_number_of_samples_ranks_points_as_many_do() -> None:
    of = model(1, noise=0.2)
    points = asked(1, 100)
    few, many = acquisition(of, PENDING, count=SAMPLES)(points), acquisition(of, PENDING)(points)
    assert many[int(np.argmax(few))] > many.max() - 0.1
    assert few[many > many.max() - 3.0] == pytest.approx(many[many > many.max() - 3.0], abs=0.5)


def test_it_is_the_integral_by_quadrature_where_that_can_be_done() -> None:
    """Two outcomes and a trial in flight: three unknown values, and the rest in closed form."""
    points, pending = np.array([[0.1, 0.2], [0.6, 0.5]]), np.array([[0.35, 0.4]])
    of = LeanModel(Features([None] * 2), points, np.array([0.0, 0.3]), Hyperparameters(np.array([0.4, 0.5]), 0.4))
    baseline = np.vstack([points, pending])
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    grid = np.array(np.meshgrid(nodes, nodes, nodes)).reshape(3, -1).T
    weight = np.prod(np.meshgrid(weights, weights, weights), axis=0).ravel() / weights.sum() ** 3
    for point, logarithm in zip(asked(2, 3), acquisition(of, pending)(asked(2, 3)), strict=True):
        mean, covariance = of.posterior(np.vstack([baseline, point]))
        values = mean[:3] + grid @ np.linalg.cholesky(covariance[:3, :3]).T
        gains = np.linalg.solve(covariance[:3, :3], covariance[:3, 3])
        means = mean[3] + (values - mean[:3]) @ gains
        spread = np.sqrt(covariance[3, 3] - covariance[3, :3] @ gains)
        u = (values.min(axis=1) - means) / spread
        exact = float(weight @ (spread * (norm.pdf(u) + u * norm.cdf(u))))
        assert np.exp(logarithm) == pytest.approx(exact, rel=0.01, abs=2e-5)


MUTANTS = {
    "the likeliest incumbent is dropped": lambda of: NoisyImprovement(
        Conditioned(of, PENDING, promising(of)[1:], count=MANY)
    ),
    "a trial in flight is dropped": lambda of: acquisition(of, PENDING[:1]),
    "all trials in flight are dropped": lambda of: acquisition(of),
    "the mean is wrong": lambda of: acquisition(_with_wrong_mean(of), PENDING),
    "the sign is wrong": lambda of: acquisition(LeanModel(of.features, of.points, -of.y, of.hyperparameters), PENDING),
    "the noise is wrong": lambda of: acquisition(
        LeanModel(of.features, of.points, of.y, Hyperparameters(of.hyperparameters.lengthscales, 1.0)), PENDING
    ),
}


def _with_wrong_mean(of: LeanModel) -> LeanModel:
    wrong = LeanModel(of.features, of.points, of.y, of.hyperparameters)
    wrong.mean += 0.5
    return wrong


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS.keys())
def test_a_wrong_acquisition_would_be_noticed(mutant: Callable[[LeanModel], NoisyImprovement]) -> None:
    of = model(1)
    points = asked(1)
    found = [integrated(of, PENDING, point) for point in points]
    right, wrong = acquisition(of, PENDING)(points), mutant(of)(points)
    assert all(integral.agrees(float(each)) for integral, each in zip(found, right, strict=True))
    assert not all(integral.agrees(float(each)) for integral, each in zip(found, wrong, strict=True))


@pytest.mark.parametrize("pending", [NO_PENDING, PENDING], ids=["alone", "beside-trials-in-flight"])
@pytest.mark.parametrize("seed", [3, 4])
def test_it_is_that_of_botorch(pending: Points, seed: int) -> None:
    of = model(seed)
    points = asked(seed, 150)
    with single_thread(), torch.no_grad():
        theirs_model = SingleTaskGP(tensor(of.points), tensor(of.y).unsqueeze(-1))
        theirs_model.covar_module.lengthscale = tensor(of.hyperparameters.lengthscales)
        theirs_model.likelihood.noise = of.hyperparameters.noise
        theirs_model.mean_module.initialize(constant=of.mean)
        theirs = qLogNoisyExpectedImprovement(
            theirs_model.eval(),
            X_baseline=tensor(np.vstack([of.points, pending])),
            sampler=SobolQMCNormalSampler(torch.Size([4096]), seed=1),
            objective=LinearMCObjective(tensor(np.array([-1.0]))),
        )(tensor(points).unsqueeze(1)).numpy()
    ours = acquisition(of, pending)(points)
    likely = theirs > np.log(1e-3)
    assert likely.sum() > 10
    assert ours[likely] == pytest.approx(theirs[likely], abs=0.2)
    assert np.corrcoef(ours[likely], theirs[likely])[0, 1] > 0.998


def test_outcome_constraints_are_chances_given_each_sample() -> None:
    of, other = model(1), model(2, shift=1.0)
    rows = promising(of, None, np.ones(len(of.y)))
    limits = [(1.0, 0.9), (-1.0, -1.2)]
    process, second = (Conditioned(each, PENDING, rows, stream, MANY) for stream, each in enumerate((of, other)))
    points = asked(6)
    logarithms = NoisyImprovement(process, [Limit(second, *limit) for limit in limits])(points)
    for point, logarithm in zip(points, logarithms, strict=True):
        where = np.vstack([of.points[rows], PENDING, point])
        losses, bounded = sampled(of, where, 8), sampled(other, where, 9)
        kept = np.all([sign * (bound - bounded) >= 0.0 for sign, bound in limits], axis=0)
        none = losses[:, :-1].max() + 1.0
        best = np.where(kept[:, :-1], losses[:, :-1], none).min(axis=1)
        has_incumbent = kept[:, :-1].any(axis=1)
        gain = np.maximum(best - losses[:, -1], 0.0) * kept[:, -1] * has_incumbent
        assert has_incumbent.mean() > 0.999
        assert Integral(float(gain.mean()), float(gain.std()) / DRAWS**0.5).agrees(float(logarithm))


@pytest.mark.parametrize("target", [None, 0.4], ids=["least", "target"])
@pytest.mark.parametrize("bounded", [False, True], ids=["free", "bounded"])
def test_the_gradient_is_that_of_its_differences(target: float | None, bounded: bool) -> None:
    of, other = model(1), model(2, shift=1.0)
    rows = promising(of, target)
    limits = [Limit(Conditioned(other, PENDING, rows, 1), 1.0, 0.2)] if bounded else []
    surface = NoisyImprovement(Conditioned(of, PENDING, rows), limits, target)
    points = asked(9, 20)
    values, gradients = surface.slopes(points)
    assert values == pytest.approx(surface(points), abs=1e-9)
    for index, shift in enumerate(1e-6 * np.eye(2)):
        differences = (surface(points + shift) - surface(points - shift)) / 2e-6
        assert gradients[:, index] == pytest.approx(differences, rel=1e-3, abs=1e-3)


def test_where_nothing_is_likely_to_improve_the_nearest_to_the_incumbent_is_best() -> None:
    """And not the place about which least is known, for the sake of odds that no model of measured data can tell."""
    points = np.linspace(0.0, 0.6, 25)[:, None]
    of = LeanModel(Features([None]), points, 5.0 * points[:, 0], Hyperparameters(np.array([0.5]), 1e-3))
    beside, unknown = acquisition_1d(of)(np.array([[0.012], [0.8]]))
    assert beside > unknown
    assert unknown < np.log(1e-12)


def acquisition_1d(of: LeanModel) -> NoisyImprovement:
    return NoisyImprovement(Conditioned(of, np.zeros((0, 1)), promising(of)))


@pytest.mark.datasets
@pytest.mark.parametrize("seed", range(3))
def test_the_best_mixture_of_nanotubes_is_found_among_those_that_were_measured(datasets: Path, seed: int) -> None:
    """178 conditions with large scatter, where a search by odds of 1e-10 stops at the second best."""
    with (datasets / "p3ht_cnt.pool.csv").open() as file:
        table = np.array([[float(cell) for cell in row] for row in list(csv.reader(file))[1:]])
    points = (table[:, :-1] - table[:, :-1].min(axis=0)) / np.ptp(table[:, :-1], axis=0)
    losses = -table[:, -1]
    tried = list(np.random.default_rng(seed).choice(len(points), 5, replace=False))
    while len(tried) < 60 and losses[tried].min() > losses.min():
        of = LeanModel(Features([None] * 5), points[tried], losses[tried])
        left = np.setdiff1d(np.arange(len(points)), tried)
        values = NoisyImprovement(Conditioned(of, np.zeros((0, 5)), promising(of)))(points[left])
        tried.append(int(left[np.argmax(values)]))
    assert losses[tried].min() == losses.min()
