"""Steps of ladders that the records of campaigns prove by themselves. What they do not prove stays unsaid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.measuring import PRACTICE_DAYS, Measured, Slice, Sources, Window, is_valid, machine_record
from facility_review.units import plain_lab

__all__ = ["COLLECTOR"]


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The steps, for each realm."""
    parts, _ = sources.parts
    realms = _realms_by_file(parts)
    for part in parts:
        window = part.window(PRACTICE_DAYS)
        if window is None:
            continue
        n = len(window.trials)
        steps = (
            ("CAP-05", _measured_in_the_loop(window)),
            ("AIG-03", _bounded(window)),
            ("AIG-06", _approved(window)),
            ("INT-02", _portable(window, realms)),
            ("OPS-05", _tied_to_challenges(window)),
        )
        for criterion, step in steps:
            if step:
                yield machine_record(sources, part, window, criterion, "trials", Measured(step, n), step=step)


COLLECTOR = Collector("practices", "journal: steps of ladders that records prove", collect)


def _measured_in_the_loop(window: Window) -> int:
    """CAP-05, step 3: every result was reduced from a run of its own, and no person corrected one."""
    is_corrected = any(campaign.corrected for campaign, _ in window.parts)
    return 3 if window.valid and all(trial.has_run for trial in window.valid) and not is_corrected else 0


def _bounded(window: Window) -> int:
    """AIG-03, step 3: every trial passed a screen that is no part of the planner, under a declared envelope."""
    has_envelope = all(campaign.record.envelope_hash for campaign, _ in window.parts)
    return 3 if has_envelope and all(trial.is_judged and trial.has_permit for trial in window.trials) else 0


def _approved(window: Window) -> int:
    """AIG-06, step 3: trials that asked for people ran with their signed approval, and there were some."""
    n = 0
    for campaign, trials in window.parts:
        asked = set(campaign.needing_approval) & {trial.number for trial in trials}
        if asked - set(campaign.approved):
            return 0
        n += len(asked)
    return 3 if n else 0


def _realms_by_file(parts: tuple[Slice, ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for part in parts:
        for campaign in part.campaigns:
            if any(is_valid(trial) for trial in campaign.trials):
                found[campaign.record.campaign_hash].add(part.realm)
    return found


def _portable(window: Window, realms: dict[str, set[str]]) -> int:
    """INT-02: step 3, a method file with a hash that binds the equipment; step 4, unchanged on a twin and the unit."""
    hashes = {campaign.record.campaign_hash for campaign, _ in window.parts}
    is_on_both = any({"physical", "simulated"} <= realms.get(name, set()) for name in hashes)
    return 4 if is_on_both else 3 if all(hashes) else 0


def _tied_to_challenges(window: Window) -> int:
    """OPS-05, step 3: each campaign file names its challenge, and its objective has a target."""
    for campaign, _ in window.parts:
        values = plain_lab(campaign.record.campaign_file)
        if values is None or not values.get("challenge") or campaign.record.problem.objective.target is None:
            return 0
    return 3
