"""The problem that a campaign poses to its proposer: a space, objectives, and bounds on outcomes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autolab.core.atmost import AtMost, unfit_for_at_most
from autolab.core.avoidances import Avoidance
from autolab.core.conditionals import Conditional, unfit_conditional
from autolab.core.constraints import Constraint
from autolab.core.costs import Costs
from autolab.core.earlier import Earlier
from autolab.core.errors import InputError
from autolab.core.faults import SCREENED, FaultKind
from autolab.core.noises import KnownNoise
from autolab.core.objectives import Objective, OutcomeConstraint
from autolab.core.parameters import ChoiceParameter, FixedParameter, Parameter, Values
from autolab.core.trials import Estimate, Outcome

__all__ = ["Problem", "Space", "is_numeric"]


@dataclass(frozen=True, slots=True)
class Space:
    """The parameters of a campaign and the constraints between them.

    Raises:
        InputError: two parameters of one name, a constraint over a name that is no numeric parameter, ``at most`` over
            one that does not begin at 0, or a conditional parameter that depends on what is no choice.
    """

    parameters: tuple[Parameter, ...]
    constraints: tuple[Constraint, ...] = ()
    at_most: tuple[AtMost, ...] = ()
    conditionals: tuple[Conditional, ...] = ()

    def __post_init__(self) -> None:
        names = [parameter.name for parameter in self.parameters]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"parameter {name!r} is declared twice")
        numeric = {p.name for p in self.parameters if is_numeric(p)}
        for constraint in self.constraints:
            for name in sorted(constraint.names - numeric):
                what = "is a parameter without numbers" if name in names else "is not a parameter"
                known = ", ".join(sorted(numeric)) or "none"
                raise InputError(f"constraint {constraint.text!r}: {name!r} {what}; numeric parameters are {known}")
        by_name = {parameter.name: parameter for parameter in self.parameters}
        for rule in self.conditionals:
            if said := unfit_conditional(rule, self.conditionals, by_name):
                raise InputError(f"{rule.name}: {said}")
        for rule in self.at_most:
            for name in rule.names:
                if said := unfit_for_at_most(by_name.get(name), self.conditionals):
                    raise InputError(f"constraint {rule.text!r}: {name!r} {said}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the file."""
        return tuple(parameter.name for parameter in self.parameters)

    def settled(self, values: Values) -> Values:
        """The same point, with each parameter that does not matter there at the value at which it then stands."""
        if not self.conditionals or set(values) != set(self.names):
            return values
        still = {rule.name: rule.otherwise for rule in self.conditionals if not rule.is_active(values)}
        return {**values, **still}

    def violations(self, values: Values) -> list[str]:
        """Why ``values`` are not a point of the space: one sentence each, none where they are."""
        found = [f"parameter {name!r} is missing" for name in self.names if name not in values]
        found += [f"{name!r} is not a parameter" for name in values if name not in self.names]
        if found:
            return found
        for parameter in self.parameters:
            if not parameter.holds(values[parameter.name]):
                found.append(f"{parameter.name} = {values[parameter.name]!r} is outside what the parameter allows")
        settled = self.settled(values)
        for rule in self.conditionals:
            if values[rule.name] != settled[rule.name]:
                found.append(f"{rule}, and here it is {values[rule.name]!r}")
        numbers = {p.name: float(values[p.name]) for p in self.parameters if is_numeric(p)}
        broken = [c for c in self.constraints if not c.holds(numbers)]
        found += [f"constraint {c.text!r} does not hold" + (f" ({c.because})" if c.because else "") for c in broken]
        for at_most in self.at_most:
            if not at_most.holds(numbers):
                found.append(f"constraint {at_most.text!r} does not hold: {', '.join(at_most.above(numbers))} are")
        return found


def is_numeric(parameter: Parameter) -> bool:
    """True where arithmetic constraints may use the parameter."""
    if isinstance(parameter, ChoiceParameter):
        return parameter.is_numeric
    if isinstance(parameter, FixedParameter):
        return isinstance(parameter.value, int | float) and not isinstance(parameter.value, bool)
    return True


@dataclass(frozen=True, slots=True)
class Problem:
    """What the proposer is asked to solve.

    Several objectives either have weights, and then their weighted sum is made small, or the front is sought: the
    trials that no other one beats in all of them.
    """

    space: Space
    objective: Objective
    """The first one."""
    outcome_constraints: tuple[OutcomeConstraint, ...] = ()
    others: tuple[Objective, ...] = ()
    """Objectives beside the first."""
    avoided: tuple[Avoidance, ...] = ()
    """What people want to be avoided; the space has the constraints that keep out of it."""
    lapsed: tuple[Avoidance, ...] = ()
    """What people wanted to be avoided, until a day that is over: it has no effect."""
    recipe_faults: tuple[str, ...] = (FaultKind.BAD_OUTCOME.value, SCREENED)
    """Faults that are the recipe's and not an instrument's: where trials failed so, others are likely to fail."""
    noises: tuple[KnownNoise, ...] = ()
    """Noise that is known, by metric; that of other metrics is learned."""
    doubts_outliers: bool = False
    """Whether outcomes that the others make impossible count for little."""
    earlier: tuple[Earlier, ...] = ()
    """What was measured before, from which the proposer may learn."""
    costs: Costs | None = None
    """What trials cost; None where all count alike."""

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """All of them, in the order of the file."""
        return (self.objective, *self.others)

    @property
    def seeks_front(self) -> bool:
        """True where trials have no order, since objectives compete without weights."""
        return bool(self.others) and self.objective.weight is None

    @property
    def ranking(self) -> Objective:
        """What trials are ordered by: the objective, or the weighted sum of several. The first one of a front."""
        if not self.others or self.objective.weight is None:
            return self.objective
        return Objective(" + ".join(f"{o.weight:g} × {_loss_text(o)}" for o in self.objectives), "minimize")

    def score(self, outcome: Outcome) -> Estimate | None:
        """The value of `ranking` in an outcome, with its standard error; None where it lacks a metric."""
        if any(objective.metric not in outcome for objective in self.objectives):
            return None
        if not self.others or self.objective.weight is None:
            return outcome[self.objective.metric]
        parts = [(o.weight or 0.0, o, outcome[o.metric]) for o in self.objectives]
        total = math.fsum(weight * objective.loss(estimate.value) for weight, objective, estimate in parts)
        if any(estimate.sem is None for _, _, estimate in parts):
            return Estimate(total)
        return Estimate(total, math.hypot(*(weight * (estimate.sem or 0.0) for weight, _, estimate in parts)))

    def unit_of(self, metric: str) -> str:
        """Unit of a metric; empty where nobody has said."""
        return next((objective.unit for objective in self.objectives if objective.metric == metric), "")

    @property
    def hard_constraints(self) -> tuple[OutcomeConstraint, ...]:
        """Bounds on outcomes that no proposed trial may be likely to break."""
        return tuple(constraint for constraint in self.outcome_constraints if constraint.hard is not None)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that an outcome must carry: the objectives' first."""
        own = [objective.metric for objective in self.objectives]
        return tuple(dict.fromkeys([*own, *(constraint.metric for constraint in self.outcome_constraints)]))


def _loss_text(objective: Objective) -> str:
    """What the loss of an objective is, in a sum."""
    if objective.goal == "minimize":
        return objective.metric
    return f"(-{objective.metric})" if objective.goal == "maximize" else f"|{objective.metric} - {objective.target:g}|"
