"""Foreign writers: a second process speaks the bare protocol, and asks our simulators for what is beyond their limits.

No guard of ours is in between. The simulators have limits of their own, as instruments have, and what is looked at is
their physics: where the axis stands, what left the syringe, where the labware is, how hot the plate gets.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from devices.frames import Frame, encode
from simulators.bench import TRAVEL_MM
from simulators.dispensers import DispenserServer
from simulators.motion import VELOCITY_MM_S
from simulators.replay import ReplayServer
from simulators.robots import ArmServer
from simulators.spectrometers import INTEGRATION_S, SCANS
from simulators.syringes import SyringeLimits
from tests.epics_env import PORTS
from tests.rigs import ioc, until
from tests.safety.action_rows import TABLE, HotPlateServer
from tests.wires import Bench, Rig, wire

WILD = [-1e30, -1.0, 1e4, 1e30, math.nan, math.inf, -math.inf]
ANY_PORT = {"zmq": "tcp://127.0.0.1:*"}


def _elsewhere(writer: str, *arguments: Any, **environment: str) -> list[Any]:
    """Run a writer in a process of its own, and take what it was answered."""
    command = [sys.executable, "-m", "tests.safety.writers", writer, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


CHANNEL_ACCESS: dict[str, tuple[str, list[str], dict[str, tuple[float, float]]]] = {
    "stage": (
        "simulators.motion.StageServer",
        ["SETPOINT", "VELOCITY", "STOP", "SETPOINT.DRVH", "VELOCITY.DRVL"],
        {"READBACK": TRAVEL_MM, "TARGET": TRAVEL_MM, "VELOCITY_RBV": VELOCITY_MM_S},
    ),
    "spectrometer": (
        "simulators.spectrometers.SpectrometerServer",
        ["INTEGRATION_TIME", "SCANS", "ACQUIRE", "SCANS.DRVH"],
        {"INTEGRATION_TIME_RBV": INTEGRATION_S, "SCANS_RBV": SCANS},
    ),
}


@pytest.mark.parametrize("device", CHANNEL_ACCESS)
def test_over_bare_channel_access_the_physics_stays_inside_the_limits(tmp_path: Path, device: str) -> None:
    server, writable, limits = CHANNEL_ACCESS[device]
    prefix, port = "WILD:", PORTS[3]
    with ioc(server, device, tmp_path, {"epics": prefix, "port": port}, 200.0):
        puts = [(f"{prefix}{name}", value) for value in WILD for name in (*writable, writable[0])]
        reads = [f"{prefix}{name}" for name in limits]
        where = {"EPICS_CA_ADDR_LIST": "127.0.0.1", "EPICS_CA_SERVER_PORT": str(port)}
        answers = _elsewhere("channel_access", puts, reads, **where)
    assert len(answers) == len(puts)
    for put, values in zip(puts, answers, strict=True):
        for (name, (lower, upper)), value in zip(limits.items(), values, strict=True):
            assert lower <= value <= upper, f"{name} stood at {value} after {put}"


def _served(server: type, tmp_path: Path, at: dict[str, str] | None = None, **options: Any) -> Rig:
    bench = Bench(
        server,
        "device",
        options=options,
        materials={"cyan": 1e9},
        labware={"strip": (("rack",), 24)},
        world={"stage": {"position": 20.0, "moving": False}, "arm": {"places": {"stage": "strip-1"}}},
    )
    return wire(bench, tmp_path, at or {"serial": str(tmp_path / "device.tty")})


def _frames(*bodies: str) -> list[str]:
    return [encode(Frame(">", number, body)).decode().strip() for number, body in enumerate(bodies)]


def test_on_a_bare_serial_line_the_syringes_stay_inside_their_limits(tmp_path: Path) -> None:
    limits = SyringeLimits()
    rig = _served(DispenserServer, tmp_path, channels=["cyan"])
    amounts = ["-1", "0", str(limits.min_nl - 1), str(limits.max_nl + 1), "1e9", "999999999", "nan", "inf", ""]
    wild = [f"DISP 1 {amount} wild.t{n}.r1.disp.a1" for n, amount in enumerate(amounts, 1)]
    wild += [f"MIX {amount} wild.t{n}.r2.mix.a1" for n, amount in enumerate(amounts, 1)]
    wild += [f"DISP {channel} 1000 wild.t1.r3.disp.a1" for channel in ("0", "2", "-1", "x")]
    answers = _elsewhere("serial_line", str(tmp_path / "device.tty"), [*_frames(*wild), "DISP 1 1000 wild.t1.r4.d.a1"])
    assert [answer for answer in answers if "ERR" not in answer] == []
    state = rig.state
    rig.close()
    assert (state["counter"], state["wells"], state["mixed"], state["waste_ul"]) == (0, {}, {}, 0.0)


def test_a_well_never_holds_more_than_it_can(tmp_path: Path) -> None:
    rig = _served(DispenserServer, tmp_path, channels=["cyan"], flow_ul_per_s=1e4)
    port = str(tmp_path / "device.tty")
    for number in range(1, 4):
        frames = _frames(f"DISP 1 300000 wild.t{number}.r1.disp.a1")
        assert "OK" in _elsewhere("serial_line", port, frames)[0]
        until(lambda number=number: _is_done(rig, f"wild.t{number}.r1.disp.a1"), "the dispense")
    (well,) = rig.state["wells"]["strip-1"].values()
    rig.close()
    assert well["cyan"] <= 400.0


def _is_done(rig: Rig, operation: str) -> bool:
    return rig.state["operations"].get(operation, {}).get("state") not in (None, "RUNNING", "running")


def test_on_a_bare_serial_line_the_plate_stays_inside_its_limits(tmp_path: Path) -> None:
    rig = _served(HotPlateServer, tmp_path)
    wild = ["-1", "0", "14999", "120001", "999999999", "1e5", "nan", "inf", "25.0", "+30000"]
    answers = _elsewhere(
        "serial_line", str(tmp_path / "device.tty"), _frames(*(f"SET {word}" for word in wild), "STAT?")
    )
    rig.close()
    assert [answer for answer in answers[:-1] if "ERR" not in answer] == []
    assert "setting_mc=22000 counter=0" in answers[-1]


def _act(number: int, op: str, **args: Any) -> dict[str, Any]:
    return {"id": f"wild.t{number}.r1.act.a1", "op": op, "args": args}


def test_on_a_bare_socket_the_arm_stays_among_its_places(tmp_path: Path) -> None:
    rig = _served(ArmServer, tmp_path, ANY_PORT, places=["stage"])
    places = ["moon", "", "RACK", None, 5, ["rack"], "rack\n"]
    wild = [_act(n, "transfer", labware="strip-1", source="rack", target=place) for n, place in enumerate(places, 1)]
    wild += [_act(n, "transfer", labware="strip-1", source=place, target="stage") for n, place in enumerate(places, 10)]
    wild += [_act(n, "place", target=place) for n, place in enumerate(places, 20)]
    wild += [_act(n, "grip", state=state) for n, state in enumerate(["half", 1, None, "OPEN"], 30)]
    answers = _elsewhere("zeromq", rig.at.endpoint, wild)  # type: ignore[union-attr]
    state = rig.state
    rig.close()
    assert {answer["reply"] for answer in answers} == {"refused"}
    assert (state["places"], state["holding"], state["counter"]) == ({"rack": "strip-1", "stage": None}, None, 0)


def test_on_a_bare_socket_the_instrument_stays_at_measured_conditions(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(TABLE, encoding="utf-8")
    rig = _served(ReplayServer, tmp_path, ANY_PORT, table=str(table), metrics=["yield"])
    wild = [_act(n, "measure", values={"x": x, "solvent": "water"}) for n, x in enumerate([*WILD, "1", True, None], 1)]
    wild += [_act(n, "measure", values={"x": 0.0, "solvent": name}) for n, name in enumerate(["acid", "", None, 1], 20)]
    answers = _elsewhere("zeromq", rig.at.endpoint, wild)  # type: ignore[union-attr]
    begun = [answer["id"] for answer in answers if answer["reply"] != "refused"]
    until(lambda: all(_is_done(rig, operation) for operation in begun), "the end of what was begun")
    operations = rig.state["operations"]
    rig.close()
    assert set(operations) == set(begun) < {f"wild.t{n}.r1.act.a1" for n in range(1, 8)}  # finite, or busy with that
    for record in operations.values():  # however far the question was, the answer was measured
        assert record["result"]["condition"] in ({"x": 0.0, "solvent": "water"}, {"x": 1.0, "solvent": "ethanol"})
