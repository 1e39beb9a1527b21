"""The quick reading of the log says that all agrees only where the careful one finds nothing."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from autolab.core.clock import VirtualClock
from autolab.journal import agreement as reading
from autolab.journal.agreement import Agreement, agreement
from autolab.journal.audit import audit
from autolab.journal.database import Database
from autolab.journal.journal import STATES_FILE, Journal
from autolab.journal.logreading import Finding, LogReading, Share, shares

N = 7
Tampering = Callable[[sqlite3.Connection], None]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven rows with a key of five columns; all but the first were changed, most of them twice."""
    place = tmp_path_factory.mktemp("written")
    journal = Journal(place, VirtualClock())
    with journal.commit():
        for number in range(1, N + 1):
            key = {"campaign": "c", "trial": number, "replicate": 1, "attempt": 1, "name": "é"}
            journal.states.insert("phases", **key, state="new", result=None, lab_s=0.25 * number)
            if number > 2:
                journal.states.write("UPDATE phases SET state = ?, result = 'x' WHERE trial = ?", ("on", number - 1))
            if number > 3:
                journal.states.write("UPDATE phases SET result = NULL, lab_s = 9 WHERE trial = ?", (number - 2,))
    journal.close()
    return place


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "data"))


@contextmanager
def states_of(folder: Path) -> Iterator[Database]:
    states = Database(folder / STATES_FILE, "states", read_only=True, stopwatch=time.monotonic)
    with closing(states), states.snapshot():
        yield states


def quick(folder: Path, share: Share | None = None) -> Agreement | None:
    with states_of(folder) as states:
        return agreement(states, share or Share())


def careful(folder: Path, share: Share | None = None) -> tuple[bytes, int, list[Finding]]:
    with states_of(folder) as states:
        log = LogReading(states, share or Share())
        leaves = b"".join(leaf for some in log.leaves() for leaf in some)
        differences = [each for _, found in log.differences() for each in found]
        return leaves, log.n_rows, [*log.findings, *differences]


def tampered(folder: Path, tampering: str | Tampering) -> None:
    with closing(sqlite3.connect(folder / STATES_FILE, isolation_level=None)) as connection:
        if isinstance(tampering, str):
            connection.executescript(tampering)
        else:
            tampering(connection)


def rewritten(seq: int, change: Callable[[str], str]) -> Tampering:
    """Another text of an entry, with the hash that fits: nothing but its place and the tables can give it away."""

    def tamper(connection: sqlite3.Connection) -> None:
        (text,) = connection.execute("SELECT entry FROM log WHERE seq = ?", (seq,)).fetchone()
        other = change(text)
        assert other != text
        leaf = sha256(b"\x00" + other.encode()).digest()
        connection.execute("UPDATE log SET entry = ?, leaf = ? WHERE seq = ?", (other, leaf, seq))

    return tamper


def with_facts(**changes: Any) -> Callable[[str], str]:
    return lambda text: json.dumps({**json.loads(text), **changes}, ensure_ascii=False, separators=(",", ":"))


def swapped(connection: sqlite3.Connection) -> None:
    one, two = connection.execute("SELECT entry, leaf FROM log WHERE seq IN (3, 4) ORDER BY seq").fetchall()
    connection.execute("UPDATE log SET entry = ?, leaf = ? WHERE seq = 3", two)
    connection.execute("UPDATE log SET entry = ?, leaf = ? WHERE seq = 4", one)


KEY = {"attempt": 1, "campaign": "c", "name": "é", "replicate": 1, "trial": 1}
ROW = {"lab_s": 0.25, "state": "new"}
COLUMNS = "phases (rowid, campaign, trial, replicate, attempt, name, state, lab_s)"
TAMPERINGS: dict[str, str | Tampering] = {
    "a row changed": "UPDATE phases SET state = 'other' WHERE trial = 2",
    "a number changed by its last digit": "UPDATE phases SET lab_s = 0.25000000000000006 WHERE trial = 1",
    "a number made text": "UPDATE phases SET result = '9' WHERE trial = 2",
    "a key changed": "UPDATE phases SET trial = 70 WHERE trial = 7",
    "a row deleted": "DELETE FROM phases WHERE trial = 3",
    "the newest row deleted": "DELETE FROM phases WHERE trial = 7",
    "the first row deleted": "DELETE FROM phases WHERE trial = 1",
    "a row added": "INSERT INTO phases VALUES ('c', 99, 1, 1, 'é', 'new', NULL, 0.0)",
    "a row added before all others": f"INSERT INTO {COLUMNS} VALUES (-1, 'c', 99, 1, 1, 'é', 'new', 0.0)",
    "a row added to a table that was empty": "INSERT INTO leases VALUES (1, 'a', 'b')",
    "a table removed": "DROP TABLE phases",
    "a table added": "CREATE TABLE more (id INTEGER PRIMARY KEY); INSERT INTO more VALUES (1)",
    "a table without key added": "CREATE TABLE more (a TEXT); INSERT INTO more VALUES ('a'), ('a')",
    "a column added": "ALTER TABLE phases ADD COLUMN more TEXT DEFAULT 'a'",
    "the first entry deleted": "DELETE FROM log WHERE seq = 1",
    "an entry deleted": "DELETE FROM log WHERE seq = 4",
    "the newest entry deleted": "DELETE FROM log WHERE seq = (SELECT max(seq) FROM log)",
    "all entries deleted": "DELETE FROM log",
    "an entry changed": "UPDATE log SET entry = replace(entry, 'new', 'old') WHERE seq = 2",
    "an entry made longer": "UPDATE log SET entry = entry || ' ' WHERE seq = 2",
    "an entry made no JSON": "UPDATE log SET entry = '' WHERE seq = 2",
    "a hash changed": "UPDATE log SET leaf = zeroblob(32) WHERE seq = 2",
    "a hash made text": "UPDATE log SET leaf = 'leaf' WHERE seq = 2",
    "an entry doubled": "UPDATE log SET (entry, leaf) = (SELECT entry, leaf FROM log WHERE seq = 1) WHERE seq = 2",
    "entries exchanged": swapped,
    "an entry rewritten": rewritten(1, lambda text: text.replace("new", "old")),
    "an entry rewritten with another number": rewritten(1, with_facts(seq=2)),
    "an entry rewritten for another table": rewritten(1, with_facts(table="leases")),
    "an entry rewritten for a table that is not there": rewritten(1, with_facts(table="none")),
    "an entry rewritten that ends with a space": rewritten(1, lambda text: f"{text} "),
    "an entry rewritten with a space before its table": rewritten(
        1, lambda text: text.replace('"table":', '"table": ')
    ),
    "an entry rewritten as a change": rewritten(1, with_facts(kind="update")),
    "an entry rewritten as an insertion": rewritten(4, with_facts(kind="insert")),
    "an entry rewritten as a deletion": rewritten(4, with_facts(kind="delete", row={})),
    "an entry rewritten as something else": rewritten(1, with_facts(kind="upsert")),
    "an entry rewritten with another key": rewritten(1, with_facts(key={"trial": 1})),
    "an entry rewritten with more key": rewritten(1, with_facts(key={**KEY, "more": 1})),
    "an entry rewritten without key": rewritten(1, with_facts(key={})),
    "an entry rewritten with an empty key": rewritten(1, with_facts(key={**KEY, "trial": None})),
    "an entry rewritten with fewer columns": rewritten(1, with_facts(row={"state": "new"})),
    "an entry rewritten with more columns": rewritten(1, with_facts(row={**ROW, "more": 1})),
    "an entry rewritten with a list": rewritten(1, with_facts(row={**ROW, "result": [1]})),
    "a change rewritten with more columns": rewritten(4, with_facts(row={"state": "on", "result": "x", "more": 1})),
    "a change rewritten with a list that was changed again": rewritten(
        4, with_facts(row={"state": "on", "result": ["x"]})
    ),
    "a change rewritten for a row that is not there": rewritten(4, with_facts(key={**KEY, "trial": 50})),
    "an entry rewritten as no object": rewritten(1, lambda _: '["table":"phases"}'),
}


@pytest.mark.parametrize("at_a_time", [1, 4, 500])
def test_what_nobody_touched_agrees_with_the_same_hashes_and_as_many_rows(
    at_a_time: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_AT_A_TIME", at_a_time)
    monkeypatch.setattr(reading, "_ROWS", at_a_time)
    leaves, n_rows, findings = careful(folder)
    assert quick(folder) == Agreement(leaves, n_rows)
    assert n_rows == N
    assert not findings


@pytest.mark.parametrize("at_a_time", [1, 4, 500])
def test_several_who_share_the_log_agree_on_their_parts(
    at_a_time: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_AT_A_TIME", at_a_time)
    monkeypatch.setattr(reading, "_ROWS", at_a_time)
    with states_of(folder) as states:
        todo = shares(states, 3)
    leaves, n_rows, _ = careful(folder)
    parts = [quick(folder, share) for share in todo]
    assert b"".join(part.leaves for part in parts if part) == leaves
    assert [part and part.n_rows for part in parts] == [careful(folder, share)[1] for share in todo]
    assert sum(part.n_rows for part in parts if part) == n_rows


@pytest.mark.parametrize("what", TAMPERINGS)
def test_what_was_tampered_with_agrees_neither_as_a_whole_nor_in_the_part_that_has_it(what: str, folder: Path) -> None:
    tampered(folder, TAMPERINGS[what])
    assert quick(folder) is None
    assert audit(folder, None).findings
    with states_of(folder) as states:
        todo = shares(states, 2)
    found = [share for share in todo if careful(folder, share)[2]]
    assert found
    assert [quick(folder, share) for share in found] == [None] * len(found)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM phases WHERE trial = 2",
        "UPDATE phases SET trial = 70 WHERE trial = 7",
        f"REPLACE INTO {COLUMNS} VALUES (3, 'c', 3, 1, 1, 'é', 'new', 0.0)",
        "INSERT INTO phases VALUES ('c', 9, 1, 1, 'é', 'new', x'00ff', 0.0)",
    ],
)
def test_what_autolab_never_writes_is_left_to_the_careful_reading(statement: str, folder: Path) -> None:
    journal = Journal(folder, VirtualClock())
    journal.states.write(statement)
    journal.close()
    assert quick(folder) is None
    assert audit(folder, None).findings == ()


def test_rows_without_numbers_are_left_to_the_careful_reading(folder: Path) -> None:
    with closing(sqlite3.connect(folder / STATES_FILE, isolation_level=None)) as connection:
        (table,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'phases'").fetchone()
        connection.execute("ALTER TABLE phases RENAME TO before")
        connection.execute(f"{table} WITHOUT ROWID")
        connection.execute("INSERT INTO phases SELECT * FROM before")
        connection.execute("DROP TABLE before")
    assert quick(folder) is None
    assert audit(folder, None).findings == ()


def test_a_reading_that_ends_early_leaves_nothing_open_behind(folder: Path) -> None:
    with closing(sqlite3.connect(folder / STATES_FILE)) as connection, connection:
        connection.execute("UPDATE phases SET lab_s = 77 WHERE trial = 4")
    with closing(Database(folder / STATES_FILE, "states", read_only=True, stopwatch=time.monotonic)) as states:
        with states.snapshot():
            found = agreement(states, Share())
        assert found is None
        with closing(sqlite3.connect(folder / STATES_FILE)) as other:
            other.execute("PRAGMA busy_timeout = 0")
            other.execute("UPDATE phases SET lab_s = 78 WHERE trial = 4")
            other.commit()
            is_held, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert not is_held


def test_rows_that_nobody_reads_any_more_are_closed_by_whichever_thread_collects_them(folder: Path) -> None:
    with closing(Database(folder / STATES_FILE, "states", read_only=True, stopwatch=time.monotonic)) as states:
        rows = states.batches("SELECT trial FROM phases ORDER BY 1", at_a_time=2)
        assert next(rows) == [(1,), (2,)]
        with ThreadPoolExecutor(1) as another:
            assert another.submit(states.rows, "SELECT count(*) AS n FROM phases").result() == [{"n": N}]
            another.submit(rows.close).result()
        assert next(rows, None) is None
