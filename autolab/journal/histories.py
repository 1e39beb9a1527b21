"""The history of a trial as its row keeps it: each state that it has been in, when, and why.

JSON of ``[state, lab seconds, date, why or null]``, the first one first. One entry of the log tells both the state and
how long the trial was in the one before; older versions wrote a row of a table of its own for each.
"""

from __future__ import annotations

import sqlite3

import msgspec

from autolab.core.trials import TrialState
from autolab.journal.log import leaf_hash, tables_of
from autolab.journal.records import Transition

__all__ = ["ADDED", "Moment", "first_moment", "fold_transitions", "moments", "transitions"]

ADDED = "json_insert(history, '$[#]', json_array(?, ?, ?, ?))"
"""SQL of a history with one more state: its name, lab seconds, date, and why."""

Moment = tuple[str, float, str, str | None]
"""State, lab seconds since the campaign started, date, and why it came into that state."""

moments = msgspec.json.Decoder(list[Moment]).decode
"""The history of a trial from its text. Raises ValueError where it is none."""

_FOLD = """
UPDATE trials SET history = (
    SELECT json_group_array(json_array(state, lab_s, date, detail)) FROM (
        SELECT * FROM transitions t WHERE t.campaign = trials.campaign AND t.trial = trials.number ORDER BY id))
WHERE campaign = ? AND number = ?
"""


def first_moment(state: TrialState, lab_s: float, date: str) -> str:
    """The history of a new trial, as text."""
    return msgspec.json.encode([(str(state), lab_s, date, None)]).decode()


def transitions(trial: int, history: str) -> tuple[Transition, ...]:
    """The history of a trial, from its text."""
    return tuple(Transition(trial, TrialState(state), at, date, why) for state, at, date, why in moments(history))


def fold_transitions(connection: sqlite3.Connection) -> None:
    """Move what an older version wrote into the rows of its trials, in the open transaction, and log that."""
    tables = tables_of(connection)
    trials, gone = tables["trials"], tables["transitions"]
    seq = connection.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()[0]
    texts = list[str]()
    query = "SELECT * FROM trials ORDER BY rowid"
    key = [at for name in ("campaign", "number") for found, at in trials.key if found == name]
    before = connection.execute(query).fetchall()
    connection.executemany(_FOLD, [tuple(row[at] for at in key) for row in before])
    for old, new in zip(before, connection.execute(query).fetchall(), strict=True):
        texts.append(trials.entry("update", seq + len(texts) + 1, None, new, old))
    for row in connection.execute("SELECT * FROM transitions ORDER BY id").fetchall():
        texts.append(gone.entry("delete", seq + len(texts) + 1, None, row))
    entries = [(text, leaf_hash(text.encode())) for text in texts]
    connection.executemany("INSERT INTO log (entry, leaf) VALUES (?, ?)", entries)
    connection.execute("DROP TABLE transitions")
