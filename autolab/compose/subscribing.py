"""Gives the documents of a running campaign to the subscribers of its lab, and reports those that fail or hang."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from autolab.config.specs import LabSpec
from autolab.core.clock import Clock, real_clock
from autolab.core.errors import StorageError
from autolab.core.principals import Principal
from autolab.journal.journal import DOCUMENTS_FILE, Journal

__all__ = ["subscribed"]

DRAIN_REAL_S = 10.0
"""Real seconds that subscribers have to take what is left when a campaign has ended."""
STALL_REAL_S = 30.0
"""Real seconds without a document taken, while some wait, after which a subscriber counts as hanging."""
START_REAL_S = 60.0
"""Real seconds that one has to start."""
_LOOK_REAL_S = 0.5


@contextmanager
def subscribed(
    lab: LabSpec,
    campaign: str,
    journal: Journal,
    note: Callable[[str], None],
    *,
    drain_s: float = DRAIN_REAL_S,
    stall_s: float = STALL_REAL_S,
) -> Iterator[None]:
    """Have a process for each subscriber read the campaign's documents, from those on that are recorded in the block.

    What becomes of one is recorded and noted, and changes nothing else. A journal in memory has no subscribers.

    Args:
        lab: The lab.
        campaign: Id of the campaign.
        journal: Keeps the documents, and the record of what failed.
        note: Told of what a person should know.
        drain_s: Real seconds that they have at the end.
        stall_s: Real seconds after which one counts as hanging.
    """
    if journal.folder is None or not lab.subscribers:
        yield
        return
    folder = journal.folder

    def report(text: str) -> None:
        with suppress(StorageError):  # the campaign meets it as well, and says so
            journal.intervene(campaign, None, Principal("autolab", "system"), "subscriber", text)
        note(text)

    def last() -> int:
        return journal.documents.rows("SELECT MAX(id) AS last FROM documents")[0]["last"] or 0

    running = [
        _Subscription(name, Path(lab.source.file), folder, campaign, last, report, stall_s) for name in lab.subscribers
    ]
    try:
        yield
    finally:
        end = real_clock().real() + drain_s
        for one in running:
            one.finish()
        for one in running:
            one.close(end, drain_s)


class _Subscription:
    """One subscriber, while a campaign runs.

    Args:
        name: Its name in the lab file.
        lab: The lab file.
        folder: The data folder.
        campaign: Id of the campaign.
        last: Gives the number of the document that was recorded last.
        report: Records and tells what became of it.
        stall_s: Real seconds after which it counts as hanging.
    """

    def __init__(
        self,
        name: str,
        lab: Path,
        folder: Path,
        campaign: str,
        last: Callable[[], int],
        report: Callable[[str], None],
        stall_s: float,
    ) -> None:
        self._name, self._campaign, self._last, self._report, self._stall_s = name, campaign, last, report, stall_s
        self._clock: Clock = real_clock()
        self._at, self._moved_s = last(), self._clock.real()
        self._is_over = threading.Event()
        self._is_told, self._is_ready = False, False
        log = folder / "logs" / "subscribers.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("ab") as noise:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "autolab.compose.subscriber"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=noise,
                start_new_session=True,  # Ctrl-C is none of its business
            )
        request: dict[str, Any] = {
            "lab": str(lab),
            "name": name,
            "documents": str(folder / DOCUMENTS_FILE),
            "campaign": campaign,
            "after": self._at,
        }
        self._write(json.dumps(request))
        self._reader = threading.Thread(target=self._read, name=f"autolab-subscriber-{name}", daemon=True)
        self._reader.start()

    def finish(self) -> None:
        """Say that no more documents will come."""
        self._write("finish")

    def close(self, end_s: float, drain_s: float) -> None:
        """Wait until it has taken all, at most until ``end_s``; then it is ended, and what it lacks is reported.

        One that was found hanging is not waited for.
        """
        self._is_over.wait(0.0 if self._is_told else max(end_s - self._clock.real(), 0.0))
        if not self._is_over.is_set():
            self._tell(f"has not taken all within {drain_s:g} s of the end, and was ended")
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def _write(self, line: str) -> None:
        pipe = self._process.stdin
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.write(line.encode() + b"\n")
                pipe.flush()

    def _read(self) -> None:
        pipe, rest = self._process.stdout, b""
        if pipe is None:
            return
        waiting = select.poll()
        waiting.register(pipe, select.POLLIN)
        while True:
            if not waiting.poll(_LOOK_REAL_S * 1000):
                self._look()
                continue
            chunk = os.read(pipe.fileno(), 1 << 16)
            if not chunk:
                break
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._take(json.loads(line))
        if not self._is_over.is_set():
            self._tell("was killed from outside")
            self._is_over.set()

    def _take(self, said: dict[str, Any]) -> None:
        self._at, self._moved_s, self._is_ready = said.get("at", self._at), self._clock.real(), True
        if "failed" in said:
            self._tell(f"failed ({said['failed']}), and is given nothing more")
        if "failed" in said or "done" in said:
            self._is_over.set()

    def _look(self) -> None:
        """Tell once where documents wait, and none is taken."""
        if self._is_told or self._is_over.is_set():
            return
        patience_s = self._stall_s if self._is_ready else START_REAL_S
        if self._is_ready and self._last() <= self._at:
            self._moved_s = self._clock.real()
        elif self._clock.real() - self._moved_s > patience_s:
            what = "has taken nothing" if self._is_ready else "has not begun"
            self._tell(f"{what} for {patience_s:g} s while documents wait")

    def _tell(self, what: str) -> None:
        if not self._is_told:
            self._is_told = True
            again = f"'autolab export {self._campaign} --format documents --to {self._name}' gives it all of them"
            self._report(f"subscriber {self._name} {what}; the campaign goes on without it. Afterwards {again}")
