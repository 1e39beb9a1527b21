"""The files of a unit: which of them are read, and their hashes.

Whoever reviews a unit reads what somebody else wrote. So a path leads to a plain file in the folder of the unit, or the
file is not read: no path that begins at the root, none with '..', no link that leads out, no device and no pipe.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

__all__ = ["MOST_BYTES", "MOST_READ", "file_hash", "unreadable"]

MOST_BYTES = 2**30
"""Of a file that is hashed, or read line by line."""
MOST_READ = 2**27
"""Of a file that is read into memory as a whole."""


def unreadable(folder: Path, name: str, most: int = MOST_BYTES) -> str | None:
    """Why a file of a unit is not read; None where it may be.

    Args:
        folder: The folder of the unit.
        name: Path of the file from there, as somebody wrote it.
        most: Largest size, in bytes.

    Raises:
        OSError: it is not there, or cannot be looked at.
    """
    advice = f"copy the document into {folder}, and name it from there"
    if "\0" in name or ".." in Path(name).parts:
        return f"a path without '..' is wanted: {advice}"
    real = os.path.realpath(folder / name)
    if not Path(real).is_relative_to(os.path.realpath(folder)):
        return f"lies outside the unit's folder: {advice}"
    found = Path(real).stat()
    if not stat.S_ISREG(found.st_mode):
        return f"is no plain file: {advice}"
    if found.st_size == 0:
        return "is empty (0 bytes), and shows nothing: name the document itself, or leave it out"
    if found.st_size > most:
        return f"has {found.st_size} bytes, and at most {most} are read: name the report, not the raw data"
    return None


def file_hash(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
