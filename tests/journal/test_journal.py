"""The journal: what is written is on the disk, and what cannot be written says why."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from autolab.core.clock import VirtualClock
from autolab.core.errors import InputError, StorageError
from autolab.core.objectives import Objective
from autolab.core.operations import OperationId
from autolab.core.parameters import RangeParameter
from autolab.core.principals import Principal
from autolab.core.problem import Problem, Space
from autolab.core.proposing import EngineSpec
from autolab.core.trials import Estimate, Suggestion, TrialState, Verdict
from autolab.journal import schema
from autolab.journal.journal import CampaignStart, Journal
from autolab.journal.reader import JournalReader

ADA = Principal("ada", "person")
START = CampaignStart(
    "c-1", "c1", "c", "lab", "Example", "simulated", "bench", 7, EngineSpec("sobol"), 1, 5,
    Problem(Space((RangeParameter("x", 0.0, 1.0),)), Objective("y", "minimize")), "", "", "", "", {}, (),
)  # fmt: skip
SUGGESTION = Suggestion(1, {"x": 0.5}, "sobol", "first", 3, (), ())


def begun(journal: Journal) -> None:
    journal.start_campaign(START, ADA)
    journal.suggest("c-1", "simulated", SUGGESTION)
    journal.screen("c-1", SUGGESTION, Verdict("allowed"), ADA)
    journal.begin("c-1", SUGGESTION, 1, None, "bench")


def test_what_was_written_is_read_back(tmp_path: Path):
    journal = Journal(tmp_path, VirtualClock())
    begun(journal)
    journal.acquired("c-1", 1)
    journal.reduced("c-1", 1, 1, 1, {"y": Estimate(2.0, 0.1)})
    journal.close()
    reader = JournalReader.open(tmp_path)
    (trial,) = reader.trials("c-1")
    assert trial.suggestion == SUGGESTION
    assert trial.outcome == {"y": Estimate(2.0, 0.1)}
    assert reader.campaign().problem == START.problem
    reader.close()


def test_a_trial_runs_only_once_on_one_permit_and_only_with_the_values_that_were_permitted():
    journal = Journal(None, VirtualClock())
    begun(journal)
    with pytest.raises(StorageError, match="no unused permit"):
        journal.begin("c-1", SUGGESTION, 1, None, "bench")
    other = Suggestion(2, {"x": 0.5}, "sobol", "second", 3, (), ())
    journal.suggest("c-1", "simulated", other)
    journal.screen("c-1", other, Verdict("allowed"), ADA)
    with pytest.raises(StorageError, match="no unused permit"):
        journal.begin("c-1", Suggestion(2, {"x": 0.6}, "sobol", "changed", 3, (), ()), 1, None, "bench")


def test_an_operation_is_intended_once():
    journal = Journal(None, VirtualClock())
    begun(journal)
    operation = OperationId("c1", 1, 1, "pour")
    journal.intend(operation, "c-1", "pump", {"amount": 1})
    with pytest.raises(StorageError, match="UNIQUE"):
        journal.intend(operation, "c-1", "pump", {"amount": 1})


def test_a_failed_group_of_writes_leaves_nothing_behind():
    journal = Journal(None, VirtualClock())
    begun(journal)

    def half() -> None:
        with journal.commit():
            journal.fail("c-1", 1, "half of it")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    (trial,) = JournalReader(journal.states, journal.documents).trials("c-1")
    assert trial.state is TrialState.RUNNING


WRITER = """
import sys
from pathlib import Path
from autolab.core.clock import VirtualClock
from autolab.core.operations import OperationId
from autolab.journal import schema
from autolab.journal.journal import Journal
from tests.journal.test_journal import begun
journal = Journal(Path(sys.argv[1]), VirtualClock())
begun(journal)
for number in range(1, 100000):
    operation = OperationId("c1", number, 1, "pour")
    journal.intend(operation, "c-1", "pump", {"amount": number})
    print(number, flush=True)
"""


def test_what_was_committed_survives_a_kill_at_any_instant(tmp_path: Path):
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(7 + 5 * attempt)]
        writer.kill()
        said += [int(line) for line in writer.stdout.read().splitlines() if line]
        writer.wait()
        writer.stdout.close()
        reader = JournalReader.open(folder)
        kept = [intent.action["amount"] for intent in reader.intents("c-1")]
        reader.close()
        assert kept[: len(said)] == said
        assert len(kept) - len(said) in (0, 1)


def test_a_reader_sees_a_campaign_while_it_is_written(tmp_path: Path):
    journal = Journal(tmp_path, VirtualClock())
    begun(journal)
    reader = JournalReader.open(tmp_path)
    assert reader.trials("c-1")[0].state is TrialState.RUNNING
    journal.fail("c-1", 1, "it leaks")
    assert reader.trials("c-1")[0].failure == "it leaks"
    reader.close()
    journal.close()


def test_a_journal_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path):
    Journal(tmp_path, VirtualClock()).close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StorageError, match=r"written by a newer autolab \(schema 99, this one knows up to 6\)"):
        Journal(tmp_path, VirtualClock())


def test_a_journal_of_an_older_version_is_brought_up_to_date_by_whoever_opens_it(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as connection:
        connection.executescript(schema._STATES_1 + "PRAGMA user_version = 1;")
    with closing(sqlite3.connect(tmp_path / "documents.sqlite", isolation_level=None)) as connection:
        connection.executescript(schema._DOCUMENTS_1 + "PRAGMA user_version = 1;")
    reader = JournalReader.open(tmp_path)
    assert reader.campaigns() == []
    reader.close()
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (6,)


@pytest.mark.parametrize("content", [b"this is no database, and it is long enough to be looked at" * 20, b"\0" * 5000])
def test_a_damaged_file_is_refused_and_left_alone(content: bytes, tmp_path: Path):
    (tmp_path / "journal.sqlite").write_bytes(content)
    with pytest.raises(StorageError):
        Journal(tmp_path, VirtualClock())
    assert (tmp_path / "journal.sqlite").read_bytes() == content


def test_a_folder_without_campaigns_says_what_to_do(tmp_path: Path):
    with pytest.raises(InputError, match="holds no campaigns; run one first, or name another folder with --data"):
        JournalReader.open(tmp_path)


def test_a_full_disk_is_said_in_words(tmp_path: Path):
    journal = Journal(tmp_path, VirtualClock())
    begun(journal)
    journal.states.write("PRAGMA max_page_count = 1")

    def fill() -> None:
        for number in range(1, 2000):
            journal.intend(OperationId("c1", number, 1, "pour"), "c-1", "pump", {"text": "x" * 1000})

    with pytest.raises(StorageError, match="the disk is full: nothing more can be recorded, so nothing more is done"):
        fill()
    journal.close()


def test_a_page_of_trials_is_read_by_state_and_number():
    journal = Journal(None, VirtualClock())
    journal.start_campaign(START, ADA)
    for number in range(1, 31):
        suggestion = Suggestion(number, {"x": 0.5}, "sobol", "next", 3, (), ())
        journal.suggest("c-1", "simulated", suggestion)
        if number % 3 == 0:
            journal.screen("c-1", suggestion, Verdict("refused", ("too hot",)), ADA)
    reader = JournalReader(journal.states, journal.documents)
    page = reader.trials("c-1", state=TrialState.REFUSED, after=6, limit=4)
    assert [trial.number for trial in page] == [9, 12, 15, 18]
    assert [[str(t.state) for t in trial.transitions] for trial in page] == [["suggested", "refused"]] * 4
    assert [trial.number for trial in reader.trials("c-1", after=28)] == [29, 30]
    assert reader.trials("c-1", after=30) == []
    assert len(reader.trials("c-1")) == 30
    plans = journal.states.rows(
        "EXPLAIN QUERY PLAN SELECT * FROM trials WHERE campaign = ? AND state = ? AND number > ? ORDER BY number",
        ("c-1", "refused", 6),
    )
    assert [plan["detail"] for plan in plans] == [
        "SEARCH trials USING INDEX trials_by_state (campaign=? AND state=? AND number>?)"
    ]
