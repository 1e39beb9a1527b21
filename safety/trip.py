"""The trip of a lab: a latch that all of its guards share."""

from __future__ import annotations

import threading
from collections.abc import Callable

from autolab.core.errors import TripError

__all__ = ["Trip"]


class Trip:
    """Once tripped, every guard refuses every write. The first cause is kept; nothing in this process resets it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cause: str | None = None
        self._tell: Callable[[str], object] = str

    @property
    def cause(self) -> str | None:
        """Why the lab has tripped, in one sentence; None where it has not."""
        return self._cause

    def tell(self, whom: Callable[[str], object]) -> None:
        """Tell somebody the first cause, in the thread that trips."""
        self._tell = whom

    def trip(self, cause: str) -> None:
        """Refuse every write from here on. Callable from any thread, and again."""
        with self._lock:
            if self._cause is not None:
                return
            self._cause = cause
        self._tell(cause)

    def check(self, signal: str) -> None:
        """Refuse a write to ``signal`` where the lab has tripped.

        Raises:
            TripError: it has.
        """
        if self._cause is not None:
            raise TripError(
                f"{signal}: refused to write: the lab has tripped ({self._cause}); see to the cause, then reset it"
            )
