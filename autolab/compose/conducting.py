"""Running a campaign in an open lab: under its interlocks, with its power, and into its safe state."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from autolab.campaign.alarming import AlarmBook
from autolab.campaign.desk import Desk
from autolab.campaign.events import CampaignResult, Observer
from autolab.campaign.lab import OpenLab
from autolab.campaign.people import People
from autolab.campaign.stopping import StopSwitch
from autolab.compose.power import beating, note_events
from autolab.compose.requests import heeding
from autolab.compose.subscribing import subscribed
from autolab.compose.tripping import latch_trips
from autolab.core.errors import AutolabError, InputError, InterruptedByPerson, SafetyError, StorageError
from autolab.core.people import AsksPeople
from autolab.journal.journal import Journal

if TYPE_CHECKING:
    from autolab.compose.matching import Bound

__all__ = ["conduct"]


def conduct(
    stack: ExitStack,
    bound: Bound,
    setup: Any,
    lab: OpenLab,
    proposer: Any,
    journal: Journal,
    observers: Sequence[Observer],
    stop: StopSwitch,
    past: Any = None,
) -> CampaignResult:
    """Run a campaign whose lab is open to its end; requests from other processes are heeded.

    Raises:
        SafetyError: there is no power, or the lab trips before anything has moved.
        InputError: an interlock reads what no device reads, or nobody would scan.
        InterruptedByPerson: somebody wants to pause or to stop before anything has moved.
        StorageError: the journal cannot be written. The campaign is paused, and says so where there is room for that.
    """
    from autolab.campaign.campaign import Campaign  # with Bluesky behind it

    desk = Desk()
    campaign = Campaign(setup, lab, proposer, journal, observers, stop, past, desk)
    alarms = AlarmBook(journal, setup.id, lab.name, lab.clock, campaign.teller.note)
    latch_trips(journal, setup.id, lab, stop, alarms)
    people = _people(bound, setup.id, lab, journal, campaign)
    stack.enter_context(subscribed(bound.lab, setup.id, journal, campaign.teller.note))
    stack.enter_context(heeding(journal, setup.id, lab.clock, stop, desk, people))
    try:
        return _guarded(bound, setup.id, lab, journal, stop, campaign, alarms)
    except (SafetyError, InputError, InterruptedByPerson) as error:  # nothing was begun
        for lane in campaign.lanes:
            lane.close()
        state = "paused" if isinstance(error, InterruptedByPerson) else "failed"
        journal.end_campaign(setup.id, state, str(error), None)
        raise
    except StorageError as error:
        with suppress(StorageError):
            journal.end_campaign(setup.id, "paused", str(error), None)
        raise
    except AutolabError as error:
        journal.end_campaign(setup.id, "failed", str(error), None)
        raise


def _people(bound: Bound, campaign: str, lab: OpenLab, journal: Journal, running: Any) -> People:
    """Who asks people for the campaign's devices; these are told."""
    people = People(
        journal,
        campaign,
        lab.name,
        lab.bench,
        bound.lab.authority,
        running.teller.note,
        lambda: any(lane.is_pausing for lane in running.lanes),
    )
    for device in lab.devices.values():
        if isinstance(device, AsksPeople):
            device.answered_by(people)
    return people


def _guarded(
    bound: Bound, identity: str, lab: OpenLab, journal: Journal, stop: StopSwitch, campaign: Any, alarms: AlarmBook
) -> CampaignResult:
    """Run it once there is power and the interlocks have been evaluated.

    The steps into the safe state are taken while there is still power, and not where the interlocks were refused.
    """
    from autolab.campaign.events import BypassesChanged
    from autolab.compose.heeding import heeding_bypasses
    from autolab.compose.interlocking import await_ready, safing, scanning  # with Bluesky behind it

    def tell(bypasses: tuple[str, ...]) -> None:
        campaign.teller.tell(BypassesChanged(bypasses))

    loops = [lane.loop for lane in campaign.lanes]
    with (
        scanning(bound.lab, lab, alarms.note) as scan,
        heeding_bypasses(journal, identity, bound.lab, scan, lab.clock, tell),
        beating(lab.power, loops, lab.clock, stop, scan),
        safing(bound.lab, lab, bound.signals, journal, identity),
    ):
        note_events(journal, identity, lab.name, lab.power)
        await_ready(scan, lab, stop)
        result = campaign.run()
        note_events(journal, identity, lab.name, lab.power)
        return result
