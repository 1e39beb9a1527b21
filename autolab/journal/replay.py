"""What the log says that the tables hold, and where the tables say something else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Difference", "Entry", "NoEntryError", "Replay", "parse_entry", "row_name"]

_INSERTS = ("insert", "found")
_STORED = frozenset({str, int, float, type(None)})
"""What the value of a column may be in an entry."""


class NoEntryError(ValueError):
    """A text is no entry of the log."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log."""

    kind: str
    seq: int
    table: str
    key: Mapping[str, Any]
    row: Mapping[str, Any]

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


@dataclass(slots=True)
class _Row:
    values: dict[str, Any]
    seq: int


class Replay:
    """The tables as the log tells them."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, _Row]] = {}

    @property
    def tables(self) -> Sequence[str]:
        """Tables that the log knows."""
        return tuple(self._tables)

    def apply(self, entry: Entry) -> str | None:
        """Do what an entry says. Returns why that cannot be, where it cannot."""
        rows = self._tables.setdefault(entry.table, {})
        name = _name(entry.key)
        before = rows.pop(name, None)
        if entry.kind in _INSERTS:
            rows[name] = _Row({**entry.key, **entry.row}, entry.seq)
            return None if before is None else f"it inserts a row that was there since entry {before.seq}"
        if before is None:
            return "no entry before it inserts this row"
        if entry.kind == "update":
            values = {**before.values, **entry.row}
            rows[_name({column: values[column] for column in entry.key})] = _Row(values, entry.seq)
        return None

    def compare(self, table: str, key: Sequence[str], rows: Iterator[Mapping[str, Any]]) -> Iterator[Difference]:
        """Compare a table with the log. A table is compared once.

        Args:
            table: Its name.
            key: Columns of its primary key.
            rows: Its rows.
        """
        told = self._tables.pop(table, {})
        for row in rows:
            present = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
            its_key = {column: present.get(column) for column in sorted(key)}
            expected = told.pop(_name(its_key), None)
            where = _words(its_key)
            if expected is None:
                yield Difference(table, where, None, "is in the table and not in the log: it was added without the log")
                continue
            for text in _differences(present, expected):
                yield Difference(table, where, expected.seq, text)
        for name, missing in told.items():
            text = f"is in the log, last in entry {missing.seq}, and not in the table: it was deleted without the log"
            yield Difference(table, _words(json.loads(name)), missing.seq, text)


def _differences(present: Mapping[str, Any], expected: _Row) -> Iterator[str]:
    for column in sorted({*present, *expected.values}):
        value, said = present.get(column), expected.values.get(column)
        if value != said:
            yield (
                f"{column!r} is {_short(value)} in the table, and {_short(said)} in the log (last entry on this row: "
                f"{expected.seq}): the row was changed without the log"
            )


def parse_entry(text: Any) -> Entry:
    """An entry from its text.

    Raises:
        NoEntryError: it is none.
    """
    try:
        facts = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise NoEntryError("it is not JSON")
    kind, seq, table = facts.get("kind"), facts.get("seq"), facts.get("table")
    if kind not in (*_INSERTS, "update", "delete") or type(seq) is not int or not isinstance(table, str):
        raise NoEntryError("kind, seq or table is not what an entry has")
    return Entry(kind, seq, table, _columns(facts.get("key")), _columns(facts.get("row")))


def _columns(part: Any) -> dict[str, Any]:
    if not isinstance(part, dict) or not all(type(value) in _STORED for value in part.values()):
        raise NoEntryError("key or row is not what an entry has")
    return part


def row_name(table: str, key: Mapping[str, Any]) -> str:
    """A row in words: its table and its key."""
    return f"{table} {_words(key)}"


def _name(key: Mapping[str, Any]) -> str:
    """A key that equal keys share."""
    return json.dumps(key, sort_keys=True)


def _words(key: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in key.items())


def _short(value: Any) -> str:
    if value is None:
        return "empty"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
