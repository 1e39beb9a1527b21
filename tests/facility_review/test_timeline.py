"""The milestones are a pure function of the day, go one way in time, and claim nothing of others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facility_review.instrument import load_instrument
from facility_review.timeline import Calendar, Milestone, Task, anniversary, calendar_of, timeline

SIGNED = date(2025, 11, 24)
CALENDAR = Calendar(
    signed=SIGNED,
    checked=date(2026, 11, 21),
    milestones=(
        Milestone(
            "T060",
            "EO-4a",
            "list",
            date(2026, 1, 23),
            "26 announced",
            date(2026, 2, 12),
            source="https://example.gov/a",
        ),
        Milestone("T060+30", "EO-4b", "expanded list", None, "18 announced", date(2026, 7, 22)),
        Milestone("T240", "EO-3e", "review", date(2026, 7, 22), "no published review found"),
        Milestone("T270", "EO-3f", "demonstration", date(2026, 8, 21), confirmed=date(2026, 9, 10)),
        Milestone("T365", "EO-6a-i", "annual report", date(2026, 11, 24), "due", is_yearly=True),
        Milestone("T365c", "EO-4d", "list again", None, is_yearly=True, anniversary_of="T060+30"),
    ),
    tasks=(Task(-120, "freeze"), Task(-7, "sign"), Task(0, "submit")),
)
DAYS = st.dates(date(2025, 1, 1), date(2035, 12, 31))
ORDER = ("unverified", "pending", "in_progress", "overdue_unconfirmed", "publicly_reported", "officially_confirmed")


def status(as_of: date) -> dict[str, str]:
    return {row.id: row.status for row in timeline(CALENDAR, as_of).rows}


def test_two_days_before_the_first_report_it_says_what_is_past_and_what_is_not_known() -> None:
    found = timeline(CALENDAR, date(2026, 11, 22))
    assert (found.day, found.report_due, found.period[0]) == (363, date(2026, 11, 24), SIGNED)
    assert found.anniversaries == (date(2026, 11, 24), date(2027, 11, 24))
    assert {row.id: row.status for row in found.rows} == {
        "T060": "publicly_reported",
        "T060+30": "publicly_reported",
        "T240": "overdue_unconfirmed",
        "T270": "officially_confirmed",
        "T365": "in_progress",
        "T365c": "pending",
    }
    rows = {row.id: row for row in found.rows}
    assert (rows["T240"].days, rows["T240"].when) == (-123, "123 days ago")
    assert (rows["T365"].days, rows["T365"].when) == (2, "in 2 days")
    assert rows["T365c"].due == date(2027, 7, 22)
    assert rows["T365c"].is_interpreted
    assert not rows["T365"].is_interpreted
    assert [(step.what, step.day, step.days) for step in found.steps] == [
        ("freeze", date(2026, 7, 27), -118),
        ("sign", date(2026, 11, 17), -5),
        ("submit", date(2026, 11, 24), 2),
    ]


@pytest.mark.parametrize(
    ("as_of", "milestone", "expected"),
    [
        (date(2026, 1, 23), "T060", "pending"),
        (date(2026, 1, 24), "T060", "overdue_unconfirmed"),
        (date(2026, 2, 11), "T060", "overdue_unconfirmed"),
        (date(2026, 2, 12), "T060", "publicly_reported"),
        (date(2026, 7, 21), "T060+30", "unverified"),
        (date(2026, 7, 21), "T365c", "unverified"),
        (date(2026, 9, 9), "T270", "overdue_unconfirmed"),
        (date(2026, 9, 10), "T270", "officially_confirmed"),
        (date(2026, 7, 26), "T365", "pending"),
        (date(2026, 7, 27), "T365", "in_progress"),
        (date(2026, 11, 24), "T365", "in_progress"),
        (date(2026, 11, 25), "T365", "overdue_unconfirmed"),
    ],
)
def test_each_day_has_the_status_of_what_was_known_on_it(as_of: date, milestone: str, expected: str) -> None:
    assert status(as_of)[milestone] == expected


def test_a_report_that_had_not_appeared_yet_is_neither_quoted_nor_linked() -> None:
    row = next(row for row in timeline(CALENDAR, date(2026, 2, 11)).rows if row.id == "T060")
    assert (row.record, row.source, row.checked) == ("", "", None)
    row = next(row for row in timeline(CALENDAR, date(2026, 2, 12)).rows if row.id == "T060")
    assert (row.record, row.source) == ("26 announced", "https://example.gov/a")


def test_the_day_after_a_report_was_due_the_next_one_is_counted() -> None:
    found = timeline(CALENDAR, date(2026, 11, 25))
    assert (found.report_due, found.period[0]) == (date(2027, 11, 24), date(2026, 11, 25))
    assert status(date(2026, 11, 25))["T365/2027"] == "pending"
    assert found.steps[0].day == date(2027, 7, 27)


def test_the_calendar_of_the_instrument_says_what_is_known_two_days_before_the_report() -> None:
    file = load_instrument("0.1.0").file
    found = timeline(calendar_of(file.order, file.timeline), date(2026, 11, 22))
    assert {row.id: (row.status, row.days) for row in found.rows} == {
        "T000": ("officially_confirmed", -363),
        "T060": ("publicly_reported", -303),
        "T090": ("overdue_unconfirmed", -273),
        "T120": ("overdue_unconfirmed", -243),
        "T240": ("overdue_unconfirmed", -123),
        "T270": ("overdue_unconfirmed", -93),
        "T365": ("in_progress", 2),
        "T365c": ("pending", 242),
        "T060+30": ("publicly_reported", None),
    }
    assert [step.offset_days for step in found.steps] == [-120, -90, -60, -45, -30, -14, -7, 0]
    assert all(
        row.source for row in found.rows if row.status.endswith(("reported", "confirmed")) and "un" not in row.status
    )


@given(DAYS)
def test_the_same_day_gives_the_same_answer(as_of: date) -> None:
    assert timeline(CALENDAR, as_of) == timeline(replace(CALENDAR), as_of)


@given(DAYS, st.integers(0, 3000))
def test_time_goes_one_way(as_of: date, more: int) -> None:
    now = {row.id: row for row in timeline(CALENDAR, as_of).rows}
    later = {row.id: row for row in timeline(CALENDAR, as_of + timedelta(days=more)).rows}
    assert now.keys() <= later.keys()
    for name, row in now.items():
        after = later[name]
        assert ORDER.index(after.status) >= ORDER.index(row.status)
        if row.days is not None:
            assert after.due == row.due
            assert after.days == row.days - more


@given(DAYS)
def test_nothing_is_said_to_be_done_without_a_source_of_that_day(as_of: date) -> None:
    for row in timeline(CALENDAR, as_of).rows:
        milestone = next(each for each in CALENDAR.milestones if each.id == row.id.partition("/")[0])
        if row.status == "publicly_reported":
            assert milestone.reported is not None
            assert milestone.reported <= as_of
        elif row.status == "officially_confirmed":
            assert milestone.confirmed is not None
            assert milestone.confirmed <= as_of
        elif row.due is not None and row.due < as_of:
            assert row.status == "overdue_unconfirmed"


@given(DAYS)
def test_the_next_report_is_never_past_and_at_most_a_year_away(as_of: date) -> None:
    found = timeline(CALENDAR, as_of)
    assert found.report_due >= as_of or as_of < SIGNED
    if as_of >= SIGNED:
        assert (found.report_due - as_of).days <= 366
        assert found.period[0] <= as_of


def test_a_day_that_its_year_lacks_becomes_the_last_of_february() -> None:
    assert anniversary(date(2028, 2, 29), 1) == date(2029, 2, 28)
    assert anniversary(date(2028, 2, 29), 4) == date(2032, 2, 29)
