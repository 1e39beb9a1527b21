"""Sees to it that a campaign that was to stop does end, also where its controller is gone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from autolab.compose.detached import Order, order
from autolab.core.clock import Clock
from autolab.core.errors import AutolabError
from autolab.core.principals import Principal
from autolab.journal.folder import has_controller
from autolab.journal.reader import JournalReader

__all__ = ["Stopping"]

ANSWER_REAL_S = 10.0
"""Real seconds that a controller has; a campaign that none runs is then ended by another one."""


class Stopping:
    """Watches the campaigns that were told to stop, on one thread however often somebody presses.

    Args:
        data: The data folder.
        clock: For real time.
    """

    def __init__(self, data: Path, clock: Clock) -> None:
        self._data, self._clock = data, clock
        self._watched: dict[str, tuple[Principal, float]] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def see_to(self, campaigns: Sequence[str], who: Principal) -> None:
        """Watch campaigns until they have ended."""
        with self._lock:
            until = self._clock.real() + ANSWER_REAL_S
            for campaign in campaigns:
                self._watched.setdefault(campaign, (who, until))
            if self._watched and self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="autolab-stopping", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Watch no more. Idempotent."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            try:
                self._look()
            except AutolabError:  # the journal is gone: the controller, if there is one, meets that as well
                continue

    def _look(self) -> None:
        with self._lock:
            watched = dict(self._watched)
        if not watched:
            return
        reader = JournalReader.open(self._data)
        try:
            running = {row["id"] for row in reader.states.rows("SELECT id FROM campaigns WHERE state = 'running'")}
        finally:
            reader.close()
        for campaign, (who, until) in watched.items():
            is_over = campaign not in running
            if not is_over and self._clock.real() > until and not has_controller(self._data):
                order(self._data, Order("end", campaign, {}, who))
                is_over = True
            if is_over:
                with self._lock:
                    self._watched.pop(campaign, None)
