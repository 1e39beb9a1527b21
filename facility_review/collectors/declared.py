"""What people state in ``evidence.yaml``."""

from __future__ import annotations

from collections.abc import Iterator

from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.measuring import Sources

__all__ = ["COLLECTOR"]


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The entries of the unit's file."""
    yield from sources.declared


COLLECTOR = Collector("declared", "evidence.yaml", collect)
