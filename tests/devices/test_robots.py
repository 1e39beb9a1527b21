"""The arm: labware is where it says, once, in memory and over ZeroMQ alike."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zmq
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky import preprocessors as bpp
from bluesky import protocols as bp

from autolab.core.addresses import NoAddress, ZmqAddress
from autolab.core.clock import ScaledClock
from autolab.core.envelope import AllowedValues, Limit
from autolab.core.errors import (
    CommandRefusedError,
    DeviceError,
    DeviceTimeoutError,
    EnvelopeError,
    InputError,
    NotConnectedError,
    ReadbackError,
)
from autolab.core.operations import OperationId
from devices.base import AutolabDevice, Identity
from devices.robots import GRIPPER, Grip, Place, Transfer, ZmqArm
from safety.guard import Guard
from simulators.robots import ArmServer
from tests.rigs import until
from tests.wires import Bench, Rig, memory, wire

RACKS = ("rack_1", "rack_2", "rack_3")
LIMITS: dict[str, Limit] = {
    "place": AllowedValues("arm.place", (*RACKS, "stage", "moon")),
    "gripper": AllowedValues("arm.gripper", ("open", "closed")),
}
BENCH = Bench(
    server=ArmServer,
    device="arm",
    options={"places": ["stage", "spare"]},
    labware={"strip": (RACKS, 24)},
    world={"stage": {"position": 0.0, "moving": False}},
)
ANY_PORT = {"zmq": "tcp://127.0.0.1:*"}
SLOW = replace(BENCH, options={**BENCH.options, "transfer_s": 100.0})
"""A bench on which a transfer lasts long enough to be stopped, and its process long enough to be killed."""
_number = iter(range(1, 100_000))


def new(phase: str = "move") -> OperationId:
    return OperationId("test", next(_number), 1, phase)


def transfer(labware: str, source: str, target: str) -> Transfer:
    return Transfer(labware, source, target, new())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = wire(BENCH, tmp_path_factory.mktemp("arm"), ANY_PORT)
    yield rig
    rig.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Rig]:
    """A slow process of this test's own, to be killed or paused."""
    rig = wire(SLOW, tmp_path, ANY_PORT)
    yield rig
    rig.close()


@pytest.fixture(params=["memory", "wire"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """An arm with strip-1 to strip-3 in their racks, and nothing on the stage."""
    rig = memory(BENCH) if request.param == "memory" else request.getfixturevalue("served")
    rig.world("stage", {"position": 0.0, "moving": False})
    yield rig
    arm = build(rig)
    home = {"strip-1": "rack_1", "strip-2": "rack_2", "strip-3": "rack_3"}
    if (held := rig.state["holding"]) is not None:
        assert rig.end(arm.set(Place(home[held], new()))) is None
    if rig.state["gripper"] != "open":
        assert rig.end(arm.set(Grip("open", new()))) is None
    for labware, rack in home.items():
        if (place := arm.where(labware)) != rack:
            assert rig.end(arm.set(transfer(labware, place, rack))) is None
    rig.release()


@pytest.fixture(params=["memory", "wire"])
def slow(request: pytest.FixtureRequest) -> Iterator[Rig]:
    if request.param == "memory":
        yield memory(SLOW)
    else:
        yield request.getfixturevalue("own")


def build(rig: Rig, **options: Any) -> ZmqArm:
    return rig.build(ZmqArm, LIMITS, **options)


def test_it_says_who_it_is_and_that_it_lives(rig: Rig) -> None:
    arm = build(rig)
    assert arm.connect(5.0) == Identity("AA-1", rig.state["serial_number"], is_simulated=True)
    arm.check_alive()
    arm.check_alive()


def test_a_transfer_moves_the_piece_and_is_counted_once(rig: Rig) -> None:
    arm, counted = build(rig), rig.state["counter"]
    assert rig.end(arm.set(transfer("strip-1", "rack_1", "stage"))) is None
    assert arm.where("strip-1") == "stage"
    reading = arm.read()
    assert reading["arm_place_stage"]["value"] == "strip-1"
    assert reading["arm_place_rack_1"]["value"] == ""
    assert reading["arm_holding"]["value"] == ""
    assert reading["arm_counter"]["value"] == counted + 1
    assert reading.keys() == arm.describe().keys()


def test_an_operation_id_is_executed_once_however_often_it_is_sent(rig: Rig) -> None:
    arm, there = build(rig), transfer("strip-1", "rack_1", "stage")
    assert rig.end(arm.set(there)) is None
    counted = rig.state["counter"]
    assert rig.end(arm.set(there)) is None
    assert rig.state["counter"] == counted
    # brought back since: the old id does not move it again, and what it commanded no longer holds
    assert rig.end(arm.set(transfer("strip-1", "stage", "rack_1"))) is None
    assert isinstance(rig.end(arm.set(there)), ReadbackError)
    assert arm.where("strip-1") == "rack_1"


def test_an_operation_id_is_not_taken_for_another_command(rig: Rig) -> None:
    arm, there = build(rig), transfer("strip-1", "rack_1", "stage")
    assert rig.end(arm.set(there)) is None
    error = rig.end(arm.set(Transfer("strip-2", "rack_2", "rack_1", there.operation)))
    assert isinstance(error, CommandRefusedError)
    assert "conflict" in str(error)


@pytest.mark.parametrize(
    ("labware", "source", "target", "why"),
    [
        ("strip-1", "stage", "rack_1", "stage is empty"),
        ("strip-1", "rack_1", "rack_2", "occupied by strip-2"),
        ("strip-1", "rack_1", "rack_1", "occupied"),
        ("strip-1", "rack_2", "stage", "rack_2 holds strip-2, and not strip-1"),
        ("strip-1", "rack_1", "moon", "moon is no place of this arm"),
    ],
    ids=["empty source", "occupied target", "onto itself", "another piece", "unknown place"],
)
def test_the_arm_refuses_what_cannot_be_done(rig: Rig, labware: str, source: str, target: str, why: str) -> None:
    arm, counted = build(rig), rig.state["counter"]
    error = rig.end(arm.set(transfer(labware, source, target)))
    assert isinstance(error, CommandRefusedError)
    assert why in str(error)
    assert rig.state["counter"] == counted


def test_nothing_is_put_onto_a_moving_stage(rig: Rig) -> None:
    arm = build(rig)
    rig.world("stage", {"position": 5.0, "moving": True})
    assert "stage is moving" in str(rig.end(arm.set(transfer("strip-1", "rack_1", "stage"))))


def test_a_closed_gripper_takes_nothing(rig: Rig) -> None:
    arm = build(rig)
    assert rig.end(arm.set(Grip("closed", new()))) is None
    assert "gripper is closed" in str(rig.end(arm.set(transfer("strip-1", "rack_1", "stage"))))


def test_a_stopped_move_is_never_reported_as_done_and_the_piece_stays_in_the_gripper(slow: Rig) -> None:
    arm = build(slow)
    status = arm.set(transfer("strip-1", "rack_1", "stage"))
    slow.until(lambda: slow.state["holding"] == "strip-1", "the gripper to close")
    arm.stop(success=True)
    error = slow.end(status)
    assert isinstance(error, DeviceError)
    assert "stopped" in str(error)
    assert arm.where("strip-1") == GRIPPER
    assert "place it first" in str(slow.end(arm.set(transfer("strip-2", "rack_2", "stage"))))
    assert "place it first" in str(slow.end(arm.set(Grip("open", new()))))
    assert slow.end(arm.set(Place("stage", new()))) is None  # the way out
    assert arm.where("strip-1") == "stage"


@pytest.mark.parametrize(
    "action",
    [
        Transfer("strip-1", "rack_1", "spare", new()),
        Transfer("strip-1", "spare", "stage", new()),
        Place("spare", new()),
        Grip("half", new()),
    ],
    ids=["target", "source", "place", "gripper"],
)
def test_nothing_outside_the_envelope_reaches_the_arm(rig: Rig, action: Any) -> None:
    arm, counted = build(rig), rig.state["counter"]
    with pytest.raises(EnvelopeError):
        arm.set(action)
    with pytest.raises(EnvelopeError):
        arm._write(action)  # the lowest write asks the guard itself
    assert rig.state["counter"] == counted


def test_without_declared_limits_every_action_is_refused(rig: Rig) -> None:
    with pytest.raises(EnvelopeError, match="declares no limit"):
        rig.build(ZmqArm, {}).set(transfer("strip-1", "rack_1", "stage"))


def test_an_action_of_another_kind_is_refused(rig: Rig) -> None:
    with pytest.raises(InputError, match="takes a Transfer"):
        build(rig).set("rack_1")  # type: ignore[arg-type]


def test_unknown_labware_is_said_to_be_nowhere(rig: Rig) -> None:
    with pytest.raises(CommandRefusedError, match="strip-9"):
        build(rig).where("strip-9")


def test_it_meets_the_protocols(rig: Rig) -> None:
    arm = build(rig)
    for protocol in (bp.Readable, bp.Configurable, bp.Movable, bp.Stoppable, bp.HasHints, AutolabDevice):
        assert isinstance(arm, protocol), protocol


def test_it_works_in_a_bare_run_engine(served: Rig) -> None:
    arm, documents = build(served), []

    @bpp.run_decorator()
    def plan() -> Any:
        yield from bps.abs_set(arm, transfer("strip-1", "rack_1", "stage"), wait=True)
        yield from bps.trigger_and_read([arm])
        yield from bps.abs_set(arm, transfer("strip-1", "stage", "rack_1"), wait=True)

    RunEngine(context_managers=[])(plan(), lambda name, document: documents.append((name, document)))
    event = next(document for name, document in documents if name == "event")
    assert event["data"]["arm_place_stage"] == "strip-1"
    served.release()


def test_a_kill_in_the_middle_leaves_counter_and_places_and_an_operation_that_failed(own: Rig) -> None:
    arm, action = build(own), transfer("strip-1", "rack_1", "stage")
    status = arm.set(action)
    until(lambda: own.state["holding"] == "strip-1", "the gripper to close")
    own.kill()
    assert isinstance(own.end(status), DeviceError)
    own.restart()
    until(lambda: _answers(arm), "the arm to answer again")
    assert arm.counters() == {"operations": 1}
    assert arm.where("strip-1") == GRIPPER
    # the device object of before goes on, though the arm has a new epoch
    assert own.end(arm.set(Place("stage", new()))) is None
    assert arm.counters() == {"operations": 2}


def _answers(arm: ZmqArm) -> bool:
    try:
        arm.counters()
    except DeviceError:
        return False
    return True


def test_a_dead_arm_is_told_nothing(own: Rig) -> None:
    arm = build(own)
    own.kill()
    error = own.end(arm.set(transfer("strip-1", "rack_1", "stage")))
    assert isinstance(error, NotConnectedError | DeviceTimeoutError)
    own.restart()
    until(lambda: _answers(arm), "the arm to answer again")
    assert arm.counters() == {"operations": 0}


def test_a_command_that_a_hung_arm_finds_later_has_expired(own: Rig) -> None:
    arm, action = build(own), transfer("strip-1", "rack_1", "stage")
    own.pause()
    try:
        with pytest.raises(DeviceTimeoutError):
            arm._write(action)  # it lies in the arm's buffer now
    finally:
        own.go_on()
    until(lambda: _answers(arm), "the arm to answer again")
    assert arm.counters() == {"operations": 0}
    assert arm.where("strip-1") == "rack_1"


def test_an_arm_that_hangs_in_the_middle_fails_the_move(own: Rig) -> None:
    arm = build(own)
    status = arm.set(transfer("strip-1", "rack_1", "stage"))
    until(lambda: own.state["counter"] == 1, "the move")
    own.pause()
    try:
        assert isinstance(own.end(status), DeviceTimeoutError)
        with pytest.raises(DeviceTimeoutError):
            arm.check_alive()
    finally:
        own.go_on()


def test_nobody_at_the_address_is_said_with_the_address() -> None:
    arm = ZmqArm(name="arm", at=ZmqAddress("tcp://127.0.0.1:9"), clock=ScaledClock(), guard=Guard("arm", LIMITS))
    with pytest.raises(NotConnectedError, match=r"127\.0\.0\.1:9"):
        arm.connect(0.2)
    with pytest.raises(NotConnectedError, match="connect it first"):
        arm.set(transfer("strip-1", "rack_1", "stage"))


@pytest.mark.parametrize("endpoint", ["nonsense", "tcp://", "http://127.0.0.1:5"])
def test_an_endpoint_that_is_none_is_refused(endpoint: str) -> None:
    arm = ZmqArm(name="arm", at=ZmqAddress(endpoint), clock=ScaledClock(), guard=Guard("arm"))
    with pytest.raises(NotConnectedError, match="tcp://HOST:PORT"):
        arm.connect(0.2)


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="zmq"):
        ZmqArm(name="arm", at=NoAddress(), clock=ScaledClock(), guard=Guard("arm"))


def test_a_bare_socket_can_do_what_is_documented(own: Rig) -> None:
    assert isinstance(own.at, ZmqAddress)
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.rcvtimeo = 5000
        socket.connect(own.at.endpoint)

        def ask(**message: Any) -> Any:
            socket.send(json.dumps(message).encode())
            return json.loads(socket.recv())

        hello = ask(id="1", op="hello")
        assert hello["reply"] == "ok"
        assert hello["is_simulated"] is True
        move = {
            "id": "hand.t0.r1.bring.a1",
            "op": "transfer",
            "args": {"labware": "strip-1", "source": "rack_1", "target": "stage"},
            "epoch": hello["epoch"],
            "not_after": hello["clock"] + 5.0,
        }
        assert ask(**move)["reply"] == "ack"
        assert json.loads(socket.recv())["reply"] == "done"  # said by the arm itself
        assert ask(**move)["reply"] == "duplicate"
        query = ask(id="2", op="query", args={"operation": "hand.t0.r1.bring.a1"})
        assert query["state"] == "done"
        assert ask(id="3", op="where", args={"labware": "strip-1"})["place"] == "stage"
        stale = ask(**{**move, "id": "hand.t0.r1.bring.a2", "epoch": hello["epoch"] - 1})
        assert stale["code"] == "wrong_epoch"
        late = ask(**{**move, "id": "hand.t0.r1.bring.a2", "not_after": hello["clock"] - 1})
        assert late["code"] == "expired"
        socket.send(b"\xff nonsense")
        assert json.loads(socket.recv())["code"] == "malformed"


def test_a_request_socket_can_ask(own: Rig) -> None:
    assert isinstance(own.at, ZmqAddress)
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.linger = 0
        socket.rcvtimeo = 5000
        socket.connect(own.at.endpoint)
        socket.send_json({"id": "1", "op": "inventory"})
        assert socket.recv_json()["places"]["rack_1"] == "strip-1"


def test_a_simulator_that_is_asked_to_end_does(own: Rig) -> None:
    assert own.running is not None
    own.running._children[0].process.send_signal(signal.SIGTERM)
    assert own.running._children[0].process.wait(5.0) == 0


def test_a_claimed_arm_refuses_another_client_until_it_is_released(rig: Rig) -> None:
    ours, theirs = build(rig), build(rig)
    ours.claim("k1", "the controller of this lab")
    error = rig.end(theirs.set(transfer("strip-1", "rack_1", "stage")))
    assert isinstance(error, CommandRefusedError)
    assert "it is claimed by the controller of this lab" in str(error)
    with pytest.raises(CommandRefusedError, match="it is claimed by"):
        theirs.claim("k2", "somebody else")
    assert rig.end(ours.set(transfer("strip-1", "rack_1", "stage"))) is None
    ours.release()
    assert rig.end(theirs.set(transfer("strip-1", "stage", "rack_1"))) is None
