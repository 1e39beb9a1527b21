"""The guard of a device: how fast a value may change, what a read-back proves, and the trip that all guards share."""

from __future__ import annotations

import itertools
import math
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.core.clock import VirtualClock
from autolab.core.envelope import AllowedValues, RangeLimit
from autolab.core.errors import EnvelopeError, ReadbackError, TripError
from safety.guard import Guard
from safety.trip import Trip
from safety.zones import Zones


def heater(clock: VirtualClock | None = None, trip: Trip | None = None, **options: Any) -> Guard:
    limit = RangeLimit("heater.setpoint", 0.0, 200.0, "degC", **options)
    return Guard("heater", {"setpoint": limit}, clock, trip)


# rate


def test_a_write_is_refused_that_changes_the_value_too_fast_and_accepted_when_it_has_waited():
    clock = VirtualClock()
    guard = heater(clock, max_rate=2.0)
    clock.sleep(5.0)
    guard.check("setpoint", 30.0, lambda: 20.0)
    clock.sleep(4.0)
    with pytest.raises(EnvelopeError) as refusal:
        guard.check("setpoint", 40.0, lambda: 20.0)
    assert str(refusal.value) == (
        "heater.setpoint: refused to write 40 degC: that is 10 degC from 30 after 4 s, and the envelope allows "
        "2 degC/s: wait 1 s, or go in smaller steps"
    )
    clock.sleep(1.0)
    guard.check("setpoint", 40.0, lambda: 20.0)


@given(
    writes=st.lists(st.tuples(st.floats(0.0, 200.0), st.floats(0.0, 50.0)), max_size=15),
    rate=st.floats(0.1, 20.0),
)
def test_whatever_is_tried_the_accepted_writes_never_change_faster(writes: list[tuple[float, float]], rate: float):
    clock = VirtualClock()
    guard = heater(clock, max_rate=rate)
    accepted = [(0.0, 20.0)]
    for value, pause_s in writes:
        clock.sleep(pause_s)
        try:
            for _ in range(2):  # a device asks in its set and again in its lowest write
                guard.check("setpoint", value, lambda: 20.0)
        except EnvelopeError:
            continue
        if value != accepted[-1][1]:
            accepted.append((clock.now(), value))
    for (before_s, before), (after_s, after) in itertools.pairwise(accepted):
        assert abs(after - before) <= rate * (after_s - before_s) * (1 + 1e-6)


@pytest.mark.parametrize("present", [None, lambda: None, lambda: math.nan], ids=["not asked", "none", "nan"])
def test_from_a_value_that_is_not_known_no_rate_can_be_made_sure_of(present: Any):
    clock = VirtualClock()
    guard = heater(clock, max_rate=2.0)
    clock.sleep(1000.0)
    with pytest.raises(EnvelopeError, match="what it was before is not known"):
        guard.check("setpoint", 20.0, present)


def test_without_a_clock_a_declared_rate_refuses_every_write():
    with pytest.raises(EnvelopeError, match="no clock says how fast it changes"):
        heater(max_rate=2.0).check("setpoint", 20.0, 20.0)


# read-back


@pytest.mark.parametrize("read_back", [21.1, 18.9, math.nan, math.inf])
def test_a_read_back_outside_the_declared_tolerance_trips(read_back: float):
    guard = heater(tolerance=1.0)
    with pytest.raises(ReadbackError, match=r"^heater.setpoint: commanded 20 degC and it reads back"):
        guard.confirm("setpoint", 20.0, read_back, 5.0, "degC")
    with pytest.raises(TripError, match="the lab has tripped"):
        guard.check("setpoint", 20.0)


def test_outside_the_tolerance_of_the_device_alone_it_is_a_fault_and_no_trip():
    guard = heater()
    with pytest.raises(ReadbackError, match=r"outside the tolerance of 5 degC: look at the instrument"):
        guard.confirm("setpoint", 20.0, 26.0, 5.0, "degC")
    guard.check("setpoint", 20.0)


@given(st.floats(0.0, 200.0), st.floats(-1.0, 1.0))
def test_inside_the_tolerance_it_agrees(commanded: float, off: float):
    trip = Trip()
    heater(trip=trip, tolerance=1.0 + 1e-9).confirm("setpoint", commanded, commanded + off, 0.0, "degC")
    assert trip.cause is None


@pytest.mark.parametrize("read_back", [21.0, 19.0])
def test_a_read_back_just_at_the_tolerance_agrees(read_back: float):
    heater(tolerance=1.0).confirm("setpoint", 20.0, read_back, 0.0, "degC")


def test_a_signal_of_named_values_and_one_without_a_limit_have_the_tolerance_of_their_device():
    guard = Guard("valve", {"state": AllowedValues("valve.state", (0, 1))})
    for signal in ("state", "nobody-knows"):
        assert guard.tolerance(signal, 0.5) == 0.5
        guard.confirm(signal, 1.0, 1.5, 0.5, "")
        with pytest.raises(ReadbackError):
            guard.confirm(signal, 1.0, 1.75, 0.5, "")
    guard.check("state", 1)


# envelope


def test_without_limits_every_write_is_refused():
    guard = Guard("heater")
    with pytest.raises(EnvelopeError, match=r"heater\.setpoint: refused to write 1: .* declares no limit"):
        guard.check("setpoint", 1)
    assert guard.limit("setpoint") is None
    assert guard.zones.held() == {}


def test_what_is_outside_is_refused_whatever_else_is_declared():
    for max_step, max_rate in ((None, None), (9.0, None), (None, 9.0)):
        guard = heater(VirtualClock(), max_step=max_step, max_rate=max_rate)
        for value in (-1.0, 201.0, math.nan, "20", None):
            with pytest.raises(EnvelopeError, match=r"allows 0 to 200|not a finite number"):
                guard.check("setpoint", value, 200.0)


def test_a_step_is_judged_from_the_present_value_whether_it_is_given_or_asked_for():
    guard = heater(max_step=5.0)
    for present in (20.0, lambda: 20.0):
        guard.check("setpoint", 25.0, present)
        with pytest.raises(EnvelopeError, match="a step of 6 degC"):
            guard.check("setpoint", 26.0, present)
    for unknown in (None, lambda: None):
        with pytest.raises(EnvelopeError, match="its present value is not known"):
            guard.check("setpoint", 1.0, unknown)
    with pytest.raises(EnvelopeError, match="its present value is not known"):
        guard.check("setpoint", 1.0)


def test_a_value_that_is_given_is_where_a_rate_begins():
    clock = VirtualClock()
    guard = heater(clock, max_rate=2.0)
    clock.sleep(1.0)
    with pytest.raises(EnvelopeError, match="that is 3 degC from 20 after 1 s"):
        guard.check("setpoint", 23.0, 20.0)
    guard.check("setpoint", 22.0, 20.0)


def test_the_same_value_again_does_not_begin_its_rate_anew():
    clock = VirtualClock()
    guard = heater(clock, max_rate=2.0)
    clock.sleep(10.0)
    guard.check("setpoint", 20.0, 20.0)
    clock.sleep(10.0)
    guard.check("setpoint", 20.0, 20.0)
    guard.check("setpoint", 60.0, 20.0)


@pytest.mark.parametrize(
    ("max_step", "max_rate", "asked"), [(None, None, 0), (99.0, None, 2), (None, 99.0, 1), (99.0, 99.0, 2)]
)
def test_the_instrument_is_asked_where_it_is_only_where_that_matters(
    max_step: float | None, max_rate: float | None, asked: int
):
    clock = VirtualClock()
    guard, calls = heater(clock, max_step=max_step, max_rate=max_rate), list[float]()

    def present() -> float:
        calls.append(20.0)
        return 20.0

    for value in (21.0, 22.0):
        clock.sleep(1.0)
        guard.check("setpoint", value, present)
    assert len(calls) == asked
    valve = Guard("valve", {"state": AllowedValues("valve.state", (0, 1))}, clock)
    valve.check("state", 1, present)
    assert len(calls) == asked


def test_a_present_value_that_cannot_be_read_refuses_the_write():
    def present() -> float:
        raise TimeoutError("no answer")

    with pytest.raises(EnvelopeError, match=r"heater\.setpoint: .* present value could not be read \(no answer\)"):
        heater(max_step=5.0).check("setpoint", 20.0, present)


def test_it_shows_its_limits_and_keeps_the_zones_of_the_lab():
    zones = Zones()
    limit = RangeLimit("heater.setpoint", 0.0, 200.0, "degC")
    guard = Guard("heater", {"setpoint": limit}, zones=zones)
    assert guard.limit("setpoint") is limit
    assert guard.zones is zones
    assert guard.device == "heater"


# trip


def test_a_trip_closes_every_device_of_the_lab_and_keeps_its_first_cause():
    trip = Trip()
    guards = [heater(trip=trip), heater(trip=trip)]
    told: list[str] = []
    trip.tell(told.append)
    trip.trip("too hot")
    trip.trip("then too cold")
    for guard in guards:
        with pytest.raises(TripError) as refusal:
            guard.check("setpoint", 20.0)
        assert str(refusal.value) == (
            "heater.setpoint: refused to write: the lab has tripped (too hot); see to the cause, then reset it"
        )
    assert (trip.cause, told) == ("too hot", ["too hot"])
    assert TripError.exit_code == 3


@pytest.mark.parametrize("value", [[0.0], {}, None], ids=["list", "mapping", "nothing"])
def test_after_a_trip_what_is_no_plain_value_is_refused_like_all_else(value: object):
    trip = Trip()
    trip.trip("too hot")
    trip.let("heater.setpoint", 0.0)
    with pytest.raises(TripError, match="too hot"):
        heater(trip=trip).check("setpoint", value)


def test_of_many_threads_that_trip_at_once_one_is_told():
    trip, told = Trip(), []
    trip.tell(told.append)
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait(timeout=10)
        trip.trip(f"cause {number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert told == [trip.cause]
