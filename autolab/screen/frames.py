"""Frames: how the controller and the host of dry runs hand each other frozen values over a pipe.

Eight bytes of length, then the value as Python pickles it. Both ends are processes of ours that run the same code.
"""

from __future__ import annotations

import os
import pickle
import select
from typing import Any

from autolab.core.clock import Clock

__all__ = ["receive", "send"]

_HEAD = 8


def send(descriptor: int, value: Any) -> None:
    """Write a value.

    Raises:
        OSError: nobody reads any more.
    """
    body = pickle.dumps(value)
    data = memoryview(len(body).to_bytes(_HEAD, "big") + body)
    while data:
        data = data[os.write(descriptor, data) :]


def receive(descriptor: int, clock: Clock, timeout_s: float | None = None) -> Any:
    """Read a value, waiting for so many real seconds at most; None waits for ever.

    Raises:
        EOFError: the other end is closed.
        TimeoutError: it takes longer.
    """
    end = None if timeout_s is None else clock.real() + timeout_s
    size = int.from_bytes(_bytes(descriptor, _HEAD, clock, end), "big")
    return pickle.loads(_bytes(descriptor, size, clock, end))  # noqa: S301 (from a process of ours)


def _bytes(descriptor: int, size: int, clock: Clock, end: float | None) -> bytes:
    waiting = select.poll()  # select.select refuses a file number above 1023
    waiting.register(descriptor, select.POLLIN)
    data = bytearray()
    while len(data) < size:
        left = None if end is None else max(0.0, end - clock.real()) * 1000
        if not waiting.poll(left):
            raise TimeoutError
        chunk = os.read(descriptor, min(size - len(data), 1 << 20))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)
