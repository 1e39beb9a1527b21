"""Gates: conditions that no average can make up for. They are judged before anything is summed."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, cast

from facility_review.assessment import GateResult, GateState
from facility_review.criteria import NOTHING, Scored, is_true, known_fact
from facility_review.inputs import CLASSES, Answer, EvidenceClass, Inputs
from facility_review.instrument import Instrument
from facility_review.instrumentmodel import Condition, Gate, Requirement
from facility_review.scales import value_interval

__all__ = ["judge_gates", "metric_answers", "unmet_condition", "wanted_by"]

Judged = tuple[GateState, str, tuple[str, ...]]
"""State, sentence, and the evidence behind it."""

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "in": lambda value, values: value in values,
}
_WORST_FIRST: tuple[GateState, ...] = ("fail", "not demonstrated", "pass")


def judge_gates(instrument: Instrument, inputs: Inputs, scored: Mapping[str, Scored]) -> tuple[GateResult, ...]:
    """Judge every gate, in the order of the instrument.

    Args:
        instrument: The instrument.
        inputs: What is known of the unit.
        scored: Criteria with their scores, by id.
    """
    return tuple(_judge(instrument, inputs, scored, gate) for gate in instrument.file.gates)


def metric_answers(instrument: Instrument, inputs: Inputs, metric: str) -> tuple[Answer, ...]:
    """What is known of a metric: from the criterion that scores it, and from the metrics beside; none of them empty."""
    found = (inputs.records.get(instrument.criterion_of.get(metric, ""), NOTHING), inputs.extra_metrics.get(metric))
    return tuple(answer for answer in found if answer is not None and answer.evidence_class != "none")


def unmet_condition(instrument: Instrument, inputs: Inputs, condition: Condition) -> str | None:
    """Why a condition of a level does not hold; None where it does.

    Only what is documented or measured on hardware counts. A fact whose evidence is not known is taken as it stands.
    """
    why = ""
    if condition.fact is not None:
        name = condition.fact
        value, why = known_fact(instrument, inputs, name)
        answers = (inputs.fact_answers[name],) if name in inputs.fact_answers else ()
        values = [value]
    else:
        name = condition.metric or ""
        answers = metric_answers(instrument, inputs, name)
        values = [answer.value for answer in answers] or [None]
    wanted = f"{name} {condition.op} {condition.value}"
    for answer in answers:
        if answer.realm != "physical" or _is_worse(answer, "documented"):
            return f"{wanted} is asked for, and what is known of it is {answer.evidence_class} and {answer.realm}"
    for value in values:
        if value is None:
            return f"{wanted} is asked for, and {why or 'nothing is known of it'}"
        if not _COMPARE[condition.op](value, condition.value):
            return f"{wanted} is asked for, and it is {value}"
    return None


def wanted_by(instrument: Instrument, inputs: Inputs, gate: Gate, item: Requirement) -> Any:
    """What a requirement compares with: of a fact that gives it, only where its evidence would do for the gate.

    A fact that was given without any evidence record is taken as it stands.
    """
    if item.value_from is None:
        return item.value
    answer = inputs.fact_answers.get(item.value_from)
    if answer is not None and (
        answer.evidence_class == "none"
        or _is_worse(answer, item.min_class)
        or (gate.type == "hold" and answer.realm != "physical")
    ):
        return item.default
    value, _ = known_fact(instrument, inputs, item.value_from)
    return item.default if value is None else value


def _judge(instrument: Instrument, inputs: Inputs, scored: Mapping[str, Scored], gate: Gate) -> GateResult:
    judged: list[Judged]
    if gate.applies_if is not None and not is_true(instrument, inputs, gate.applies_if):
        state: GateState = "not applicable"
        judged = [(state, f"{gate.applies_if} is false", ())]
    else:
        judged = [_requirement(instrument, inputs, scored, gate, item) for item in gate.require]
        state = next(state for state in _WORST_FIRST if state in [item[0] for item in judged])
    reasons = tuple(item[1] for item in judged)
    waiver = inputs.waivers.get(gate.id)
    if waiver is not None and state in ("fail", "not demonstrated"):
        said = f"waiver by {waiver.authority} until {waiver.expires.isoformat()}: {waiver.reason}"
        if gate.type == "hold":
            reasons = (*reasons, f"{said}; a hold gate cannot be waived")
        else:
            state, reasons = "waived", (*reasons, said)
    return GateResult(
        gate=gate.id,
        name=gate.name,
        kind=gate.type,
        ceiling=gate.ceiling or "R0",
        state=state,
        reasons=reasons,
        criteria=gate.criteria,
        evidence=tuple(dict.fromkeys(record for item in judged for record in item[2])),
    )


def _requirement(
    instrument: Instrument, inputs: Inputs, scored: Mapping[str, Scored], gate: Gate, item: Requirement
) -> Judged:
    wanted = wanted_by(instrument, inputs, gate, item)
    if item.criterion is not None:
        return _criterion(scored[item.criterion], item, wanted)
    if item.fact is not None:
        return _fact(instrument, inputs, gate, item, wanted)
    metric = instrument.metrics[item.metric or ""]
    answers = metric_answers(instrument, inputs, metric.id) or (NOTHING,)
    judged: list[Judged] = []
    for answer in answers:
        value = answer.value
        if item.bound is not None:
            interval = value_interval(metric, answer)
            value = None if interval is None else interval[0 if item.bound == "lower" else 1]
        judged.append(_compared(metric.id, value, answer, item, wanted, must_be_physical=gate.type == "hold"))
    return min(judged, key=lambda one: _WORST_FIRST.index(one[0]))


def _criterion(scored: Scored, item: Requirement, wanted: Any) -> Judged:
    answer = scored.answer if scored.score.is_applicable else NOTHING
    name = scored.criterion.id
    return _compared(f"{name}, score", scored.score.score, answer, item, wanted, must_be_physical=True)


def _fact(instrument: Instrument, inputs: Inputs, gate: Gate, item: Requirement, wanted: Any) -> Judged:
    name = item.fact or ""
    value, why = known_fact(instrument, inputs, name)
    answer = inputs.fact_answers.get(name)
    if why:
        return "not demonstrated", why, () if answer is None else answer.evidence
    if answer is not None:
        return _compared(name, value, answer, item, wanted, must_be_physical=gate.type == "hold")
    if value is None:
        return "not demonstrated", f"{name}: nothing is known of it", ()
    state: GateState = "pass" if _COMPARE[item.op](value, wanted) else "fail"
    return state, f"{name} is {value}; wanted: {item.op} {_listed(wanted)}", ()


def _compared(
    name: str, value: Any, answer: Answer, item: Requirement, wanted: Any, *, must_be_physical: bool
) -> Judged:
    """Judge one value. Evidence that may not be used decides nothing, neither for nor against."""
    bound = f", {item.bound} 95 % bound," if item.bound else ""
    asked = f"wanted: {item.op} {_listed(wanted)}"
    if answer.evidence_class == "none":
        return "not demonstrated", f"{name}: there is no evidence; {asked}", answer.evidence
    if _is_worse(answer, item.min_class):
        why = f"{name}: its evidence is {answer.evidence_class}, and must be {item.min_class}; {asked}"
        return "not demonstrated", why, answer.evidence
    if must_be_physical and answer.realm != "physical":
        return "not demonstrated", f"{name}: its evidence is {answer.realm}, not physical; {asked}", answer.evidence
    if value is None:
        return "not demonstrated", f"{name}{bound} is not known; {asked}", answer.evidence
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    if not _COMPARE[item.op](value, wanted):
        return "fail", f"{name}{bound} is {shown}; {asked}", answer.evidence
    if item.min_n is not None and (answer.n or 0) < item.min_n:
        n = "not known" if answer.n is None else str(answer.n)
        return "not demonstrated", f"{name} is {shown}, and n is {n}: at least {item.min_n} are asked", answer.evidence
    return "pass", f"{name}{bound} is {shown}; {asked}", answer.evidence


def _is_worse(answer: Answer, least: EvidenceClass) -> bool:
    return CLASSES.index(answer.evidence_class) > CLASSES.index(least)


def _listed(wanted: Any) -> str:
    return " or ".join(cast("tuple[str, ...]", wanted)) if isinstance(wanted, tuple) else str(wanted)
