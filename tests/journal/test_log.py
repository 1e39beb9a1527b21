"""The log: whatever is written to the states is in it, in the same commit, and nothing else is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.core.canonical import canonical_json
from autolab.core.clock import VirtualClock
from autolab.core.errors import StorageError
from autolab.journal import schema
from autolab.journal.database import Database
from autolab.journal.journal import Journal
from autolab.journal.log import Log
from autolab.journal.merkle import Frontier, leaf_hash
from tests.journal.test_journal import ADA, begun

values = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
)


@pytest.fixture
def journal() -> Iterator[Journal]:
    journal = Journal(None, VirtualClock())
    begun(journal)
    yield journal
    journal.close()


def entries(states: Database) -> list[dict[str, Any]]:
    return [json.loads(row["entry"]) for row in states.rows("SELECT entry FROM log ORDER BY seq")]


def test_each_write_is_logged_once_with_its_row(journal: Journal):
    before = len(entries(journal.states))
    journal.fail("c-1", 1, "it leaks")
    [changed] = entries(journal.states)[before:]
    assert (changed["kind"], changed["table"], changed["seq"]) == ("update", "trials", before + 1)
    assert changed["key"] == {"campaign": "c-1", "number": 1}
    assert changed["date"] == "2000-01-01T00:00:00.000+00:00"
    history = json.loads(changed["row"].pop("history"))
    assert history[-1] == ["failed", 0.0, changed["date"], "it leaks"]
    assert changed["row"] == {"state": "failed", "failure": "it leaks", "fault": "unknown", "workflow": "automated"}


def test_every_table_of_the_schema_is_logged_but_the_log_itself(journal: Journal):
    tables = {row["name"] for row in journal.states.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    triggers = {row["name"] for row in journal.states.rows("SELECT name FROM sqlite_temp_schema")}
    kinds = ("insert", "update", "delete")
    assert triggers == {f"log {kind} {table}" for kind in kinds for table in tables - {"log"}}


def test_a_row_that_is_replaced_or_deleted_is_logged_too(journal: Journal):
    before = len(entries(journal.states))
    journal.states.write("INSERT OR REPLACE INTO leases (epoch, holder, begun) VALUES (1, 'a', 'now')")
    journal.states.write("INSERT OR REPLACE INTO leases (epoch, holder, begun) VALUES (1, 'b', 'now')")
    journal.states.write("DELETE FROM leases")
    assert [entry["kind"] for entry in entries(journal.states)[before:]] == ["insert", "delete", "insert", "delete"]


def test_what_is_rolled_back_is_not_in_the_log_and_not_under_the_head(journal: Journal):
    head = journal.states.head()

    def half() -> None:
        with journal.commit():
            journal.fail("c-1", 1, "half of it")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert journal.states.head() == head
    assert head.size == len(entries(journal.states))


def test_a_statement_that_fails_half_way_leaves_no_entry_though_its_group_goes_on(journal: Journal):
    before = entries(journal.states)
    with journal.commit(), pytest.raises(StorageError, match="UNIQUE"):
        journal.states.write("INSERT INTO leases (epoch, holder, begun) VALUES (1, 'a', ''), (1, 'b', '')")
    assert entries(journal.states) == before


def test_the_head_is_the_root_over_all_entries(journal: Journal):
    for _ in range(3):
        journal.intervene("c-1", 1, ADA, "note", "looks fine")
        texts = [row["entry"] for row in journal.states.rows("SELECT entry FROM log ORDER BY seq")]
        head = journal.states.head()
        assert head.size == len(texts)
        assert head.root == Frontier().extended(leaf_hash(text.encode()) for text in texts).root


def test_two_writers_continue_one_log(tmp_path: Path):
    controller, server = Journal(tmp_path, VirtualClock()), Journal(tmp_path, VirtualClock())
    begun(controller)
    server.intervene("c-1", 1, ADA, "note", "from another process")
    controller.fail("c-1", 1, "it leaks")
    assert [entry["seq"] for entry in entries(controller.states)] == list(range(1, controller.states.head().size + 1))
    assert controller.states.head() == server.states.head()
    controller.close()
    server.close()


@given(row=st.tuples(values, values, st.binary()), after=st.tuples(values, values, values))
def test_an_entry_is_canonical_json_whatever_is_stored(row: tuple[Any, ...], after: tuple[Any, ...]):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(
            "CREATE TABLE things (b, id INTEGER PRIMARY KEY, a, c);"
            "CREATE TABLE log (seq INTEGER PRIMARY KEY, entry TEXT NOT NULL, leaf BLOB NOT NULL);"
        )
        Log(connection, lambda: "today")
        connection.execute("INSERT INTO things (a, b, c) VALUES (?, ?, ?)", row)
        connection.execute("UPDATE things SET id = 2, a = ?, b = ?, c = ?", after)
        texts = [text for (text,) in connection.execute("SELECT entry FROM log ORDER BY seq")]
    assert [canonical_json(json.loads(text)) for text in texts] == texts
    inserted, updated = (json.loads(text) for text in texts)
    plain = {"a": row[0], "b": row[1], "c": row[2].hex()}
    assert inserted["row"] == {name: value for name, value in plain.items() if value is not None}
    assert updated["key"] == {"id": 1}
    assert {**plain, **updated["row"]} == {**dict(zip("abc", after, strict=True)), "id": 2}


def test_the_rows_of_an_older_version_are_logged_when_they_are_found(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as connection:
        connection.executescript(schema._STATES_1 + "PRAGMA user_version = 1;")
        connection.execute("INSERT INTO principals (name, kind) VALUES ('ada', 'person')")
    journal = Journal(tmp_path, VirtualClock())
    (found,) = entries(journal.states)
    assert found == {
        "kind": "found", "seq": 1, "date": None, "table": "principals", "key": {"id": 1},
        "row": {"name": "ada", "kind": "person"},
    }  # fmt: skip
    begun(journal)
    assert journal.states.head().size > 1
    journal.close()


def test_documents_keep_no_log(journal: Journal):
    with pytest.raises(StorageError, match="keeps no log; only states that are open for writing have a head"):
        journal.documents.head()


def test_a_number_that_json_lacks_is_refused_before_it_is_stored(journal: Journal):
    before = entries(journal.states)
    with pytest.raises(StorageError):
        journal.states.write("UPDATE trials SET closes = 9e999")
    assert entries(journal.states) == before
