"""From ``when`` and ``otherwise`` of the parameters in a campaign file to the values of the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autolab.config.campaignmodel import ParameterModel
from autolab.config.problems import Problems, valid
from autolab.config.words import did_you_mean, listed, shown
from autolab.core.conditionals import Conditional, unfit_conditional
from autolab.core.parameters import ChoiceParameter, IntegerParameter, Parameter, RangeParameter, Value

__all__ = ["read_conditionals"]


def read_conditionals(
    problems: Problems, declared: Mapping[str, Any], parameters: Sequence[Parameter]
) -> list[Conditional]:
    """Read on which choices parameters depend, and gather what is wrong with it.

    Args:
        problems: Takes the refusals.
        declared: What the file says of each parameter, by name.
        parameters: Those that could be read.
    """
    by_name = {parameter.name: parameter for parameter in parameters}
    found: list[Conditional] = []
    for name, raw in declared.items():
        model = valid(ParameterModel, raw)
        if model is None or name not in by_name:
            continue  # refused already
        path = ("parameters", name)
        if model.when is None:
            if model.otherwise is not None:
                problems.add((*path, "otherwise"), f"{name}: 'otherwise' goes with 'when': add that, or remove it")
            continue
        if model.otherwise is None:
            said = "'when' needs 'otherwise', the value at which it stands where it does not matter: add it"
            problems.add((*path, "when"), f"{name}: {said}")
            continue
        wanted = tuple((key, tuple(choices)) for key, choices in model.when.items())
        rule = Conditional(name, wanted, _typed(by_name[name], model.otherwise))
        if said := _unknown(rule, declared, by_name):
            problems.add((*path, "when"), f"{name}: {said}")
        else:
            found.append(rule)
    for rule in found:
        if any(name not in by_name for name, _ in rule.when):
            continue  # refused already
        if said := unfit_conditional(rule, tuple(found), by_name):
            key = "otherwise" if said.startswith("'otherwise'") else "when"
            problems.add(("parameters", rule.name, key), f"{rule.name}: {said}")
    return found


def _typed(parameter: Parameter, value: Value) -> Value:
    """``value`` as the parameter writes it, where it is a number that the parameter may take."""
    if isinstance(parameter, RangeParameter | IntegerParameter) and parameter.holds(value):
        return parameter.round(float(value))
    return value


def _unknown(rule: Conditional, declared: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> str | None:
    """A name or a choice that is not there, and what may have been meant; None where there is none."""
    for name, wanted in rule.when:
        if name not in declared:
            guess = did_you_mean(name, declared)
            hint = f"did you mean {guess!r}?" if guess else f"parameters are {listed(declared)}"
            return f"'when' names {name!r}, which is not a parameter: {hint}"
        parameter = parameters.get(name)
        if not isinstance(parameter, ChoiceParameter):
            continue
        for value in (value for value in wanted if not parameter.holds(value)):
            guess = did_you_mean(str(value), [str(choice) for choice in parameter.choices])
            choices = listed(map(shown, parameter.choices), "or")
            hint = f"did you mean {guess!r}?" if guess and isinstance(value, str) else f"choices are {choices}"
            return f"'when' names {shown(value)}, which is none of the choices of {name!r}: {hint}"
    return None
