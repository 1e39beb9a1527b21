"""The interlocks as a page for whoever stands before the lab: the cause-and-effect matrix, each rule in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autolab.core.interlocks import (
    And,
    Comparison,
    Condition,
    Effect,
    Hazard,
    Held,
    Integral,
    Measure,
    Not,
    Number,
    Operand,
    Or,
    Rate,
    Rule,
    SafeStateStep,
    Signal,
    SignalSpec,
    StopStep,
    Vote,
    measures_in,
    signal_of,
    window_text,
)
from autolab.core.ruletext import parse_condition
from safety.bypasswords import bypass_text
from safety.latches import Bypass

__all__ = ["matrix_page", "words"]

_RELATIONS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least", "==": "", "!=": "not"}
_SECTIONS: dict[Effect, tuple[str, str]] = {
    "trip": (
        "Trips",
        "When the cause is there, the lab goes to its safe state and stays there. **What to do:** keep away from "
        "moving and hot parts, find the cause and remove it. When it has gone, an authorised person resets the trip.",
    ),
    "permissive": (
        "Permissives",
        "While the condition does not hold, nothing is written to what stands under *permits*. **What to do:** bring "
        "the condition about; nothing needs a reset.",
    ),
    "alarm": ("Alarms", "The lab goes on. **What to do:** look after the cause before it becomes a trip."),
}
_UNKNOWN = """\
## When a reading is missing

A reading that is missing, bad, too old, or outside what is possible is *unknown*. A rule that depends on it acts, as if
the danger were there: it trips, forbids or alarms. **What to do:** look at the device and its cable first.
"""


def matrix_page(
    lab: str,
    rules: Sequence[Rule],
    signals: Mapping[str, SignalSpec],
    safe_state: Sequence[SafeStateStep] = (),
    hazards: Sequence[Hazard] = (),
    bypasses: Sequence[Bypass] = (),
) -> str:
    """The page of a lab's interlocks, in Markdown. The same rules that are evaluated are described.

    Args:
        lab: Name of the lab.
        rules: The rules, in the order of the lab file.
        signals: What each signal can read.
        safe_state: The steps into the safe state, in their order.
        hazards: States that the rules keep from arising.
        bypasses: Bypasses that are asked for or in force now.
    """
    parts = [f"# Interlocks of {lab}\n"]
    if bypasses:
        lines = "".join(f"- {bypass_text(bypass)}\n" for bypass in bypasses)
        parts.append(f"**Bypassed now, so that these do not act:**\n\n{lines}")
    if not rules:
        return f"{parts[0]}\nThis lab has no interlocks: nothing watches it but the people in it.\n"
    parts.append(_matrix(rules))
    for effect, (title, advice) in _SECTIONS.items():
        chosen = [rule for rule in rules if rule.effect == effect]
        if chosen:
            parts.append(f"## {title}\n\n{advice}\n\n{''.join(_described(rule) for rule in chosen)}".rstrip() + "\n")
    if safe_state:
        steps = "".join(f"{number}. {_step(step)}\n" for number, step in enumerate(safe_state, start=1))
        parts.append(f"## The safe state\n\n{_SAFE_STATE}\n\n{steps}")
    if hazards:
        lines = "".join(f"- **{hazard.name}**: {words(_as_written(hazard))}\n" for hazard in hazards)
        parts.append(f"## Hazards\n\nThe rules are there so that none of these arises.\n\n{lines}")
    parts += [_UNKNOWN, _signals(rules, signals)]
    return "\n".join(parts)


_SAFE_STATE = """\
A trip takes these steps, in this order. Where a relay has taken the power away, those that need it are not possible."""


def words(condition: Condition) -> str:
    """A condition as a person would say it."""
    match condition:
        case Comparison():
            return _comparison(condition, "is")
        case Not(Comparison() as term):
            return _comparison(term, "is not")
        case Not(term):
            return f"it is not so that {_part(term)}"
        case And(terms):
            return " **and** ".join(_part(term) for term in terms)
        case Or(terms):
            return " **or** ".join(_part(term) for term in terms)
        case Held(term, for_s):
            return f"{_part(term)}, without a break for {window_text(for_s)}"
        case Vote(needed, terms):
            return f"at least {needed} of these {len(terms)}: {'; '.join(words(term) for term in terms)}"


def _part(term: Condition) -> str:
    """A part of a larger condition, in brackets where it could be misread."""
    is_plain = isinstance(term, Comparison) or (isinstance(term, Not) and isinstance(term.term, Comparison))
    return words(term) if is_plain else f"({words(term)})"


def _comparison(comparison: Comparison, verb: str) -> str:
    relation = _RELATIONS[comparison.relation]
    if verb == "is not" and relation == "not":
        verb, relation = "is", ""
    return " ".join(word for word in (_measure(comparison.left), verb, relation, _operand(comparison.right)) if word)


def _measure(measure: Measure) -> str:
    match measure:
        case Signal(name):
            return name
        case Rate(signal, over_s):
            return f"the change of {signal}, as the mean over {window_text(over_s)},"
        case Integral(signal, over_s):
            return f"the sum of {signal} over the last {window_text(over_s)}"


def _operand(operand: Operand) -> str:
    if isinstance(operand, Signal | Rate | Integral):
        return _measure(operand).rstrip(",")
    return ("true" if operand else "false") if isinstance(operand, bool) else str(operand)


def _as_written(rule: Rule | Hazard) -> Condition:
    """The condition with the numbers and units that its author wrote."""
    return parse_condition(rule.text) if rule.text else rule.when


def _matrix(rules: Sequence[Rule]) -> str:
    """The table of causes and effects."""
    permitted = list(dict.fromkeys(item for rule in rules for item in rule.of))
    columns = ["safe state", *(f"no writes to {item}" for item in permitted), "alarm"]
    rows = [f"| cause | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for rule in rules:
        marks = [rule.effect == "trip", *(item in rule.of for item in permitted), rule.effect == "alarm"]
        cause = f"{rule.name} does not hold" if rule.effect == "permissive" else rule.name
        rows.append(f"| {cause} | {' | '.join('●' if mark else ' ' for mark in marks)} |")
    return "\n".join(rows) + "\n"


def _described(rule: Rule) -> str:
    what = "holds when" if rule.effect == "permissive" else "acts when"
    lines = [
        f"### {rule.name}\n",
        f"- **why:** {rule.why}",
        f"- **{what}:** {words(_as_written(rule))}",
        *([f"- **permits:** {', '.join(rule.of)}"] if rule.of else []),
        f"- as the lab file says it: `{rule.text or rule.when}`",
        f"- a reading older than {window_text(rule.stale_after_s)} is unknown",
    ]
    return "\n".join(lines) + "\n\n"


def _step(step: SafeStateStep) -> str:
    if isinstance(step, StopStep):
        return f"stop {step.device}"
    value = f"{step.value:.6g} {step.unit}".rstrip() if isinstance(step.value, float) else _operand(step.value)
    return f"set {step.signal} to {value}"


def _signals(rules: Sequence[Rule], signals: Mapping[str, SignalSpec]) -> str:
    rows = ["## Signals\n", "| signal | unit | can read | rules |", "|---|---|---|---|"]
    measures = {rule.name: measures_in(rule.when) for rule in rules}
    for name, spec in signals.items():
        users = [rule for rule, used in measures.items() if any(signal_of(item) == name for item in used)]
        if users:
            rows.append(f"| {name} | {spec.unit or '–'} | {_range(spec)} | {', '.join(users)} |")
    return "\n".join(rows) + "\n"


def _range(spec: SignalSpec) -> str:
    if spec.values is not None:
        return ", ".join(_operand(value) for value in spec.values)
    if spec.lower is None or spec.upper is None:
        return "any text" if spec.is_text else "any number"
    return f"{Number(spec.lower)} to {Number(spec.upper)}"
