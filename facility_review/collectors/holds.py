"""Requests to pause or stop: how long it takes until the unit is in its safe state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding, not_computed
from facility_review.ledger import Campaign
from facility_review.measuring import Measured, Slice, Sources, machine_record
from facility_review.statistics import quantile_interval, wilson

__all__ = ["COLLECTOR"]

LATENCY = "m_pause_latency_p95"
HONOURED = "hold_requests_honoured_share"


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The latency of holds, and the share that was honoured, for each realm."""
    parts, _ = sources.parts
    for part in parts:
        yield from _holds(sources, part)


COLLECTOR = Collector("holds", "journal: requests to pause and to stop", collect)


def _holds(sources: Sources, part: Slice) -> Iterator[EvidenceRecord | Finding]:
    """A hold is reached when all steps into the safe state were taken, before the campaign was resumed."""
    window = part.window(sources.instrument.metrics[LATENCY].window_days)
    n, latencies = 0, list[float]()
    for campaign, _ in () if window is None else window.parts:
        for asked in campaign.holds:
            if window is not None and window.holds(asked):
                n += 1
                latencies += _latency_s(campaign, asked)
    if window is None or not n:
        said = "no request to pause or stop came from another process, so none has a time"
        yield not_computed(LATENCY, said, part.realm)
        return
    k = len(latencies)
    share = Measured(k / n, n, k, wilson(k, n))
    yield machine_record(sources, part, window, HONOURED, "hold requests", share, fact=k / n)
    if latencies:
        rank = max(0, -(-95 * k // 100) - 1)
        low, high = quantile_interval(latencies, 0.95)
        interval = None if low is None or high is None else (low, high)
        found = Measured(sorted(latencies)[rank], k, interval=interval)
        yield machine_record(sources, part, window, LATENCY, "hold requests", found)


def _latency_s(campaign: Campaign, asked: str) -> list[float]:
    """Seconds until the safe state; none where it was not reached."""
    for each in campaign.interventions:
        if each.date < asked:
            continue
        if each.cause == "resume":
            return []
        if each.kind == "system" and each.cause == "safe state":
            reached = datetime.fromisoformat(each.date) - datetime.fromisoformat(asked)
            return [] if "failed" in each.detail else [reached.total_seconds()]
    return []
