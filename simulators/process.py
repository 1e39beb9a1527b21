"""A simulator as a process of its own: when to end, how to say that it is ready, and the lock on its state."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autolab.core.errors import InputError

__all__ = ["StopRequest", "announce", "lock_file", "lock_state"]

PR_SET_PDEATHSIG = 1
"""From ``linux/prctl.h``: the signal to receive when the parent dies."""


class StopRequest:
    """Set when the simulator shall end: standard input closed, SIGTERM or SIGINT came, or the parent died.

    Shells wait for it or look at it between two polls. Make it on the main thread, and once in a process.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._parent = os.getppid()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._event.set())
        signal.signal(signal.SIGHUP, self._hung_up)
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGHUP)
        threading.Thread(target=self._watch_input, name="stdin", daemon=True).start()

    def is_set(self) -> bool:
        """True once the simulator shall end."""
        return self._event.is_set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for it, at most so many real seconds (None: for ever); True once it is set."""
        return self._event.wait(timeout_s)

    def set(self) -> None:
        """Ask the simulator to end."""
        self._event.set()

    def _hung_up(self, *_: object) -> None:
        # The kernel also sends the signal when only the *thread* that spawned us has ended: then the parent lives on.
        if os.getppid() != self._parent:
            self._event.set()

    def _watch_input(self) -> None:
        # os.read and not sys.stdin: a buffered reader held by a daemon thread aborts the interpreter at its end.
        try:
            while os.read(0, 4096):
                pass
        except OSError:
            pass  # no standard input at all counts as closed
        self._event.set()


def announce(address: Mapping[str, Any]) -> None:
    """Print the ready line: where clients can connect, as one line of JSON."""
    sys.stdout.write(json.dumps(address) + "\n")
    sys.stdout.flush()


def lock_state(folder: Path, device: str) -> int:
    """Lock the state of ``device`` in ``folder`` for the life of this process.

    Returns:
        The descriptor that holds the lock; it is let go when the process ends, however it ends.

    Raises:
        InputError: another simulator of this device holds it.
    """
    return lock_file(
        folder / f".{device}.lock",
        f"{device}: a simulator of this device already runs on the state in {folder}; "
        "stop it first, or give another folder",
    )


def lock_file(path: Path, refusal: str) -> int:
    """Lock ``path`` for the life of this process, and return the descriptor that holds the lock.

    Raises:
        InputError: another process holds it (with the message ``refusal``), or it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise InputError(f"{path}: the lock file cannot be made: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise InputError(refusal) from None
    return descriptor
