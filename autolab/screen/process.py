"""The process of the host of dry runs: started anew, or forked from a controller that has opened nothing yet."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

__all__ = ["HostProcess", "forked", "is_forkable", "spawned"]

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class HostProcess:
    """A running host.

    Args:
        pid: Process id.
        requests: File descriptor on which it is asked.
        answers: File descriptor on which it answers.
        wait: Waits for its end.
    """

    def __init__(self, pid: int, requests: int, answers: int, wait: Callable[[], object]) -> None:
        self.pid, self.requests, self.answers = pid, requests, answers
        self._wait = wait

    def end(self) -> None:
        """Kill it, and close the pipes."""
        os.kill(self.pid, signal.SIGKILL)  # ours until it was waited for, also where it has died
        self._wait()
        os.close(self.requests)
        os.close(self.answers)


def is_forkable() -> bool:
    """Whether this process has one thread, and no ophyd, whose control layer has threads of its own."""
    return threading.active_count() == 1 and "ophyd" not in sys.modules


def spawned(command: Sequence[str]) -> HostProcess:
    """Start a host anew: it imports what it needs by itself.

    Args:
        command: What to run; it is asked on its standard input, and answers on its standard output.

    Raises:
        OSError: it cannot be started.
    """
    (request, asks), (answer, answers) = os.pipe(), os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            tuple(command), stdin=request, stdout=answers, stderr=subprocess.DEVNULL, env={**os.environ, **_settings()}
        )
    except OSError:
        os.close(asks)
        os.close(answer)
        raise
    finally:
        os.close(request)
        os.close(answers)
    return HostProcess(process.pid, asks, answer, process.wait)


def forked(main: Callable[[], object]) -> HostProcess:
    """Fork a host, which has imported already what this process has.

    It keeps nothing open but its pipes: what this process holds (locks, a terminal) is not held any longer for it.

    Args:
        main: What it does; it is asked on its standard input, and answers on its standard output.

    Raises:
        OSError: there can be no further process.
    """
    (request, asks), (answer, answers) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_host(main, request, answers)
    os.close(request)
    os.close(answers)
    return HostProcess(pid, asks, answer, lambda: os.waitpid(pid, 0))


def _be_host(main: Callable[[], object], requests: int, answers: int) -> NoReturn:
    """Be like a process that was started anew, and end whatever happens."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_WRONLY)
        above = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 3) for descriptor in (requests, answers, nothing)]
        for wanted, descriptor in enumerate(above):
            os.dup2(descriptor, wanted)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.environ.update(_settings())
        main()
    finally:
        os._exit(0)


def _settings() -> Mapping[str, str]:
    """What the environment of a host says: one thread for each library, and no way to EPICS."""
    return {**dict.fromkeys(_THREADS, "1"), "OPHYD_CONTROL_LAYER": "dummy"}
