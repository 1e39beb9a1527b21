"""The desk: requests of people about trials, handed from the thread that finds them to the campaign's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from autolab.journal.inbox import Request

__all__ = ["INJECT", "Desk"]

INJECT = "inject"
"""Verb of a request that hands a trial in."""


class Desk:
    """Takes requests from any thread. The campaign waits on `arrived` together with its lanes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._seen: set[int] = set()
        self._arrived: Future[None] = Future()

    def put(self, request: Request) -> None:
        """Lay down a request; one that lay here before is not taken again."""
        with self._lock:
            if request.id not in self._seen:
                self._seen.add(request.id)
                self._requests.append(request)
                if not self._arrived.done():
                    self._arrived.set_result(None)

    @property
    def arrived(self) -> Future[None]:
        """Done when something lies here."""
        with self._lock:
            return self._arrived

    def take(self) -> list[Request]:
        """What people have decided on trials, in the order in which it came."""
        return self._take(lambda request: request.verb != INJECT)

    def take_injections(self) -> list[Request]:
        """The trials that people hand in, in the order in which they came."""
        return self._take(lambda request: request.verb == INJECT)

    def _take(self, is_wanted: Callable[[Request], bool]) -> list[Request]:
        with self._lock:
            taken = [request for request in self._requests if is_wanted(request)]
            self._requests = [request for request in self._requests if not is_wanted(request)]
            if taken and not self._requests:
                self._arrived = Future()
            return taken
