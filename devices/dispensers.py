"""Dispensers: they put volumes of liquid into the well under their nozzle, and mix it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from bluesky.protocols import Status

from autolab.core.addresses import Address
from autolab.core.clock import Clock
from autolab.core.effects import Pour, Write
from autolab.core.envelope import RangeLimit
from autolab.core.errors import (
    DeviceError,
    DeviceTimeoutError,
    EnvelopeError,
    InputError,
    NotConnectedError,
    ReadbackError,
    WireError,
)
from autolab.core.operations import OperationId
from autolab.core.parameters import Value
from autolab.core.phases import Settlement
from devices.base import Identity, WritableSignal
from devices.completion import Work, pause_s
from devices.foresight import Foreseen, known_number, lapse
from devices.frames import fields
from devices.instrument import Instrument, describe_number
from devices.reconciling import judged
from devices.serial_line import framed_line
from safety.guard import Guard

__all__ = ["Dispense", "Mix", "SerialDispenser"]

MODEL = "AD-4"
"""The instrument that speaks this protocol."""
PROTOCOL = "1"
HARMLESS = ("IDN?", "LIM?", "COUNT?", "OPID?", "STOP")
"""Commands that put nothing anywhere."""
VOLUME_TOLERANCE_UL = 0.1
MIX_TOLERANCE_S = 0.1


@dataclass(frozen=True, slots=True)
class Dispense:
    """Put a volume of a liquid into the well under the nozzle."""

    material: str
    """Name of the liquid, one of the device's channels."""
    volume_ul: float
    operation: OperationId


@dataclass(frozen=True, slots=True)
class Mix:
    """Mix the well under the nozzle."""

    duration_s: float
    """Lab seconds."""
    operation: OperationId


class SerialDispenser(Instrument):
    """A syringe dispenser on a serial line, as docs/reference/dispenser-protocol.md describes it.

    Args:
        name: Name of the device.
        at: A serial address, or a core in memory.
        clock: Lab time.
        guard: The limits of ``channel``, ``volume`` (uL) and ``mix_time`` (s).
        channels: The liquid in each channel, from channel 1.
    """

    writable_signals: ClassVar[tuple[WritableSignal, ...]] = (
        WritableSignal("channel", None),
        WritableSignal("volume", "uL"),
        WritableSignal("mix_time", "s"),
    )

    def __init__(self, *, name: str, at: Address, clock: Clock, guard: Guard, channels: Sequence[str]) -> None:
        super().__init__(name=name, at=at, clock=clock, guard=guard)
        self._channels = tuple(channels)
        self._line = framed_line(at, clock, name, self._permit)
        self._flow_ul_per_s = float("nan")
        self._dispensed_ul = 0.0

    def connect(self, timeout_s: float) -> Identity:  # noqa: ARG002 (each request has the line's own, shorter timeout)
        """Open the line and ask who is there, see `devices.base.AutolabDevice`."""
        self._line.open()
        try:
            said, limits = fields(self._line.recognise("IDN?")), fields(self._line.ask("LIM?"))
            if said["model"] != MODEL or said["protocol"] != PROTOCOL or int(said["channels"]) < len(self._channels):
                raise WireError(f"expected protocol {PROTOCOL} and {len(self._channels)} channels, and it says {said}")
            self._flow_ul_per_s = int(limits["flow_nl_per_s"]) / 1000
            self._identity = Identity(said["model"], said["serial"], said["simulated"] == "1")
        except (DeviceError, KeyError, ValueError) as error:
            self._line.close()
            raise NotConnectedError(f"{self.name} ({self._at}): no dispenser {MODEL} answers: {error}") from error
        return self._identity

    def disconnect(self) -> None:
        """Let go of the line. Idempotent."""
        self._identity = None
        self._line.close()

    def counters(self) -> Mapping[str, int]:
        """The instrument's own count of operations, read now."""
        return {"operations": self._counter()}

    def set(self, action: Dispense | Mix) -> Status:
        """Dispense or mix, exactly once for each operation id.

        Returns:
            A status that finishes when the instrument reports the whole volume (or time) and has counted one
            operation; it fails where the operation was stopped, refused, or read back otherwise.

        Raises:
            EnvelopeError: the guard refuses; nothing was sent.
            InputError: the action is none of ours, or no channel holds the material.
        """
        self._permit(self._command(action))
        if isinstance(action, Dispense):
            expected_s, what = action.volume_ul / self._flow_ul_per_s, f"dispense {action.volume_ul:g} uL"
        else:
            expected_s, what = action.duration_s, f"mix for {action.duration_s:g} s"
        self._require_connected()
        return self._follow(self._work(action, expected_s), expected_s, what)

    def foresee(self, action: Dispense | Mix, known: Mapping[str, Any]) -> Foreseen:
        """Say what `set` would do, see `devices.foresight`. What it has dispensed is known within its own tolerance."""
        writes = tuple(Write(f"{self.name}.{signal}", value) for signal, value in self._writes(action))
        counted = frozenset({f"{self.name}_counter"})
        if isinstance(action, Mix):
            return Foreseen((*writes, *lapse(action.duration_s)), unknown=counted)
        flow_ul_per_s = known_number(known, f"{self.name}_flow")
        is_number = isinstance(action.volume_ul, int | float)  # else the envelope refuses what is written
        seconds = action.volume_ul / flow_ul_per_s if is_number and flow_ul_per_s is not None else None
        pour = Pour(self.name, action.material, action.volume_ul)
        return Foreseen((*writes, pour, *lapse(seconds)), {f"{self.name}_dispensed": action.volume_ul}, counted)

    def exercise(self, operation: OperationId, level: float) -> Mix:
        """A mixing for the conformance kit, see `devices.conformance`: it puts nothing anywhere."""
        limit = self._guard.limit("mix_time")
        longest = limit.upper if isinstance(limit, RangeLimit) else 1.0
        return Mix(level * longest, operation)

    def facts(self) -> Mapping[str, Any]:
        """How fast it dispenses, in uL/s."""
        return {f"{self.name}_flow": self._flow_ul_per_s}

    def stop(self, *, success: bool = False) -> None:  # noqa: ARG002 (Bluesky's signature; a stop is a stop)
        """Stop at once. What has been dispensed stays in the well, and the operation's status fails."""
        if self.connected:
            self._line.ask("STOP")

    def operation_state(self, operation: OperationId) -> Literal["unknown", "running", "done", "failed"]:
        """Ask the instrument what became of an operation."""
        state = self._operation(operation)["state"].lower()
        if state not in ("unknown", "running", "done", "failed"):
            raise WireError(f"{self.name}: operation {operation} is in the unknown state {state!r}")
        return state

    def reconcile(self, operation: OperationId, counted: int | None) -> Settlement:
        """Say what became of an action, see `devices.reconciling.Reconcilable`."""
        known = self._operation(operation)
        state = self.operation_state(operation)
        about = ", ".join(f"{key} {value}" for key, value in known.items() if key != "state")
        settlement = judged(self.name, operation, state, about, counted, self._counter())
        return replace(settlement, used_ul=int(known["volume_nl"]) / 1000) if "volume_nl" in known else settlement

    @property
    def hints(self) -> dict[str, Any]:
        """What is worth showing."""
        return {"fields": [f"{self.name}_dispensed"]}

    def _values(self) -> Mapping[str, Any]:
        return {"dispensed": self._dispensed_ul, "counter": self._counter()}

    def _keys(self) -> Mapping[str, dict[str, Any]]:
        source = str(self._at)
        return {
            "dispensed": describe_number(source, "uL", self._guard.limit("volume")),
            "counter": describe_number(source, "", is_whole=True),
        }

    def _write(self, action: Dispense | Mix) -> dict[str, str]:
        """Send an action; the guard sees it first, and the line once more, as whole nanolitres and milliseconds."""
        return fields(self._line.tell(self._command(action)))

    def _command(self, action: Dispense | Mix) -> str:
        """The command of an action that the guard allows."""
        for signal, value in self._writes(action):
            self._guard.check(signal, value)
        if isinstance(action, Dispense):
            if action.material not in self._channels:
                held = ", ".join(self._channels)
                raise InputError(f"{self.name}: no channel holds {action.material!r}; they hold {held}")
            channel = self._channels.index(action.material) + 1
            return f"DISP {channel} {round(action.volume_ul * 1000)} {action.operation}"
        return f"MIX {round(action.duration_s * 1000)} {action.operation}"

    def _writes(self, action: Dispense | Mix) -> Sequence[tuple[str, Value]]:
        """What an action writes, by the names that the envelope knows."""
        if isinstance(action, Dispense):
            return (("channel", action.material), ("volume", action.volume_ul))
        if isinstance(action, Mix):
            return (("mix_time", action.duration_s),)
        raise InputError(f"{self.name}: takes a Dispense or a Mix, not {action!r}")

    def _permit(self, command: str) -> None:
        """Refuse a command that leaves the envelope, in what goes over the line: the lowest write of this device."""
        match command.split():
            case ["DISP", channel, volume_nl, _] if channel.isdecimal() and volume_nl.isdecimal():
                liquids = dict(enumerate(self._channels, start=1))
                self._guard.check("channel", liquids.get(int(channel)))
                self._guard.check("volume", int(volume_nl) / 1000)
            case ["MIX", duration_ms, _] if duration_ms.isdecimal():
                self._guard.check("mix_time", int(duration_ms) / 1000)
            case [verb, *_] if verb in HARMLESS:
                return
            case _:
                raise EnvelopeError(f"{self.name}: refused to send {command!r}: it is no command of this device")

    def _work(self, action: Dispense | Mix, expected_s: float) -> Work:
        is_new = self._operation(action.operation)["state"] == "UNKNOWN"
        counted = self._counter()
        known = self._begin(action)
        end = self._clock.now() + expected_s
        try:
            while known["state"] == "RUNNING":
                yield pause_s(self._clock, end - self._clock.now())
                known = self._operation(action.operation)
        except DeviceTimeoutError:
            with contextlib.suppress(DeviceError):  # it does not answer: what is raised says so
                self.stop()
            raise
        self._check(action, known)
        moved = self._counter() - counted
        if moved != int(is_new):
            raise ReadbackError(
                f"{self.name}: the instrument counted {moved} operations during {action.operation}, "
                f"and {int(is_new)} was commanded: does somebody else use it?"
            )

    def _begin(self, action: Dispense | Mix) -> dict[str, str]:
        """Send an action. Where the reply is lost, ask what became of it, and send again only what never arrived.

        To send the same operation id again is safe in itself: the instrument executes an id once.
        """
        try:
            return self._write(action)
        except (WireError, DeviceTimeoutError, NotConnectedError):
            known = self._operation(action.operation)
            return self._write(action) if known["state"] == "UNKNOWN" else known

    def _check(self, action: Dispense | Mix, known: Mapping[str, str]) -> None:
        """Compare what was commanded with what the instrument says it did."""
        try:
            if isinstance(action, Dispense):
                done, wanted, signal, unit = int(known["volume_nl"]) / 1000, action.volume_ul, "volume", "uL"
                tolerance = VOLUME_TOLERANCE_UL
                self._dispensed_ul = done
            else:
                done, wanted, signal, unit = int(known["mixed_ms"]) / 1000, action.duration_s, "mix_time", "s"
                tolerance = MIX_TOLERANCE_S
        except (KeyError, ValueError):
            raise WireError(f"{self.name}: {action.operation} reads back as {dict(known)}") from None
        if known["state"] != "DONE":
            raise DeviceError(
                f"{self.name}: {action.operation} {known['state'].lower()} after {done:g} of {wanted:g} {unit}: "
                f"{known.get('reason', 'no reason given')}; what was dispensed stays in the well"
            )
        self._guard.confirm(signal, wanted, done, tolerance, unit)

    def _counter(self) -> int:
        return self._number("COUNT?", "counter")

    def _operation(self, operation: OperationId) -> dict[str, str]:
        known = fields(self._line.ask(f"OPID? {operation}"))
        if "state" not in known:
            raise WireError(f"{self.name}: the answer about {operation} holds no state: {known}")
        return known

    def _number(self, query: str, field: str) -> int:
        answer = self._line.ask(query)
        try:
            return int(fields(answer)[field])
        except (KeyError, ValueError):
            raise WireError(f"{self.name}: {answer!r} answers {query}, and holds no number {field!r}") from None
