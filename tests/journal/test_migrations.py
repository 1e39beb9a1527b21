"""A journal that an older version wrote: its rows are all there, and the campaign can be read and audited.

Each file in ``schemas`` is a journal as one version left it, as SQL text: a campaign of two trials, one failed.
When a version is released, what it writes is put there; that of version 5 was begun by version 4.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from autolab.core.clock import VirtualClock
from autolab.core.errors import StorageError
from autolab.core.trials import TrialState
from autolab.journal import schema
from autolab.journal.audit import audit
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader

FOLDER = Path(__file__).parent / "schemas"
STATES = sorted(FOLDER.glob("states-*.sql"))
NEWEST = len(schema._SCRIPTS["states"])


def written_by(script: Path, folder: Path) -> None:
    for text, name in ((script, "journal.sqlite"), (FOLDER / "documents-1.sql", "documents.sqlite")):
        with closing(sqlite3.connect(folder / name)) as connection:
            connection.executescript(text.read_text(encoding="utf-8"))


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows, by table, with the columns that the first version had in front."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
        names = [name for (name,) in connection.execute(query).fetchall()]
        return {name: connection.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall() for name in names}


def schema_of(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()


def test_there_is_a_journal_of_each_version_before_this_one():
    assert [path.stem for path in STATES] == [f"states-{version}" for version in range(1, NEWEST)]
    assert len(schema._SCRIPTS["documents"]) == 1  # and documents-1.sql is what it writes


@pytest.mark.parametrize("script", STATES, ids=lambda path: path.stem)
@pytest.mark.parametrize("who", ["a controller", "a reader"])
def test_a_journal_of_each_version_is_brought_up_to_date(script: Path, who: str, tmp_path: Path):
    written_by(script, tmp_path)
    before = rows(tmp_path / "journal.sqlite")
    if who == "a controller":
        Journal(tmp_path, VirtualClock()).close()
    reader = JournalReader.open(tmp_path)
    trials = reader.trials("soft-1")
    assert [trial.state for trial in trials] == [TrialState.INGESTED, TrialState.FAILED]
    assert [len(trial.transitions) for trial in trials] == [6, 4]
    assert [sample.well for trial in trials for sample in trial.samples] == [0, 1]
    assert [intent.state for intent in reader.intents("soft-1")] == ["done", "failed"]
    assert reader.campaign().recommendation is not None
    assert len(list(reader.documents("soft-1", 1))) > 3
    reader.close()
    after = rows(tmp_path / "journal.sqlite")
    moved = before.pop("transitions", None)  # into the rows of their trials, by version 5
    told = [(t.trial, str(t.state), t.lab_s, t.date, t.detail) for trial in trials for t in trial.transitions]
    if moved is not None:
        assert sorted(told, key=lambda each: each[:1]) == sorted((row[2:] for row in moved), key=lambda each: each[:1])
    assert "transitions" not in after
    for table, old in before.items():
        now = after[table][: len(old)] if table == "log" else after[table]  # what was moved was logged
        assert [row[: len(old[0])] for row in now] == old if old else not now
    assert audit(tmp_path, None).findings == ()


@pytest.mark.parametrize("script", STATES, ids=lambda path: path.stem)
def test_each_version_arrives_at_the_same_schema(script: Path, tmp_path: Path):
    (tmp_path / "new").mkdir()
    Journal(tmp_path / "new", VirtualClock()).close()
    written_by(script, tmp_path)
    Journal(tmp_path, VirtualClock()).close()
    ours, theirs = schema_of(tmp_path / "journal.sqlite"), schema_of(tmp_path / "new" / "journal.sqlite")
    assert [(name, sql and "".join(sql.split())) for name, sql in ours] == [
        (name, sql and "".join(sql.split())) for name, sql in theirs
    ]


@pytest.mark.parametrize("script", STATES, ids=lambda path: path.stem)
def test_a_migration_that_fails_leaves_nothing_and_no_lock(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    written_by(script, tmp_path)
    broken = (*schema._SCRIPTS["states"][:-1], schema._SCRIPTS["states"][-1] + "SELECT 1 FROM nowhere;")
    monkeypatch.setitem(schema._SCRIPTS, "states", broken)
    with pytest.raises(StorageError, match="no such table"):
        Journal(tmp_path, VirtualClock())
    monkeypatch.undo()
    Journal(tmp_path, VirtualClock()).close()
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (NEWEST,)
    assert audit(tmp_path, None).findings == ()
