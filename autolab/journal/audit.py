"""Whether the journal still is what was written: entries, signed heads, and the tables against the log.

What this can show and what it cannot is in ``docs/explanation/audit.md``.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autolab.core.errors import InputError
from autolab.journal.database import Database
from autolab.journal.heads import HEADS_FILE, PUBLIC_KEY_FILE, HeadLine, SignedHead, public_key, read_heads
from autolab.journal.journal import STATES_FILE
from autolab.journal.merkle import Frontier, leaf_hash
from autolab.journal.replay import NoEntryError, Replay, parse_entry

__all__ = ["Audit", "Finding", "audit"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written."""

    text: str
    """A sentence: what is wrong, where, and what it means."""
    seq: int | None = None
    """Entry of the log, from 1."""
    table: str | None = None
    row: str | None = None
    """Key of the row, in words."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What was looked at, and what was found."""

    entries: int
    rows: int
    heads: int
    """Signed heads that were compared with the log."""
    covered: SignedHead | None
    """The newest head that the log agrees with."""
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    """What a person should know, and what nobody did wrong."""


def audit(folder: Path, exported: Path | None) -> Audit:
    """Compare the journal of a data folder with its log, and the log with the heads that were signed.

    Args:
        folder: The data folder; a campaign may be running in it.
        exported: File to which heads were exported; None to use those in the data folder alone.

    Raises:
        InputError: there is no journal, or the file of heads cannot be read.
        StorageError: the journal cannot be read at all.
    """
    if not (folder / STATES_FILE).is_file():
        raise InputError(f"{folder}: holds no campaigns; run one first, or name another folder with --data")
    heads = _Heads(folder, exported)  # before the log is read: a head that is signed meanwhile is not missed there
    states = Database(folder / STATES_FILE, "states", read_only=True, stopwatch=time.monotonic)
    try:
        with states.snapshot():
            reading = _LogReading(states, {head.size for head in heads.sound})
            reading.run()
            rows, differences = _compare(states, reading.replay)
    finally:
        states.close()
    matches, mismatches = _judge(heads.sound, reading)
    covered = max(matches, key=lambda head: head.size, default=None)
    return Audit(
        entries=reading.frontier.size,
        rows=rows,
        heads=len(heads.sound),
        covered=covered,
        findings=(*reading.findings, *heads.findings, *mismatches, *differences),
        notes=(*heads.notes, *_coverage(covered, reading.frontier.size)),
    )


class _LogReading:
    """Reads the log from its beginning."""

    def __init__(self, states: Database, sizes: set[int]) -> None:
        self.replay = Replay()
        self.frontier = Frontier()
        self.findings: list[Finding] = []
        self.roots: dict[int, str] = {0: self.frontier.root.hex()}
        """Root of the first so many entries, for each of the sizes."""
        self._states = states
        self._sizes = sorted((size for size in sizes if size > 0), reverse=True)

    def run(self) -> None:
        """Read all of it."""
        if not self._states.rows("SELECT name FROM sqlite_schema WHERE name = 'log'"):
            self.findings.append(Finding("the journal has no log any more: it was removed"))
            return
        last = 0
        for rows in self._states.batches("SELECT seq, entry, leaf FROM log WHERE seq > 0 ORDER BY seq"):
            leaves: list[bytes] = []
            for seq, text, leaf in rows:
                told = text.encode(errors="surrogatepass") if isinstance(text, str) else repr(text).encode()
                leaves.append(leaf_hash(told))
                if seq != last + 1:
                    self._miss(last, seq)
                last = seq
                self._take(seq, text, is_whole=leaf == leaves[-1])
            self._grow(leaves)

    def _grow(self, leaves: list[bytes]) -> None:
        """Append leaves to the tree, and keep its root at each of the sizes."""
        first, done = self.frontier.size, 0
        while self._sizes and self._sizes[-1] <= first + len(leaves):
            size = self._sizes.pop()
            self.frontier = self.frontier.extended(leaves[done : size - first])
            self.roots[size] = self.frontier.root.hex()
            done = size - first
        self.frontier = self.frontier.extended(leaves[done:])

    def _miss(self, last: int, seq: int) -> None:
        gone = f"entry {last + 1} is" if seq == last + 2 else f"entries {last + 1} to {seq - 1} are"
        self.findings.append(Finding(f"{gone} missing from the log: deleted", last + 1))

    def _take(self, seq: int, text: object, *, is_whole: bool) -> None:
        """Replay one entry; it is whole where it has the hash with which it was written."""
        try:
            entry = parse_entry(text)
        except NoEntryError as error:
            self.findings.append(Finding(f"entry {seq} of the log is no entry ({error}): it was changed", seq))
            return
        if not is_whole:
            text = f"entry {seq} of the log ({entry}) does not have the hash with which it was written: it was changed"
            self.findings.append(Finding(text, seq, entry.table))
        if entry.seq != seq:
            text = f"entry {seq} of the log ({entry}) was written as entry {entry.seq}: entries were moved"
            self.findings.append(Finding(text, seq, entry.table))
        if why := self.replay.apply(entry):
            text = f"entry {seq} of the log ({entry}) cannot be: {why}; entries were changed, moved or deleted"
            self.findings.append(Finding(text, seq, entry.table))


class _Heads:
    """The heads of both places: which are sound, and what is wrong with the others."""

    def __init__(self, folder: Path, exported: Path | None) -> None:
        self.sound: list[SignedHead] = []
        self.findings: list[Finding] = []
        self.notes: list[str] = []
        self._key = public_key(folder)
        self._data = str(folder.resolve())
        for line in read_heads(folder / HEADS_FILE) if (folder / HEADS_FILE).exists() else []:
            self._take(line, is_own=True)
        if exported is not None:
            self._take_exported(folder, exported)
        self.sound = list(dict.fromkeys(self.sound))
        if self._key is None and self.sound:
            self._add(
                f"{folder / PUBLIC_KEY_FILE}: is gone or no key, so nobody can tell whose heads these are: restore it"
            )

    def _take_exported(self, folder: Path, exported: Path) -> None:
        n_before = len(self.sound)
        for line in read_heads(exported):
            self._take(line, is_own=False)
        if len(self.sound) == n_before:
            self._add(
                f"{exported}: holds no head that the key of {folder} signed: the key was exchanged, the heads were "
                "removed, or the file belongs to another data folder"
            )

    def _take(self, line: HeadLine, *, is_own: bool) -> None:
        where, head = f"{line.file}, line {line.number}", line.head
        if head is None and not line.text.endswith("}"):
            self.notes.append(f"{where}: was cut off while it was written; the next head covers the same entries")
        elif head is None:
            self._add(f"{where}: is no head: it was changed")
        elif not head.is_genuine():
            self._add(f"{where}: the signature does not fit the head of {head.size} entries: it was changed")
        elif self._key in (None, head.key):
            self.sound.append(head)
        elif is_own or head.data == self._data:
            self._add(
                f"{where}: the head of {head.size} entries is signed with another key than {PUBLIC_KEY_FILE}: the key "
                "was exchanged, or data folders of the same path export to one file (name one file for each)"
            )
        else:
            self.notes.append(f"{where}: a head of another data folder, {head.data}: passed over")

    def _add(self, text: str) -> None:
        self.findings.append(Finding(text))


def _judge(heads: list[SignedHead], reading: _LogReading) -> tuple[list[SignedHead], list[Finding]]:
    """Heads that the log agrees with, and what is wrong with the log where it does not."""
    size = reading.frontier.size
    matches = [head for head in heads if reading.roots.get(head.size) == head.root]
    good = set(matches)
    findings: list[Finding] = []
    signed: dict[int, SignedHead] = {}
    for head in sorted(heads, key=lambda head: (head.size, head.date)):
        other = signed.setdefault(head.size, head)
        if other.root != head.root:
            findings.append(
                Finding(
                    f"two different logs of {head.size} entries were signed, on {other.date} and on {head.date}: "
                    "the journal was copied, and both copies were continued"
                )
            )
        if head.size > size:
            findings.append(
                Finding(
                    f"the log has {size} entries, and the head signed on {head.date} covers {head.size}: the end of "
                    "the log was cut off, or an older copy of the journal was put back",
                    size + 1,
                )
            )
        elif head not in good:
            start = max((match.size for match in matches if match.size < head.size), default=0) + 1
            findings.append(
                Finding(
                    f"entries 1 to {head.size} of the log are not those that were signed on {head.date}: between "
                    f"entry {start} and entry {head.size} something was changed, moved or deleted, or an older copy of "
                    "the journal was put back and continued",
                    start,
                )
            )
    return matches, findings


def _coverage(covered: SignedHead | None, size: int) -> Iterator[str]:
    if covered is None:
        yield "no signed head covers this log: that its end was cut off, or an older copy put back, would not show"
    elif covered.size < size:
        yield (
            f"the newest {size - covered.size} entries are under no signed head yet: that they were cut off would not "
            "show"
        )


def _compare(states: Database, replay: Replay) -> tuple[int, list[Finding]]:
    """Number of rows in the tables, and where they differ from the log."""
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'log' AND name NOT LIKE 'sqlite_%'"
    tables = [row["name"] for row in states.rows(f"{query} ORDER BY name")]
    n_rows, findings = 0, list[Finding]()
    for table in [*tables, *(table for table in replay.tables if table not in tables)]:
        quoted = '"' + table.replace('"', '""') + '"'
        columns = [row for row in states.rows(f"PRAGMA table_xinfo({quoted})") if row["hidden"] != 1]
        key = [row["name"] for row in columns if row["pk"]]
        rows: Iterable[tuple[Any, ...]] = ()
        if table in tables:
            n_rows += states.rows(f"SELECT count(*) AS n FROM {quoted}")[0]["n"]  # noqa: S608 (a name that is quoted)
            rows = itertools.chain.from_iterable(states.batches(f"SELECT * FROM {quoted}"))  # noqa: S608 (as above)
        for each in replay.compare(table, key, [row["name"] for row in columns], rows):
            findings.append(Finding(f"{each.table} {each.row}: {each.text}", each.seq, each.table, each.row))
    return n_rows, findings
