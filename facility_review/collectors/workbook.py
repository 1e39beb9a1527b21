"""A workbook of the criteria that somebody has filled in."""

from __future__ import annotations

from collections.abc import Iterator

from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.measuring import Sources
from facility_review.spreadsheet import read_workbook

__all__ = ["COLLECTOR"]


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The answers in it."""
    if sources.unit.workbook is not None:
        yield from read_workbook(sources.unit, sources.unit.workbook, sources.instrument)


COLLECTOR = Collector("workbook", "workbook named in evidence.yaml", collect)
