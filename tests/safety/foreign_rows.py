"""Rows of the bypass matrix: device classes of others, on a recording IOC over real Channel Access."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import epics
from bluesky import RunEngine
from ophyd import Component, Device, EpicsMotor, SoftPositioner
from ophyd.areadetector.plugins import ROIPlugin
from ophyd.sim import SynAxis
from ophyd_async.epics.motor import Motor

from autolab.core.envelope import Limit, RangeLimit
from safety.foreign import guard_foreign
from safety.guard import Guard
from tests.epics_env import LOOPBACK, PORTS
from tests.rigs import PATIENCE_S
from tests.safety.benches import Bench, Subject, Way, bad_numbers
from tests.safety.epics_rows import pv_ways, read_ways, wire_ways
from tests.safety.wiretaps import Arrival, LogTap

PREFIX = "BYP:F:"
LOG = "puts.jsonl"
BAD = bad_numbers(5.0, 10.5, -10.5)
GOOD = (3.0, 4.0)
ANYTHING = {"inside": 3.0, **BAD}


def limit(name: str) -> dict[str, Limit]:
    return {name: RangeLimit(f"device.{name}", -10.0, 10.0, "mm")}


@contextmanager
def recording(folder: Path) -> Iterator[None]:
    """The IOC, which writes down in the folder what it gets."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("EPICS_")}
    environment |= {
        "EPICS_CA_SERVER_PORT": str(PORTS[2]),
        "EPICS_CAS_SERVER_PORT": str(PORTS[2]),
        "EPICS_CAS_BEACON_ADDR_LIST": LOOPBACK,
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
    }
    (folder / LOG).touch()
    # Slow enough that a client sees the record move: one that missed it would wait for the end of the move for ever.
    command = [sys.executable, "-m", "tests.safety.recording_ioc", PREFIX, str(folder / LOG), "50"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _tap(folder: Path, names: dict[str, str]) -> LogTap:
    marker, served = f"{PREFIX}ANY:marker", {f"{PREFIX}{pv}": name for pv, name in names.items()}
    tap = LogTap(folder / LOG, served, lambda: epics.caput(marker, 1.0), (marker, 1.0))
    tap.received()
    return tap


class CarelessMotor(EpicsMotor):
    """A motor of somebody who finds checks a nuisance, and who writes where nobody looks."""

    def check_value(self, pos: float) -> None:
        return

    def kickoff_now(self, value: Any) -> None:
        super().move(value, wait=False)


class Table(Device):
    """A device with a motor in it."""

    motor = Component(CarelessMotor, "m1")


def _motor_subjects(motor: Any, prefix: str = "") -> tuple[Subject, ...]:
    setpoint = motor.user_setpoint
    moves: dict[str, Way] = {"move": lambda value: motor.move(value, wait=False)}
    if isinstance(motor, CarelessMotor):
        moves["verb of its own"] = motor.kickoff_now
    closed = [(name, getattr(motor, name)) for name in ("velocity", "user_offset", "user_offset_dir", "home_forward")]
    return (
        Subject(f"{prefix}user_setpoint", motor, BAD, GOOD, present=lambda: motor.position, ways=moves),
        Subject(
            f"{prefix}user_setpoint",
            setpoint,
            BAD,
            GOOD,
            present=lambda: float(setpoint.get()),
            ways=pv_ways(setpoint) | wire_ways(setpoint),
            sealed=read_ways(motor.user_readback),
        ),
        *(
            Subject(f"{prefix}{name}", signal, ANYTHING, ways=pv_ways(signal) | wire_ways(signal))
            for name, signal in closed
        ),
    )


@contextmanager
def motor(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    device = EpicsMotor(f"{PREFIX}m1", name="motor")
    device.wait_for_connection(timeout=PATIENCE_S)
    limits = limit("user_setpoint")
    guard_foreign(device, Guard("motor", limits))
    yield Bench(
        device, limits, _tap(folder, {"m1.VAL": "user_setpoint", "m1.STOP": "STOP"}), _motor_subjects(device), engine
    )
    device.destroy()


@contextmanager
def motor_in_a_table(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    device = Table(PREFIX, name="table")
    device.wait_for_connection(timeout=PATIENCE_S)
    limits = limit("motor.user_setpoint")
    guard_foreign(device, Guard("table", limits))
    subjects = _motor_subjects(device.motor, "motor.")
    yield Bench(device, limits, _tap(folder, {"m1.VAL": "motor.user_setpoint", "m1.STOP": "STOP"}), subjects, engine)
    device.destroy()


@contextmanager
def plugin(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    device = ROIPlugin(f"{PREFIX}ANY:roi:", name="roi")
    limits = limit("scale") | limit("min_xyz.min_x")
    closed = guard_foreign(device, Guard("roi", limits))
    device.wait_for_connection(all_signals=True, timeout=PATIENCE_S)
    names = {"ANY:roi:Scale": "scale", "ANY:roi:MinX": "min_xyz.min_x"}
    signals = {"scale": device.scale, "min_xyz.min_x": device.min_xyz.min_x}
    subjects = [
        Subject(
            name,
            signal,
            BAD,
            GOOD,
            present=lambda signal=signal: float(signal.get()),
            ways=pv_ways(signal) | wire_ways(signal),
            sealed=read_ways(signal),
        )
        for name, signal in signals.items()
    ]
    for name in (name for name in closed if name in ("enable", "size.x", "reset_xyz")):
        signal = device
        for part in name.split("."):
            signal = getattr(signal, part)
        subjects.append(Subject(name, signal, ANYTHING, ways=pv_ways(signal) | wire_ways(signal)))
    yield Bench(device, limits, _tap(folder, names), tuple(subjects), engine)
    device.destroy()


@contextmanager
def async_motor(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    device = Motor(f"{PREFIX}m1", name="motor")
    asyncio.run_coroutine_threadsafe(device.connect(timeout=PATIENCE_S), engine.loop).result(PATIENCE_S)
    limits = limit("user_setpoint")
    guard_foreign(device, Guard("motor", limits))

    def position() -> float:
        return asyncio.run_coroutine_threadsafe(device.user_setpoint.get_value(), engine.loop).result(5)

    def ways(signal: Any) -> dict[str, Way]:
        return {"backend": lambda value: signal._connector.backend.put(value)}

    setpoint = device.user_setpoint
    read = {"backend that is read": lambda value: device.user_readback._connector.backend.put(value)}
    subjects = (
        Subject("user_setpoint", device, BAD, GOOD, present=position),
        Subject("user_setpoint", setpoint, BAD, GOOD, present=position, ways=ways(setpoint), sealed=read),
        Subject("velocity", device.velocity, ANYTHING, ways=ways(device.velocity)),
        Subject("offset", device.offset, ANYTHING, ways=ways(device.offset)),
    )
    tap = _AsyncTap(_tap(folder, {"m1.VAL": "user_setpoint", "m1.STOP": "STOP"}), engine)
    yield Bench(device, limits, tap, subjects, engine)


class _AsyncTap:
    """Its writes go over a connection of their own, so that a mark of their own must follow them."""

    def __init__(self, tap: LogTap, engine: RunEngine) -> None:
        self._tap, self._engine = tap, engine

    def received(self) -> list[Arrival]:
        from aioca import caput

        name = f"{PREFIX}ANY:marker"
        asyncio.run_coroutine_threadsafe(caput(name, 1.0, wait=True), self._engine.loop).result(5)
        return self._tap.received()


class StateTap:
    """What a soft device says of its own state, where that has changed."""

    def __init__(self, state: Any) -> None:
        self._state, self._last = state, state()

    def received(self) -> list[Arrival]:
        now = self._state()
        changed = [(name, value) for name, value in now.items() if value is not self._last[name]]
        self._last = now
        return changed


@contextmanager
def synthetic_axis(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    device = SynAxis(name="axis")
    limits = limit("setpoint")
    guard_foreign(device, Guard("axis", limits))
    tap = StateTap(lambda: {"setpoint": device.sim_state["setpoint"], "velocity": device.velocity.get()})

    def ways(signal: Any) -> dict[str, Way]:
        return {
            "put": signal.put,
            "forced put": lambda value: signal.put(value, force=True),
            "value": lambda value: setattr(signal, "value", value),
        }

    present = lambda: device.position  # noqa: E731
    setpoint = device.setpoint
    subjects = (
        Subject("setpoint", device, BAD, GOOD, present=present),
        Subject("setpoint", setpoint, BAD, GOOD, present=lambda: float(setpoint.get()), ways=ways(setpoint)),
        Subject("velocity", device.velocity, ANYTHING, ways=ways(device.velocity)),
    )
    yield Bench(device, limits, tap, subjects, engine)


class Turntable(SoftPositioner):
    """A positioner as others write them around a driver of their own: it has no signals."""

    angle = 0.0

    def _setup_move(self, position: Any, status: Any) -> None:
        self.angle = position
        super()._setup_move(position, status)


@contextmanager
def positioner(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    device = Turntable(name="turntable", init_pos=0.0)
    limits = limit("value")
    guard_foreign(device, Guard("turntable", limits))
    tap = StateTap(lambda: {"value": device.angle})
    ways: dict[str, Way] = {
        "move": lambda value: device.move(value, wait=False),
        "driver": lambda value: device._setup_move(value, None),
    }
    subject = Subject("value", device, BAD, GOOD, present=lambda: device.position, ways=ways)
    yield Bench(device, limits, tap, (subject,), engine)
