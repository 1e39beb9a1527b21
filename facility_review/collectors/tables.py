"""Collector of trial tables (CSV), for labs that do not run autolab."""

from __future__ import annotations

from collections.abc import Iterator

from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.measuring import Sources
from facility_review.trialtables import foreign_records, read_table

__all__ = ["COLLECTOR"]


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The metrics of each file."""
    for path in sources.unit.tables:
        yield from foreign_records(sources, path, read_table(path), "tables")


COLLECTOR = Collector("tables", "trial tables (CSV), named in evidence.yaml", collect)
