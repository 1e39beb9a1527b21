"""Reads what a campaign file says about costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autolab.config.campaignmodel import CostsModel
from autolab.config.problems import Problems, valid
from autolab.core.costs import Costs
from autolab.core.errors import InputError
from autolab.core.parameters import ChoiceParameter, IntegerParameter, RangeParameter
from autolab.core.problem import Space

__all__ = ["read_costs"]


def read_costs(problems: Problems, values: Mapping[str, Any], space: Space | None) -> Costs | None:
    """What trials cost, or None where the file does not say; what is wrong with it is gathered."""
    model = valid(CostsModel, values.get("costs"))
    if model is None or space is None:
        return None
    parameters = {parameter.name: parameter for parameter in space.parameters}
    for name in model.amounts:
        parameter = parameters.get(name)
        if not isinstance(parameter, RangeParameter | IntegerParameter) or parameter.lower < 0:
            said = f"costs: {name} is no parameter with bounds of at least 0, so that nobody knows how much it takes"
            problems.add(("costs", "amounts", name), said)
    for name in model.changes:
        if not isinstance(parameters.get(name), ChoiceParameter):
            said = f"costs: {name} is no parameter with choices, and only another choice has a cost of its own"
            problems.add(("costs", "changes", name), said)
    if not model.amounts and not model.changes:
        said = "costs: every trial costs the same, which changes no suggestion: give 'amounts' or 'changes', or "
        problems.add(("costs",), f"{said}remove the key")
    try:
        amounts, changes = tuple(model.amounts.items()), tuple(model.changes.items())
        return Costs(model.unit, model.trial, amounts, changes, model.exponent, model.spend)
    except InputError as error:
        problems.add(("costs",), str(error))
        return None
