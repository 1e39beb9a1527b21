"""Two rigs for devices on serial lines and ZeroMQ: a core in memory on the virtual clock, and a process on the wire."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autolab.core.addresses import Address, MemoryAddress, SerialAddress, ZmqAddress
from autolab.core.clock import Clock, ScaledClock, VirtualClock
from autolab.core.envelope import Limit
from autolab.core.errors import AutolabError
from safety.guard import Guard
from simulators.base import FileStore, MemoryStore, Settings, State, Store
from simulators.launch import Running, start_all
from simulators.serve import ServeRequest
from tests.rigs import until

FACTOR = 50.0
"""Lab seconds in a real second on the wire."""


@dataclass(frozen=True)
class Bench:
    """What a simulator is built from, in memory or as a process."""

    server: type
    device: str
    options: Mapping[str, Any] = field(default_factory=dict)
    materials: Mapping[str, float] = field(default_factory=dict)
    labware: Mapping[str, tuple[tuple[str, ...], int]] = field(default_factory=dict)
    world: Mapping[str, State] = field(default_factory=dict)
    """State of the other simulators on the bench."""
    seed: int = 1


class Rig:
    """A simulator, and where a device finds it."""

    def __init__(self, bench: Bench, at: Address, clock: Clock, store: Store, running: Running | None = None) -> None:
        self.bench, self.at, self.clock, self.store, self.running = bench, at, clock, store, running
        self._devices: list[Any] = []

    @property
    def core(self) -> Any:
        assert isinstance(self.at, MemoryAddress)
        return self.at.core

    @property
    def state(self) -> State:
        """The simulator's durable state, as it is now."""
        state = self.store.load(self.bench.device)
        assert state is not None
        return state

    def world(self, device: str, state: State) -> None:
        """Change the state of another simulator on the bench."""
        self.store.save(device, state)

    def build(
        self, device_class: Any, limits: Mapping[str, Limit], *, at: Address | None = None, **options: Any
    ) -> Any:
        """A connected device; it is closed with the rig."""
        name = self.bench.device
        device = device_class(name=name, at=at or self.at, clock=self.clock, guard=Guard(name, limits), **options)
        self._devices.append(device)
        device.connect(5.0)
        return device

    def until(self, condition: Callable[[], bool], what: str = "the condition") -> None:
        """Let time pass until a condition holds."""
        if not isinstance(self.clock, VirtualClock):
            until(condition, what)
            return
        for _ in range(10_000):
            if condition():
                return
            self.clock.sleep(0.05)
        raise AssertionError(f"{what}: not within 500 s of lab time")

    def end(self, status: Any) -> BaseException | None:
        """Wait for the end of a status; its exception, or None where it succeeded."""
        self.until(lambda: status.done, "the end of the status")
        return status.exception(1)

    def kill(self) -> None:
        """End the simulator's process as a loss of power does."""
        os.kill(self._pid(), signal.SIGKILL)
        assert self.running is not None
        self.running.stop()

    def pause(self) -> None:
        os.kill(self._pid(), signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._pid(), signal.SIGCONT)

    def restart(self) -> None:
        """Start the process again, on the same state and at the same address."""
        assert isinstance(self.store, FileStore)
        self.running = serve(self.bench, self.store.folder, _wish(self.at))

    def release(self) -> None:
        """Close the devices, so that others may connect."""
        while self._devices:
            self._devices.pop().disconnect()

    def close(self) -> None:
        self.release()
        if self.running is not None:
            self.running.stop()

    def _pid(self) -> int:
        assert self.running is not None
        return self.running.pids[self.bench.device]


def memory(bench: Bench) -> Rig:
    clock, store = VirtualClock(), MemoryStore()
    for device, state in bench.world.items():
        store.save(device, state)
    settings = Settings(bench.device, clock, store, bench.seed, bench.materials, bench.labware)
    return Rig(bench, MemoryAddress(bench.server(settings, **bench.options).core), clock, store)


def wire(bench: Bench, folder: Path, at: Mapping[str, Any]) -> Rig:
    store = FileStore(folder)
    for device, state in bench.world.items():
        store.save(device, state)
    running = serve(bench, folder, at)
    said = running.addresses[bench.device]
    address = SerialAddress(said["serial"]) if "serial" in said else ZmqAddress(said["zmq"])
    return Rig(bench, address, ScaledClock(FACTOR), store, running)


def serve(bench: Bench, folder: Path, at: Mapping[str, Any]) -> Running:
    return start_all([request(bench, folder, at)])


def request(bench: Bench, folder: Path, at: Mapping[str, Any]) -> ServeRequest:
    return ServeRequest(
        class_name=f"{bench.server.__module__}.{bench.server.__name__}",
        device=bench.device,
        folder=folder,
        at=at,
        seed=bench.seed,
        factor=FACTOR,
        materials=bench.materials,
        labware=bench.labware,
        options=bench.options,
    )


def refusal(call: Callable[[], Any]) -> str:
    """What a call is refused with."""
    try:
        call()
    except AutolabError as error:
        return str(error)
    raise AssertionError("it was not refused")


def _wish(at: Address) -> dict[str, Any]:
    return {"serial": at.port} if isinstance(at, SerialAddress) else {"zmq": at.endpoint}  # type: ignore[union-attr]
