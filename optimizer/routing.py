"""Which engine serves a problem: what each cannot express, and for which kinds of problem ``auto`` takes the lean one.

Both are tables over the *traits* of a problem: what is in it that an engine may not be made for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from autolab.core.errors import ProposerError
from autolab.core.parameters import ChoiceParameter, RangeParameter
from autolab.core.problem import Problem
from autolab.core.proposing import ADAPTIVE, EngineSpec

__all__ = ["ENGINES", "FEWEST", "UNABLE", "UNPROVEN", "Routing", "Trait", "choose", "needs_model", "traits"]

ENGINES = ("auto", "ax", "botorch", "lean", "sobol", "random", "grid")
"""Names that a campaign file may ask for, beside that of others' engines: `autolab.core.proposing.ADAPTIVE`."""

FEWEST = 5
"""Outcomes from which a model is believed, and trials that an initial design has at least where no file says less."""


class Trait(Enum):
    """Something in a problem that not every engine takes, or is proven for."""

    LOG_STEP = auto()
    EQUALITY = auto()
    NONLINEAR = auto()
    LOG_IN_CONSTRAINT = auto()
    CHOICE_IN_CONSTRAINT = auto()
    CHOICE_BESIDE_CONSTRAINT = auto()
    AT_MOST = auto()
    CONDITIONAL = auto()
    DESCRIPTORS = auto()
    CHOICE = auto()
    OUTCOME_CONSTRAINT = auto()
    SEVERAL_OBJECTIVES = auto()
    HARD_CONSTRAINT = auto()
    TARGET = auto()
    EARLIER = auto()
    COSTS = auto()


UNABLE: Mapping[str, Mapping[Trait, str]] = {
    "ax": {
        Trait.SEVERAL_OBJECTIVES: "Ax is asked for one objective, and here are {}",
        Trait.HARD_CONSTRAINT: "Ax has no hard outcome constraint such as {}",
        Trait.COSTS: "Ax does not weigh what {} costs",
        Trait.LOG_STEP: "Ax has no step on a log scale, as {} has",
        Trait.EQUALITY: "Ax takes no equality such as {}",
        Trait.NONLINEAR: "Ax takes no nonlinear constraint such as {}",
        Trait.LOG_IN_CONSTRAINT: "Ax takes no constraint over a log scale, and {}",
        Trait.AT_MOST: "Ax takes no {}",
        Trait.CONDITIONAL: "Ax takes no conditional parameter such as {}",
        Trait.DESCRIPTORS: "Ax takes no descriptors of choices, such as those of {}",
        Trait.CHOICE_BESIDE_CONSTRAINT: "Ax is slow with {}",
        Trait.EARLIER: "Ax is handed no earlier data such as {}",
    },
    ADAPTIVE: {
        Trait.HARD_CONSTRAINT: "bluesky-adaptive's optimisers have no hard outcome constraint such as {}",
        Trait.COSTS: "bluesky-adaptive's optimisers do not weigh what {} costs",
        Trait.EARLIER: "bluesky-adaptive's optimisers are handed no earlier data such as {}",
    },
    "lean": {
        Trait.SEVERAL_OBJECTIVES: "lean takes one objective, and here are {}",
        Trait.HARD_CONSTRAINT: "lean has no hard outcome constraint such as {}",
        Trait.NONLINEAR: "lean takes no nonlinear constraint such as {}",
        Trait.LOG_IN_CONSTRAINT: "lean takes no constraint over a log scale, and {}",
        Trait.CHOICE_IN_CONSTRAINT: "lean takes no constraint over unordered choices, and {}",
    },
}
"""What an engine cannot do, and the sentence that says so; BoTorch serves these problems instead."""

_THEIR_AX = frozenset(UNABLE["ax"]) - {Trait.SEVERAL_OBJECTIVES}
"""What bluesky-adaptive's optimiser by Ax cannot do either; ours brings several objectives into its form."""

UNPROVEN: Mapping[Trait, str] = {
    Trait.AT_MOST: "it is not proven that lean is as good under {}",
    Trait.CONDITIONAL: "it is not proven that lean is as good with conditional parameters, such as {}",
    Trait.CHOICE: "it is not proven that lean is as good with choices, such as {}",
    Trait.OUTCOME_CONSTRAINT: "it is not proven that lean is as good under outcome constraints, such as {}",
    Trait.COSTS: "it is not proven that lean is as good at weighing what {} costs",
    Trait.TARGET: "it is not proven that lean is as good at bringing {} to a target",
    Trait.EQUALITY: "it is not proven that lean is as good where parts make up a total, as by {}",
}
"""What keeps ``auto`` from taking lean, which could serve such a problem."""

_IS_LEAN = "lean is made for one objective over numbers with linear inequalities at most"


@dataclass(frozen=True, slots=True)
class Routing:
    """Which engine serves a problem, and why it is not the one that was asked for."""

    name: str
    why: str | None = None
    """None where it is the one that was asked for."""
    asked: str | None = None
    """What was asked for, where the reason needs it."""

    @property
    def note(self) -> str:
        """What is added to the reason of each suggestion."""
        if self.why is None:
            return ""
        how = f"auto took {self.name}" if self.asked == "auto" else "by BoTorch itself"
        return f"; {how}, since {self.why}"


def choose(problem: Problem, spec: EngineSpec, failed: Sequence[int] = ()) -> Routing:
    """Decide which engine serves ``problem`` when the file asks for ``spec``.

    Args:
        problem: The problem.
        spec: What the file asks for.
        failed: Trials that failed for their recipe.

    Raises:
        ProposerError: There is no engine of that name.
    """
    if spec.name not in (*ENGINES, ADAPTIVE):
        raise ProposerError(f"there is no engine {spec.name!r}: use one of {', '.join((*ENGINES, ADAPTIVE))}")
    found = traits(problem)
    for trait, sentence in _hurdles(spec).items():
        if trait in found:
            return Routing("botorch", sentence.format(found[trait]), spec.name)
    if spec.name == "ax" and failed:
        return Routing("botorch", f"Ax does not learn where trials fail, as trial {failed[0]} did", spec.name)
    return Routing("lean", _IS_LEAN, "auto") if spec.name == "auto" else Routing(spec.name)


def _hurdles(spec: EngineSpec) -> Mapping[Trait, str]:
    """What keeps a problem from what the file asks for."""
    if spec.name == "auto":
        return {**UNABLE["lean"], **UNPROVEN}
    own = UNABLE.get(spec.name, {})
    if spec.name == ADAPTIVE and spec.make is None:
        return {**{trait: UNABLE["ax"][trait] for trait in UNABLE["ax"] if trait in _THEIR_AX}, **own}
    return own


def needs_model(problem: Problem, spec: EngineSpec, trials: int) -> bool:
    """Whether a campaign of so many trials can come to where a model is asked, to suggest or to recommend."""
    designed = FEWEST if spec.initial is None else spec.initial
    return trials >= FEWEST or trials > designed or bool(problem.hard_constraints)


def traits(problem: Problem) -> dict[Trait, str]:
    """The traits of ``problem``, each with the words for where it was met first."""
    found: dict[Trait, str] = {}
    parameters = problem.space.parameters
    logs = [p for p in parameters if isinstance(p, RangeParameter) and p.scale == "log"]
    choices = [p for p in parameters if isinstance(p, ChoiceParameter)]
    for rule in problem.space.at_most:
        found.setdefault(Trait.AT_MOST, repr(rule.text))
    for rule in problem.space.conditionals:
        found.setdefault(Trait.CONDITIONAL, rule.name)
    for bound in problem.outcome_constraints:
        found.setdefault(Trait.OUTCOME_CONSTRAINT, str(bound))
    if problem.others:
        found[Trait.SEVERAL_OBJECTIVES] = str(len(problem.objectives))
    for bound in problem.hard_constraints:
        found.setdefault(Trait.HARD_CONSTRAINT, f"'{bound}'")
    for source in problem.earlier:
        found.setdefault(Trait.EARLIER, source.name)
    if problem.objective.goal == "target":
        found[Trait.TARGET] = problem.objective.metric
    if problem.costs is not None:
        found[Trait.COSTS] = "a trial"
    _add_parameters(found, logs, choices)
    _add_constraints(found, problem, logs, choices)
    return found


def _add_parameters(
    found: dict[Trait, str], logs: Sequence[RangeParameter], choices: Sequence[ChoiceParameter]
) -> None:
    for parameter in logs:
        if parameter.step is not None:
            found.setdefault(Trait.LOG_STEP, parameter.name)
    for parameter in choices:
        found.setdefault(Trait.CHOICE, parameter.name)
        if parameter.descriptors:
            found.setdefault(Trait.DESCRIPTORS, parameter.name)


def _add_constraints(
    found: dict[Trait, str], problem: Problem, logs: Sequence[RangeParameter], choices: Sequence[ChoiceParameter]
) -> None:
    for constraint in problem.space.constraints:
        text = repr(constraint.text)
        if constraint.relation == "==":
            found.setdefault(Trait.EQUALITY, text)
        if constraint.linear is None:
            found.setdefault(Trait.NONLINEAR, text)
        for name in sorted(constraint.names & {p.name for p in logs}):
            found.setdefault(Trait.LOG_IN_CONSTRAINT, f"{text} uses {name}")
        for name in sorted(constraint.names & {p.name for p in choices if not p.ordered}):
            found.setdefault(Trait.CHOICE_IN_CONSTRAINT, f"{text} uses {name}")
        for parameter in choices:
            found.setdefault(Trait.CHOICE_BESIDE_CONSTRAINT, f"choices ({parameter.name}) beside {text}")
