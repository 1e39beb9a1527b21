"""The bypass matrix: whatever path a program takes to a device, nothing outside the envelope reaches the wire.

Rows are the device classes, ours and foreign, with all that can be written on them; columns are the paths. In each
cell every bad value is tried, and what the server received is looked at, not what the call said. Then two allowed
values go by the same path and must arrive, so that a path that leads nowhere shows nothing.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import ophyd
import pytest
from bluesky import RunEngine

import devices
from devices.channels import ArmingSignal, CommandSignal, GuardedEpicsSignal, ReadOnlySignal
from devices.dispensers import SerialDispenser
from devices.epics_instrument import EpicsInstrument
from devices.instrument import Instrument
from devices.measuring import ZmqInstrument
from devices.motion import EpicsStage
from devices.people import Person
from devices.robots import ZmqArm
from devices.spectrometers import EpicsSpectrometer
from tests.rigs import until
from tests.safety import action_rows, epics_rows, foreign_rows
from tests.safety.action_rows import HotPlate
from tests.safety.benches import Bench, Subject
from tests.safety.bypass_paths import PATHS, reaches
from tests.safety.wiretaps import outside

Row = Callable[[RunEngine, Path], AbstractContextManager[Bench]]

OURS: dict[type, tuple[Row, ...]] = {
    EpicsStage: (epics_rows.stage, epics_rows.careless_stage, epics_rows.stage_over_ca),
    EpicsSpectrometer: (epics_rows.spectrometer, epics_rows.spectrometer_over_ca),
    SerialDispenser: (action_rows.dispenser,),
    ZmqArm: (action_rows.arm,),
    ZmqInstrument: (action_rows.instrument,),
    Person: (action_rows.person,),
    HotPlate: (action_rows.hotplate,),
}
FOREIGN: tuple[Row, ...] = (
    foreign_rows.motor,
    foreign_rows.motor_in_a_table,
    foreign_rows.plugin,
    foreign_rows.async_motor,
)
"""On the recording IOC."""
SOFT: tuple[Row, ...] = (foreign_rows.synthetic_axis, foreign_rows.positioner)
ROWS: dict[str, Row] = {
    row.__name__: row for row in (*(row for rows in OURS.values() for row in rows), *FOREIGN, *SOFT)
}
TRIES = 3
"""How often an allowed value goes by a path that raises before anything has arrived."""
BASES = {EpicsInstrument, Instrument}
"""Classes that no lab file names."""


@pytest.fixture(scope="module")
def engine() -> Iterator[RunEngine]:
    logging.disable(logging.CRITICAL)  # each of some ten thousand refusals would be logged with its traceback
    yield RunEngine(context_managers=[], call_returns_result=True)
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("recording")
    with foreign_rows.recording(folder):
        yield folder


@pytest.fixture(scope="module", params=ROWS)
def bench(
    request: pytest.FixtureRequest, engine: RunEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    row = ROWS[request.param]
    folder = request.getfixturevalue("recording") if row in FOREIGN else tmp_path_factory.mktemp("row")
    with row(engine, folder) as bench:
        clock = bench.clock
        engine.waiting_hook = clock and (
            lambda statuses: clock.run_until(lambda: all(status.done for status in statuses or ()))
        )
        yield bench
        engine.waiting_hook = None


@pytest.mark.parametrize("path", PATHS)
def test_no_path_brings_a_value_outside_to_the_wire(bench: Bench, path: str) -> None:
    for subject in bench.subjects:
        if reaches(path, subject):
            _try(bench, subject, lambda value, subject=subject: PATHS[path](bench, subject, value))


def test_no_direct_call_brings_a_value_outside_to_the_wire(bench: Bench) -> None:
    for subject in bench.subjects:
        for way, call in subject.ways.items():
            _try(bench, subject, lambda value, call=call: bench.use(call, value), way)


def test_nothing_reaches_the_wire_by_what_is_only_read(bench: Bench) -> None:
    bench.arrived()
    for subject in bench.subjects:
        for way, call in subject.sealed.items():
            for value in (*subject.bad.values(), *(subject.good or ())):
                bench.attempt(lambda call=call, value=value: bench.use(call, value))
            assert bench.arrived() == [], f"{subject.name}: {way}"


def _try(bench: Bench, subject: Subject, path: Callable[[Any], Any], way: str = "") -> None:
    bench.arrived()
    for value in subject.bad.values():
        bench.attempt(lambda value=value: path(value))
    assert bench.outside() == [], f"{subject.name} {way}"
    for value in subject.good or ():
        arrived: list[Any] = []

        def has_come(value: Any = value, arrived: list[Any] = arrived) -> bool:
            arrived.extend(bench.arrived())  # a record that is busy takes a put later
            return (subject.name, value) in arrived

        # A path may read before it writes, and on a busy machine a read may time out: it is gone once more then.
        for _ in range(TRIES):
            if bench.attempt(lambda value=value: path(value)) or has_come():
                break
        until(has_come, f"{subject.name} {way}: {value!r}", 20.0)
        assert outside(bench.limits, arrived) == []


def _classes() -> set[type]:
    """Every device class that our packages define."""
    modules = [importlib.import_module(f"devices.{module.name}") for module in pkgutil.iter_modules(devices.__path__)]
    modules.append(inspect.getmodule(HotPlate))
    return {
        item
        for module in modules
        for item in vars(module).values()
        if inspect.isclass(item)
        and item.__module__ == module.__name__
        and (issubclass(item, ophyd.Device) or getattr(item, "writable_signals", None) is not None)
        and not getattr(item, "_is_protocol", False)
    }


def test_there_are_at_least_twelve_paths_besides_the_direct_calls() -> None:
    assert len(PATHS) >= 12


def test_every_device_class_of_ours_is_in_the_matrix() -> None:
    assert _classes() - BASES == set(OURS)


def test_every_writable_signal_of_ours_is_in_the_matrix(bench: Bench) -> None:
    if type(bench.device) in OURS:
        names = {signal.name for signal in type(bench.device).writable_signals} or set(bench.limits)
        assert names == set(bench.limits)
    assert set(bench.limits) <= {subject.name for subject in bench.subjects}


def test_a_class_of_ours_has_no_signal_that_is_written_without_the_guard() -> None:
    for device_class in _classes():
        for name, component in device_class._sig_attrs.items():
            assert issubclass(component.cls, GuardedEpicsSignal | CommandSignal | ArmingSignal | ReadOnlySignal), (
                device_class,
                name,
            )
