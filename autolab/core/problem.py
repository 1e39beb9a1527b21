"""The problem that a campaign poses to its proposer: a space, an objective, and bounds on outcomes."""

from __future__ import annotations

from dataclasses import dataclass

from autolab.core.constraints import Constraint
from autolab.core.errors import InputError
from autolab.core.objectives import Objective, OutcomeConstraint
from autolab.core.parameters import ChoiceParameter, FixedParameter, Parameter, Values

__all__ = ["Problem", "Space"]


@dataclass(frozen=True, slots=True)
class Space:
    """The parameters of a campaign and the constraints between them.

    Raises:
        InputError: two parameters of one name, or a constraint over a name that is no numeric parameter.
    """

    parameters: tuple[Parameter, ...]
    constraints: tuple[Constraint, ...] = ()

    def __post_init__(self) -> None:
        names = [parameter.name for parameter in self.parameters]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"parameter {name!r} is declared twice")
        numeric = {p.name for p in self.parameters if _is_numeric(p)}
        for constraint in self.constraints:
            for name in sorted(constraint.names - numeric):
                what = "is a parameter without numbers" if name in names else "is not a parameter"
                known = ", ".join(sorted(numeric)) or "none"
                raise InputError(f"constraint {constraint.text!r}: {name!r} {what}; numeric parameters are {known}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the file."""
        return tuple(parameter.name for parameter in self.parameters)

    def violations(self, values: Values) -> list[str]:
        """Why ``values`` are not a point of the space: one sentence each, none where they are."""
        found = [f"parameter {name!r} is missing" for name in self.names if name not in values]
        found += [f"{name!r} is not a parameter" for name in values if name not in self.names]
        if found:
            return found
        for parameter in self.parameters:
            if not parameter.holds(values[parameter.name]):
                found.append(f"{parameter.name} = {values[parameter.name]!r} is outside what the parameter allows")
        numbers = {p.name: float(values[p.name]) for p in self.parameters if _is_numeric(p)}
        found += [f"constraint {c.text!r} does not hold" for c in self.constraints if not c.holds(numbers)]
        return found


def _is_numeric(parameter: Parameter) -> bool:
    if isinstance(parameter, ChoiceParameter):
        return parameter.is_numeric
    if isinstance(parameter, FixedParameter):
        return isinstance(parameter.value, int | float) and not isinstance(parameter.value, bool)
    return True


@dataclass(frozen=True, slots=True)
class Problem:
    """What the proposer is asked to solve."""

    space: Space
    objective: Objective
    outcome_constraints: tuple[OutcomeConstraint, ...] = ()

    @property
    def hard_constraints(self) -> tuple[OutcomeConstraint, ...]:
        """Bounds on outcomes that no proposed trial may be likely to break."""
        return tuple(constraint for constraint in self.outcome_constraints if constraint.hard is not None)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that an outcome must carry: the objective's first."""
        return tuple(dict.fromkeys([self.objective.metric, *(c.metric for c in self.outcome_constraints)]))
