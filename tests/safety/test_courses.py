"""A proof test finds readings on which each rule acts, and says so where it finds none."""

from __future__ import annotations

from pathlib import Path

import pytest

from autolab.core.interlocks import Effect, Reading, Rule, SignalSpec
from autolab.core.ruletext import parse_condition
from safety.courses import acts_without, course_of, longest_window_s
from safety.interpreter import Interpreter
from tests.ruleslab import read_rules

SIGNALS = {
    "a.x": SignalSpec("a.x", "mm", 0.0, 100.0),
    "a.y": SignalSpec("a.y", "mm"),
    "b.z": SignalSpec("b.z", values=("", "open")),
    "b.t": SignalSpec("b.t", is_text=True),
}


def rule(text: str, effect: Effect = "trip", name: str = "r") -> Rule:
    return Rule(name, parse_condition(text), effect, ("a",) if effect == "permissive" else ())


def test_each_rule_of_the_example_has_readings_on_which_it_acts(tmp_path: Path):
    lab = read_rules(tmp_path)
    assert len(lab.rules) == 5
    for each in lab.rules:
        assert course_of(each, lab.rules, lab.signals) is not None, each.name


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("a.x > 15 mm", "trip"),
        ("a.y > 15 mm", "alarm"),
        ("a.x > 15 mm and b.z == 'open'", "trip"),
        ("b.t != 'closed'", "trip"),
        ("b.z == 'open'", "permissive"),
        ("a.x > 15 mm for 2 min", "trip"),
        ("integral(a.x over 1 h) > 300000 mm*s", "trip"),
        ("2oo3(a.x > 1 mm, a.y > 1 mm, b.z == 'open')", "trip"),
    ],
)
def test_steady_readings_make_a_rule_act(text: str, effect: Effect):
    found = course_of(rule(text, effect), [], SIGNALS)
    assert found is not None
    assert len(found) == 1


@pytest.mark.parametrize("text", ["rate(a.x over 10 s) > 5 mm/s", "rate(a.x over 10 s) < -5 mm/s"])
def test_a_rule_about_change_needs_two_readings(text: str):
    found = course_of(rule(text), [], SIGNALS)
    assert found is not None
    assert sorted(readings["a.x"] for readings in found) == [0.0, 100.0]


def test_what_cannot_be_brought_about_is_said():
    assert course_of(rule("rate(a.y over 10 s) > 5 mm/s"), [], SIGNALS) is None
    assert course_of(rule("rate(a.x over 10 s) > 50 mm/s"), [], SIGNALS) is None


def test_the_readings_trip_no_other_rule_where_that_can_be():
    high, higher = rule("a.x > 15 mm", name="high"), rule("a.x > 40 mm", name="higher")
    found = course_of(high, [high, higher], SIGNALS)
    assert found is not None
    truths = Interpreter([high, higher], SIGNALS).scan(1.0, {"a.x": Reading(found[0]["a.x"], True, 0.0)})
    assert truths == {"high": True, "higher": False}


def test_a_vote_goes_on_without_one_sensor():
    vote = rule("2oo3(a.x > 1 mm, a.y > 1 mm, b.z == 'open')")
    rest = {"a.x": 0.0, "a.y": 0.0, "b.z": ""}
    assert not acts_without(vote, SIGNALS, ["a.x"], rest)
    assert acts_without(vote, SIGNALS, ["a.x", "a.y"], rest)


def test_the_longest_window_of_some_rules():
    rules = [rule("a.x > 1 mm for 3 s"), rule("rate(a.x over 1 min) > 1 mm/s")]
    assert (longest_window_s(rules), longest_window_s([rule("a.x > 1 mm")])) == (60.0, 0.0)
