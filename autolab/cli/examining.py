"""What ``doctor`` looks at: the installation and the machine, each with what to do where something is missing."""

from __future__ import annotations

import locale
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

__all__ = ["Finding", "examine", "exit_code"]

ENOUGH_DISK = 1 << 30
"""Bytes; a campaign of 1000 trials with spectra takes a tenth of it."""
ENOUGH_SHARED_MEMORY = 64 << 20
SHARED_MEMORY = "/dev/shm"  # noqa: S108 (its room is asked for, nothing is written)
OPTIONAL = {
    "pyarrow": "for 'autolab export --format parquet': pip install 'autolab[parquet]'",
    "ophyd-async": "for ophyd-async devices in a lab file: pip install 'autolab[async]'",
}
LIBRARIES = {
    "EPICS": (
        "import epics; epics.ca.initialize_libca(); print(epics.ca.libca._name)",
        "pip install --force-reinstall pyepics",
    ),
    "serial line": ("import serial; print('pyserial', serial.VERSION)", "pip install --force-reinstall pyserial"),
    "ZeroMQ": ("import zmq; print('libzmq', zmq.zmq_version())", "pip install --force-reinstall pyzmq"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "optional", "missing"]
    found: str
    advice: str = ""
    """What to do; empty where nothing needs to be done."""
    is_storage: bool = False


def examine(data: Path) -> list[Finding]:
    """Look at everything; nothing is changed but for a file that is made and removed in the data folder."""
    return [
        _python(),
        *_packages(),
        *(_library(name, code, advice) for name, (code, advice) in LIBRARIES.items()),
        _disk(data),
        _right_to_write(data),
        _shared_memory(),
        _locale(),
        *_ports(),
        _chromium(),
    ]


def exit_code(findings: Iterable[Finding]) -> int:
    """6 where there is no room or no right to write, 1 where anything else that is needed is missing, else 0."""
    missing = [finding for finding in findings if finding.state == "missing"]
    if any(finding.is_storage for finding in missing):
        return 6
    return 1 if missing else 0


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.system()}, {sys.executable}"
    if platform.system() != "Linux":
        return Finding("Python", "optional", found, "the controller is made for Linux; elsewhere nothing is promised")
    return Finding("Python", "ok", found)


def _packages() -> list[Finding]:
    try:
        needed = [r for r in metadata.requires("autolab") or [] if "extra ==" not in r]
    except metadata.PackageNotFoundError:
        return [Finding("autolab", "missing", "it runs from its source only", "install it: pip install .")]
    findings = [Finding("autolab", "ok", metadata.version("autolab"))]
    for requirement in sorted(needed, key=str.lower):
        match = re.match(r"[A-Za-z0-9._-]+", requirement)
        name = match.group() if match else requirement
        version = _version(name)
        if version is None:
            findings.append(Finding(name, "missing", "not installed", f"pip install '{requirement}'"))
        else:
            findings.append(Finding(name, "ok", version))
    for name, advice in OPTIONAL.items():
        version = _version(name)
        findings.append(
            Finding(name, "ok" if version else "optional", version or "not installed", "" if version else advice)
        )
    return findings


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _library(name: str, code: str, advice: str) -> Finding:
    """Load a library in a child process: one that crashes takes nothing with it."""
    try:
        child = subprocess.run(  # noqa: S603 (our own interpreter, our own words)
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(f"{name} library", "missing", f"does not load: {error}", advice)
    if child.returncode:
        why = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
        return Finding(f"{name} library", "missing", f"does not load: {why}", advice)
    return Finding(f"{name} library", "ok", f"loads ({child.stdout.strip()})")


def _disk(data: Path) -> Finding:
    free = shutil.disk_usage(_existing(data)).free
    found = f"{free / 1e9:.1f} GB free for {data}"
    if free < ENOUGH_DISK:
        return Finding("disk", "missing", found, "make room, or choose another disk with --data", is_storage=True)
    return Finding("disk", "ok", found)


def _right_to_write(data: Path) -> Finding:
    place = _existing(data)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        advice = "choose a folder of yours with --data, or AUTOLAB_DATA"
        return Finding(
            "data folder", "missing", f"{place}: no right to write ({error.strerror})", advice, is_storage=True
        )
    return Finding("data folder", "ok", f"{data}" if place == data else f"{data} (made by the first run)")


def _existing(path: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _shared_memory() -> Finding:
    try:
        free = shutil.disk_usage(SHARED_MEMORY).free
    except OSError:
        advice = "torch may need it: mount a tmpfs there"
        return Finding("shared memory", "optional", f"{SHARED_MEMORY} is missing", advice)
    found = f"{free / 1e6:.0f} MB free"
    if free < ENOUGH_SHARED_MEMORY:
        return Finding("shared memory", "optional", found, "in a container, give it more: --shm-size=256m")
    return Finding("shared memory", "ok", found)


def _locale() -> Finding:
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") != "utf8":
        return Finding("locale", "optional", encoding, "set LANG=C.UTF-8, so that µ and ± are shown")
    return Finding("locale", "ok", encoding)


def _ports() -> list[Finding]:
    findings: list[Finding] = []
    for name, kind in (("TCP", socket.SOCK_STREAM), ("UDP", socket.SOCK_DGRAM)):
        what = f"{name} on loopback"
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", 0))
            except OSError as error:
                advice = "simulators listen on 127.0.0.1: allow it in the sandbox or firewall"
                findings.append(Finding(what, "missing", f"no port can be opened ({error.strerror})", advice))
            else:
                findings.append(Finding(what, "ok", "ports can be opened"))
    try:
        ends = os.openpty()
    except OSError as error:
        advice = "simulated serial lines need /dev/ptmx: mount devpts"
        findings.append(Finding("pseudo terminals", "missing", f"none can be opened ({error.strerror})", advice))
    else:
        for end in ends:
            os.close(end)
        findings.append(Finding("pseudo terminals", "ok", "can be opened"))
    return findings


def _chromium() -> Finding:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return Finding("chromium", "ok", path)
    return Finding(
        "chromium", "optional", "not found", "only the project's own browser tests need it: apt install chromium"
    )
