"""What the log says that the tables hold, and where the tables say something else.

A journal of a hundred thousand trials has two million entries, so that each microsecond here is two seconds of an
audit: an entry is parsed once, and its values are kept as they were parsed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from pydantic_core import from_json

__all__ = ["Difference", "Entry", "NoEntryError", "Replay", "parse_entry", "row_name"]

_INSERTS = ("insert", "found")
_KINDS = frozenset({*_INSERTS, "update", "delete"})
_STORED = frozenset({str, int, float, type(None)})
"""What the value of a column may be in an entry."""


class NoEntryError(ValueError):
    """A text is no entry of the log."""


class Entry(NamedTuple):
    """One entry of the log."""

    kind: str
    seq: int
    table: str
    key: dict[str, Any]
    row: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.kind} of {row_name(self.table, self.key)}"


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
        self.rows: dict[Any, tuple[dict[str, Any], int]] = {}
        """Values of the other columns, and the last entry on the row."""


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

        The values of the entry are taken over: nobody else may change them.
        """
        kind, seq, table, key, row = entry
        names = tuple(key)
        known = self._tables.get(table)
        if known is None:
            known = self._tables[table] = _Table(names)
        elif known.key != names:
            return f"its key is {', '.join(names)}, and that of the entries before is {', '.join(known.key)}"
        rows, name = known.rows, tuple(key.values())
        before = rows.get(name)
        if kind in _INSERTS:
            rows[name] = row, seq
            return None if before is None else f"it inserts a row that was there since entry {before[1]}"
        if before is None:
            return "no entry before it inserts this row"
        if kind == "delete":
            del rows[name]
            return None
        values = before[0]
        values.update(row)
        if not key.keys().isdisjoint(row):  # the key itself is changed
            del rows[name]
            name = tuple([values.pop(column, value) for column, value in key.items()])
        rows[name] = values, seq
        return None

    def compare(
        self, table: str, key: Sequence[str], columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
    ) -> Iterator[Difference]:
        """Compare a table with the log. A table is compared once.

        Args:
            table: Its name.
            key: Columns of its primary key.
            columns: Its columns.
            rows: Its rows, each with the values of the columns as SQLite gives them.
        """
        names = tuple(sorted(key))
        known = self._tables.pop(table, _Table(names))
        told = known.rows if known.key == names else {}
        others = tuple(name for name in columns if name not in key)
        key_of, others_of = _picked(columns, names), _picked(columns, others)
        for row in rows:
            expected = told.pop(key_of(row), None)
            if expected is not None:
                present, values = others_of(row), expected[0]
                if tuple(map(values.get, others)) == present and len(values) + present.count(None) == len(present):
                    continue  # nearly always: what follows looks closer
            yield from _looked_at(table, names, told, dict(zip(columns, map(_stored, row), strict=True)), expected)
        for name, (_, seq) in known.rows.items():
            text = f"is in the log, last in entry {seq}, and not in the table: it was deleted without the log"
            yield Difference(table, _words(dict(zip(known.key, name, strict=True))), seq, text)


def _picked(columns: Sequence[str], names: Sequence[str]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """A function that gives the values of some columns of a row."""
    places = [columns.index(name) for name in names]
    if len(places) > 1:
        return itemgetter(*places)
    return lambda row: tuple([row[place] for place in places])


def _looked_at(
    table: str,
    names: Sequence[str],
    told: dict[Any, tuple[dict[str, Any], int]],
    present: dict[str, Any],
    expected: tuple[dict[str, Any], int] | None,
) -> Iterator[Difference]:
    """What differs in one row, bytes being in hexadecimal in the log."""
    key = {name: present[name] for name in names}
    expected = expected or told.pop(tuple(key.values()), None)
    if expected is None:
        text = "is in the table and not in the log: it was added without the log"
        yield Difference(table, _words(key), None, text)
        return
    values, seq = {**key, **expected[0]}, expected[1]
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


def parse_entry(text: Any) -> Entry:
    """An entry from its text.

    Raises:
        NoEntryError: it is none.
    """
    try:
        facts = from_json(text) if isinstance(text, str) else None
    except ValueError:
        facts = _slowly_parsed(text)
    if not isinstance(facts, dict):
        raise NoEntryError("it is not JSON")
    kind, seq, table = facts.get("kind"), facts.get("seq"), facts.get("table")
    if type(kind) is not str or kind not in _KINDS or type(seq) is not int or type(table) is not str:
        raise NoEntryError("kind, seq or table is not what an entry has")
    key, row = facts.get("key"), facts.get("row")
    if (
        type(key) is not dict
        or type(row) is not dict
        or not _STORED.issuperset(map(type, key.values()))
        or not _STORED.issuperset(map(type, row.values()))
    ):
        raise NoEntryError("key or row is not what an entry has")
    return Entry(kind, seq, table, key, row)


def _slowly_parsed(text: str) -> Any:
    """What Python's own parser says of a text that the fast one refuses; None where it refuses it too."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


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
