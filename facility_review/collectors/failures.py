"""Failures: whether they are kept as data, what the unit does about them, and how it is restored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from autolab.core.faults import FaultKind
from facility_review.collecting import Collector
from facility_review.collectors.interventions import by_people
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.ledger import Campaign
from facility_review.measuring import Measured, Sources, Window, hours_active, measure
from facility_review.resampling import ratio_interval
from facility_review.statistics import mtbf_interval, wilson

__all__ = ["COLLECTOR"]

ENDED_BADLY = frozenset({"failed", "stopped", "paused"})
STOPS = frozenset({"pause", "stop", "trip", "safe state"})
"""Causes that mark the moment at which a campaign stood."""


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The metrics of failures, for each realm."""
    parts, _ = sources.parts
    for part in parts:
        yield measure(sources, part, "m_failures_recorded", "trials", failures_recorded)
        yield measure(sources, part, "m_auto_exception", "trials", handled_without_people)
        yield measure(sources, part, "m_mtbf", "interventions", time_between_stops)
        yield measure(sources, part, "m_mttr", "interventions", time_to_restore)


COLLECTOR = Collector("failures", "journal: failed trials, trips, stops and resumes", collect)


def failures_recorded(window: Window, _: Sources) -> Measured | str:
    """Share of failed and abandoned trials that have a cause and data.

    A cause is a kind of fault; *unknown* is none. Data are a Bluesky run.
    """
    ended = [trial for trial in window.trials if trial.state in ("failed", "abandoned")]
    if not ended:
        return "no started trial has failed or was abandoned"
    k = sum(t.fault is not None and t.fault != FaultKind.UNKNOWN and t.has_run for t in ended)
    return Measured(k / len(ended), len(ended), k, wilson(k, len(ended)))


def handled_without_people(window: Window, sources: Sources) -> Measured | str:
    """Share of faults and trips after which the unit went on, or parked safely, before anybody stepped in.

    It has parked where it is recorded that all steps into the safe state were taken.
    """
    n = k = 0
    for campaign, _ in window.parts:
        acts = [act.lab_s for act in by_people(campaign, window, sources) if act.cause != "reset"]  # it comes later
        trips = () if sources.ledger is None else sources.ledger.trips
        moments = [at for _, at, day in campaign.faults if window.holds(day)]
        moments += [trip.lab_s for trip in trips if trip.campaign == campaign.record.id and window.holds(trip.date)]
        resolved = sorted([at for _, at, _ in campaign.starts] + _parked(campaign))
        for at in moments:
            n += 1
            end = next((moment for moment in resolved if moment >= at), None)
            if end is None and campaign.record.state == "finished":
                end = max(trial.ended_s for trial in campaign.trials)
            k += end is not None and not any(at <= act <= end for act in acts)
    if not n:
        return "no fault and no trip is recorded"
    return Measured(k / n, n, k, wilson(k, n))


def _parked(campaign: Campaign) -> list[float]:
    safe = [each for each in campaign.interventions if each.kind == "system" and each.cause == "safe state"]
    return [each.lab_s for each in safe if "failed" not in each.detail]


def _n_stops(campaign: Campaign, window: Window) -> int:
    """Each resume stands for one stop, and so does an end that was none of the campaign's own."""
    resumes = sum(each.cause == "resume" for each in window.interventions(campaign))
    return resumes + (campaign.record.state in ENDED_BADLY)


def time_between_stops(window: Window, __: Sources) -> Measured | str:
    """Hours of lab time of all campaigns over their stops. Stops that people wanted are not told apart."""
    hours = sum(hours_active(trials) for _, trials in window.parts)
    stops = sum(_n_stops(campaign, window) for campaign, _ in window.parts)
    if not stops:
        said = (f"no stop in {hours:.3g} h: the value is that time, and no more than a lower bound",)
        return Measured(hours, 0, notes=said)
    return Measured(hours / stops, stops, interval=mtbf_interval(hours / stops, stops))


def time_to_restore(window: Window, __: Sources) -> Measured | str:
    """Mean of the hours from a stop until the campaign was resumed, nights among them."""
    restored: list[float] = []
    for campaign, _ in window.parts:
        moments = [day for _, _, day in (*campaign.starts, *campaign.faults)]
        moments += [trial.ended for trial in campaign.trials]
        moments += [each.date for each in campaign.interventions if each.cause in STOPS]
        for each in window.interventions(campaign):
            if each.cause == "resume":
                before = max((moment for moment in moments if moment < each.date), default=each.date)
                restored.append(_hours(before, each.date))
    if not restored:
        return "no campaign was resumed"
    interval = ratio_interval(restored, [1.0] * len(restored), "m_mttr")
    return Measured(sum(restored) / len(restored), len(restored), interval=interval)


def _hours(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds() / 3600.0
