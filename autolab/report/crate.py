"""RO-Crates of campaigns: folders with metadata and hashes that a stranger can read without this program.

The metadata follow RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) and its profile of one process run
(https://w3id.org/ro/wfrun/process/0.5): the campaign is the action, autolab is its instrument. [Soiland-Reyes2022]_

.. [Soiland-Reyes2022] Packaging research artefacts with RO-Crate. Data Science 5(2), 2022. doi:10.3233/DS-210053.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from autolab.journal.records import CampaignRecord

__all__ = [
    "CRATE",
    "HASHES",
    "METADATA",
    "CrateFile",
    "crate_metadata",
    "json_file",
    "text_file",
    "where_text",
    "write_folder",
    "zip_folder",
]

METADATA = "ro-crate-metadata.json"
HASHES = "manifest-sha256.txt"
"""List of hashes, in the form that ``sha256sum --check`` reads."""
CRATE = "https://w3id.org/ro/crate/1.1"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_STATUS = {
    "finished": "http://schema.org/CompletedActionStatus",
    "stopped": "http://schema.org/CompletedActionStatus",
    "failed": "http://schema.org/FailedActionStatus",
}
"""By state of the campaign; others have not ended."""
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
"""Date of every entry of the zip, so that the same journal gives the same bytes."""


@dataclass(frozen=True, slots=True)
class CrateFile:
    """One file of a crate."""

    path: str
    name: str
    kind: str
    """Media type."""
    content: bytes | Path
    """What is in it, or the file to copy."""
    size: int
    sha256: str

    @property
    def id(self) -> str:
        """Its path as the identity of an entity."""
        return quote(self.path)


def crate_metadata(
    record: CampaignRecord,
    ended: str,
    title: str,
    description: str,
    files: Sequence[CrateFile],
    as_of: date,
    *,
    marking: str = "",
    about: Mapping[str, Any] | None = None,
) -> str:
    """The text of ``ro-crate-metadata.json``.

    Args:
        record: The campaign.
        ended: Date and time of its last record.
        title: Name of the crate.
        description: What it is, in a few sentences.
        files: All other files of the crate but the list of hashes.
        as_of: Day of the crate.
        marking: How it may be handed on, in words.
        about: An entity that it is about besides, with its ``@id``.
    """
    parts = [{"@id": file.id} for file in files]
    terms = {"@id": "#terms", "@type": "CreativeWork", "name": marking or "Terms of use: none recorded"}
    graph: list[dict[str, Any]] = [
        {
            "@id": METADATA,
            "@type": "CreativeWork",
            "conformsTo": {"@id": CRATE},
            "about": {"@id": "./"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": title,
            "description": description,
            "datePublished": as_of.isoformat(),
            "license": {"@id": "#terms"},
            "conformsTo": {"@id": _PROFILE},
            "author": {"@id": "#person"},
            "publisher": {"@id": "#laboratory"},
            **({} if about is None else {"about": {"@id": about["@id"]}}),
            "hasPart": parts,
            "mentions": {"@id": "#campaign"},
        },
        {"@id": _PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        terms,
        *_campaign(record, ended, parts),
        *(() if about is None else (dict(about),)),
        *({**_file(file), "encodingFormat": file.kind} for file in files),
    ]
    crate = {"@context": f"{CRATE}/context", "@graph": graph}
    return json.dumps(crate, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def where_text(record: CampaignRecord) -> str:
    """On what a campaign ran, in words."""
    where = "on simulated devices; nothing in it comes from hardware" if record.realm == "simulated" else "on devices"
    return "partly on stand-ins for hardware" if record.realm == "emulated" else where


def _campaign(record: CampaignRecord, ended: str, parts: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The action, who did it with what, and where."""
    status = _STATUS.get(record.state)
    version = str(record.environment.get("autolab", ""))
    results = [part for part in parts if part["@id"] not in {"campaign.yaml", "lab.yaml"}]
    return [
        {
            "@id": "#campaign",
            "@type": "CreateAction",
            "name": f"Campaign {record.id}",
            "description": record.reason or "",
            "instrument": {"@id": "#autolab"},
            "agent": {"@id": "#person"},
            "object": [{"@id": "campaign.yaml"}, {"@id": "lab.yaml"}],
            "result": results,
            "startTime": record.created,
            **({"endTime": ended, "actionStatus": {"@id": status}} if status else {}),
            "location": {"@id": "#lab"},
        },
        {
            "@id": "#autolab",
            "@type": "SoftwareApplication",
            "name": "autolab",
            "softwareVersion": version,
        },
        {"@id": "#person", "@type": "Person", "name": record.principal, "affiliation": {"@id": "#laboratory"}},
        {"@id": "#laboratory", "@type": "Organization", "name": record.laboratory},
        {"@id": "#lab", "@type": "Place", "name": record.lab, "description": f"realm: {record.realm}"},
    ]


def _file(file: CrateFile) -> dict[str, Any]:
    return {
        "@id": file.id,
        "@type": "File",
        "name": file.name,
        "contentSize": str(file.size),
        "sha256": file.sha256,
    }


def json_file(path: str, name: str, value: Any) -> CrateFile:
    """A file of JSON."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    return text_file(path, name, text, "application/json")


def text_file(path: str, name: str, text: str, kind: str) -> CrateFile:
    """A file of text."""
    content = text.encode()
    return CrateFile(path, name, kind, content, len(content), hashlib.sha256(content).hexdigest())


def write_folder(folder: Path, files: Sequence[CrateFile], metadata: str) -> str:
    """Write the folder beside its place and put it there. Returns the SHA-256 of its list of hashes."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        for file in files:
            path = part / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(file.content, Path):
                shutil.copyfile(file.content, path)
            else:
                path.write_bytes(file.content)
        (part / METADATA).write_text(metadata, encoding="utf-8")
        digests = {file.path: file.sha256 for file in files}
        digests[METADATA] = hashlib.sha256(metadata.encode()).hexdigest()
        hashes = "".join(f"{digests[path]}  {path}\n" for path in sorted(digests)).encode()
        (part / HASHES).write_bytes(hashes)
        if folder.exists():
            shutil.rmtree(folder)
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return hashlib.sha256(hashes).hexdigest()


def zip_folder(folder: Path, path: Path) -> None:
    """Write the zip of a folder, whole or not at all; the same folder gives the same bytes."""
    part = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(each for each in folder.rglob("*") if each.is_file()):
                entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _ZIP_DATE)
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                with file.open("rb") as source, archive.open(entry, "w") as target:
                    shutil.copyfileobj(source, target)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
