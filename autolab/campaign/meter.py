"""How much real time a plan spends with its devices."""

from __future__ import annotations

from bluesky.utils import Msg

from autolab.core.clock import Clock
from autolab.journal.journal import Journal

__all__ = ["DeviceMeter"]

_DEVICE_COMMANDS = frozenset({"set", "trigger", "read", "wait", "sleep", "locate", "stage", "unstage", "stop"})


class DeviceMeter:
    """A RunEngine's message hook that adds up the time of the messages which talk to devices.

    The time of a message lasts until the next one; what of it the journal spent in commits is not the devices'.

    Args:
        clock: Real seconds.
        journal: Knows the time spent in commits.
    """

    def __init__(self, clock: Clock, journal: Journal) -> None:
        self._clock, self._journal = clock, journal
        self.begin()

    def begin(self) -> None:
        """A plan begins."""
        self.seconds = 0.0
        self._command = ""
        self._since = self._commits = 0.0

    def __call__(self, msg: Msg) -> None:
        self.end()
        self._command = msg.command
        self._since, self._commits = self._clock.real(), self._journal.commit_seconds

    def end(self) -> None:
        """The message that is being processed is over."""
        if self._command in _DEVICE_COMMANDS:
            spent = self._clock.real() - self._since
            self.seconds += max(spent - (self._journal.commit_seconds - self._commits), 0.0)
        self._command = ""
