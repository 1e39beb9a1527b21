"""Assessments as documents, with what a test wants planted in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from facility_review.document import AssessmentDocument
from facility_review.instrument import load_instrument

GATES = [(gate.id, gate.name, gate.type) for gate in load_instrument("0.1.0").file.gates]


def document(
    unit: str = "colour-bench",
    laboratory: str = "Example National Laboratory",
    *,
    name: str | None = None,
    level: str = "R2",
    assured: str | None = None,
    scores: float | Mapping[str, float] = 2.5,
    index: float | None = 50.0,
    interval: tuple[float, float] | None = None,
    failed: Sequence[str] = (),
    not_demonstrated: Sequence[str] = (),
    gaps: Sequence[tuple[str, str]] = (),
    standards: Sequence[tuple[str, str, str]] = (),
    evidence: Sequence[tuple[str, str, str | None]] = (),
    challenges: Sequence[str] = (),
    as_of: date = date(2026, 11, 22),
    version: str = "0.1.0",
    realm: str = "physical",
    path_days: tuple[float, float] = (5, 20),
    redacted: bool = False,
) -> AssessmentDocument:
    """An assessment.

    Args:
        unit: Its id.
        laboratory: Whose it is.
        name: Its name; the id by default.
        level: Level reached.
        assured: Assured level; the level by default.
        scores: Score of every dimension, or of each by its id (2.5 where it is not named).
        index: The index.
        interval: Its interval; one point to each side by default.
        failed: Gates that failed.
        not_demonstrated: Gates that were not demonstrated.
        gaps: Criterion and effort class of each gap.
        standards: Interface, standard and conformance of each entry of the register.
        evidence: Id, state and last day of each record.
        challenges: Challenges that its campaigns name.
        as_of: Day of the assessment.
        version: Version of the instrument.
        realm: Best realm of its evidence.
        path_days: Person-days to the next level.
        redacted: Whether it is the redacted view.
    """
    instrument = load_instrument("0.1.0").file
    of = (lambda _: scores) if isinstance(scores, int | float) else (lambda key: scores.get(key, 2.5))
    levels = {each.id: each for each in instrument.levels}
    order = list(levels)
    effort = {
        "S": ((1, 5), (3, 14)),
        "M": ((6, 20), (15, 56)),
        "L": ((21, 60), (57, 180)),
        "XL": ((61, 250), (181, 540)),
    }
    after = order[min(order.index(level) + 1, len(order) - 1)]
    states = dict.fromkeys(failed, "fail") | dict.fromkeys(not_demonstrated, "not demonstrated")
    simulated = realm == "simulated"

    def line(key: str) -> dict[str, Any]:
        return {"id": key, "name": levels[key].name, "meaning": levels[key].meaning, "is_simulated_profile": simulated}

    return AssessmentDocument.model_validate(
        {
            "instrument": {
                "id": "genesis-facility-readiness",
                "version": version,
                "sha256": "0" * 64,
                "date": "2026-11-21",
                "status": "proposal",
                "title": "Readiness instrument",
                "disclaimer": "Independent proposal. No government body has published or endorsed this scale.",
            },
            "unit": {
                "id": unit,
                "name": name or unit,
                "laboratory": laboratory,
                "realm": realm,
                "challenges": list(challenges),
            },
            "as_of": as_of,
            "window": {"first": as_of, "last": as_of, "note": ""},
            "assessors": [],
            "level": line(level),
            "assured_level": line(assured or level),
            "p_level": {key: 1.0 if order.index(key) <= order.index(level) else 0.0 for key in order[1:]},
            "gates": [
                {
                    "id": key,
                    "name": words,
                    "kind": "hold" if str(kind) == "hold" else "ceiling",
                    "ceiling": "R0" if str(kind) == "hold" else "R2",
                    "state": states.get(key, "pass"),
                    "reasons": [f"{key} is {states[key]}"] if key in states else [],
                }
                for key, words, kind in GATES
            ],
            "dimensions": [
                {
                    "id": each.id,
                    "name": each.name,
                    "weight": each.weight,
                    "score": of(each.id),
                    "mean": of(each.id),
                    "is_held_by_key": False,
                    "n_applicable": 9,
                    "n_with_evidence": 8,
                }
                for each in instrument.dimensions
            ],
            "criteria": [],
            "metrics": [],
            "profile": {
                "index": index,
                "index_interval": interval or (None if index is None else (index - 1, index + 1)),
                "tracks": [],
                "axes": [],
                "answers_3e": [],
                "annual_6a": [],
            },
            "gaps": {
                "blocking": [],
                "items": [
                    {
                        "gap_id": f"{unit}-{criterion}",
                        "unit_id": unit,
                        "kind": "practice gap",
                        "criterion": criterion,
                        "current_score": 1.0,
                        "current_class": "none",
                        "target_score": 2.0,
                        "is_quick": False,
                        "delta_dimension": 0.1,
                        "delta_p_level": 0.0,
                        "missing_step_or_delta": "a step",
                        "evidence_needed": "a record",
                        "action": f"do {criterion}",
                        "effort_class": size,
                        "person_days": effort[size][0],
                        "lead_time_days": effort[size][1],
                        "priority": number,
                        "priority_class": "other",
                        "opened_at": as_of,
                    }
                    for number, (criterion, size) in enumerate(gaps, start=1)
                ],
                "path_to_next": {
                    "target": None if level == after else after,
                    "gaps": [f"{unit}-{criterion}" for criterion, _ in gaps[:2]],
                    "targets": {},
                    "person_days": path_days,
                    "lead_time_days": (3, 56),
                    "is_complete": True,
                    "text": "",
                },
            },
            "standards_register": [
                {
                    "interface_or_practice": interface,
                    "layer": "device",
                    "standard_used": standard,
                    "edition": "",
                    "conformance": conformance,
                }
                for interface, standard, conformance in standards
            ],
            "evidence_index": [
                {
                    "id": key,
                    "subject": "SAF-01",
                    "evidence_class": "attested" if state == "lowered" else "measured",
                    "made_class": "measured",
                    "realm": realm,
                    "method": "TEST",
                    "source": "s",
                    "query": "q",
                    "sha256": None,
                    "integrity": "verified",
                    "tool": "t",
                    "tool_version": "1",
                    "collected": as_of.isoformat(),
                    "seen_on": as_of,
                    "counts_until": until,
                    "n": 1,
                    "collector": "c",
                    "attestor": "",
                    "independence": "self",
                    "marking": "",
                }
                for key, state, until in evidence
            ],
            "coverage": {"coverage": 0.9, "measured_share": 0.7, "n_criteria": 90, "n_with_evidence": 81},
            "agreement": {"statement": ""},
            "sensitivity": {"n_draws": 0, "seed": 1, "index_interval": None, "statement": ""},
            "provenance": {"tool": "autolab", "tool_version": "0", "seed": 1, "draws": 4000},
            "marking": {"text": "INTERNAL - review for CUI and export control before release", "is_redacted": redacted},
        }
    )
