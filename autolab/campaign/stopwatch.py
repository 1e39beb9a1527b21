"""Where the real time of a trial goes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from autolab.core.clock import Clock
from autolab.journal.journal import Journal
from autolab.journal.records import Timings

__all__ = ["Stopwatch"]


class Stopwatch:
    """Splits the real time from the end of one trial to the end of the next.

    Args:
        clock: Real seconds.
        journal: Knows the time spent in commits.
    """

    def __init__(self, clock: Clock, journal: Journal) -> None:
        self._clock, self._journal = clock, journal
        self.restart()

    def restart(self) -> None:
        """Begin the next trial."""
        self._since = self._clock.real()
        self._commits_before = self._journal.commit_seconds
        self._proposer_s = self._screen_s = 0.0

    def wait_for_proposer(self, futures: Sequence[Future[Any]]) -> None:
        """Wait until the first of these is done; the time is spent waiting for the proposer."""
        since = self._clock.real()
        wait(futures, return_when=FIRST_COMPLETED)
        self.waited_for_proposer(since)

    def waited_for_proposer(self, since: float) -> None:
        """Count the real time since ``since`` as spent waiting for the proposer."""
        self._proposer_s += self._clock.real() - since

    def waited_for_screen(self, since: float) -> None:
        """Count the real time since ``since`` as spent waiting for the screen."""
        self._screen_s += self._clock.real() - since

    def lap(self, device_s: float) -> Timings:
        """The split of the trial that ends now; the next one begins.

        Args:
            device_s: Real seconds that the trial's plan waited for devices.
        """
        wall_s = self._clock.real() - self._since
        commit_s = self._journal.commit_seconds - self._commits_before
        timings = Timings(wall_s, device_s, commit_s, self._proposer_s, self._screen_s)
        self.restart()
        return timings
