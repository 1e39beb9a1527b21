"""The way to a running watchdog: what controllers, people and pages say to it. It needs nothing but sockets."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from autolab.core.errors import SafetyError

__all__ = ["Channel", "press_stop"]

ANSWER_S = 6.0
"""Seconds in which the watchdog answers a question; a reset is on the disk by then."""

STOP_S = 1.0
"""Seconds in which a datagram must be taken. A watchdog that takes none hangs, and the relay has dropped by itself."""


class Channel:
    """Speaks to the watchdog whose sockets are in a folder.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "watchdog")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("")  # a name of the kernel's choice, so that we can be answered

    def ask(self, do: str, **values: Any) -> Mapping[str, Any]:
        """Ask for something, and wait for the answer.

        Args:
            do: ``arm`` (with ``thread``, the kernel's id of the heartbeat's thread), ``release``,
                ``reset`` (with ``by`` and ``because``) or ``state``.
            values: What belongs to it.

        Returns:
            ``power`` (``on`` or ``off``), ``latch`` (a cause or None) and ``watched`` (a process id or None).

        Raises:
            SafetyError: it refuses, and why; or it does not answer.
        """
        self.hear()
        try:
            self._socket.settimeout(ANSWER_S)
            self._socket.sendto(_message(do, values), self._path)
            answer = _answer(self._socket.recv(4096))
            while answer.get("to") != do:  # to a beat that was sent before
                answer = _answer(self._socket.recv(4096))
        except OSError as error:
            raise SafetyError(
                f"the watchdog at {self._path} does not answer ({error}): there is no power without it; "
                "end what runs, and start it again"
            ) from error
        if refused := answer.get("refused"):
            raise SafetyError(str(refused))
        return answer

    def tell(self, do: str, **values: Any) -> bool:
        """Say something without waiting, such as a beat. Returns False where nobody listens.

        Args:
            do: ``beat`` (with ``number``, which counts up, and ``scan_s``, when the interlocks were last scanned in
                seconds of the machine's monotonic clock) or ``trip`` (with ``cause``).
            values: What belongs to it.
        """
        self._socket.setblocking(False)
        try:
            self._socket.sendto(_message(do, values), self._path)
        except BlockingIOError:
            return True  # it is not reading just now
        except OSError:
            return False
        return True

    def hear(self) -> Mapping[str, Any] | None:
        """The last answer that has come; None where none has. Does not wait."""
        last: Mapping[str, Any] | None = None
        self._socket.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                last = _answer(self._socket.recv(4096))
        return last

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


def press_stop(folder: Path, who: str) -> bool:
    """Press the emergency stop of the watchdog whose sockets are in a folder. False where none listens there.

    Args:
        folder: The folder.
        who: Where it was pressed, for the record.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as button:
        button.settimeout(STOP_S)
        try:
            button.sendto(who.encode(), str(folder / "stop"))
        except OSError:
            return False
    return True


def _message(do: str, values: Mapping[str, Any]) -> bytes:
    return json.dumps({"do": do, **values}).encode()


def _answer(data: bytes) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", json.loads(data))
