"""Files that devices wrote beside the documents: their hashes, taken when the trial had its data, and later checks.

The rows are in the log like all others, so that a file cannot be exchanged together with its hash.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from autolab.core.assets import RESOURCES, files_of, is_on_disk, place_of
from autolab.core.errors import WireError
from autolab.journal.database import Database
from autolab.journal.journal import STATES_FILE, Journal
from autolab.journal.logreading import Finding

__all__ = ["AssetRecord", "assets", "check_assets", "keep_assets"]


@dataclass(frozen=True, slots=True)
class AssetRecord:
    """One file as it was when its trial had its data."""

    campaign: str
    trial: int
    resource: str
    """Uid of the document that names it."""
    path: str
    size: int
    """In bytes."""
    sha256: str

    def state(self, *, by_hash: bool) -> Literal["there", "missing", "changed"]:
        """Whether the file still is what it was: by its size, or by its content too."""
        path = Path(self.path)
        try:
            if path.stat().st_size != self.size or (by_hash and _sha256(path) != self.sha256):
                return "changed"
        except OSError:
            return "missing"
        return "there"


def keep_assets(
    journal: Journal, campaign: str, trial: int, documents: Sequence[tuple[str, Mapping[str, Any]]]
) -> None:
    """Hash the files that the documents of a trial name, and record them.

    Args:
        journal: Keeps the record.
        campaign: Id of the campaign.
        trial: Number of the trial.
        documents: Its documents, as (name, document).

    Raises:
        WireError: a document names a file that is not there, or cannot be read.
        StorageError: no room or no right to write.
    """
    named = {document["uid"]: document for name, document in documents if name in RESOURCES and is_on_disk(document)}
    if not named:
        return
    hashed = [(uid, file, *_hashed(file)) for uid, document in named.items() for file in _files(document)]
    with journal.commit():
        for uid, file, size, sha256 in hashed:
            values = (campaign, trial, uid, str(file.absolute()), size, sha256, journal.date())
            journal.states.write(
                "INSERT INTO assets (campaign, trial, resource, path, size, sha256, date) VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )


def assets(states: Database, campaign: str | None = None, trial: int | None = None) -> list[AssetRecord]:
    """Files of all campaigns, of one, or of one trial, in the order of recording."""
    columns = "campaign, trial, resource, path, size, sha256"
    chosen = "(?1 IS NULL OR campaign = ?1) AND (?2 IS NULL OR trial = ?2)"
    query = f"SELECT {columns} FROM assets WHERE {chosen} ORDER BY id"  # noqa: S608 (columns and condition are ours)
    return [AssetRecord(**row) for row in states.rows(query, (campaign, trial))]


def check_assets(folder: Path) -> tuple[int, list[Finding]]:
    """Read all files again that trials of a data folder left. Returns how many there are, and what is wrong.

    Raises:
        StorageError: the journal cannot be read.
    """
    with closing(Database(folder / STATES_FILE, "states", read_only=True, stopwatch=time.monotonic)) as states:
        known = assets(states)
    return len(known), list(_findings(known))


def _findings(known: Sequence[AssetRecord]) -> Iterator[Finding]:
    for one in known:
        state = one.state(by_hash=True)
        if state == "missing":
            yield Finding(f"{one.path}: is gone, and trial {one.trial} of {one.campaign} rests on it: put it back")
        elif state == "changed":
            yield Finding(
                f"{one.path}: is not what trial {one.trial} of {one.campaign} recorded: it was changed, or exchanged"
            )


def _files(document: Mapping[str, Any]) -> tuple[Path, ...]:
    files = files_of(document)
    if not files:
        raise WireError(
            f"a device says that its data are in {place_of(document)}, and there is no such file here: mount the "
            "folder into which it writes, or have it write none"
        )
    return files


def _hashed(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_size, _sha256(path)
    except OSError as error:
        raise WireError(f"{path}: a device has written it, and it cannot be read ({error.strerror})") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
