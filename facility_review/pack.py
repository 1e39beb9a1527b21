"""The evidence pack of a demonstration campaign: a folder that a stranger can check without this program.

It is an RO-Crate [Soiland-Reyes2022]_ of the Process Run profile: what the journal has of one campaign, its recorded
documents, its files and its report, with a hash of each. The same journal gives the same bytes.

.. [Soiland-Reyes2022] Packaging research artefacts with RO-Crate. Data Science 5(2), 2022. doi:10.3233/DS-210053.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from autolab.core.canonical import plain
from autolab.core.errors import InputError, StorageError
from autolab.journal.audit import Audit, audit
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, TrialRecord
from autolab.report.page import render_report
from autolab.report.table import csv_text
from facility_review.campaigns import CampaignFacts
from facility_review.crate import HASHES, METADATA, CrateFile, crate_metadata
from facility_review.reference import Challenge

__all__ = ["Pack", "choose_campaign", "write_pack"]

_ENDED = frozenset({"finished", "stopped", "failed"})
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
"""Date of every entry of the zip, so that the same journal gives the same bytes."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that was written."""

    folder: Path
    zip: Path | None
    campaign: str
    challenge: str
    realm: str
    files: int
    sha256: str
    """Of its list of hashes: one number that stands for the whole pack."""
    audit_holds: bool
    """Whether the journal agreed with its log when the pack was made."""


def choose_campaign(campaigns: Sequence[CampaignFacts], challenge: Challenge, name: str | None = None) -> CampaignFacts:
    """The campaign to show for a challenge: the one that is named, or the newest that has ended.

    Args:
        campaigns: The lab's campaigns, the oldest first.
        challenge: The challenge.
        name: Id of a campaign, or its unique beginning.

    Raises:
        InputError: there is none, several begin like this, it has not ended, or its file names another challenge.
    """
    if name is not None:
        found = [c for c in campaigns if c.id == name] or [c for c in campaigns if c.id.startswith(name)]
        if len(found) != 1:
            what = "several campaigns begin" if found else "no campaign begins"
            raise InputError(f"{what} with {name!r}; there are: {', '.join(c.id for c in campaigns[-5:]) or 'none'}")
        chosen = found[0]
        if chosen.challenge != challenge.id:
            said = "names no challenge" if chosen.challenge is None else f"is for {chosen.challenge!r}"
            raise InputError(f"campaign {chosen.id} {said}, and a pack for {challenge.id!r} is wanted: name another")
        if chosen.state not in _ENDED:
            raise InputError(f"campaign {chosen.id} is {chosen.state}: end it before its evidence is packed")
        return chosen
    theirs = [c for c in campaigns if c.challenge == challenge.id]
    ended = [c for c in theirs if c.state in _ENDED]
    if ended:
        return ended[-1]
    if theirs:
        raise InputError(f"campaign {theirs[-1].id} is {theirs[-1].state}: end it before its evidence is packed")
    named = sorted({c.challenge for c in campaigns if c.challenge is not None})
    have = f"campaigns of this lab name {', '.join(named)}" if named else "no campaign of this lab names a challenge"
    raise InputError(
        f"no campaign is for {challenge.id!r}: {have}; write 'challenge: {challenge.id}' in a campaign file"
    )


def write_pack(
    data: Path,
    campaign: str,
    challenge: Challenge,
    out: Path,
    as_of: date,
    *,
    more: Mapping[str, str] | None = None,
    marking: str = "",
    zipped: bool = True,
) -> Pack:
    """Write the evidence pack of a campaign, whole or not at all.

    Args:
        data: The data folder.
        campaign: Id of the campaign.
        challenge: What it demonstrates.
        out: Where the pack's folder goes; one of the same name is replaced.
        as_of: Day of the pack.
        more: Texts to add, by their path in the pack.
        marking: How the pack may be handed on, in words.
        zipped: Write a zip of the folder beside it, too.

    Raises:
        InputError: there is no such campaign.
        StorageError: the journal cannot be read, or there is no room or no right to write.
    """
    checked = audit(data, None)
    reader = JournalReader.open(data)
    try:
        record = reader.campaign(campaign)
        trials = reader.trials(record.id)
        files = [*_extract(reader, record, trials), *_more(more or {})]
        ended = max((each.date for trial in trials for each in trial.transitions), default=record.created)
    finally:
        reader.close()
    files.append(_json_file("journal/audit.json", "Comparison of the journal with its log", _portable(checked, data)))
    files.sort(key=lambda file: file.path)
    metadata = crate_metadata(record, ended, challenge, files, as_of, marking)
    folder = out / f"evidence-{record.id}"
    try:
        digest = _write(folder, files, metadata)
        archive = _zip(folder) if zipped else None
    except OSError as error:
        raise StorageError(
            f"{folder}: the pack cannot be written ({error.strerror}); name another folder with --out"
        ) from error
    return Pack(
        folder=folder,
        zip=archive,
        campaign=record.id,
        challenge=challenge.id,
        realm=record.realm,
        files=len(files) + 2,
        sha256=digest,
        audit_holds=not checked.findings,
    )


def _portable(checked: Audit, data: Path) -> Any:
    """What the comparison found, without the place of the data folder on one machine.

    A head is signed together with that place, so its signature, which nobody could check here, stays out.
    """
    said = plain(checked)
    if said["covered"] is not None:
        said["covered"] = {key: item for key, item in said["covered"].items() if key != "signature"} | {"data": "."}
    for key in ("findings", "notes"):
        said[key] = json.loads(_without_place(json.dumps(said[key], ensure_ascii=False), data))
    return said


def _without_place(text: str, data: Path) -> str:
    for place in sorted({str(data.resolve()), str(data)} - {"."}, key=len, reverse=True):
        text = text.replace(f"{place}/", "").replace(place, ".")
    return text


def _extract(reader: JournalReader, record: CampaignRecord, trials: Sequence[TrialRecord]) -> Iterator[CrateFile]:
    """What the journal has of a campaign."""
    # The two files are files of the pack, and the options say where things were on one machine.
    summary = {
        key: value for key, value in plain(record).items() if key not in {"campaign_file", "lab_file", "options"}
    }
    yield _text_file("campaign.yaml", "Campaign file as it was run", record.campaign_file, "application/yaml")
    yield _text_file("lab.yaml", "Lab file as it was run", record.lab_file, "application/yaml")
    yield _json_file("journal/campaign.json", "Campaign: seed, engine, versions, hashes, recommendation", summary)
    yield _json_file(
        "journal/devices.json", "Devices, with what they said of themselves", plain(reader.devices(record.id))
    )
    yield _json_file("journal/trials.json", "Trials with history, verdict, outcome and reason", plain(trials))
    yield _text_file("journal/trials.csv", "Trials as a table", csv_text(record.problem, trials), "text/csv")
    yield _json_file(
        "journal/actions.json", "Actions, each intended before and settled after", plain(reader.intents(record.id))
    )
    yield _json_file("journal/movements.json", "Moves and measurements", plain(reader.movements(record.id)))
    yield _json_file("journal/interventions.json", "What people did", plain(reader.interventions(record.id)))
    yield _json_file("journal/alarms.json", "What interlocks said", plain(reader.alarms(record.id)))
    lines = (json.dumps([name, document], sort_keys=True) for name, document in reader.documents(record.id))
    yield _text_file(
        "documents.jsonl", "Bluesky documents, one a line", "".join(f"{x}\n" for x in lines), "application/jsonl"
    )
    yield _text_file("report.html", "Report of the campaign", render_report(reader, record), "text/html")


def _more(texts: Mapping[str, str]) -> Iterator[CrateFile]:
    for path, text in texts.items():
        yield _text_file(path, "Assessment of the lab" if "assessment" in path else path, text, _kind(path))


def _kind(path: str) -> str:
    kinds = {".json": "application/json", ".html": "text/html", ".csv": "text/csv", ".yaml": "application/yaml"}
    return kinds.get(Path(path).suffix, "text/plain")


def _json_file(path: str, name: str, value: Any) -> CrateFile:
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    return _text_file(path, name, text, "application/json")


def _text_file(path: str, name: str, text: str, kind: str) -> CrateFile:
    content = text.encode()
    return CrateFile(path, name, kind, content, hashlib.sha256(content).hexdigest())


def _write(folder: Path, files: Sequence[CrateFile], metadata: str) -> str:
    """Write the folder beside its place and put it there. Returns the SHA-256 of its list of hashes."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        for file in files:
            path = part / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
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


def _zip(folder: Path) -> Path:
    """A zip of a folder beside it; the same folder gives the same bytes."""
    path = folder.with_name(f"{folder.name}.zip")
    part = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(each for each in folder.rglob("*") if each.is_file()):
                entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _ZIP_DATE)
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, file.read_bytes())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
