"""The assessment as a document: what ``assessment.json`` holds, and what every other output is made from.

The keys of `AssessmentDocument` are those that the instrument lists under ``outputs.json_top_level``. Page, tables,
OSCAL files, redaction and comparison take such a document and nothing else, so that none of them can say more than it.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from autolab.core.errors import FileError
from facility_review.assessment import Level
from facility_review.backing import (
    Agreement,
    Coverage,
    EvidenceLine,
    GapList,
    Marking,
    Provenance,
    Sensitivity,
    Signature,
    StandardLine,
)
from facility_review.files import spaced_json
from facility_review.parts import (
    Assessor,
    CriterionLine,
    DimensionLine,
    GateLine,
    InstrumentLine,
    LevelLine,
    MetricLine,
    Part,
    Profile,
    UnitLine,
    Window,
)
from facility_review.unitfiles import MOST_READ, unreadable

__all__ = ["AssessmentDocument", "document_schema", "json_text", "read_document"]


class AssessmentDocument(Part):
    """One unit's assessment as of one date."""

    instrument: InstrumentLine
    unit: UnitLine
    as_of: date
    window: Window
    assessors: tuple[Assessor, ...]
    level: LevelLine
    assured_level: LevelLine
    p_level: dict[Level, float]
    gates: tuple[GateLine, ...]
    dimensions: tuple[DimensionLine, ...]
    criteria: tuple[CriterionLine, ...]
    metrics: tuple[MetricLine, ...]
    profile: Profile
    gaps: GapList
    standards_register: tuple[StandardLine, ...]
    evidence_index: tuple[EvidenceLine, ...]
    coverage: Coverage
    agreement: Agreement
    sensitivity: Sensitivity
    provenance: Provenance
    marking: Marking
    signature: Signature = Signature()


def document_schema() -> dict[str, Any]:
    """JSON Schema of ``assessment.json``."""
    schema = AssessmentDocument.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def json_text(document: AssessmentDocument) -> str:
    """The document as JSON; the same document gives the same text."""
    return spaced_json(document.model_dump(mode="json"))


def read_document(path: Path) -> AssessmentDocument:
    """Read an ``assessment.json``. All commands read it here, so that what one of them refuses, all do.

    Raises:
        FileError: it cannot be read, or is no assessment of this shape.
    """
    try:
        if (problem := unreadable(path.resolve().parent, path.resolve().name, MOST_READ)) is not None:
            raise FileError(str(path), None, f"{problem.partition(':')[0]}; name an assessment.json")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileError(str(path), None, "is not UTF-8 text; name an assessment.json") from error
    except OSError as error:
        why = f"cannot be read ({error.strerror}); name an assessment.json that 'autolab review' wrote"
        raise FileError(str(path), None, why) from error
    try:
        return AssessmentDocument.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise FileError(
            str(path), None, f"is no assessment: {place}: {first['msg']}; name an assessment.json"
        ) from error
