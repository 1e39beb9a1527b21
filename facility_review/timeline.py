"""The milestones of the order on a given day: a pure function of that day.

What others have done is never claimed: a milestone whose day has passed without an official source that somebody has
read is ``overdue_unconfirmed``, and what was reported later than the given day does not count on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from facility_review.ordermodel import Order
from facility_review.ordermodel import Timeline as Declared

__all__ = [
    "Calendar",
    "Due",
    "Milestone",
    "MilestoneStatus",
    "Step",
    "Task",
    "Timeline",
    "anniversary",
    "calendar_of",
    "timeline",
]

MilestoneStatus = Literal[
    "pending", "in_progress", "publicly_reported", "officially_confirmed", "overdue_unconfirmed", "unverified"
]


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something that the order wants by a day, and what the public record says of it."""

    id: str
    clause: str
    what: str
    due: date | None
    """None where the order gives no day that can be computed."""
    record: str = ""
    """What the survey found, or that it found nothing."""
    reported: date | None = None
    """Day of a public report that the survey has read."""
    confirmed: date | None = None
    """Day of an official source that says it was done."""
    source: str = ""
    """Address of that report or source."""
    is_yearly: bool = False
    """True where it falls due again on each anniversary of its day."""
    anniversary_of: str | None = None
    """Id of the milestone from whose report a year is counted: our reading, where the order names no day."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something that the facility does itself before its report is due."""

    offset_days: int
    """Days from the day of the report; negative before it."""
    what: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """What the instrument knows about days."""

    signed: date
    """Day 0."""
    checked: date
    """Day of the survey that looked for public records."""
    milestones: tuple[Milestone, ...]
    tasks: tuple[Task, ...]
    """The internal schedule, counted back from the report that falls due every year."""


@dataclass(frozen=True, slots=True)
class Due:
    """One milestone as it stands on a day."""

    id: str
    clause: str
    what: str
    due: date | None
    is_interpreted: bool
    """True where the day is our reading of the order."""
    days: int | None
    """Days until it is due; negative once it has passed."""
    status: MilestoneStatus
    record: str
    """What the survey found; empty on a day before the survey looked or the report appeared."""
    source: str
    checked: date | None
    """When somebody last looked; None on a day before that."""

    @property
    def when(self) -> str:
        """The distance in words, such as ``in 2 days``."""
        return _when(self.days)


@dataclass(frozen=True, slots=True)
class Step:
    """One task of the internal schedule with its day. Whether it was done is not known here."""

    what: str
    offset_days: int
    day: date
    days: int

    @property
    def when(self) -> str:
        """The distance in words, such as ``97 days ago``."""
        return _when(self.days)


@dataclass(frozen=True, slots=True)
class Timeline:
    """All milestones on one day."""

    as_of: date
    day: int
    """Days since the order was signed; negative before it."""
    rows: tuple[Due, ...]
    """In the order of their days; those without one at the end."""
    report_due: date
    """Day of the yearly report that comes next, or is due today."""
    steps: tuple[Step, ...]
    """The internal schedule before that report."""
    anniversaries: tuple[date, ...]
    """The next two days on which the yearly report falls due."""
    period: tuple[date, date]
    """First and last day that the next report is about: from the day after the report before it to ``as_of``."""


def calendar_of(order: Order, declared: Declared) -> Calendar:
    """The calendar that an instrument declares."""
    return Calendar(
        signed=order.signed,
        checked=declared.checked,
        milestones=tuple(
            Milestone(
                id=each.id,
                clause=each.clause or "",
                what=each.what,
                due=each.date,
                record=each.public_record or "",
                reported=each.reported,
                confirmed=each.confirmed,
                source=each.source or "",
                is_yearly=each.is_yearly,
                anniversary_of=each.anniversary_of,
            )
            for each in declared.milestones
        ),
        tasks=tuple(Task(each.offset_days, each.task) for each in declared.schedule),
    )


def timeline(calendar: Calendar, as_of: date) -> Timeline:
    """How the milestones stand on a day. The same day gives the same answer.

    Args:
        calendar: What the instrument says about days.
        as_of: The day.
    """
    report_due, before = _report(calendar.signed, as_of)
    rows = [row for milestone in calendar.milestones for row in _rows(calendar, milestone, as_of)]
    rows.sort(key=lambda row: (row.due is None, row.due or date.max, row.id))
    steps = tuple(
        Step(task.what, task.offset_days, day, (day - as_of).days)
        for task in sorted(calendar.tasks, key=lambda task: task.offset_days)
        for day in (report_due + timedelta(days=task.offset_days),)
    )
    return Timeline(
        as_of=as_of,
        day=(as_of - calendar.signed).days,
        rows=tuple(rows),
        report_due=report_due,
        steps=steps,
        anniversaries=(report_due, anniversary(calendar.signed, report_due.year - calendar.signed.year + 1)),
        period=(before if before == calendar.signed else before + timedelta(days=1), as_of),
    )


def anniversary(day: date, years: int) -> date:
    """The same day so many years later; 28 February where that year has no 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _report(signed: date, as_of: date) -> tuple[date, date]:
    """Day of the yearly report that comes next or is due today, and the anniversary before it."""
    years = max(as_of.year - signed.year, 1)
    while anniversary(signed, years) < as_of:
        years += 1
    return anniversary(signed, years), anniversary(signed, years - 1)


def _rows(calendar: Calendar, milestone: Milestone, as_of: date) -> list[Due]:
    """A milestone, once for each of its years that has begun and once for the next."""
    first, is_interpreted = milestone.due, False
    if milestone.anniversary_of is not None:
        is_interpreted = True
        first = _year_after(calendar.milestones, milestone.anniversary_of, as_of)
    rows = [_row(calendar, milestone, milestone.id, first, is_interpreted, as_of)]
    years = 1
    while milestone.is_yearly and first is not None and anniversary(first, years - 1) < as_of:
        due = anniversary(first, years)
        later = Milestone(milestone.id, milestone.clause, milestone.what, due, is_yearly=True)
        rows.append(_row(calendar, later, f"{milestone.id}/{due.year}", due, is_interpreted, as_of))
        years += 1
    return rows


def _year_after(milestones: Sequence[Milestone], base: str, as_of: date) -> date | None:
    """A year after another milestone was reported; None while it was not."""
    for milestone in milestones:
        if milestone.id == base and milestone.reported is not None and milestone.reported <= as_of:
            return anniversary(milestone.reported, 1)
    return None


def _row(
    calendar: Calendar, milestone: Milestone, name: str, due: date | None, is_interpreted: bool, as_of: date
) -> Due:
    known = [day for day in (milestone.reported, milestone.confirmed) if day is not None]
    has_record = min(known) <= as_of if known else calendar.checked <= as_of
    return Due(
        id=name,
        clause=milestone.clause,
        what=milestone.what,
        due=due,
        is_interpreted=is_interpreted,
        days=None if due is None else (due - as_of).days,
        status=_status(calendar, milestone, due, as_of),
        record=milestone.record if has_record else "",
        source=milestone.source if has_record else "",
        checked=calendar.checked if calendar.checked <= as_of else None,
    )


def _status(calendar: Calendar, milestone: Milestone, due: date | None, as_of: date) -> MilestoneStatus:
    if milestone.confirmed is not None and milestone.confirmed <= as_of:
        return "officially_confirmed"
    if milestone.reported is not None and milestone.reported <= as_of:
        return "publicly_reported"
    if due is None:
        return "unverified"
    if due < as_of:
        return "overdue_unconfirmed"
    if milestone.is_yearly and milestone.anniversary_of is None and calendar.tasks:
        first = due + timedelta(days=min(task.offset_days for task in calendar.tasks))
        return "in_progress" if first <= as_of else "pending"
    return "pending"


def _when(days: int | None) -> str:
    if days is None:
        return "no day known"
    if days == 0:
        return "today"
    n = abs(days)
    words = f"{n} day{'' if n == 1 else 's'}"
    return f"in {words}" if days > 0 else f"{words} ago"
