"""The conformance kit: it fails whoever breaks a promise, passes our devices, and judges those of others alike."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bluesky import RunEngine
from ophyd import EpicsMotor
from ophyd_async.epics.motor import Motor

from autolab.cli.entry import main
from autolab.compose.conformance import ConformanceWish, conformance, subject_of
from autolab.core.addresses import EpicsAddress
from autolab.core.clock import ScaledClock, real_clock
from autolab.core.envelope import AllowedValues, Limit, RangeLimit
from autolab.core.errors import InputError
from autolab.journal.audit import audit
from autolab.journal.conformance import conformance_tests
from autolab.journal.reader import JournalReader
from devices.conformance import Opened, Subject
from devices.conformancechecks import CHECKS, judge
from devices.motion import EpicsStage
from devices.spectrometers import EpicsSpectrometer
from safety.foreign import guard_foreign
from safety.guard import Guard
from simulators.base import FileStore
from simulators.spectrometers import SpectrometerServer
from tests.devices.slides import WRONG, EndsJustBefore, IgnoresStops, Slide, subject
from tests.epics_env import LOOPBACK, PORTS
from tests.rigs import PATIENCE_S, Ioc, ioc

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FACTOR = 10.0


def verdicts(of: Subject) -> dict[str, str]:
    """The verdict of each check; where it is not *passed*, with what was seen."""
    found = {name: judge(of, name) for name in CHECKS}
    return {
        name: one.verdict if one.verdict == "passed" else f"{one.verdict}: {one.seen}" for name, one in found.items()
    }


PASSED = dict.fromkeys(CHECKS, "passed")


def test_there_is_a_wrong_driver_for_each_check() -> None:
    assert WRONG.keys() == CHECKS.keys()


def test_a_driver_that_keeps_its_word_passes() -> None:
    assert verdicts(subject(Slide)) == PASSED


@pytest.mark.parametrize("check", CHECKS)
def test_a_deliberately_wrong_driver_fails(check: str) -> None:
    found = judge(subject(WRONG[check]), check)
    assert found.verdict == "failed", found


def test_a_move_that_ended_by_itself_just_before_the_stop_is_no_evidence_and_it_is_stopped_anew() -> None:
    found = judge(subject(EndsJustBefore), "stop")
    assert found.verdict == "passed", found


def test_a_driver_that_ignores_stops_fails_however_often_it_is_tried() -> None:
    found = judge(subject(IgnoresStops), "stop")
    assert found.verdict == "failed", found


ON_LINES = (
    ("colour-bench", "dispenser", FACTOR),
    ("colour-bench", "arm", FACTOR),
    ("replay", "instrument", 1.0),
    ("hotplate", "plate", 1000.0),
)


def test_our_devices_pass_on_their_own_lines() -> None:
    """Side by side: most of the time the kit waits."""

    def tried(lab: str, device: str, factor: float) -> dict[str, str]:
        with subject_of(EXAMPLES / lab / "lab.yaml", device, time_factor=factor) as found:
            return verdicts(found)

    with ThreadPoolExecutor(len(ON_LINES)) as pool:
        found = list(pool.map(lambda one: tried(*one), ON_LINES))
    assert found == [PASSED] * len(ON_LINES)


@contextmanager
def epics(kind: type, name: str, server: str, folder: Path, limits: dict[str, Limit], port: int) -> Iterator[Subject]:
    """A device of ours over Channel Access, with its simulator in a process of its own."""
    prefix = f"KIT:{name}:"
    served: Ioc
    with ioc(server, name, folder, {"epics": prefix, "port": PORTS[port]}, FACTOR) as served:
        clock = ScaledClock(FACTOR)

        def opened() -> Opened:
            guard = Guard(name, limits, clock)
            device = kind(name=name, at=EpicsAddress(prefix), clock=clock, guard=guard)
            return Opened(device, guard, clock, None, device.connect(PATIENCE_S))

        def reopen() -> Opened:
            first.device.disconnect()
            return opened()

        first = opened()
        found = Subject(name, first, reopen, lambda on: hang(served.process.pid, on))
        yield found
        found.device.disconnect()


def hang(pid: int, on: bool) -> None:
    os.kill(pid, signal.SIGSTOP if on else signal.SIGCONT)


def test_the_stage_passes_over_channel_access(tmp_path: Path) -> None:
    limits: dict[str, Limit] = {
        "position": RangeLimit("stage.position", 0.0, 300.0, "mm"),
        "velocity": RangeLimit("stage.velocity", 1.0, 100.0, "mm/s"),
    }
    with epics(EpicsStage, "stage", "simulators.motion.StageServer", tmp_path, limits, 3) as found:
        assert verdicts(found) == PASSED


def test_the_spectrometer_passes_over_channel_access(tmp_path: Path) -> None:
    limits: dict[str, Limit] = {
        "integration_time": RangeLimit("spectrometer.integration_time", 0.001, 10.0, "s"),
        "n_scans": RangeLimit("spectrometer.n_scans", 1, 100, ""),
        "operation": AllowedValues("spectrometer.operation", (), r"kit\..*"),
    }
    SpectrometerServer.set_the_scene(FileStore(tmp_path), "strip-1")
    server = "simulators.spectrometers.SpectrometerServer"
    with epics(EpicsSpectrometer, "spectrometer", server, tmp_path, limits, 4) as found:
        assert verdicts(found) == PASSED


MOTOR: dict[str, Limit] = {"user_setpoint": RangeLimit("motor.user_setpoint", -10.0, 10.0, "mm", tolerance=0.1)}


@contextmanager
def motor_record(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A motor record, as caproto simulates it, in a process of its own; it moves at 4 mm/s."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("EPICS_")}
    environment |= {
        "EPICS_CA_SERVER_PORT": str(PORTS[5]),
        "EPICS_CAS_SERVER_PORT": str(PORTS[5]),
        "EPICS_CAS_BEACON_ADDR_LIST": LOOPBACK,
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
    }
    command = [sys.executable, "-m", "tests.safety.recording_ioc", "KIT:F:", str(folder / "log"), "4"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        hang(process.pid, False)
        process.terminate()
        process.wait(PATIENCE_S)


def test_a_motor_of_classic_ophyd_is_judged_as_it_deserves(tmp_path: Path) -> None:
    """Its driver reports a stopped move as a success, and waits for ever for an IOC that hangs."""
    clock = real_clock()

    def opened() -> Opened:
        device = EpicsMotor("KIT:F:m1", name="motor")
        device.wait_for_connection(timeout=PATIENCE_S)
        guard = Guard("motor", MOTOR, clock)
        guard_foreign(device, guard)
        return Opened(device, guard, clock)

    def reopen() -> Opened:
        first.device.destroy()
        return opened()

    with motor_record(tmp_path) as process:
        first = opened()
        found = Subject("motor", first, reopen, lambda on: hang(process.pid, on), patience_s=6.0)
        said = verdicts(found)
        found.device.destroy()
    assert said.pop("stop").startswith("failed: the action was stopped, and its status says that it succeeded")
    assert said.pop("timeout").startswith("failed: its instrument hung, and after 6 s its status had not failed")
    assert said.pop("counter").startswith("not applicable")
    assert set(said.values()) == {"passed"}, said


def test_a_motor_of_ophyd_async_is_judged_as_it_deserves(tmp_path: Path) -> None:
    """Its driver fails a stopped move, and gives up on an IOC that hangs. It relies on the completion of the put."""
    clock, loop = real_clock(), asyncio.new_event_loop()
    RunEngine(context_managers=[], loop=loop)

    def opened() -> Opened:
        device: Any = Motor("KIT:F:m1", name="motor")
        asyncio.run_coroutine_threadsafe(device.connect(timeout=PATIENCE_S), loop).result(PATIENCE_S)
        guard = Guard("motor", MOTOR, clock)
        guard_foreign(device, guard)
        return Opened(device, guard, clock, loop)

    with motor_record(tmp_path) as process:
        found = Subject("motor", opened(), opened, lambda on: hang(process.pid, on), patience_s=20.0)
        said = verdicts(found)
    loop.call_soon_threadsafe(loop.stop)
    assert said.pop("counter").startswith("not applicable")
    assert set(said.values()) == {"passed"}, (said["stop"], said["timeout"])


def test_the_result_is_a_record_in_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab, data = str(EXAMPLES / "hotplate" / "lab.yaml"), str(tmp_path / "data")
    words = ["conformance", lab, "plate", "--data", data]
    assert main([*words, "--simulate", "--time-factor", "1000", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    reader = JournalReader.open(tmp_path / "data")
    (kept,) = conformance_tests(reader.states, "hotplate")
    reader.close()
    assert (kept.passed, kept.device.realm, kept.device.serial_number) == (
        True,
        "simulated",
        answer["device"]["serial_number"],
    )
    assert [check.name for check in kept.checks] == list(CHECKS)
    assert kept.sha256 == answer["sha256"]
    assert not audit(tmp_path / "data", None).findings
    assert main(words) == 2
    assert "is going to move within its whole envelope" in capsys.readouterr().err


def test_nothing_real_moves_unless_somebody_agrees(tmp_path: Path) -> None:
    asked: list[str] = []
    wish = ConformanceWish(EXAMPLES / "hotplate" / "lab.yaml", "plate")
    with pytest.raises(InputError, match="nobody agreed: nothing has moved"):
        conformance(wish, tmp_path, lambda what: bool(asked.append(what)), lambda _: None)
    assert asked == [
        "plate (serial /dev/ttyUSB0) is going to move within its whole envelope, and to be stopped on its way"
    ]
    with pytest.raises(InputError, match="has no device 'plat'; did you mean 'plate'"):
        conformance(ConformanceWish(wish.lab, "plat"), tmp_path, lambda _: True, lambda _: None)


def lab_of(folder: Path, endpoint: str, more: str = "") -> Path:
    """The replay lab, with its instrument at an endpoint."""
    text = (EXAMPLES / "replay" / "lab.yaml").read_text().replace("tcp://127.0.0.1:5601", endpoint)
    (folder / "table.csv").write_text((EXAMPLES / "replay" / "table.csv").read_text())
    file = folder / "lab.yaml"
    file.write_text(text + more)
    return file


def test_an_instrument_that_is_not_started_here_is_tested_when_somebody_agrees(tmp_path: Path) -> None:
    """It is a simulator that stands in for hardware, and says so: nobody may make it hang."""
    asked, wished = list[str](), {"zmq": "tcp://127.0.0.1:*"}
    options = {"table": str(EXAMPLES / "replay" / "table.csv"), "metrics": ["colour_distance"]}
    with ioc("simulators.replay.ReplayServer", "instrument", tmp_path, wished, 1.0, **options) as served:
        wish = ConformanceWish(lab_of(tmp_path, served.address["zmq"]), "instrument")
        found = conformance(wish, tmp_path / "data", lambda what: asked.append(what) is None, lambda _: None)
    assert len(asked) == 1
    assert {check.name: check.verdict for check in found.checks} == PASSED | {"timeout": "not applicable"}
    assert (found.passed, found.device.realm, found.device.model) == (True, "emulated", "AR-1")


def test_a_lab_whose_interlocks_would_not_be_watched_is_refused(tmp_path: Path) -> None:
    more = "\ninterlocks: [{name: far, when: instrument.cyan > 100 uL, effect: alarm, why: it spills}]\n"
    file = lab_of(tmp_path, "tcp://127.0.0.1:5601", more)
    with pytest.raises(InputError, match="replay has interlocks, and a conformance test of one device does not"):
        conformance(ConformanceWish(file, "instrument"), tmp_path, lambda _: True, lambda _: None)
