"""What the watchdog decides, as a function of messages and time: it knows no socket and no process.

Power is wanted only while a controller is watched, its beats are good, and nothing is latched. A beat is good where it
comes from the watched process, carries a higher number than the last one, and says that the loop scanned the
interlocks later than the last one said, within the limit. All times are seconds of the machine's monotonic clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["Event", "Patience", "RefusedError", "Watch"]

What = Literal["watching", "energised", "released", "never energised", "trip", "reset"]


class RefusedError(Exception):
    """The watchdog does not do what it was asked for. The message says why, and what to do next."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the watchdog waits, in seconds of real time."""

    beat_s: float = 0.12
    """Longest age of the last good beat. With 20 ms between beats, five may be lost."""
    late_s: float = 0.05
    """From this age on it is looked whether the controller is waiting for a processor, which is no hang."""
    starved_s: float = 0.5
    """So much longer a good beat may be missing while the controller waits for a processor."""
    start_s: float = 10.0
    """A controller that has no power by then gets none."""
    relay_s: float = 0.5
    """Longest silence of the relay."""
    button_s: float = 1.0
    """So long after the last datagram at the stop socket the button counts as released."""
    beats: int = 3
    """Good beats in a row after which power is wanted."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that is kept."""

    what: What
    cause: str
    by: str
    """Who: a person, or a part of the system."""


class Watch:
    """The watchdog without its sockets.

    Args:
        patience: How long it waits.
        latch: First cause of a trip that nobody has reset, or None.
        now_s: The time at which it starts.
    """

    def __init__(self, patience: Patience, latch: str | None, now_s: float) -> None:
        self.latch = latch
        self.pid: int | None = None
        """The process that is watched."""
        self.has_power = False
        """What the relay says."""
        self.knows_relay = False
        """Whether the relay has ever answered."""
        self._patience = patience
        self._events: list[Event] = []
        self._said: tuple[str, str] | None = None
        """Cause of the last trip, and who said it."""
        self._armed_s = 0.0
        self._is_awaited = False
        self._beats, self._number, self._scan_s = 0, 0, now_s
        self._granted_s = 0.0
        self._pressed_s = float("-inf")
        self._relay_s = float("-inf")
        self._is_resetting = False

    @property
    def deadline_s(self) -> float | None:
        """When the next good beat is due; None while no power is wanted."""
        return self._scan_s + self._patience.beat_s + self._granted_s if self.wants_power else None

    def is_late(self, now_s: float) -> bool:
        """Whether a beat is so late that it matters what the controller is waiting for."""
        return self.wants_power and now_s - self._scan_s > self._patience.late_s

    @property
    def wants_power(self) -> bool:
        """Whether the relay is to be asked for power now."""
        return self.latch is None and self.pid is not None and self._beats >= self._patience.beats

    def take_events(self) -> list[Event]:
        """What has happened since the last call."""
        events, self._events = self._events, []
        return events

    def arm(self, pid: int, now_s: float) -> None:
        """Watch a controller from now on.

        Raises:
            RefusedError: a trip is latched, the relay is silent, or another controller is watched.
        """
        if self.latch is not None:
            raise RefusedError(f"the power is latched off: {self.latch}")
        if now_s - self._relay_s > self._patience.relay_s:
            raise RefusedError("the relay does not answer: see to it, then start again")
        if self.pid not in (None, pid):
            raise RefusedError(f"the power is held by the controller of process {self.pid}: wait until it has ended")
        self.pid, self._armed_s, self._is_awaited = pid, now_s, True
        self._beats, self._number, self._scan_s = 0, 0, now_s - self._patience.beat_s
        self._note("watching", f"the controller of process {pid}")

    def beat(self, pid: int, number: int, scan_s: float, now_s: float) -> None:
        """Take a beat. One that is not good counts as none."""
        is_new = number > self._number and self._scan_s < scan_s <= now_s
        if pid != self.pid or not is_new or now_s - scan_s > self._patience.beat_s:
            return
        self._number, self._scan_s = number, scan_s
        self._beats += 1

    def release(self, pid: int) -> None:
        """The controller needs no power any more."""
        if pid == self.pid:
            self._note("released", f"the controller of process {pid} has ended its work")
            self._let_go()

    def died(self, pid: int) -> None:
        """The process has ended."""
        if pid == self.pid:
            self._lose(f"the controller of process {pid} has died")
            self._let_go()

    def trip(self, cause: str, by: str) -> None:
        """Take the power away, and latch the first cause. A controller says it with each beat, and it is one trip."""
        if self.latch is None or (cause, by) != self._said:
            self._note("trip", cause, by)
        self.latch, self._said = self.latch or cause, (cause, by)

    def press(self, by: str, now_s: float) -> None:
        """The emergency stop. A button that is held down sends again and again, and is one trip."""
        if self.latch is None or now_s - self._pressed_s > self._patience.button_s:
            self._said = None
            self.trip(f"emergency stop by {by}", by)
        self._pressed_s = now_s

    def relay_says(self, answer: str, now_s: float) -> None:
        """Take an answer of the relay: the word that it answers, and its state."""
        word, _, state = answer.partition(" ")
        self._relay_s, self.knows_relay = now_s, True
        self._is_resetting = self._is_resetting and word != "RESET"
        had_power, self.has_power = self.has_power, state == "on"
        if self.has_power and not had_power:
            self._is_awaited = False
            self._note("energised", f"for the controller of process {self.pid}")
        elif state.startswith("latched ") and self.latch is None and not self._is_resetting:
            self.trip(f"the relay: {state.removeprefix('latched ')}", "relay")

    def relay_gone(self) -> None:
        """Nobody listens at the relay's socket: where there was power, there is none now."""
        self.has_power = False
        if self.wants_power:
            self.trip("the relay has gone", "watchdog")

    def tick(self, now_s: float, starved_s: float = 0.0) -> None:
        """Let time pass: a beat that is missing trips, and who is late at the start gets no power.

        Args:
            now_s: The time.
            starved_s: For so long the controller has been waiting for a processor since it was late.
        """
        age_s = now_s - self._scan_s
        self._granted_s = min(starved_s, self._patience.starved_s)
        if self.wants_power and age_s > self._patience.beat_s + self._granted_s:
            self._lose(f"the controller of process {self.pid} hangs: no beat for {age_s * 1000:.0f} ms")
        elif self.wants_power and now_s - self._relay_s > self._patience.relay_s:
            self._lose("the relay does not answer")
        elif age_s > self._patience.beat_s and not self.wants_power:
            self._beats = 0
        if self._is_awaited and now_s - self._armed_s > self._patience.start_s:
            self._lose(f"the controller of process {self.pid} has not beaten within {self._patience.start_s:g} s")
            self._let_go()

    def reset(self, by: str, because: str, now_s: float) -> None:
        """Clear the latch.

        Raises:
            RefusedError: nothing is latched, nobody is named, or the cause is still there.
        """
        if self.latch is None:
            raise RefusedError("nothing is latched: there is nothing to reset")
        if not by.strip() or not because.strip():
            raise RefusedError("a reset needs a name and a reason: they are kept")
        if self.pid is not None:
            raise RefusedError(
                f"the controller of process {self.pid} is still there: wait until it has ended, or end it, then reset"
            )
        if now_s - self._pressed_s <= self._patience.button_s:
            raise RefusedError("the emergency stop is still pressed: release it, then reset")
        if now_s - self._relay_s > self._patience.relay_s:
            raise RefusedError("the relay does not answer: see to it, then reset")
        self._note("reset", f"{because} (it was: {self.latch})", by)
        self.latch, self._is_resetting = None, True

    def state(self) -> Mapping[str, str | int | None]:
        """What whoever asks is told."""
        return {"power": "on" if self.has_power else "off", "latch": self.latch, "watched": self.pid}

    def _lose(self, cause: str) -> None:
        """A trip where there was power; where there was none, nothing has been lost, and that is said."""
        if self.wants_power or self.has_power:
            self.trip(cause, "watchdog")
        elif self.latch is None:
            self._note("never energised", cause)

    def _let_go(self) -> None:
        self.pid, self._is_awaited = None, False  # whoever is watched next begins to count anew

    def _note(self, what: What, cause: str, by: str = "watchdog") -> None:
        self._events.append(Event(what, cause, by))
