"""A journal with a million trials: how long a page of them takes, and the look that a controller takes at its start.

The rows are inserted by SQL from a trial that the journal itself has written, without the log's entries: what is read
here is never the log, and a million trials through the loop would take a day.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from autolab.core.trials import TrialState
from autolab.journal.database import check_whole
from autolab.journal.journal import STATES_FILE
from autolab.journal.reader import JournalReader
from benchmarks.powerloss import five_actions
from tests.campaign.softlab import SoftLab

__all__ = ["Million", "measure", "multiply"]

PAGE = 50
FAILED_EVERY = 100
"""One of so many trials has failed."""
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"


@dataclass(frozen=True)
class Million:
    """What was measured."""

    trials: int
    gigabytes: float
    page_ms: dict[str, tuple[float, float]]
    """Median and worst of the pages, by what is asked."""
    check_s: float
    """Real seconds that the whole file takes to be read from end to end."""


def multiply(folder: Path, trials: int) -> None:
    """Write the journal of one campaign with so many trials; each is a copy of the first but for number and state."""
    lab = SoftLab(trials=1, folder=folder, make_plan=five_actions)
    lab.run()
    lab.journal.close()
    with closing(sqlite3.connect(folder / STATES_FILE, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for table, number, others in (
            ("trials", "number", ""),
            ("intents", "trial", "operation"),
            ("runs", "", "uid"),
            ("run_trials", "trial", "run"),
        ):
            connection.execute(*_copies(connection, table, number, others, trials))
        connection.execute(
            "UPDATE trials SET state = ?, outcome = NULL, failure = 'pump: it leaks' WHERE number % ? = 0",
            (TrialState.FAILED, FAILED_EVERY),
        )
        connection.execute("COMMIT")


def _copies(connection: sqlite3.Connection, table: str, number: str, key: str, trials: int) -> tuple[str, tuple[int]]:
    """A statement that copies the rows of the first trial under other numbers and keys."""
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    values = {name: f't."{name}"' for name in columns}
    if number:
        values[number] = "i"
    if key == "id":
        values["id"] = "NULL"
    elif key:
        values[key] = f"t.{key} || '-' || i"
    names = ", ".join(f'"{name}"' for name in columns)
    source = f"(SELECT * FROM {table} ORDER BY rowid) t"
    return f"INSERT INTO {table} ({names}) {_NUMBERS} SELECT {', '.join(values.values())} FROM n, {source}", (trials,)


def measure(folder: Path, trials: int, repeats: int = 40) -> Million:
    """Read pages from a journal that `multiply` wrote."""
    campaign = "soft-1"
    asked = {
        "failed ones, from anywhere": TrialState.FAILED,
        "ingested ones, from anywhere": TrialState.INGESTED,
        "all, from anywhere": None,
        "running ones, of which there are none": TrialState.RUNNING,
    }
    pages = dict[str, tuple[float, float]]()
    for words, state in asked.items():
        times = list[float]()
        for turn in range(repeats):
            begin = time.perf_counter()
            reader = JournalReader.open(folder)
            after = trials * turn // (repeats + 1)
            page = reader.trials(campaign, state=state, after=after, limit=PAGE)
            reader.close()
            times.append(1000 * (time.perf_counter() - begin))
            assert len(page) == (0 if state is TrialState.RUNNING else PAGE)
            assert all(trial.number > after and len(trial.transitions) > 3 for trial in page)
        pages[words] = statistics.median(times), max(times)
    begin = time.perf_counter()
    check_whole(folder / STATES_FILE)
    check_s = time.perf_counter() - begin
    return Million(trials, (folder / STATES_FILE).stat().st_size / 1e9, pages, check_s)
