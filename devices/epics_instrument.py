"""What every EPICS instrument of ours has in common: connection, identity, heartbeat, and answers in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ophyd import Device
from ophyd.utils import DestroyedError, DisconnectedError, ReadOnlyError

from autolab.core.addresses import Address, EpicsAddress, MemoryAddress
from autolab.core.clock import Clock
from autolab.core.errors import CommandRefusedError, DeviceTimeoutError, InputError, NotConnectedError
from devices.base import Identity, WritableSignal
from devices.channels import ArmingSignal, Channel, CommandSignal, ReadOnlySignal
from devices.memory import MemoryLayer
from safety.guard import Guard

__all__ = ["EpicsInstrument", "Pulse"]

SILENCE_S = 2.0
"""Real seconds after which a heartbeat that stands still means a hung instrument."""


class Pulse:
    """Watches a heartbeat in real time.

    Args:
        device: Name of the device, for the message.
        clock: Gives real time.
    """

    def __init__(self, device: str, clock: Clock) -> None:
        self._device, self._clock = device, clock
        self._count: int | None = None
        self._changed = clock.real()

    def feel(self, count: int) -> None:
        """Take a reading of the heartbeat.

        Raises:
            DeviceTimeoutError: it has stood still for too long.
        """
        if count != self._count:
            self._count, self._changed = count, self._clock.real()
        elif self._clock.real() - self._changed > SILENCE_S:
            raise DeviceTimeoutError(
                f"{self._device}: its heartbeat has stood at {count} for more than {SILENCE_S:g} s: "
                "the instrument hangs; restart it before the next command"
            )


class EpicsInstrument(Device):
    """An instrument behind EPICS process variables, or a simulator's core in memory.

    Args:
        name: Name of the device.
        at: Where it listens: an EPICS prefix, or a core in memory.
        clock: The clock.
        guard: Keeps its writes inside the envelope.
    """

    writable_signals: ClassVar[tuple[WritableSignal, ...]] = ()
    lazy_wait_for_connection = False

    model = Channel(ReadOnlySignal, "MODEL", string=True, kind="config")
    serial_number = Channel(ReadOnlySignal, "SERIAL", string=True, kind="config")
    simulated = Channel(ReadOnlySignal, "SIMULATED", kind="config")
    heartbeat = Channel(ReadOnlySignal, "HEARTBEAT", kind="omitted")
    severity = Channel(ReadOnlySignal, "SEVERITY", string=True, kind="normal")
    command = Channel(ReadOnlySignal, "COMMAND", kind="omitted")
    finished = Channel(ReadOnlySignal, "FINISHED", kind="omitted")
    outcome = Channel(ReadOnlySignal, "STATE", string=True, kind="omitted")
    stop_command = Channel(CommandSignal, "STOP", kind="omitted")
    armed = Channel(ArmingSignal, "ARMED", kind="omitted")

    def __init__(self, *, name: str, at: Address, clock: Clock, guard: Guard) -> None:
        if not isinstance(at, EpicsAddress | MemoryAddress):
            raise InputError(f"{name}: {type(self).__name__} needs an address like 'epics: PREFIX', not {at}")
        self.at, self.clock, self.guard = at, clock, guard
        self.control_layer = MemoryLayer(at.core, clock, at.prefix) if isinstance(at, MemoryAddress) else None
        super().__init__(at.prefix, name=name)

    def connect(self, timeout_s: float) -> Identity:
        """Open the channels and ask who is there. After `disconnect` a device stays closed.

        Raises:
            NotConnectedError: nothing answers at the address in time.
        """
        if self.control_layer is None:
            from epics import ca  # not before ophyd, which chooses the EPICS library

            ca.use_initial_context()  # whichever thread connects
        try:
            self.wait_for_connection(all_signals=True, timeout=timeout_s)
        except (TimeoutError, DestroyedError) as error:
            raise NotConnectedError(
                f"{self.name}: nothing answers at {self.at} within {timeout_s:g} s: "
                f"is the instrument on and reachable, or 'autolab simulate' running? ({error})"
            ) from error
        return Identity(
            model=str(self.ask(self.model)),
            serial_number=str(self.ask(self.serial_number)),
            is_simulated=bool(self.ask(self.simulated)),
        )

    def claim(self, key: str, by: str) -> None:  # noqa: ARG002 (Channel Access has no keys, and says itself who writes)
        """Let no other account write, see `devices.base.Claimable`.

        Raises:
            CommandRefusedError: the instrument gives this account no right to.
            NotConnectedError: it does not answer.
        """
        self.send(self.armed, 1)
        if int(self.ask(self.armed)) != 1:
            raise CommandRefusedError(
                f"{self.name}: does not let itself be armed: look at the access rules of {self.at}"
            )

    def release(self) -> None:
        """Let other accounts write again. Idempotent."""
        self.send(self.armed, 0)

    def disconnect(self) -> None:
        """Close the channels. Idempotent."""
        if not self._destroyed:
            self.destroy()

    def counters(self) -> Mapping[str, int]:
        """The number of commands that the instrument has counted over its life."""
        return {"command": int(self.ask(self.command))}

    def ask(self, signal: Any) -> Any:
        """Read a signal from the wire, never from a cache.

        Raises:
            NotConnectedError: it does not answer.
        """
        try:
            return signal.get(use_monitor=False)
        except _no_answer() as error:
            raise self.lost(error) from error

    def lost(self, error: Exception) -> NotConnectedError:
        """The refusal of an instrument that no longer answers."""
        return NotConnectedError(
            f"{self.name}: no answer from {self.at} ({error}): what it was doing is not known; "
            "look at the instrument, then restart or reconnect it"
        )

    def send(self, signal: Any, value: Any) -> None:
        """Write a signal.

        Raises:
            EnvelopeError: the guard refuses.
            CommandRefusedError: the instrument gives this client no right to write.
            NotConnectedError: it does not answer.
        """
        try:
            signal.put(value)
        except ReadOnlyError as error:
            raise CommandRefusedError(
                f"{self.name}: {signal.name} may not be written by this client: look at the access rules of {self.at}"
            ) from error
        except _no_answer() as error:
            raise self.lost(error) from error


def _no_answer() -> tuple[type[Exception], ...]:
    """What ophyd and pyepics raise when nobody answers, or when the line breaks while they wait for an answer."""
    from epics.ca import CASeverityException, ChannelAccessException, ChannelAccessGetFailure  # not before ophyd

    return (
        TimeoutError,
        DisconnectedError,
        DestroyedError,
        CASeverityException,
        ChannelAccessException,
        ChannelAccessGetFailure,
    )
