"""What the sensors of a lab have to read so that a rule acts, found by z3 and confirmed by the interpreter.

A proof test forces these readings. A rule about how fast something changes needs two of them, one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autolab.core.interlocks import (
    Condition,
    Held,
    Integral,
    Not,
    Rate,
    Reading,
    Rule,
    SignalSpec,
    conditions_in,
    measures_in,
    signal_of,
)
from autolab.core.parameters import Value
from safety.interpreter import Interpreter
from safety.logic import Logic

__all__ = ["Course", "acts_without", "course_of", "longest_window_s"]

Course = tuple[Mapping[str, Value], ...]
"""Readings by signal, each for as long as the rule's windows ask; the rule acts on the last."""
_SCANS = 40
"""Scans within a window when a course is tried."""


def course_of(rule: Rule, rules: Sequence[Rule], signals: Mapping[str, SignalSpec]) -> Course | None:
    """Readings on which a rule acts, and if possible no trip beside it.

    Args:
        rule: The rule.
        rules: All rules of the lab.
        signals: What each signal can read.

    Returns:
        None where none were found: what a rule asks of a sum, or of a signal without a range, may take more.
    """
    others = [other.when for other in rules if other.effect == "trip" and other.name != rule.name]
    for courses in (_steady(rule, others, signals), _steady(rule, [], signals), _steep(rule, signals)):
        for course in courses:
            if _acts_on(rule, signals, course):
                return course
    return None


def acts_without(
    rule: Rule, signals: Mapping[str, SignalSpec], missing: Sequence[str], rest: Mapping[str, Value]
) -> bool:
    """Whether a rule acts where some signals are missing and the others read what they read at rest."""
    known = {name: value for name, value in rest.items() if name not in missing}
    return _acts_on(rule, signals, (known,))


def longest_window_s(rules: Sequence[Rule]) -> float:
    """Longest window of any rule, in lab seconds; 0 where none has one."""
    windows = [m.over_s for rule in rules for m in measures_in(rule.when) if isinstance(m, Rate | Integral)]
    holds = [part.for_s for rule in rules for part in conditions_in(rule.when) if isinstance(part, Held)]
    return max([*windows, *holds], default=0.0)


def _steady(rule: Rule, others: Sequence[Condition], signals: Mapping[str, SignalSpec]) -> list[Course]:
    """Readings that stay."""
    when = Not(rule.when) if rule.effect == "permissive" else rule.when
    logic = Logic(signals, is_steady=True)
    found = logic.readings([when], logic.formula(when), *(logic.formula(Not(other)) for other in others))
    return [] if found is None else [(found,)]


def _steep(rule: Rule, signals: Mapping[str, SignalSpec]) -> list[Course]:
    """Readings that go from one end of their range to the other."""
    names = dict.fromkeys(signal_of(measure) for measure in measures_in(rule.when))
    specs = [signals[name] for name in names]
    ends = [(spec.lower, spec.upper) for spec in specs if spec.lower is not None and spec.upper is not None]
    if len(ends) != len(specs):
        return []
    low = {spec.name: lower for spec, (lower, _) in zip(specs, ends, strict=True)}
    high = {spec.name: upper for spec, (_, upper) in zip(specs, ends, strict=True)}
    return [(low, high), (high, low)]


def _acts_on(rule: Rule, signals: Mapping[str, SignalSpec], course: Course) -> bool:
    """Whether a rule acts on the last readings of a course, and not only because it has seen too little."""
    interpreter = Interpreter([rule], signals)
    window_s = max(longest_window_s([rule]), 1e-3)
    at_s, acts = 0.0, False
    for number, values in enumerate(course):
        readings = {name: Reading(value, is_good=True, age_s=0.0) for name, value in values.items()}
        for _ in range(2 * _SCANS):
            at_s += window_s / _SCANS
            acts = rule.acts(interpreter.scan(at_s, readings)[rule.name])
            if acts and number == len(course) - 1 and at_s > window_s * 1.5:
                return True
    return acts
