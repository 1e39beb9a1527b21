"""The autonomy axes and the manufacturing track: what the metrics say besides scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from facility_review.assessment import AxisGrade
from facility_review.criteria import Scored
from facility_review.gates import unmet_condition
from facility_review.inputs import Inputs
from facility_review.instrument import Instrument
from facility_review.instrumentmodel import AutonomyAxis
from facility_review.levels import LEVELS, Ceiling

__all__ = ["autonomy_profile", "manufacturing_ceilings"]


def autonomy_profile(instrument: Instrument, inputs: Inputs) -> tuple[AxisGrade, ...]:
    """Grade of each autonomy axis as far as the metrics show it on hardware.

    Only the grades for which the instrument has a rule are derived; the grades below need a person's judgement.
    """
    axes: Mapping[Literal["hardware", "software"], AutonomyAxis] = {
        "hardware": instrument.file.autonomy_axes.hardware,
        "software": instrument.file.autonomy_axes.software,
    }
    return tuple(_grade(instrument, inputs, name, axis) for name, axis in axes.items())


def _grade(
    instrument: Instrument, inputs: Inputs, name: Literal["hardware", "software"], axis: AutonomyAxis
) -> AxisGrade:
    reached: int | None = None
    unmet: list[str] = []
    for rule in sorted(axis.derived, key=lambda item: item.grade):
        unmet = [why for item in rule.conditions if (why := unmet_condition(instrument, inputs, item))]
        if unmet:
            unmet = [f"grade {rule.grade}: {why}" for why in unmet]
            break
        reached = rule.grade
    if reached is None:
        lowest = min((rule.grade for rule in axis.derived), default=0)
        return AxisGrade(name, None, f"grade {lowest} is not shown by the metrics", tuple(unmet))
    return AxisGrade(name, reached, axis.grades[reached], tuple(unmet))


def manufacturing_ceilings(instrument: Instrument, scored: Sequence[Scored]) -> tuple[Ceiling, ...]:
    """What the criteria of production say about the manufacturing track, lowest first."""
    scores = {item.criterion.id: item.score for item in scored}
    found = [
        Ceiling(
            LEVELS.index(level) - 1, f"{criterion} is {scores[criterion].score:.2f}, and {level} asks for {least:g}"
        )
        for criterion, minima in instrument.file.tracks.manufacturing_minima.items()
        for level, least in minima.items()
        if scores[criterion].score < least
    ]
    return tuple(sorted(found, key=lambda ceiling: ceiling.level))
