"""The device that docs/how-to/add-a-device.md shows: it keeps the promises that the page makes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from bluesky import RunEngine

from autolab.core.addresses import MemoryAddress
from autolab.core.clock import VirtualClock
from autolab.core.envelope import RangeLimit
from autolab.core.errors import DeviceError, EnvelopeError
from safety.guard import Guard
from simulators.base import MemoryStore, Settings


@pytest.fixture(scope="module")
def hotplate(repository: Path) -> Iterator[ModuleType]:
    folder = str(repository / "examples/hotplate")
    sys.path.insert(0, folder)
    import hotplate.device
    import hotplate.plans
    import hotplate.simulator

    yield hotplate
    sys.path.remove(folder)


class Bench:
    """A plate in memory under the virtual clock."""

    def __init__(self, hotplate: ModuleType, limit: RangeLimit | None) -> None:
        self.clock = VirtualClock()
        self.store = MemoryStore()
        core = hotplate.simulator.HotPlateServer(Settings("plate", self.clock, self.store)).core
        guard = Guard("plate", {} if limit is None else {"temperature": limit})
        self.plate = hotplate.device.HotPlate(name="plate", at=MemoryAddress(core), clock=self.clock, guard=guard)
        self.plate.connect(1.0)


def _limit() -> RangeLimit:
    return RangeLimit("plate.temperature", 15.0, 100.0, "degC")


def test_the_plate_is_done_when_it_reads_what_was_commanded(hotplate: ModuleType) -> None:
    bench = Bench(hotplate, _limit())
    status = bench.plate.set(80.0)
    assert not status.done
    bench.clock.run_until(lambda: status.done)
    status.wait(1.0)
    assert bench.plate.read()["plate_temperature"]["value"] == pytest.approx(80.0, abs=0.2)
    assert bench.plate.counters() == {"settings": 1}


@pytest.mark.parametrize("value", [101.0, 14.9, float("nan"), True, "80"])
def test_the_guard_refuses_before_anything_is_sent(hotplate: ModuleType, value: Any) -> None:
    bench = Bench(hotplate, _limit())
    with pytest.raises(EnvelopeError, match=r"plate\.temperature: refused to write"):
        bench.plate.set(value)
    assert bench.plate.counters() == {"settings": 0}


def test_an_undeclared_temperature_is_never_written(hotplate: ModuleType) -> None:
    bench = Bench(hotplate, None)
    with pytest.raises(EnvelopeError, match="declares no limit"):
        bench.plate.set(50.0)
    assert bench.plate.counters() == {"settings": 0}


def test_a_stopped_warm_up_is_never_reported_as_done(hotplate: ModuleType) -> None:
    bench = Bench(hotplate, _limit())
    status = bench.plate.set(80.0)
    bench.clock.sleep(10.0)
    bench.plate.stop()
    bench.clock.run_until(lambda: status.done)
    assert isinstance(status.exception(1.0), DeviceError)


def test_the_state_survives_a_restart(hotplate: ModuleType) -> None:
    bench = Bench(hotplate, _limit())
    bench.plate.set(80.0)
    again = hotplate.simulator.HotPlateServer(Settings("plate", VirtualClock(), bench.store)).core
    assert b"setting_mc=80000" in again.feed(_frame("STAT?"), 0.0)


def _frame(body: str) -> bytes:
    from devices.frames import Frame, encode

    return encode(Frame(">", 1, body))


def test_the_plan_runs_in_a_bare_run_engine(hotplate: ModuleType) -> None:
    bench = Bench(hotplate, _limit())
    engine = RunEngine(context_managers=[])
    engine.waiting_hook = lambda statuses: bench.clock.run_until(lambda: all(s.done for s in statuses or ()))
    documents: list[tuple[str, dict[str, Any]]] = []
    engine.subscribe(lambda name, document: documents.append((name, document)))
    engine(hotplate.plans.warm_up(bench.plate, temperature=60.0, hold=0.0))
    (event,) = [document for name, document in documents if name == "event"]
    assert event["data"]["plate_temperature"] == pytest.approx(60.0, abs=0.2)
    assert documents[0][1]["plan_name"] == "warm_up"
