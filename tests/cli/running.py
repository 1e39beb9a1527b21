"""Runs the command as a person does: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.warm import WarmCommand

COMMAND = (sys.executable, "-m", "autolab.cli")


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without a data folder of its own, one thread, a fixed width."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AUTOLAB_")}
    return {**kept, "OMP_NUM_THREADS": "1", "COLUMNS": "100", "PYTHONPATH": str(Path.cwd()), **more}


def autolab(*words: str, cwd: Path, seconds: float = 90, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``autolab`` with these words in ``cwd`` and wait for it."""
    process = WarmCommand(words, clean_environment(**environment), cwd=cwd)
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill_group()
        raise
    return subprocess.CompletedProcess(words, process.wait(), out, err)
