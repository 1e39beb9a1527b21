"""What every simulator has in common: its settings, its durable state, and its view of the other simulators."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from autolab.core.canonical import canonical_json
from autolab.core.clock import Clock

__all__ = ["FileStore", "MemoryStore", "Settings", "Simulator", "Store"]

State = dict[str, Any]
"""State of one simulator, as plain JSON values."""


class Store(Protocol):
    """Where simulators keep their state: each writes its own and may look at the others', as hardware on one bench."""

    def load(self, device: str) -> State | None:
        """The state of ``device``, or None where it has never run."""
        ...

    def save(self, device: str, state: State) -> None:
        """Keep the state of ``device``, so that it survives a kill at any instant."""
        ...


class MemoryStore:
    """State in memory, under the virtual clock."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}

    def load(self, device: str) -> State | None:
        return self._states.get(device)

    def save(self, device: str, state: State) -> None:
        self._states[device] = state


class FileStore:
    """State in one JSON file for each device, replaced as a whole.

    Args:
        folder: Where the files live.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, device: str) -> State | None:
        try:
            return json.loads((self.folder / f"{device}.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def save(self, device: str, state: State) -> None:
        temporary = self.folder / f".{device}.json.new"
        with temporary.open("w", encoding="utf-8") as file:
            file.write(canonical_json(state))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.folder / f"{device}.json")


@dataclass(frozen=True)
class Settings:
    """What a simulator is told when it is built.

    A simulator's class is built as ``Class(settings, **options)`` with the options of the lab file, and opens nothing.
    """

    device: str
    """Name of the device that it stands in for."""
    clock: Clock
    store: Store
    seed: int = 0
    materials: Mapping[str, float] = field(default_factory=dict[str, float])
    """Stock of each material in microlitres."""
    labware: Mapping[str, tuple[tuple[str, ...], int]] = field(default_factory=dict[str, tuple[tuple[str, ...], int]])
    """For each kind of labware: the places where its pieces start, and the wells of a piece."""
    power: Path | None = None
    """UNIX socket of the relay's power line, for the shell of a simulator that loses power with the relay; None where
    there is always power, as under the virtual clock."""
    takes_forces: bool = False
    """True where the simulator takes forced readings, a test input, and says so to whoever asks."""
    fillings: Mapping[str, str] = field(default_factory=dict[str, str])
    """What tells a material's bottle from the one before, or one filling of it from another."""


class Simulator(Protocol):
    """One simulated device: a protocol core without I/O, and a shell that puts it behind the real protocol."""

    core: Any
    """The core. It takes the lab time with each call and knows no socket."""

    def serve(self, at: Mapping[str, Any]) -> None:
        """Serve the core at an address until standard input closes, then let go.

        When clients can connect, it prints one line of JSON on standard output, with the address as the lab file would
        give it: ``{"epics": PREFIX, "port": N}``, ``{"serial": PATH}`` or ``{"zmq": ENDPOINT}``.

        Args:
            at: Wishes such as ``{"epics": PREFIX, "port": N}``, ``{"serial": "/path/for/a/link"}`` or
                ``{"zmq": "tcp://127.0.0.1:*"}``.
        """
        ...
