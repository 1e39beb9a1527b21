"""Process variables: what an EPICS simulator's core offers, without any EPICS.

A core derives from `PvCore`: a table of process variables, and reading and writing them at a given lab time. The shell
of `simulators.ioc` puts a core behind Channel Access; in memory, `devices.memory` calls it directly.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal

__all__ = ["ARMED", "FORCING", "IDENTITY", "Pv", "PvCore", "Reading", "Severity", "table"]


class Severity(IntEnum):
    """Alarm severities of EPICS."""

    NO_ALARM = 0
    MINOR = 1
    MAJOR = 2
    INVALID = 3


@dataclass(frozen=True, slots=True)
class Pv:
    """One process variable."""

    name: str
    """Without the prefix."""
    kind: Literal["number", "integer", "switch", "choice", "text", "array"]
    meaning: str
    unit: str = ""
    writable: bool = False
    lower: float | None = None
    """Lower end of the range: drive limit of what can be written, display limit of what can only be read."""
    upper: float | None = None
    precision: int = 3
    choices: tuple[str, ...] = ()
    """Names of the states of a switch (two) or a choice."""
    length: int = 1
    """Elements of an array."""
    completes: bool = False
    """True where a put with completion is answered only when the operation has ended."""
    always: bool = False
    """True where anybody may write it, also while the instrument is armed: a stop."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value with the alarm severity that goes with it."""

    value: Any
    severity: Severity = Severity.NO_ALARM


class PvCore(ABC):
    """A simulated instrument as a table of process variables.

    Args:
        pvs: The table; order is the order of publication, so that what announces an end stands last.
        model: What the instrument calls its model.
        serial_number: Its serial number.
    """

    def __init__(self, pvs: Sequence[Pv], *, model: str, serial_number: str) -> None:
        self.pvs: Mapping[str, Pv] = {pv.name: pv for pv in (*IDENTITY, *pvs)}
        self.lock = threading.RLock()
        self.has_power = True
        """Whether its actuators have power; the electronics always have."""
        self._beats = 0
        self._armed = False
        self._forced: dict[str, Any] = {}
        self._identity = {"MODEL": model, "SERIAL": serial_number, "SIMULATED": 1}

    def take_forces(self) -> None:
        """Take forced readings from here on, and say so: `FORCING` is there. Before the first client can ask."""
        self.pvs = {**self.pvs, **{pv.name: pv for pv in FORCING}}

    def beat(self) -> None:
        """Count the heartbeat up. Whoever drives the core calls it as long as it is alive, in real time."""
        self._beats += 1

    def read(self, name: str, now: float) -> Reading:
        """Read one process variable.

        Args:
            name: Its name without the prefix.
            now: Lab time in seconds.

        Raises:
            KeyError: there is no such process variable.
        """
        with self.lock:
            if name == "HEARTBEAT":
                return Reading(self._beats)
            if name == ARMED.name:
                return Reading(int(self._armed))
            if name in self._identity:
                return Reading(self._identity[name])
            if name in (FORCE.name, FORCED.name) and name in self.pvs:
                return Reading(", ".join(f"{each}={value}" for each, value in self._forced.items())[:_LONGEST_TEXT])
            if name in self._forced:
                return Reading(self._forced[name])
            return self._read(name, now)

    def write(self, name: str, value: Any, now: float) -> None:
        """Write one process variable. What the instrument does not take has no effect but an alarm.

        Args:
            name: Its name without the prefix.
            value: The value on the wire.
            now: Lab time in seconds.

        Raises:
            KeyError: there is no such process variable, or it cannot be written.
        """
        with self.lock:
            if not self.pvs[name].writable:
                raise KeyError(f"{name} cannot be written")
            if name == ARMED.name:
                self._armed = bool(value)
                return
            if name == FORCE.name:
                self._force(str(value))
                return
            self._write(name, value, now)

    def _force(self, text: str) -> None:
        """Force a reading, ``NAME=VALUE``, or let all of them go. What is forced moves nothing, and hides the truth."""
        name, _, value = text.partition("=")
        pv = self.pvs.get(name)
        if not text:
            self._forced.clear()
        elif pv is not None and not pv.writable and pv not in (*IDENTITY, FORCED):
            with suppress(ValueError):  # a value of another kind is not taken
                self._forced[name] = _of_kind(pv, value)

    def power(self, on: bool, now: float) -> None:
        """Give power to the actuators, or take it away. Power that comes back moves nothing.

        Args:
            on: Whether there is power from now on.
            now: Lab time in seconds.
        """
        with self.lock:
            if self.has_power and not on:
                self._lose_power(now)
            self.has_power = on

    def _lose_power(self, now: float) -> None:  # noqa: B027 (most instruments have nothing that moves)
        """What happens to whatever moves when the power goes; nothing where nothing does."""

    @abstractmethod
    def is_busy(self, now: float) -> bool:
        """True while an operation is going on, so that a put with completion is not yet answered."""

    @abstractmethod
    def _read(self, name: str, now: float) -> Reading: ...

    @abstractmethod
    def _write(self, name: str, value: Any, now: float) -> None: ...


ARMED = Pv(
    "ARMED", "switch", "While Yes, nobody but the controller's account may write", writable=True, choices=("No", "Yes")
)
"""The process variable by which a controller keeps other writers out."""

FORCE = Pv("FORCE", "text", "NAME=VALUE forces what NAME reads; an empty text lets all readings go", writable=True)
FORCED = Pv("FORCED", "text", "What is forced; empty for nothing")
FORCING = (FORCE, FORCED)
"""A test input, only where a simulator was started to take it. Nothing else has these process variables."""
_LONGEST_TEXT = 39
"""Characters of a text on the wire."""

IDENTITY = (
    Pv("MODEL", "text", "Model of the instrument"),
    Pv("SERIAL", "text", "Serial number"),
    Pv("SIMULATED", "switch", "Yes where a simulator answers", choices=("No", "Yes")),
    Pv("HEARTBEAT", "integer", "Counts up every 0.2 s of real time while the instrument is alive"),
    ARMED,
)
"""The process variables that every simulator of ours has."""


def _of_kind(pv: Pv, text: str) -> Any:
    """A value as a process variable holds it.

    Raises:
        ValueError: it holds none such.
    """
    if pv.kind in ("switch", "choice"):
        return pv.choices.index(text)
    if pv.kind == "array":
        raise ValueError("an array cannot be forced")
    return text if pv.kind == "text" else float(text) if pv.kind == "number" else int(float(text))


def table(pvs: Sequence[Pv]) -> str:
    """The reference table of some process variables, in Markdown."""
    lines = ["| name | type | unit | access | range or states | meaning |", "|---|---|---|---|---|---|"]
    for pv in pvs:
        kind = f"array of {pv.length}" if pv.kind == "array" else pv.kind
        bounds = "" if pv.lower is None or pv.upper is None else f"{pv.lower:g} to {pv.upper:g}"
        access = "write, completes" if pv.completes else "write" if pv.writable else "read"
        row = (f"`{pv.name}`", kind, pv.unit, access, ", ".join(pv.choices) or bounds, pv.meaning)
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)
