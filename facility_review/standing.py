"""Where a unit stands: scores, gates, dimensions and level, as they are and as they could as well have been."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facility_review.assessment import GateResult
from facility_review.criteria import Scored, score_criteria
from facility_review.draws import draw_scores
from facility_review.gates import judge_gates
from facility_review.inputs import Inputs
from facility_review.instrument import Instrument
from facility_review.levels import LEVELS, Aggregate, Ceiling, ceilings, levels_of
from facility_review.statistics import Floats

__all__ = ["Standing", "stand"]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """A unit, scored and drawn; what gaps, tracks and the report are made from."""

    instrument: Instrument
    inputs: Inputs
    scored: tuple[Scored, ...]
    """In the order of the instrument: the columns of the arrays."""
    gates: tuple[GateResult, ...]
    limits: tuple[Ceiling, ...]
    """Lowest first."""
    aggregate: Aggregate
    truth: Floats
    """Scores as they are, of shape (1, criteria)."""
    drawn: Floats
    """Scores as drawn, of shape (draws, criteria)."""
    dimensions: Floats
    """Shape (1, dimensions)."""
    drawn_dimensions: Floats
    """Shape (draws, dimensions)."""
    level: int
    """0 to 5."""
    drawn_levels: NDArray[np.int64]
    """Shape (draws,)."""

    def p_level(self, rank: int) -> float:
        """Probability that the level is at least ``rank``."""
        return float((self.drawn_levels >= rank).mean())


def stand(instrument: Instrument, inputs: Inputs, seed: int, draws: int) -> Standing:
    """Score a unit, judge its gates, and draw.

    Args:
        instrument: The instrument.
        inputs: What is known of the unit.
        seed: Of the draws.
        draws: How many.
    """
    scored = score_criteria(instrument, inputs)
    gates = judge_gates(instrument, inputs, {item.criterion.id: item for item in scored})
    aggregate = Aggregate(instrument, scored)
    truth = np.array([[item.score.score for item in scored]])
    drawn = draw_scores(instrument, scored, seed, draws)
    limits = ceilings(instrument, inputs, gates)
    highest = limits[0].level if limits else len(LEVELS) - 1
    dimensions, drawn_dimensions = aggregate.dimensions(truth), aggregate.dimensions(drawn)
    return Standing(
        instrument=instrument,
        inputs=inputs,
        scored=scored,
        gates=gates,
        limits=limits,
        aggregate=aggregate,
        truth=truth,
        drawn=drawn,
        dimensions=dimensions,
        drawn_dimensions=drawn_dimensions,
        level=int(levels_of(aggregate, dimensions, highest)[0]),
        drawn_levels=levels_of(aggregate, drawn_dimensions, highest),
    )
