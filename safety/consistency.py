"""What is wrong with a set of interlocks, each taken for itself right: found by z3 before anything moves.

See `safety.logic` for what is left out. Everything reported as impossible or redundant is so; a hazard that is reported
as reachable may take a past that the lab never has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from autolab.core.interlocks import Effect, Hazard, Rule, SafeStateStep, SetStep, SignalSpec
from safety.logic import Logic

__all__ = ["Finding", "FindingKind", "check_consistency"]

FindingKind = Literal["never", "always", "contradiction", "redundant", "masked", "hazard", "safe state"]
_NEVER: dict[Effect, str] = {
    "permissive": "it can never hold, so what it permits can never be written",
    "trip": "it can never be true, so it protects from nothing",
    "alarm": "it can never be true, so it never warns",
}
_ALWAYS: dict[Effect, str] = {
    "permissive": "it always holds, so it forbids nothing",
    "trip": "it is always true, so the lab can never run",
    "alarm": "it is always true, so it says nothing",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with the rules."""

    kind: FindingKind
    rule: str
    """Name of the rule or of the hazard."""
    line: int | None
    message: str
    """What is wrong, and what to do."""
    witness: str = ""
    """Readings that show it; empty where something is impossible."""

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}" + (f" (for example {self.witness})" if self.witness else "")


def check_consistency(
    rules: Sequence[Rule],
    signals: Mapping[str, SignalSpec],
    hazards: Sequence[Hazard] = (),
    safe_state: Sequence[SafeStateStep] = (),
) -> tuple[Finding, ...]:
    """Look for rules that contradict, repeat or hide each other, and for hazards on which none acts.

    Args:
        rules: The rules, their numbers in the units of the signals.
        signals: What each signal can read.
        hazards: States that must not arise.
        safe_state: The steps into the safe state.

    Returns:
        The findings, in the order of the file. A rule that is never or always true takes no part in the others.
    """
    checker = _Checker(signals, rules)
    found = [
        *checker.decided(),
        *checker.contradictions(),
        *checker.redundant(),
        *checker.masked_alarms(),
        *checker.refused_steps(safe_state),
        *checker.hazards(hazards),
        *_safe_state(signals, checker.sound, hazards, safe_state),
    ]
    return tuple(sorted(found, key=lambda finding: finding.line or 0))


class _Checker:
    """The rules as formulas, and the questions about them."""

    def __init__(self, signals: Mapping[str, SignalSpec], rules: Sequence[Rule]) -> None:
        self._logic = Logic(signals)
        self._rules = rules
        self._when = {rule.name: self._logic.formula(rule.when) for rule in rules}
        self.sound = [rule for rule in rules if self._is_open(self._when[rule.name])]
        """The rules that are sometimes true and sometimes not."""

    def _is_open(self, formula: Any) -> bool:
        return self._logic.can_be(formula) and self._logic.can_be(self._logic.negated(formula))

    def _of(self, effect: Effect) -> list[Rule]:
        return [rule for rule in self.sound if rule.effect == effect]

    def _all(self, rules: Iterable[Rule]) -> list[Any]:
        return [self._when[rule.name] for rule in rules]

    def _none(self, rules: Iterable[Rule]) -> list[Any]:
        return [self._logic.negated(self._when[rule.name]) for rule in rules]

    def decided(self) -> Iterable[Finding]:
        """Rules that are never, or always, true."""
        for rule in self._rules:
            if not self._logic.can_be(self._when[rule.name]):
                yield Finding("never", rule.name, rule.line, f"{_NEVER[rule.effect]}: correct the condition")
            elif rule not in self.sound:
                yield Finding("always", rule.name, rule.line, f"{_ALWAYS[rule.effect]}: correct the condition")

    def contradictions(self) -> Iterable[Finding]:
        """Permissives of one thing that cannot hold together, or hold only while a trip acts."""
        permissives, trips = self._of("permissive"), self._of("trip")
        for i, rule in enumerate(permissives):
            sharing = [other for other in permissives[:i] if _shared(rule, other)]
            rival = next((other for other in sharing if not self._logic.can_be(*self._all([rule, other]))), None)
            if rival is not None or not self._logic.can_be(*self._all([rule, *sharing])):
                names = rival.name if rival else " and ".join(other.name for other in sharing)
                message = f"it cannot hold together with {names}, and both permit {_shared(rule, rival or sharing[0])}"
                yield Finding("contradiction", rule.name, rule.line, f"{message}: correct one of them")
            elif not self._logic.can_be(*self._all([rule]), *self._none(trips)):
                hiding = [trip for trip in trips if self._logic.follows(*self._all([trip, rule]))] or trips
                names = ", ".join(trip.name for trip in hiding)
                message = f"it holds only where a trip acts ({names}), so what it permits can never be written"
                yield Finding("masked", rule.name, rule.line, f"{message}: correct one of them")

    def redundant(self) -> Iterable[Finding]:
        """Rules that act only where others of their effect do."""
        for rule in self.sound:
            others = [other for other in self._of(rule.effect) if other is not rule and _is_wider(other, rule)]
            makers = [
                other for other in others if self._implies(rule, [other]) and not self._is_later_twin(rule, other)
            ]
            if makers:
                message = f"it acts only where {makers[0].name} acts too"
            elif len(others) > 1 and self._implies(rule, others) and not self._has_twin(rule, others):
                message = f"it acts only where one of {', '.join(other.name for other in others)} acts too"
            else:
                continue
            yield Finding("redundant", rule.name, rule.line, f"{message}: remove it, or correct the condition")

    def _implies(self, rule: Rule, others: Sequence[Rule]) -> bool:
        """Whether one of the others acts wherever the rule does. A permissive acts where it does not hold."""
        if rule.effect == "permissive":
            return self._logic.follows(*self._all([rule, *others]))
        return not self._logic.can_be(*self._all([rule]), *self._none(others))

    def _is_later_twin(self, rule: Rule, other: Rule) -> bool:
        """Whether the other says the same, and stands later: then it is the other that is too many."""
        is_later = self._rules.index(other) > self._rules.index(rule)
        return is_later and _is_wider(rule, other) and self._implies(other, [rule])

    def _has_twin(self, rule: Rule, others: Sequence[Rule]) -> bool:
        return any(self._is_later_twin(rule, other) for other in others)

    def masked_alarms(self) -> Iterable[Finding]:
        """Alarms that come only when a trip has acted."""
        trips = self._of("trip")
        for rule in self._of("alarm"):
            if trips and not self._logic.can_be(*self._all([rule]), *self._none(trips)):
                message = "it comes only where a trip acts, so it warns of nothing: let it come earlier, or remove it"
                yield Finding("masked", rule.name, rule.line, message)

    def refused_steps(self, safe_state: Sequence[SafeStateStep]) -> Iterable[Finding]:
        """Permissives that forbid a step into the safe state while a trip acts."""
        for rule in self._of("permissive"):
            steps = [step for step in safe_state if isinstance(step, SetStep) and rule.covers(step.signal)]
            for trip in self._of("trip") if steps else ():
                formulas = [*self._none([rule]), *self._all([trip])]
                if self._logic.can_be(*formulas):
                    message = (
                        f"it forbids to set {steps[0].signal}, a step into the safe state, while {trip.name} trips: "
                        "permit it, or stop the device instead"
                    )
                    witness = self._logic.witness([rule.when, trip.when], *formulas)
                    yield Finding("masked", rule.name, rule.line, message, witness)
                    break

    def hazards(self, hazards: Sequence[Hazard]) -> Iterable[Finding]:
        """Hazards that cannot arise, and those on which no trip acts while every permissive holds."""
        acting = [*self._none(self._of("trip")), *self._all(self._of("permissive"))]
        for hazard in hazards:
            formula = self._logic.formula(hazard.when)
            if not self._logic.can_be(formula):
                message = "this hazard can never arise as it is written: correct the condition"
                yield Finding("never", hazard.name, hazard.line, message)
            elif self._logic.can_be(formula, *acting):
                others = [rule.when for rule in self.sound if rule.effect != "alarm"]
                witness = self._logic.witness([hazard.when, *others], formula, *acting)
                message = "no trip acts on this hazard, and no permissive forbids: add or widen a rule"
                yield Finding("hazard", hazard.name, hazard.line, message, witness)


def _safe_state(
    signals: Mapping[str, SignalSpec], rules: Sequence[Rule], hazards: Sequence[Hazard], steps: Sequence[SafeStateStep]
) -> Iterable[Finding]:
    """Rules and hazards against what the safe state writes, once it has lasted."""
    logic = Logic(signals, is_steady=True)
    safe = [logic.written(step) for step in steps if isinstance(step, SetStep)]
    advice = "correct the step, or the rule"
    for rule in rules if safe else ():
        formula = logic.formula(rule.when)
        if rule.effect == "permissive" and not logic.can_be(formula, *safe):
            message = f"it can never hold in the safe state, so the lab cannot leave it: {advice}"
        elif rule.effect != "permissive" and logic.follows(formula, *safe) and not logic.follows(formula):
            message = f"it is true in the safe state itself, so it can never be reset: {advice}"
        else:
            continue
        yield Finding("safe state", rule.name, rule.line, message, logic.witness([rule.when], *safe))
    for hazard in hazards if safe else ():
        if logic.follows(logic.formula(hazard.when), *safe):
            message = f"the safe state itself is this hazard: {advice}"
            yield Finding("safe state", hazard.name, hazard.line, message, logic.witness([hazard.when], *safe))


def _shared(rule: Rule, other: Rule) -> str:
    """Something that both permit, or nothing."""
    return next((item for item in rule.of if other.covers(item)), "") or next(
        (item for item in other.of if rule.covers(item)), ""
    )


def _is_wider(other: Rule, rule: Rule) -> bool:
    """Whether the other is about all that the rule is about."""
    return all(other.covers(item) for item in rule.of)
