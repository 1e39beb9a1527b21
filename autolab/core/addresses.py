"""Addresses: where a device listens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Address", "EpicsAddress", "MemoryAddress", "NoAddress", "SerialAddress", "ZmqAddress"]


@dataclass(frozen=True, slots=True)
class EpicsAddress:
    """A family of process variables by their common prefix, over Channel Access."""

    prefix: str
    kind: Literal["epics"] = "epics"

    def __str__(self) -> str:
        return f"epics {self.prefix}"


@dataclass(frozen=True, slots=True)
class SerialAddress:
    """A serial line: a device file or a pyserial URL."""

    port: str
    baudrate: int = 9600
    kind: Literal["serial"] = "serial"

    def __str__(self) -> str:
        return f"serial {self.port}"


@dataclass(frozen=True, slots=True)
class ZmqAddress:
    """A ZeroMQ endpoint such as ``tcp://127.0.0.1:5555``."""

    endpoint: str
    kind: Literal["zmq"] = "zmq"

    def __str__(self) -> str:
        return f"zmq {self.endpoint}"


@dataclass(frozen=True, slots=True)
class NoAddress:
    """A device that lives in the controller itself, as soft devices do."""

    kind: Literal["none"] = "none"

    def __str__(self) -> str:
        return "none"


@dataclass(frozen=True, slots=True)
class MemoryAddress:
    """A simulator's protocol core in the same process, under the virtual clock."""

    core: Any
    """The core; the device's transport speaks the same protocol to it, without a socket."""
    prefix: str = ""
    kind: Literal["memory"] = "memory"

    def __str__(self) -> str:
        return "memory"


Address = EpicsAddress | SerialAddress | ZmqAddress | NoAddress | MemoryAddress
