"""Reads what a campaign file says about noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from autolab.config.problems import Problems
from autolab.config.units import convert_difference, read_quantity
from autolab.config.words import did_you_mean
from autolab.core.errors import InputError
from autolab.core.noises import KnownNoise
from autolab.core.objectives import Objective, OutcomeConstraint

__all__ = ["REPORTED", "read_noises"]

REPORTED = "reported"
"""What stands for the standard error that comes with each outcome."""


def read_noises(
    problems: Problems,
    values: Mapping[str, Any],
    objectives: Sequence[Objective],
    constraints: Sequence[OutcomeConstraint],
) -> tuple[KnownNoise, ...]:
    """The noise that is known, in the units of the objectives; what is wrong with it is gathered.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.
        objectives: The objectives, empty where they are refused.
        constraints: The bounds on outcomes.
    """
    declared = values.get("noise")
    if not isinstance(declared, dict) or problems.has(("noise",)) or not objectives:
        return ()
    units = {constraint.metric: "" for constraint in constraints} | {o.metric: o.unit for o in objectives}
    found: list[KnownNoise] = []
    for metric, written in cast("dict[str, Any]", declared).items():
        if metric not in units:
            guess = did_you_mean(metric, units)
            said = f"did you mean {guess!r}?" if guess else "remove the line"
            said = f"noise: {metric} is neither an objective nor bounded by an outcome constraint: {said}"
            problems.add(("noise", metric), said)
            continue
        try:
            found.append(KnownNoise(metric, _sem(written, units[metric])))
        except InputError as error:
            said = str(error)
            problems.add(("noise", metric), said if said.startswith("noise") else f"noise of {metric}: {said}")
    return tuple(found)


def _sem(written: str | float, unit: str) -> float | None:
    if written == REPORTED:
        return None
    quantity = read_quantity(written, unit)
    return convert_difference(quantity.value, quantity.unit, unit) if unit else quantity.value
