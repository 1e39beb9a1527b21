"""Calibrations: whether each result leads to the calibration that stood when it was measured."""

from __future__ import annotations

from collections.abc import Iterator

from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.measuring import PRACTICE_DAYS, Measured, Sources, Window, is_valid, machine_record

__all__ = ["COLLECTOR"]

CRITERION = "PER-09"


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The step of the ladder of traceable measurements, for each realm."""
    parts, _ = sources.parts
    for part in parts:
        window = part.window(PRACTICE_DAYS)
        if window is None:
            continue
        step, n, behind = _linked(window)
        if step:
            found = Measured(step, n, parts=behind)
            yield machine_record(sources, part, window, CRITERION, "calibrations", found, step=step)


COLLECTOR = Collector("calibrations", "journal: calibrations, and the runs that relied on them", collect)


def _linked(window: Window) -> tuple[int, int, dict[str, list[int]]]:
    """Step 3 where each result links to a calibration that stood; step 2 where some do. With the results that do.

    That an overdue calibration blocks a measurement (step 4) is so by construction, and no record of a campaign proves
    it; nor does one flag past results.
    """
    n = 0
    behind: dict[str, list[int]] = {}
    for campaign, trials in window.parts:
        results = [trial.number for trial in trials if is_valid(trial)]
        n += len(results)
        linked = [number for number in results if number in campaign.calibrated]
        if linked:
            behind[campaign.record.id] = linked
    k = sum(map(len, behind.values()))
    return (3 if k == n else 2) if k else 0, k, behind
