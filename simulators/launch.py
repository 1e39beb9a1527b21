"""Starting and stopping simulator processes, all or none."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any

from autolab.core.clock import Clock, real_clock
from autolab.core.errors import AutolabError, InputError, InputErrors, NotConnectedError
from simulators.serve import ServeRequest

__all__ = ["Running", "start_all"]

READY_REAL_S = 30.0
"""Real seconds within which every simulator must be ready."""
END_REAL_S = 5.0
"""Real seconds that a simulator has to end by itself when its standard input closes."""
_REFUSED = 2
_KINDS = ("epics", "serial", "zmq")


class _Child:
    """One simulator process, and the thread that reads what it prints."""

    def __init__(self, request: ServeRequest, ready: queue.Queue[tuple[str, dict[str, Any] | None]]) -> None:
        self.device = request.device
        self._errors: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (closed by `end`)
        self.process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            [sys.executable, "-m", "simulators.serve", request.to_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},  # the lab's own packages are found there too
            start_new_session=True,  # Ctrl-C is for the controller, which needs its devices to reach the safe state
        )
        self._reader = threading.Thread(target=self._read, args=(ready,), name=f"simulator-{self.device}", daemon=True)
        self._reader.start()

    def failure(self) -> AutolabError:
        """Why it ended before it was ready, or did not get ready in time."""
        code = self.process.poll()
        self._errors.seek(0)
        said = [line for line in self._errors.read().splitlines() if line.strip()]
        last = said[-1] if said else "it said nothing"
        if code == _REFUSED:
            return InputError(last)
        what = "was not ready in time" if code is None else f"ended with exit code {code} before it was ready"
        # Python says last what went wrong; EPICS, which suspends the thread, says it first.
        first = f"{said[0]} … " if code is None and len(said) > 1 else ""
        return NotConnectedError(f"{self.device}: its simulator {what}: {first}{last}")

    def ask_to_end(self) -> None:
        """Close its standard input."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()

    def end(self, timeout_s: float) -> None:
        """Wait until it has ended, and kill it where it does not."""
        self.ask_to_end()
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._errors.close()

    def _read(self, ready: queue.Queue[tuple[str, dict[str, Any] | None]]) -> None:
        for line in self.process.stdout or ():
            address = _address(line)
            if address is not None:
                ready.put((self.device, address))
        ready.put((self.device, None))


class Running:
    """Simulators that are ready.

    Args:
        children: Their processes.
        addresses: What each printed when it was ready, by device.
        clock: For real time.
    """

    def __init__(self, children: Sequence[_Child], addresses: Mapping[str, Mapping[str, Any]], clock: Clock) -> None:
        self.addresses = dict(addresses)
        """Where each listens: ``{"epics": PREFIX, "port": N}``, ``{"serial": PATH}`` or ``{"zmq": ENDPOINT}``."""
        self._children, self._clock = tuple(children), clock

    @property
    def pids(self) -> Mapping[str, int]:
        """Process ids by device."""
        return {child.device: child.process.pid for child in self._children}

    def stop(self) -> None:
        """End all of them: by closing their standard input, and where that does not help, by force. Idempotent."""
        _end_all(self._children, self._clock)


def start_all(requests: Sequence[ServeRequest], timeout_s: float = READY_REAL_S) -> Running:
    """Start simulators at once, and wait until every one is ready.

    Args:
        requests: One for each simulator.
        timeout_s: Real seconds to wait at most.

    Raises:
        InputError: some refused to start, such as for a port in use; each is named.
        NotConnectedError: some did not get ready; each is named. In both cases none is left running.
    """
    clock = real_clock()
    ready: queue.Queue[tuple[str, dict[str, Any] | None]] = queue.Queue()
    children: list[_Child] = []
    try:
        children += [_Child(request, ready) for request in requests]
        addresses, ended = _await(ready, {child.device for child in children}, clock, timeout_s)
        for child in children:
            if child.device in ended:
                child.process.wait(END_REAL_S)
        failures = [child.failure() for child in children if child.device not in addresses]
    except BaseException:
        _end_all(children, clock)
        raise
    if failures:
        _end_all(children, clock)
        raise _together(failures)
    return Running(children, addresses, clock)


def _await(
    ready: queue.Queue[tuple[str, dict[str, Any] | None]], devices: set[str], clock: Clock, timeout_s: float
) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Addresses of those that got ready, and those that ended instead, when all have answered or time is up."""
    addresses: dict[str, dict[str, Any]] = {}
    ended: set[str] = set()
    deadline = clock.real() + timeout_s
    while devices - set(addresses) - ended:
        try:
            device, address = ready.get(timeout=max(deadline - clock.real(), 0.0))
        except queue.Empty:
            break
        if address is None:
            ended.add(device)
        else:
            addresses[device] = address
    for device in ended:
        addresses.pop(device, None)
    return addresses, ended


def _end_all(children: Sequence[_Child], clock: Clock) -> None:
    for child in children:
        child.ask_to_end()
    deadline = clock.real() + END_REAL_S
    for child in children:
        child.end(max(deadline - clock.real(), 0.0))


def _together(failures: Sequence[AutolabError]) -> AutolabError:
    refused = [failure for failure in failures if isinstance(failure, InputError)]
    if len(failures) == 1:
        return failures[0]
    if len(refused) == len(failures):
        return InputErrors(refused)
    return NotConnectedError("\n".join(str(failure) for failure in failures))


def _address(line: str) -> dict[str, Any] | None:
    """The ready line as an address; None for anything else that a simulator prints."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and any(kind in value for kind in _KINDS) else None
