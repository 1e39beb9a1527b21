"""The log of the states database: each row that is written, in order, as one entry that is never changed again.

Triggers of the writing connection do the logging, inside the same statement: whatever a method of the journal inserts,
changes or deletes is logged in the same commit, and a table that is added to the schema is logged without a further
thought. The triggers are temporary: they are part of no file, so a row that is edited with another program leaves no
entry, and `autolab.journal.audit` finds it.

An entry is canonical JSON: ``kind`` (``insert``, ``update``, ``delete``, or ``found`` for a row that an older version
wrote before there was a log), ``seq``, ``date``, ``table``, ``key`` (the row's primary key) and ``row`` (the other
columns that are not null; of an update, those that changed). Its ``leaf`` is the leaf hash of RFC 6962, and the log's
head is the root of the tree over all leaves (`autolab.journal.merkle`).
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring as quoted
from typing import Any

from autolab.journal.merkle import Frontier, leaf_hash

__all__ = ["Log", "Table", "TreeHead", "adopt", "tables_of"]

_TRIGGER = """
CREATE TEMP TRIGGER "log {kind} {table}" AFTER {kind} ON main."{table}" BEGIN
    INSERT INTO log (entry, leaf) VALUES (
        autolab_entry('{kind}', '{table}', (SELECT max(seq) FROM log), {values}), autolab_leaf());
END"""


@dataclass(frozen=True, slots=True)
class TreeHead:
    """The log at one moment."""

    size: int
    """Number of entries."""
    root: bytes
    """Merkle tree hash over their leaves."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is logged: its name and its columns with their places, by name."""

    name: str
    columns: tuple[str, ...]
    """As they stand in a row."""
    key: tuple[tuple[str, int], ...]
    """Columns of the primary key."""
    others: tuple[tuple[str, int], ...]

    def entry(self, kind: str, seq: int, date: str | None, new: Sequence[Any], old: Sequence[Any] | None = None) -> str:
        """Text of the entry for a row, as `autolab.core.canonical.canonical_json` would write it.

        Args:
            kind: What happened to the row.
            seq: Number of the entry, from 1.
            date: When; None where it is not known.
            new: Values of the row, as SQLite stores them; of a deleted row, its last ones.
            old: Values before an update.

        Raises:
            ValueError: a number is infinite.
        """
        key = ",".join([f'"{name}":{_json((old or new)[place])}' for name, place in self.key])
        if kind == "delete":
            row = ""
        elif old is None:
            row = ",".join([f'"{name}":{_json(new[at])}' for name, at in self.others if new[at] is not None])
        else:
            changed = sorted((name, at) for name, at in (*self.key, *self.others) if new[at] != old[at])
            row = ",".join([f'"{name}":{_json(new[at])}' for name, at in changed])
        when = "null" if date is None else quoted(date)
        return f'{{"date":{when},"key":{{{key}}},"kind":"{kind}","row":{{{row}}},"seq":{seq},"table":"{self.name}"}}'


class Log:
    """The log of one writing connection.

    Args:
        connection: The open database, at the newest version of its schema.
        date: Says the date of an entry.
    """

    def __init__(self, connection: sqlite3.Connection, date: Callable[[], str | None]) -> None:
        self._connection = connection
        self._date = date
        self._tables = tables_of(connection)
        self._entry_without_leaf: str | None = None
        self._frontier = Frontier()
        self._last = 0
        self.added = 0
        """Entries since this connection was opened; what was rolled back is counted too."""
        connection.create_function("autolab_entry", -1, self._entry)
        connection.create_function("autolab_leaf", 0, self._leaf)
        connection.execute("PRAGMA recursive_triggers = ON")  # else REPLACE deletes rows without a word
        for name, table in self._tables.items():
            for kind, sides in (("insert", ("NEW",)), ("update", ("NEW", "OLD")), ("delete", ("OLD",))):
                values = ", ".join(f'{side}."{column}"' for side in sides for column in table.columns)
                connection.execute(_TRIGGER.format(kind=kind, table=name, values=values))

    def head(self) -> TreeHead:
        """The head of what has been committed, or written in the open group. Each leaf is read once."""
        rows = self._connection.execute(
            "SELECT seq, CAST(leaf AS BLOB) FROM log WHERE seq > ? ORDER BY seq", (self._last,)
        ).fetchall()
        if rows:
            self._frontier = self._frontier.extended(leaf for _, leaf in rows)
            self._last = rows[-1][0]
        return TreeHead(self._frontier.size, self._frontier.root)

    def _entry(self, kind: str, table: str, last: int | None, *values: Any) -> str:
        """Text of the entry for one row; an update gives the new values and then the old ones."""
        self.added += 1
        about = self._tables[table]
        n_columns = len(about.columns)
        old = values[n_columns:] if kind == "update" else None
        text = about.entry(kind, (last or 0) + 1, self._date(), values[:n_columns], old)
        self._entry_without_leaf = text
        return text

    def _leaf(self) -> bytes:
        """Leaf of the entry that SQLite has just asked for: it evaluates the values of a row from left to right."""
        entry, self._entry_without_leaf = self._entry_without_leaf, None
        if entry is None:
            raise RuntimeError("the leaf of an entry was asked for before the entry")
        return leaf_hash(entry.encode())


def tables_of(connection: sqlite3.Connection) -> dict[str, Table]:
    """The tables that are logged, by name: all but the log itself."""
    query = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name <> 'log' AND name NOT LIKE 'sqlite_%'"
    return {row[0]: _table(connection, row[0]) for row in connection.execute(f"{query} ORDER BY name").fetchall()}


def _table(connection: sqlite3.Connection, name: str) -> Table:
    found = connection.execute(f'PRAGMA main.table_info("{name}")').fetchall()
    columns = [(str(row[1]), place, row[5] > 0) for place, row in enumerate(found)]
    return Table(
        name,
        tuple(column for column, _, _ in columns),
        tuple(sorted((column, place) for column, place, is_key in columns if is_key)),
        tuple(sorted((column, place) for column, place, is_key in columns if not is_key)),
    )


def adopt(connection: sqlite3.Connection) -> None:
    """Log the rows that an older version wrote, as they are found, in the open transaction."""
    for entry in _found(connection):
        connection.execute("INSERT INTO log (entry, leaf) VALUES (?, ?)", (entry, leaf_hash(entry.encode())))


def _found(connection: sqlite3.Connection) -> Iterator[str]:
    seq = 0
    for table in tables_of(connection).values():
        for values in connection.execute(f'SELECT * FROM main."{table.name}" ORDER BY rowid').fetchall():  # noqa: S608 (names of our own tables)
            seq += 1
            yield table.entry("found", seq, None, values)


def _json(value: Any) -> str:
    """A value that SQLite stores, as JSON: bytes in hexadecimal."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no canonical JSON form")
        return repr(value)
    return json.dumps(value.hex() if isinstance(value, bytes) else value)
