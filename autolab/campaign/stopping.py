"""How a campaign comes to its end, and the switch by which a person stops it."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal

__all__ = ["End", "StopRequest", "StopSwitch"]


@dataclass(frozen=True)
class End:
    """Why a campaign is to end."""

    state: Literal["finished", "paused", "stopped", "failed"]
    reason: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class StopRequest:
    """A person's wish to pause or stop."""

    reason: str
    at_once: bool
    """False: before the next action. True: now, by stopping the devices."""
    exit_code: int
    for_good: bool = False
    """False: the campaign is paused, and can be resumed. True: it ends."""

    @property
    def end(self) -> End:
        """How the campaign ends for it."""
        state = "stopped" if self.for_good else "paused"
        return End(state, f"{state} by a person: {self.reason}", self.exit_code)


class StopSwitch:
    """Takes requests from any thread and from signal handlers; the campaign waits on it together with its lanes."""

    def __init__(self) -> None:
        self._first: Future[StopRequest] = Future()
        self._at_once: Future[StopRequest] = Future()

    def request(self, reason: str, at_once: bool = False, exit_code: int = 5, *, for_good: bool = False) -> None:
        """Ask to pause or stop. The first request of each kind counts.

        Args:
            reason: For the record, such as ``Ctrl-C``.
            at_once: True to stop the devices instead of finishing the running actions.
            exit_code: What the command is to return.
            for_good: True to end the campaign instead of pausing it.
        """
        request = StopRequest(reason, at_once, exit_code, for_good)
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
