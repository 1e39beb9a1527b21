"""Configuration hashes: whether the approved hazard analysis is of the unit as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.measuring import Sources

__all__ = ["COLLECTOR"]

FACT = "hazard_analysis_config_hash_matches"


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The fact that each stated hazard analysis (SAF-01) gives by its configuration hash."""
    present = sources.unit.configuration
    for record in sources.declared:
        if isinstance(record, Finding) or record.subject != "SAF-01" or record.configuration is None:
            continue
        if present is None:
            said = f"{record.id}: the unit has no configuration hash, so that of the analysis is compared with nothing"
            yield Finding(said, record.file, record.line, FACT, record.id)
            continue
        yield replace(
            record,
            id=f"{FACT}-{record.id}",
            subject=FACT,
            step=None,
            fact=record.configuration == present,
            query=f"configuration of the analysis {record.configuration[:12]}…, of the unit {present[:12]}…",
            configuration=None,
            supersedes=(),
        )


COLLECTOR = Collector("configuration", "evidence.yaml and lab file: configuration hashes", collect)
