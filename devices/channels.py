"""Signals over EPICS process variables whose writes are the boundary of the envelope."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol, cast

from ophyd import Component, EpicsSignal, EpicsSignalRO
from ophyd.status import DeviceStatus

from autolab.core.clock import Clock
from autolab.core.effects import Write
from autolab.core.envelope import AllowedValues, RangeLimit
from autolab.core.errors import EnvelopeError, ReadbackError
from devices.completion import Work, follow
from devices.foresight import Foreseen
from safety.gate import PvGate, only_read
from safety.guard import Guard

__all__ = ["ANSWER_S", "ArmingSignal", "Channel", "CommandSignal", "GuardedEpicsSignal", "ReadOnlySignal"]

ANSWER_S = 3.0
"""Real seconds within which a process variable must answer. A busy machine may take one."""

LONGEST_TEXT = 39
"""Bytes of a text in Channel Access; of a longer one the rest is cut off."""

LOOKS = 300
"""Looks at a read-back, at least 4 ms of real time apart, before a write counts as not taken."""


class Channel(Component):
    """A component over a process variable: of an IOC, or of a core in memory.

    The device says by its attribute ``control_layer`` which: None for EPICS, else ophyd's argument ``cl``.
    Channels are lazy, so that building a device opens nothing.

    Args:
        cls: Class of the signal.
        suffix: Name of the process variable, without the prefix.
        key: Name of the signal in documents, without the device's, where ophyd reserves it as an attribute.
        kwargs: Of the signal.
    """

    def __init__(self, cls: type, suffix: str, *, key: str | None = None, **kwargs: Any) -> None:
        super().__init__(cls, suffix, lazy=True, **kwargs)
        self._key = key

    def create_component(self, instance: Any) -> Any:
        options = {"timeout": ANSWER_S, "connection_timeout": ANSWER_S, **self.kwargs}
        if instance.control_layer is not None:
            options["cl"] = instance.control_layer
        component = copy.copy(self)
        component.kwargs = options
        signal = Component.create_component(component, instance)
        if self._key is not None:
            signal.name = f"{instance.name}_{self._key}"
        return signal


class ReadOnlySignal(EpicsSignalRO):
    """A process variable that is only read, whatever its server allows."""

    def __init__(self, read_pv: str, **kwargs: Any) -> None:
        super().__init__(read_pv, **kwargs)
        self._read_pv = PvGate(self._read_pv, only_read(self.name))


class GuardedEpicsSignal(EpicsSignal):
    """A writable process variable. Each write asks the device's guard: ``put`` (also forced) and ``set``.

    ``set`` is done only when the read-back agrees with what was written; ophyd's time-out and settling time have no
    meaning for it.

    Args:
        read_pv: Process variable that reads back what is in force.
        write_pv: Process variable that is written.
        declared: Name under which the envelope declares the signal, without the device's.
        exact: Smallest difference that counts, relative to the value, where the envelope gives no tolerance.
        is_whole: True where the process variable holds whole numbers: others would arrive cut off.
        kwargs: As of `ophyd.EpicsSignal`.
    """

    def __init__(
        self,
        read_pv: str,
        write_pv: str,
        *,
        declared: str,
        exact: float = 1e-6,
        is_whole: bool = False,
        **kwargs: Any,
    ) -> None:
        self.declared = declared
        self._exact, self._is_whole = exact, is_whole
        super().__init__(read_pv, write_pv, **kwargs)
        # Not through the instance: a class that derives from this one may add to the check, and take nothing away.
        self._write_pv = PvGate(self._write_pv, partial(GuardedEpicsSignal.check_value, self))
        self._read_pv = PvGate(self._read_pv, only_read(self.name))

    @property
    def owner(self) -> _Owner:
        """The device, with its guard and clock."""
        return cast("_Owner", self.parent)

    def check_value(self, value: Any) -> None:
        """Refuse what the envelope does not allow, and what would arrive as something else.

        Raises:
            EnvelopeError: the write would leave the envelope, or none is declared.
        """
        self.owner.guard.check(self.declared, value, self._present)
        self._refuse_misfit(value)

    def _refuse_misfit(self, value: Any) -> None:
        """Refuse what would arrive as something else than it is."""
        name = f"{self.owner.name}.{self.declared}"
        if isinstance(value, str) and (len(value.encode()) > LONGEST_TEXT or "\0" in value):
            raise EnvelopeError(
                f"{name}: refused to write {value!r}: a text on the wire ends after {LONGEST_TEXT} bytes"
            )
        if self._is_whole and float(value) % 1.0:
            raise EnvelopeError(f"{name}: refused to write {value!r}: it takes whole numbers only")

    def put(self, value: Any, *args: Any, **kwargs: Any) -> None:
        self.check_value(value)
        super().put(value, *args, **kwargs)

    def set(self, value: Any, **_: Any) -> DeviceStatus:  # pyright: ignore[reportIncompatibleMethodOverride] (a status is a status)
        self.check_value(value)
        return follow(
            self.owner, self.owner.clock, self._confirm(value), expected_s=0.0, what=f"{self.declared} = {value}"
        )

    def foresee(self, action: Any, known: Mapping[str, Any]) -> Foreseen:  # noqa: ARG002 (part of the protocol)
        """Say what `set` would do, see `devices.foresight`."""
        if isinstance(action, str if isinstance(self.owner.guard.limit(self.declared), AllowedValues) else int | float):
            self._refuse_misfit(action)
        return Foreseen((Write(f"{self.owner.name}.{self.declared}", action),), {self.name: action})

    def describe(self) -> dict[str, Any]:
        description = super().describe()
        limit = self.owner.guard.limit(self.declared)
        if isinstance(limit, RangeLimit):
            description[self.name] |= {
                "units": limit.unit,
                "lower_ctrl_limit": limit.lower,
                "upper_ctrl_limit": limit.upper,
            }
        return description

    def _present(self) -> float:
        return float(self.get(use_monitor=False))

    def _confirm(self, value: Any) -> Work:
        self.owner.send(self, value)
        read_back = None
        for _ in range(LOOKS):
            read_back = self.owner.ask(self)
            if self._agrees(value, read_back):
                return
            yield 0.0
        name = f"{self.owner.name}.{self.declared}"
        if isinstance(value, str) or isinstance(read_back, str) or read_back is None:
            raise ReadbackError(f"{name}: commanded {value!r} and it reads back {read_back!r}: look at the instrument")
        limit = self.owner.guard.limit(self.declared)
        unit = limit.unit if isinstance(limit, RangeLimit) else ""
        exact = self._exact * max(abs(float(value)), 1e-6)
        self.owner.guard.confirm(self.declared, float(value), float(read_back), exact, unit)

    def _agrees(self, value: Any, read_back: Any) -> bool:
        if isinstance(value, str) or isinstance(read_back, str):
            return value == read_back
        return abs(float(read_back) - float(value)) <= self._tolerance_at(float(value))

    def _tolerance_at(self, value: float) -> float:
        return self.owner.guard.tolerance(self.declared, self._exact * max(abs(value), 1e-6))


class CommandSignal(EpicsSignal):
    """A process variable that starts or stops something when 1 is written; it takes nothing else.

    It carries no value that an envelope could limit: the class itself allows the one.
    """

    def __init__(self, read_pv: str, **kwargs: Any) -> None:
        super().__init__(read_pv, **kwargs)
        self._read_pv = self._write_pv = PvGate(self._write_pv, partial(CommandSignal.check_value, self))

    def check_value(self, value: Any) -> None:
        if type(value) not in (int, float) or value != 1:
            raise EnvelopeError(f"{self.name}: refused to write {value!r}: a command takes only 1")

    def put(self, value: Any, *args: Any, **kwargs: Any) -> None:
        self.check_value(value)
        super().put(value, *args, **kwargs)

    def set(self, value: Any, **_: Any) -> DeviceStatus:  # pyright: ignore[reportIncompatibleMethodOverride] (a status is a status)
        self.check_value(value)
        owner = cast("_Owner", self.parent)
        return follow(owner, owner.clock, self._once(owner), expected_s=0.0, what=f"command {self.attr_name}")

    def _once(self, owner: _Owner) -> Work:
        owner.send(self, 1)
        yield from ()


class ArmingSignal(EpicsSignal):
    """The process variable by which a controller keeps other writers out: 1 while it does, else 0."""

    def __init__(self, read_pv: str, **kwargs: Any) -> None:
        super().__init__(read_pv, **kwargs)
        self._read_pv = self._write_pv = PvGate(self._write_pv, partial(ArmingSignal.check_value, self))

    def check_value(self, value: Any) -> None:
        if type(value) not in (int, float) or value not in (0, 1):
            raise EnvelopeError(f"{self.name}: refused to write {value!r}: it takes 0 and 1")

    def put(self, value: Any, *args: Any, **kwargs: Any) -> None:
        self.check_value(value)
        super().put(value, *args, **kwargs)


class _Owner(Protocol):
    """What the signals use of the device that they belong to, see `devices.epics_instrument.EpicsInstrument`."""

    name: str
    guard: Guard
    clock: Clock

    def ask(self, signal: Any) -> Any: ...
    def send(self, signal: Any, value: Any) -> None: ...
