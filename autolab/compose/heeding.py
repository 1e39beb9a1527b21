"""Has a running campaign heed the bypasses of its lab: those that come, and those that end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from autolab.campaign.scanning import Scan
from autolab.compose.bypassing import as_bypass, in_force
from autolab.config.specs import LabSpec
from autolab.core.clock import Clock
from autolab.core.errors import StorageError
from autolab.core.principals import Principal
from autolab.journal.bypasses import BypassRecord, end_bypass
from autolab.journal.journal import Journal
from safety.bypasswords import bypass_text
from safety.interlocking import Interlocks

__all__ = ["heeding_bypasses"]

LOOK_REAL_S = 0.2
"""Real seconds between two looks into the journal."""
SYSTEM = Principal("autolab", "system")


@contextmanager
def heeding_bypasses(
    journal: Journal, campaign: str, lab: LabSpec, scan: Scan, clock: Clock, tell: Callable[[tuple[str, ...]], object]
) -> Iterator[None]:
    """Let the bypasses in force be, from before the first scan until the block ends.

    Args:
        journal: Holds them.
        campaign: Id of the campaign.
        lab: The lab file.
        scan: Evaluates the interlocks.
        clock: Says the date.
        tell: Told of the bypasses in force, a sentence for each, whenever they change.

    Raises:
        StorageError: the journal cannot be read.
    """
    if scan.interlocks is None:
        yield
        return
    watcher = _Watcher(journal, campaign, lab, scan.interlocks, clock, tell)
    watcher.look()
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(LOOK_REAL_S):
            try:
                watcher.look()
            except StorageError:  # the campaign meets it as well, and says so
                watcher.forget()
                return
            except Exception:  # noqa: BLE001 (whatever it is: what cannot be read bypasses nothing, and is looked at again)
                watcher.forget()

    thread = threading.Thread(target=go_on, name="autolab-bypasses", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class _Watcher:
    def __init__(
        self,
        journal: Journal,
        campaign: str,
        lab: LabSpec,
        interlocks: Interlocks,
        clock: Clock,
        tell: Callable[[tuple[str, ...]], object],
    ) -> None:
        self._journal, self._campaign, self._lab = journal, campaign, lab
        self._interlocks, self._clock, self._tell = interlocks, clock, tell
        self._heeded: list[BypassRecord] = []

    def look(self) -> None:
        """Compare what is in force with what was, and say what has changed."""
        now_s = self._clock.date().timestamp()
        self._end_what_is_over(now_s)
        found = in_force(self._journal.states, self._lab, now_s)
        if found == self._heeded:
            return
        before, self._heeded = self._heeded, found
        self._interlocks.heed([as_bypass(record) for record in found])
        for record in found:
            if record not in before:
                self._note("bypass", f"in force: {bypass_text(as_bypass(record))}")
        for record in before:
            if record not in found:
                self._note("bypass", f"over: {record.rule} acts again")
        self._tell(tuple(bypass_text(as_bypass(record)) for record in found))

    def forget(self) -> None:
        """Let no bypass be in force."""
        if self._heeded:
            self._heeded = []
            self._interlocks.heed([])
            self._tell(())

    def _end_what_is_over(self, now_s: float) -> None:
        """Record the end of what has run out, or what the interlocks have dropped because the clock went back."""
        in_effect = self._interlocks.bypassed
        for record in self._heeded:
            has_dropped = in_effect is not None and record.rule not in in_effect
            if record.until_s <= now_s or has_dropped:
                end_bypass(self._journal.states, record.id, SYSTEM, now_s)

    def _note(self, cause: str, detail: str) -> None:
        self._journal.intervene(self._campaign, None, SYSTEM, cause, detail)
