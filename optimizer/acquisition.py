"""What makes a point worth trying, as BoTorch's acquisition functions.

One objective, or several with weights: noisy expected improvement in its logarithmic form [Ament2023logei]_. A front:
noisy expected hypervolume improvement [Daulton2021nehvi]_ in the same form, over the reference of
`autolab.core.front.reference_of`. Trials in flight are pending points, and outcome constraints probabilities of keeping
them.

.. [Ament2023logei] S. Ament, S. Daulton, D. Eriksson, M. Balandat, E. Bakshy, Unexpected improvements to expected
   improvement for Bayesian optimization, NeurIPS 2023.
.. [Daulton2021nehvi] S. Daulton, M. Balandat, E. Bakshy, Parallel Bayesian optimization of multiple noisy objectives
   with expected hypervolume improvement, NeurIPS 2021.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective import logei as hypervolume_logei
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import GenericMCMultiOutputObjective
from botorch.acquisition.objective import GenericMCObjective
from botorch.models import ModelListGP
from botorch.sampling import SobolQMCNormalSampler
from torch import Tensor

from autolab.core.front import reference_of
from autolab.core.objectives import Objective, OutcomeConstraint
from optimizer.evidence import Evidence
from optimizer.model import tensor
from optimizer.weighting import Weight

__all__ = ["acquisition_of", "improvement_scale", "weighted"]

# BoTorch would compile a kernel on the first use, where there is a compiler: suggestions would then depend on the
# machine to the last bit, and a process that is killed over it leaves a lock on which all later ones wait without end.
setattr(hypervolume_logei, "_load_attempted", True)  # noqa: B010 (it is the library's own switch, and has no public name)

_SAMPLES = 128


def acquisition_of(evidence: Evidence, model: ModelListGP, seed: int) -> AcquisitionFunction:
    """The acquisition function of a problem.

    Args:
        evidence: What is known.
        model: Its outputs are `optimizer.model.metrics_of` the evidence.
        seed: Seed of the samples that it averages over.
    """
    pending = evidence.pending_points
    shared = {
        "model": model,
        "X_baseline": tensor(evidence.points[evidence.possible]),
        "sampler": SobolQMCNormalSampler(torch.Size([_SAMPLES]), seed=seed % 2**31),
        "X_pending": tensor(pending) if len(pending) else None,
        "constraints": [_breach(evidence, item) for item in evidence.problem.outcome_constraints] or None,
    }
    if not evidence.problem.seeks_front:
        return qLogNoisyExpectedImprovement(**shared, objective=GenericMCObjective(_weighted(evidence)))
    scales = _scales(evidence)
    reference = reference_of(evidence.problem, [tuple(row) for row in _of_interest(evidence)])
    return qLogNoisyExpectedHypervolumeImprovement(
        **shared,
        ref_point=[-worst / scale for worst, scale in zip(reference, scales, strict=True)],
        objective=GenericMCMultiOutputObjective(_separate(evidence, scales)),
        prune_baseline=True,
    )


def weighted(acquisition: AcquisitionFunction, *weights: Weight | None) -> AcquisitionFunction:
    """The acquisition function, a logarithm, with all weights that there are; itself where there is none."""
    for weight in weights:
        if weight is not None:
            acquisition = _Weighted(acquisition, weight)
    return acquisition


class _Weighted(AcquisitionFunction):
    """An acquisition function of single points, and the logarithm of a weight on them."""

    def __init__(self, acquisition: AcquisitionFunction, weight: Weight) -> None:
        super().__init__(acquisition.model)
        self._acquisition, self._weight = acquisition, weight

    def forward(self, X: Tensor) -> Tensor:  # noqa: N803 (BoTorch's name)
        return self._acquisition(X) + _Logarithm.apply(X[..., 0, :], self._weight)


class _Logarithm(torch.autograd.Function):
    """The logarithm of a weight that numpy computes, with its gradient."""

    @staticmethod
    def forward(ctx: Any, points: Tensor, weight: Weight) -> Tensor:
        logs, slopes = weight.slopes(points.detach().reshape(-1, points.shape[-1]).numpy())
        ctx.save_for_backward(tensor(slopes).reshape(points.shape))
        return tensor(logs).reshape(points.shape[:-1])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (slopes,) = ctx.saved_tensors
        return grads[0].unsqueeze(-1) * slopes, None


def improvement_scale(evidence: Evidence) -> float:
    """One unit of the acquisition's improvement, in the unit of the loss, or the product of those of a front."""
    if evidence.problem.seeks_front:
        return math.prod(_scales(evidence))
    return float(evidence.losses.std()) or 1.0


def _scales(evidence: Evidence) -> list[float]:
    return [float(column.std()) or 1.0 for column in evidence.loss_table.T]


def _of_interest(evidence: Evidence) -> list[list[float]]:
    """Losses of the outcomes that keep the outcome constraints, of all where none does."""
    keeps = evidence.keeps_constraints
    return (evidence.loss_table[keeps] if keeps.any() else evidence.loss_table).tolist()


def _weighted(evidence: Evidence) -> Callable[..., Tensor]:
    """The number to make large, in standard deviations of the losses seen: samples ``(..., m)`` to ``(...)``."""
    scale = float(evidence.losses.std()) or 1.0
    parts = [(index, objective, objective.weight or 1.0) for index, objective in _columns(evidence)]

    def gain(samples: Tensor, X: Tensor | None = None) -> Tensor:  # noqa: ARG001, N803 (BoTorch passes X by name)
        total = torch.zeros_like(samples[..., 0])
        for index, objective, weight in parts:
            total = total - weight * _loss(objective, samples[..., index])
        return total / scale

    return gain


def _separate(evidence: Evidence, scales: list[float]) -> Callable[..., Tensor]:
    """The numbers to make large, each in standard deviations: samples ``(..., m)`` to ``(..., objectives)``."""
    columns = _columns(evidence)

    def gains(samples: Tensor, X: Tensor | None = None) -> Tensor:  # noqa: ARG001, N803 (BoTorch passes X by name)
        parts = [-_loss(objective, samples[..., index]) for index, objective in columns]
        return torch.stack([part / scale for part, scale in zip(parts, scales, strict=True)], dim=-1)

    return gains


def _columns(evidence: Evidence) -> list[tuple[int, Objective]]:
    outputs = evidence.outputs
    return [(outputs.index(objective.metric), objective) for objective in evidence.problem.objectives]


def _loss(objective: Objective, values: Tensor) -> Tensor:
    """`Objective.loss` of many values at once."""
    if objective.goal == "minimize":
        return values
    if objective.goal == "maximize":
        return -values
    return (values - float(objective.target or 0.0)).abs()


def _breach(evidence: Evidence, constraint: OutcomeConstraint) -> Callable[[Tensor], Tensor]:
    """How far samples ``(..., m)`` are beyond an outcome constraint, in standard deviations: at most 0 where kept."""
    index = evidence.outputs.index(constraint.metric)
    sign = 1.0 if constraint.relation == "<=" else -1.0
    scale = float(evidence.values(constraint.metric).std()) or 1.0
    return lambda samples: sign * (samples[..., index] - constraint.bound) / scale
