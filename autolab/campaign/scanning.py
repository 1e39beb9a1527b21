"""The scan of a lab's interlocks, again and again."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from autolab.campaign.lab import OpenLab
from autolab.campaign.readings import Readings
from safety.interlocking import Interlocks

__all__ = ["Scan", "scanned"]

SCAN_REAL_S = 0.02
"""Real seconds between two scans, where no heartbeat asks for them."""
READ_REAL_S = 10.0
"""Real seconds within which every reading must be there for the first time."""


class Scan:
    """One scan of a lab's interlocks. Nothing is judged before every reading was there once, or its time is up.

    Args:
        interlocks: The rules.
        readings: What they judge.
        lab: The lab, open.
    """

    def __init__(self, interlocks: Interlocks | None, readings: Readings | None, lab: OpenLab) -> None:
        self._interlocks, self._readings, self._lab = interlocks, readings, lab
        self._end_real_s = lab.clock.real() + READ_REAL_S

    def __call__(self) -> str | None:
        """Why the lab has tripped; None where it has not. Whatever goes wrong in the evaluation trips."""
        try:
            return self._evaluate()
        except Exception as error:  # noqa: BLE001 (nobody knows then whether the lab is safe)
            self._lab.trip.trip(f"the interlocks could not be evaluated: {error}")
            return self._lab.trip.cause

    def _evaluate(self) -> str | None:
        if self._interlocks is None or self._readings is None:
            return self._lab.trip.cause
        known = self._readings.now()
        is_whole = all(signal in known for signal in self._interlocks.signals)
        if not is_whole and self._lab.clock.real() < self._end_real_s:
            return self._lab.trip.cause
        self._end_real_s = 0.0
        return self._interlocks.scan(self._lab.clock.now(), known)

    @property
    def interlocks(self) -> Interlocks | None:
        """The rules; None where there are none."""
        return self._interlocks

    @property
    def is_ready(self) -> bool:
        """Whether the rules have seen as much past as they ask for."""
        return self._interlocks is None or self._interlocks.is_ready

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to scan."""
        return self._interlocks is None


@contextmanager
def scanned(scan: Scan) -> Generator[None]:
    """Scan on a thread of its own while the block runs: for a lab without a heartbeat."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(SCAN_REAL_S):
            scan()

    thread = threading.Thread(target=go_on, name="autolab-interlocks", daemon=True)
    if not scan.is_idle:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if thread.ident is not None:
            thread.join()
