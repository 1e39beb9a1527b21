"""Applies what people ask of a running campaign from other processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from autolab.campaign.desk import INJECT, Desk
from autolab.campaign.people import ANSWER, People
from autolab.campaign.stopping import StopSwitch
from autolab.core.clock import Clock
from autolab.core.errors import StorageError
from autolab.journal.inbox import Inbox
from autolab.journal.journal import Journal

__all__ = ["heeding"]

FOR_THE_DESK = ("approve", "refuse", INJECT)
LOOK_REAL_S = 0.2
"""Real seconds between two looks into the inbox."""


@contextmanager
def heeding(
    journal: Journal, campaign: str, clock: Clock, stop: StopSwitch, desk: Desk, people: People
) -> Iterator[None]:
    """Look into the journal's inbox on a thread, and hand on what is found, until the block ends.

    What is said of a trial goes to the desk: the campaign decides on it, and answers. What people answer goes to those
    who asked.
    """
    inbox, over = Inbox(journal.states), threading.Event()
    for given in inbox.waiting(campaign):  # before anything is asked again
        if given.verb == ANSWER:
            people.hear(given)
        if given.verb == INJECT:
            desk.put(given)

    def look() -> None:
        while not over.wait(LOOK_REAL_S):
            try:
                for request in inbox.waiting(campaign):
                    if request.verb in FOR_THE_DESK:
                        desk.put(request)
                        continue
                    if request.verb == ANSWER:
                        people.hear(request)
                        continue
                    _apply(request.verb, request.principal.name, bool(request.arguments.get("now")), stop)
                    said = "stops" if request.verb == "stop" else "pauses"
                    when = "now" if request.arguments.get("now") else "before the next action"
                    inbox.answer(request.id, f"{campaign} {said} {when}", clock.date().isoformat())
            except StorageError:  # the campaign meets it as well, and says so
                return

    thread = threading.Thread(target=look, name="autolab-inbox", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _apply(verb: str, person: str, now: bool, stop: StopSwitch) -> None:
    stop.request(f"{person} asked to {verb} it{' now' if now else ''}", now, for_good=verb == "stop")
