"""The view that may leave the facility: the level and the answers, without what tells where the unit is weak."""

from __future__ import annotations

from facility_review.backing import GapList, Marking, PathLine
from facility_review.document import AssessmentDocument
from facility_review.parts import Answer3e, Assessor, TrackLine

__all__ = ["REMOVED", "redacted"]

REMOVED = (
    "gates one by one",
    "scores of dimensions, criteria and metrics, and the index",
    "gaps and the path to the next level",
    "evidence, its sources, runs and hashes",
    "names of people, devices, files and configurations",
)
"""What is left out, in words."""


def redacted(document: AssessmentDocument) -> AssessmentDocument:
    """The redacted view of an assessment. Redacting it again changes nothing."""
    return document.model_copy(
        update={
            "unit": document.unit.model_copy(update={"boundary": "", "devices": (), "configuration_sha256": None}),
            "assessors": tuple(
                Assessor(name="name left out", role=each.role, independence=each.independence)
                for each in document.assessors
            ),
            "level": document.level.model_copy(update={"provisional": _provisional(document)}),
            "gates": (),
            "dimensions": (),
            "criteria": (),
            "metrics": (),
            "profile": document.profile.model_copy(
                update={
                    "index": None,
                    "index_interval": None,
                    "tracks": tuple(
                        TrackLine(track=each.track, is_applicable=each.is_applicable, level=each.level)
                        for each in document.profile.tracks
                    ),
                    "axes": tuple(each.model_copy(update={"reasons": ()}) for each in document.profile.axes),
                    "answers_3e": tuple(
                        Answer3e(question=each.question, answer=_answer(each.answer), because="")
                        for each in document.profile.answers_3e
                    ),
                    "campaign_metrics": (),
                    "annual_6a": (),
                }
            ),
            "gaps": GapList(blocking=(), items=(), path_to_next=_no_path(document)),
            "standards_register": tuple(
                each.model_copy(update={"effect": "", "criteria": ()}) for each in document.standards_register
            ),
            "evidence_index": (),
            "coverage": document.coverage.model_copy(
                update={"to_mend": (), "missing": (), "claims": (), "claimed_share": 0.0}
            ),
            "agreement": document.agreement.model_copy(update={"statement": "Left out of this view."}),
            "sensitivity": document.sensitivity.model_copy(
                update={"index_interval": None, "statement": "Left out of this view."}
            ),
            "provenance": document.provenance.model_copy(update={"files": ()}),
            "marking": Marking(text=document.marking.text, is_redacted=True, removed=REMOVED),
        }
    )


def _answer(answer: str) -> str:
    """An answer without its measured shares, as their n and window stand in what is left out."""
    return "left out of this view" if "%" in answer else answer


def _provisional(document: AssessmentDocument) -> tuple[str, ...]:
    return ("yes; the reasons are left out of this view",) if document.level.provisional else ()


def _no_path(document: AssessmentDocument) -> PathLine:
    return PathLine(
        target=document.level.next,
        gaps=(),
        targets={},
        person_days=None,
        lead_time_days=None,
        is_complete=document.gaps.path_to_next.is_complete,
        text="Left out of this view.",
    )
