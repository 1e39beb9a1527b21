"""How much the index, and the order of units by it, depend on the weights of the dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autolab.core.errors import InputError
from autolab.core.seeds import derive_seed
from facility_review.assessment import Assessment, Sensitivity
from facility_review.draws import quantiles
from facility_review.instrument import Instrument
from facility_review.levels import Aggregate, index_of
from facility_review.statistics import Floats

__all__ = ["draw_weights", "rank_stability", "weight_sensitivity"]


def draw_weights(instrument: Instrument, seed: int) -> Floats:
    """Weights around the instrument's own, of shape (draws, dimensions), each row summing to 1."""
    rule = instrument.file.aggregation.sensitivity
    weights = np.array([item.weight for item in instrument.file.dimensions])
    rng = np.random.default_rng(derive_seed(seed, "weights"))
    return rng.dirichlet(rule.concentration * weights, rule.draws)


def weight_sensitivity(instrument: Instrument, aggregate: Aggregate, dimensions: Floats, seed: int) -> Sensitivity:
    """Spread of one unit's index over the weights drawn.

    Args:
        instrument: The instrument.
        aggregate: How criteria are put together.
        dimensions: Scores of the dimensions as they are, of shape (1, dimensions).
        seed: Of the draws.
    """
    weights = draw_weights(instrument, seed)
    return Sensitivity(len(weights), seed, quantiles(aggregate.index(dimensions, weights)))


def rank_stability(instrument: Instrument, assessments: Sequence[Assessment], seed: int) -> float:
    """Share of the weights drawn under which the units keep their order by index.

    Args:
        instrument: The instrument that all of them were made with.
        assessments: The units; one alone, or none, keeps its order always.
        seed: Of the draws.

    Raises:
        InputError: an assessment was made with another version.
    """
    for item in assessments:
        if item.instrument != instrument.used:
            raise InputError(
                f"{item.unit}: assessed with instrument {item.instrument.version}, and others with "
                f"{instrument.version}: units are put in order only where the versions match"
            )
    if len(assessments) < 2:
        return 1.0
    weights = draw_weights(instrument, seed)
    scores = [[item.score for item in one.dimensions] for one in assessments]
    default = np.array([item.index for item in assessments])
    drawn = np.stack([_indices(row, weights) for row in scores], axis=1)
    order = np.argsort(-default, kind="stable")
    ranked = drawn[:, order]
    return float((np.diff(ranked, axis=1) <= 0).all(axis=1).mean())


def _indices(scores: Sequence[float | None], weights: Floats) -> Floats:
    present = [place for place, score in enumerate(scores) if score is not None]
    values = np.array([[scores[place] or 0.0 for place in present]])
    return index_of(values, weights[:, present])
