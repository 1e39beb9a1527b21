"""The serial dispenser: what it reports as done is done, once, in memory and over a pseudo-terminal alike."""

from __future__ import annotations

import math
import os
import select
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky import preprocessors as bpp
from bluesky import protocols as bp

from autolab.core.addresses import MemoryAddress, SerialAddress, ZmqAddress
from autolab.core.clock import ScaledClock
from autolab.core.envelope import AllowedValues, Limit, RangeLimit
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
from devices.dispensers import Dispense, Mix, SerialDispenser
from devices.frames import Frame, encode
from safety.guard import Guard
from simulators.dispensers import DispenserServer
from tests.rigs import until
from tests.wires import Bench, Rig, memory, refusal, wire

CHANNELS = ["cyan", "magenta", "yellow", "clear"]
LIMITS: dict[str, Limit] = {
    "channel": AllowedValues("dispenser.channel", ("cyan", "magenta", "yellow")),
    "volume": RangeLimit("dispenser.volume", 0.0, 300.0, "uL"),
    "mix_time": RangeLimit("dispenser.mix_time", 0.0, 60.0, "s"),
}
WELL_3 = {"position": 20.0 + 9.0 * 3, "moving": False}
BENCH = Bench(
    server=DispenserServer,
    device="dispenser",
    options={"channels": CHANNELS},
    materials={"cyan": 250_000.0, "magenta": 250_000.0, "yellow": 5.0},
    labware={"strip": (("rack_1",), 24)},
    world={"stage": WELL_3, "arm": {"places": {"rack_1": None, "stage": "strip-1"}}},
)
SLOW = replace(BENCH, options={**BENCH.options, "flow_ul_per_s": 1.0})
"""A bench on which a dispense lasts long enough to be stopped, and its process long enough to be killed."""
_number = iter(range(1, 100_000))


def new(phase: str = "disp") -> OperationId:
    """An operation id that no test has used."""
    return OperationId("test", next(_number), 1, phase)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("dispenser")
    rig = wire(BENCH, folder, {"serial": str(folder / "dispenser.tty")})
    yield rig
    rig.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Rig]:
    """A slow process of this test's own, to be killed or paused."""
    rig = wire(SLOW, tmp_path, {"serial": str(tmp_path / "dispenser.tty")})
    yield rig
    rig.close()


@pytest.fixture(params=["memory", "wire"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    rig = memory(BENCH) if request.param == "memory" else request.getfixturevalue("served")
    rig.world("stage", WELL_3)
    yield rig
    rig.release()


@pytest.fixture(params=["memory", "wire"])
def slow(request: pytest.FixtureRequest) -> Iterator[Rig]:
    if request.param == "memory":
        yield memory(SLOW)
    else:
        yield request.getfixturevalue("own")


@pytest.fixture
def on_wire(served: Rig) -> Iterator[Rig]:
    served.world("stage", WELL_3)
    yield served
    served.release()


def build(rig: Rig, **options: Any) -> SerialDispenser:
    return rig.build(SerialDispenser, LIMITS, channels=CHANNELS, **options)


def contents(rig: Rig, liquid: str) -> float:
    return rig.state["wells"].get("strip-1", {}).get("3", {}).get(liquid, 0.0)


def test_it_says_who_it_is(rig: Rig) -> None:
    dispenser = build(rig)
    said = dispenser.connect(5.0)
    assert said == Identity("AD-4", rig.state["serial_number"], is_simulated=True)
    assert dispenser.read_configuration()["dispenser_is_simulated"]["value"] is True


def test_a_dispense_reaches_the_well_under_the_nozzle_and_is_counted_once(rig: Rig) -> None:
    dispenser, counted, before = build(rig), rig.state["counter"], contents(rig, "cyan")
    assert rig.end(dispenser.set(Dispense("cyan", 40.0, new()))) is None
    reading = dispenser.read()
    assert reading["dispenser_dispensed"]["value"] == 40.0
    assert reading["dispenser_counter"]["value"] == counted + 1
    assert contents(rig, "cyan") - before == pytest.approx(40.0, rel=0.03)


def test_an_operation_id_is_executed_once_however_often_it_is_sent(rig: Rig) -> None:
    dispenser, action = build(rig), Dispense("magenta", 20.0, new())
    assert rig.end(dispenser.set(action)) is None
    counted, inside = rig.state["counter"], contents(rig, "magenta")
    assert rig.end(dispenser.set(action)) is None
    assert (rig.state["counter"], contents(rig, "magenta")) == (counted, inside)


def test_an_operation_id_is_not_taken_for_another_command(rig: Rig) -> None:
    dispenser, operation = build(rig), new()
    assert rig.end(dispenser.set(Dispense("cyan", 20.0, operation))) is None
    error = rig.end(dispenser.set(Dispense("cyan", 21.0, operation)))
    assert isinstance(error, CommandRefusedError)
    assert "ID_CONFLICT" in str(error)


def test_a_stopped_dispense_is_never_reported_as_done_and_its_part_stays_in_the_well(slow: Rig) -> None:
    dispenser, before = build(slow), contents(slow, "cyan")
    action = Dispense("cyan", 300.0, new())
    status = dispenser.set(action)
    slow.until(lambda: dispenser.operation_state(action.operation) == "running")
    slow.clock.sleep(2.0)
    dispenser.stop(success=True)
    error = slow.end(status)
    assert isinstance(error, DeviceError)
    assert "STOPPED" in str(error)
    assert dispenser.operation_state(action.operation) == "failed"
    assert 0.0 < contents(slow, "cyan") - before < 300.0
    assert 0.0 < dispenser.read()["dispenser_dispensed"]["value"] < 300.0


def test_stopping_an_idle_dispenser_does_nothing(rig: Rig) -> None:
    dispenser, counted = build(rig), rig.state["counter"]
    dispenser.stop()
    assert dispenser.counters() == {"operations": counted}


@pytest.mark.parametrize(
    "action",
    [
        Dispense("cyan", 300.001, new()),
        Dispense("cyan", -1.0, new()),
        Dispense("cyan", math.nan, new()),
        Dispense("cyan", math.inf, new()),
        Dispense("clear", 1.0, new()),
        Dispense("acid", 1.0, new()),
        Mix(61.0, new()),
        Mix(math.nan, new()),
    ],
    ids=["above", "below", "nan", "inf", "channel not declared", "unknown", "mix above", "mix nan"],
)
def test_nothing_outside_the_envelope_reaches_the_line(rig: Rig, action: Any) -> None:
    dispenser, counted = build(rig), rig.state["counter"]
    with pytest.raises(EnvelopeError):
        dispenser.set(action)
    with pytest.raises(EnvelopeError):
        dispenser._write(action)  # the lowest write asks the guard itself
    assert rig.state["counter"] == counted


def test_without_declared_limits_every_action_is_refused(rig: Rig) -> None:
    dispenser = rig.build(SerialDispenser, {}, channels=CHANNELS)
    with pytest.raises(EnvelopeError, match="declares no limit"):
        dispenser.set(Dispense("cyan", 1.0, new()))


def test_an_action_of_another_kind_is_refused(rig: Rig) -> None:
    with pytest.raises(InputError, match="takes a Dispense or a Mix"):
        build(rig).set("cyan")  # type: ignore[arg-type]


def test_with_no_well_under_the_nozzle_the_liquid_is_waste_and_the_operation_fails(rig: Rig) -> None:
    dispenser, wasted = build(rig), rig.state["waste_ul"]
    rig.world("stage", {"position": 5.0, "moving": False})
    error = rig.end(dispenser.set(Dispense("cyan", 30.0, new())))
    assert "NO_WELL" in str(error)
    assert rig.state["waste_ul"] - wasted == pytest.approx(30.0, rel=0.03)


def test_an_empty_reservoir_refuses_and_nothing_is_counted(rig: Rig) -> None:
    dispenser, counted = build(rig), rig.state["counter"]
    error = rig.end(dispenser.set(Dispense("yellow", 100.0, new())))
    assert isinstance(error, CommandRefusedError)
    assert "RESERVOIR_EMPTY" in str(error)
    assert rig.state["counter"] == counted


def test_mixing_adds_to_the_time_the_well_was_mixed(rig: Rig) -> None:
    dispenser, before = build(rig), rig.state["mixed"].get("strip-1", {}).get("3", 0.0)
    assert rig.end(dispenser.set(Mix(5.0, new("mix")))) is None
    assert rig.state["mixed"]["strip-1"]["3"] == before + 5.0


def test_two_actions_at_once_are_refused_by_the_instrument(slow: Rig) -> None:
    dispenser, first = build(slow), Dispense("cyan", 50.0, new())
    status = dispenser.set(first)
    slow.until(lambda: dispenser.operation_state(first.operation) == "running")
    assert "BUSY" in str(slow.end(dispenser.set(Dispense("cyan", 1.0, new()))))
    assert slow.end(status) is None  # the first goes on, and only it was counted


def test_a_description_carries_unit_and_limits(rig: Rig) -> None:
    key = build(rig).describe()["dispenser_dispensed"]
    assert (key["units"], key["lower_ctrl_limit"], key["upper_ctrl_limit"]) == ("uL", 0.0, 300.0)


def test_it_meets_the_protocols(rig: Rig) -> None:
    dispenser = build(rig)
    for protocol in (bp.Readable, bp.Configurable, bp.Movable, bp.Stoppable, bp.HasHints, AutolabDevice):
        assert isinstance(dispenser, protocol), protocol


def test_it_works_in_a_bare_run_engine(on_wire: Rig) -> None:
    dispenser = build(on_wire)
    documents: list[tuple[str, dict[str, Any]]] = []

    @bpp.run_decorator()
    def plan() -> Any:
        yield from bps.abs_set(dispenser, Dispense("cyan", 12.0, new()), wait=True)
        yield from bps.trigger_and_read([dispenser])

    RunEngine(context_managers=[])(plan(), lambda name, document: documents.append((name, document)))
    event = next(document for name, document in documents if name == "event")
    assert event["data"]["dispenser_dispensed"] == 12.0


def test_the_same_place_in_a_campaign_gives_the_same_world() -> None:
    filled = []
    for campaign in ("first", "second"):
        rig = memory(BENCH)
        for trial in (1, 2):
            assert rig.end(build(rig).set(Dispense("cyan", 50.0, OperationId(campaign, trial, 1, "disp")))) is None
        filled.append(contents(rig, "cyan"))
    assert filled[0] == filled[1] != 100.0


class FaultyLine:
    """A dispenser's core behind a line that loses or garbles what the test says."""

    def __init__(self, core: Any) -> None:
        self.core = core
        self.lose_requests: list[bytes] = []
        self.lose_replies: list[bytes] = []
        self.garble_replies = 0

    def feed(self, data: bytes, now: float) -> bytes:
        if self._hit(self.lose_requests, data):
            return b""
        reply = self.core.feed(data, now)
        if self.garble_replies:
            self.garble_replies -= 1
            return reply.replace(b"=", b"#")
        return b"" if self._hit(self.lose_replies, data) else reply

    @staticmethod
    def _hit(marks: list[bytes], data: bytes) -> bool:
        hit = next((mark for mark in marks if mark in data), None)
        if hit is not None:
            marks.remove(hit)
        return hit is not None


@pytest.mark.parametrize("lost", ["lose_requests", "lose_replies"])
def test_an_action_whose_reply_is_lost_is_done_exactly_once(lost: str) -> None:
    rig = memory(BENCH)
    line = FaultyLine(rig.core)
    dispenser = build(rig, at=MemoryAddress(line))
    getattr(line, lost).append(b" DISP ")
    assert rig.end(dispenser.set(Dispense("cyan", 40.0, new()))) is None
    assert rig.state["counter"] == 1


def test_a_garbled_answer_is_asked_for_again_up_to_three_times() -> None:
    rig = memory(BENCH)
    line = FaultyLine(rig.core)
    dispenser = build(rig, at=MemoryAddress(line))
    line.garble_replies = 2
    assert dispenser.counters() == {"operations": 0}
    line.garble_replies = 3
    with pytest.raises(DeviceError, match="checksum"):
        dispenser.counters()


def test_somebody_elses_operation_in_between_is_noticed() -> None:
    rig = memory(BENCH)
    dispenser = build(rig)
    action = Dispense("cyan", 40.0, new())
    status = dispenser.set(action)
    rig.clock.sleep(0.75)  # done at 0.8 s
    rig.core.feed(b"STOP\n", rig.clock.now())
    assert "STOPPED" in str(rig.end(status))
    status = dispenser.set(Mix(1.0, new("mix")))
    rig.clock.sleep(0.5)
    rig.state["counter"] += 1  # as if another controller had dispensed
    assert isinstance(rig.end(status), ReadbackError)


def test_a_kill_in_the_middle_leaves_counter_and_contents_and_an_operation_that_failed(own: Rig) -> None:
    dispenser = build(own)
    assert own.end(dispenser.set(Dispense("cyan", 40.0, new()))) is None
    inside = contents(own, "cyan")
    action = Dispense("cyan", 300.0, new())
    status = dispenser.set(action)
    until(lambda: dispenser.operation_state(action.operation) == "running", "the dispense")
    own.kill()
    assert isinstance(own.end(status), DeviceError)
    own.restart()
    assert dispenser.counters() == {"operations": 2}  # the same device object, on a line that came back
    assert dispenser.operation_state(action.operation) == "failed"
    assert own.state["operations"][str(action.operation)]["code"] == 10
    assert inside < contents(own, "cyan") < inside + 310.0
    assert own.end(dispenser.set(Dispense("magenta", 10.0, new()))) is None


def test_a_hung_instrument_fails_the_action_in_time(own: Rig) -> None:
    dispenser = build(own)
    status = dispenser.set(Dispense("cyan", 300.0, new()))
    until(lambda: own.state["counter"] == 1, "the dispense")
    own.pause()
    try:
        assert isinstance(own.end(status), DeviceTimeoutError)
    finally:
        own.go_on()


def test_a_line_in_use_is_refused(on_wire: Rig) -> None:
    build(on_wire)
    other = SerialDispenser(name="other", at=on_wire.at, clock=on_wire.clock, guard=Guard("other"), channels=CHANNELS)
    with pytest.raises(NotConnectedError, match="no other program"):
        other.connect(1.0)


def test_nothing_at_the_address_is_said_with_the_address(tmp_path: Path) -> None:
    at = SerialAddress(str(tmp_path / "nothing.tty"))
    dispenser = SerialDispenser(name="d", at=at, clock=ScaledClock(), guard=Guard("d"), channels=CHANNELS)
    with pytest.raises(NotConnectedError, match=r"nothing\.tty"):
        dispenser.connect(1.0)
    assert "connect it first" in refusal(lambda: _set_unguarded(at))


def _set_unguarded(at: SerialAddress) -> None:
    dispenser = SerialDispenser(name="d", at=at, clock=ScaledClock(), guard=Guard("d", LIMITS), channels=CHANNELS)
    dispenser.set(Dispense("cyan", 1.0, new()))


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="serial"):
        SerialDispenser(name="d", at=ZmqAddress("tcp://x:1"), clock=ScaledClock(), guard=Guard("d"), channels=CHANNELS)


class Terminal:
    """A plain serial terminal: an open file, and nothing of ours."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def type(self, text: str) -> str:
        os.write(self._file, text.encode())
        answer = b""
        while not answer.endswith(b"\n"):
            assert select.select([self._file], [], [], 5.0)[0], f"no answer to {text!r}"
            answer += os.read(self._file, 4096)
        return answer.decode().rstrip()

    def close(self) -> None:
        os.close(self._file)


def test_a_plain_terminal_can_look_and_stop_but_not_dispense(own: Rig) -> None:
    assert isinstance(own.at, SerialAddress)
    terminal = Terminal(own.at.port)
    try:
        said = own.state["serial_number"]
        assert terminal.type("IDN?\r") == f"OK model=AD-4 serial={said} simulated=1 protocol=1 channels=4"
        assert terminal.type("count?\n") == "OK counter=0"
        assert terminal.type("STAT?\r\n") == "OK state=IDLE operation=- counter=0 power=ON"
        assert terminal.type("STOP\r") == "OK state=IDLE"
        assert terminal.type("DISP 1 12000 hand.t0.r1.disp.a1\r").startswith("ERR 11 FRAME_NEEDED")
        assert terminal.type("OPID? hand.t0.r1.disp.a1\r") == "OK state=UNKNOWN"
        frame = encode(Frame(">", 1, "DISP 1 12000 hand.t0.r1.disp.a1")).decode()
        assert terminal.type(frame).startswith("<0001 OK state=RUNNING")
        until(lambda: "DONE" in terminal.type("OPID? hand.t0.r1.disp.a1\r"), "the dispense")
    finally:
        terminal.close()


def test_clients_may_come_and_go(own: Rig) -> None:
    assert isinstance(own.at, SerialAddress)
    for _ in range(3):
        terminal = Terminal(own.at.port)
        assert terminal.type("COUNT?\r") == "OK counter=0"
        terminal.close()
        dispenser = build(own)
        assert dispenser.counters() == {"operations": 0}
        dispenser.disconnect()


def test_another_instrument_on_a_line_that_was_opened_anew_is_told_nothing(own: Rig, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = wire(replace(SLOW, seed=2), tmp_path / "other", {"serial": str(tmp_path / "other" / "dispenser.tty")})
    line = tmp_path / "line.tty"
    try:
        assert isinstance(own.at, SerialAddress)
        assert isinstance(other.at, SerialAddress)
        line.symlink_to(own.at.port)
        dispenser = build(own, at=SerialAddress(str(line)))
        own.kill()
        line.unlink()
        line.symlink_to(other.at.port)
        for _ in range(2):
            with pytest.raises(NotConnectedError, match="another instrument answers since the line was opened anew"):
                dispenser.counters()
        assert other.state["counter"] == 0
    finally:
        other.close()
