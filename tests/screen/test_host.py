"""Dry runs in throw-away processes: what hangs is killed, what dies is refused, and no connection is ever opened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from autolab.compose.screening import COMMAND, _About
from autolab.config.campaign import load_campaign
from autolab.config.lab import load_lab
from autolab.core.clock import real_clock
from autolab.core.operations import Operations
from autolab.screen.client import DryRunHost
from autolab.screen.found import DryRun
from autolab.screen.present import Present
from autolab.screen.process import spawned
from autolab.screen.rig import DryRunRequest
from tests.compose.files import EXAMPLES

PLANS = """
import os, signal, socket, sys, threading, time
import bluesky.plan_stubs as bps
from devices.motion import EpicsStage
from hotplate.device import HotPlate

calls = []

def wicked(plate: HotPlate, *, case: int, md=None):
    calls.append(case)
    assert len(calls) <= 2, "another dry run has left something behind"
    yield from bps.mv(plate, 50.0)
    match case:
        case 1:
            while True:
                pass
        case 2:
            time.sleep(3600)
        case 3:
            os._exit(3)
        case 4:
            os.kill(os.getppid(), signal.SIGKILL)
        case 5:
            socket.socket()
        case 6:
            print("hello", flush=True)
            sys.stdout.write("noise\\n")
        case 7:
            x = "x" * (6 << 30)
        case 8:
            input("how much? ")
        case 9:
            sys.exit(0)
"""
CAMPAIGN = """
name: wicked
lab: lab.yaml
parameters:
  case: {bounds: [0, 9], integer: true}
objectives:
  sample_temperature: {goal: maximize}
plan: wickedplans.wicked
reduce: hotplate.plans.sample_temperature
budget: {trials: 3}
"""
PRESENT = Present({"plate_temperature": 22.0})

FORKING = """
import fcntl, json, os, signal, sys
from pathlib import Path
from psutil import Process
from autolab.compose.screening import dry_run_host
from autolab.config.campaign import load_campaign
from autolab.config.lab import load_lab
from autolab.core.operations import Operations
from autolab.screen.process import is_forkable
from autolab.screen.present import Present
from autolab.screen.rig import DryRunRequest

files = Path(sys.argv[1])
campaign = load_campaign(files / "campaign.yaml")
lock = open(files / "lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
os.set_inheritable(lock.fileno(), True)
request = DryRunRequest({"case": 0}, Operations(), None, {}, Present({"plate_temperature": 22.0}), 1)
found = {"is forkable": is_forkable()}
with dry_run_host(campaign, load_lab(campaign.lab)) as host:
    found["dry run"] = str(host.run(request))
    process = Process(host.pid)
    found["command line"], found["command line of the host"] = Process().cmdline(), process.cmdline()
    found["threads"] = process.num_threads()
    found["open"] = [str(each.readlink()) for each in Path(f"/proc/{host.pid}/fd").iterdir()]
    lock.close()
    with open(files / "lock", "w") as again:
        try:
            fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found["lock"] = "free"
        except OSError:
            found["lock"] = "held"
    import ophyd
    os.kill(host.pid, signal.SIGKILL)
    found["after a kill"] = [host.run(request).found, str(host.run(request))]
    found["started again"] = Process(host.pid).cmdline()[1:]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wicked")
    (folder / "hotplate").symlink_to(EXAMPLES / "hotplate/hotplate")
    lab = (EXAMPLES / "hotplate/lab.yaml").read_text().replace("[hotplate]", "[hotplate, wickedplans]")
    (folder / "lab.yaml").write_text(lab)
    (folder / "campaign.yaml").write_text(CAMPAIGN)
    (folder / "wickedplans.py").write_text(PLANS)
    return folder


@pytest.fixture(scope="module")
def host(files: Path) -> Iterator[DryRunHost]:
    campaign = load_campaign(files / "campaign.yaml")
    made = DryRunHost(partial(spawned, COMMAND), _About(campaign, load_lab(campaign.lab)), real_clock(), deadline_s=3.0)
    yield made
    made.close()


def run(host: DryRunHost, case: int) -> DryRun:
    return host.run(DryRunRequest({"case": case}, Operations(), None, {}, PRESENT, 1))


def test_a_plan_is_proved_in_a_process_that_is_thrown_away(host: DryRunHost):
    """The plan counts its calls in its module, and would fail in a process that has made another dry run."""
    for _ in range(3):
        assert str(run(host, 0)) == "proved"


def test_the_host_has_no_socket_and_no_thread(host: DryRunHost):
    run(host, 0)
    process = psutil.Process(host.pid)
    assert process.net_connections(kind="all") == []
    assert process.num_threads() == 1
    kinds = []
    for fd in Path(f"/proc/{host.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since the folder was read
            kinds.append(str(fd.readlink()))
    assert kinds
    assert not [kind for kind in kinds if kind.startswith(("socket:", "/dev/tty"))], kinds


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (1, "does not come back between two messages: given up after 3 s"),
        (2, "the plan itself sleeps for 3600 s"),
        (3, "the plan ended the process in which it was tried"),
        (4, "the plan itself does 'os.kill'"),
        (5, "the plan itself does 'socket."),
        (7, "MemoryError"),
        (8, "EOFError"),
        (9, "SystemExit"),
    ],
)
def test_a_plan_that_does_not_behave_is_not_analysable_and_harms_nobody(host: DryRunHost, case: int, why: str):
    pid = run(host, 0) and host.pid
    found = run(host, case)
    assert found.found == "not analysable"
    assert why in found.why
    assert host.pid == pid
    assert str(run(host, 0)) == "proved"


def test_what_a_plan_prints_does_not_reach_the_answers(host: DryRunHost):
    assert str(run(host, 6)) == "proved"


def test_when_the_host_is_killed_nothing_is_known_and_the_next_dry_run_starts_it_again(host: DryRunHost):
    assert str(run(host, 0)) == "proved"
    before = host.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    found = run(host, 0)
    assert str(found) == "not analysable: the process that makes the dry runs ended: the next one starts it again"
    assert str(run(host, 0)) == "proved"
    assert host.pid != before


def test_a_host_that_cannot_build_its_rig_says_why(files: Path):
    campaign = load_campaign(files / "campaign.yaml")
    broken = files / "broken"
    broken.mkdir()
    text = (files / "campaign.yaml").read_text().replace("wickedplans.wicked", "wickedplans.gone")
    (broken / "campaign.yaml").write_text(text.replace("lab.yaml", "../lab.yaml"))
    about = _About(load_campaign(broken / "campaign.yaml"), load_lab(campaign.lab))
    host = DryRunHost(partial(spawned, COMMAND), about, real_clock())
    try:
        assert "cannot start: FileError" in run(host, 0).why
    finally:
        host.close()


def test_a_plan_whose_files_have_changed_is_not_walked_through_by_a_host_that_is_started_again(files: Path):
    campaign = load_campaign(files / "campaign.yaml")
    host = DryRunHost(partial(spawned, COMMAND), _About(campaign, load_lab(campaign.lab)), real_clock(), deadline_s=3.0)
    try:
        assert str(run(host, 0)) == "proved"
        plans = files / "wickedplans.py"
        if host.pid is not None:
            os.kill(host.pid, signal.SIGKILL)
        plans.write_text(f"{PLANS}\n# another")
        assert "the next one starts it again" in str(run(host, 0))
        assert "the files of the plan are not those" in str(run(host, 0))
        plans.write_text(PLANS)
        assert str(run(host, 0)) == "proved"
    finally:
        host.close()


def test_a_controller_that_has_opened_nothing_forks_its_host_which_holds_nothing_of_it(files: Path):
    """Else a lock of a controller that was killed would be held on by its host."""
    done = subprocess.run([sys.executable, "-c", FORKING, files], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["is forkable"] is True
    assert found["dry run"] == "proved"
    assert found["command line"] == found["command line of the host"]
    assert found["threads"] == 1
    assert all(kind.startswith("pipe:") or kind == os.devnull for kind in found["open"]), found["open"]
    assert found["lock"] == "free"
    assert found["after a kill"] == ["not analysable", "proved"]
    assert tuple(found["started again"]) == COMMAND[1:]
