"""Documents that people bring as evidence: kept beside the lab file under their own names, and never written over."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import unicodedata
from pathlib import Path

from pydantic import Field

from autolab.core.errors import InputError, StorageError
from autolab.server.models import View
from autolab.server.once import ConflictError

__all__ = ["FOLDER", "LARGEST", "Kept", "keep", "take_back", "too_large"]

FOLDER = "evidence"
"""Folder beside the lab file in which they are kept."""
LARGEST = 20 * 2**20
"""Bytes that a document may have."""
LONGEST = 60
"""Characters of a name, less its ending: below what every file system takes, whatever the letters."""
_OTHER = re.compile(r"[^\w. ()+-]")


class Kept(View):
    """A document that is kept."""

    name: str = Field(
        description="As an entry of evidence names it, from the folder of the lab file.", examples=["evidence/walk.csv"]
    )
    size: int = Field(description="In bytes.")
    sha256: str
    is_new: bool = Field(description="False where the same document was there already.")


def keep(folder: Path, name: str, data: bytes) -> Kept:
    """Keep a document.

    Args:
        folder: Folder of the lab file.
        name: What its owner calls it; what is no part of a plain name is taken out.
        data: What is in it.

    Raises:
        InputError: it has no name or kind that is taken, is empty, or too large.
        ConflictError: another one has this name.
        StorageError: no room or no right to write.
    """
    plain = _plain(name)
    if not data:
        raise InputError(f"{plain}: is empty (0 bytes), and shows nothing: bring the document itself")
    if len(data) > LARGEST:
        raise InputError(too_large(plain))
    place = folder / FOLDER
    try:
        place.mkdir(exist_ok=True)
        if Path(os.path.realpath(place)) != Path(os.path.realpath(folder)) / FOLDER:
            raise InputError(f"{plain}: {FOLDER} beside the lab file leads elsewhere: make it a plain folder first")
        is_new = _put(place / plain, data)
    except OSError as error:
        raise StorageError(f"{place / plain}: {error.strerror}: see to room and rights, then bring it again") from error
    return Kept(name=f"{FOLDER}/{plain}", size=len(data), sha256=hashlib.sha256(data).hexdigest(), is_new=is_new)


def take_back(folder: Path, kept: Kept) -> None:
    """Remove what was kept just now for an entry that was refused."""
    if kept.is_new:
        (folder / kept.name).unlink(missing_ok=True)


def too_large(name: str) -> str:
    """Why a document is not taken."""
    return f"{name}: has more than the {LARGEST // 2**20} MiB that are taken: bring the report, not the raw data"


def _plain(name: str) -> str:
    """A name for a file: no folder, nothing hidden, no sign but letters, digits and a few that harm nobody.

    Raises:
        InputError: nothing is left of it, or it is no kind of document.
    """
    from facility_review.stating import DOCUMENTS

    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    stem, _, ending = _OTHER.sub("_", last).strip(" .").rpartition(".")
    if not stem or f".{ending.lower()}" not in DOCUMENTS:
        raise InputError(f"{last[:80]!r} is no document that is taken: its name ends in one of {', '.join(DOCUMENTS)}")
    return f"{stem[:LONGEST]}.{ending.lower()}"


def _put(target: Path, data: bytes) -> bool:
    """Write a file that is not there yet, whole or not at all. False where the same is there already.

    Raises:
        ConflictError: another one is.
        OSError: no room or no right to write.
    """
    descriptor, part = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(part).chmod(0o644)
        os.link(part, target)
    except FileExistsError:
        if target.is_symlink() or not target.is_file() or target.read_bytes() != data:
            raise ConflictError(
                f"{FOLDER}/{target.name} is there already, and is another document: nothing is written over; "
                "give this one another name"
            ) from None
        return False
    finally:
        Path(part).unlink(missing_ok=True)
    return True
