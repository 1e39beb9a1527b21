"""The trip of a lab: a latch that all of its guards share."""

from __future__ import annotations

import threading
from collections.abc import Callable

from autolab.core.errors import InterlockError, TripError

__all__ = ["Trip"]


class Trip:
    """Once tripped, every guard refuses every write. The first cause is kept; nothing in this process resets it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cause: str | None = None
        self._tell: Callable[[str], object] = str
        self._forbids: Callable[[str], str | None] = lambda _: None
        self._safe: set[tuple[str, object]] = set()

    @property
    def cause(self) -> str | None:
        """Why the lab has tripped, in one sentence; None where it has not."""
        return self._cause

    def tell(self, whom: Callable[[str], object]) -> None:
        """Tell somebody the first cause, in the thread that trips."""
        self._tell = whom

    def heed(self, forbids: Callable[[str], str | None]) -> None:
        """Ask the permissives at every write: why ``device.signal`` may not be written now, or None."""
        self._forbids = forbids

    def let(self, signal: str, value: object) -> None:
        """Let a step into the safe state through, whatever has tripped: this value alone, to this signal."""
        self._safe.add((signal, value))

    def trip(self, cause: str) -> None:
        """Refuse every write from here on. Callable from any thread, and again."""
        with self._lock:
            if self._cause is not None:
                return
            self._cause = cause
        self._tell(cause)

    def check(self, signal: str, value: object) -> None:
        """Refuse a write of ``value`` to ``signal`` where the lab has tripped, or a permissive does not hold.

        Raises:
            TripError: it has.
            InterlockError: one does not.
        """
        if isinstance(value, bool | str | int | float) and (signal, value) in self._safe:
            return
        if self._cause is not None:
            raise TripError(
                f"{signal}: refused to write: the lab has tripped ({self._cause}); see to the cause, then reset it"
            )
        if (why := self._forbids(signal)) is not None:
            raise InterlockError(f"{signal}: refused to write: {why}")
