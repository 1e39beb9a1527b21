"""Simulator processes: all start or none does, each ends when asked, and none outlives its parent."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from autolab.core.errors import InputError, InputErrors, NotConnectedError
from simulators.launch import start_all
from simulators.serve import ServeRequest
from tests.rigs import until

ANY_PORT = {"zmq": "tcp://127.0.0.1:*"}


def arm(folder: Path, device: str = "arm", **changes: object) -> ServeRequest:
    return ServeRequest(
        **{"class_name": "simulators.robots.ArmServer", "device": device, "folder": folder, "at": ANY_PORT, **changes}
    )  # type: ignore[arg-type]


def none_left(folder: Path) -> bool:
    return not [p for p in psutil.process_iter() if str(folder) in " ".join(_command(p))]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_request_is_read_as_it_was_written(tmp_path: Path) -> None:
    request = arm(
        tmp_path, seed=3, factor=2.0, materials={"cyan": 5.0}, labware={"strip": (("a", "b"), 24)}, options={"x": 1}
    )
    assert ServeRequest.from_json(request.to_json()) == request


@pytest.mark.parametrize("text", ["", "[]", "{}", "5", '{"class": "a.B", "device": "d", "folder": "/none", "at": {}}'])
def test_a_request_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        ServeRequest.from_json(text)


def test_several_start_at_once_and_end_together(tmp_path: Path) -> None:
    running = start_all([arm(tmp_path, "one"), arm(tmp_path, "two")])
    try:
        endpoints = {address["zmq"] for address in running.addresses.values()}
        assert len(endpoints) == 2
        assert all(endpoint.startswith("tcp://127.0.0.1:") for endpoint in endpoints)
    finally:
        running.stop()
    running.stop()
    assert none_left(tmp_path)


def test_where_one_refuses_none_is_left_running(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two: transfer_s must be a finite number above zero"):
        start_all([arm(tmp_path, "one"), arm(tmp_path, "two", options={"transfer_s": -1})])
    assert none_left(tmp_path)


def test_all_refusals_are_reported_together(tmp_path: Path) -> None:
    wrong = [arm(tmp_path, name, class_name="simulators.robots.Nothing") for name in ("one", "two")]
    with pytest.raises(InputErrors) as refused:
        start_all(wrong)
    assert str(refused.value).count("cannot be imported") == 2


def test_an_option_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not take its options"):
        start_all([arm(tmp_path, options={"speed": 3})])


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(InputError, match=f"{endpoint}: cannot be bound"):
            start_all([arm(tmp_path, at={"zmq": endpoint})])


def test_a_simulator_listens_on_loopback_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="loopback only"):
        start_all([arm(tmp_path, at={"zmq": "tcp://0.0.0.0:*"})])


def test_two_simulators_of_one_device_are_refused(tmp_path: Path) -> None:
    running = start_all([arm(tmp_path)])
    try:
        with pytest.raises(InputError, match="a simulator of this device already runs"):
            start_all([arm(tmp_path)])
    finally:
        running.stop()


def test_two_simulators_on_one_line_are_refused(tmp_path: Path) -> None:
    line = {"serial": str(tmp_path / "line.tty")}
    requests = [
        arm(tmp_path, name, class_name="simulators.dispensers.DispenserServer", at=line, options={"channels": ["cyan"]})
        for name in ("one", "two")
    ]
    running = start_all(requests[:1])
    try:
        assert running.addresses["one"] == line
        with pytest.raises(InputError, match="another simulator serves this line"):
            start_all(requests[1:])
    finally:
        running.stop()
    assert not (tmp_path / "line.tty").is_symlink()


def test_a_file_in_the_way_of_a_line_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "line.tty"
    path.write_text("mine", encoding="utf-8")
    options = {"channels": ["cyan"]}
    with pytest.raises(InputError, match="in the way"):
        start_all(
            [
                arm(
                    tmp_path,
                    class_name="simulators.dispensers.DispenserServer",
                    at={"serial": str(path)},
                    options=options,
                )
            ]
        )
    assert path.read_text(encoding="utf-8") == "mine"


def test_one_that_is_never_ready_is_given_up_and_killed(tmp_path: Path) -> None:
    with pytest.raises(NotConnectedError, match="was not ready in time"):
        start_all([arm(tmp_path)], timeout_s=0.0)
    assert none_left(tmp_path)


def test_it_ends_when_its_standard_input_closes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulators.serve", arm(tmp_path).to_json()]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "zmq" in json.loads(process.stdout.readline())
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from simulators.launch import start_all; from simulators.serve import ServeRequest;"
        "r = start_all([ServeRequest.from_json(sys.argv[1])]); print(r.pids['arm'], flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, arm(tmp_path).to_json()]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
    finally:
        parent.kill()
        parent.communicate()
    until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE, "its end")


def test_wrong_usage_is_one_line_and_exit_code_two() -> None:
    done = subprocess.run([sys.executable, "-m", "simulators.serve"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
