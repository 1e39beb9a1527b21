"""An end of the relay's power line that only looks: whether there is power, and since when."""

from __future__ import annotations

import select
import socket
import threading
from pathlib import Path

from autolab.core.clock import Clock

__all__ = ["PowerLine"]

LOOK_S = 0.05
"""Seconds between two looks at whether to end."""


class PowerLine:
    """Follows the power line of the relay whose sockets are in a folder.

    Args:
        folder: The folder.
        clock: For real time.

    Raises:
        OSError: nobody listens there.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._clock = clock
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._line.connect(str(folder / "power"))
        self._changed = threading.Condition()
        self._is_on, self._since_s = False, clock.real()
        self._over = False
        self._thread = threading.Thread(target=self._follow, name="autolab-power-line", daemon=True)
        self._thread.start()

    def wait(self, is_on: bool, timeout_s: float) -> float | None:
        """Wait until there is power, or none.

        Returns:
            Real time at which it became so; None where it did not in time.
        """
        with self._changed:
            return self._since_s if self._changed.wait_for(lambda: self._is_on == is_on, timeout_s) else None

    def close(self) -> None:
        """Look no more."""
        self._over = True
        self._thread.join()
        self._line.close()

    def _follow(self) -> None:
        while not self._over:
            if select.select([self._line], [], [], LOOK_S)[0]:
                said = self._line.recv(64)
                with self._changed:
                    self._is_on, self._since_s = said.endswith(b"1"), self._clock.real()
                    self._changed.notify_all()
                if not said:
                    return
