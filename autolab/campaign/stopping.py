"""The switch by which a person stops a campaign."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

__all__ = ["StopRequest", "StopSwitch"]


@dataclass(frozen=True, slots=True)
class StopRequest:
    """A person's wish to stop."""

    reason: str
    at_once: bool
    """False: after the running trials. True: now, by stopping the devices."""
    exit_code: int


class StopSwitch:
    """Takes requests from any thread and from signal handlers; the campaign waits on it together with its lanes."""

    def __init__(self) -> None:
        self._first: Future[StopRequest] = Future()
        self._at_once: Future[StopRequest] = Future()

    def request(self, reason: str, at_once: bool = False, exit_code: int = 5) -> None:
        """Ask to stop. The first request of each kind counts.

        Args:
            reason: For the record, such as ``Ctrl-C``.
            at_once: True to stop the devices instead of finishing the running trials.
            exit_code: What the command is to return.
        """
        request = StopRequest(reason, at_once, exit_code)
        for future in (self._first, self._at_once) if at_once else (self._first,):
            if not future.done():
                future.set_result(request)

    @property
    def asked(self) -> StopRequest | None:
        """The strongest request so far."""
        for future in (self._at_once, self._first):
            if future.done():
                return future.result()
        return None

    def after(self, heeded: StopRequest | None) -> tuple[Future[StopRequest], ...]:
        """What to wait on when ``heeded`` is the last request that was heeded.

        A request that came in between is among them, done already, so that nobody waits past it.
        """
        if heeded is None:
            return (self._first, self._at_once)
        return () if heeded.at_once else (self._at_once,)
