"""Ctrl-C and SIGTERM while a campaign or simulators run."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupts"]

STOPPED, STOPPED_AT_ONCE = 5, 130


class Interrupts:
    """Handles signals inside a ``with`` block, on the main thread; the handlers of before come back after it.

    Args:
        stop: Asked to stop, as (reason, at once): once after the first Ctrl-C, again after the second, and at once on
            SIGTERM.
    """

    def __init__(self, stop: Callable[[str, bool], None]) -> None:
        self._stop = stop
        self._interrupts = 0
        self._terminated = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def exit_code(self, planned: int) -> int:
        """The exit code of a campaign that ended with ``planned``: two Ctrl-C make 130 of a stop by a person."""
        return STOPPED_AT_ONCE if planned == STOPPED and self._interrupts > 1 and not self._terminated else planned

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            self._terminated = True
            self._stop("terminated (SIGTERM)", True)
            return
        self._interrupts += 1
        self._stop(
            "interrupted (Ctrl-C)" if self._interrupts == 1 else "interrupted twice (Ctrl-C)", self._interrupts > 1
        )
