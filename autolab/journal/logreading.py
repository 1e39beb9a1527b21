"""Reading the log from its first entry to its last: hashes, order, and the tables that it tells.

Several processes can share the work. Each reads all of the log, checks the hashes of a stretch of it, and replays the
tables that are its own; an entry ends with the name of its table, so that only its own have to be parsed.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from autolab.journal.database import Database
from autolab.journal.replay import Entry, NoEntryError, Replay, parse_entry

__all__ = ["Finding", "LogReading", "Rows", "Share", "StoredTable", "ending", "shares", "stored_tables", "table_of"]

Rows = Sequence[tuple[int, bytes, Any]]
"""Number, text in UTF-8 and leaf hash of entries."""
_TABLE = b'"table":"'
_SAMPLE = 5000
"""Newest entries that are looked at to share the tables out."""
_AT_A_TIME = 250
"""Rows that are read at a time: they are still in the processor's cache when they are hashed, parsed and compared."""


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
class Share:
    """What one of several processes looks at; all of it where there is one."""

    place: int = 0
    of: int = 1
    begin: int = 0
    end: int = 0
    """Of several, this one checks the hashes after entry ``begin``, up to ``end``."""
    owners: Mapping[str, int] = field(default_factory=dict[str, int])
    """Which of them replays a table; the first where it is not named."""

    def has(self, table: str) -> bool:
        """Whether this one replays a table."""
        return self.of == 1 or self.owners.get(table, 0) == self.place


def shares(states: Database, n: int) -> tuple[Share, ...]:
    """Share the log out among processes, the tables by how many of the newest entries are theirs."""
    size = states.rows("SELECT max(seq) AS size FROM log")[0]["size"] or 0
    newest = next(states.batches("SELECT CAST(entry AS BLOB) FROM log ORDER BY seq DESC LIMIT ?", (_SAMPLE,)), [])
    tables = Counter(table_of(text) for (text,) in newest)
    owners, loads = dict[str, int](), [0] * n
    for table, count in tables.most_common():
        owners[table] = loads.index(min(loads))
        loads[owners[table]] += count
    cuts = [size * place // n for place in range(n + 1)]
    return tuple(Share(place, n, cuts[place], cuts[place + 1], owners) for place in range(n))


def table_of(text: bytes) -> str:
    """The table that an entry ends with."""
    return text.rpartition(_TABLE)[2][:-2].decode(errors="replace")


def ending(table: str) -> bytes:
    """What the text of a table's entries ends with."""
    return _TABLE + table.encode(errors="replace") + b'"}'


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table of the states: its name, the columns of its primary key in the order of their names, and the others."""

    name: str
    key: tuple[str, ...]
    others: tuple[str, ...]

    def rows(
        self, states: Database, at_a_time: int, *, newest_first: bool = False
    ) -> Generator[Sequence[tuple[Any, ...]], None, None]:
        """Its rows, so many at a time, each with the values of the key and of the others as SQLite gives them."""
        names = ", ".join(_quoted(name) for name in (*self.key, *self.others))
        order = " ORDER BY rowid DESC" if newest_first else ""
        return states.batches(f"SELECT {names} FROM {_quoted(self.name)}{order}", at_a_time=at_a_time)  # noqa: S608 (names that are quoted)


def stored_tables(states: Database) -> list[StoredTable]:
    """All tables but the log, by their names."""
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'log' AND name NOT LIKE 'sqlite_%'"
    found: list[StoredTable] = []
    for name in sorted(row["name"] for row in states.rows(query)):
        columns = [row for row in states.rows(f"PRAGMA table_xinfo({_quoted(name)})") if row["hidden"] != 1]
        key = tuple(sorted(row["name"] for row in columns if row["pk"]))
        found.append(StoredTable(name, key, tuple(row["name"] for row in columns if not row["pk"])))
    return found


class LogReading:
    """Reads the log, and then compares the tables with what it says.

    Args:
        states: The states, in a snapshot that lasts as long as this is used.
        share: What to look at.
    """

    def __init__(self, states: Database, share: Share) -> None:
        self._states = states
        self._share = share
        self._replay = Replay()
        self._ends = _Ends()
        self._gaps: list[Finding] = []
        self._changed: list[Finding] = []
        self._impossible: list[Finding] = []
        self.n_rows = 0
        """Rows that were compared."""

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with the entries, in their order."""
        return sorted([*self._gaps, *self._changed, *self._impossible], key=lambda finding: finding.seq or 0)

    def leaves(self) -> Iterator[list[bytes]]:
        """Read all of the log. Gives the leaf hashes of this share's stretch, some thousand at a time."""
        share, last = self._share, 0
        query = "SELECT seq, CAST(entry AS BLOB), leaf FROM log WHERE seq > 0 ORDER BY seq"
        for rows in self._states.batches(query, at_a_time=_AT_A_TIME):
            if share.place == 0:
                self._count(last, rows)
            last = rows[-1][0]
            if share.of == 1:
                yield self._hash(rows)
                self._replay_all(rows)
            else:
                yield self._hash([row for row in rows if share.begin < row[0] <= share.end])
                self._replay_all([row for row in rows if share.has(table_of(row[1]))])

    def differences(self) -> Iterator[tuple[str, list[Finding]]]:
        """Each table of this share, with where it differs from the log."""
        tables = {table.name: table for table in stored_tables(self._states)}
        for name in sorted({*tables, *self._replay.tables}):
            if self._share.has(name):
                yield name, list(self._compare(tables.get(name, StoredTable(name, (), ())), is_there=name in tables))

    def _compare(self, table: StoredTable, *, is_there: bool) -> Iterator[Finding]:
        rows: Iterable[tuple[Any, ...]] = ()
        if is_there:
            self.n_rows += self._states.rows(f"SELECT count(*) AS n FROM {_quoted(table.name)}")[0]["n"]  # noqa: S608 (a name that is quoted)
            rows = itertools.chain.from_iterable(table.rows(self._states, _AT_A_TIME))
        for each in self._replay.compare(table.name, table.key, table.others, rows):
            yield Finding(f"{each.table} {each.row}: {each.text}", each.seq, each.table, each.row)

    def _count(self, last: int, rows: Rows) -> None:
        if rows[-1][0] - last == len(rows):
            return
        for seq, _, _ in rows:
            if seq != last + 1:
                gone = f"entry {last + 1} is" if seq == last + 2 else f"entries {last + 1} to {seq - 1} are"
                self._gaps.append(Finding(f"{gone} missing from the log: deleted", last + 1))
            last = seq

    def _hash(self, rows: Rows) -> list[bytes]:
        found = [sha256(b"\x00" + text).digest() for _, text, _ in rows]  # `leaf_hash`, in place
        if found != [leaf for _, _, leaf in rows]:
            for (seq, text, leaf), right in zip(rows, found, strict=True):
                if leaf != right and (entry := _entry(text)) is not None:
                    said = "does not have the hash with which it was written: it was changed"
                    self._changed.append(Finding(f"entry {seq} of the log ({entry}) {said}", seq, entry.table))
        return found

    def _replay_all(self, rows: Rows) -> None:
        apply, ends = self._replay.apply, self._ends
        for seq, text, _ in rows:
            try:
                entry = parse_entry(text)
            except NoEntryError as error:
                self._impossible.append(Finding(f"entry {seq} of the log is no entry ({error}): it was changed", seq))
                continue
            if entry.seq != seq:
                self._blame(seq, entry, f"was written as entry {entry.seq}: entries were moved")
            if not text.endswith(ends[entry.table]):
                self._blame(seq, entry, "does not end with its table: it was changed")
            if why := apply(entry):
                self._blame(seq, entry, f"cannot be: {why}; entries were changed, moved or deleted")

    def _blame(self, seq: int, entry: Entry, said: str) -> None:
        self._impossible.append(Finding(f"entry {seq} of the log ({entry}) {said}", seq, entry.table))


class _Ends(dict[str, bytes]):
    """What the text of an entry ends with, by its table."""

    def __missing__(self, table: str) -> bytes:
        return self.setdefault(table, ending(table))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _entry(text: bytes) -> Entry | None:
    try:
        return parse_entry(text)
    except NoEntryError:
        return None
