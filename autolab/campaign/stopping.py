"""How a campaign comes to its end, and the switch by which a person stops it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal

from autolab.core.errors import SafetyError
from autolab.core.principals import Principal

__all__ = ["TRIP_ADVICE", "End", "StopRequest", "StopSwitch"]


@dataclass(frozen=True)
class End:
    """Why a campaign is to end."""

    state: Literal["finished", "paused", "stopped", "failed"]
    reason: str
    exit_code: int


TRIP_ADVICE = "see to the cause, then 'autolab reset LAB --because TEXT', then resume"
"""What the reason of a campaign that a trip has ended closes with."""


@dataclass(frozen=True, slots=True)
class StopRequest:
    """A person's wish to pause or stop."""

    reason: str
    at_once: bool
    """False: before the next action. True: now, by stopping the devices."""
    exit_code: int
    for_good: bool = False
    """False: the campaign is paused, and can be resumed. True: it ends."""
    by: Principal | None = None
    """Who asks; None for the person who runs the campaign."""

    @property
    def cause(self) -> str:
        """In one word, for the record."""
        return "trip" if self.exit_code == SafetyError.exit_code else "stop" if self.for_good else "pause"

    @property
    def end(self) -> End:
        """How the campaign ends for it."""
        if self.cause == "trip":
            return End("failed", f"stopped by safety: {self.reason}; {TRIP_ADVICE}", self.exit_code)
        state = "stopped" if self.for_good else "paused"
        return End(state, f"{state} by a person: {self.reason}", self.exit_code)


class StopSwitch:
    """Takes requests from any thread and from signal handlers; the campaign waits on it together with its lanes."""

    def __init__(self) -> None:
        self._first: Future[StopRequest] = Future()
        self._at_once: Future[StopRequest] = Future()
        self.ask_power: Callable[[], str | None] = lambda: None
        """Asks why the actuators have no power; None where they have, or nothing takes it away."""

    def request(self, reason: str, at_once: bool = False, exit_code: int = 5, *, for_good: bool = False) -> None:
        """Ask to pause or stop. The first request of each kind counts.

        Args:
            reason: For the record, such as ``Ctrl-C``.
            at_once: True to stop the devices instead of finishing the running actions.
            exit_code: What the command is to return.
            for_good: True to end the campaign instead of pausing it.
        """
        self._put(StopRequest(reason, at_once, exit_code, for_good))

    def trip(self, cause: str, by: str = "watchdog") -> None:
        """The lab has tripped, or its actuators have lost their power: everything stops now.

        Args:
            cause: Why, in one sentence.
            by: What has tripped it.
        """
        self._put(StopRequest(cause, True, SafetyError.exit_code, by=Principal(by, "system")))

    def power_end(self) -> End | None:
        """How the campaign ends where the actuators have lost their power, asked now; None where they have it."""
        if (cause := self.ask_power()) is None:
            return None
        self.trip(cause)
        return None if self.asked is None else self.asked.end

    def _put(self, request: StopRequest) -> None:
        for future in (self._first, self._at_once) if request.at_once else (self._first,):
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
