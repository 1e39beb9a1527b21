"""Whether log and tables agree in everything, as nearly always: read from the newest entry to the oldest.

Read backwards, the entry that inserts a row comes after all that changed it: then the whole row is known, is compared
with the table, and is let go. Only rows between their last change and their insertion are in memory, where a log that
is read forwards is kept as a whole until its end; that is also why it is faster, as is a parser made for each table.
What does not agree is left to `autolab.journal.logreading`, which finds the words for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal

import msgspec
from msgspec.structs import astuple

from autolab.core.errors import StorageError
from autolab.journal.database import Database
from autolab.journal.logreading import Rows, Share, StoredTable, ending, stored_tables, table_of

__all__ = ["Agreement", "agreement"]

_AT_A_TIME = 250
"""Entries that are read at a time."""
_ROWS = 50
"""Rows of a table that are read at a time: of many tables side by side, and all in the processor's cache."""
_ENTRIES = "SELECT seq, CAST(entry AS BLOB), leaf FROM log WHERE seq > ? AND seq <= ? ORDER BY seq"
_TABLE, _KIND, _UPDATE = b'"table":"', b'"kind":"', ord("u")


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was read where all agrees."""

    leaves: bytes
    """Leaf hashes of the share's stretch, end to end."""
    n_rows: int
    """Rows that were compared."""


def agreement(states: Database, share: Share) -> Agreement | None:
    """Read a share of the log, and compare its tables with it. None where anything is not as it should be.

    Where this gives an agreement, `autolab.journal.logreading.LogReading` finds nothing. The other way round it may be
    different: what a journal may hold, and autolab never writes, such as a deleted row, is left to that too.

    Args:
        states: The states, in a snapshot.
        share: What to look at.
    """
    tables: dict[bytes, _Table] = {}
    try:
        with ExitStack() as opened:
            for stored in stored_tables(states):
                if share.has(stored.name):
                    table = opened.enter_context(closing(_Table(states, stored)))
                    tables[ending(stored.name).removeprefix(_TABLE)] = table
            return _read(states, share, tables)
    except StorageError:  # the reading that finds words says what cannot be read
        return None


def _read(states: Database, share: Share, tables: Mapping[bytes, _Table]) -> Agreement | None:
    newest: int = states.rows("SELECT max(seq) AS seq FROM log")[0]["seq"] or 0
    leaves: list[bytes] = []
    for end in range(newest, 0, -_AT_A_TIME):
        begin = max(0, end - _AT_A_TIME)
        rows: Rows = next(states.batches(_ENTRIES, (begin, end), _AT_A_TIME), [])
        if len(rows) < end - begin:
            return None
        mine = rows if share.of == 1 else rows[max(0, share.begin - begin) : max(0, share.end - begin)]
        found = [sha256(b"\x00" + text).digest() for _, text, _ in mine]  # `leaf_hash`, in place
        if found != [leaf for _, _, leaf in mine]:
            return None
        leaves.append(b"".join(found))
        told = rows if share.of == 1 else [row for row in rows if share.has(table_of(row[1]))]
        if not _agree(told, tables):
            return None
    if not all(table.is_done() for table in tables.values()):
        return None
    return Agreement(b"".join(reversed(leaves)), sum(table.n_rows for table in tables.values()))


def _agree(rows: Rows, tables: Mapping[bytes, _Table]) -> bool:
    """Whether entries, given in their order, are sound, and each row that they insert is the next of its table."""
    try:
        for seq, text, _ in reversed(rows):
            table = tables[text.rpartition(_TABLE)[2]]
            if text[text.find(_KIND) + len(_KIND)] == _UPDATE:
                entry = table.update(text)
                later = table.changed.get(entry.key)
                table.changed[entry.key] = entry.row if later is None else entry.row | later
            else:
                entry = table.insertion(text)
                later = table.changed.pop(entry.key, None)
                if later is not None:
                    for column, value in later.items():
                        setattr(entry.row, table.fields[column], value)
                if astuple(entry.key) + astuple(entry.row) != next(table.rows, None):
                    return False
            if entry.seq != seq:
                return False
    except (ValueError, RecursionError, KeyError):  # no entry of a table that is there, or not of its columns
        return False
    return True


class _Table:
    """One table: what later entries say of its rows, and the rows themselves."""

    def __init__(self, states: Database, stored: StoredTable) -> None:
        self.insertion, self.update, self.fields = _parsers(stored)
        self.changed: dict[Any, dict[str, Any]] = {}
        """Columns that later entries changed, by the key of rows whose insertion is still to come."""
        self.n_rows = 0
        """Rows that were read."""
        self._batches = stored.rows(states, _ROWS, newest_first=True)
        self.rows = itertools.chain.from_iterable(self._counted(self._batches))
        """Its rows, the newest first: values of the key and of the other columns."""

    def _counted(self, batches: Iterable[Sequence[tuple[Any, ...]]]) -> Iterator[Sequence[tuple[Any, ...]]]:
        for rows in batches:
            self.n_rows += len(rows)
            yield rows

    def close(self) -> None:
        """Read no more of it."""
        self._batches.close()

    def is_done(self) -> bool:
        """Whether all of its rows were taken, and nothing is said of others."""
        return not self.changed and next(self.rows, None) is None


_Stored = str | int | float | None
"""What the value of a column may be in an entry."""
_Parser = Callable[[bytes], Any]


@lru_cache(maxsize=256)
def _parsers(table: StoredTable) -> tuple[_Parser, _Parser, Mapping[str, str]]:
    """What parses the entries of a table that insert, and those that update; attributes of an inserted row by columns.

    A key has no empty value, since rows could share it: a parser refuses that, and each entry of a table without key.
    """
    fields = {column: f"c{place}" for place, column in enumerate(table.others)}
    keys = [(f"c{at}", str | int | float, msgspec.field(name=column)) for at, column in enumerate(table.key)]
    others = [(name, _Stored, msgspec.field(name=column, default=None)) for column, name in fields.items()]
    key: Any = msgspec.defstruct("Key", keys, frozen=True, gc=False, forbid_unknown_fields=True) if keys else None
    row: Any = msgspec.defstruct("Row", others, gc=False, forbid_unknown_fields=True)

    def parser(kinds: Any, values: Any) -> _Parser:
        parts = [("kind", kinds), ("seq", int), ("table", Literal[table.name]), ("key", key), ("row", values)]
        return msgspec.json.Decoder(msgspec.defstruct("Entry", parts, gc=False)).decode

    return parser(Literal["insert", "found"], row), parser(Literal["update"], dict[str, _Stored]), fields
