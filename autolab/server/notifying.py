"""Tells people outside the pages what waits for them: a thread that looks, and one for each channel that sends.

All of it reads the journal beside the campaign, as a page does, and writes nothing that a campaign waits for.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from autolab.config.notify import NotifySpec
from autolab.config.specs import LabSpec
from autolab.core.clock import Clock
from autolab.core.errors import AutolabError
from autolab.journal.folder import has_controller
from autolab.journal.reader import JournalReader
from autolab.server.notices import Delivery, Notice, Notices
from autolab.server.sending import UndeliveredError, post, send_mail
from autolab.server.waiting import requests_waiting
from safety.supply import latch_of

__all__ = ["Notifier", "waiting_now"]

LOOK_REAL_S = 2.0
"""Real seconds between two looks, and between two looks for something to send."""
RECENT = timedelta(hours=1)
"""How old an alarm may be that is still told, after a time without a server."""


def waiting_now(reader: JournalReader, lab: LabSpec, data: Path, clock: Clock) -> list[Notice]:
    """All that waits for a person in a lab now, and the alarms of the last hour."""
    latch = latch_of(data, lab.name)
    waiting = requests_waiting(reader, lab.name, has_controller=has_controller(data), latch=latch)
    found = [
        Notice(
            each.kind, lab.name, each.text, each.campaign, each.trial, each.since,
            each.operation or (each.proposal.hash if each.proposal else ""),
        )
        for each in waiting
    ]  # fmt: skip
    found += [
        Notice("bypass", lab.name, f"{row['rule']}: {row['reason']}; instead: {row['measure']}", mark=str(row["id"]))
        for row in reader.states.rows(
            "SELECT id, rule, reason, measure FROM bypasses WHERE lab = ? AND approver IS NULL AND ended_s IS NULL "
            "AND until_s > ?",
            (lab.name, clock.date().timestamp()),
        )
    ]
    since = (clock.date() - RECENT).isoformat()
    alarms = reader.states.rows(
        "SELECT id, rule, cause, date FROM alarms WHERE lab = ? AND head IS NULL AND what = 'alarm' AND date > ?",
        (lab.name, since),
    )
    found += [
        Notice("alarm", lab.name, f"{row['rule']}: {row['cause']}", since=row["date"], mark=str(row["id"]))
        for row in alarms
    ]
    return found


class Notifier:
    """Tells people by the channels of one file.

    Args:
        spec: Who is told.
        data: The data folder.
        lab: Gives the lab file as it is now.
        notices: Keeps what was told.
        clock: Says when.
        note: Records in the journal what went wrong.
    """

    def __init__(
        self,
        spec: NotifySpec,
        data: Path,
        lab: Callable[[], LabSpec],
        notices: Notices,
        clock: Clock,
        note: Callable[[str, str], None],
    ) -> None:
        self._spec, self._data, self._lab, self._clock, self._note = spec, data, lab, clock, note
        self.notices = notices
        self._send: dict[str, Callable[[Delivery], None]] = {}
        self._kinds: dict[str, frozenset[str]] = {}
        if (mail := spec.mail) is not None:
            self._send["mail"] = lambda one: send_mail(mail, one, spec.pages)
            self._kinds["mail"] = frozenset[str](mail.kinds)
        for name, hook in spec.webhooks.items():
            self._send[name] = lambda one, hook=hook: post(hook, one, spec.pages, self._now())
            self._kinds[name] = frozenset[str](hook.kinds)
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._again, args=(act, *words), name="autolab-notifying", daemon=True)
            for act, *words in ((self.look,), *((self.deliver, channel) for channel in self._send))
        ]

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        return tuple(self._send)

    def start(self) -> None:
        """Begin to look and to send."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End; what was not sent is sent by the next server. Idempotent."""
        self._over.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(LOOK_REAL_S)  # one that is sending is left to its time-out

    def look(self) -> None:
        """Look once what waits, and keep what is to be told.

        Raises:
            AutolabError: the journal or the lab file cannot be read.
        """
        reader = JournalReader.open(self._data)
        try:
            waiting = waiting_now(reader, self._lab(), self._data, self._clock)
        finally:
            reader.close()
        self.notices.see(waiting, self._kinds.items(), self._now(), self._spec.after_s)

    def deliver(self, channel: str) -> None:
        """Send what a channel is to be told now."""
        for one in self.notices.due(channel, self._now()):
            if self._over.is_set():
                return
            try:
                self._send[channel](one)
            except UndeliveredError as error:
                is_over = self.notices.has_failed(one, str(error), self._now())
                if is_over or one.tries == 0:
                    end = "given up after a day" if is_over else "it is tried again"
                    self._note("notification failed", f"{channel}: {one.notice.kind}: {error}; {end}")
            else:
                self.notices.was_sent(one, self._now())

    def test(self, by: str) -> str:
        """Have a test message sent to every channel. Returns its id."""
        return self.notices.test(self._lab().name, by, self._send, self._now())

    def _again(self, act: Callable[..., None], *words: str) -> None:
        while not self._over.wait(LOOK_REAL_S):
            try:
                act(*words)
            except AutolabError as error:  # journal, lab file or accounts cannot be read: the next look may
                logging.getLogger(__name__).warning("notifications: %s", error)

    def _now(self) -> float:
        return self._clock.date().timestamp()
