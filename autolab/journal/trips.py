"""Trips of a lab, latched in the journal: they outlive the controller, until a person resets them."""

from __future__ import annotations

from dataclasses import dataclass

from autolab.core.principals import Principal
from autolab.journal.journal import Journal

__all__ = ["LatchedTrip", "latched", "record", "reset"]


@dataclass(frozen=True, slots=True)
class LatchedTrip:
    """A trip that nobody has reset."""

    campaign: str
    cause: str
    date: str


def record(journal: Journal, campaign: str, lab: str, bench: str, cause: str) -> None:
    """Latch a trip.

    Args:
        journal: Keeps the record.
        campaign: Id of the campaign that ran.
        lab: Name of the lab.
        bench: Identity of its hardware.
        cause: Why, in one sentence.
    """
    journal.states.insert(
        "trips", lab=lab, bench=bench, campaign=campaign, cause=cause, lab_s=journal.lab_s(), date=journal.date()
    )


def latched(journal: Journal, lab: str, bench: str | None = None) -> list[LatchedTrip]:
    """Trips of a lab that nobody has reset, the first one first.

    Args:
        journal: Keeps the record.
        lab: Name of the lab.
        bench: Identity of its hardware; None for all that it has.
    """
    rows = journal.states.rows(
        "SELECT campaign, cause, date FROM trips WHERE lab = ?1 AND (?2 IS NULL OR bench = ?2) AND reset_date IS NULL "
        "ORDER BY id",
        (lab, bench),
    )
    return [LatchedTrip(row["campaign"], row["cause"], row["date"]) for row in rows]


def reset(journal: Journal, lab: str, by: Principal, because: str) -> None:
    """Reset all trips of a lab."""
    with journal.commit():
        journal.states.write(
            "UPDATE trips SET reset_by = ?, reset_because = ?, reset_date = ? WHERE lab = ? AND reset_date IS NULL",
            (journal.principal(by), because, journal.date(), lab),
        )
