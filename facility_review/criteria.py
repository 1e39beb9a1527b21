"""The score of one criterion: what its value or step is worth, and how far its evidence carries it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from autolab.core.errors import InputError
from facility_review.assessment import Cap, CriterionScore
from facility_review.inputs import MOST, Answer, Fact, Inputs
from facility_review.instrument import Instrument
from facility_review.instrumentmodel import Criterion, Metric
from facility_review.scales import COUNTED, has_interval, raw_score, value_interval, value_on_scale

__all__ = ["NOTHING", "Scored", "check_inputs", "is_true", "known_fact", "score_criteria", "usable_inputs"]

_WANTED: Mapping[str, str] = {
    "bool": "true or false",
    "enum": "one of its words",
    "int": "a whole number of at most 10^12",
    "float": "a finite number",
    "fraction": "a number from 0 to 1",
}
NOTHING = Answer("none", "simulated")
"""What is known of a criterion that nobody has looked at."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A criterion with its answer and its score; the interval of the score is not drawn yet."""

    criterion: Criterion
    answer: Answer
    score: CriterionScore
    is_claimed: bool = False
    """True where it does not apply because somebody says so, and neither a gate nor the unit's roles do."""

    @property
    def cap(self) -> float:
        """The lowest cap."""
        return self.score.caps[0].value if self.score.caps else 5.0


def check_inputs(instrument: Instrument, inputs: Inputs) -> None:
    """Refuse inputs that the instrument does not know, and values that their metric cannot have.

    Raises:
        InputError: the first of them; the message names it.
    """
    for fault in _faults(instrument, inputs):
        raise InputError(f"{inputs.unit}: {fault.why}")


def usable_inputs(instrument: Instrument, inputs: Inputs) -> tuple[Inputs, tuple[str, ...]]:
    """The inputs without what `check_inputs` refuses, which counts as missing, and a sentence for each."""
    found = tuple(_faults(instrument, inputs))
    if not found:
        return inputs, ()
    drop = {(fault.kept_in, fault.name) for fault in found}
    drop |= {("fact_answers", name) for kept_in, name in drop if kept_in == "facts"}
    kept: dict[str, Mapping[str, object]] = {
        "records": inputs.records,
        "not_applicable": inputs.not_applicable,
        "extra_metrics": inputs.extra_metrics,
        "facts": inputs.facts,
        "fact_answers": inputs.fact_answers,
        "waivers": inputs.waivers,
    }
    left: dict[str, Any] = {
        key: {name: item for name, item in items.items() if (key, name) not in drop} for key, items in kept.items()
    }
    return replace(inputs, **left), tuple(f"{fault.why}; it counts as missing" for fault in found)


@dataclass(frozen=True, slots=True)
class _Fault:
    """Something in the inputs that cannot be."""

    kept_in: str
    """Field of the inputs."""
    name: str
    why: str


def _faults(instrument: Instrument, inputs: Inputs) -> Iterator[_Fault]:
    known: list[tuple[str, str, Mapping[str, object], Mapping[str, object]]] = [
        ("criterion", "records", inputs.records, instrument.criteria),
        ("criterion", "not_applicable", inputs.not_applicable, instrument.criteria),
        ("metric", "extra_metrics", inputs.extra_metrics, instrument.metrics),
        ("fact", "facts", inputs.facts, instrument.facts),
        ("fact", "fact_answers", inputs.fact_answers, instrument.facts),
        ("gate", "waivers", inputs.waivers, instrument.gates),
    ]
    for what, kept_in, given, declared in known:
        for name in sorted(set(given) - set(declared)):
            yield _Fault(kept_in, name, f"instrument {instrument.version} has no {what} {name!r}: remove it")
    for name, answer in inputs.records.items():
        scale = instrument.criteria[name].metric if name in instrument.criteria else None
        if scale is not None and (why := _impossible(instrument.metrics[scale.id], answer)):
            yield _Fault("records", name, f"{name}: {why}")
    for name, answer in inputs.extra_metrics.items():
        if name in instrument.metrics and (why := _impossible(instrument.metrics[name], answer)):
            yield _Fault("extra_metrics", name, f"{name}: {why}")
    for name, value in inputs.facts.items():
        choices = instrument.facts[name].values if name in instrument.facts else ()
        if choices and value not in choices:
            yield _Fault("facts", name, f"{name} = {value!r} is none of {', '.join(choices)}")


def _impossible(metric: Metric, answer: Answer) -> str | None:
    value = answer.value
    if value is None:
        return None
    if metric.ci_method in COUNTED and not 0 <= value <= 1:
        return f"{metric.id} = {value:g} is a share: give a value from 0 to 1"
    if value < 0 and not metric.may_be_negative:
        return f"{metric.id} = {value:g} {metric.unit}: it cannot be negative"
    return None


def is_true(instrument: Instrument, inputs: Inputs, fact: str) -> bool:
    """Whether a yes-or-no fact holds; its default where nobody said, or what was said has no evidence left."""
    answer = inputs.fact_answers.get(fact)
    value, _ = known_fact(instrument, inputs, fact)
    if value is None or (answer is not None and answer.evidence_class == "none"):
        return bool(instrument.facts[fact].default)
    return bool(value)


def known_fact(instrument: Instrument, inputs: Inputs, fact: str) -> tuple[Fact | None, str]:
    """The value of a fact, and why it counts as not known although one was given; None where it is not known."""
    value, kind = inputs.facts.get(fact), instrument.facts[fact].type
    if value is None:
        return None, ""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    is_whole = is_number and float(cast("float", value)).is_integer()
    fits = {
        "bool": isinstance(value, bool),
        "enum": isinstance(value, str),
        "int": is_whole and abs(cast("float", value)) <= MOST,
        "float": is_number,
        "fraction": is_number and 0 <= cast("float", value) <= 1,
    }[kind]
    if fits:
        return value, ""
    return None, f"{fact} = {str(value)[:40]!r} counts as not known: give {_WANTED[kind]}"


def score_criteria(instrument: Instrument, inputs: Inputs) -> tuple[Scored, ...]:
    """Score every criterion, in the order of the instrument."""
    lifted = {
        criterion: gate.applies_if
        for gate in instrument.file.gates
        if gate.applies_if is not None and not is_true(instrument, inputs, gate.applies_if)
        for criterion in gate.criteria
    }
    found: list[Scored] = []
    for criterion in instrument.file.criteria:
        answer = inputs.records.get(criterion.id, NOTHING)
        lifting = _lifting(criterion, inputs, lifted)
        claim = inputs.not_applicable.get(criterion.id) if not lifting else None
        why_not = lifting if claim is None else f"{claim.reason} (agreed by {claim.approver})"
        score = _not_applicable(criterion, answer, why_not) if why_not else _score(instrument, criterion, answer)
        found.append(Scored(criterion, answer, score, claim is not None))
    return tuple(found)


def _lifting(criterion: Criterion, inputs: Inputs, lifted: Mapping[str, str]) -> str:
    if criterion.applies_when == "production" and "production" not in inputs.roles:
        return "it is for production units"
    if criterion.id in lifted:
        return f"{lifted[criterion.id]} is false"
    return ""


def _not_applicable(criterion: Criterion, answer: Answer, why: str) -> CriterionScore:
    return _result(criterion, answer, 0.0, (), None, None, is_applicable=False, reason=f"not applicable: {why}")


def _score(instrument: Instrument, criterion: Criterion, answer: Answer) -> CriterionScore:
    if answer.evidence_class == "none":
        cap = Cap("class", 0.0, "there is no evidence")
        return _result(criterion, answer, 0.0, (cap,), None, None, reason="not assessed: counts as 0")
    if criterion.metric is None:
        return _ladder(instrument, criterion, answer)
    metric = instrument.metrics[criterion.metric.id]
    interval = value_interval(metric, answer)
    used = value_on_scale(criterion.metric, answer)
    caps = _caps(instrument, criterion, answer, metric)
    if answer.value is None:
        return _result(criterion, answer, 0.0, caps, None, None, reason=f"{metric.id} has no value: counts as 0")
    if used is None:
        why = f"{metric.id} is scored by its one-sided 95 % bound, and n is not known: counts as 0"
        return _result(criterion, answer, 0.0, caps, interval, None, reason=why)
    raw = raw_score(criterion.metric, used)
    bound = "" if criterion.metric.value_used == "point" else f", one-sided 95 % bound {used:.4g}"
    n = "" if answer.n is None else f", n = {answer.n}"
    why = f"{metric.name}: {answer.value:g} {metric.unit}{bound}{n} scores {raw:.2f}"
    return _result(criterion, answer, raw, caps, interval, used, reason=why + _capped(raw, caps))


def _ladder(instrument: Instrument, criterion: Criterion, answer: Answer) -> CriterionScore:
    caps = _caps(instrument, criterion, answer, None)
    if answer.step is None:
        return _result(criterion, answer, 0.0, caps, None, None, reason="no step is answered: counts as 0")
    raw = float(answer.step)
    said = f"step {answer.step}: {criterion.steps[answer.step - 1]}" if answer.step else "step 1 is not shown"
    return _result(criterion, answer, raw, caps, None, None, reason=said + _capped(raw, caps))


def _caps(instrument: Instrument, criterion: Criterion, answer: Answer, metric: Metric | None) -> tuple[Cap, ...]:
    """The caps below 5, lowest first."""
    rules = instrument.file.evidence
    by_class = rules.class_caps[criterion.kind][answer.evidence_class]
    caps = [
        Cap("class", by_class, f"{answer.evidence_class} evidence of a {criterion.kind} criterion"),
        Cap("realm", rules.realm_caps[answer.realm], f"{answer.realm} evidence"),
    ]
    if metric is not None and answer.n is not None and answer.n < metric.min_n:
        is_tiny = answer.n < metric.min_n / 3
        value = rules.sample_caps.below_third if is_tiny else rules.sample_caps.below_min_n
        part = "a third of " if is_tiny else ""
        caps.append(Cap("sample size", value, f"n = {answer.n} is below {part}{metric.min_n}"))
    if metric is not None and not has_interval(metric, answer):
        caps.append(Cap("interval", rules.sample_caps.no_interval, f"no interval by {metric.ci_method} is available"))
    return tuple(sorted((cap for cap in caps if cap.value < 5), key=lambda cap: cap.value))


def _capped(raw: float, caps: tuple[Cap, ...]) -> str:
    return f"; capped at {caps[0].value:g}: {caps[0].reason}" if caps and caps[0].value < raw else ""


def _result(
    criterion: Criterion,
    answer: Answer,
    raw: float,
    caps: tuple[Cap, ...],
    value_interval: tuple[float, float] | None,
    value_used: float | None,
    *,
    reason: str,
    is_applicable: bool = True,
) -> CriterionScore:
    score = min((raw, *(cap.value for cap in caps)))
    return CriterionScore(
        criterion=criterion.id,
        dimension=criterion.dimension,
        is_applicable=is_applicable,
        raw=raw,
        score=score,
        caps=caps,
        interval=(score, score),
        evidence_class=answer.evidence_class,
        realm=answer.realm,
        value=answer.value,
        value_interval=value_interval,
        value_used=value_used,
        step=answer.step,
        n=answer.n,
        reason=reason,
        evidence=answer.evidence,
        notes=answer.notes,
    )
