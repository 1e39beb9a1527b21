"""The readings that interlocks judge: each device is read again and again, on a thread of its own."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from autolab.core.clock import Clock
from autolab.core.interlocks import Reading
from autolab.core.parameters import Value
from devices.threads import join_channel_access

__all__ = ["Readings", "key_of"]

READ_REAL_S = 0.1
"""Real seconds between two readings of a device."""
ANSWER_REAL_S = 2.0
"""Real seconds within which an asynchronous device must answer."""


class Readings:
    """Reads devices until it is closed.

    Args:
        devices: The lab's devices by name, connected.
        signals: What is wanted by ``device.signal``, with what makes a reading of it out of the device's number.
        clock: For real time.
        loop: Event loop of the asynchronous devices; None where there are none.
    """

    def __init__(
        self,
        devices: Mapping[str, Any],
        signals: Mapping[str, Callable[[float], float]],
        clock: Clock,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._signals, self._clock, self._loop = signals, clock, loop
        self._known: dict[str, tuple[Value, float]] = {}
        self._over = threading.Event()
        by_device: dict[str, list[str]] = {}
        for signal in signals:
            by_device.setdefault(signal.partition(".")[0], []).append(signal)
        self._threads = [
            threading.Thread(
                target=self._read_on, args=(devices[name], wanted), name=f"autolab-readings-{name}", daemon=True
            )
            for name, wanted in by_device.items()
        ]
        for thread in self._threads:
            thread.start()

    def now(self) -> dict[str, Reading]:
        """What is known now; a device that does not answer any more has readings that grow old."""
        real_s = self._clock.real()
        return {signal: Reading(value, True, real_s - at_s) for signal, (value, at_s) in self._known.copy().items()}

    def close(self) -> None:
        """Read nothing more. Idempotent."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _read_on(self, device: Any, signals: Sequence[str]) -> None:
        join_channel_access()
        while not self._over.is_set():
            with suppress(Exception):  # whatever is wrong with a device: its readings grow old, and then unknown
                self._take(device, signals)
            self._over.wait(READ_REAL_S)

    def _take(self, device: Any, signals: Sequence[str]) -> None:
        begun_s = self._clock.real()
        read = self._answer(device.read())
        if any(key_of(signal) not in read for signal in signals):
            read = {**self._answer(device.read_configuration()), **read}
        for signal in signals:
            if key_of(signal) in read:
                value = _plain(read[key_of(signal)]["value"])
                if isinstance(value, int | float) and not isinstance(value, bool):
                    value = self._signals[signal](value)
                self._known[signal] = (value, begun_s)

    def _answer(self, read: Any) -> Mapping[str, Any]:
        """What a device reads: at once, or on its event loop."""
        if not inspect.isawaitable(read):
            return read
        if self._loop is None:
            raise RuntimeError("an asynchronous device without an event loop")
        return asyncio.run_coroutine_threadsafe(_awaited(read), self._loop).result(ANSWER_REAL_S)


async def _awaited(read: Any) -> Any:
    return await read


def key_of(signal: str) -> str:
    """The key of a signal in documents, as ophyd makes it."""
    return signal.replace(".", "_")


def _plain(value: Any) -> Value:
    """The plain value of a numpy scalar."""
    return value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value
