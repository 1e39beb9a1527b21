"""Collector of Bluesky documents in files, for labs that do not run autolab."""

from __future__ import annotations

from collections.abc import Iterator

from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.measuring import Sources
from facility_review.trialtables import foreign_records, read_documents

__all__ = ["COLLECTOR"]


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The metrics of each file."""
    for path in sources.unit.bluesky:
        yield from foreign_records(sources, path, read_documents(path), "bluesky")


COLLECTOR = Collector("bluesky", "Bluesky documents in files, named in evidence.yaml", collect)
