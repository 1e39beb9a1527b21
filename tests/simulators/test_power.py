"""Power that is taken away stops what moves where it is, and power that comes back moves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import epics
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.core.addresses import SerialAddress
from autolab.core.clock import ScaledClock, VirtualClock
from autolab.core.errors import CommandRefusedError, DeviceError
from devices.dispensers import Dispense, SerialDispenser
from safety.channel import press_stop
from simulators.base import FileStore, MemoryStore, Settings
from simulators.launch import start_all
from simulators.motion import StageCore
from simulators.serve import ServeRequest
from tests.devices.test_dispensers import CHANNELS, LIMITS, SLOW
from tests.devices.test_dispensers import new as new_id
from tests.epics_env import PORTS
from tests.rigs import until
from tests.safety.powering import Power, controller, power
from tests.simulators.test_dispenser_core import OPERATION, ask
from tests.simulators.test_dispenser_core import new as new_dispenser
from tests.simulators.test_operations_core import MOVE
from tests.simulators.test_operations_core import OPERATION as TRANSFER
from tests.simulators.test_operations_core import ask as ask_arm
from tests.simulators.test_operations_core import new as new_arm
from tests.wires import FACTOR, Rig, request

PREFIX = "POWER:STAGE:"


def new_stage() -> StageCore:
    return StageCore(Settings("stage", VirtualClock(), MemoryStore()), start_mm=5.0, velocity_mm_s=50.0)


@given(st.floats(0.0, 3.0), st.floats(0.0, 5.0))
def test_a_stage_stops_where_it_is_and_stays_there(cut_s: float, later_s: float) -> None:
    stage = new_stage()
    stage.write("SETPOINT", 105.0, 0.0)
    there = stage.read("READBACK", cut_s).value
    stage.power(False, cut_s)
    stage.power(True, cut_s + later_s)
    assert stage.read("READBACK", cut_s + later_s + 9.0).value == there
    assert stage.read("STATE", cut_s).value == (2 if there == 105.0 else 3)


def test_a_stage_without_power_refuses_to_move_and_says_so() -> None:
    stage = new_stage()
    stage.power(False, 0.0)
    stage.write("SETPOINT", 105.0, 1.0)
    said = {name: stage.read(name, 9.0) for name in ("POWER", "STATE", "READBACK", "COMMAND", "FINISHED")}
    assert (said["POWER"].value, said["READBACK"].value, said["STATE"].value) == (0, 5.0, 4)
    assert said["STATE"].severity == 2
    assert said["COMMAND"].value == said["FINISHED"].value == 1
    stage.power(True, 10.0)
    assert stage.read("READBACK", 20.0).value == 5.0
    stage.write("SETPOINT", 105.0, 20.0)
    assert stage.read("READBACK", 30.0).value == 105.0


@given(st.floats(0.0, 0.3))
def test_of_a_dispense_what_is_out_is_out(cut_s: float) -> None:
    core, store = new_dispenser()
    ask(core, f"DISP 1 10000 {OPERATION}")
    core.power(False, cut_s)
    core.power(True, 1.0)
    core.advance(9.0)
    state, volume, *why = ask(core, f"OPID? {OPERATION}", 9.0).removeprefix("OK ").split()
    if cut_s >= 0.2:  # 10 uL at 50 uL/s
        assert (state, volume) == ("state=DONE", "volume_nl=10000")
    else:
        assert (state, why) == ("state=FAILED", ["code=10", "reason=INTERRUPTED"])
        assert int(volume.removeprefix("volume_nl=")) == pytest.approx(50_000 * cut_s, abs=1)
    kept = store.load("dispenser") or {}
    in_well = sum(kept["wells"].get("strip-1", {}).get("3", {}).values())
    assert in_well == pytest.approx(10.0 * min(cut_s / 0.2, 1.0), abs=0.6)
    assert kept["counter"] == 1


def test_a_dispenser_without_power_refuses_and_counts_nothing() -> None:
    core, _ = new_dispenser()
    core.power(False, 0.0)
    assert ask(core, f"DISP 1 12000 {OPERATION}") == "ERR 14 NO_POWER power=OFF"
    assert ask(core, f"MIX 1000 {OPERATION}") == "ERR 14 NO_POWER power=OFF"
    assert ask(core, "STAT?") == "OK state=IDLE operation=- counter=0 power=OFF"
    assert ask(core, "STOP") == "OK state=IDLE"
    core.power(True, 1.0)
    assert ask(core, f"DISP 1 12000 {OPERATION}", 1.0) == "OK state=RUNNING volume_nl=0 duplicate=0"


@pytest.mark.parametrize(("cut_s", "holding"), [(1.0, None), (6.0, "strip-1")], ids=["empty-handed", "carrying"])
def test_an_arm_stops_and_keeps_what_it_holds(cut_s: float, holding: str | None) -> None:
    core, rig = new_arm()
    ask_arm(core, MOVE)
    core.power(False, cut_s)
    core.power(True, cut_s + 1.0)
    core.advance(99.0)
    known = ask_arm(core, {"id": "1", "op": "query", "args": {"operation": TRANSFER}}, 99.0)
    assert (known["state"], known["code"], known["counter"]) == ("failed", "interrupted", 1)
    assert rig.state["holding"] == holding
    assert rig.state["places"]["stage"] is None
    assert len(core.take_ended()) == 1


def test_an_arm_without_power_refuses_and_answers_queries() -> None:
    core, rig = new_arm()
    core.power(False, 0.0)
    assert ask_arm(core, MOVE)["code"] == "no_power"
    assert ask_arm(core, {"id": "1", "op": "status"})["has_power"] is False
    assert rig.state["counter"] == 0


@pytest.fixture
def supply(tmp_path: Path) -> Iterator[Power]:
    with power(tmp_path / "safety") as rig:
        yield rig


def test_the_stop_ends_a_dispense_in_the_middle_of_its_stroke(tmp_path: Path, supply: Power) -> None:
    """On real processes and a real line, judged by what the simulator has in its well and in its reservoir."""
    store = FileStore(tmp_path)
    for device, state in SLOW.world.items():
        store.save(device, state)
    served = replace(request(SLOW, tmp_path, {"serial": str(tmp_path / "tty")}), power=supply.supply.line)
    running = start_all([served])
    rig = Rig(SLOW, SerialAddress(running.addresses["dispenser"]["serial"]), ScaledClock(FACTOR), store, running)
    try:
        dispenser = rig.build(SerialDispenser, LIMITS, channels=CHANNELS)
        refused = rig.end(dispenser.set(Dispense("cyan", 200.0, new_id())))
        assert isinstance(refused, CommandRefusedError)
        assert "NO_POWER" in str(refused)
        with controller(supply):
            until(lambda: _may_begin(rig, dispenser), "power at the dispenser")
            before, operation = rig.state["reservoirs"]["cyan"], new_id()
            status = dispenser.set(Dispense("cyan", 200.0, operation))
            rig.until(lambda: rig.state["operations"].get(str(operation), {}).get("state") == "RUNNING", "the stroke")
            press_stop(supply.supply.folder, "button")
            error = rig.end(status)
        assert isinstance(error, DeviceError)
        record = rig.state["operations"][str(operation)]
        assert (record["state"], record["code"]) == ("FAILED", 10)
        assert 0 <= record["done"] < 200_000
        assert before - rig.state["reservoirs"]["cyan"] < 200.0
    finally:
        rig.close()


def _may_begin(rig: Rig, dispenser: SerialDispenser) -> bool:
    """Whether a short dispense is taken; each try has an id of its own."""
    return not isinstance(rig.end(dispenser.set(Dispense("magenta", 1.0, new_id()))), CommandRefusedError)


def test_the_stop_ends_a_move_where_the_stage_is(tmp_path: Path, supply: Power) -> None:
    at = {"epics": PREFIX, "port": PORTS[6]}
    served = ServeRequest("simulators.motion.StageServer", "stage", tmp_path, at, power=supply.supply.line)
    running = start_all([served])
    try:
        assert epics.caget(f"{PREFIX}POWER", timeout=10, as_string=True) == "Off"
        epics.caput(f"{PREFIX}SETPOINT", 250.0, wait=True, timeout=20)
        assert epics.caget(f"{PREFIX}STATE", as_string=True) == "refused"
        with controller(supply):
            until(lambda: epics.caget(f"{PREFIX}POWER", as_string=True) == "On", "power at the stage")
            epics.caput(f"{PREFIX}SETPOINT", 250.0)
            until(lambda: epics.caget(f"{PREFIX}READBACK") > 10.0, "the move")
            press_stop(supply.supply.folder, "button")
            until(lambda: epics.caget(f"{PREFIX}STATE", as_string=True) == "stopped", "the end of the move")
        kept = FileStore(tmp_path).load("stage") or {}
        assert 10.0 < kept["position"] < 250.0
        supply.until_reset()
        with controller(supply):
            until(lambda: epics.caget(f"{PREFIX}POWER", as_string=True) == "On", "power at the stage")
        assert epics.caget(f"{PREFIX}READBACK") == kept["position"]
    finally:
        running.stop()


def test_a_simulator_finds_a_relay_that_was_restarted(tmp_path: Path, supply: Power) -> None:
    at = {"epics": f"AGAIN:{PREFIX}", "port": PORTS[5]}
    served = ServeRequest("simulators.motion.StageServer", "stage", tmp_path, at, power=supply.supply.line)
    running = start_all([served])
    try:
        supply.kill("relay")
        supply.supply.start_relay()
        until(lambda: supply.kept_by_relay() == "off", "the relay")
        with controller(supply):
            until(lambda: epics.caget(f"AGAIN:{PREFIX}POWER", timeout=5, as_string=True) == "On", "power")
            supply.kill("relay")
            until(lambda: epics.caget(f"AGAIN:{PREFIX}POWER", timeout=5, as_string=True) == "Off", "no power")
    finally:
        running.stop()
