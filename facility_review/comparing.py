"""What changed between two assessments of one unit, and why, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autolab.core.errors import InputError
from autolab.report.numbers import number_text
from facility_review.document import AssessmentDocument
from facility_review.parts import CriterionLine

__all__ = ["changes"]

_SAME = 0.005
"""Scores that differ by less are printed alike."""


def changes(old: AssessmentDocument, new: AssessmentDocument) -> tuple[str, ...]:
    """What changed from one assessment to another, the most important first.

    Raises:
        InputError: they are of two units, or one of them is a redacted view.
    """
    if old.unit.id != new.unit.id:
        raise InputError(f"the earlier assessment is of {old.unit.id}: name one of {new.unit.id}")
    if old.marking.is_redacted or new.marking.is_redacted:
        raise InputError(f"{old.unit.id}: a redacted view cannot be compared; name the full assessment.json")
    said = [*_head(old, new), *_gates(old, new), *_dimensions(old, new), *_criteria(old, new), *_evidence(old, new)]
    return tuple(said) if said else (f"Nothing changed since {old.as_of}.",)


def _head(old: AssessmentDocument, new: AssessmentDocument) -> Iterator[str]:
    if (old.instrument.version, old.instrument.sha256) != (new.instrument.version, new.instrument.sha256):
        yield (
            f"Instrument: {old.instrument.version} became {new.instrument.version}"
            f"{'' if old.instrument.version != new.instrument.version else ' with other contents'}; scores of two "
            "instruments are no trend, and some of the differences below may come from it alone."
        )
    if old.level.id != new.level.id:
        yield f"Level: {old.level.id} on {old.as_of} became {new.level.id} on {new.as_of}."
    if old.assured_level.id != new.assured_level.id:
        yield f"Assured level: {old.assured_level.id} became {new.assured_level.id}."
    if old.unit.configuration_sha256 != new.unit.configuration_sha256:
        yield "Configuration: the unit's devices or limits changed, so that evidence of the old one counts less."
    if (old.provenance.seed, old.provenance.draws) != (new.provenance.seed, new.provenance.draws):
        yield "Draws: seed or number of draws changed; intervals and probabilities differ in their last digits by it."


def _gates(old: AssessmentDocument, new: AssessmentDocument) -> Iterator[str]:
    before = {each.id: each.state for each in old.gates}
    for gate in new.gates:
        was = before.get(gate.id, "not asked")
        if was != gate.state:
            yield f"Gate {gate.id} {gate.name}: {was} became {gate.state}. {' '.join(gate.reasons)}".strip()
    for name in before.keys() - {each.id for each in new.gates}:
        yield f"Gate {name}: {before[name]}, and no longer asked."


def _dimensions(old: AssessmentDocument, new: AssessmentDocument) -> Iterator[str]:
    before = {each.id: each.score for each in old.dimensions}
    for line in new.dimensions:
        was = before.get(line.id)
        if _differ(was, line.score):
            yield f"{line.id} {line.name}: {_text(was)} became {_text(line.score)}."


def _criteria(old: AssessmentDocument, new: AssessmentDocument) -> Iterator[str]:
    before = {each.id: each for each in old.criteria}
    for line in new.criteria:
        was = before.get(line.id)
        if was is None:
            yield f"{line.id} {line.title}: asked for the first time, score {line.score:.2f}."
        elif was.is_applicable != line.is_applicable:
            yield f"{line.id} {line.title}: {'applies now' if line.is_applicable else 'no longer applies'}."
        elif _differ(was.score, line.score):
            why = "; ".join(_reasons(was, line)) or line.reason.rstrip(".")
            yield f"{line.id} {line.title}: {was.score:.2f} became {line.score:.2f}, because {why}."


def _reasons(old: CriterionLine, new: CriterionLine) -> Iterator[str]:
    if old.evidence_class != new.evidence_class:
        yield f"its evidence was {old.evidence_class} and is {new.evidence_class}"
    if old.realm != new.realm and "none" not in (old.evidence_class, new.evidence_class):
        yield f"it was {old.realm} and is {new.realm}"
    if old.value != new.value:
        yield f"its value was {_number(old.value)} and is {_number(new.value)}"
    if old.step != new.step:
        yield f"its step was {_number(old.step)} and is {_number(new.step)}"
    if old.n != new.n:
        yield f"n was {_number(old.n)} and is {_number(new.n)}"
    for cap in new.caps:
        if cap not in old.caps:
            yield f"it is capped at {number_text(cap.limit)}: {cap.reason.rstrip('.')}"


def _evidence(old: AssessmentDocument, new: AssessmentDocument) -> Iterator[str]:
    before = {each.id: each for each in old.evidence_index}
    after = {each.id: each for each in new.evidence_index}
    yield from _listed("came", [name for name in after if name not in before])
    yield from _listed("went", [name for name in before if name not in after])
    for name, line in after.items():
        was = before.get(name)
        if was is None:
            continue
        if was.evidence_class != line.evidence_class:
            why = "; ".join(line.reasons).rstrip(".") or "it was made so"
            yield f"Evidence {name}: {was.evidence_class} became {line.evidence_class}, because {why}."
        elif was.sha256 != line.sha256:
            yield f"Evidence {name}: what it was made from changed (its hash is another)."


def _listed(verb: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        yield f"Evidence that {verb}: {', '.join(names[:8])}{more}."


def _differ(old: float | None, new: float | None) -> bool:
    if old is None or new is None:
        return old is not new
    return abs(old - new) >= _SAME


def _text(score: float | None) -> str:
    return "none" if score is None else f"{score:.2f}"


def _number(value: float | None) -> str:
    return "none" if value is None else number_text(value)
