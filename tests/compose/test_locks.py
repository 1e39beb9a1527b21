"""Locks on devices: one controller at a time, whatever data folder it uses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autolab.compose.locks import holding
from autolab.core.errors import InputError

STAGE = {"stage": "epics BENCH:STAGE:"}


def test_a_device_that_another_controller_holds_is_refused_naming_it(tmp_path: Path) -> None:
    with holding(STAGE, "process 12 of ada, data in /data/one", tmp_path):
        with pytest.raises(InputError) as refusal, holding(STAGE, "process 13 of bob", tmp_path):
            pass
        assert str(refusal.value) == (
            "stage (epics BENCH:STAGE:): another controller holds this device: process 12 of ada, data in /data/one; "
            "wait until its campaign has ended, or pause it"
        )


def test_all_devices_that_are_held_are_named_together_and_none_is_taken(tmp_path: Path) -> None:
    both = {"stage": "epics A:", "arm": "tcp://arm:5555", "pump": "/dev/ttyUSB0"}
    with holding({"stage": "epics A:", "arm": "tcp://arm:5555"}, "the first", tmp_path):
        with pytest.raises(InputError) as refusal, holding(both, "the second", tmp_path):
            pass
        assert [line.split(" ", 1)[0] for line in str(refusal.value).splitlines()] == ["stage", "arm"]
        with holding({"pump": "/dev/ttyUSB0"}, "the third", tmp_path):
            pass


def test_a_lock_is_free_again_when_its_holder_has_ended_and_leaves_no_file(tmp_path: Path) -> None:
    with holding(STAGE, "the first", tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
    with holding(STAGE, "the second", tmp_path):
        pass


def test_a_lock_is_free_again_when_its_holder_was_killed(tmp_path: Path) -> None:
    script = (
        "import sys, signal\n"
        "from pathlib import Path\n"
        "from autolab.compose.locks import holding\n"
        f"with holding({STAGE!r}, 'doomed', Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    signal.pause()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(InputError, match="doomed"), holding(STAGE, "the second", tmp_path):
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with holding(STAGE, "the second", tmp_path):
        pass
