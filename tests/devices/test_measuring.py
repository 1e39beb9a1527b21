"""The measuring instrument: finite metrics for a guarded condition, once, in memory and over ZeroMQ alike."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bluesky import RunEngine
from bluesky import protocols as bp

from autolab.core.addresses import MemoryAddress
from autolab.core.envelope import AllowedValues, Limit, RangeLimit
from autolab.core.errors import CommandRefusedError, DeviceError, EnvelopeError, InputError, NotConnectedError
from autolab.core.operations import OperationId, Operations
from devices.base import AutolabDevice, WritableSignal
from devices.measuring import Measure, ZmqInstrument
from plans.replay import measure
from simulators.replay import ReplayServer
from tests.wires import Bench, Rig, memory, wire

TABLE = """x,y,solvent,yield,cost
0.0,10,water,1.0,5
0.0,10,water,2.0,5
1.0,10,water,7.5,6
0.0,20,ethanol,4.0,9
"""
LIMITS: dict[str, Limit] = {
    "x": RangeLimit("instrument.x", 0.0, 1.0, ""),
    "y": RangeLimit("instrument.y", 0.0, 20.0, "uL"),
    "solvent": AllowedValues("instrument.solvent", ("water", "ethanol", "acid")),
}
OPTIONS: dict[str, Any] = {
    "parameters": {"x": "", "y": "uL", "solvent": None},
    "metrics": {"yield": "percent", "cost": ""},
}
_number = iter(range(1, 100_000))


def at(x: Any = 1.0, y: Any = 10.0, solvent: Any = "water") -> Measure:
    return Measure({"x": x, "y": y, "solvent": solvent}, OperationId("test", next(_number), 1, "measure"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    table = tmp_path_factory.mktemp("table") / "table.csv"
    table.write_text(TABLE, encoding="utf-8")
    return Bench(ReplayServer, "instrument", options={"table": str(table), "metrics": ["yield", "cost"]})


@pytest.fixture(scope="module")
def served(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = wire(bench, tmp_path_factory.mktemp("replay"), {"zmq": "tcp://127.0.0.1:*"})
    yield rig
    rig.close()


@pytest.fixture(params=["memory", "wire"])
def rig(request: pytest.FixtureRequest, bench: Bench) -> Iterator[Rig]:
    rig = memory(bench) if request.param == "memory" else request.getfixturevalue("served")
    yield rig
    rig.release()


def build(rig: Rig, **options: Any) -> ZmqInstrument:
    return rig.build(ZmqInstrument, LIMITS, **{**OPTIONS, **options})


def test_it_says_that_it_is_simulated_and_from_which_table(rig: Rig) -> None:
    configuration = build(rig).read_configuration()
    assert configuration["instrument_is_simulated"]["value"] is True
    assert configuration["instrument_table"]["value"] == hashlib.sha256(TABLE.encode()).hexdigest()


def test_the_nearest_measured_condition_answers(rig: Rig) -> None:
    instrument, counted = build(rig), rig.state["counter"]
    assert rig.end(instrument.set(at(x=0.9))) is None
    reading = instrument.read()
    assert reading["instrument_yield"]["value"] == 7.5
    assert reading["instrument_cost"]["value"] == 6.0
    assert reading["instrument_distance"]["value"] == pytest.approx(0.1)
    assert instrument.counters() == {"operations": counted + 1}
    assert reading.keys() == instrument.describe().keys()
    assert instrument.describe()["instrument_yield"]["units"] == "percent"


def test_a_replicate_is_drawn_by_the_place_in_the_campaign_and_not_by_its_key(rig: Rig) -> None:
    instrument, drawn = build(rig), {}
    for campaign in ("one", "two"):
        for trial in range(8):
            operation = OperationId(campaign, trial, 7, "measure")
            assert rig.end(instrument.set(Measure({"x": 0.0, "y": 10.0, "solvent": "water"}, operation))) is None
            drawn.setdefault(campaign, []).append(instrument.read()["instrument_yield"]["value"])
    assert drawn["one"] == drawn["two"]
    assert set(drawn["one"]) == {1.0, 2.0}


def test_an_operation_id_is_measured_once(rig: Rig) -> None:
    instrument, action = build(rig), at()
    assert rig.end(instrument.set(action)) is None
    counted = rig.state["counter"]
    assert rig.end(instrument.set(action)) is None
    assert rig.state["counter"] == counted


@pytest.mark.parametrize(
    "action", [at(x=1.5), at(x=math.nan), at(y=-1.0), at(solvent="oil"), at(x="1"), at(x=True)], ids=repr
)
def test_nothing_outside_the_envelope_reaches_the_instrument(rig: Rig, action: Measure) -> None:
    instrument, counted = build(rig), rig.state["counter"]
    with pytest.raises(EnvelopeError):
        instrument.set(action)
    with pytest.raises(EnvelopeError):
        instrument._write(action)  # the lowest write asks the guard itself
    assert rig.state["counter"] == counted


def test_each_parameter_needs_a_value_and_nothing_else_does(rig: Rig) -> None:
    instrument = build(rig)
    with pytest.raises(InputError, match="needs a value for each of x, y, solvent"):
        instrument.set(Measure({"x": 1.0}, OperationId("test", 0, 1, "measure")))
    with pytest.raises(InputError, match="takes a Measure"):
        instrument.set(1.0)  # type: ignore[arg-type]


def test_a_text_that_was_never_measured_is_refused_by_the_instrument(rig: Rig) -> None:
    error = rig.end(build(rig).set(at(solvent="acid")))
    assert isinstance(error, CommandRefusedError)
    assert "measured are ethanol, water" in str(error)


def test_nothing_is_read_before_it_was_measured(rig: Rig) -> None:
    with pytest.raises(DeviceError, match="nothing has been measured"):
        build(rig).read()


def test_a_failed_measurement_leaves_no_old_value_behind(rig: Rig) -> None:
    instrument = build(rig)
    assert rig.end(instrument.set(at())) is None
    assert rig.end(instrument.set(at(solvent="acid"))) is not None
    with pytest.raises(DeviceError, match="nothing has been measured"):
        instrument.read()


@pytest.mark.parametrize("where", ["memory", "wire"])
def test_a_stopped_measurement_fails(where: str, bench: Bench, tmp_path: Path) -> None:
    slow = replace(bench, options={**bench.options, "duration_s": 1000.0})
    rig = memory(slow) if where == "memory" else wire(slow, tmp_path, {"zmq": "tcp://127.0.0.1:*"})
    try:
        instrument, action = build(rig), at()
        status = instrument.set(action)
        rig.until(lambda: str(action.operation) in rig.state["operations"], "the measurement")
        instrument.stop()
        assert "stopped" in str(rig.end(status))
    finally:
        rig.close()


@pytest.mark.parametrize(
    "wrong", [{"parameters": {"x": ""}}, {"metrics": {"colour": ""}}], ids=["parameters", "metrics"]
)
def test_another_table_than_the_lab_names_is_not_connected(rig: Rig, wrong: dict[str, Any]) -> None:
    with pytest.raises(NotConnectedError, match="this instrument has"):
        build(rig, **wrong)


def test_its_signals_follow_from_its_options() -> None:
    signals = ZmqInstrument.writable_signals_for(**OPTIONS)
    assert signals == (WritableSignal("x", ""), WritableSignal("y", "uL"), WritableSignal("solvent", None))


def test_it_meets_the_protocols(rig: Rig) -> None:
    instrument = build(rig)
    for protocol in (bp.Readable, bp.Configurable, bp.Movable, bp.Stoppable, bp.HasHints, AutolabDevice):
        assert isinstance(instrument, protocol), protocol


def test_the_plan_records_one_event_in_a_bare_run_engine(served: Rig) -> None:
    documents: list[tuple[str, dict[str, Any]]] = []
    plan = measure(
        build(served), operations=Operations("plan", 3), md={"campaign": "c"}, x=1.0, y=10.0, solvent="water"
    )
    RunEngine(context_managers=[])(plan, lambda name, document: documents.append((name, document)))
    served.release()
    assert [name for name, _ in documents] == ["start", "descriptor", "event", "stop"]
    assert documents[0][1]["plan_name"] == "measure"
    assert documents[0][1]["campaign"] == "c"
    assert documents[2][1]["data"]["instrument_yield"] == 7.5
    configuration = documents[1][1]["configuration"]["instrument"]["data"]
    assert configuration["instrument_metrics"] == "yield,cost"


class Rewriting:
    """An instrument's core whose replies are changed on their way."""

    def __init__(self, core: Any, old: bytes, new: bytes) -> None:
        self.core, self.old, self.new = core, old, new

    def handle(self, message: bytes, now: float, real: float) -> bytes:
        return self.core.handle(message, now, real).replace(self.old, self.new)

    def take_ended(self) -> list[Any]:
        return self.core.take_ended()


@pytest.mark.parametrize("new", [b"null", b"NaN", b'"7.5"', b"1e999"])
def test_a_metric_that_is_no_finite_number_fails_the_measurement(bench: Bench, new: bytes) -> None:
    rig = memory(bench)
    instrument = build(rig, at=MemoryAddress(Rewriting(rig.core, b"7.5", new)))
    assert isinstance(rig.end(instrument.set(at())), DeviceError)
