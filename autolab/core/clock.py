"""The clock: the one place that asks for the time or sleeps.

Lab time is counted in seconds from the start of the clock. On the real clock a lab second is a second; on a scaled
clock `factor` lab seconds pass in each second (simulators and controller share the factor); on the virtual clock time
stands still until somebody waits, and then jumps to the next thing that is due. Heartbeats and transport timeouts are
no lab time: they use `Clock.real`.

A long operation of a device is written once, as a *task*: a generator that yields the lab seconds to wait before it
is resumed. `Clock.start` runs it on a thread (real, scaled) or as a chain of events (virtual).
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta

__all__ = ["Clock", "ScaledClock", "Task", "VirtualClock", "real_clock"]

Task = Generator[float, None, None]
"""A long operation: yields lab seconds to wait. It handles its own errors; one that escapes is a defect."""

SHORTEST_POLL_S = 0.004
"""Real seconds that a scaled clock waits at least between two steps of a task: polling leaves the processor free."""


class Clock(ABC):
    """Lab time, real time, and tasks that take some."""

    @property
    @abstractmethod
    def factor(self) -> float:
        """Lab seconds that pass in one real second; infinite on the virtual clock."""

    @abstractmethod
    def now(self) -> float:
        """Lab seconds since the clock started."""

    @abstractmethod
    def date(self) -> datetime:
        """Date and time in UTC, for records that people read."""

    @abstractmethod
    def sleep(self, lab_seconds: float) -> None:
        """Wait for so many lab seconds."""

    @abstractmethod
    def start(self, task: Task) -> None:
        """Start a task and return at once."""

    def real(self) -> float:
        """Real seconds on a clock that never goes back, for heartbeats and timeouts of transports."""
        return time.monotonic()


class ScaledClock(Clock):
    """A clock on which `factor` lab seconds pass in each real second.

    Args:
        factor: Lab seconds per real second, above zero.
    """

    def __init__(self, factor: float = 1.0) -> None:
        if not factor > 0:
            raise ValueError(f"a clock's factor must be above zero, not {factor!r}")
        self._factor = factor
        self._start = time.monotonic()

    @property
    def factor(self) -> float:
        return self._factor

    def now(self) -> float:
        return (time.monotonic() - self._start) * self._factor

    def date(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, lab_seconds: float) -> None:
        time.sleep(max(lab_seconds, 0.0) / self._factor)

    def start(self, task: Task) -> None:
        threading.Thread(target=self._drive, args=(task,), name="autolab-task", daemon=True).start()

    def _drive(self, task: Task) -> None:
        for delay in task:
            time.sleep(max(delay / self._factor, SHORTEST_POLL_S))


def real_clock() -> ScaledClock:
    """A clock on which a lab second is a second."""
    return ScaledClock(1.0)


class VirtualClock(Clock):
    """A clock that stands still until somebody waits.

    Whoever waits drives it: `run_until` and `sleep` take the next due task, jump to its time and resume it. Tasks due
    at the same time run in the order in which they were started, so that one thread sees the same world every time.

    Args:
        start: What `date` says at lab time zero. It is a fixed date, so that records are the same each time.
    """

    def __init__(self, start: datetime = datetime(2000, 1, 1, tzinfo=UTC)) -> None:
        self._date = start
        self._now = 0.0
        self._due: list[tuple[float, int, Task]] = []
        self._order = itertools.count()
        self._lock = threading.RLock()

    @property
    def factor(self) -> float:
        return float("inf")

    def now(self) -> float:
        return self._now

    def date(self) -> datetime:
        return self._date + timedelta(seconds=self._now)

    def start(self, task: Task) -> None:
        with self._lock:
            self._step(task)

    def sleep(self, lab_seconds: float) -> None:
        with self._lock:
            end = self._now + max(lab_seconds, 0.0)
            while self._due and self._due[0][0] <= end:
                self._jump()
            self._now = max(self._now, end)

    def run_until(self, done: Callable[[], bool]) -> bool:
        """Let time pass until ``done()`` holds; False when nothing is due any more and it still does not."""
        with self._lock:
            while not done():
                if not self._due:
                    return False
                self._jump()
            return True

    def _jump(self) -> None:
        due, _, task = heapq.heappop(self._due)
        self._now = max(self._now, due)
        self._step(task)

    def _step(self, task: Task) -> None:
        try:
            delay = next(task)
        except StopIteration:
            return
        heapq.heappush(self._due, (self._now + max(delay, 0.0), next(self._order), task))
