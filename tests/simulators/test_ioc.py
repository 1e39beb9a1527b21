"""The IOCs: clients that are not ours find what the reference says, and nothing listens beyond loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import epics
import psutil
import pytest

from autolab.core.clock import VirtualClock
from simulators.base import MemoryStore, Settings
from simulators.motion import StageCore, stage_pvs
from simulators.pvs import IDENTITY, PvCore, table
from simulators.spectrometers import SpectrometerCore, spectrometer_pvs
from tests.epics_env import PORTS
from tests.rigs import Ioc, ioc, until

SERVER = "simulators.motion.StageServer"
PREFIX = "CLIENT:STAGE:"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ioc]:
    folder = tmp_path_factory.mktemp("stage")
    with ioc(SERVER, "stage", folder, {"epics": PREFIX, "port": PORTS[7]}, 20.0) as process:
        yield process


def _caproto(tool: str, *arguments: str) -> str:
    environment = os.environ | {"EPICS_CA_ADDR_LIST": "127.0.0.1", "EPICS_CA_SERVER_PORT": str(PORTS[7])}
    command = [str(Path(sys.executable).parent / f"caproto-{tool}"), "--no-repeater", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pyepics_reads_writes_and_is_answered_at_the_end_of_the_move(served: Ioc) -> None:
    assert epics.caget(f"{PREFIX}MODEL", timeout=10) == "Autolab linear stage"
    assert epics.caget(f"{PREFIX}SIMULATED", as_string=True) == "Yes"
    assert epics.caput(f"{PREFIX}SETPOINT", 120.0, wait=True, timeout=20) == 1
    assert epics.caget(f"{PREFIX}READBACK") == pytest.approx(120.0)
    assert epics.caget(f"{PREFIX}STATE", as_string=True) == "done"


def test_caprotos_command_line_reads_and_writes(served: Ioc) -> None:
    _caproto("put", f"{PREFIX}SETPOINT", "60.0")
    until(lambda: epics.caget(f"{PREFIX}READBACK") == 60.0, "the end of the move")
    assert "[60]" in _caproto("get", f"{PREFIX}READBACK")
    assert "ST-0001" in _caproto("get", f"{PREFIX}SERIAL")


def test_units_and_drive_limits_are_on_the_wire(served: Ioc) -> None:
    description = epics.get_pv(f"{PREFIX}SETPOINT", timeout=10, connect=True).get_ctrlvars(timeout=5)
    assert description["units"] == "mm"
    assert (description["lower_ctrl_limit"], description["upper_ctrl_limit"]) == (0.0, 300.0)


def test_the_heartbeat_counts(served: Ioc) -> None:
    first = epics.caget(f"{PREFIX}HEARTBEAT", use_monitor=False)
    until(lambda: epics.caget(f"{PREFIX}HEARTBEAT", use_monitor=False) > first + 1, "two heartbeats")


def test_a_refused_command_is_a_major_alarm_and_moves_nothing(served: Ioc) -> None:
    before = epics.caget(f"{PREFIX}READBACK", use_monitor=False)
    epics.caput(f"{PREFIX}SETPOINT", float("nan"), wait=True, timeout=5)
    state = epics.get_pv(f"{PREFIX}STATE", connect=True).get_with_metadata(as_string=True, use_monitor=False)
    assert (state["value"], state["severity"]) == ("refused", 2)
    assert epics.caget(f"{PREFIX}READBACK", use_monitor=False) == before


def test_a_read_only_variable_keeps_its_value(served: Ioc) -> None:
    for name, value in (("SIMULATED", 0), ("LOW_LIMIT", -500.0), ("READBACK", 250.0), ("SERIAL", "ST-6666")):
        before = epics.caget(f"{PREFIX}{name}", use_monitor=False)
        epics.caput(f"{PREFIX}{name}", value, timeout=2)
        assert epics.caput(f"{PREFIX}STOP", 1, wait=True, timeout=5) == 1  # whatever came before has been handled
        assert epics.caget(f"{PREFIX}{name}", use_monitor=False) == before


def test_the_server_listens_on_loopback_only(served: Ioc) -> None:
    connections = psutil.Process(served.process.pid).net_connections()
    listening = {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}
    assert served.address == {"epics": PREFIX, "port": PORTS[7]}


def test_a_port_in_use_is_refused_with_exit_code_2(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            AssertionError, match=f"^stage: port {port} for epics X: is in use: stop what listens there"
        ):
            Ioc(SERVER, "stage", tmp_path, {"epics": "X:", "port": port}, 1.0)


def test_an_address_without_a_prefix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="needs 'epics: PREFIX' to serve at"):
        Ioc(SERVER, "stage", tmp_path, {"port": 0}, 1.0)


@pytest.mark.parametrize("how", ["standard input", signal.SIGTERM])
def test_it_takes_a_free_port_and_ends_as_asked(how: str | signal.Signals, tmp_path: Path) -> None:
    process = Ioc(SERVER, "stage", tmp_path, {"epics": "X:", "port": 0}, 1.0)
    assert process.address["port"] > 0
    if isinstance(how, signal.Signals):
        process.process.send_signal(how)
    assert process.end() == 0


def _core(core_class: type[PvCore]) -> PvCore:
    return core_class(Settings("device", VirtualClock(), MemoryStore()))  # type: ignore[call-arg]


@pytest.mark.parametrize("core_class", [StageCore, SpectrometerCore])
def test_a_core_reads_all_that_it_lists_and_writes_only_what_it_lists_as_writable(core_class: type[PvCore]) -> None:
    core = _core(core_class)
    for name, pv in core.pvs.items():
        core.read(name, 0.0)
        if not pv.writable:
            with pytest.raises(KeyError):
                core.write(name, 1, 0.0)
    with pytest.raises(KeyError):
        core.read("NOTHING", 0.0)


def test_the_reference_lists_every_process_variable(repository: Path) -> None:
    page = (repository / "docs/reference/epics-bench.md").read_text(encoding="utf-8")
    for pvs in (IDENTITY, stage_pvs(), spectrometer_pvs()):
        assert table(pvs) in page


PUT_AS = """
import sys
from caproto.threading.client import Context
context = Context(host_name="elsewhere", client_name=sys.argv[1])
(pv,) = context.get_pvs(sys.argv[2], timeout=60)
pv.wait_for_connection(timeout=60)
try:
    pv.write(float(sys.argv[3]), wait=True, timeout=60, data_type=6)
except Exception as error:
    print(type(error).__name__, error)
print("rights", pv.access_rights)
"""


def _put_as(account: str, name: str, value: float) -> str:
    environment = os.environ | {"EPICS_CA_ADDR_LIST": "127.0.0.1", "EPICS_CA_SERVER_PORT": str(PORTS[7])}
    command = [sys.executable, "-c", PUT_AS, account, name, str(value)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, check=False)
    return done.stdout + done.stderr


def test_while_it_is_armed_no_other_account_writes_but_everybody_may_stop_it(served: Ioc) -> None:
    assert epics.caput(f"{PREFIX}SETPOINT", 30.0, wait=True, timeout=20) == 1
    assert epics.caput(f"{PREFIX}ARMED", 1, wait=True, timeout=10) == 1
    for name, value in (("SETPOINT", 50.0), ("VELOCITY", 1.0), ("ARMED", 0)):
        assert "rights 1" in _put_as("mallory", f"{PREFIX}{name}", value), "it may read alone"
    assert epics.caget(f"{PREFIX}TARGET") == 30.0
    assert epics.caget(f"{PREFIX}ARMED") == 1
    assert epics.caput(f"{PREFIX}SETPOINT", 40.0, wait=True, timeout=20) == 1
    assert epics.caget(f"{PREFIX}READBACK") == pytest.approx(40.0)
    assert "rights 3" in _put_as("mallory", f"{PREFIX}STOP", 1)
    assert epics.caput(f"{PREFIX}ARMED", 0, wait=True, timeout=10) == 1
    _put_as("mallory", f"{PREFIX}SETPOINT", 60.0)
    until(lambda: epics.caget(f"{PREFIX}READBACK") == 60.0, "the end of the move")
