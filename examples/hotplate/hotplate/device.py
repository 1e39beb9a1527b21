"""A hot plate on a serial line, with the frames of `devices.frames`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ophyd.status import DeviceStatus

from autolab.core.addresses import Address
from autolab.core.clock import Clock
from autolab.core.effects import Write
from autolab.core.errors import DeviceError, EnvelopeError, NotConnectedError, WireError
from devices.base import Identity, WritableSignal
from devices.completion import Work, follow, pause_s
from devices.foresight import Foreseen
from devices.frames import fields
from devices.instrument import Instrument, describe_number
from devices.serial_line import framed_line
from safety.guard import Guard

__all__ = ["HotPlate"]

MODEL = "HP-1"
TOLERANCE_C = 0.2
LONGEST_WARM_UP_S = 1200.0
"""Lab seconds within which the plate reaches any temperature of its range."""


class HotPlate(Instrument):
    """Brings a plate to a temperature, and measures the sample that stands on it.

    Args:
        name: Name of the device.
        at: A serial address, or a core in memory.
        clock: Lab time.
        guard: The limits of ``temperature`` (degC).
    """

    writable_signals: ClassVar[tuple[WritableSignal, ...]] = (WritableSignal("temperature", "degC"),)
    sets: ClassVar[str] = "temperature"

    def __init__(self, *, name: str, at: Address, clock: Clock, guard: Guard) -> None:
        super().__init__(name=name, at=at, clock=clock, guard=guard)
        self._line = framed_line(at, clock, name, self._permit)

    def connect(self, timeout_s: float) -> Identity:  # noqa: ARG002 (the line has its own, shorter timeout)
        """Open the line and ask who is there."""
        self._line.open()
        try:
            said = fields(self._line.recognise("IDN?"))
            if said["model"] != MODEL:
                raise WireError(f"expected {MODEL}, and it says {said['model']}")
            self._identity = Identity(said["model"], said["serial"], said["simulated"] == "1")
        except (DeviceError, KeyError) as error:
            self._line.close()
            raise NotConnectedError(f"{self.name} ({self._at}): no hot plate {MODEL} answers: {error}") from error
        return self._identity

    def disconnect(self) -> None:
        """Let go of the line. Idempotent."""
        self._identity = None
        self._line.close()

    def counters(self) -> Mapping[str, int]:
        """How often the plate was set, as it counts itself."""
        return {"settings": self._state()["counter"]}

    def set(self, celsius: float) -> DeviceStatus:
        """Bring the plate to a temperature in degC.

        Returns:
            A status that finishes when the plate itself reads this temperature, and fails where it was stopped.

        Raises:
            EnvelopeError: the guard refuses; nothing was sent.
        """
        self._require_connected()
        self._guard.check("temperature", celsius, self._plate)
        what = f"warm up to {celsius:g} degC"
        return follow(self, self._clock, self._work(celsius), expected_s=LONGEST_WARM_UP_S, what=what)

    def foresee(self, celsius: float, known: Mapping[str, Any]) -> Foreseen:  # noqa: ARG002 (part of the protocol)
        """Say what `set` would do, for the dry run of a plan: nobody knows how warm the sample becomes."""
        write = Write(f"{self.name}.temperature", celsius)
        return Foreseen((write,), {f"{self.name}_temperature": celsius}, frozenset({f"{self.name}_sample"}))

    def stop(self, *, success: bool = False) -> None:  # noqa: ARG002 (Bluesky's signature; a stop is a stop)
        """Switch the heater off."""
        if self.connected:
            self._line.ask("OFF")

    def _write(self, celsius: float) -> None:
        """Send a temperature; the guard sees it first, and the line once more, as whole thousandths."""
        self._guard.check("temperature", celsius, self._plate)
        self._line.tell(f"SET {round(celsius * 1000)}")

    def _permit(self, command: str) -> None:
        """Refuse a command that leaves the envelope, in what goes over the line: the lowest write of this device."""
        match command.split():
            case ["SET", milli] if milli.isdecimal():
                self._guard.check("temperature", int(milli) / 1000, self._plate)
            case ["IDN?" | "STAT?" | "OFF"]:
                return
            case _:
                raise EnvelopeError(f"{self.name}: refused to send {command!r}: it is no command of this device")

    def _work(self, celsius: float) -> Work:
        self._write(celsius)
        tolerance = self._guard.tolerance("temperature", TOLERANCE_C)
        while abs(self._plate() - celsius) > tolerance:
            if self._state()["setting_mc"] != round(celsius * 1000):
                raise DeviceError(f"{self.name}: was switched off, or set otherwise, on its way to {celsius:g} degC")
            yield pause_s(self._clock, LONGEST_WARM_UP_S)
        self._guard.confirm("temperature", celsius, self._state()["setting_mc"] / 1000, TOLERANCE_C, "degC")

    def _values(self) -> Mapping[str, Any]:
        state = self._state()
        return {"temperature": state["plate_mc"] / 1000, "sample": state["sample_mc"] / 1000}

    def _keys(self) -> Mapping[str, dict[str, Any]]:
        limit = self._guard.limit("temperature")
        return {
            "temperature": describe_number(str(self._at), "degC", limit),
            "sample": describe_number(str(self._at), "degC"),
        }

    def _plate(self) -> float:
        return self._state()["plate_mc"] / 1000

    def _state(self) -> dict[str, int]:
        try:
            state = {name: int(value) for name, value in fields(self._line.ask("STAT?")).items()}
        except ValueError as error:
            raise WireError(f"{self.name}: its state is not in whole numbers: {error}") from None
        if missing := {"plate_mc", "sample_mc", "setting_mc", "counter"} - set(state):
            raise WireError(f"{self.name}: its state lacks {', '.join(sorted(missing))}")
        return state
