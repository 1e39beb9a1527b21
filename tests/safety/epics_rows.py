"""Rows of the bypass matrix: our EPICS devices, on their simulators in memory and behind Channel Access."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import epics
from bluesky import RunEngine
from ophyd import EpicsSignal
from ophyd.device import Staged

from autolab.core.addresses import EpicsAddress, MemoryAddress
from autolab.core.clock import ScaledClock, VirtualClock
from autolab.core.envelope import AllowedValues, Limit, RangeLimit
from devices.channels import Channel
from devices.motion import EpicsStage, _PositionSignal
from devices.spectrometers import EpicsSpectrometer
from safety.guard import Guard
from simulators.base import MemoryStore, Settings
from simulators.motion import StageCore
from simulators.spectrometers import SpectrometerCore
from tests.epics_env import PORTS
from tests.rigs import PATIENCE_S, ioc, until
from tests.safety.benches import Bench, Subject, Way, bad_numbers, bad_texts
from tests.safety.wiretaps import LogTap, PvTap

FACTOR = 500.0
PATTERN = r"[a-z0-9]{1,8}\.t[0-9]+\.r[0-9]+\.[a-z][a-z0-9-]*\.a[0-9]+"
STAGE: dict[str, Limit] = {
    "position": RangeLimit("stage.position", 10.0, 200.0, "mm"),
    "velocity": RangeLimit("stage.velocity", 1.0, 100.0, "mm/s"),
}
SPECTROMETER: dict[str, Limit] = {
    "integration_time": RangeLimit("spectrometer.integration_time", 0.01, 0.5, "s"),
    "n_scans": RangeLimit("spectrometer.n_scans", 2.5, 20, ""),
    "operation": AllowedValues("spectrometer.operation", (), pattern=PATTERN),
}


def pv_ways(signal: EpicsSignal) -> dict[str, Way]:
    """The direct calls on a signal of classic ophyd, down to its process variable."""
    return {
        "put": signal.put,
        "forced put": lambda value: signal.put(value, force=True),
        "put with completion": lambda value: signal.put(value, use_complete=True),
        "put of its class": lambda value: EpicsSignal.put(signal, value),
        "forced put of its class": lambda value: EpicsSignal.put(signal, value, force=True),
        "value": lambda value: setattr(signal, "value", value),
        "process variable": lambda value: signal._write_pv.put(value),
        "stage_sigs": lambda value: _stage_with(signal, value),
    }


def wire_ways(signal: EpicsSignal) -> dict[str, Way]:
    """Further ones, where pyepics is below."""
    return {
        "value of its process variable": lambda value: setattr(signal._write_pv, "value", value),
        "setter of its process variable": lambda value: signal._write_pv.__setval__(value),
    }


def read_ways(signal: Any) -> dict[str, Way]:
    """What writes to the process variable that a signal only reads."""
    return {
        "process variable that is read": lambda value: signal._read_pv.put(value),
        "value of the one that is read": lambda value: setattr(signal._read_pv, "value", value),
    }


def _stage_with(signal: Any, value: Any) -> None:
    """Stage the device with a value for one of its signals. It waits, so a thread does; the clock may be virtual."""
    parent = signal.parent
    parent.stage_sigs = {signal: value}
    errors: list[Exception] = []
    thread = threading.Thread(target=_stage, args=(parent, errors))
    thread.start()

    def is_over() -> bool:
        if isinstance(getattr(parent, "clock", None), VirtualClock):
            parent.clock.sleep(1.0)
        return not thread.is_alive()

    until(is_over, "the end of staging")
    parent.stage_sigs = {}
    parent._original_vals.clear()  # a command has no way back
    parent._staged = Staged.no
    for error in errors:
        raise error


def _stage(device: Any, errors: list[Exception]) -> None:
    try:
        device.stage()
    except Exception as error:  # noqa: BLE001 (it is raised again where the thread is waited for)
        errors.append(error)


COMMAND = {"two": 2, "a half": 0.5, "nan": float("nan"), "a text": "1", "a truth value": True, "a list": [1, 1]}


def _pv_bench(device: Any, limits: Mapping[str, Limit], good: Mapping[str, tuple[Any, Any]], **bench: Any) -> Bench:
    """A bench whose subjects are the signals of an EPICS device."""
    is_wire = bench.get("clock") is None
    subjects: list[Subject] = []
    for walk in device.walk_signals(include_lazy=True):
        signal = walk.item
        if not hasattr(signal, "_write_pv"):
            continue
        name = getattr(signal, "declared", walk.item.setpoint_pvname.rpartition(":")[2])
        limit = limits.get(name)
        ways = pv_ways(signal) | (wire_ways(signal) if is_wire else {})
        if limit is None:
            subjects.append(Subject(name, signal, COMMAND, (1, 1), ways=ways))
            continue
        allowed = good[name]
        is_number = isinstance(limit, RangeLimit)
        bad = bad_numbers(allowed[0], limit.upper * 1.01, limit.lower * 0.9) if is_number else _bad_operations()
        if name == "n_scans":
            bad["inside, and cut to outside"] = 2.7
        present = (lambda signal=signal: float(signal.get(use_monitor=False))) if is_number else None
        subjects.append(Subject(name, signal, bad, allowed, present=present, ways=ways, sealed=read_ways(signal)))
    return Bench(device, limits, subjects=tuple(subjects), **bench)


def _bad_operations() -> dict[str, Any]:
    return bad_texts("k1.t1.r1.measure.a1") | {"too long for the wire": f"k1.t1.r1.{'m' * 60}.a1"}


STAGE_GOOD = {"position": (20.0, 150.0), "velocity": (50.0, 90.0)}
SPECTROMETER_GOOD = {
    "integration_time": (0.1, 0.2),
    "n_scans": (3, 4),
    "operation": ("k1.t1.r1.measure.a1", "k1.t2.r1.measure.a1"),
}
STAGE_NAMES = {"SETPOINT": "position", "VELOCITY": "velocity"}
SPECTROMETER_NAMES = {"INTEGRATION_TIME": "integration_time", "SCANS": "n_scans", "OPERATION": "operation"}


def _in_memory(
    device_class: Any, core_class: Any, name: str, names: Mapping[str, str], limits: Any, good: Any, engine: RunEngine
) -> Bench:
    clock = VirtualClock()
    tap = PvTap(core_class(Settings(name, clock, MemoryStore(), seed=1)), names)
    device = device_class(name=name, at=MemoryAddress(tap, prefix="MEM:"), clock=clock, guard=Guard(name, limits))
    device.connect(PATIENCE_S)
    return _with_whole_stage(_pv_bench(device, limits, good, tap=tap, engine=engine, clock=clock))


def _with_whole_stage(bench: Bench) -> Bench:
    """The stage is itself a subject, besides its signals."""
    if not isinstance(bench.device, EpicsStage):
        return bench
    position = next(subject for subject in bench.subjects if subject.name == "position")
    whole = replace(position, thing=bench.device, present=lambda: bench.device.position, ways={}, sealed={})
    return replace(bench, subjects=(whole, *bench.subjects))


@contextmanager
def stage(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    yield _in_memory(EpicsStage, StageCore, "stage", STAGE_NAMES, STAGE, STAGE_GOOD, engine)


class CarelessSignal(_PositionSignal):
    """A signal of somebody who finds checks a nuisance."""

    def check_value(self, value: Any) -> None:
        return

    def set(self, value: Any, **_: Any) -> Any:
        self.put(value)


class CarelessStage(EpicsStage):
    """A stage that overrides what it can."""

    axis = Channel(CarelessSignal, "READBACK", write_pv="SETPOINT", declared="position", key="position", kind="hinted")

    def check_value(self, value: Any, **_: Any) -> None:
        return


@contextmanager
def careless_stage(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    yield _in_memory(CarelessStage, StageCore, "stage", STAGE_NAMES, STAGE, STAGE_GOOD, engine)


@contextmanager
def spectrometer(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    names, good = SPECTROMETER_NAMES, SPECTROMETER_GOOD
    yield _in_memory(EpicsSpectrometer, SpectrometerCore, "spectrometer", names, SPECTROMETER, good, engine)


@contextmanager
def _over_ca(
    device_class: Any, server: str, prefix: str, port: int, engine: RunEngine, folder: Path, **names: Any
) -> Iterator[Bench]:
    log = folder / "puts.jsonl"
    log.touch()
    name, limits, good = device_class.__name__, names["limits"], names["good"]
    at = {"epics": prefix, "port": port}
    with ioc(f"tests.safety.recording_benches.{server}", name, folder, at, FACTOR, log=str(log)):
        clock = ScaledClock(FACTOR)
        device = device_class(name=name, at=EpicsAddress(prefix), clock=clock, guard=Guard(name, limits))
        device.connect(PATIENCE_S)
        tap = LogTap(log, names["names"], lambda: epics.caput(f"{prefix}STOP", 0), ("STOP", 0))
        is_idle = lambda: int(device.ask(device.finished)) >= tap.count("SETPOINT", ("ACQUIRE", 1))  # noqa: E731
        yield _with_whole_stage(_pv_bench(device, limits, good, tap=tap, engine=engine, is_idle=is_idle))
        device.disconnect()


@contextmanager
def stage_over_ca(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    names = {"limits": STAGE, "good": STAGE_GOOD, "names": STAGE_NAMES}
    with _over_ca(EpicsStage, "RecordingStage", "BYP:STAGE:", PORTS[0], engine, folder, **names) as bench:
        yield bench


@contextmanager
def spectrometer_over_ca(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    names = {"limits": SPECTROMETER, "good": SPECTROMETER_GOOD, "names": SPECTROMETER_NAMES}
    with _over_ca(EpicsSpectrometer, "RecordingSpectrometer", "BYP:SPEC:", PORTS[1], engine, folder, **names) as bench:
        yield bench
