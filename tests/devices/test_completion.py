"""Completion: a status ends as the work ended, never later than its deadline, and never by a guess."""

from __future__ import annotations

from typing import Any

import pytest

from autolab.core.clock import Clock, ScaledClock, VirtualClock
from autolab.core.errors import DeviceError, DeviceTimeoutError
from devices.completion import MARGIN_REAL_S, Work, follow
from tests.rigs import until


class Instrument:
    name = "pump"
    parent = None
    halted = False


@pytest.fixture(params=[VirtualClock, lambda: ScaledClock(1000.0)], ids=["virtual", "scaled"])
def clock(request: pytest.FixtureRequest) -> Clock:
    return request.param()


def _end(clock: Clock, status: Any) -> BaseException | None:
    if isinstance(clock, VirtualClock):
        assert clock.run_until(lambda: status.done)
    until(lambda: status.done, "the end of the status")
    return status.exception(0)


def test_work_that_returns_is_done(clock: Clock) -> None:
    def work() -> Work:
        yield 2.0

    began = clock.now()
    assert _end(clock, follow(Instrument(), clock, work(), expected_s=2.0, what="dispensing")) is None
    assert clock.now() - began >= 2.0


@pytest.mark.parametrize("error", [DeviceError("short of 3 uL"), ValueError("a defect")], ids=["device", "defect"])
def test_work_that_raises_fails_the_status_with_its_error(clock: Clock, error: Exception) -> None:
    def work() -> Work:
        yield 1.0
        raise error

    assert _end(clock, follow(Instrument(), clock, work(), expected_s=1.0, what="dispensing")) is error


@pytest.mark.parametrize("reaction", ["raises", "returns", "goes on"])
def test_work_that_is_late_fails_and_gets_its_chance_to_halt(reaction: str) -> None:
    clock, instrument = VirtualClock(), Instrument()

    def work() -> Work:
        try:
            while True:
                yield 1.0
        except DeviceTimeoutError:
            instrument.halted = True
            if reaction == "raises":
                raise
            if reaction == "goes on":
                yield 1.0

    error = _end(clock, follow(instrument, clock, work(), expected_s=2.0, what="dispensing 5 uL"))
    assert isinstance(error, DeviceTimeoutError)
    assert str(error).startswith("pump: dispensing 5 uL did not finish within 2 s of lab time and 5 s")
    assert instrument.halted
    assert clock.now() == pytest.approx(2.0 + MARGIN_REAL_S)
