"""Gaussian processes over the unit cube: one for each metric that the problem names.

`SingleTaskGP` with a Matérn-5/2 kernel (measured responses are rarely as smooth as BoTorch's default assumes
[Liang2021benchmarking]_) and the dimension-scaled priors of [Hvarfner2024vanilla]_; `MixedSingleTaskGP` where there are
unordered choices without descriptors. Choices with descriptors are as far apart as these. The noise is inferred unless
the campaign file says that it is known: the standard error of an outcome mostly comes from repeats within a trial, and
leaves out what differs from trial to trial (decision 8).

The hyperparameters are searched for by `optimizer.fitting`, in a tenth of the time that BoTorch takes or less, and are
given to BoTorch's model. As in `lean`, beyond 128 outcomes they are those of the first so many (`settled`).

.. [Liang2021benchmarking] Q. Liang et al., Benchmarking the performance of Bayesian optimization across multiple
   experimental materials science domains, npj Comput. Mater. 7 (2021) 188, doi:10.1038/s41524-021-00656-9.

.. [Hvarfner2024vanilla] C. Hvarfner, E. O. Hellsten, L. Nardi, Vanilla Bayesian optimization performs great in high
   dimensions, ICML 2024.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from botorch.models import MixedSingleTaskGP, ModelListGP, SingleTaskGP
from botorch.models.transforms.outcome import Standardize
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from gpytorch.kernels import Kernel
from torch import Tensor

from optimizer.diagnosis import Fitted
from optimizer.evidence import Evidence
from optimizer.fitting import Alike, Covariance, Found, Smooth, maximise, mean_of
from optimizer.lean_learner import settled
from optimizer.lean_model import QUIETEST, centre_and_scale
from optimizer.outliers import noises_of
from optimizer.space import Dimension, Points

__all__ = ["fit", "fitted", "fresh", "predicted", "tensor"]


def tensor(points: Points) -> Tensor:
    """A double-precision tensor of the same shape."""
    return torch.as_tensor(points, dtype=torch.double)


def fit(evidence: Evidence) -> ModelListGP:
    """Fit a model with one output for each of the evidence's outputs, each in the metric's unit.

    Raises:
        NumericalFailureError: The numerics gave up.
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


def predicted(models: ModelListGP, points: Points) -> tuple[Points, Points]:
    """Posterior means and standard deviations at ``points``, shape ``(n, d)``: for m metrics, shapes ``(n, m)``."""
    with torch.no_grad():
        posterior = models.posterior(tensor(points))
        return posterior.mean.numpy(), posterior.variance.clamp_min(0.0).sqrt().numpy()


def _mean_at(model: SingleTaskGP, points: Points) -> Points:
    with torch.no_grad():
        return model.posterior(tensor(points)).mean.squeeze(-1).numpy()


def _fit_metric(evidence: Evidence, metric: str) -> SingleTaskGP:
    form, values, known = _Form.of(evidence.unit.dimensions), evidence.values(metric), noises_of(evidence, metric)
    count = settled(evidence.n)
    given = None if known is None else known[:count].tobytes()
    found = _found(form, evidence.points[:count].tobytes(), values[:count].tobytes(), given)
    centre, scale = centre_and_scale(values)
    everywhere = found if known is None else replace(found, noise=_standardised(known, scale))
    mean = mean_of(form.covariance(evidence.points), everywhere, (values - centre) / scale)
    model = fresh(evidence, metric, known)
    _load(model, everywhere, mean)
    return model.eval()


def _standardised(known: Points, scale: float) -> Points:
    """Variances of the noise, in the unit squared, over those of the values; none below what arithmetic can bear."""
    return np.maximum(known / scale**2, QUIETEST)


@lru_cache(maxsize=32)
def _found(form: _Form, points: bytes, values: bytes, known: bytes | None) -> Found:
    """The hyperparameters, remembered: a trial in flight changes the request, and not the fit."""
    outcomes = np.frombuffer(values)
    centre, scale = centre_and_scale(outcomes)
    covariance = form.covariance(np.frombuffer(points).reshape(len(outcomes), -1))
    given = None if known is None else _standardised(np.frombuffer(known), scale)
    return maximise(covariance, (outcomes - centre) / scale, given)


@dataclass(frozen=True)
class _Form:
    """What the covariance of a space is made of."""

    names: tuple[int, ...]
    """Places of the unordered choices without descriptors."""
    tables: tuple[tuple[int, int, bytes], ...]
    """Place, number of choices and descriptors of those that have some."""

    @classmethod
    def of(cls, dimensions: Sequence[Dimension]) -> _Form:
        tables = [(at, dim.table) for at, dim in enumerate(dimensions) if dim.table is not None]
        return cls(tuple(_names(dimensions)), tuple((at, len(table), table.tobytes()) for at, table in tables))

    def covariance(self, points: Points) -> Covariance:
        """That of `fresh` between ``points``, shape ``(n, d)``."""
        others = [at for at in range(points.shape[1]) if at not in self.names]
        if not self.names:
            return Covariance([Smooth(self._columns(points, others), is_matern=True)], [(0,)], is_scaled=False)
        alike = Alike.of(points[:, list(self.names)])
        if not others:
            return Covariance([alike], [(0,)])
        smooth = Smooth(self._columns(points, others), is_matern=False)
        return Covariance([smooth, alike, smooth, alike], [(0,), (1,), (2, 3)])

    def _columns(self, points: Points, places: Sequence[int]) -> Points:
        tables = {at: np.frombuffer(table).reshape(size, -1) for at, size, table in self.tables}
        columns = [_described(points[:, at], tables[at]) if at in tables else points[:, [at]] for at in places]
        return np.hstack(columns) - 0.5


def _described(column: Points, table: Points) -> Points:
    """Descriptors, shape ``(n, m)``, of choices at the places of ``column``, shape ``(n,)``."""
    return table[np.rint(column * (len(table) - 1)).astype(np.intp)]


def _load(model: SingleTaskGP, found: Found, mean: float) -> None:
    """Give ``model`` the hyperparameters, for good: a search over points needs no slopes by them."""
    gp: Any = model  # gpytorch types its parts as modules of any kind
    kernel = gp.covar_module
    if isinstance(model, MixedSingleTaskGP) and len(found.lengths) == 4:
        apart, together = kernel.kernels
        apart.outputscale, together.outputscale = found.scales[0], found.scales[2]
        apart.base_kernel.kernels[1].outputscale = found.scales[1] / found.scales[0]
        parts = [apart.base_kernel.kernels[0], apart.base_kernel.kernels[1].base_kernel, *together.base_kernel.kernels]
    elif isinstance(model, MixedSingleTaskGP):
        kernel.outputscale, parts = found.scales[0], [kernel.base_kernel]
    else:
        parts = [kernel]
    for part, lengths in zip(parts, found.lengths, strict=True):
        (part.base if isinstance(part, _Described) else part).lengthscale = tensor(lengths)
    if isinstance(found.noise, float):  # what is known, BoTorch's model has been given
        gp.likelihood.noise = found.noise
    gp.mean_module.initialize(constant=mean)
    gp.requires_grad_(False)


def fresh(evidence: Evidence, metric: str, known: Points | None = None) -> SingleTaskGP:
    """BoTorch's model, not yet fitted. Equal values have no scale to divide by; its `Standardize` leaves them so.

    Args:
        evidence: The outcomes.
        metric: Which of their metrics.
        known: Variance of the noise at each outcome, shape ``(n,)``; None where it is inferred.
    """
    dimensions, x, y = evidence.unit.dimensions, tensor(evidence.points), tensor(evidence.values(metric)).unsqueeze(-1)
    quietest = QUIETEST * (float(y.var()) or 1.0)
    noise = None if known is None else tensor(known).clamp_min(quietest).unsqueeze(-1)
    standardize = Standardize(m=1)
    names = _names(dimensions)
    if not names:
        kernel = described_kernel(dimensions, range(len(dimensions)), use_rbf_kernel=False)
        return SingleTaskGP(x, y, train_Yvar=noise, covar_module=kernel, outcome_transform=standardize)
    factory = _factory(dimensions) if any(dimension.table is not None for dimension in dimensions) else None
    return MixedSingleTaskGP(x, y, names, train_Yvar=noise, cont_kernel_factory=factory, outcome_transform=standardize)


def _names(dimensions: Sequence[Dimension]) -> list[int]:
    """Places of the unordered choices without descriptors."""
    return [at for at, dimension in enumerate(dimensions) if dimension.is_categorical and dimension.table is None]


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
