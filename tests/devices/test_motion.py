"""The stage: a finished move is a proven move, in memory and over Channel Access alike."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import epics
import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky import protocols as bp
from bluesky.plans import scan

from autolab.core.addresses import EpicsAddress, NoAddress
from autolab.core.clock import ScaledClock, VirtualClock
from autolab.core.envelope import Limit, RangeLimit
from autolab.core.errors import (
    CommandRefusedError,
    DeviceError,
    DeviceTimeoutError,
    EnvelopeError,
    InputError,
    NotConnectedError,
    ReadbackError,
)
from devices.channels import ANSWER_S, Channel, GuardedEpicsSignal
from devices.epics_instrument import Pulse
from devices.motion import EpicsStage
from safety.guard import Guard
from simulators.motion import StageCore
from tests.epics_env import PORTS
from tests.rigs import Ioc, Rig, ioc, ioc_rig, memory_rig

SERVER = "simulators.motion.StageServer"
PREFIX = "TEST:STAGE:"
FACTOR = 20.0
LIMITS: dict[str, Limit] = {  # wider than the travel of 0 to 300 mm, to meet the instrument's own limits
    "position": RangeLimit("stage.position", -100.0, 400.0, "mm", max_step=350.0),
    "velocity": RangeLimit("stage.velocity", 0.01, 100.0, "mm/s"),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ioc, Path]]:
    folder = tmp_path_factory.mktemp("stage")
    with ioc(SERVER, "stage", folder, {"epics": PREFIX, "port": PORTS[0]}, FACTOR) as process:
        yield process, folder


@pytest.fixture(params=["memory", "ioc"])
def rig(request: pytest.FixtureRequest) -> Rig:
    if request.param == "memory":
        return memory_rig(StageCore, "stage")
    return ioc_rig(*request.getfixturevalue("served"), FACTOR)


@pytest.fixture
def stage(rig: Rig) -> Iterator[EpicsStage]:
    device = rig.build(EpicsStage, "stage", LIMITS)
    assert rig.error(device.velocity.set(50.0)) is None
    yield device
    device.disconnect()


def _writes_from_elsewhere(rig: Rig, name: str, value: float) -> None:
    """What a client that is not ours writes."""
    if rig.name == "memory":
        rig.core.write(name, value, rig.clock.now())
    else:
        assert epics.caput(f"{PREFIX}{name}", value, timeout=5)


def _is_moving(stage: EpicsStage) -> bool:
    return int(stage.ask(stage.moving)) == 1


def _far(stage: EpicsStage) -> float:
    """A target at least 140 mm away."""
    return 10.0 if stage.position > 150 else 290.0


def test_the_stage_says_who_it_is_and_that_it_is_simulated(rig: Rig) -> None:
    device = EpicsStage(name="stage", at=rig.at, clock=rig.clock, guard=Guard("stage", LIMITS))
    identity = device.connect(10.0)
    assert (identity.model, identity.serial_number, identity.is_simulated) == ("Autolab linear stage", "ST-0001", True)
    device.disconnect()
    device.disconnect()


def test_the_stage_meets_the_protocols_of_bluesky(stage: EpicsStage) -> None:
    wanted = (bp.Readable, bp.Movable, bp.Locatable, bp.Stoppable, bp.Checkable, bp.Configurable, bp.HasHints)
    assert all(isinstance(stage, protocol) for protocol in wanted)


def test_a_move_ends_where_it_was_sent(rig: Rig, stage: EpicsStage) -> None:
    target = _far(stage)
    assert rig.error(stage.set(target)) is None
    assert stage.position == pytest.approx(target, abs=0.001)
    assert stage.locate() == {"setpoint": target, "readback": pytest.approx(target)}


def test_a_move_to_where_it_already_is_ends(rig: Rig, stage: EpicsStage) -> None:
    assert rig.error(stage.set(stage.position)) is None


def test_each_command_is_counted(rig: Rig, stage: EpicsStage) -> None:
    before = stage.counters()["command"]
    assert rig.error(stage.set(50.0)) is None
    assert stage.counters()["command"] == before + 1


def test_a_stopped_move_is_never_reported_as_done(rig: Rig, stage: EpicsStage) -> None:
    status = stage.set(_far(stage))
    rig.until(lambda: _is_moving(stage))
    stage.stop(success=True)
    error = rig.error(status)
    assert type(error) is DeviceError
    assert "was stopped at" in str(error)


def test_a_stop_at_the_very_start_keeps_the_stage_where_it_is(rig: Rig, stage: EpicsStage) -> None:
    status = stage.set(_far(stage))
    stage.stop()
    assert isinstance(rig.error(status), DeviceError)
    rig.until(lambda: not _is_moving(stage))
    assert abs(stage.position - status_target(stage)) < 0.001


def status_target(stage: EpicsStage) -> float:
    """Where the stage itself means to be."""
    return float(stage.ask(stage.target))


def test_a_move_stopped_by_another_client_fails(rig: Rig, stage: EpicsStage) -> None:
    status = stage.set(_far(stage))
    rig.until(lambda: _is_moving(stage))
    _writes_from_elsewhere(rig, "STOP", 1)
    assert "was stopped at" in str(rig.error(status))


def test_a_move_right_after_a_stop_reaches_its_own_target(rig: Rig, stage: EpicsStage) -> None:
    first = stage.set(_far(stage))
    rig.until(lambda: _is_moving(stage))
    stage.stop()
    second = stage.set(100.0)
    assert isinstance(rig.error(first), DeviceError)
    assert rig.error(second) is None
    assert stage.position == pytest.approx(100.0, abs=0.001)


def test_a_second_move_is_refused_while_one_goes_on(rig: Rig, stage: EpicsStage) -> None:
    status = stage.set(_far(stage))
    with pytest.raises(CommandRefusedError, match="still goes on; wait for it or stop it first"):
        stage.set(50.0)
    assert rig.error(status) is None


def test_a_command_of_another_client_in_mid_move_fails_the_move() -> None:
    rig = memory_rig(StageCore, "stage")  # Channel Access holds such a command back until the move has ended
    stage = rig.build(EpicsStage, "stage", LIMITS)
    status = stage.set(200.0)
    _writes_from_elsewhere(rig, "SETPOINT", 50.0)
    assert "another client commanded it" in str(rig.error(status))


def test_a_target_that_the_stage_clamps_is_never_a_success(rig: Rig, stage: EpicsStage) -> None:
    assert rig.error(stage.set(100.0)) is None
    error = rig.error(stage.set(350.0))
    assert isinstance(error, ReadbackError | CommandRefusedError)
    assert "350 mm" in str(error)
    rig.until(lambda: not _is_moving(stage))
    assert stage.position < 300.0


def test_a_target_that_the_stage_itself_refuses_is_never_a_success(served: tuple[Ioc, Path]) -> None:
    rig = ioc_rig(*served, FACTOR)
    stage = rig.build(EpicsStage, "stage", LIMITS)
    field = f"{PREFIX}SETPOINT.DRVH"
    assert epics.caput(field, 1000.0, wait=True, timeout=5)  # somebody opens the record's drive limit
    try:
        assert rig.error(stage.set(100.0)) is None
        error = rig.error(stage.set(350.0))
        assert isinstance(error, CommandRefusedError)
        assert str(error).startswith("stage: the stage itself refused to move to 350 mm and stands at 100 mm")
        assert stage.read()["stage_severity"]["value"] == "MAJOR"
        assert rig.error(stage.set(90.0)) is None
        assert stage.read()["stage_severity"]["value"] == "NO_ALARM"
    finally:
        assert epics.caput(field, 300.0, wait=True, timeout=5)
        stage.disconnect()


def test_a_move_that_takes_too_long_fails_and_is_stopped() -> None:
    rig = memory_rig(StageCore, "stage", acceleration_mm_s2=0.01)
    stage = rig.build(EpicsStage, "stage", LIMITS)
    error = rig.error(stage.set(100.0))
    assert isinstance(error, DeviceTimeoutError)
    assert "the move to 100 mm did not finish" in str(error)
    assert not _is_moving(stage)


def test_the_velocity_is_read_back_before_its_status_is_done(rig: Rig, stage: EpicsStage) -> None:
    assert rig.error(stage.velocity.set(20.0)) is None
    assert float(stage.ask(stage.velocity)) == 20.0
    error = rig.error(stage.velocity.set(0.02))  # slower than the drive goes: it clamps
    assert isinstance(error, ReadbackError)
    assert "commanded 0.02 mm/s and it reads back 0.1 mm/s" in str(error)


def test_an_end_of_the_travel_is_a_major_alarm(rig: Rig, stage: EpicsStage) -> None:
    for target in (300.0, 0.0):
        assert rig.error(stage.set(150.0)) is None
        assert rig.error(stage.set(target)) is None
        assert stage.read()["stage_severity"]["value"] == "MAJOR"
    assert rig.error(stage.set(50.0)) is None
    assert stage.read()["stage_severity"]["value"] == "NO_ALARM"


@pytest.mark.parametrize("value", [401.0, -101.0, math.nan, math.inf, "50", True, None], ids=repr)
@pytest.mark.parametrize(
    "way", ["device", "signal put", "forced put", "signal set", "write pv", "plan", "suspended plan", "largest step"]
)
def test_no_way_of_writing_leaves_the_envelope(value: Any, way: str) -> None:
    rig = memory_rig(StageCore, "stage")
    stage = rig.build(EpicsStage, "stage", LIMITS)
    signals = (stage.axis, stage.velocity)
    before = (stage.counters(), stage.position, stage.velocity.get())
    engine = RunEngine(context_managers=[])

    def write() -> Any:
        match way:
            case "device":
                stage.set(value)
            case "signal put":
                stage.axis.put(value)
            case "forced put":
                stage.axis.put(value, force=True)
            case "signal set":
                stage.axis.set(value)
            case "write pv":
                stage.axis._write_pv.put(value)
            case "plan":
                engine(bps.mv(stage, value))
            case "suspended plan":
                engine(bps.abs_set(stage.axis, value, wait=True))
            case "largest step":
                stage.axis.put(399.0, force=True)

    with pytest.raises(EnvelopeError):
        write()
    with pytest.raises(EnvelopeError):
        signals[1].put(value, force=True)
    rig.until(lambda: rig.clock.now() > 1.0)
    assert (stage.counters(), stage.position, stage.velocity.get()) == before


def test_without_limits_every_write_is_refused_and_stop_still_works(rig: Rig) -> None:
    stage = rig.build(EpicsStage, "stage", {})
    for write in (stage.set, stage.axis.put, stage.velocity.put, stage.velocity.set):
        with pytest.raises(EnvelopeError, match="declares no limit"):
            write(50.0)
    stage.stop()
    stage.disconnect()


class CarelessSignal(GuardedEpicsSignal):
    """A signal of somebody who finds checks a nuisance."""

    def check_value(self, value: Any) -> None:
        return


class CarelessStage(EpicsStage):
    velocity = Channel(CarelessSignal, "VELOCITY_RBV", write_pv="VELOCITY", declared="velocity", kind="config")

    def check_value(self, value: Any, **_: Any) -> None:
        return


def test_a_class_that_derives_cannot_take_the_check_away(rig: Rig) -> None:
    stage = rig.build(CarelessStage, "stage", LIMITS)
    assert isinstance(rig.error(stage.velocity.set(150.0)), EnvelopeError)
    with pytest.raises(EnvelopeError):
        stage.velocity.put(150.0, force=True)
    with pytest.raises(EnvelopeError):
        stage.set(math.nan)
    stage.disconnect()


def test_nothing_is_written_to_what_is_only_read(rig: Rig, stage: EpicsStage) -> None:
    for signal_ in (stage.axis, stage.velocity, stage.target):
        with pytest.raises(EnvelopeError, match="only read"):
            signal_._read_pv.put(50.0)


@pytest.mark.parametrize("value", [0, 2, -1, True, "1", math.nan])
def test_a_command_takes_only_one(value: Any) -> None:
    stage = memory_rig(StageCore, "stage").build(EpicsStage, "stage", LIMITS)
    for write in (stage.stop_command.put, stage.stop_command.set, stage.stop_command._write_pv.put):
        with pytest.raises(EnvelopeError, match="a command takes only 1"):
            write(value)


def test_a_description_carries_unit_and_limits_of_the_envelope(stage: EpicsStage) -> None:
    position = stage.describe()["stage_position"]
    assert (position["units"], position["lower_ctrl_limit"], position["upper_ctrl_limit"]) == ("mm", -100.0, 400.0)
    velocity = stage.describe_configuration()["stage_velocity"]
    assert (velocity["units"], velocity["lower_ctrl_limit"], velocity["upper_ctrl_limit"]) == ("mm/s", 0.01, 100.0)


def test_a_bare_run_engine_scans_the_stage(served: tuple[Ioc, Path]) -> None:
    rig = ioc_rig(*served, FACTOR)
    stage = rig.build(EpicsStage, "stage", LIMITS)
    engine, documents = RunEngine(context_managers=[]), []
    engine(scan([stage], stage, 20.0, 40.0, 3), lambda name, document: documents.append((name, document)))
    positions = [document["data"]["stage_position"] for name, document in documents if name == "event"]
    assert positions == pytest.approx([20.0, 30.0, 40.0], abs=0.001)
    stage.disconnect()


def test_the_stage_works_from_any_thread(rig: Rig, stage: EpicsStage) -> None:
    errors: list[BaseException | None] = []
    thread = threading.Thread(target=lambda: errors.append(rig.error(stage.set(60.0))))
    thread.start()
    thread.join()
    assert errors == [None]


@pytest.mark.parametrize(
    ("how", "port"), [(signal.SIGKILL, PORTS[1]), (signal.SIGSTOP, PORTS[2])], ids=["dies", "hangs"]
)
@pytest.mark.filterwarnings("ignore:ca.get:UserWarning")
def test_a_stage_that_dies_or_hangs_in_mid_move_fails_the_move(how: signal.Signals, port: int, tmp_path: Path) -> None:
    prefix = f"TEST:{how.name}:"
    with ioc(SERVER, "stage", tmp_path, {"epics": prefix, "port": port}, 1.0) as process:
        rig = ioc_rig(process, tmp_path, 1.0)
        stage = rig.build(EpicsStage, "stage", LIMITS)
        status = stage.set(290.0)  # takes 5.7 s
        rig.until(lambda: _is_moving(stage))
        process.process.send_signal(how)
        began = rig.clock.real()
        error = status.exception(10.0)
        assert isinstance(error, NotConnectedError)
        assert f"no answer from epics {prefix}" in str(error)
        assert rig.clock.real() - began < ANSWER_S + 4.0
        with pytest.raises(NotConnectedError):
            stage.set(10.0)
        stage.disconnect()


def test_after_a_power_cut_the_stage_knows_where_it_is_and_that_it_did_not_arrive(tmp_path: Path) -> None:
    at = {"epics": "TEST:POWER:", "port": PORTS[3]}
    with ioc(SERVER, "stage", tmp_path, at, 1.0) as process:
        rig = ioc_rig(process, tmp_path, 1.0)
        stage = rig.build(EpicsStage, "stage", LIMITS)
        status = stage.set(290.0)
        rig.until(lambda: stage.position > 30.0)
        process.kill()
        assert isinstance(status.exception(10.0), DeviceError)
        stage.disconnect()
    with ioc(SERVER, "stage", tmp_path, at, 1.0) as process:
        again = rig.build(EpicsStage, "stage", LIMITS)
        assert 20.0 < again.position < 280.0
        assert str(again.ask(again.outcome)) == "stopped"
        assert again.counters() == {"command": 1}
        again.disconnect()


def test_nothing_at_the_address_is_said_with_the_address() -> None:
    stage = EpicsStage(name="stage", at=EpicsAddress("NOBODY:"), clock=ScaledClock(), guard=Guard("stage"))
    with pytest.raises(
        NotConnectedError, match=r"^stage: nothing answers at epics NOBODY: within 0.2 s: is the instrument"
    ):
        stage.connect(0.2)
    stage.disconnect()


def test_an_address_that_is_no_prefix_is_refused() -> None:
    with pytest.raises(InputError, match="needs an address like 'epics: PREFIX'"):
        EpicsStage(name="stage", at=NoAddress(), clock=ScaledClock(), guard=Guard("stage"))


def test_building_a_device_opens_nothing() -> None:
    stage = EpicsStage(name="stage", at=EpicsAddress("NOBODY:"), clock=ScaledClock(), guard=Guard("stage"))
    assert list(stage.get_instantiated_signals()) == []


class _HandClock(VirtualClock):
    """A clock whose real time is set by hand."""

    at = 0.0

    def real(self) -> float:
        return self.at


def test_a_heartbeat_that_stands_still_means_a_hung_instrument() -> None:
    clock = _HandClock()
    pulse = Pulse("stage", clock)
    for clock.at, count in ((0.0, 1), (1.9, 1), (2.0, 2), (3.9, 2)):
        pulse.feel(count)
    clock.at = 4.1
    with pytest.raises(DeviceTimeoutError, match="its heartbeat has stood at 2"):
        pulse.feel(2)
