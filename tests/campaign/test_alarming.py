"""A flood of alarms is one group with its first as the head; after a trip everything belongs to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autolab.campaign.alarming import GROUP_REAL_S, AlarmBook
from autolab.core.clock import VirtualClock
from autolab.journal.alarms import alarm_groups
from autolab.journal.journal import Journal
from safety.interlocking import Onset


class ManualClock(VirtualClock):
    """A virtual clock whose real time is set by hand."""

    real_s = 0.0

    def real(self) -> float:
        return self.real_s


class Flood:
    def __init__(self, journal: Journal, clock: ManualClock) -> None:
        self.clock, self.said, self.journal = clock, list[str](), journal
        self.book = AlarmBook(journal, "c", "lab", clock, self.said.append)

    def after(self, real_s: float, what: str, rule: str) -> None:
        self.clock.real_s += real_s
        self.book.note(Onset(rule, what, f"interlock {rule} acts"))  # type: ignore[arg-type]

    def groups(self) -> list[list[str]]:
        return [
            [record.rule for record in (group.head, *group.followers)]
            for group in alarm_groups(self.journal.states, "c")
        ]


@pytest.fixture
def flood(tmp_path: Path) -> Iterator[Flood]:
    clock = ManualClock()
    journal = Journal(tmp_path, clock)
    yield Flood(journal, clock)
    journal.close()


def test_what_begins_within_a_few_seconds_is_one_group(flood: Flood):
    for rule in ("door", "gas", "heat"):
        flood.after(1.0, "alarm", rule)
    flood.after(GROUP_REAL_S + 0.1, "alarm", "level")
    assert flood.groups() == [["door", "gas", "heat"], ["level"]]
    assert flood.said == ["ALARM: interlock door acts", "ALARM: interlock level acts"], "one sentence a group"


def test_after_a_trip_all_that_follows_is_listed_under_what_was_first(flood: Flood):
    flood.after(0.0, "alarm", "warm")
    flood.after(1.0, "trip", "hot")
    flood.after(3600.0, "alarm", "dark")
    assert flood.groups() == [["warm", "hot", "dark"]]
    assert flood.said == ["ALARM: interlock warm acts"]


def test_a_bypassed_rule_is_recorded_as_such(flood: Flood):
    flood.after(0.0, "bypassed", "hot")
    (group,) = alarm_groups(flood.journal.states, "c")
    assert (group.head.what, group.head.cause) == ("bypassed", "interlock hot acts")
    assert flood.said == ["BYPASSED: interlock hot acts"]
