"""Who came through a face's door and what they were given: sign-ins, accounts, keys. No secret is among it."""

from __future__ import annotations

from dataclasses import dataclass

from autolab.core.principals import Principal
from autolab.journal.database import Database
from autolab.journal.journal import Journal

__all__ = ["AccessRecord", "accesses", "note_access"]


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """One thing that somebody did at the door."""

    id: int
    by: Principal
    what: str
    """Such as ``sign in``, ``sign-in refused``, ``make account``."""
    detail: str
    date: str


def note_access(journal: Journal, by: Principal, what: str, detail: str) -> None:
    """Record what somebody did at the door."""
    with journal.commit():
        journal.states.insert(
            "accesses", principal=journal.principal(by), what=what, detail=detail, date=journal.date()
        )


def accesses(states: Database, *, before: int | None = None, limit: int = 100) -> list[AccessRecord]:
    """What was done at the door, the newest first.

    Args:
        states: Database of the states.
        before: Only what has a lower number: the last one of the page before.
        limit: At most so many.
    """
    rows = states.rows(
        "SELECT a.*, p.name, p.kind FROM accesses a JOIN principals p ON p.id = a.principal "
        "WHERE ?1 IS NULL OR a.id < ?1 ORDER BY a.id DESC LIMIT ?2",
        (before, limit),
    )
    return [AccessRecord(r["id"], Principal(r["name"], r["kind"]), r["what"], r["detail"], r["date"]) for r in rows]
