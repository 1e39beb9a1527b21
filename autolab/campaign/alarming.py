"""Alarms of a campaign: a flood of them is one group, and what began it stays first."""

from __future__ import annotations

import threading
from collections.abc import Callable

from autolab.core.clock import Clock
from autolab.core.principals import Principal
from autolab.journal.alarms import record_alarm
from autolab.journal.journal import Journal
from safety.interlocking import Onset

__all__ = ["GROUP_REAL_S", "AlarmBook"]

GROUP_REAL_S = 5.0
"""What begins within so many real seconds of the one before belongs to its group."""


class AlarmBook:
    """Journals what begins, and tells a person the first of each group at once, and how many followed.

    After a trip the group stays open: all that follows is listed under what was first.

    Args:
        journal: Keeps the record.
        campaign: Id of the campaign.
        lab: Name of the lab.
        clock: For real time.
        tell: Told a sentence for a person.
    """

    def __init__(
        self, journal: Journal, campaign: str, lab: str, clock: Clock, tell: Callable[[str], object] = str
    ) -> None:
        self._journal, self._campaign, self._lab = journal, campaign, lab
        self._clock, self._tell = clock, tell
        self._lock = threading.Lock()
        self._head: int | None = None
        self._last_real_s = 0.0
        self._has_tripped = False

    def note(self, onset: Onset) -> None:
        """Take note of what has begun. Any thread.

        Raises:
            StorageError: it cannot be recorded.
        """
        with self._lock:
            now = self._clock.real()
            is_first = self._head is None or not (self._has_tripped or now - self._last_real_s <= GROUP_REAL_S)
            self._last_real_s = now
            self._has_tripped = self._has_tripped or onset.what == "trip"
            alarm = (onset.what, onset.rule, onset.cause)
            number = record_alarm(self._journal, self._campaign, self._lab, alarm, None if is_first else self._head)
            if is_first:
                self._head = number
                self._say_first(onset)

    def _say_first(self, onset: Onset) -> None:
        if onset.what != "trip":  # the end of the campaign says a trip
            self._journal.intervene(self._campaign, None, Principal("interlocks", "system"), onset.what, onset.cause)
            self._tell(f"{'ALARM' if onset.what == 'alarm' else 'BYPASSED'}: {onset.cause}")
