"""The ``autolab`` command as a person runs it: in a process of its own, with a data folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.warm import WarmCommand

PATIENCE_S = 100.0


def autolab(*arguments: object, data: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    process = started(*arguments, data=data)
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill_group()
        raise
    return subprocess.CompletedProcess(list(arguments), process.wait(), out, err)


def started(*arguments: object, data: Path) -> WarmCommand:
    """Start a command in a process group of its own, as a terminal does, and leave it running."""
    return WarmCommand(arguments, _environment(data))


def ctrl_c(process: WarmCommand) -> None:
    """What a terminal does at Ctrl-C: the whole group is interrupted, children included."""
    os.killpg(process.pid, signal.SIGINT)


def line_with(process: WarmCommand, words: str) -> str:
    """The first line of standard error that contains ``words``; fails the test when the process ends before."""
    seen = []
    for line in process.stderr:
        seen.append(line)
        if words in line:
            return line
    raise AssertionError(f"{words!r} was never said:\n{''.join(seen)}")


def campaigns(data: Path) -> list[dict[str, Any]]:
    """What ``autolab list --json`` says."""
    return json.loads(autolab("list", "--json", data=data).stdout)


def _environment(data: Path) -> dict[str, str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith("EPICS_")}
    return {**plain, "AUTOLAB_DATA": str(data), "OMP_NUM_THREADS": "1"}
