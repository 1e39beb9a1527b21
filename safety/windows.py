"""What a rule remembers between two scans: how long something held, how fast it changed, how much it summed up to.

A reading holds from its scan until the next. What was before the first scan is unknown.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from autolab.core.interlocks import SignalSpec, Truth

__all__ = ["HeldWindow", "Interval", "RateWindow", "SumWindow"]

Interval = tuple[float, float]
"""Between which two numbers the true one lies."""
_LONGEST_STRETCH = 2.0
"""A rate over more than so many windows, because scans were missing, is unknown: it would hide a short rise."""


class HeldWindow:
    """Whether a term was true throughout the last seconds.

    Args:
        for_s: Length of the window in seconds.
        term: Gives the truth of the term in the present scan.
    """

    def __init__(self, for_s: float, term: Callable[[], Truth]) -> None:
        self._for_s = for_s
        self._term = term
        self._before: Truth = None
        self._false_until_s = -math.inf
        self._unknown_until_s = -math.inf

    def update(self, at_s: float) -> Truth:
        """Take in the present scan. False where it was false within the window, else unknown where it was unknown."""
        if self._before is False:
            self._false_until_s = at_s
        elif self._before is None:
            self._unknown_until_s = at_s
        self._before = self._term()
        if self._before is False or at_s - self._false_until_s < self._for_s:
            return False
        if self._before is None or at_s - self._unknown_until_s < self._for_s:
            return None
        return True


class RateWindow:
    """How fast a signal changed over the last seconds, per second.

    Args:
        over_s: Length of the window in seconds.
        now: Gives the signal in the present scan.
    """

    def __init__(self, over_s: float, now: Callable[[], float | None]) -> None:
        self._over_s = over_s
        self._now = now
        self._past: deque[tuple[float, float | None]] = deque()

    def update(self, at_s: float) -> float | None:
        """Take in the present scan. Unknown where the window is not full, or either of its ends is unknown."""
        past, value = self._past, self._now()
        past.append((at_s, value))
        while len(past) > 1 and past[1][0] <= at_s - self._over_s:
            past.popleft()
        start_s, start = past[0]
        span_s = at_s - start_s
        if value is None or start is None or not self._over_s <= span_s <= _LONGEST_STRETCH * self._over_s:
            return None
        return (value - start) / span_s


class SumWindow:
    """A signal summed up over the last seconds, in its unit times seconds.

    Args:
        over_s: Length of the window in seconds.
        now: Gives the signal in the present scan.
        spec: Its range, which bounds what was not seen.
    """

    def __init__(self, over_s: float, now: Callable[[], float | None], spec: SignalSpec) -> None:
        self._over_s = over_s
        self._now = now
        self._lower = -math.inf if spec.lower is None else spec.lower
        self._upper = math.inf if spec.upper is None else spec.upper
        self._past: deque[tuple[float, float, float]] = deque()
        self._sum = 0.0
        self._seen_s = 0.0
        self._last_s = -math.inf
        self._last: float | None = None

    def update(self, at_s: float) -> Interval:
        """Take in the present scan. The two ends are apart where a part of the window was not seen."""
        if self._last is not None:
            self._add(self._last_s, at_s, self._last)
        self._last_s, self._last = at_s, self._now()
        start_s = at_s - self._over_s
        while self._past and self._past[0][0] < start_s:
            begin_s, end_s, value = self._past.popleft()
            self._sum -= value * (end_s - begin_s)
            self._seen_s -= end_s - begin_s
            if end_s > start_s:
                self._put_back(start_s, end_s, value)
        unseen_s = self._over_s - self._seen_s
        if unseen_s <= 0.0:
            return (self._sum, self._sum)
        return (self._sum + self._lower * unseen_s, self._sum + self._upper * unseen_s)

    def _add(self, begin_s: float, end_s: float, value: float) -> None:
        self._past.append((begin_s, end_s, value))
        self._sum += value * (end_s - begin_s)
        self._seen_s += end_s - begin_s

    def _put_back(self, begin_s: float, end_s: float, value: float) -> None:
        """Keep the part of the oldest stretch that is still inside the window."""
        self._past.appendleft((begin_s, end_s, value))
        self._sum += value * (end_s - begin_s)
        self._seen_s += end_s - begin_s
