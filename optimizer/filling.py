"""Points that fill the space where there is no model yet: of the design, or away from where trials failed."""

from __future__ import annotations

import numpy as np

from autolab.core.parameters import Values
from optimizer.design import feasible_draws
from optimizer.evidence import Evidence
from optimizer.rounding import nearest
from optimizer.space import Points
from optimizer.success import Success

__all__ = ["away_from_failures"]

_DRAWS = 256


def away_from_failures(evidence: Evidence, success: Success, seed: int) -> Values:
    """The point whose distance from all known trials, times its probability of success, is largest; not one taken.

    Args:
        evidence: What is known.
        success: The probability of success.
        seed: Seed of the points to choose from.

    Raises:
        NoPointLeftError: Every point of the space is taken.
    """
    unit = evidence.unit
    pool = feasible_draws(unit, seed, _DRAWS)
    known = np.vstack([evidence.points, evidence.failed_points, evidence.pending_points])
    apart = _distances(evidence, pool, known).min(axis=1)
    best = pool[int(np.argmax(apart * success(pool)))]
    return nearest(unit, best, avoid=evidence.taken, seed=seed)


def _distances(evidence: Evidence, points: Points, others: Points) -> Points:
    """Distances in the unit cube of ``(n, d)`` from ``(m, d)``; different unordered choices are 1 apart. ``(n, m)``."""
    differences = np.abs(points[:, None] - others[None])
    unordered = np.array([dimension.is_categorical for dimension in evidence.unit.dimensions], dtype=bool)
    differences[:, :, unordered] = differences[:, :, unordered] > 1e-9
    return np.sqrt((differences**2).sum(axis=2))
