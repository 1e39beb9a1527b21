"""The host of dry runs: a warm process that never opened a connection, and forks a throw-away child for each dry run.

The child walks through the plan, writes what it has found, and ends; one that does not is killed at its deadline. What
the plan leaves behind (modules, threads, memory) ends with it.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

from autolab.core.clock import Clock, real_clock
from autolab.screen.found import DryRun, not_analysable
from autolab.screen.frames import receive, send
from autolab.screen.rig import DryRunRequest, Rig
from autolab.screen.shadows import Reached, ReachedError

__all__ = ["MORE_REAL_S", "serve"]

MORE_REAL_S = 2.0
"""Real seconds that a child has beyond the deadline of its dry run, to say that it is late."""
MAX_MEMORY = 4 << 30
"""Bytes that a child may take."""


def serve(make_rig: Callable[[Any], Rig], requests: int, answers: int) -> None:
    """Answer dry runs until nobody asks any more.

    The first request is what the rig is made of, and is answered with why it cannot be made, or with None, and with the
    content hash of the files that the plan was read from. Each other one is a deadline in real seconds and a request.

    Args:
        make_rig: Makes the rig.
        requests: File descriptor to read from.
        answers: File descriptor to write to.
    """
    clock = real_clock()
    try:
        try:
            rig = make_rig(receive(requests, clock))
        except (EOFError, OSError):
            return
        except Exception as error:  # noqa: BLE001 (whatever it is, the controller is told)
            send(answers, (f"{type(error).__name__}: {error}", ""))
            return
        gc.collect()
        gc.freeze()  # so that a child's collections do not touch, and thereby copy, what it shares with the host
        send(answers, (None, rig.sources))
        while True:
            child = _Child(rig, clock)  # ahead of the request, which then need not wait for it
            try:
                send(answers, child.run(*receive(requests, clock)))
            finally:
                child.end()
    except (EOFError, BrokenPipeError):
        return


class _Child:
    """A process that makes one dry run.

    Args:
        rig: The rig.
        clock: For real time.
    """

    def __init__(self, rig: Rig, clock: Clock) -> None:
        self._clock = clock
        (request, self._asks), (self._answer, answers) = os.pipe(), os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._asks)
            os.close(self._answer)
            _be_child(rig, clock, request, answers)
        os.close(request)
        os.close(answers)

    def run(self, deadline_s: float, request: DryRunRequest) -> DryRun:
        """Walk through a plan in it."""
        try:
            send(self._asks, (deadline_s, request))
            return receive(self._answer, self._clock, deadline_s + MORE_REAL_S)
        except TimeoutError:
            return not_analysable(f"the plan does not come back between two messages: given up after {deadline_s:g} s")
        except (EOFError, BrokenPipeError):
            return not_analysable("the plan ended the process in which it was tried, or took all of its memory")

    def end(self) -> None:
        """Kill it, whatever it does."""
        os.close(self._asks)
        os.close(self._answer)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def _be_child(rig: Rig, clock: Clock, requests: int, answers: int) -> NoReturn:
    """Do the dry run, and end whatever happens."""
    try:
        deadline_s, request = receive(requests, clock)
        signal.alarm(int(deadline_s + 2 * MORE_REAL_S) + 1)  # it also ends where its host is gone
        resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))
        _refuse_waiting(rig.shadows.reached)
        try:
            found = rig.run(request, clock, deadline_s)
        except Exception as error:  # noqa: BLE001 (a defect of ours makes nothing known)
            found = not_analysable(f"the dry run failed with {type(error).__name__}: {error}")
        send(answers, found)
    finally:
        os._exit(0)


def _refuse_waiting(reached: Reached) -> None:
    """Let a plan that sleeps by itself fail at once."""

    def sleep(seconds: object) -> None:
        reached.append(f"the plan itself sleeps for {seconds!r} s: let a message do it (yield from bps.sleep(...))")
        raise ReachedError(reached[-1])

    setattr(time, "sleep", sleep)  # noqa: B010 (an assignment that a type checker would refuse)


def quiet() -> tuple[int, int]:
    """Take standard input and output for the frames; what plans print goes to standard error. SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin = open(os.devnull)  # noqa: SIM115, PTH123 (for the life of the process)
    return requests, answers
