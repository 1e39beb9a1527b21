"""Arm and stage in one zone: the one rests while the other moves, and a silent arm keeps its zone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps

from autolab.core.addresses import MemoryAddress
from autolab.core.clock import Clock, ScaledClock, VirtualClock
from autolab.core.envelope import AllowedValues, RangeLimit
from autolab.core.errors import DeviceError, ZoneError
from autolab.core.operations import OperationId
from autolab.core.zones import Zone
from devices.motion import EpicsStage
from devices.robots import Place, Transfer, ZmqArm
from devices.zoning import Zoned
from safety.guard import Guard
from safety.zones import Zones
from simulators.base import MemoryStore, Settings
from simulators.motion import StageCore
from simulators.robots import ArmServer
from tests.rigs import until
from tests.wires import FACTOR, Bench, Rig, wire

RACKS = ("rack_1", "rack_2", "rack_3")
OVER = Zone("over-stage", places={"arm": frozenset({"stage"})}, moves=frozenset({"stage.position"}))
LIMITS: dict[str, Any] = {
    "arm": {
        "place": AllowedValues("arm.place", (*RACKS, "stage")),
        "gripper": AllowedValues("arm.gripper", ("open", "closed")),
    },
    "stage": {
        "position": RangeLimit("stage.position", 0.0, 300.0, "mm"),
        "velocity": RangeLimit("stage.velocity", 1.0, 100.0, "mm/s"),
    },
}
_number = iter(range(1, 100_000))


def new() -> OperationId:
    return OperationId("test", next(_number), 1, "move")


def there(labware: str = "strip-1", source: str = "rack_1", target: str = "stage") -> Transfer:
    return Transfer(labware, source, target, new())


class Pair:
    """An arm and a stage that share one zone, each on its own transport."""

    def __init__(self, clock: Clock, arm_at: Any, stage_core: StageCore) -> None:
        self.clock = clock
        self.zones = Zones({"over-stage": OVER})
        at = {"arm": arm_at, "stage": MemoryAddress(stage_core, prefix="MEM:")}
        self.arm, self.stage = (
            kind(name=name, at=at[name], clock=clock, guard=Guard(name, LIMITS[name], clock, zones=self.zones))
            for name, kind in (("arm", ZmqArm), ("stage", EpicsStage))
        )
        for device in (self.arm, self.stage):
            device.connect(5.0)
            self.zones.watch(device.name, device.whereabouts)
            assert self.zones.locate(device.name)

    def end(self, status: Any) -> BaseException | None:
        if isinstance(self.clock, VirtualClock):
            self.clock.run_until(lambda: status.done)
        else:
            until(lambda: status.done, "the end of the status")
        return status.exception(1)

    def refusal(self, device: Any, action: Any) -> str:
        with pytest.raises(ZoneError) as refused:
            device.set(action)
        return str(refused.value)


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Both in memory, on one bench and one virtual clock."""
    clock, store = VirtualClock(), MemoryStore()
    arm = ArmServer(Settings("arm", clock, store, 1, {}, {"strip": (RACKS, 24)}), places=["stage"])
    pair = Pair(clock, MemoryAddress(arm.core), StageCore(Settings("stage", clock, store, 1)))
    yield pair
    pair.stage.disconnect()


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[tuple[Pair, Rig]]:
    """The arm behind ZeroMQ in a process of its own, which can be killed; a transfer takes 2 s of real time."""
    bench = Bench(
        ArmServer, "arm", {"places": ["stage"], "transfer_s": 100.0}, labware={"strip": (RACKS, 24)},
        world={"stage": {"position": 0.0, "moving": False}},
    )  # fmt: skip
    rig, clock = wire(bench, tmp_path, {"zmq": "tcp://127.0.0.1:*"}), ScaledClock(FACTOR)
    pair = Pair(clock, rig.at, StageCore(Settings("stage", clock, MemoryStore(), 1)))
    yield pair, rig
    pair.arm.disconnect()
    pair.stage.disconnect()
    rig.close()


def test_both_classes_say_by_which_signals_they_move(pair: Pair) -> None:
    assert isinstance(pair.arm, Zoned)
    assert isinstance(pair.stage, Zoned)
    for device in (pair.arm, pair.stage):
        assert device.zoned <= {signal.name for signal in device.writable_signals}


def test_the_stage_rests_while_the_arm_reaches_over_it_and_moves_when_it_is_out_again(pair: Pair) -> None:
    status = pair.arm.set(there())
    pair.clock.sleep(6.0)
    command = int(pair.stage.ask(pair.stage.command))
    assert pair.refusal(pair.stage, 50.0) == (
        "stage: refused to move into zone over-stage: arm moves in it; wait until its move has ended"
    )
    assert int(pair.stage.ask(pair.stage.command)) == command, "nothing was sent"
    assert pair.end(status) is None
    assert pair.end(pair.stage.set(50.0)) is None
    assert pair.zones.held() == {}


def test_the_arm_does_not_reach_over_the_stage_while_it_moves_and_works_elsewhere_meanwhile(pair: Pair) -> None:
    assert pair.end(pair.arm.set(there("strip-1", "rack_1", "stage"))) is None
    assert pair.end(pair.arm.set(there("strip-1", "stage", "rack_1"))) is None
    status = pair.stage.set(290.0)
    counted = pair.arm.counters()
    assert "stage moves in it" in pair.refusal(pair.arm, there())
    assert pair.arm.counters() == counted
    assert pair.end(status) is None
    assert pair.end(pair.arm.set(there())) is None


def test_a_stopped_arm_keeps_the_zone_until_it_has_put_down_what_it_holds(pair: Pair) -> None:
    status = pair.arm.set(there())
    pair.clock.sleep(6.0)
    pair.arm.stop()
    assert isinstance(pair.end(status), DeviceError)
    said = pair.refusal(pair.stage, 50.0)
    assert "says that it is not parked and holds strip-1: an operation that ends well parks it" in said
    assert pair.end(pair.arm.set(Place("rack_1", new()))) is None
    assert pair.end(pair.stage.set(50.0)) is None


def test_an_arm_that_was_stopped_before_it_held_anything_keeps_the_zone_too(pair: Pair) -> None:
    status = pair.arm.set(there())
    pair.clock.sleep(1.0)
    pair.arm.stop()
    assert isinstance(pair.end(status), DeviceError)
    assert "says that it is not parked: an operation" in pair.refusal(pair.stage, 50.0)
    pair.zones.free("arm")
    assert pair.end(pair.stage.set(50.0)) is None, "a person has looked"


def test_a_stopped_stage_gives_the_zone_back_when_it_is_asked_and_rests(pair: Pair) -> None:
    status = pair.stage.set(290.0)
    pair.clock.sleep(1.0)
    pair.stage.stop()
    assert isinstance(pair.end(status), DeviceError)
    assert pair.zones.held() == {"over-stage": ("stage", str(status.exception(0)))}
    assert pair.end(pair.arm.set(there())) is None
    assert pair.zones.held() == {}


def test_what_the_arm_refuses_gives_the_zone_back_when_it_is_asked(pair: Pair) -> None:
    assert isinstance(pair.end(pair.arm.set(there("strip-2", "rack_1"))), DeviceError)
    assert pair.end(pair.stage.set(50.0)) is None


def test_no_write_goes_around_the_zones(pair: Pair) -> None:
    status = pair.arm.set(there())
    for write in (pair.stage.axis.put, pair.stage.axis._write_pv.put):
        with pytest.raises(ZoneError):
            write(50.0)
    assert pair.end(status) is None
    with pytest.raises(ZoneError, match="which it has not reserved: move it by its 'set'"):
        pair.stage.axis.put(50.0)
    with pytest.raises(ZoneError):
        pair.arm._client.act(new(), "transfer", labware="strip-1", source="stage", target="rack_1")
    assert pair.stage.position == pytest.approx(5.0)


def test_in_a_plan_the_refusal_reaches_the_one_who_runs_it(pair: Pair) -> None:
    status = pair.arm.set(there())
    with pytest.raises(Exception, match="over-stage") as raised:
        RunEngine({}, context_managers=[])(bps.mv(pair.stage, 50.0))
    assert isinstance(raised.value, ZoneError) or isinstance(raised.value.__cause__, ZoneError)
    assert pair.end(status) is None


def test_a_killed_arm_keeps_the_zone_also_when_it_is_back_until_a_move_of_it_has_ended_well(
    apart: tuple[Pair, Rig],
) -> None:
    pair, rig = apart
    status = pair.arm.set(there())
    rig.until(lambda: rig.state["parked"] is False, "the transfer has begun")
    rig.kill()
    assert "arm moves in it" in pair.refusal(pair.stage, 50.0)
    assert isinstance(pair.end(status), DeviceError)
    assert "arm may be in it" in pair.refusal(pair.stage, 50.0), "it says nothing"
    rig.restart()
    assert "not parked" in pair.refusal(pair.stage, 50.0), "it says that it was interrupted on its way"
    way_out = there() if rig.state["holding"] is None else Place("rack_1", new())
    assert pair.end(pair.arm.set(way_out)) is None
    assert pair.end(pair.stage.set(50.0)) is None


def test_an_arm_that_hung_gives_the_zone_back_when_it_answers_again_and_has_ended_well(
    apart: tuple[Pair, Rig],
) -> None:
    pair, rig = apart
    status = pair.arm.set(there())
    rig.until(lambda: rig.state["parked"] is False, "the transfer has begun")
    rig.pause()
    assert isinstance(pair.end(status), DeviceError)
    assert "arm may be in it" in pair.refusal(pair.stage, 50.0)
    rig.go_on()
    rig.until(lambda: rig.state["parked"] is True, "the end of the transfer")
    assert pair.end(pair.stage.set(50.0)) is None
