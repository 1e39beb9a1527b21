"""What the log says that the tables hold, and where the tables say something else.

A journal of a hundred thousand trials has two million entries, so that each microsecond here is two seconds of an
audit: an entry is parsed once, into a typed value, and its values are kept as they were parsed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

__all__ = ["Difference", "Entry", "NoEntryError", "Replay", "parse_entry", "row_name"]

_INSERTS = ("insert", "found")
_Stored = str | int | float | None
"""What the value of a column may be in an entry."""
_KNOWN: dict[str, _Stored] = {}
"""In place of the key of an entry that has been applied."""


class NoEntryError(ValueError):
    """A text is no entry of the log."""


class Entry(msgspec.Struct, gc=False):
    """One entry of the log; that it holds no cycle saves the collector of garbage from looking."""

    kind: Literal["insert", "found", "update", "delete"]
    seq: int
    table: str
    key: dict[str, _Stored]
    row: dict[str, _Stored]

    def __str__(self) -> str:
        return f"{self.kind} of {row_name(self.table, self.key)}"


_parse = msgspec.json.Decoder(Entry).decode


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that the log and the tables do not agree on."""

    table: str
    row: str
    """The row's key, in words."""
    seq: int | None
    """The last entry on this row."""
    text: str


class _Table:
    """One table as the log tells it: its rows by the values of their key, in the order of its columns' names."""

    def __init__(self, key: tuple[str, ...]) -> None:
        self.key = key
        self.rows: dict[Any, Entry] = {}
        """The entry that inserted the row, with the values and the number of the last one on it."""


class Replay:
    """The tables as the log tells them."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}

    @property
    def tables(self) -> Sequence[str]:
        """Tables that the log knows."""
        return tuple(self._tables)

    def apply(self, entry: Entry) -> str | None:
        """Do what an entry says. Returns why that cannot be, where it cannot.

        The entry is taken over: nobody else may change its values, and where it could be, its key is gone.
        """
        key = entry.key
        known, names = self._tables.get(entry.table), tuple(key)
        if known is None:
            known = self._tables[entry.table] = _Table(names)
        elif known.key != names:
            return f"its key is {', '.join(names)}, and that of the entries before is {', '.join(known.key)}"
        rows, name = known.rows, tuple(key.values())
        before = rows.get(name)
        if entry.kind in _INSERTS:
            rows[name] = entry
            if before is not None:
                return f"it inserts a row that was there since entry {before.seq}"
            entry.key = _KNOWN  # the key is in the table already: of many rows, a third of the memory
            return None
        if before is None:
            return "no entry before it inserts this row"
        if entry.kind == "delete":
            del rows[name]
            return None
        before.row.update(entry.row)
        before.seq = entry.seq
        if not key.keys().isdisjoint(entry.row):  # the key itself is changed
            del rows[name]
            rows[tuple([before.row.pop(column, value) for column, value in key.items()])] = before
        return None

    def compare(
        self, table: str, key: Sequence[str], others: Sequence[str], rows: Iterable[tuple[Any, ...]]
    ) -> Iterator[Difference]:
        """Compare a table with the log. A table is compared once.

        Args:
            table: Its name.
            key: Columns of its primary key, in the order of their names.
            others: Its other columns.
            rows: Its rows, each with the values of the key and of the others as SQLite gives them.
        """
        names, n = tuple(key), len(key)
        known = self._tables.pop(table, _Table(names))
        told = known.rows if known.key == names else {}
        take, columns = told.pop, frozenset(others)
        for row in rows:
            expected, present = take(row[:n], None), row[n:]
            if expected is not None:
                values = expected.row
                if tuple(map(values.get, others)) == present and values.keys() <= columns:
                    continue  # nearly always: what follows looks closer
            yield from _looked_at(
                table, names, told, dict(zip((*key, *others), map(_stored, row), strict=True)), expected
            )
        for name, entry in known.rows.items():
            text = f"is in the log, last in entry {entry.seq}, and not in the table: it was deleted without the log"
            yield Difference(table, _words(dict(zip(known.key, name, strict=True))), entry.seq, text)


def _looked_at(
    table: str,
    names: Sequence[str],
    told: dict[Any, Entry],
    present: dict[str, Any],
    expected: Entry | None,
) -> Iterator[Difference]:
    """What differs in one row, bytes being in hexadecimal in the log."""
    key = {name: present[name] for name in names}
    expected = expected or told.pop(tuple(key.values()), None)
    if expected is None:
        text = "is in the table and not in the log: it was added without the log"
        yield Difference(table, _words(key), None, text)
        return
    values, seq = {**key, **expected.row}, expected.seq
    for column in sorted({*present, *values}):
        value, said = present.get(column), values.get(column)
        if value != said:
            text = (
                f"{column!r} is {_short(value)} in the table, and {_short(said)} in the log (last entry on this row: "
                f"{seq}): the row was changed without the log"
            )
            yield Difference(table, _words(key), seq, text)


def _stored(value: Any) -> Any:
    """A value as entries have it."""
    return value.hex() if isinstance(value, bytes) else value


def parse_entry(text: bytes) -> Entry:
    """An entry from its text in UTF-8.

    Raises:
        NoEntryError: it is none.
    """
    try:
        return _parse(text)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return _slowly_parsed(text)


def _slowly_parsed(text: bytes) -> Entry:
    """What Python's own parser takes of what the fast one refuses, such as half a pair of surrogates."""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise NoEntryError("it is not JSON")
    try:
        return msgspec.convert(facts, Entry)
    except msgspec.ValidationError as error:
        raise NoEntryError("its parts are not those of an entry") from error


def row_name(table: str, key: Mapping[str, Any]) -> str:
    """A row in words: its table and its key."""
    return f"{table} {_words(key)}"


def _words(key: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in key.items())


def _short(value: Any) -> str:
    if value is None:
        return "empty"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
