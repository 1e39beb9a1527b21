"""The audit log: how much of it verifies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import autolab
from autolab.core.canonical import content_hash
from autolab.journal.audit import Audit
from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding, not_computed
from facility_review.measuring import Sources

__all__ = ["COLLECTOR"]


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The integrity of the log, in the realm of the best campaign that it records."""
    checked, metric = sources.audit, "m_log_integrity"
    if checked is None or sources.ledger is None:
        yield not_computed(metric, "no log of this unit was checked")
        return
    parts, _ = sources.parts
    audits = _distinct(sources.audits or (checked,))
    n = sum(each.entries for each in audits)
    if not parts or not n:
        yield not_computed(metric, "the log holds no campaign of this unit")
        return
    part = parts[0]
    good = sum(map(_verified, audits))
    said = dict.fromkeys(note for each in audits for note in each.notes)
    notes = ("the order is that of the entries; their dates are not compared", *said)
    yield EvidenceRecord(
        id=f"{metric}-log",
        unit=sources.unit.id,
        subject=metric,
        evidence_class="measured",
        realm=part.realm,
        method="TEST",
        source=f"log of {sources.ledger.folder}",
        collected=datetime.combine(sources.as_of, datetime.min.time(), tzinfo=UTC),
        value=good / n,
        n=n,
        successes=good,
        query="autolab audit verify",
        sha256=content_hash([_key(each) for each in audits]),
        tool="autolab audit verify",
        tool_version=autolab.__version__,
        collector="audit",
        attestor=part.person,
        identity=part.identity,
        runs=tuple(campaign.record.id for campaign in part.campaigns),
        notes=notes,
    )


def _key(checked: Audit) -> list[object]:
    return [checked.entries, checked.rows, checked.covered and checked.covered.root]


def _distinct(audits: Sequence[Audit]) -> tuple[Audit, ...]:
    """The checks without those of copies of one log."""
    return tuple({str((_key(each), each.findings)): each for each in audits}.values())


def _verified(checked: Audit) -> int:
    """Entries before the first that is wrong, and under a signed head that agrees; none where no place is known."""
    covered = 0 if checked.covered is None else checked.covered.size
    if any(finding.seq is None for finding in checked.findings):
        return 0
    return min([covered, *(finding.seq - 1 for finding in checked.findings if finding.seq is not None)])


COLLECTOR = Collector("audit", "journal: its log and the signed heads", collect)
