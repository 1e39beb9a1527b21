"""The day of ``--as-of``, as the commands of the review share it."""

from __future__ import annotations

from datetime import date, timedelta

from autolab.core.clock import Clock, real_clock
from autolab.core.errors import InputError

__all__ = ["FIRST", "day_of"]

FIRST = date(2025, 11, 24)
"""The order was signed on this day (a test compares it with the instrument): there is nothing to assess before it."""


def day_of(text: str | None, clock: Clock | None = None) -> date:
    """The day that a person names, or today.

    Args:
        text: As it was typed; None for today, in UTC.
        clock: Says what day it is; the real one by default.

    Raises:
        InputError: it is no day, before the order, or a day to come. Tomorrow in UTC is today in some places.
    """
    today = (clock or real_clock()).date().date()
    if text is None:
        return today
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--as-of {text}: is no day; write year, month and day, such as 2026-11-22") from None
    if day < FIRST:
        raise InputError(
            f"--as-of {day}: is before the order, which was signed on {FIRST}: name that day or a later one"
        )
    if day > today + timedelta(days=1):
        raise InputError(
            f"--as-of {day}: is a day to come, and nobody knows what will be shown by then: name {today} or an earlier "
            "one; the report says when each piece of evidence ends"
        )
    return day
