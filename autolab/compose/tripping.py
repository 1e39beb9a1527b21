"""Trips of a lab: latched in the journal when they happen, and in the way of every start."""

from __future__ import annotations

from autolab.campaign.alarming import AlarmBook
from autolab.campaign.lab import OpenLab
from autolab.campaign.stopping import StopSwitch
from autolab.core.errors import TripError
from autolab.journal import trips
from autolab.journal.journal import Journal
from safety.interlocking import Onset

__all__ = ["latch_trips", "refuse_if_tripped"]


def refuse_if_tripped(journal: Journal, lab: OpenLab) -> None:
    """Refuse to run anything in a lab that has tripped and was not reset.

    Raises:
        TripError: it has.
    """
    for trip in trips.latched(journal, lab.name, lab.bench)[:1]:
        raise TripError(
            f"{lab.name} has tripped on {trip.date} ({trip.cause}): see to the cause, then reset it with "
            "'autolab reset LAB --because TEXT'"
        )


def latch_trips(journal: Journal, campaign: str, lab: OpenLab, stop: StopSwitch, alarms: AlarmBook) -> None:
    """Have a trip of the lab stop the campaign, and written to the journal, as soon as it happens."""

    def act(cause: str) -> None:
        stop.trip(cause, by="guard")
        trips.record(journal, campaign, lab.name, lab.bench, cause)
        if not cause.startswith("interlock "):  # the interlocks have told their own
            alarms.note(Onset("guard", "trip", cause))

    lab.trip.tell(act)
