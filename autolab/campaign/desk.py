"""The desk: requests of people about trials, handed from the thread that finds them to the campaign's."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from autolab.journal.inbox import Request

__all__ = ["Desk"]


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
        """All that lies here, in the order in which it came."""
        with self._lock:
            requests, self._requests = self._requests, []
            if requests:
                self._arrived = Future()
            return requests
