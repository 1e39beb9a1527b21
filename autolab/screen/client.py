"""The controller's side of the host of dry runs: starts the process, asks, and starts it again when it dies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from autolab.core.clock import Clock
from autolab.screen.found import DryRun, not_analysable
from autolab.screen.frames import receive, send
from autolab.screen.host import MORE_REAL_S
from autolab.screen.process import HostProcess
from autolab.screen.rig import DEADLINE_REAL_S, DryRunRequest

__all__ = ["DryRunHost"]

READY_REAL_S = 120.0
"""Real seconds that the host may take until it has imported what it needs."""


class DryRunHost:
    """Makes dry runs in throw-away processes. Safe to use from several threads; they are made in turn.

    A host that dies answers with *not analysable*, and the next dry run starts a new one, with the same files or not at
    all.

    Args:
        make_process: Starts the process, see `autolab.screen.process` and `autolab.screen.host.serve`.
        about: What its rig is made of.
        clock: For real time.
        deadline_s: Real seconds that a dry run may take.
    """

    def __init__(
        self, make_process: Callable[[], HostProcess], about: Any, clock: Clock, deadline_s: float = DEADLINE_REAL_S
    ) -> None:
        self._make_process, self._about, self._clock, self._deadline_s = make_process, about, clock, deadline_s
        self._turn = threading.Lock()
        self._process: HostProcess | None = None
        self._is_ready = False
        self._sources: str | None = None
        with self._turn:
            self._start()

    @property
    def pid(self) -> int | None:
        """Process id of the host; None where none runs."""
        return None if self._process is None else self._process.pid

    def expect(self, sources: str) -> None:
        """Make dry runs only of a plan that was read from files with this content hash."""
        self._sources = sources

    def run(self, request: DryRunRequest) -> DryRun:
        """Walk through the plan of a suggestion, see `autolab.screen.rig.DryRunner`."""
        with self._turn:
            try:
                return self._ask(request)
            except Exception as error:  # noqa: BLE001 (whatever went wrong on the way: nothing is known of the plan)
                self._end()
                why = "did not answer in time" if isinstance(error, TimeoutError) else "ended"
                return not_analysable(f"the process that makes the dry runs {why}: the next one starts it again")

    def close(self) -> None:
        """End the process. Idempotent."""
        with self._turn:
            self._end()

    def _ask(self, request: DryRunRequest) -> DryRun:
        process = self._process if self._process is not None else self._start()
        if not self._is_ready:
            problem, sources = receive(process.answers, self._clock, READY_REAL_S)
            if problem is None and self._sources not in (None, sources):
                problem = (
                    "the files of the plan are not those with which the campaign began: put them back, and resume it"
                )
            if problem is not None:
                self._end()
                return not_analysable(f"the process that makes the dry runs cannot start: {problem}")
            self._is_ready, self._sources = True, sources
        send(process.requests, (self._deadline_s, request))
        return receive(process.answers, self._clock, self._deadline_s + 3 * MORE_REAL_S)

    def _start(self) -> HostProcess:
        process = self._process = self._make_process()
        self._is_ready = False
        send(process.requests, self._about)
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()
