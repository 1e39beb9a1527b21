"""Gaussian processes over the unit cube: one for each metric that the problem names.

`SingleTaskGP` with a Matérn-5/2 kernel (measured responses are rarely as smooth as BoTorch's default assumes
[Liang2021benchmarking]_) and the dimension-scaled priors of [Hvarfner2024vanilla]_; `MixedSingleTaskGP` where there are
unordered choices without descriptors. Choices with descriptors are as far apart as these. The noise is inferred unless
the campaign file says that it is known: the standard error of an outcome mostly comes from repeats within a trial, and
leaves out what differs from trial to trial (decision 8).

.. [Liang2021benchmarking] Q. Liang et al., Benchmarking the performance of Bayesian optimization across multiple
   experimental materials science domains, npj Comput. Mater. 7 (2021) 188, doi:10.1038/s41524-021-00656-9.

.. [Hvarfner2024vanilla] C. Hvarfner, E. O. Hellsten, L. Nardi, Vanilla Bayesian optimization performs great in high
   dimensions, ICML 2024.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import MixedSingleTaskGP, ModelListGP, SingleTaskGP
from botorch.models.transforms.outcome import Standardize
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from gpytorch.kernels import Kernel
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor

from optimizer.diagnosis import Fitted
from optimizer.evidence import Evidence
from optimizer.lean_model import QUIETEST
from optimizer.outliers import noises_of
from optimizer.space import Dimension, Points

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
        noise = gp.likelihood.noise.flatten()  # one for all, or where it is known one for each outcome
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
            noise=float(noise.mean()),
            lengthscales=None if lengths is None else lengths.flatten().numpy(),
            mean_at=lambda at: _mean_at(model, at),
        )


def _mean_at(model: SingleTaskGP, points: Points) -> Points:
    with torch.no_grad():
        return model.posterior(tensor(points)).mean.squeeze(-1).numpy()


def _fit_metric(evidence: Evidence, metric: str) -> SingleTaskGP:
    train_x = tensor(evidence.points)
    train_y, known = tensor(evidence.values(metric)).unsqueeze(-1), noises_of(evidence, metric)
    quietest = QUIETEST * (float(train_y.var()) or 1.0)
    variances = None if known is None else tensor(known).clamp_min(quietest).unsqueeze(-1)
    dimensions = evidence.unit.dimensions
    categorical = [
        at for at, dimension in enumerate(dimensions) if dimension.is_categorical and dimension.table is None
    ]
    # Equal values have no scale to divide by; BoTorch's Standardize leaves them as they are.
    standardize = Standardize(m=1)
    model: SingleTaskGP
    if categorical:
        factory = _factory(dimensions) if any(dimension.table is not None for dimension in dimensions) else None
        model = MixedSingleTaskGP(
            train_x,
            train_y,
            categorical,
            train_Yvar=variances,
            cont_kernel_factory=factory,
            outcome_transform=standardize,
        )
    else:
        kernel = described_kernel(dimensions, range(evidence.unit.d), use_rbf_kernel=False)
        model = SingleTaskGP(train_x, train_y, train_Yvar=variances, covar_module=kernel, outcome_transform=standardize)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return model


def _factory(dimensions: Sequence[Dimension]) -> Callable[[torch.Size, int, list[int]], Kernel]:
    """What `MixedSingleTaskGP` makes the kernels of its numbers and described choices with."""

    def factory(batch_shape: torch.Size, ard_num_dims: int, active_dims: list[int]) -> Kernel:  # noqa: ARG001 (its form)
        return described_kernel(dimensions, active_dims, use_rbf_kernel=True)

    return factory


def described_kernel(dimensions: Sequence[Dimension], places: Sequence[int], *, use_rbf_kernel: bool) -> Kernel:
    """The kernel over the coordinates at ``places``: choices are as far apart as their descriptors are."""
    tables = [dimensions[at].table for at in places]
    n_columns = sum(1 if table is None else table.shape[1] for table in tables)
    if n_columns == 0 or all(table is None for table in tables):
        dims = None if len(places) == len(dimensions) else tuple(places)
        return get_covar_module_with_dim_scaled_prior(n_columns, use_rbf_kernel=use_rbf_kernel, active_dims=dims)
    base = get_covar_module_with_dim_scaled_prior(n_columns, use_rbf_kernel=use_rbf_kernel)
    grids = [None if table is None else dimensions[at].grid for at, table in zip(places, tables, strict=True)]
    return _Described(base, grids, tables, tuple(places))


class _Described(Kernel):
    """A kernel over descriptors in the place of choices.

    Args:
        base: The kernel over all columns.
        grids: Places of the choices of each coordinate, shape ``(k,)``; None where it is a number.
        tables: Their descriptors, shape ``(k, m)``.
        active_dims: The coordinates.
    """

    def __init__(
        self,
        base: Kernel,
        grids: Sequence[Points | None],
        tables: Sequence[Points | None],
        active_dims: tuple[int, ...],
    ) -> None:
        super().__init__(active_dims=active_dims)
        self.base = base
        self._lookups = [
            None if grid is None or table is None else (tensor(grid), tensor(table))
            for grid, table in zip(grids, tables, strict=True)
        ]

    def forward(
        self, x1: Tensor, x2: Tensor, diag: bool = False, last_dim_is_batch: bool = False, **params: Any
    ) -> Any:
        del last_dim_is_batch  # gpytorch's own form; nothing here asks for it
        return self.base.forward(self._columns(x1), self._columns(x2), diag=diag, **params)

    def _columns(self, points: Tensor) -> Tensor:
        """``(..., d)`` to ``(..., columns)``."""
        found: list[Tensor] = []
        for at, lookup in enumerate(self._lookups):
            column = points[..., at : at + 1]
            if lookup is None:
                found.append(column)
            else:
                grid, table = lookup
                found.append(table[(column - grid).abs().argmin(dim=-1)])
        return torch.cat(found, dim=-1)
