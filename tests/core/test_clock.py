"""Clocks: lab time, and tasks that take some."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.core.clock import Clock, ScaledClock, Task, VirtualClock
from tests.rigs import until


def steps(clock: Clock, delays: list[float], seen: list[float], end: threading.Event) -> Task:
    for delay in delays:
        yield delay
        seen.append(clock.now())
    end.set()


@pytest.mark.parametrize("clock", [VirtualClock(), ScaledClock(100.0)], ids=["virtual", "scaled"])
def test_a_task_is_resumed_after_the_lab_seconds_it_asked_for_and_never_before(clock: Clock):
    seen: list[float] = []
    end = threading.Event()
    begin = clock.now()
    clock.start(steps(clock, [0.5, 1.0, 0.25], seen, end))
    if isinstance(clock, VirtualClock):
        assert clock.run_until(end.is_set)
    else:
        until(end.is_set, "the end of the task")
    for at_least, now in zip([0.5, 1.5, 1.75], seen, strict=True):
        assert now - begin >= at_least - 1e-9


@given(st.lists(st.lists(st.floats(0, 100), max_size=5), max_size=6))
def test_on_the_virtual_clock_time_is_exact_and_the_order_is_that_of_due_times(tasks: list[list[float]]):
    clock = VirtualClock()
    resumed: list[float] = []

    def task(delays: list[float]) -> Task:
        due = 0.0
        for delay in delays:
            due += delay
            yield delay
            assert clock.now() == pytest.approx(due)
            resumed.append(clock.now())

    for delays in tasks:
        clock.start(task(delays))
    clock.sleep(1000.0)
    assert resumed == sorted(resumed)
    assert len(resumed) == sum(len(delays) for delays in tasks)
    assert clock.now() == 1000.0


def test_the_virtual_clock_says_when_nothing_is_due_any_more():
    assert VirtualClock().run_until(lambda: False) is False


def test_virtual_time_takes_no_real_time():
    clock = VirtualClock()
    begin = clock.real()
    clock.sleep(1e6)
    assert clock.real() - begin < 1.0
    assert clock.now() == 1e6


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan")])
def test_a_clock_that_stands_or_runs_back_is_refused(factor: float):
    with pytest.raises(ValueError, match="must be above zero"):
        ScaledClock(factor)
