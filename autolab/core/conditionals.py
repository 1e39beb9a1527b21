"""Conditional parameters: they matter only where choices have certain values, and stand still elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autolab.core.parameters import ChoiceParameter, FixedParameter, Parameter, Value

__all__ = ["Conditional", "unfit_conditional"]


@dataclass(frozen=True, slots=True)
class Conditional:
    """A parameter that matters only where each of some choices has one of some values.

    Elsewhere it stands at ``otherwise``, whatever is said of it.
    """

    name: str
    when: tuple[tuple[str, tuple[Value, ...]], ...]
    """Names of choices, each with the values at which the parameter matters; all of them are wanted."""
    otherwise: Value
    """A value that the parameter may take."""

    def is_active(self, values: Mapping[str, Value]) -> bool:
        """True where the parameter matters."""
        return all(
            any(ChoiceParameter.is_choice(values[name], value) for value in wanted) for name, wanted in self.when
        )

    def __str__(self) -> str:
        parts = (f"{name} is {' or '.join(map(_shown, wanted))}" for name, wanted in self.when)
        return f"{self.name} stands at {_shown(self.otherwise)} unless {' and '.join(parts)}"


def _shown(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def unfit_conditional(
    rule: Conditional, conditionals: tuple[Conditional, ...], parameters: Mapping[str, Parameter]
) -> str | None:
    """Why a parameter cannot be conditional in this way, or None where it can."""
    if isinstance(parameters.get(rule.name), FixedParameter | None):
        return "only what has bounds or choices can depend on others: remove 'when'"
    if sum(other.name == rule.name for other in conditionals) > 1:
        return "it is said twice on what it depends: keep one"
    for name, wanted in rule.when:
        parameter = parameters.get(name)
        if not isinstance(parameter, ChoiceParameter):
            return f"'when' takes parameters with choices, and {name!r} has none"
        if any(other.name == name for other in conditionals):
            return f"'when' names {name!r}, which depends on others itself: name those instead"
        unknown = [value for value in wanted if not parameter.holds(value)]
        if unknown:
            return f"'when' names {unknown[0]!r}, which is none of the choices of {name!r}"
        if not wanted:
            return f"'when' names no choice of {name!r}: name those at which it matters"
        if all(any(parameter.is_choice(choice, value) for value in wanted) for choice in parameter.choices):
            return f"'when' names all choices of {name!r}, so that it always matters: leave some out, or remove it"
    if not parameters[rule.name].holds(rule.otherwise):
        return f"'otherwise' is {rule.otherwise!r}, which is outside what the parameter allows"
    return None
