"""The search for the hyperparameters of BoTorch's models: the density is BoTorch's, and its top is reached."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from gpytorch.mlls import ExactMarginalLogLikelihood

from autolab.core.noises import KnownNoise
from autolab.core.parameters import ChoiceParameter, Descriptor, Parameter, RangeParameter
from autolab.core.problem import Space
from autolab.core.trials import Estimate
from optimizer.design import feasible_draws
from optimizer.evidence import Evidence
from optimizer.fitting import Alike, Covariance, Kernel, Smooth, log_posterior
from optimizer.model import fit, fresh
from optimizer.numerics import single_thread
from optimizer.space import Points, UnitSpace
from tests.optimizer.builders import observed, problem

NUMBERS: tuple[Parameter, ...] = (RangeParameter("a", 0.0, 1.0), RangeParameter("b", 0.0, 3.0))
NAMES: tuple[Parameter, ...] = (ChoiceParameter("s", ("w", "x", "y")), ChoiceParameter("t", ("u", "v")))
DESCRIBED = ChoiceParameter(
    "solvent", ("o", "p", "q"), descriptors=(Descriptor("polarity", (1.0, 0.7, 0.1)), Descriptor("mass", (18, 46, 78)))
)
SPACES: dict[str, tuple[Parameter, ...]] = {
    "numbers": NUMBERS,
    "described": (*NUMBERS, DESCRIBED),
    "mixed": (*NUMBERS, *NAMES),
    "mixed and described": (NUMBERS[0], NAMES[0], DESCRIBED),
    "names": NAMES,
}
every_space = pytest.mark.parametrize("parameters", SPACES.values(), ids=SPACES)


def evidence_of(parameters: tuple[Parameter, ...], n: int, seed: int = 3, *, says_errors: bool = False) -> Evidence:
    """Outcomes of a smooth function with noise; every third, with standard errors, is ten times as vague as others."""
    space = Space(parameters)
    unit, rng = UnitSpace(space), np.random.default_rng(seed)
    points = feasible_draws(unit, seed, n)
    seen = [
        observed(trial, unit.decode(point), 50.0 + 4.0 * float(np.sin(3.0 * point).sum() + 0.1 * rng.standard_normal()))
        for trial, point in enumerate(points, start=1)
    ]
    if not says_errors:
        return Evidence(problem(space), tuple(seen), ())
    vague = [Estimate(o.outcome["y"].value, 0.4 if o.trial % 3 else 4.0) for o in seen if o.outcome is not None]
    seen = [replace(o, outcome={"y": estimate}) for o, estimate in zip(seen, vague, strict=True)]
    return Evidence(replace(problem(space), noises=(KnownNoise("y"),)), tuple(seen), ())


def density(model: SingleTaskGP) -> float:
    """The logarithm of the posterior density of the hyperparameters, by gpytorch."""
    with torch.no_grad():
        gp: Any = model.train()
        mll: Any = ExactMarginalLogLikelihood(gp.likelihood, model)
        value = mll(model(*gp.train_inputs), gp.train_targets)
        model.eval()
        return float(value) * len(gp.train_targets)


def by_botorch(evidence: Evidence, **options: Any) -> SingleTaskGP:
    model = fresh(evidence, "y", evidence.noises("y"))
    mll = ExactMarginalLogLikelihood(model.likelihood, model)
    fit_gpytorch_mll(mll, optimizer_kwargs={"options": options})
    return model


@pytest.mark.parametrize(
    ("parameters", "says_errors"),
    [(SPACES["numbers"], False), (SPACES["mixed"], False), (SPACES["numbers"], True)],
    ids=["numbers", "mixed", "known noise"],
)
def test_the_density_that_is_reached_is_at_least_that_which_botorch_reaches(
    parameters: tuple[Parameter, ...], says_errors: bool
) -> None:
    evidence = evidence_of(parameters, 12, says_errors=says_errors)
    with single_thread():
        ours: Any = fit(evidence).models[0]
        theirs = by_botorch(evidence, maxiter=60)
        assert density(ours) >= density(theirs) - 0.05


def kernels(rng: np.random.Generator, n: int) -> list[Kernel]:
    columns, names = rng.random((n, 3)), rng.integers(3, size=(n, 2))
    return [Smooth(columns, is_matern=True), Smooth(columns, is_matern=False), Alike.of(names.astype(float))]


@pytest.mark.parametrize("is_known", [False, True], ids=["learned", "known"])
@pytest.mark.parametrize("terms", [[(0,)], [(2,)], [(1,), (2,), (0, 2)]], ids=["numbers", "names", "both"])
def test_slopes_are_those_of_differences(terms: list[tuple[int, ...]], is_known: bool) -> None:
    rng = np.random.default_rng(4)
    covariance, y = Covariance(kernels(rng, 15), terms), rng.standard_normal(15)
    known = rng.uniform(0.01, 0.5, 15) if is_known else None
    theta = rng.uniform(0.3, 1.5, covariance.n_scales + 9 - is_known)

    def at(logs: Points) -> float:
        return log_posterior(covariance, y, np.exp(logs), known)[0]

    _, slope = log_posterior(covariance, y, theta, known)
    steps = 1e-5 * np.eye(len(theta))
    differences = [(at(np.log(theta) + step) - at(np.log(theta) - step)) / 2e-5 for step in steps]
    assert slope == pytest.approx(np.array(differences), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("says_errors", [False, True], ids=["learned", "known"])
@every_space
def test_botorchs_slopes_vanish_where_ours_have_led(parameters: tuple[Parameter, ...], says_errors: bool) -> None:
    evidence = evidence_of(parameters, 20, says_errors=says_errors)
    with single_thread():
        gp: Any = fit(evidence).models[0].train()
        gp.requires_grad_(True)
        mll: Any = ExactMarginalLogLikelihood(gp.likelihood, gp)
        (-mll(gp(*gp.train_inputs), gp.train_targets)).backward()
    constrained = {name: constraint for name, _, constraint in gp.named_parameters_and_constraints()}
    for name, parameter in gp.named_parameters():
        constraint = constrained[name]
        if constraint is None or constraint.transform is None:  # the others are searched within bounds of our own
            value = parameter.detach().flatten()
            free = value > 1.001 * (constraint.lower_bound if constraint is not None else -torch.inf)
            assert float((parameter.grad.flatten() * value)[free].abs().sum()) < 5e-3, name


@pytest.mark.parametrize("says_errors", [False, True], ids=["learned", "known"])
def test_beyond_128_outcomes_the_hyperparameters_are_those_of_the_first_so_many(says_errors: bool) -> None:
    whole = evidence_of(NUMBERS, 131, says_errors=says_errors)
    early = Evidence(whole.problem, whole.observations[:128], ())
    with single_thread():
        late: Any
        first: Any
        late, first = (fit(each).models[0] for each in (whole, early))
    assert torch.equal(late.covar_module.lengthscale, first.covar_module.lengthscale)
    assert len(late.train_targets) == 131
    assert late.likelihood.noise.numel() == (131 if says_errors else 1)
