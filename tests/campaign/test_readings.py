"""Readings for the interlocks: fresh while a device answers, and growing old when it does not."""

from __future__ import annotations

from typing import Any

from autolab.campaign.readings import Readings
from autolab.core.clock import ScaledClock
from tests.rigs import until


class Bath:
    """A bath that is read from any thread."""

    def __init__(self) -> None:
        self.temperature: Any = 20.0
        self.reads = 0

    def read(self) -> dict[str, Any]:
        self.reads += 1
        if self.temperature is None:
            raise TimeoutError("no answer")
        return {"bath_temperature": {"value": self.temperature, "timestamp": 0.0}}

    def read_configuration(self) -> dict[str, Any]:
        return {"bath_model": {"value": "B-1", "timestamp": 0.0}}


def reading(bath: Bath) -> Readings:
    def same(value: float) -> float:
        return value

    signals = {"bath.temperature": lambda value: value + 273.15, "bath.model": same, "bath.colour": same}
    return Readings({"bath": bath}, signals, ScaledClock(1.0))


def test_what_a_device_reads_is_known_in_the_unit_of_the_rules_and_what_it_does_not_have_is_not():
    bath = Bath()
    readings = reading(bath)
    try:
        until(lambda: len(readings.now()) == 2, "a reading")
        now = readings.now()
        assert now["bath.temperature"].value == 293.15
        assert now["bath.model"].value == "B-1"
        assert now["bath.temperature"].age_s < 5.0
    finally:
        readings.close()


def test_a_device_that_does_not_answer_any_more_has_readings_that_grow_old():
    bath = Bath()
    readings = reading(bath)
    try:
        until(lambda: "bath.temperature" in readings.now(), "a reading")
        bath.temperature, before = None, bath.reads
        until(lambda: bath.reads > before + 1, "it was asked again")
        first = readings.now()["bath.temperature"].age_s
        until(lambda: readings.now()["bath.temperature"].age_s > first + 0.05, "the reading is older")
        bath.temperature = 30.0
        until(lambda: readings.now()["bath.temperature"].value == 303.15, "it answers again")
    finally:
        readings.close()


def test_after_it_was_closed_no_device_is_read():
    bath = Bath()
    readings = reading(bath)
    readings.close()
    before = bath.reads
    readings.close()
    assert bath.reads == before
