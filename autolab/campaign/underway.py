"""Lanes, and the trials that are under way on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any

from autolab.campaign.events import CampaignStarted, TrialStarted
from autolab.campaign.lab import OpenLab
from autolab.campaign.lane import Lane, Prelude
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.telling import Teller
from autolab.core.operations import Operations
from autolab.core.samples import Sample
from autolab.core.trials import Suggestion
from autolab.journal.journal import Journal

__all__ = ["Running", "abort_all", "begin", "idle_lane", "open_lanes", "started"]

ABORT_AGAIN_REAL_S = 0.1
"""Real seconds after which a plan that has not ended is aborted again: it may only just have begun."""


@dataclass(frozen=True)
class Running:
    """A trial on a lane."""

    lane: Lane
    suggestion: Suggestion
    sample: Sample | None
    attempt: int
    future: Future[None]
    plate: tuple[Running, ...] = ()
    """The trials of the plate that the lane measures; none where it runs the plan of one trial."""


def open_lanes(
    setup: CampaignSetup, lab: OpenLab, journal: Journal, teller: Teller, on_action: Callable[[int, Any], None]
) -> list[Lane]:
    """The lanes of a campaign.

    Args:
        setup: The campaign.
        lab: The lab, open.
        journal: Keeps the record.
        teller: Tells observers of phases.
        on_action: Told of each action when it is intended, as (trial, action).
    """
    counts = lab.counts()
    return [
        Lane(
            number, lab.clock, journal, setup.id, lab.loop, counts=counts, on_phase=teller.on_phase(number),
            on_action=on_action,
        )
        for number in range(1, setup.lanes + 1)
    ]  # fmt: skip


def started(setup: CampaignSetup, lab: OpenLab, done: int) -> CampaignStarted:
    """What observers are told when a campaign begins or is resumed with so many trials done."""
    return CampaignStarted(
        setup.id, setup.name, lab.name, lab.realm, setup.problem, setup.engine.name, setup.seed, setup.planned,
        setup.budget.hours, done, setup.per_plate,
    )  # fmt: skip


def begin(
    setup: CampaignSetup,
    lab: OpenLab,
    teller: Teller,
    lane: Lane,
    suggestion: Suggestion,
    sample: Sample | None,
    attempt: int,
    prelude: Prelude | None,
) -> Running:
    """Have a lane run an attempt at a trial, after what is owed to the lab before it."""
    teller.tell(TrialStarted(lane.number, suggestion, teller.lab_s()))
    md = setup.metadata(suggestion.trial, lane.number, lab.name, lab.realm)
    operations = Operations(setup.key, suggestion.trial, attempt=attempt)
    plan = setup.make_plan(suggestion.values, operations, sample, md)
    future = lane.submit(suggestion.trial, attempt, plan, md, prelude)
    return Running(lane, suggestion, sample, attempt, future)


def idle_lane(lanes: list[Lane], running: Sequence[Running], *, holds_stations: bool) -> Lane | None:
    """The lane that has rested longest; None where all are busy, or a running trial holds the stations.

    Args:
        lanes: All lanes; the one that is chosen goes to the end.
        running: Trials that are under way.
        holds_stations: Whether a running trial keeps others out.
    """
    busy = [one.lane for one in running]
    idle = [lane for lane in lanes if lane not in busy]
    if not idle or (busy and holds_stations):
        return None
    lanes.remove(idle[0])
    lanes.append(idle[0])
    return idle[0]


def abort_all(trials: Sequence[Running], reason: str) -> None:
    """Stop the devices of all lanes in the middle of what they do, and wait until their plans have ended."""
    while any(not running.future.done() for running in trials):
        for running in trials:
            running.lane.abort(reason)
        wait([running.future for running in trials], timeout=ABORT_AGAIN_REAL_S)
