"""Acceleration and enhancement factor of strategies that learn: one definition for all that compare.

Losses are what is to be made small, in the order of the trials; see `autolab.core.objectives.Objective.loss`. Used by
the readiness review on recorded campaigns, and by ``autolab backtest`` on replayed ones. Adesiji et al., Digital
Discovery (2025), doi 10.1039/D5DD00337G.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autolab.core.objectives import Objective

__all__ = ["acceleration_factor", "enhancement_factor", "goal_loss", "median", "trials_needed"]

Values = Sequence[float] | NDArray[np.float64]
"""One number for each run; or several such rows, of which each gives one result."""


def goal_loss(objective: Objective) -> float:
    """Loss at which the target of ``objective`` is reached."""
    return objective.tolerance or 0.0 if objective.goal == "target" else objective.loss(objective.target or 0.0)


def trials_needed(losses: Sequence[float], goal: float) -> int | None:
    """Number of the first trial, from 1, whose loss is at most ``goal``; None where none is."""
    return next((number for number, loss in enumerate(losses, 1) if loss <= goal), None)


def median(values: Values) -> Any:
    """The median over runs, the last axis; infinities are allowed."""
    ordered = np.sort(np.asarray(values, dtype=np.float64), axis=-1)
    n = ordered.shape[-1]
    return ordered[..., [(n - 1) // 2, n // 2]].mean(axis=-1)


def acceleration_factor(learned: Values, reference: Values) -> Any:
    """Median trials to a goal of the reference over those of the learner.

    Args:
        learned: Trials that each run needed, runs on the last axis; infinite where it never got there.
        reference: The same of the reference; where it never got there, the trials that it ran: fewer than it needed.
    """
    return median(reference) / median(learned)


def enhancement_factor(learned: Values, reference: Values, span: float) -> Any:
    """Normalised: by how much the median best loss is below that of the reference, in units of ``span``.

    Args:
        learned: Best loss of each run at the same number of trials, runs on the last axis.
        reference: The same of the reference.
        span: Median loss of the reference less the best loss of all, so that a constant offset does not matter.
    """
    return (median(reference) - median(learned)) / span
