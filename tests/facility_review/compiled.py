"""Documents of the worked examples, each with a record of evidence behind every answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache

from facility_review.backing import SourceFile
from facility_review.compiling import UnitFacts, compile_document
from facility_review.document import AssessmentDocument
from facility_review.evidence import EvidenceRecord, judge
from facility_review.inputs import Answer, Inputs
from facility_review.scoring import score
from tests.facility_review.examples import inputs_of, instrument

__all__ = ["AS_OF", "PERSON", "RUNS", "document", "document_of"]

AS_OF = date(2026, 11, 22)
PERSON = "Ada Lovelace"
RUNS = ("teal-in-forty-20261101t080000: trials 1-40", "blue-20261102t080000: trials 1-30, 32")
SECRET = "/srv/unit/interlocks.pdf"


@lru_cache(maxsize=8)
def document(name: str) -> AssessmentDocument:
    """The document of a worked example."""
    return document_of(inputs_of(name))


def document_of(inputs: Inputs, as_of: date = AS_OF) -> AssessmentDocument:
    """The document of a unit whose answers each rest on one record of evidence."""
    records: list[EvidenceRecord] = []
    kept: dict[str, dict[str, Answer]] = {"records": {}, "extra_metrics": {}}
    for kind, answers in (("records", inputs.records), ("extra_metrics", inputs.extra_metrics)):
        for subject, answer in answers.items():
            if answer.evidence_class == "none":
                kept[kind][subject] = answer
                continue
            record = _record(inputs.unit, subject, answer)
            records.append(record)
            kept[kind][subject] = replace(answer, evidence=(record.id,))
    known = replace(inputs, **kept)
    unit = UnitFacts(
        laboratory="Example National Laboratory",
        boundary="bench 3 with its hood",
        devices=("stage", "arm"),
        owner="federal",
        configuration="c0" * 32,
        challenges=("reenvisioning-advanced-manufacturing",),
        files=(SourceFile(path="labs/bench/lab.yaml", sha256="d0" * 32),),
        to_mend=("labs/bench/evidence.yaml:12: a file is gone",),
        lab_file="labs/bench/lab.yaml",
    )
    judged = [judge(each, as_of, None, None) for each in records]
    return compile_document(instrument(), known, score(instrument(), known), judged, unit, as_of)


def _record(unit: str, subject: str, answer: Answer) -> EvidenceRecord:
    return EvidenceRecord(
        id=f"{subject}-journal",
        unit=unit,
        subject=subject,
        evidence_class=answer.evidence_class,
        realm=answer.realm,
        method="TEST",
        source=SECRET,
        collected=datetime(2026, 11, 1, 8, tzinfo=UTC),
        value=answer.value,
        step=answer.step,
        n=answer.n,
        interval=answer.interval,
        query="SELECT COUNT(*) FROM trials",
        sha256="e0" * 32,
        tool="autolab",
        tool_version="0.1.0",
        collector="trials",
        attestor=PERSON,
        runs=RUNS,
    )
