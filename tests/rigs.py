"""Two rigs for the same tests: a core in memory under the virtual clock, and a process behind Channel Access."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autolab.core.addresses import EpicsAddress, MemoryAddress
from autolab.core.clock import Clock, ScaledClock, VirtualClock
from autolab.core.envelope import Limit
from safety.guard import Guard
from simulators.base import FileStore, MemoryStore, Settings, Store

PATIENCE_S = 60.0


def until(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for a condition in real time, and fail the test where it does not come."""
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {patience_s:g} s")
        time.sleep(0.005)  # noqa: TID251 (this is the one poll, with its deadline)


class Ioc:
    """A simulator of ours in a process of its own."""

    def __init__(
        self, class_name: str, device: str, folder: Path, at: Mapping[str, Any], factor: float, **options: Any
    ):
        request = {"class": class_name, "device": device, "folder": str(folder), "seed": 1, "factor": factor}
        request |= {"options": options, "at": dict(at)}
        command = [sys.executable, "-m", "simulators.serve", json.dumps(request)]
        pipe = subprocess.PIPE
        environment = {key: value for key, value in os.environ.items() if not key.startswith("EPICS_")}
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment)
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline()
        if not self.ready:
            raise AssertionError(self.process.communicate()[1])
        self.address: dict[str, Any] = json.loads(self.ready)

    def end(self) -> int:
        """Close its standard input and wait for its end; kill it where it does not."""
        try:
            self.process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def ioc(
    class_name: str, device: str, folder: Path, at: Mapping[str, Any], factor: float, **options: Any
) -> Iterator[Ioc]:
    """A simulator in a process of its own, that is gone at the end."""
    served = Ioc(class_name, device, folder, at, factor, **options)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.process.send_signal(18)  # SIGCONT: a stopped process cannot end
        served.end()


@dataclass
class Rig:
    """Where a device is tested: in memory, or against an IOC."""

    name: str
    clock: Clock
    at: EpicsAddress | MemoryAddress
    store: Store

    @property
    def core(self) -> Any:
        """The core of a rig in memory."""
        assert isinstance(self.at, MemoryAddress)
        return self.at.core

    def build(self, device_class: Any, name: str, limits: Mapping[str, Limit]) -> Any:
        """A connected device."""
        device = device_class(name=name, at=self.at, clock=self.clock, guard=Guard(name, limits))
        device.connect(PATIENCE_S)
        return device

    def until(self, condition: Callable[[], bool], what: str = "the condition") -> None:
        """Let time pass until a condition holds."""
        if not isinstance(self.clock, VirtualClock):
            until(condition, what)
            return
        for _ in range(10_000):
            if condition():
                return
            self.clock.sleep(0.01)
        raise AssertionError(f"{what}: not within 100 s of lab time")

    def error(self, status: Any) -> BaseException | None:
        """Wait for the end of a status, and give its exception."""
        self.until(lambda: status.done, "the end of the status")
        return status.exception(0)


def memory_rig(core_class: Any, device: str, **options: Any) -> Rig:
    clock, store = VirtualClock(), MemoryStore()
    core = core_class(Settings(device, clock, store, seed=1), **options)
    return Rig("memory", clock, MemoryAddress(core, prefix="MEM:"), store)


def ioc_rig(served: Ioc, folder: Path, factor: float) -> Rig:
    return Rig("ioc", ScaledClock(factor), EpicsAddress(served.address["epics"]), FileStore(folder))
