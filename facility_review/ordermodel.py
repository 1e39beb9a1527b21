"""The shape of the parts of an instrument's file that carry the executive order: its clauses and its dates."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from autolab.config.fields import FileModel

__all__ = ["Day", "Milestone", "Order", "Task", "Texts", "Timeline"]

Texts = Annotated[tuple[str, ...], Field(strict=False)]
Day = Annotated[date, Field(strict=False)]


class Order(FileModel):
    """The executive order whose words the instrument answers."""

    number: str
    title: str
    signed: Day
    citation: str
    url: str
    review_clause: str
    clauses: dict[str, str]


class Milestone(FileModel):
    """A date that the order sets, or a public event after it."""

    id: str
    clause: str | None = None
    what: str
    day: int | None = None
    """Calendar days after the order was signed; None where the order counts from something else."""
    date: Day | None = None
    public_record: str | None = None
    status: str | None = None
    reported: Day | None = None
    """Day of a public report that the survey has read."""
    confirmed: Day | None = None
    """Day of an official source that says it was done."""
    source: str | None = None
    """Address of that report or source."""
    is_yearly: bool = False
    """Whether it falls due again on each anniversary."""
    anniversary_of: str | None = None
    """Id of the milestone from whose report a year is counted: our reading, where the order names no day."""


class Task(FileModel):
    """What is to be done how many days before a report is due."""

    offset_days: int
    task: str


class Timeline(FileModel):
    """Milestones of the order, and the internal schedule that leads to a report."""

    rule: str
    checked: Day
    """Day of the survey that looked for public records."""
    milestones: Annotated[tuple[Milestone, ...], Field(strict=False)]
    statuses: Texts
    schedule: Annotated[tuple[Task, ...], Field(strict=False)]
