"""Hard outcome constraints: with which probability a trial would break them, by the models of their metrics.

Asked is what the trial would be measured to have, so the noise that the model has inferred counts with its ignorance:
for an upper bound ``b`` the probability is ``1 - Φ((b - mean) / sd)``, with the standard deviation of a new outcome.
Each constraint is judged by itself, at each point as it is after rounding to the hardware.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from botorch.models import ModelListGP, SingleTaskGP
from numpy.typing import NDArray
from torch import Tensor

from autolab.core.errors import NoPermittedTrialError
from autolab.core.objectives import OutcomeConstraint
from autolab.core.parameters import Values
from optimizer.evidence import Evidence
from optimizer.model import fit, tensor
from optimizer.numerics import NUMERICAL_ERRORS, seeded, single_thread
from optimizer.space import Points

__all__ = ["Hard", "is_permitted", "permitted_point"]

_TINY = 1e-12


class Hard:
    """The hard constraints of a problem, judged by a model.

    Args:
        evidence: What is known.
        model: A model whose outputs are the evidence's `outputs`.
    """

    def __init__(self, evidence: Evidence, model: ModelListGP) -> None:
        outputs = evidence.outputs
        hard = evidence.problem.hard_constraints
        models = [cast("SingleTaskGP", model.models[outputs.index(constraint.metric)]) for constraint in hard]
        self._judged = list(zip(hard, models, strict=True))

    def probabilities(self, points: Points) -> Points:
        """How probably a trial at each of ``points`` (shape ``(n, d)``) breaks each constraint: ``(n, k)``."""
        with torch.no_grad():
            levels = [self._room(constraint, model, tensor(points)) for constraint, model in self._judged]
            return np.stack([torch.special.ndtr(-level).numpy() for level in levels], axis=1)

    def permits(self, points: Points) -> NDArray[np.bool_]:
        """Which of ``points`` (shape ``(n, d)``) may be proposed. Shape ``(n,)``."""
        if len(points) == 0:
            return np.ones(len(points), dtype=bool)
        limits = np.array([constraint.hard for constraint, _ in self._judged], dtype=float)
        return (limits - self.probabilities(points)).min(axis=1) >= 0.0

    def worst(self, points: Points) -> Points:
        """The largest share of what is allowed that any constraint takes at each point. Shape ``(n,)``."""
        limits = np.array([constraint.hard for constraint, _ in self._judged], dtype=float)
        return (self.probabilities(points) / limits).max(axis=1)

    def said(self, point: Points) -> str:
        """What is predicted at a point of shape ``(d,)``, in words."""
        (row,) = self.probabilities(point[None, :])
        parts = [
            f"{constraint} with {100 * chance:.2g} % (at most {100 * (constraint.hard or 0.0):g} %)"
            for (constraint, _), chance in zip(self._judged, row, strict=True)
        ]
        return "predicted to break " + " and ".join(parts)

    def refusal(self, points: Points) -> NoPermittedTrialError:
        """Says that nothing is permitted, and which of ``points`` (shape ``(n, d)``) comes nearest."""
        nearest = points[int(np.argmin(self.worst(points)))]
        return NoPermittedTrialError(
            f"no trial is proposed: every point is too likely to break a hard outcome constraint, and even the best is "
            f"{self.said(nearest)}. Loosen the bound or the probability, add bounds that keep away from what breaks "
            "it, or make the constraint soft; then resume with --accept-changes"
        )

    @staticmethod
    def _room(constraint: OutcomeConstraint, model: SingleTaskGP, points: Tensor) -> Tensor:
        """Distance of the mean from the bound in standard deviations of a new outcome, above 0 inside. ``(n,)``."""
        posterior = model.posterior(points, observation_noise=True)
        sign = 1.0 if constraint.relation == "<=" else -1.0
        deviation = posterior.variance.clamp_min(_TINY).sqrt().squeeze(-1)
        return sign * (constraint.bound - posterior.mean.squeeze(-1)) / deviation


def is_permitted(evidence: Evidence, values: Values, seed: int) -> bool:
    """Whether a point that came from elsewhere may be proposed. False where the models fail: unknown is refused."""
    with single_thread(), seeded(seed):
        try:
            model = fit(evidence)
            return bool(Hard(evidence, model).permits(evidence.unit.encode(values)[None, :])[0])
        except NUMERICAL_ERRORS:
            return False


def permitted_point(hard: Hard, candidates: Points, value: Callable[[Points], Points]) -> Points | None:
    """The permitted one of rounded ``candidates`` (shape ``(n, d)``) with the largest ``value``; None where none is."""
    keep = candidates[hard.permits(candidates)]
    return keep[int(np.argmax(value(keep)))] if len(keep) else None
