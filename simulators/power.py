"""The end of the relay's power line in a simulator: its actuators have power only while the relay says so."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["following"]

AGAIN_REAL_S = 0.02
"""Real seconds between two tries to connect."""
ON = b"1"


@contextmanager
def following(line: Path | None, switch: Callable[[bool], None]) -> Iterator[None]:
    """Follow a power line until the block ends. Without one there is always power, and nothing is called.

    Args:
        line: UNIX socket of the relay's power line; None where nothing takes the power away.
        switch: Told on a thread of its own, and of each change once: first that there is no power, then what the
            relay says. A line that has ended means no power, and is connected again.
    """
    if line is None:
        yield
        return
    switch(False)
    follower = _Follower(line, switch)
    try:
        yield
    finally:
        follower.close()


class _Follower:
    def __init__(self, line: Path, switch: Callable[[bool], None]) -> None:
        self._line, self._switch = str(line), switch
        self._over = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._follow, name="power", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        if (line := self._socket) is not None:
            line.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _follow(self) -> None:
        while not self._over.wait(AGAIN_REAL_S):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                if line.connect_ex(self._line) == 0:
                    self._socket = line
                    self._heed(line)
                    self._socket = None

    def _heed(self, line: socket.socket) -> None:
        has_power = False
        while not self._over.is_set():
            try:
                said = line.recv(64)
            except OSError:
                said = b""
            if has_power != said.endswith(ON):
                has_power = not has_power
                self._switch(has_power)
            if not said:
                return
