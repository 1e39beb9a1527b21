"""How often somebody may knock: token buckets, one for each caller, never more than a bounded number of them."""

from __future__ import annotations

import threading
from collections import OrderedDict

from autolab.core.clock import Clock

__all__ = ["Limiter"]

MOST_CALLERS = 4096


class Limiter:
    """Lets each caller through at a rate, with some at once.

    Args:
        clock: For real time.
        rate_per_s: Requests that each caller gains in a second.
        burst: Requests that may come at once.
    """

    def __init__(self, clock: Clock, rate_per_s: float, burst: float) -> None:
        self._clock, self._rate, self._burst = clock, rate_per_s, burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, caller: str) -> float:
        """Take one request of a caller. Returns 0 where it is let through, or the seconds until one would be."""
        now = self._clock.real()
        with self._lock:
            left, since = self._left.pop(caller, (self._burst, now))
            left = min(self._burst, left + (now - since) * self._rate)
            is_through = left >= 1.0
            self._left[caller] = (left - 1.0 if is_through else left, now)
            while len(self._left) > MOST_CALLERS:
                self._left.popitem(last=False)
        return 0.0 if is_through else (1.0 - left) / self._rate
