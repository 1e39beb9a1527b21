"""Regions of a campaign's space that are closed because a trial failed there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autolab.core.parameters import ChoiceParameter, FixedParameter, Parameter, RangeParameter, Value, Values
from autolab.core.problem import Space

__all__ = ["Quarantine"]

_DUST = 1e-9
"""Share of a range by which rounding may move a value."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A closed region: a box around a trial that failed, one side for each parameter with a scale.

    Unordered choices have no neighbourhood: the region holds those of the trial alone.
    """

    trial: int
    """The trial that failed."""
    values: Values
    region: float
    """Half width of the box, as a fraction of each parameter's range (of its logarithm on a log scale; of the number
    of choices less one where they are ordered)."""

    def holds(self, values: Values, space: Space) -> bool:
        """True where ``values``, a point of ``space``, lie in the region."""
        return all(
            _distance(parameter, self.values[parameter.name], values[parameter.name]) <= self.region + _DUST
            for parameter in space.parameters
            if not isinstance(parameter, FixedParameter)
        )

    def __str__(self) -> str:
        return f"the region around trial {self.trial}, which failed there, is in quarantine"


def _distance(parameter: Parameter, one: Value, other: Value) -> float:
    """Distance of two values as a fraction of the range; infinite where they have none."""
    if isinstance(parameter, ChoiceParameter):
        if not parameter.ordered:
            return 0.0 if one == other else math.inf
        choices = parameter.choices
        return abs(choices.index(one) - choices.index(other)) / (len(choices) - 1)
    if isinstance(parameter, FixedParameter):
        return 0.0
    if isinstance(parameter, RangeParameter) and parameter.scale == "log":
        return abs(math.log(float(one) / float(other))) / math.log(parameter.upper / parameter.lower)
    return abs(float(one) - float(other)) / (parameter.upper - parameter.lower)
