"""What every device class of ours has in common: how it is built, guarded, checked at start, and described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from autolab.core.addresses import Address
from autolab.core.clock import Clock
from safety.guard import Guard

__all__ = ["AutolabDevice", "Claimable", "Identity", "WritableSignal"]


@dataclass(frozen=True, slots=True)
class WritableSignal:
    """A signal of a device class that can be written, as the envelope must declare it."""

    name: str
    unit: str | None
    """Unit of the numbers that the device takes, as pint writes it; None for a signal with allowed values."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says of itself over its own wire."""

    model: str
    serial_number: str
    is_simulated: bool


@runtime_checkable
class AutolabDevice(Protocol):
    """A device class of ours: ``Class(name=…, at=…, clock=…, guard=…, **options)``.

    Building one opens nothing. `connect` opens its transport and reads its identity; `disconnect` lets go of threads,
    sockets and lines. Every write goes through the guard, in the device's own lowest write.
    """

    name: str
    writable_signals: ClassVar[tuple[WritableSignal, ...]]
    """Every signal that can be written; the lab does not start unless the envelope declares each of them."""

    def __init__(self, *, name: str, at: Address, clock: Clock, guard: Guard, **options: Any) -> None: ...

    def connect(self, timeout_s: float) -> Identity:
        """Open the transport and ask who is there.

        Args:
            timeout_s: Real seconds to wait at most.

        Raises:
            NotConnectedError: nothing answers at the address, or something else does.
        """
        ...

    def disconnect(self) -> None:
        """Let go of the transport. Idempotent."""
        ...

    def counters(self) -> Mapping[str, int]:
        """Operation counters of the instrument by name, read now; empty where it has none."""
        ...


@runtime_checkable
class Claimable(Protocol):
    """A device whose instrument can be told to take actions from one controller only."""

    def claim(self, key: str, by: str) -> None:
        """Let nobody else act on the instrument until `release`. Stopping it stays open to everybody.

        Args:
            key: Known to the controllers of this lab alone.
            by: Who claims, for whoever is refused.

        Raises:
            DeviceError: somebody else has claimed it, or it does not answer.
        """
        ...

    def release(self) -> None:
        """Let others act again. Idempotent."""
        ...
