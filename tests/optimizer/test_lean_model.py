"""The lean engine's Gaussian process is that of BoTorch's `SingleTaskGP`, with the same priors."""

from __future__ import annotations

import numpy as np
import pytest
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from gpytorch.mlls import ExactMarginalLogLikelihood

from optimizer.lean_model import Features, Hyperparameters, LeanModel, log_posterior
from optimizer.learner import NumericalFailureError
from optimizer.model import tensor
from optimizer.numerics import single_thread
from optimizer.space import Points

every_case = pytest.mark.parametrize(("n", "d", "seed"), [(2, 1, 0), (7, 2, 1), (25, 3, 2), (40, 6, 3), (90, 12, 4)])


def outcomes(n: int, d: int, seed: int, scatter: float = 0.1) -> tuple[Points, Points]:
    """Points of the cube and values of a wavy response with scatter, in some unit."""
    rng = np.random.default_rng(seed)
    points = rng.random((n, d))
    response = np.sin(4.0 * points[:, 0]) + (points**2).mean(axis=1)
    return points, 700.0 + 30.0 * (response + scatter * rng.standard_normal(n))


def drawn(d: int, seed: int) -> Hyperparameters:
    rng = np.random.default_rng(seed)
    return Hyperparameters(rng.uniform(0.2, 3.0, d), float(rng.uniform(1e-3, 0.3)))


def reference(points: Points, values: Points, lean: LeanModel) -> SingleTaskGP:
    """BoTorch's model with the hyperparameters of ``lean``."""
    model = SingleTaskGP(tensor(points), tensor(values).unsqueeze(-1))
    model.covar_module.lengthscale = tensor(lean.hyperparameters.lengthscales)
    model.likelihood.noise = lean.hyperparameters.noise
    model.mean_module.initialize(constant=lean.mean)
    return model


@every_case
def test_mean_and_deviation_are_those_of_botorch(n: int, d: int, seed: int) -> None:
    points, values = outcomes(n, d, seed)
    lean = LeanModel(Features([None] * d), points, values, drawn(d, seed))
    asked = np.random.default_rng(seed + 100).random((20, d))
    mean, deviation = lean.predict(asked)
    with single_thread():
        posterior = reference(points, values, lean).posterior(tensor(asked))
    spread = float(values.std())
    assert mean == pytest.approx(posterior.mean.detach().numpy()[:, 0], abs=1e-6 * spread)
    assert deviation == pytest.approx(posterior.variance.detach().numpy()[:, 0] ** 0.5, abs=1e-6 * spread)


@every_case
def test_the_density_of_the_hyperparameters_is_that_of_botorch(n: int, d: int, seed: int) -> None:
    points, values = outcomes(n, d, seed)
    lean = LeanModel(Features([None] * d), points, values, drawn(d, seed))
    theta = np.append(lean.hyperparameters.lengthscales, lean.hyperparameters.noise)
    ours, _ = log_posterior(lean.features(points), lean.features.owner, lean.y, theta)
    with single_thread():
        model = reference(points, values, lean).train()
        likelihood = ExactMarginalLogLikelihood(model.likelihood, model)
        theirs = n * float(likelihood(model(*model.train_inputs), model.train_targets))
    assert ours == pytest.approx(theirs, abs=1e-6 * n)


@every_case
def test_the_constant_mean_is_the_likeliest(n: int, d: int, seed: int) -> None:
    points, values = outcomes(n, d, seed)
    lean = LeanModel(Features([None] * d), points, values, drawn(d, seed))
    inverse = np.linalg.inv(lean.lower @ lean.lower.T)
    slope = float(np.ones(n) @ inverse @ (lean.y - lean.mean))
    assert slope == pytest.approx(0.0, abs=1e-8 * float(inverse.sum()))


@every_case
def test_the_gradient_of_the_density_is_that_of_its_differences(n: int, d: int, seed: int) -> None:
    points, values = outcomes(n, d, seed)
    grids = [np.array([0.0, 0.5, 1.0]), *[None] * (d - 1)]
    points[:, 0] = np.round(points[:, 0] * 2) / 2
    features = Features(grids)
    y = (values - values.mean()) / values.std()
    theta = np.append(drawn(d, seed).lengthscales, 0.05)
    columns = features(points)
    _, gradient = log_posterior(columns, features.owner, y, theta)
    for index, shift in enumerate(1e-6 * np.eye(d + 1)):
        above, below = (log_posterior(columns, features.owner, y, theta + each)[0] for each in (shift, -shift))
        assert gradient[index] == pytest.approx((above - below) / 2e-6, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_the_fit_is_that_of_botorch_where_the_density_has_one_top(seed: int) -> None:
    points, values = outcomes(40, 3, seed, scatter=0.02)
    lean = LeanModel(Features([None] * 3), points, values)
    with single_thread():
        model = SingleTaskGP(tensor(points), tensor(values).unsqueeze(-1))
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    theirs = model.covar_module.lengthscale.detach().numpy()[0]
    assert lean.hyperparameters.lengthscales == pytest.approx(theirs, rel=0.05)
    assert lean.hyperparameters.noise == pytest.approx(float(model.likelihood.noise.detach()), rel=0.05)


def test_what_is_known_at_the_outcomes_agrees_with_the_posterior_there() -> None:
    points, values = outcomes(30, 3, 5)
    lean = LeanModel(Features([None] * 3), points, values)
    mean, covariance = lean.posterior(points)
    assert lean.means == pytest.approx(mean, abs=1e-9)
    assert lean.variances == pytest.approx(np.diag(covariance), abs=1e-9)
    assert lean.covariances(7) == pytest.approx(covariance[7], abs=1e-9)


def test_two_different_choices_are_one_unit_apart_whichever_they_are() -> None:
    grid = np.array([0.0, 0.5, 1.0])
    points = np.array([[0.0, 0.3], [0.5, 0.3], [1.0, 0.3]])
    lean = LeanModel(Features([grid, None]), points, np.arange(3.0), Hyperparameters(np.array([0.8, 0.4]), 0.01))
    apart = np.exp(-0.5 / 0.8**2)
    assert lean.covariance == pytest.approx(np.full((3, 3), apart) + (1 - apart) * np.eye(3))


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_the_size_of_the_numbers_does_not_matter(scale: float) -> None:
    points, values = outcomes(15, 2, 6)
    plain, sized = (LeanModel(Features([None] * 2), points, factor * values) for factor in (1.0, scale))
    assert sized.hyperparameters.lengthscales == pytest.approx(plain.hyperparameters.lengthscales, rel=1e-3)
    assert sized.predict(points)[0] == pytest.approx(scale * plain.predict(points)[0], rel=1e-3)


@pytest.mark.parametrize("wrong", [np.inf, np.nan])
def test_what_is_no_number_is_refused(wrong: float) -> None:
    with pytest.raises(NumericalFailureError, match="not a finite number"):
        LeanModel(Features([None]), np.array([[0.1], [0.2]]), np.array([1.0, wrong]))
