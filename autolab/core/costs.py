"""What a trial costs, predicted from its values and from those of the trial before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autolab.core.errors import InputError
from autolab.core.parameters import Values

__all__ = ["Costs"]


@dataclass(frozen=True, slots=True)
class Costs:
    """The parts of a trial's cost, all in one unit: minutes, money, whatever counts.

    Raises:
        InputError: a trial that costs nothing, or a part that is negative or no finite number.
    """

    unit: str
    trial: float
    """Of each trial, whatever its values."""
    amounts: tuple[tuple[str, float], ...] = ()
    """Of one unit of a parameter, by name."""
    changes: tuple[tuple[str, float], ...] = ()
    """Of another choice than in the trial before, by name of the parameter."""
    exponent: float = 1.0
    """Power of the cost by which what is expected to be gained is divided."""
    spend: float | None = None
    """What the campaign is meant to cost in all: the power falls with what is left of it, to 0. None: it stays."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.trial) and self.trial > 0.0):
            raise InputError(f"costs: a trial costs something in itself: 'trial' is a number above 0, not {self.trial}")
        if self.spend is not None and not (math.isfinite(self.spend) and self.spend > 0.0):
            raise InputError(f"costs: spend is a number above 0, not {self.spend:g}")
        for name, cost in (*self.amounts, *self.changes, ("exponent", self.exponent)):
            if not (math.isfinite(cost) and cost >= 0.0):
                raise InputError(f"costs: {name} is a number of at least zero, not {cost:g}")

    def power(self, run: Sequence[Values]) -> float:
        """The power of the cost after trials with these values, in their order."""
        if self.spend is None:
            return self.exponent
        spent = math.fsum(self.of(values, before) for values, before in zip(run, (None, *run), strict=False))
        return self.exponent * max(0.0, 1.0 - spent / self.spend)

    def of_changes(self, values: Values, before: Values | None) -> float:
        """What is paid because ``values`` differ from those of the trial before; nothing where there was none."""
        if before is None:
            return 0.0
        return math.fsum(cost for name, cost in self.changes if name in before and values[name] != before[name])

    def of(self, values: Values, before: Values | None) -> float:
        """What a trial with ``values`` costs."""
        amounts = math.fsum(cost * float(values[name]) for name, cost in self.amounts)
        return self.trial + amounts + self.of_changes(values, before)
