"""A driver that keeps all that the conformance kit asks for, and one wrong driver for each of its checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ophyd.status import DeviceStatus

from autolab.core.clock import Clock, ScaledClock
from autolab.core.envelope import RangeLimit
from autolab.core.errors import DeviceTimeoutError
from devices.base import Identity, WritableSignal
from devices.completion import Work, follow
from devices.conformance import Opened, Subject
from safety.guard import Guard

SPEED_PER_S = 40.0
LIMIT = RangeLimit("slide.position", 0.0, 100.0, "mm", tolerance=0.5)


class Instrument:
    """What the driver talks to: it moves in its own time, counts, and may fall silent."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.is_silent, self.counter, self.serial = clock, False, 0, "SL-1"
        self.begun_s, self.origin, self.target = 0.0, 0.0, 0.0

    def answers(self) -> None:
        if self.is_silent:
            raise DeviceTimeoutError("slide: no answer")

    def position(self) -> float:
        self.answers()
        way = SPEED_PER_S * (self.clock.now() - self.begun_s)
        left = self.target - self.origin
        return self.target if abs(left) <= way else self.origin + (way if left > 0 else -way)

    def go(self, target: float) -> None:
        self.answers()
        self.origin, self.begun_s, self.target = self.position(), self.clock.now(), target
        self.counter += 1

    def halt(self) -> None:
        self.answers()
        self.origin = self.target = self.position()


class Slide:
    """The driver that keeps its word."""

    writable_signals = (WritableSignal("position", "mm"),)

    def __init__(self, instrument: Instrument, guard: Guard) -> None:
        self.name, self.parent = "slide", None
        self.instrument, self.guard, self.clock = instrument, guard, instrument.clock
        self.is_stopped = False

    def set(self, value: float) -> DeviceStatus:
        self.guard.check("position", value)
        self.is_stopped = False
        self.instrument.go(value)
        return follow(self, self.clock, self.work(value), expected_s=200.0 / SPEED_PER_S, what=f"a move to {value:g}")

    def work(self, value: float) -> Work:
        while abs(self.instrument.position() - value) > 0.01:
            if self.is_stopped:
                raise DeviceTimeoutError("slide: stopped")
            yield 0.05

    def stop(self, *, success: bool = False) -> None:
        self.is_stopped = True
        self.instrument.halt()

    def read(self) -> dict[str, Any]:
        return {"slide_position": {"value": self.instrument.position(), "timestamp": 1.0}}

    def describe(self) -> dict[str, Any]:
        return {"slide_position": {"source": "memory", "dtype": "number", "shape": [], "units": "mm"}}

    @property
    def position(self) -> float:
        return self.instrument.position()

    def counters(self) -> Mapping[str, int]:
        return {"operations": self.instrument.counter}

    def disconnect(self) -> None:
        pass


class TakesAnything(Slide):
    """limits: it asks nobody whether it may."""

    def set(self, value: float) -> DeviceStatus:
        self.instrument.go(value)
        return follow(self, self.clock, self.work(value), expected_s=200.0 / SPEED_PER_S, what="a move")


class DoneAtOnce(Slide):
    """read-back: its status is done as soon as the command is sent."""

    def work(self, value: float) -> Work:
        yield 0.0


class CountsTwice(Slide):
    """counter: it sends each command twice, to be sure."""

    def set(self, value: float) -> DeviceStatus:
        self.instrument.counter += 1
        return super().set(value)


class CallsAStopSuccess(Slide):
    """stop: a stopped move is reported as done."""

    def work(self, value: float) -> Work:
        while abs(self.instrument.position() - value) > 0.01 and not self.is_stopped:
            yield 0.05


class EndsJustBefore(Slide):
    """It keeps its word; each of its first moves ends by itself before a stop reaches it."""

    early = 1

    def set(self, value: float) -> DeviceStatus:
        self.status = super().set(value)
        return self.status

    def stop(self, *, success: bool = False) -> None:
        if self.early > 0:
            self.early -= 1
            self.instrument.origin = self.instrument.target
            self.status.wait(5.0)
        super().stop(success=success)


class IgnoresStops(EndsJustBefore):
    """stop: it goes on to where it was sent."""

    early = 1000


class WaitsForEver(Slide):
    """timeout: it believes that an instrument that says nothing is busy."""

    def work(self, value: float) -> Work:
        while self.instrument.is_silent or abs(self.instrument.position() - value) > 0.01:
            if self.is_stopped:
                raise DeviceTimeoutError("slide: stopped")
            yield 0.05


class DescribesAnother(Slide):
    """describe: it describes a whole number, and reads another."""

    def describe(self) -> dict[str, Any]:
        described = super().describe()
        described["slide_position"]["dtype"] = "string"
        return described


class ForgetsItself(Slide):
    """reconnect: opened anew it is another instrument."""

    def disconnect(self) -> None:
        self.instrument.serial = "SL-2"


WRONG = {
    "limits": TakesAnything,
    "read-back": DoneAtOnce,
    "counter": CountsTwice,
    "stop": CallsAStopSuccess,
    "timeout": WaitsForEver,
    "describe": DescribesAnother,
    "reconnect": ForgetsItself,
}


def subject(kind: type[Slide]) -> Subject:
    """A slide of a class under test."""
    clock = ScaledClock(4.0)
    instrument = Instrument(clock)

    def opened() -> Opened:
        guard = Guard("slide", {"position": LIMIT}, clock)
        return Opened(kind(instrument, guard), guard, clock, None, Identity("slide", instrument.serial, True))

    def reopen() -> Opened:
        first.device.disconnect()
        return opened()

    first = opened()
    return Subject("slide", first, reopen, lambda on: setattr(instrument, "is_silent", on), patience_s=3.0)
