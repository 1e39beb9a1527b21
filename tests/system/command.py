"""The ``autolab`` command as a person runs it: in a process of its own, with a data folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PATIENCE_S = 100.0


def autolab(*arguments: object, data: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        _command(arguments), env=_environment(data), capture_output=True, text=True, timeout=PATIENCE_S, **options
    )


def started(*arguments: object, data: Path) -> subprocess.Popen[str]:
    """Start a command, and leave it running."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        _command(arguments), env=_environment(data), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
    )


def line_with(process: subprocess.Popen[str], words: str) -> str:
    """The first line of standard error that contains ``words``; fails the test when the process ends before."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if words in line:
            return line
    raise AssertionError(f"{words!r} was never said:\n{''.join(seen)}")


def campaigns(data: Path) -> list[dict[str, Any]]:
    """What ``autolab list --json`` says."""
    return json.loads(autolab("list", "--json", data=data).stdout)


def _command(arguments: tuple[object, ...]) -> list[str]:
    return [sys.executable, "-m", "autolab.cli", *map(str, arguments)]


def _environment(data: Path) -> dict[str, str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith("EPICS_")}
    return {**plain, "AUTOLAB_DATA": str(data), "OMP_NUM_THREADS": "1"}
