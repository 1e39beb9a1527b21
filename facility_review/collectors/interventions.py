"""Interventions: how often people step in, and how long the unit runs without them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.ledger import Campaign, Intervention, Trial
from facility_review.measuring import Measured, Sources, Window, measure
from facility_review.statistics import garwood

__all__ = ["COLLECTOR", "by_people", "unplanned"]

PLANNED = frozenset({"approve", "materials"})
"""Causes that are planned: an approval that the tiers ask for, and the refill that a new stock line declares."""
ACCOMPANYING = frozenset({"accept changes", "change envelope", "rules"})
"""Causes that stand beside the *resume* of the same act."""


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The metrics of interventions, for each realm."""
    parts, _ = sources.parts
    for part in parts:
        yield measure(sources, part, "m_interventions_per_100", "interventions", interventions_per_100)
        yield measure(sources, part, "m_unattended_max", "interventions", longest_unassisted)
        yield measure(sources, part, "m_assisted_max", "interventions", longest_assisted)


COLLECTOR = Collector("interventions", "journal: interventions, trips and settled actions", collect)


def by_people(campaign: Campaign, window: Window, sources: Sources) -> list[Intervention]:
    """What people did to a campaign in the window: interventions, actions in doubt settled, trips reset."""
    trips = () if sources.ledger is None else sources.ledger.trips
    resets = {
        trip.reset: Intervention(None, trip.reset_by or "", "person", "reset", trip.cause, trip.lab_s, trip.reset)
        for trip in trips
        if trip.campaign == campaign.record.id and trip.reset is not None and trip.reset_kind == "person"
    }
    found = [*campaign.interventions, *campaign.settled, *resets.values()]
    people = [each for each in found if each.kind == "person" and window.holds(each.date)]
    return sorted(people, key=lambda each: each.lab_s)


def unplanned(acts: Sequence[Intervention]) -> list[Intervention]:
    """Those that nobody had planned, as far as a journal can tell; a resume belongs to the pause before it."""
    found: list[Intervention] = []
    is_paused = False
    for act in acts:
        if act.cause in PLANNED or act.cause in ACCOMPANYING:
            continue
        if not (act.cause == "resume" and is_paused):
            found.append(act)
        is_paused = act.cause == "pause" or (is_paused and act.cause != "resume")
    return found


def interventions_per_100(window: Window, sources: Sources) -> Measured | str:
    """Unplanned interventions per 100 started trials."""
    n = len(window.trials)
    events = sum(len(unplanned(by_people(campaign, window, sources))) for campaign, _ in window.parts)
    low, high = garwood(events, n)
    notes = (f"{events} interventions; a journal tells planned from unplanned only for approvals and refills",)
    return Measured(100 * events / n, n, interval=(100 * low, 100 * high), notes=notes)


def longest_unassisted(window: Window, sources: Sources) -> Measured | str:
    """Longest time between two interventions of any kind, in hours of lab time."""
    return _longest(window, sources, planned_too=True)


def longest_assisted(window: Window, sources: Sources) -> Measured | str:
    """Longest time between two unplanned interventions, in hours of lab time."""
    return _longest(window, sources, planned_too=False)


def _longest(window: Window, sources: Sources, *, planned_too: bool) -> Measured | str:
    found: list[tuple[float, str, tuple[Trial, ...]]] = []
    for campaign, trials in window.parts:
        acts = by_people(campaign, window, sources)
        breaks = [act.lab_s for act in (acts if planned_too else unplanned(acts))]
        begun, ended = min(t.begun_s or 0.0 for t in trials), max(t.ended_s for t in trials)
        marks = [begun, *(at for at in sorted(breaks) if begun < at < ended), ended]
        longest = max(after - before for before, after in pairwise(marks))
        found.append((longest / 3600.0, campaign.record.id, trials))
    hours, name, trials = max(found, key=lambda item: item[:2])
    return Measured(hours, len(found), parts={name: [trial.number for trial in trials]})
