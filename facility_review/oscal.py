"""The assessment in NIST's OSCAL: assessment results, and a plan of action and milestones.

OSCAL has no graded score, so that scores, classes and levels are properties in a namespace of our own. Ids are UUIDs
of version 5, made from what they name: the same assessment gives the same files.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from autolab.report.numbers import number_text
from facility_review.backing import EvidenceLine, GapLine
from facility_review.document import AssessmentDocument
from facility_review.parts import CriterionLine

__all__ = ["NAMESPACE", "OSCAL_VERSION", "assessment_results", "plan_of_action"]

OSCAL_VERSION = "1.2.1"
NAMESPACE = "urn:autolab:facility-review"
"""Namespace of our properties."""

Plain = dict[str, Any]


def assessment_results(document: AssessmentDocument) -> Plain:
    """The assessment-results model: a record of evidence is an observation, a criterion a finding, a gap a risk."""
    result: Plain = {
        "uuid": _id(document, "result"),
        "title": f"Readiness of {document.unit.name}",
        "description": f"{document.level.id} {document.level.name}: {document.level.meaning}",
        "start": _start(document.window.first.isoformat()),
        "end": _end(document.as_of.isoformat()),
        "props": list(_result_props(document)),
        "reviewed-controls": {
            "control-selections": [
                {"include-controls": [{"control-id": each.id} for each in document.criteria if each.is_applicable]}
            ]
        },
        "attestations": [{"parts": [_attestation(document, role) for role in document.signature.roles]}],
        "findings": [_finding(document, each) for each in document.criteria if each.is_applicable],
    }
    result |= _if_any("observations", [_observation(document, *each) for each in enumerate(document.evidence_index)])
    result |= _if_any("risks", [_risk(document, each) for each in document.gaps.items])
    plan = _id(document, "assessment plan")
    return {
        "assessment-results": {
            "uuid": _id(document, "assessment results"),
            "metadata": _metadata(document, "Assessment results"),
            "import-ap": {"href": f"#{plan}", "remarks": "The instrument is the plan: it says what is asked and how."},
            "results": [result],
            "back-matter": {
                "resources": [
                    {
                        "uuid": plan,
                        "title": f"{document.instrument.title}, version {document.instrument.version}",
                        "description": document.instrument.disclaimer,
                        "props": [_prop("instrument-sha256", document.instrument.sha256)],
                    }
                ]
            },
        }
    }


def plan_of_action(document: AssessmentDocument) -> Plain:
    """The plan-of-action-and-milestones model: an item for each gap, with the risk that it answers."""
    gaps = document.gaps.items
    plan: Plain = {
        "uuid": _id(document, "plan of action"),
        "metadata": _metadata(document, "Plan of action and milestones"),
        "system-id": {"identifier-type": NAMESPACE, "id": document.unit.id},
    }
    plan |= _if_any("risks", [_risk(document, each, is_alone=True) for each in gaps])
    items = [
        {
            "uuid": _id(document, f"item {each.gap_id}"),
            "title": _line(each.missing_step_or_delta),
            "description": each.action,
            "related-risks": [{"risk-uuid": _id(document, f"risk {each.gap_id}")}],
        }
        for each in gaps
    ]
    nothing = {
        "uuid": _id(document, "no item"),
        "title": "Nothing to do",
        "description": "The assessment found no gap.",
    }
    return {"plan-of-action-and-milestones": plan | {"poam-items": items or [nothing]}}


def _metadata(document: AssessmentDocument, kind: str) -> Plain:
    return {
        "title": f"{kind}: readiness of {document.unit.name}",
        "last-modified": _start(document.as_of.isoformat()),
        "version": document.as_of.isoformat(),
        "oscal-version": OSCAL_VERSION,
        "props": [
            {"name": "marking", "value": _line(document.marking.text)},
            _prop("laboratory", document.unit.laboratory),
            *([_prop("watermark", "SIMULATED PROFILE")] if document.level.is_simulated_profile else []),
        ],
        "remarks": document.instrument.disclaimer,
    }


def _result_props(document: AssessmentDocument) -> Iterator[Plain]:
    yield _prop("level", document.level.id)
    yield _prop("assured-level", document.assured_level.id)
    for level, probability in document.p_level.items():
        yield _prop(f"probability-at-least-{level}", number_text(probability))
    if document.profile.index is not None:
        yield _prop("index", number_text(document.profile.index))
    yield _prop("coverage", number_text(document.coverage.coverage))
    yield _prop("measured-share", number_text(document.coverage.measured_share))
    for gate in document.gates:
        yield _prop(f"gate-{gate.id}", gate.state, kind=gate.kind)
    for dimension in document.dimensions:
        yield _prop(f"dimension-{dimension.id}", "none" if dimension.score is None else number_text(dimension.score))


def _attestation(document: AssessmentDocument, role: str) -> Plain:
    return {"name": "attestation", "title": role, "prose": f"{role}: {document.signature.state}"}


def _observation(document: AssessmentDocument, index: int, line: EvidenceLine) -> Plain:
    observation: Plain = {
        "uuid": _id(document, f"observation {line.id}"),
        "title": _line(f"Evidence {line.id} for {line.subject}"),
        "description": " ".join([line.source, *line.notes, *line.reasons]) or line.id,
        "props": [
            _prop("class", line.evidence_class),
            _prop("realm", line.realm),
            _prop("n", "none" if line.n is None else str(line.n)),
            *([_prop("sha256", line.sha256)] if line.sha256 else []),
            *([_prop("value", number_text(line.value, 10))] if line.value is not None else []),
            *([_prop("step", str(line.step))] if line.step is not None else []),
        ],
        "methods": [line.method],
        "relevant-evidence": [
            {"href": f"assessment.json#/evidence_index/{index}", "description": line.query or line.source or line.id}
        ],
        "collected": _moment(line.collected),
    }
    if line.counts_until is not None:
        observation["expires"] = _end(line.counts_until.isoformat())
    return observation


def _finding(document: AssessmentDocument, line: CriterionLine) -> Plain:
    targets = {each.id: each.next_minimum for each in document.dimensions}
    target = targets.get(line.dimension)
    is_met = target is None or line.score >= target
    reason = "pass" if is_met else "other" if line.evidence_class == "none" else "fail"
    aim = (
        "no level asks for more" if target is None else f"{document.level.next} asks for {target:.2f} of its dimension"
    )
    known = {each.id for each in document.evidence_index}
    finding: Plain = {
        "uuid": _id(document, f"finding {line.id}"),
        "title": f"{line.id} {line.title}",
        "description": line.question,
        "props": [
            _prop("score", f"{line.score:.2f}"),
            _prop("class", line.evidence_class),
            *(_prop("cap", number_text(cap.limit), kind="cap", remarks=cap.reason) for cap in line.caps),
        ],
        "target": {
            "type": "objective-id",
            "target-id": line.id,
            "status": {
                "state": "satisfied" if is_met else "not-satisfied",
                "reason": reason,
                "remarks": f"Score {line.score:.2f}; {aim}. {line.reason}",
            },
        },
    }
    observations = [
        {"observation-uuid": _id(document, f"observation {name}")} for name in line.evidence if name in known
    ]
    risks = [
        {"risk-uuid": _id(document, f"risk {each.gap_id}")} for each in document.gaps.items if each.criterion == line.id
    ]
    return finding | _if_any("related-observations", observations) | _if_any("related-risks", risks)


def _risk(document: AssessmentDocument, gap: GapLine, *, is_alone: bool = False) -> Plain:
    """A gap as a risk.

    Args:
        document: The assessment.
        gap: The gap.
        is_alone: True where the observations are not in the same file, so that none is pointed at.
    """
    low, high = gap.lead_time_days
    task = {
        "uuid": _id(document, f"task {gap.gap_id}"),
        "type": "action",
        "title": _line(gap.action),
        "description": " ".join(filter(None, [gap.command, f"Lead time {low:g} to {high:g} days."])),
    }
    risk: Plain = {
        "uuid": _id(document, f"risk {gap.gap_id}"),
        "title": _line(f"{gap.criterion or gap.gate or gap.gap_id}: {gap.kind}"),
        "description": gap.missing_step_or_delta,
        "statement": f"Evidence needed: {gap.evidence_needed}",
        "props": [
            _prop("effort", gap.effort_class),
            _prop("person-days", f"{gap.person_days[0]:g} to {gap.person_days[1]:g}"),
            _prop("priority", str(gap.priority)),
        ],
        "status": gap.status,
        "remediations": [
            {
                "uuid": _id(document, f"response {gap.gap_id}"),
                "lifecycle": "planned" if gap.due_date else "recommendation",
                "title": _line(gap.action),
                "description": gap.action,
                "tasks": [task],
            }
        ],
    }
    if gap.due_date is not None:
        risk["deadline"] = _end(gap.due_date.isoformat())
    if not is_alone:
        lines = [each for each in document.criteria if each.id == gap.criterion]
        known = {each.id for each in document.evidence_index}
        names = [name for line in lines for name in line.evidence if name in known]
        seen = [{"observation-uuid": _id(document, f"observation {name}")} for name in names]
        risk |= _if_any("related-observations", seen)
    return risk


def _prop(name: str, value: str, *, kind: str = "", remarks: str = "") -> Plain:
    prop: Plain = {"name": name, "ns": NAMESPACE, "value": _line(value) or "none"}
    if kind:
        prop["class"] = kind
    if remarks:
        prop["remarks"] = remarks
    return prop


def _if_any(key: str, items: list[Plain]) -> Plain:
    """A list under its key; nothing where it is empty, as OSCAL forbids empty lists."""
    return {key: items} if items else {}


def _line(text: str) -> str:
    """A text on one line, without spaces around it."""
    return " ".join(text.split())


def _id(document: AssessmentDocument, name: str) -> str:
    whole = f"{NAMESPACE}:{document.instrument.id}:{document.unit.id}:{document.as_of}:{name}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, whole))


def _start(day: str) -> str:
    return f"{day}T00:00:00Z"


def _end(day: str) -> str:
    return f"{day}T23:59:59Z"


def _moment(text: str) -> str:
    return text if text.endswith("Z") or "+" in text else f"{text}Z"
