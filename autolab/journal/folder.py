"""Folders that are still there after a power failure: a new entry is on the disk when its folder was synchronised."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

__all__ = ["CONTROLLER_LOCK", "has_controller", "is_locked", "make_folder", "sync_folder"]


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing.

    Raises:
        OSError: no room or no right to write.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync_folder(folder.parent)


def sync_folder(path: Path) -> None:
    """Return when the entries of a folder are on the disk.

    Raises:
        OSError: it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


CONTROLLER_LOCK = "controller.lock"
"""File in a data folder that its controller holds locked."""


def has_controller(folder: Path) -> bool:
    """Whether a controller works with a data folder now."""
    return is_locked(folder / CONTROLLER_LOCK)


def is_locked(file: Path) -> bool:
    """Whether a process holds a file locked now."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
