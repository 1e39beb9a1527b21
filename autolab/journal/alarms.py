"""Trips and alarms of a campaign as they began, in groups: the first of a flood is its head."""

from __future__ import annotations

from dataclasses import dataclass

from autolab.journal.database import Database
from autolab.journal.journal import Journal

__all__ = ["AlarmGroup", "AlarmRecord", "alarm_groups", "record_alarm"]


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """Something that began."""

    what: str
    """``trip``, ``alarm``, or ``bypassed`` for what would have acted."""
    rule: str
    """Name of the rule; of a trip that is none of the rules', ``guard``."""
    cause: str
    lab_s: float
    date: str


@dataclass(frozen=True, slots=True)
class AlarmGroup:
    """What began within a few seconds of one another, or after a trip."""

    head: AlarmRecord
    """The first of them."""
    followers: tuple[AlarmRecord, ...]


def record_alarm(journal: Journal, campaign: str, lab: str, alarm: tuple[str, str, str], head: int | None) -> int:
    """Record that something has begun.

    Args:
        journal: Keeps the record.
        campaign: Id of the campaign.
        lab: Name of the lab.
        alarm: What began, the rule, and the cause.
        head: Number of the first of its group; None where it is the first.

    Returns:
        Its number.
    """
    what, rule, cause = alarm
    row = {"campaign": campaign, "lab": lab, "what": what, "rule": rule, "cause": cause, "head": head}
    return journal.states.insert("alarms", **row, lab_s=journal.lab_s(), date=journal.date())


def alarm_groups(states: Database, campaign: str) -> list[AlarmGroup]:
    """The groups of a campaign, the oldest first."""
    rows = states.rows("SELECT * FROM alarms WHERE campaign = ? ORDER BY id", (campaign,))
    groups: dict[int, list[AlarmRecord]] = {}
    for row in rows:
        record = AlarmRecord(row["what"], row["rule"], row["cause"], row["lab_s"], row["date"])
        groups.setdefault(row["head"] or row["id"], []).append(record)
    return [AlarmGroup(first, tuple(rest)) for first, *rest in groups.values()]
