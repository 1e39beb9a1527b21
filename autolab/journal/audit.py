"""Whether the journal still is what was written: entries, signed heads, and the tables against the log.

What this can show and what it cannot is in ``docs/explanation/audit.md``.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from autolab.core.errors import InputError
from autolab.core.workers import in_processes
from autolab.journal.agreement import agreement
from autolab.journal.database import Database
from autolab.journal.heads import HEADS_FILE, PUBLIC_KEY_FILE, HeadLine, SignedHead, public_key, read_heads
from autolab.journal.journal import STATES_FILE
from autolab.journal.logreading import Finding, LogReading, Share, shares
from autolab.journal.merkle import Frontier

__all__ = ["Audit", "Finding", "audit"]

LONG = 100_000
"""Entries from which on several processes share the work: they take a second to read."""
AT_A_TIME = 5000
"""Leaves that are put into the tree at a time."""
PAGES_KIB = 500
"""Of the file that are kept, in KiB: each page is read once, and few of them stay in the processor's own cache."""
HASH_BYTES = 32
REMOVED = Finding("the journal has no log any more: it was removed")


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


def audit(folder: Path, exported: Path | None, processes: int = 1) -> Audit:
    """Compare the journal of a data folder with its log, and the log with the heads that were signed.

    Args:
        folder: The data folder; a campaign may be running in it.
        exported: File to which heads were exported; None to use those in the data folder alone.
        processes: How many may share the work, where the log is long.

    Raises:
        InputError: there is no journal, or the file of heads cannot be read.
        StorageError: the journal cannot be read at all.
    """
    if not (folder / STATES_FILE).is_file():
        raise InputError(f"{folder}: holds no campaigns; run one first, or name another folder with --data")
    heads = _Heads(folder, exported)  # before the log is read: a head that is signed meanwhile is not missed there
    log = _read_log(folder, heads.sound, processes)
    matches, mismatches = _judge(heads.sound, log)
    covered = max(matches, key=lambda head: head.size, default=None)
    return Audit(
        entries=log.size,
        rows=log.n_rows,
        heads=len(heads.sound),
        covered=covered,
        findings=(*log.findings, *heads.findings, *mismatches, *log.differences),
        notes=(*heads.notes, *_coverage(covered, log.size)),
    )


@dataclass(frozen=True, slots=True)
class _Log:
    """The log as it was read."""

    size: int
    roots: Mapping[int, str]
    """Root of the first so many entries, for each head."""
    n_rows: int
    findings: Sequence[Finding]
    """What is wrong with its entries."""
    differences: Sequence[Finding]
    """Where the tables say something else."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What one process has read."""

    leaves: bytes
    """Leaf hashes of its stretch, end to end."""
    findings: Sequence[Finding]
    n_rows: int
    differences: Sequence[tuple[str, Sequence[Finding]]]
    """By table."""


def _read_log(folder: Path, heads: Sequence[SignedHead], processes: int) -> _Log:
    with closing(_opened(folder)) as states:
        has_log = bool(states.rows("SELECT name FROM sqlite_schema WHERE name = 'log'"))
        is_long = has_log and states.rows("SELECT count(*) AS n FROM log")[0]["n"] >= LONG
        todo = shares(states, processes) if is_long and processes > 1 else (Share(),)
    parts = in_processes(lambda share: _read_part(folder, share, has_log=has_log), todo, len(todo))
    tree = _Tree({head.size for head in heads})
    for part in parts:
        tree.grow(part.leaves)
    findings = [each for part in parts for each in part.findings]
    tables = sorted((each for part in parts for each in part.differences), key=lambda each: each[0])
    return _Log(
        tree.frontier.size,
        tree.roots,
        sum(part.n_rows for part in parts),
        sorted(findings, key=lambda each: each.seq or 0) if has_log else (REMOVED,),
        [each for _, found in tables for each in found],
    )


def _read_part(folder: Path, share: Share, *, has_log: bool) -> _Part:
    """Read one share. Log and tables are of one moment, which may be later than that of another share."""
    with closing(_opened(folder)) as states, states.snapshot():
        agreed = agreement(states, share) if has_log else None
        if agreed is not None:
            return _Part(agreed.leaves, (), agreed.n_rows, ())
        reading = LogReading(states, share)  # something is not as it was written: this finds out what, and says it
        leaves = b"".join(itertools.chain.from_iterable(reading.leaves())) if has_log else b""
        differences = list(reading.differences())
        return _Part(leaves, reading.findings, reading.n_rows, differences)


def _opened(folder: Path) -> Database:
    states = Database(folder / STATES_FILE, "states", read_only=True, stopwatch=time.monotonic)
    states.rows(f"PRAGMA cache_size = -{PAGES_KIB}")
    return states


class _Tree:
    """The tree over the leaves, and its roots at some sizes."""

    def __init__(self, sizes: set[int]) -> None:
        self.frontier = Frontier()
        self.roots: dict[int, str] = {0: self.frontier.root.hex()}
        self._sizes = sorted((size for size in sizes if size > 0), reverse=True)

    def grow(self, leaves: bytes) -> None:
        """Append leaf hashes that stand end to end."""
        first, n = self.frontier.size, len(leaves) // HASH_BYTES
        while self.frontier.size < first + n:
            end = min(self.frontier.size + AT_A_TIME, first + n, *self._sizes[-1:])
            here = range((self.frontier.size - first) * HASH_BYTES, (end - first) * HASH_BYTES, HASH_BYTES)
            self.frontier = self.frontier.extended([leaves[at : at + HASH_BYTES] for at in here])
            if end in self._sizes[-1:]:
                self.roots[self._sizes.pop()] = self.frontier.root.hex()


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


def _judge(heads: list[SignedHead], log: _Log) -> tuple[list[SignedHead], list[Finding]]:
    """Heads that the log agrees with, and what is wrong with the log where it does not."""
    size = log.size
    matches = [head for head in heads if log.roots.get(head.size) == head.root]
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
