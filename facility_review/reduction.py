"""From evidence to what scoring takes: one answer for each criterion, metric and fact.

Pure: no clock, no files, no chance. The order of the records never matters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from autolab.config.words import did_you_mean
from facility_review.collecting import UnitEvidence
from facility_review.evidence import (
    COMPARED,
    EvidenceRecord,
    Finding,
    Judged,
    impossible,
    is_computed,
    is_expired,
    judge,
)
from facility_review.inputs import CLASSES, REALMS, Answer, Fact, Inputs, Realm
from facility_review.instrument import Instrument
from facility_review.scales import value_interval
from facility_review.units import Unit

__all__ = ["Examined", "examine", "reduce"]

Kind = Literal["metric", "practice", "document"]
LARGER_IS_WORSE = frozenset({"open_serious_events", "software_can_actuate"})
"""Facts of which more speaks against the unit, or asks more of it."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of the evidence of a unit on one day."""

    inputs: Inputs
    judged: tuple[Judged, ...]
    """Each record with what it still counts, in the order of their ids."""
    findings: tuple[Finding, ...]
    """What a person should know, that of the collectors first."""


def reduce(instrument: Instrument, evidence: UnitEvidence, as_of: date) -> Inputs:
    """What scoring takes, see `examine`."""
    return examine(instrument, evidence, as_of).inputs


def examine(instrument: Instrument, evidence: UnitEvidence, as_of: date) -> Examined:
    """Judge each record on a day, and let one answer stand for each criterion, metric and fact.

    Of records in one realm the best class stands; where two disagree, the one that is less favourable does, and a
    finding says so. Between realms the one stands whose class and realm allow the higher score, unless another one
    disagrees and is less favourable; of a lesser realm, that counts only where its class is better.

    Args:
        instrument: What is asked, and what each class and realm may earn.
        evidence: What was gathered of the unit.
        as_of: The day.
    """
    unit = evidence.unit
    records = sorted(evidence.records, key=lambda record: (record.id, record.sha256 or "", repr(record)))
    judged, findings = list[Judged](), list[Finding]()
    by_subject: dict[str, list[Judged]] = defaultdict(list)
    for record in records:
        subject = _subject(instrument, record.subject)
        if refusal := _refusal(instrument, evidence, record, subject) or impossible(instrument, record):
            findings.append(_found(record, refusal))
            judged.append(Judged(record, "none", record.realm, (refusal,)))
            continue
        found = judge(record, as_of, _window(instrument, subject), unit.configuration)
        findings += [_found(record, why) for why in found.reasons]
        judged.append(found)
    superseded, refused = _superseded(instrument, judged, as_of)
    findings += refused
    for place, each in enumerate(judged):
        if why := superseded.get(each.record.id):
            findings.append(_found(each.record, why, is_routine=True))
            judged[place] = Judged(each.record, "none", each.record.realm, (why,))
        elif each.evidence_class != "none":
            by_subject[_subject(instrument, each.record.subject)].append(each)
    answers: dict[str, Answer] = {}
    facts: dict[str, Fact] = {}
    for subject in sorted(by_subject):
        standing, disagreement = _standing(instrument, subject, by_subject[subject])
        findings += disagreement
        if standing is not None:
            answers[subject] = _answer(standing, by_subject[subject])
            if standing.record.fact is not None:
                facts[subject] = standing.record.fact
    findings += _idle(instrument, unit, as_of, answers)
    inputs = _inputs(instrument, evidence, as_of, answers, facts)
    return Examined(inputs, tuple(judged), tuple(dict.fromkeys([*evidence.findings, *findings])))


def _found(record: EvidenceRecord, why: str, *, is_routine: bool = False) -> Finding:
    """What is said of a record; nobody wrote what a collector computed, so that there is nothing in it to mend."""
    is_routine = is_routine or record.file is None
    return Finding(f"{record.id}: {why}", record.file, record.line, record.subject, record.id, is_routine)


def _superseded(instrument: Instrument, judged: Sequence[Judged], as_of: date) -> tuple[dict[str, str], list[Finding]]:
    """Why which record counts no more, because a later one takes its place; and why others do not take one."""
    by_id: dict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        by_id[each.record.id].append(each)
    found, findings = dict[str, str](), list[Finding]()
    for each in judged:
        for name in each.record.supersedes:
            others = by_id.get(name, [])
            if why := _keeps_its_place(instrument, each, name, others, as_of):
                findings.append(_found(each.record, f"it does not take the place of {name}: {why}"))
            elif _comes_back(name, each.record.id, by_id):
                why = "one takes the place of the other in a circle: both stay; take one 'supersedes' away"
                findings.append(_found(each.record, f"it does not take the place of {name}: {why}"))
            else:
                found[name] = f"{each.record.id} takes the place of {name}"
    compared = {f"{COMPARED}-{name}": why for name, why in found.items()}
    return found | {name: f"{why}, of which it is" for name, why in compared.items() if name in by_id}, findings


def _keeps_its_place(
    instrument: Instrument, judged: Judged, name: str, others: Sequence[Judged], as_of: date
) -> str | None:
    """Why a record does not take the place of the one of a name; None where it may."""
    record, subject = judged.record, _subject(instrument, judged.record.subject)
    if record.id == name:
        return "it is itself"
    if len(others) != 1:
        return "there is no such evidence" if not others else f"{len(others)} records bear this id"
    other = others[0]
    if _subject(instrument, other.record.subject) != subject:
        return f"it is about {record.subject}, and {name} about {other.record.subject}"
    if is_computed(other.record):
        return f"{name} was computed from records ({other.record.collector}), and no statement replaces it"
    if judged.evidence_class == "none":
        return "it does not count itself"
    if CLASSES.index(judged.evidence_class) > CLASSES.index(other.evidence_class):
        return f"it counts as {judged.evidence_class}, and {name} as {other.evidence_class}"
    if REALMS.index(judged.realm) > REALMS.index(other.realm):
        return f"it counts as {judged.realm}, and {name} as {other.realm}"
    if record.seen_on < other.record.seen_on:
        return f"it is of {record.seen_on}, and {name} is newer ({other.record.seen_on})"
    if is_expired(record, as_of, _window(instrument, subject)):
        return "it has expired"
    return None


def _comes_back(start: str, target: str, by_id: Mapping[str, Sequence[Judged]]) -> bool:
    """Whether a way along ``supersedes`` leads from one id to another."""
    seen, ahead = set[str](), [start]
    while ahead:
        name = ahead.pop()
        if name == target:
            return True
        if name not in seen:
            seen.add(name)
            ahead += [other for each in by_id.get(name, ()) for other in each.record.supersedes]
    return False


def _window(instrument: Instrument, subject: str) -> int | None:
    """The window of the metric of a subject, in days; None for ladders and facts."""
    metric = _metric(instrument, subject)
    return None if metric is None else instrument.metrics[metric].window_days


def _inputs(
    instrument: Instrument,
    evidence: UnitEvidence,
    as_of: date,
    answers: Mapping[str, Answer],
    facts: Mapping[str, Fact],
) -> Inputs:
    unit = evidence.unit
    return Inputs(
        unit=unit.id,
        name=unit.name,
        roles=unit.roles,
        facts=facts,
        extra_metrics={key: answer for key, answer in answers.items() if key in instrument.metrics},
        records={key: answer for key, answer in answers.items() if key in instrument.criteria},
        fact_answers={key: answer for key, answer in answers.items() if key in instrument.facts},
        not_applicable={
            key: item for key, item in unit.not_applicable.items() if key in instrument.criteria and key not in answers
        },
        waivers={key: waiver for key, waiver in unit.waivers.items() if waiver.expires >= as_of},
        agreement=unit.agreement,
    )


def _idle(instrument: Instrument, unit: Unit, as_of: date, answers: Mapping[str, Answer]) -> Iterator[Finding]:
    """Waivers, and criteria that are said not to apply, that change nothing."""
    source = None if unit.evidence is None else unit.evidence.source
    file, gates = (None if source is None else source.file), {gate.id for gate in instrument.file.gates}
    for gate, waiver in unit.waivers.items():
        line = None if source is None else source.line(("waivers", gate))
        if gate not in gates:
            yield Finding(f"waiver of {gate!r}: there is no such gate: write {min(gates)} to {max(gates)}", file, line)
        elif waiver.expires < as_of:
            said = f"waiver of {gate}: it expired on {waiver.expires}, and does not count on {as_of}: ask for a new one"
            yield Finding(said, file, line, gate)
    for name in unit.not_applicable:
        line = None if source is None else source.line(("not_applicable", name))
        if name not in instrument.criteria:
            said = f"{name!r} is said not to apply, and there is no such criterion: see the reference of criteria"
            yield Finding(said, file, line)
        elif name in answers:
            said = f"{name} is said not to apply, and there is evidence of it: it applies; take this or that out"
            yield Finding(said, file, line, name)


def _subject(instrument: Instrument, name: str) -> str:
    """The criterion that scores a metric; any other name as it is."""
    return instrument.criterion_of.get(name, name)


def _metric(instrument: Instrument, subject: str) -> str | None:
    """The metric of a subject; None for ladders and facts."""
    if subject in instrument.criteria:
        scale = instrument.criteria[subject].metric
        return None if scale is None else scale.id
    return subject if subject in instrument.metrics else None


def _refusal(instrument: Instrument, evidence: UnitEvidence, record: EvidenceRecord, subject: str) -> str | None:
    """Why a record cannot be used at all; None where it can."""
    known = [*instrument.criteria, *instrument.metrics, *instrument.facts]
    if subject not in known:
        guess = did_you_mean(record.subject, known)
        hint = f"did you mean {guess!r}?" if guess else "see the reference of criteria"
        return f"the instrument {instrument.version} has no criterion, metric or fact {record.subject!r}: {hint}"
    if record.unit != evidence.unit.id:
        return f"it is evidence of {record.unit!r}, and this unit is {evidence.unit.id!r}: it does not count"
    if subject in instrument.facts:
        return None if record.fact is not None else "it gives no value for the fact"
    if _metric(instrument, subject) is not None:
        return None if record.value is not None else f"{subject} is scored by a number: give 'value'"
    return None if record.step is not None else f"{subject} is a ladder: give 'step', 0 to 5"


def _standing(
    instrument: Instrument, subject: str, judged: Sequence[Judged]
) -> tuple[Judged | None, tuple[Finding, ...]]:
    """The record that stands, and the disagreements that it stands against."""
    by_realm: dict[Realm, list[Judged]] = defaultdict(list)
    for each in judged:
        if each.evidence_class != "none":
            by_realm[each.realm].append(each)
    best: list[Judged] = []
    findings: list[Finding] = []
    for realm in REALMS:
        if realm in by_realm:
            chosen, said = _least_favourable(instrument, subject, by_realm[realm])
            best.append(chosen)
            findings += said
    if not best:
        return None, ()
    leading = max(best, key=lambda each: (_worth(instrument, subject, each), -REALMS.index(each.realm)))
    against = [each for each in best if _contradicts(instrument, subject, leading, each)]
    if not against:
        return leading, tuple(findings)
    chosen = min(
        [leading, *(each for each in against if not _is_behind(each, leading))],
        key=lambda each: (_favour(instrument, subject, each), _standing_order(each)),
    )
    said = ", ".join(f"{each.record.id} ({each.realm}) says {_said(each)}" for each in [leading, *against])
    text = f"{subject}: {said}; they disagree, and {chosen.record.id} stands until that is settled"
    return chosen, (*findings, Finding(text, subject=subject, record=chosen.record.id))


def _contradicts(instrument: Instrument, subject: str, leading: Judged, other: Judged) -> bool:
    """Whether a record of another realm says something else; what proves a step says nothing of higher ones."""
    a, b = leading.record, other.record
    if other is leading or (b.is_at_least and (b.step or 0) <= (a.step or 0)):
        return False
    if a.is_at_least and (a.step or 0) <= (b.step or 0):
        return False
    return _disagree(instrument, subject, leading, other)


def _is_behind(judged: Judged, other: Judged) -> bool:
    """Whether the other is of a better realm and of no worse class: a rehearsal says little against hardware."""
    is_worse_realm = REALMS.index(judged.realm) > REALMS.index(other.realm)
    return is_worse_realm and CLASSES.index(judged.evidence_class) >= CLASSES.index(other.evidence_class)


def _worth(instrument: Instrument, subject: str, judged: Judged) -> float:
    """The highest score that class and realm allow; of what proves a step and no more, at most that step."""
    kind: Kind = instrument.criteria[subject].kind if subject in instrument.criteria else "metric"
    rules = instrument.file.evidence
    cap = min(rules.class_caps[kind][judged.evidence_class], rules.realm_caps[judged.realm])
    return min(cap, judged.record.step or 0) if judged.record.is_at_least else cap


def _least_favourable(
    instrument: Instrument, subject: str, judged: Sequence[Judged]
) -> tuple[Judged, tuple[Finding, ...]]:
    """Of records in one realm, the one of the best class, or the least favourable of those that disagree with it."""
    exact = [each for each in judged if not each.record.is_at_least]
    proven = sorted((each for each in judged if each.record.is_at_least), key=_standing_order)
    if not exact:
        return max(proven, key=lambda each: _worth(instrument, subject, each)), ()
    leading = min(exact, key=_standing_order)
    others = [*exact, *(each for each in proven if (each.record.step or 0) > (leading.record.step or 0))]
    against = sorted((each for each in others if _disagree(instrument, subject, leading, each)), key=_standing_order)
    if not against:
        return max([leading, *proven], key=lambda each: _worth(instrument, subject, each)), ()
    chosen = min([leading, *against], key=lambda each: (_favour(instrument, subject, each), _standing_order(each)))
    said = ", ".join(f"{each.record.id} says {_said(each)}" for each in [leading, *against])
    text = f"{subject}: {said}; they disagree, and the less favourable one stands until that is settled"
    return chosen, (Finding(text, subject=subject, record=chosen.record.id),)


def _standing_order(judged: Judged) -> tuple[int, int, int, str]:
    """Best class, then largest count, then newest, then by id."""
    record = judged.record
    return CLASSES.index(judged.evidence_class), -(record.n or 0), -record.seen_on.toordinal(), record.id


def _disagree(instrument: Instrument, subject: str, one: Judged, other: Judged) -> bool:
    """Whether two records say different things.

    Numbers agree where the less favourable one is within the interval that value and n of the other give. What
    somebody states as an interval is not asked: a wide one would agree with everything.
    """
    worse, better = sorted((one, other), key=lambda each: _favour(instrument, subject, each))
    a, b = worse.record, better.record
    if a.value is None or b.value is None:
        return a.step != b.step or a.fact != b.fact
    metric = _metric(instrument, subject)
    answer = Answer(better.evidence_class, better.realm, value=b.value, n=b.n)
    low, high = (None if metric is None else value_interval(instrument.metrics[metric], answer)) or (b.value, b.value)
    slack = 1e-9 * max(1.0, abs(a.value), abs(b.value))
    return not low - slack <= a.value <= high + slack


def _favour(instrument: Instrument, subject: str, judged: Judged) -> float:
    """A number that is larger the better the record speaks of the unit."""
    record = judged.record
    if record.step is not None:
        return float(record.step)
    metric = _metric(instrument, subject)
    if record.value is not None and metric is not None:
        return record.value if instrument.metrics[metric].better == "higher" else -record.value
    favour = _fact_favour(record.fact)
    return -favour if subject in LARGER_IS_WORSE else favour


def _fact_favour(fact: Fact | None) -> float:
    """False before true, small before large, and the independence of assessors in its order."""
    if isinstance(fact, str):
        order = ("self", "peer", "third_party")
        return float(order.index(fact)) if fact in order else -1.0
    return -1.0 if fact is None else float(fact)


def _said(judged: Judged) -> str:
    record = judged.record
    what = record.value if record.value is not None else record.step if record.step is not None else record.fact
    return f"{what:g}" if isinstance(what, float) else str(what)


def _answer(standing: Judged, judged: Iterable[Judged]) -> Answer:
    record = standing.record
    others = sorted(each.record.id for each in judged if each is not standing and each.evidence_class != "none")
    return Answer(
        evidence_class=standing.evidence_class,
        realm=standing.realm,
        value=record.value,
        step=record.step,
        n=record.n,
        interval=record.interval,
        evidence=(record.id, *others),
        notes=(*standing.reasons, *record.notes),
    )
