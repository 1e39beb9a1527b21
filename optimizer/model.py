"""Gaussian processes over the unit cube: one for each metric that the problem names.

`SingleTaskGP` with a Matérn-5/2 kernel (measured responses are rarely as smooth as BoTorch's default assumes
[Liang2021benchmarking]_) and the dimension-scaled priors of [Hvarfner2024vanilla]_; `MixedSingleTaskGP` where there are
unordered choices. The noise is inferred: the standard error of an outcome comes from repeats within a trial, and leaves
out what differs from trial to trial (decision 8).

.. [Liang2021benchmarking] Q. Liang et al., Benchmarking the performance of Bayesian optimization across multiple
   experimental materials science domains, npj Comput. Mater. 7 (2021) 188, doi:10.1038/s41524-021-00656-9.

.. [Hvarfner2024vanilla] C. Hvarfner, E. O. Hellsten, L. Nardi, Vanilla Bayesian optimization performs great in high
   dimensions, ICML 2024.
"""

from __future__ import annotations

from typing import Any

import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import MixedSingleTaskGP, ModelListGP, SingleTaskGP
from botorch.models.transforms.outcome import Standardize
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor

from optimizer.diagnosis import Fitted
from optimizer.evidence import Evidence
from optimizer.space import Points

__all__ = ["fit", "fitted", "tensor"]


def tensor(points: Points) -> Tensor:
    """A double-precision tensor of the same shape."""
    return torch.as_tensor(points, dtype=torch.double)


def fit(evidence: Evidence) -> ModelListGP:
    """Fit a model with one output for each of the evidence's outputs, each in the metric's unit.

    Raises:
        ModelFittingError, NanError, NotPSDError: The numerics gave up.
    """
    return ModelListGP(*[_fit_metric(evidence, metric) for metric in evidence.outputs])


def fitted(metric: str, model: SingleTaskGP) -> Fitted:
    """What a diagnosis asks of a model of ``metric``."""
    with torch.no_grad():
        gp: Any = model  # gpytorch types its parts as modules of any kind
        (points,), y = gp.train_inputs, gp.train_targets
        prior = gp.forward(points)
        noise = float(gp.likelihood.noise.mean())
        covariance = prior.covariance_matrix + noise * torch.eye(len(y), dtype=y.dtype)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(covariance))
        lengths = getattr(gp.covar_module, "lengthscale", None)  # a mixed model has several kernels, each its own
        return Fitted(
            metric=metric,
            y=y.numpy(),
            weights=(inverse @ (y - prior.mean)).numpy(),
            inverse=inverse.numpy(),
            centre=float(gp.outcome_transform.means),
            scale=float(gp.outcome_transform.stdvs),
            noise=noise,
            lengthscales=None if lengths is None else lengths.flatten().numpy(),
            mean_at=lambda at: _mean_at(model, at),
        )


def _mean_at(model: SingleTaskGP, points: Points) -> Points:
    with torch.no_grad():
        return model.posterior(tensor(points)).mean.squeeze(-1).numpy()


def _fit_metric(evidence: Evidence, metric: str) -> SingleTaskGP:
    train_x = tensor(evidence.points)
    train_y = tensor(evidence.values(metric)).unsqueeze(-1)
    categorical = [index for index, dimension in enumerate(evidence.unit.dimensions) if dimension.is_categorical]
    # Equal values have no scale to divide by; BoTorch's Standardize leaves them as they are.
    standardize = Standardize(m=1)
    model: SingleTaskGP
    if categorical:
        model = MixedSingleTaskGP(train_x, train_y, categorical, outcome_transform=standardize)
    else:
        kernel = get_covar_module_with_dim_scaled_prior(ard_num_dims=evidence.unit.d, use_rbf_kernel=False)
        model = SingleTaskGP(train_x, train_y, covar_module=kernel, outcome_transform=standardize)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return model
