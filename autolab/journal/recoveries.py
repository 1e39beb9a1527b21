"""Plans that bring a lab in order after a fault: owed from the failure on, until one has been run to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autolab.core.samples import Sample
from autolab.journal.journal import Journal

__all__ = ["OwedRecovery", "begin", "done", "give_back", "owe", "owed"]


@dataclass(frozen=True, slots=True)
class OwedRecovery:
    """A recovery plan that has not been run to its end."""

    id: int
    failed: int
    """The trial whose failure wants it."""
    sample: Sample | None
    """The sample of that trial."""
    plan: str
    """Dotted name of the plan."""
    trial: int | None
    """The trial before which it has begun; None while it has not."""
    attempt: int | None
    """The attempt at that trial."""


def owe(journal: Journal, campaign: str, failed: int, sample: Sample | None, plan: str) -> None:
    """Record that a plan is to be run before anything else, unless the same one is owed already."""
    with journal.commit():
        if all(recovery.plan != plan for recovery in owed(journal, campaign)):
            journal.states.insert(
                "recoveries",
                campaign=campaign,
                failed=failed,
                sample=sample and sample.id,
                plan=plan,
                state="owed",
                lab_s=journal.lab_s(),
            )


def owed(journal: Journal, campaign: str) -> list[OwedRecovery]:
    """What has not been run to its end, the oldest first."""
    rows = journal.states.rows(
        "SELECT r.*, s.id AS well_id, s.labware, s.place, s.well, s.barcode FROM recoveries r LEFT JOIN samples s "
        "ON s.id = r.sample WHERE r.campaign = ? AND r.state <> 'done' ORDER BY r.id",
        (campaign,),
    )
    return [
        OwedRecovery(
            row["id"],
            row["failed"],
            None if row["well_id"] is None else _sample(row),
            row["plan"],
            row["trial"],
            row["attempt"],
        )
        for row in rows
    ]


def _sample(row: dict[str, Any]) -> Sample:
    return Sample(row["well_id"], row["labware"], row["place"], row["well"], row["barcode"])


def begin(journal: Journal, recovery: OwedRecovery, trial: int, attempt: int) -> None:
    """Record before which attempt at which trial it is run."""
    journal.states.write(
        "UPDATE recoveries SET state = 'begun', trial = ?, attempt = ? WHERE id = ?", (trial, attempt, recovery.id)
    )


def done(journal: Journal, recovery: OwedRecovery) -> None:
    """Record that it has been run to its end."""
    journal.states.write("UPDATE recoveries SET state = 'done', lab_s = ? WHERE id = ?", (journal.lab_s(), recovery.id))


def give_back(journal: Journal, campaign: str, trial: int, attempt: int) -> None:
    """Record that the one that had begun before an attempt did not end: it is owed again."""
    journal.states.write(
        "UPDATE recoveries SET state = 'owed', trial = NULL, attempt = NULL "
        "WHERE campaign = ? AND trial = ? AND attempt = ? AND state = 'begun'",
        (campaign, trial, attempt),
    )
