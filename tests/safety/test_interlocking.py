"""Interlocks at work: they forbid writes, trip and alarm, and do none of it on what they have not seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autolab.core.envelope import RangeLimit
from autolab.core.errors import InputError, InterlockError, TripError
from autolab.core.interlocks import Effect, Reading, Rule, SignalSpec
from autolab.core.parameters import Value
from autolab.core.principals import Principal
from autolab.core.ruletext import parse_condition
from safety.guard import Guard
from safety.interlocking import Interlocks, Onset
from safety.latches import Bypass
from safety.trip import Trip

SIGNALS = {
    "bath.temperature": SignalSpec("bath.temperature", "degC"),
    "door.shut": SignalSpec("door.shut", values=(True, False)),
}


def rule(text: str, effect: Effect, *of: str) -> Rule:
    return Rule(f"a-{effect}", parse_condition(text), effect, of, "it is dangerous")


HOT, SHUT, WARM = (
    rule("bath.temperature > 80 degC", "trip"),
    rule("door.shut == true", "permissive", "heater"),
    rule("bath.temperature > 60 degC", "alarm"),
)


class Bench:
    """A heater under interlocks."""

    def __init__(self, *rules: Rule) -> None:
        self.trip, self.onsets, self.date_s = Trip(), list[Onset](), 1_000.0
        self.interlocks = Interlocks(rules, SIGNALS, self.trip, self.onsets.append, lambda: self.date_s)
        limit = RangeLimit("heater.power", 0.0, 100.0, "W")
        self.heater = Guard("heater", {"power": limit}, trip=self.trip)
        self.other = Guard("other", {"power": limit}, trip=self.trip)
        self.at_s = 0.0

    def scan(self, **values: Value) -> str | None:
        self.at_s += 1.0
        readings = {name.replace("_", ".", 1): Reading(value, True, 0.0) for name, value in values.items()}
        return self.interlocks.scan(self.at_s, readings)


def test_a_cause_trips_and_nothing_is_written_any_more():
    bench = Bench(HOT)
    assert bench.scan(bath_temperature=20.0) is None
    bench.heater.check("power", 10.0)
    cause = "interlock a-trip: bath.temperature > 80 degC holds (it is dangerous)"
    assert bench.scan(bath_temperature=81.0) == cause
    assert bench.scan(bath_temperature=20.0) == cause, "it stays, whatever is read afterwards"
    with pytest.raises(TripError, match="it is dangerous"):
        bench.heater.check("power", 0.0)


@pytest.mark.parametrize(
    "reading",
    [None, Reading(20.0, False, 0.0), Reading(20.0, True, 6.0), Reading(float("nan"), True, 0.0)],
    ids=["missing", "bad", "stale", "nan"],
)
def test_what_is_not_known_trips(reading: Reading | None):
    bench = Bench(HOT)
    readings = {} if reading is None else {"bath.temperature": reading}
    assert bench.interlocks.scan(1.0, readings) == (
        "interlock a-trip: bath.temperature > 80 degC is unknown (it is dangerous)"
    )


def test_a_permissive_forbids_what_it_is_about_while_it_does_not_hold():
    bench = Bench(SHUT)
    with pytest.raises(InterlockError, match="is unknown"):
        bench.heater.check("power", 10.0)
    bench.scan(door_shut=False)
    with pytest.raises(InterlockError) as refusal:
        bench.heater.check("power", 10.0)
    assert str(refusal.value) == (
        "heater.power: refused to write: interlock a-permissive: door.shut == true does not hold (it is dangerous)"
    )
    bench.other.check("power", 10.0)
    bench.scan(door_shut=True)
    bench.heater.check("power", 10.0)
    assert bench.trip.cause is None


def test_an_alarm_is_told_when_it_begins_and_not_again_while_it_goes_on():
    bench = Bench(WARM)
    for temperature in (20.0, 61.0, 62.0, 20.0, 61.0):
        bench.scan(bath_temperature=temperature)
    begun = Onset("a-alarm", "alarm", "interlock a-alarm: bath.temperature > 60 degC holds (it is dangerous)")
    assert bench.onsets == [begun] * 2


def test_nothing_trips_before_the_rules_have_seen_the_past_that_they_ask_for():
    bench = Bench(rule("bath.temperature > 80 degC for 3 s", "trip"))
    for _ in range(3):
        assert bench.scan(bath_temperature=20.0) is None
        assert not bench.interlocks.is_ready
    bench.scan(bath_temperature=20.0)
    assert bench.interlocks.is_ready
    causes = [bench.scan(bath_temperature=90.0) for _ in range(4)]
    assert causes[:3] == [None] * 3
    assert causes[3] is not None


def test_no_rule_trips_before_all_of_them_have_seen_their_past_wherever_the_clock_begins():
    bench = Bench(HOT, replace(rule("bath.temperature > 95 degC for 3 s", "trip"), name="slow"))
    bench.at_s = 1_000.0
    causes = [bench.scan(bath_temperature=90.0) for _ in range(4)]
    assert causes[:3] == [None] * 3
    assert (causes[3] or "").startswith("interlock a-trip")


def test_it_says_which_signals_are_to_be_read():
    assert set(Bench(HOT, SHUT).interlocks.signals) == {"bath.temperature", "door.shut"}


def test_a_step_into_the_safe_state_is_let_through_and_nothing_beside_it():
    bench = Bench(HOT)
    bench.scan(bath_temperature=81.0)
    bench.trip.let("heater.power", 0.0)
    bench.heater.check("power", 0.0)
    for value in (1.0, 101.0):
        with pytest.raises(TripError):
            bench.heater.check("power", value)
    with pytest.raises(TripError):
        bench.other.check("power", 0.0)


ANN, BOB = Principal("ann", "person"), Principal("bob", "person")


def bypass(rule: str, until_s: float = 1_010.0) -> Bypass:
    return Bypass(rule, "the sensor is swapped", "a person watches", ANN, 1_000.0, until_s, BOB)


def test_a_bypassed_trip_is_told_and_lets_the_lab_go_on_until_its_time_is_over():
    bench = Bench(HOT)
    bench.interlocks.heed([bypass("a-trip")])
    assert bench.scan(bath_temperature=81.0) is None
    assert bench.scan(bath_temperature=82.0) is None
    assert [(onset.rule, onset.what) for onset in bench.onsets] == [("a-trip", "bypassed")]
    bench.heater.check("power", 10.0)
    bench.date_s = 1_010.0
    assert bench.scan(bath_temperature=82.0) is not None, "its time is over"
    assert [onset.what for onset in bench.onsets] == ["bypassed", "trip"]


def test_a_bypass_that_is_ended_early_lets_the_rule_act():
    bench = Bench(HOT)
    bench.interlocks.heed([bypass("a-trip")])
    assert bench.interlocks.bypassed is None, "no scan has taken it up"
    bench.scan(bath_temperature=81.0)
    assert bench.interlocks.bypassed == {"a-trip"}
    bench.interlocks.heed([])
    assert bench.scan(bath_temperature=81.0) is not None


def test_time_that_goes_back_ends_a_bypass():
    bench = Bench(HOT)
    bench.interlocks.heed([bypass("a-trip")])
    bench.scan(bath_temperature=20.0)
    bench.date_s = 500.0
    assert bench.scan(bath_temperature=81.0) is not None


def test_a_bypass_that_nobody_has_approved_bypasses_nothing():
    bench = Bench(HOT)
    bench.interlocks.heed([replace(bypass("a-trip"), approver=None)])
    assert bench.scan(bath_temperature=81.0) is not None


def test_a_bypassed_permissive_forbids_nothing_and_another_still_does():
    other = Rule("level", parse_condition("bath.temperature < 50 degC"), "permissive", ("heater",), "it boils dry")
    bench = Bench(SHUT, other)
    bench.interlocks.heed([bypass("a-permissive")])
    bench.scan(door_shut=False, bath_temperature=20.0)
    bench.heater.check("power", 10.0)
    bench.scan(door_shut=False, bath_temperature=60.0)
    with pytest.raises(InterlockError, match="interlock level"):
        bench.heater.check("power", 10.0)


def test_a_permissive_whose_bypass_nobody_has_approved_still_forbids():
    bench = Bench(SHUT)
    bench.interlocks.heed([replace(bypass("a-permissive"), approver=None)])
    bench.scan(door_shut=False)
    assert bench.interlocks.bypassed == frozenset()
    with pytest.raises(InterlockError, match="does not hold"):
        bench.heater.check("power", 10.0)


def test_what_trips_later_is_told_after_the_first_cause_which_stays():
    late = Rule("late", parse_condition("bath.temperature > 90 degC"), "trip", why="it burns")
    bench = Bench(late, HOT, WARM)
    bench.scan(bath_temperature=81.0)
    bench.scan(bath_temperature=95.0)
    assert [onset.rule for onset in bench.onsets] == ["a-trip", "a-alarm", "late"]
    assert bench.interlocks.latches.first == "a-trip"
    assert (bench.trip.cause or "").startswith("interlock a-trip")


def test_a_reset_is_refused_while_the_cause_is_there():
    bench = Bench(HOT)
    bench.scan(bath_temperature=81.0)
    with pytest.raises(InputError, match="a-trip is not reset: its cause is still there"):
        bench.interlocks.check_reset("a-trip", ANN)
    bench.scan()
    with pytest.raises(InputError, match="still there, or unknown"):
        bench.interlocks.check_reset("a-trip", ANN)
    bench.scan(bath_temperature=20.0)
    bench.interlocks.check_reset("a-trip", ANN)


def test_a_cause_trips_also_where_it_cannot_be_told():
    bench = Bench()

    def tell(onset: Onset) -> None:
        raise OSError("the disk is full")

    interlocks = Interlocks([HOT], SIGNALS, bench.trip, tell, lambda: 0.0)
    with pytest.raises(OSError, match="the disk is full"):
        interlocks.scan(1.0, {"bath.temperature": Reading(81.0, True, 0.0)})
    assert (bench.trip.cause or "").startswith("interlock a-trip")
