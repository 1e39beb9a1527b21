"""The conformance kit: what a device object must keep to, whatever its class, and how one is put to the test.

A `Subject` is one device, open; each check in `devices.conformancechecks` looks at one promise. Nothing here knows ours
from others: a device of classic ophyd, of ophyd-async, or any object with Bluesky's protocols is judged alike.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal, Protocol, cast, runtime_checkable

from bluesky.protocols import Status

from autolab.core.clock import Clock
from autolab.core.effects import Write
from autolab.core.envelope import RangeLimit
from autolab.core.errors import AutolabError, DeviceError
from autolab.core.operations import OperationId
from devices.base import Identity
from devices.foresight import Foreseeable
from safety.foreign import setpoint_entries
from safety.guard import Guard

__all__ = ["Exercisable", "Judged", "NotApplicableError", "NumberEntry", "Opened", "Subject"]

LOOK_REAL_S = 0.005
ANSWER_REAL_S = 20.0
"""Real seconds in which an asynchronous device answers a question."""

Verdict = Literal["passed", "failed", "not applicable"]


@runtime_checkable
class Exercisable(Protocol):
    """A device whose ``set`` takes actions, or that is triggered: it can name an action that does no harm."""

    def exercise(self, operation: OperationId, level: float) -> Any:
        """An action for the conformance kit. A device that is triggered is made ready for it.

        Args:
            operation: Its id.
            level: Between 0 and 1 how far through its envelope; above 1 the action must lie outside.
        """
        ...


class NotApplicableError(DeviceError):
    """A check has nothing to look at in this device; the message says why."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a check has found."""

    check: str
    verdict: Verdict
    seen: str
    """What was seen, in one sentence."""
    ms: float | None = None
    """Real milliseconds of what the check times."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A device that is connected and guarded."""

    device: Any
    guard: Guard
    clock: Clock
    loop: asyncio.AbstractEventLoop | None = None
    """Where an asynchronous device lives."""
    identity: Identity | None = None
    """What the instrument says of itself; None of a class that does not ask."""


@dataclass(frozen=True, slots=True)
class NumberEntry:
    """The number that ``set`` of a device commands, as the envelope declares it."""

    signal: str
    limit: RangeLimit
    key: str | None
    """Key of the reading that shows it; None where the device says it by ``position`` or ``locate``."""

    def at(self, level: float) -> float:
        """The number at a fraction of its range."""
        return self.limit.lower + level * (self.limit.upper - self.limit.lower)

    @property
    def tolerance(self) -> float:
        """Largest difference between commanded and read back; where the envelope says none, 0.5 % of its range."""
        return self.limit.tolerance or 5e-3 * (self.limit.upper - self.limit.lower)


class Subject:
    """One device under test.

    Args:
        name: Its name.
        opened: The device.
        reopen: Lets go of it and opens it anew; None where that cannot be done.
        hang: Stops the instrument's process (True), and lets it go on (False); None where nobody may do that.
        patience_s: Real seconds in which a silent instrument must have been noticed.
    """

    def __init__(
        self,
        name: str,
        opened: Opened,
        reopen: Callable[[], Opened] | None = None,
        hang: Callable[[bool], None] | None = None,
        patience_s: float = 30.0,
    ) -> None:
        self.name, self.opened, self.hang, self.patience_s = name, opened, hang, patience_s
        self._reopen, self._numbers = reopen, count(1)

    @property
    def device(self) -> Any:
        """The device object that is open now."""
        return self.opened.device

    def reopen(self) -> Opened:
        """Let go of the device and open it anew.

        Raises:
            NotApplicableError: that cannot be done here.
        """
        if self._reopen is None:
            raise NotApplicableError("nothing here can open it a second time")
        self.opened = self._reopen()
        return self.opened

    def operation(self) -> OperationId:
        """An id that was never used here."""
        return OperationId("kit", int(self.real()) % 100_000, next(self._numbers) % 1000, "conformance")

    def real(self) -> float:
        """Real seconds."""
        return self.opened.clock.real()

    def wait(self, real_s: float) -> None:
        """Let real time pass."""
        self.opened.clock.sleep(real_s * self.opened.clock.factor)

    def until(self, done: Callable[[], bool], real_s: float) -> bool:
        """Wait until something is so; False where it is not in time."""
        end = self.real() + real_s
        while not done():
            if self.real() > end:
                return False
            self.wait(LOOK_REAL_S)
        return True

    def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a method of the device where it lives; a status comes back as it is, other awaitables when done."""

        async def called() -> Any:
            found = method(*args, **kwargs)
            if inspect.isawaitable(found) and not isinstance(found, Status):
                return await cast("Awaitable[Any]", found)
            return found

        if self.opened.loop is None:
            return method(*args, **kwargs)
        return asyncio.run_coroutine_threadsafe(called(), self.opened.loop).result(ANSWER_REAL_S)

    def set(self, value: Any) -> Any:
        """Begin an action. Returns its status."""
        begin = getattr(self.device, "set", None)
        return self.call(self.device.trigger) if begin is None else self.call(begin, value)

    def stop(self) -> None:
        """Stop the device, as somebody does who wants it to stop."""
        self.call(self.device.stop, success=False)

    def counters(self) -> Mapping[str, int]:
        """The instrument's own counts.

        Raises:
            NotApplicableError: it has none.
        """
        counters = getattr(self.device, "counters", None)
        found = cast("Mapping[str, int]", counters()) if counters is not None else {}
        if not found:
            raise NotApplicableError("its instrument counts nothing that it tells")
        return found

    def action(self, level: float) -> Any:
        """What ``set`` takes at a fraction of the envelope; above 1 it lies outside.

        Raises:
            NotApplicableError: ``set`` takes nothing that could be tried.
        """
        if isinstance(self.device, Exercisable):
            return self.device.exercise(self.operation(), level)
        number = self.number()
        if number is None:
            raise NotApplicableError(
                "it has no 'set' that takes a number of the envelope, and no 'exercise' that names an action to try"
            )
        return self._near(number, level)

    def number(self) -> NumberEntry | None:
        """The number that ``set`` commands; None where it takes something else, or nothing."""
        if not callable(getattr(self.device, "set", None)) or isinstance(self.device, Exercisable):
            return None
        ours = [signal.name for signal in getattr(self.device, "writable_signals", ())]
        for signal in ours or setpoint_entries(""):
            limit = self.opened.guard.limit(signal)
            if isinstance(limit, RangeLimit) and (found := self._entry(signal, limit)) is not None:
                return found
        return None

    def position(self, number: NumberEntry) -> float:
        """What the device reads back of the number that it was sent to."""
        if number.key is not None:
            return float(self.call(self.device.read)[number.key]["value"])
        position = getattr(self.device, "position", None)
        return float(self.call(self.device.locate)["readback"] if position is None else position)

    def _entry(self, signal: str, limit: RangeLimit) -> NumberEntry | None:
        entry = NumberEntry(signal, limit, None)
        if not isinstance(self.device, Foreseeable):
            return entry
        try:
            foreseen = self.device.foresee(entry.at(0.5), {})
        except AutolabError:  # it takes no numbers
            return None
        written = {effect.signal for effect in foreseen.effects if isinstance(effect, Write)}
        if f"{self.name}.{signal}" not in written:
            return None
        return NumberEntry(signal, limit, next(iter(foreseen.readings), None))

    def _near(self, number: NumberEntry, level: float) -> float:
        """The number at a level, no further away than the envelope allows in one step."""
        target, step = number.at(level), number.limit.max_step
        if step is None or level > 1:
            return target
        present = self.position(number)
        return min(max(target, present - 0.9 * step), present + 0.9 * step)
