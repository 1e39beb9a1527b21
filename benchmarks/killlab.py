"""What a lab brings to the kill harness: its files, its simulators as processes that may die, and their own account."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from autolab.compose.benches import bench_at, free_ca_ports, serve_requests, shared
from autolab.config.lab import load_lab
from autolab.journal.records import IntentRecord, TrialRecord
from simulators.launch import Running, start_all

__all__ = ["Account", "KillLab", "Simulators", "simulators_for"]


@dataclass(frozen=True)
class Account:
    """What a lab's devices say for themselves when a campaign is over, over their own protocols and on the disk."""

    states: Mapping[str, str]
    """State of each operation that a device or the journal knows: ``done``, ``failed`` or ``unknown``."""
    counted: int
    """Operations that the devices have counted, together."""
    measured: Mapping[int, float | None]
    """The objective of each trial, from what the devices keep of its last attempt; None where they keep nothing."""
    doubles: Sequence[str] = ()
    """What was done twice under different names, each in a sentence."""
    misplaced: Sequence[str] = ()
    """What is not where, or not as much as, the journal's actions make it, each in a sentence."""


@dataclass(frozen=True)
class KillLab:
    """A lab whose campaigns are killed."""

    name: str
    write: Callable[[Path], Path]
    """Puts what a campaign needs into its data folder, and returns the campaign's file."""
    lab_file: Callable[[Path], Path]
    """The lab's file of a data folder."""
    trials: int
    factor: float
    """Lab seconds per real second."""
    longest_s: float
    """A kill at a random instant comes at most so many seconds after the controller took over or was left alone."""
    ask: Callable[[Simulators, str, str], str]
    """Ask a device over its own protocol what became of an operation, as (simulators, device, operation)."""
    account: Callable[[Simulators, Sequence[TrialRecord], Sequence[IntentRecord]], Account]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further variables of its controllers."""


class Simulators:
    """The simulators of a lab: processes with a session each, which may die and come back where they listened.

    Args:
        lab_file: The lab's file.
        folder: Where their state lives.
        seed: Seed of their noise.
        factor: Lab seconds per real second.
    """

    def __init__(self, lab_file: Path, folder: Path, seed: int, factor: float) -> None:
        self.lab, self.folder, self.seed, self.factor = load_lab(lab_file), folder, seed, factor
        requests = serve_requests(self.lab, folder, seed, factor, free_ca_ports(self.lab))
        self._requests = {request.device: request for request in requests}
        self._running: dict[str, Running] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the devices."""
        return tuple(self._requests)

    def at(self, device: str) -> str:
        """Where a serial or ZeroMQ device listens."""
        at = self._requests[device].at
        return str(at.get("serial") or at["zmq"])

    def start(self) -> None:
        """Start those that do not run where they listened before."""
        gone = [name for name in self._requests if name not in self._running]
        if gone:
            with ThreadPoolExecutor(len(gone)) as pool:
                list(pool.map(self._start, gone))

    def kill(self, device: str) -> None:
        """``kill -9``. The name of a serial line goes first: its terminal's number is soon somebody else's."""
        if "serial" in (at := self._requests[device].at):
            Path(str(at["serial"])).unlink(missing_ok=True)
        self.signal(device, signal.SIGKILL)
        if device in self._running:
            self._running.pop(device).stop()

    def signal(self, device: str, number: int) -> None:
        if device in self._running:
            os.kill(self._running[device].pids[device], number)

    def end(self) -> None:
        for device in self.names:
            self.signal(device, signal.SIGCONT)
        while self._running:
            self._running.popitem()[1].stop()

    @contextmanager
    def shared(self, identity: str) -> Iterator[None]:
        """Say where they listen, so that campaigns attach to them."""
        ready = {device: request.at for device, request in self._requests.items()}
        with shared(self.lab, self.folder, bench_at(identity, self.factor, self.lab, ready), self.seed):
            yield

    def _start(self, device: str) -> None:
        running = start_all([self._requests[device]])
        self._running[device] = running
        self._requests[device] = replace(self._requests[device], at=running.addresses[device])


@contextmanager
def simulators_for(lab: KillLab, data: Path, seed: int) -> Iterator[Simulators]:
    """Simulators that the controllers of a data folder attach to, outside of their process groups."""
    file = lab.lab_file(data)
    folder = data / "simulators" / load_lab(file).name
    folder.mkdir(parents=True)
    simulators = Simulators(file, folder, seed, lab.factor)
    try:
        simulators.start()
        with simulators.shared(f"bench-{data.name}"):
            yield simulators
    finally:
        simulators.end()
