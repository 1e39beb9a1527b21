"""The log replayed: what was written and nothing else, whatever was written, and any cell that was changed since."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolab.core.canonical import canonical_json
from autolab.core.clock import VirtualClock
from autolab.journal import logreading
from autolab.journal.audit import audit
from autolab.journal.journal import STATES_FILE, Journal
from autolab.journal.replay import NoEntryError, Replay, parse_entry

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
STORED = st.none() | TEXTS | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
COLUMNS = ("state", "result", "lab_s")
WRITES = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.integers(1, 4), TEXTS, STORED, st.floats(-1e300, 1e300)),
        st.tuples(st.just("update"), st.integers(1, 4), st.sampled_from(COLUMNS), TEXTS),
        st.tuples(st.just("rename"), st.integers(1, 4), st.integers(1, 4)),
        st.tuples(st.just("delete"), st.integers(1, 4)),
    ),
    max_size=12,
)


def entry(kind: str, seq: int, key: dict[str, Any], row: dict[str, Any]) -> bytes:
    return canonical_json({"date": "2026", "key": key, "kind": kind, "row": row, "seq": seq, "table": "t"}).encode()


@given(row=st.dictionaries(TEXTS, STORED, max_size=5))
def test_an_entry_is_read_as_python_reads_it(row: dict[str, Any]) -> None:
    text = entry("insert", 3, {"id": 7}, row)
    found = parse_entry(text)
    assert repr(found.row) == repr(json.loads(text)["row"])
    assert (found.kind, found.seq, found.table, found.key) == ("insert", 3, "t", {"id": 7})


@pytest.mark.parametrize(
    "text",
    [
        entry("insert", 1, {"id": 1}, {"a": True}),
        entry("insert", 1, {"id": [1]}, {}),
        entry("moved", 1, {"id": 1}, {}),
        b"[" * 10_000,
        b"{}",
        b"",
        b"7",
        b"\xff",
    ],
)
def test_what_no_journal_writes_is_no_entry(text: bytes) -> None:
    with pytest.raises(NoEntryError):
        parse_entry(text)


def test_what_only_pythons_parser_takes_is_an_entry_that_was_changed_and_not_a_failure() -> None:
    text = entry("insert", 1, {"id": 1}, {"a": "x"}).replace(b'"x"', rb'"\ud800"')
    assert parse_entry(text).row == {"a": "\ud800"}


def test_an_entry_with_another_key_than_its_table_has_cannot_be() -> None:
    replay = Replay()
    assert replay.apply(parse_entry(entry("insert", 1, {"id": 1}, {"a": 1}))) is None
    why = replay.apply(parse_entry(entry("insert", 2, {"a": 1}, {"id": 1})))
    assert why == "its key is a, and that of the entries before is id"


def write(journal: Journal, step: tuple[Any, ...]) -> None:
    """One write to the table of phases, whose key has five columns; what it does not allow is left out."""
    kind, number, *rest = step
    there = {row["trial"] for row in journal.states.rows("SELECT trial FROM phases")}
    if kind == "insert" and number not in there:
        state, result, lab_s = rest
        key = {"campaign": "c", "trial": number, "replicate": 1, "attempt": 1, "name": "é"}
        journal.states.insert("phases", **key, state=state, result=result, lab_s=lab_s)
    elif kind == "update":
        journal.states.write(f'UPDATE phases SET "{rest[0]}" = ? WHERE trial = ?', (rest[1], number))
    elif kind == "rename" and rest[0] not in there:
        journal.states.write("UPDATE phases SET trial = ? WHERE trial = ?", (rest[0], number))
    elif kind == "delete":
        journal.states.write("DELETE FROM phases WHERE trial = ?", (number,))


FORGERIES = (
    "UPDATE phases SET state = 'other' WHERE trial = 2",
    "DELETE FROM phases WHERE trial = 3",
    "DELETE FROM log WHERE seq = 2",
    "UPDATE log SET entry = replace(entry, 'new', 'old') WHERE seq = 4",
    "UPDATE log SET entry = (SELECT entry FROM log WHERE seq = 1) WHERE seq = 3",
)


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_is_found_does_not_depend_on_how_many_rows_are_read_at_a_time(
    forgery: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, VirtualClock())
    for number in range(1, 5):
        write(journal, ("insert", number, "new", None, 0.0))
    journal.close()
    with closing(sqlite3.connect(tmp_path / STATES_FILE, isolation_level=None)) as connection:
        assert connection.execute(forgery).rowcount == 1
    found = [audit(tmp_path, None)]
    for at_a_time in (1, 2, 3):
        monkeypatch.setattr(logreading, "_AT_A_TIME", at_a_time)
        found.append(audit(tmp_path, None))
    assert found[0].findings
    assert found == [found[0]] * 4


@settings(max_examples=40, deadline=None)
@given(steps=WRITES, data=st.data())
def test_whatever_was_written_agrees_and_any_cell_that_was_changed_is_found(
    steps: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        journal = Journal(folder, VirtualClock())
        with journal.commit():
            for step in steps:
                write(journal, step)
        journal.close()
        found = audit(folder, None)
        assert found.findings == ()
        with closing(sqlite3.connect(folder / STATES_FILE, isolation_level=None)) as connection:
            rows = [row for (row,) in connection.execute("SELECT rowid FROM phases ORDER BY rowid").fetchall()]
            if not rows:
                return
            row, column = data.draw(st.sampled_from(rows)), data.draw(st.sampled_from(COLUMNS))
            query = f"SELECT {column}, trial FROM phases WHERE rowid = ?"
            before, trial = connection.execute(query, (row,)).fetchone()
            connection.execute(f"UPDATE phases SET {column} = ? WHERE rowid = ?", (data.draw(TEXTS), row))
            if connection.execute(query, (row,)).fetchone()[0] == before:
                return
        (finding,) = audit(folder, None).findings
        assert finding.row == f"attempt=1 campaign=c name=é replicate=1 trial={trial}"
        assert f": {column!r} is " in finding.text
