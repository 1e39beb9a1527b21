"""Does the journal survive a power failure? A campaign is recorded, and what a disk may hold afterwards is opened.

The campaign is a real one with a soft device: five actions and a phase a trial, a controller that ends, one that
resumes, and a reader that keeps the write-ahead log from being emptied. After each crash the facts whose commit had
returned must be there, and what is there must be a beginning of what was written. The journal's own log says both: it
has an entry for each row, in order.
"""

from __future__ import annotations

import json
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp

from autolab.core.clock import VirtualClock
from autolab.core.errors import AutolabError
from autolab.core.operations import Operations
from autolab.journal.audit import audit
from autolab.journal.database import Database, check_whole
from autolab.journal.journal import DOCUMENTS_FILE, STATES_FILE, Journal
from autolab.journal.reader import JournalReader
from benchmarks.disk import Disk, Loss
from benchmarks.recorder import Recording, recording
from plans.conventions import act, phase
from tests.campaign.softlab import Pour, SoftLab, SoftPump

__all__ = ["ACTIONS", "Findings", "crash_often", "five_actions", "record_campaign"]

ACTIONS = 5
LOSSES: tuple[Loss, ...] = ("dropped", "torn", "reordered")


@dataclass
class Findings:
    """What was found in all images."""

    images: int = 0
    facts: int = 0
    """Entries of the log whose commit had returned, over all images."""
    more: int = 0
    """Entries that were there although their commit had not returned."""
    lost_documents: int = 0
    """Documents that were lost, as they may be: no trial that was acquired needs them."""
    writes: int = 0
    """Writes that were not synchronised when the power failed."""
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Written:
    """All that the campaign wrote, in order."""

    log: list[str]
    documents: list[tuple[Any, ...]]

    @classmethod
    def read(cls, folder: Path) -> _Written:
        with closing(sqlite3.connect(f"file:{folder / STATES_FILE}?mode=ro", uri=True)) as states:
            log = [entry for (entry,) in states.execute("SELECT entry FROM log ORDER BY seq")]
        with closing(sqlite3.connect(f"file:{folder / DOCUMENTS_FILE}?mode=ro", uri=True)) as documents:
            return cls(log, documents.execute("SELECT * FROM documents ORDER BY id").fetchall())


def five_actions(pump: SoftPump, x: float, operations: Operations, md: Mapping[str, Any]) -> Iterator[Any]:
    """A plan of five actions, the last two in a phase, and three readings."""

    def end() -> Iterator[Any]:
        for number in range(4, ACTIONS + 1):
            yield from act(pump, Pour(x, operations(f"pour-{number}")))
        yield from bps.trigger_and_read([pump])

    @bpp.run_decorator(md=dict(md))
    def run() -> Iterator[Any]:
        for number in range(1, 4):
            yield from act(pump, Pour(x, operations(f"pour-{number}")))
        for _ in range(2):
            yield from bps.trigger_and_read([pump])
        yield from phase("end", end())

    yield from run()


def record_campaign(folder: Path, trials: int) -> Recording:
    """Run a third of a campaign, and resume it twice, first while somebody reads.

    The recording says after each commit how long the log is.
    """
    lab = SoftLab(trials=trials // 3, folder=folder, make_plan=five_actions, clock=VirtualClock())
    with recording(folder) as found:
        lab.run(lambda journal: _say_commits(journal, found))
        lab.journal.close()
        lab.trials = 2 * trials // 3
        reader = Database(folder / STATES_FILE, "states", read_only=True, stopwatch=time.monotonic)
        with reader.snapshot():
            reader.rows("SELECT count(*) FROM log")
            lab.resume(lambda journal: _say_commits(journal, found))
        reader.close()
        lab.journal.close()
        lab.trials = trials
        lab.resume(lambda journal: _say_commits(journal, found))
        lab.journal.close()
    return found


def _say_commits(journal: Journal, found: Recording) -> None:
    before = journal.states.committed

    def committed() -> None:
        found.say(journal.states.rows("SELECT max(seq) AS size FROM log")[0]["size"])
        before()

    journal.states.committed = committed
    committed()


def crash_often(recorded: Recording, folder: Path, images: int, seed: int) -> Findings:
    """Let the power fail at so many moments of a recording, and judge what is left.

    A third of the moments are right after a commit has returned, a third while the write-ahead log is brought into the
    tables, and a third are any.

    Args:
        recorded: The recording.
        folder: Where its campaign left its files.
        images: How many crashes.
        seed: Chooses the moments, and what is lost.
    """
    chance, written, findings = random.Random(seed), _Written.read(folder), Findings()
    events = list(enumerate(recorded.events, 1))
    kinds = (
        [at for at, event in events if event.what == "said"],
        [at for at, event in events if event.file.endswith(".sqlite")],
        [at for at, _ in events],
    )
    moments = sorted(chance.choice(kinds[number % len(kinds)]) for number in range(images))
    for number, disk, said in _moments(recorded, moments):
        with tempfile.TemporaryDirectory() as place:
            disk.crash(Path(place), chance.choice(LOSSES), chance)
            findings.images += 1
            findings.writes += disk.n_pending
            findings.faults += [
                f"image {number}, after {said} entries: {fault}"
                for fault in _judge(Path(place), written, said, findings)
            ]
    return findings


def _moments(recorded: Recording, moments: list[int]) -> Iterator[tuple[int, Disk, int]]:
    """The disk at each moment, with the length of the log that was promised last."""
    disk, said, at = Disk(), 0, 0
    for number, moment in enumerate(moments):
        for event in recorded.events[at:moment]:
            if event.what == "said":
                said = event.fact
            else:
                disk.play(event)
        at = moment
        yield number, disk, said


def _judge(folder: Path, written: _Written, said: int, findings: Findings) -> Iterator[str]:
    """What is wrong with one image."""
    findings.facts += said
    try:
        if said:  # whoever looks first may have no right to write
            JournalReader.open(folder).close()
        if (folder / STATES_FILE).exists():
            check_whole(folder / STATES_FILE)
        Journal(folder, VirtualClock()).close()
        if said and (differences := audit(folder, None).findings):
            yield differences[0].text
    except AutolabError as error:
        yield f"does not open: {error}"
        return
    left = _Written.read(folder)
    yield from _broken(folder)
    if left.log != written.log[: len(left.log)]:
        yield "the log is no beginning of what was written"
    if len(left.log) < said:
        yield f"{said - len(left.log)} committed facts are lost"
    if left.documents != written.documents[: len(left.documents)]:
        yield "the documents are no beginning of what was written"
    yield from _missing(left, written)
    findings.more += len(left.log) - said
    findings.lost_documents += len(written.documents) - len(left.documents)


def _broken(folder: Path) -> Iterator[str]:
    for name in (STATES_FILE, DOCUMENTS_FILE):
        with closing(sqlite3.connect(folder / name)) as connection:
            answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if answer != "ok":
            yield f"{name}: {answer}"


def _missing(left: _Written, written: _Written) -> Iterator[str]:
    """Documents that the states say are there, and are not."""
    entries = [json.loads(text) for text in left.log]
    n_left = len(left.documents)
    for trial, row in ((entry["key"]["number"], entry["row"]) for entry in entries if entry["table"] == "trials"):
        lost = [document for document in written.documents[n_left:] if document[3] == trial]
        if row.get("state") == "acquired" and lost:
            yield f"trial {trial} was acquired, and {len(lost)} of its documents are lost"
    for row in (entry["row"] for entry in entries if entry["table"] == "phases"):
        if json.loads(row["result"])["last"] > n_left:
            yield "a phase is complete, and its documents are lost"
