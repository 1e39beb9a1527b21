"""All that the journal has of one campaign, as the files of a crate. The same journal gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from autolab.core.canonical import plain
from autolab.core.errors import InputError, IntegrityError, StorageError
from autolab.journal.assets import AssetRecord, assets
from autolab.journal.audit import Audit, audit
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, TrialRecord
from autolab.report.crate import (
    HASHES,
    CrateFile,
    crate_metadata,
    json_file,
    text_file,
    where_text,
    write_folder,
    zip_folder,
)
from autolab.report.documents import lines_of
from autolab.report.page import render_report
from autolab.report.table import csv_text

__all__ = ["Archive", "archive", "write_archive"]


@dataclass(frozen=True, slots=True)
class Archive:
    """The files of one campaign."""

    record: CampaignRecord
    ended: str
    """Date and time of its last record."""
    files: tuple[CrateFile, ...]
    """By their paths."""
    audit_holds: bool
    """Whether the journal agreed with its log."""


def archive(data: Path, campaign: str | None) -> Archive:
    """Gather what the journal has of a campaign, and the files that its devices wrote.

    Args:
        data: The data folder.
        campaign: Id of the campaign, or its beginning; None for the newest.

    Raises:
        InputError: there is no such campaign.
        IntegrityError: a file of a device is gone, or is not what was recorded.
        StorageError: the journal cannot be read.
    """
    checked = audit(data, None)
    with closing(JournalReader.open(data)) as reader:
        record = reader.campaign(campaign)
        trials = reader.trials(record.id)
        files = [*_extract(reader, record, trials), *_written(assets(reader.states, record.id))]
    ended = max((each.date for trial in trials for each in trial.transitions), default=record.created)
    files.append(json_file("journal/audit.json", "Comparison of the journal with its log", _portable(checked, data)))
    return Archive(record, ended, tuple(sorted(files, key=lambda file: file.path)), not checked.findings)


def write_archive(data: Path, campaign: str | None, path: Path, as_of: date) -> Archive:
    """Write the crate of a campaign, whole or not at all.

    Args:
        data: The data folder.
        campaign: Id of the campaign, or its beginning; None for the newest.
        path: Where it goes: a new folder, or a file that ends with ``.zip``.
        as_of: Day of the crate.

    Raises:
        InputError: there is no such campaign, or the folder is there already.
        IntegrityError: a file of a device is gone, or is not what was recorded.
        StorageError: the journal cannot be read, or there is no room or no right to write.
    """
    if path.exists() and path.suffix != ".zip":
        raise InputError(f"{path}: is there already: name a new folder, or a file that ends with .zip")
    found = archive(data, campaign)
    record = found.record
    title = f"Campaign {record.name} in {record.lab} ({record.realm})"
    description = (
        f"What the journal of {record.lab} ({record.laboratory}) has of one campaign that ran {where_text(record)}. "
        f"The hashes of all files stand in {HASHES}."
    )
    metadata = crate_metadata(record, found.ended, title, description, found.files, as_of)
    try:
        if path.suffix != ".zip":
            write_folder(path, found.files, metadata)
            return found
        with TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as scratch:
            folder = Path(scratch) / path.stem
            write_folder(folder, found.files, metadata)
            zip_folder(folder, path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror}); name another one with --output") from error
    return found


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
    yield text_file("campaign.yaml", "Campaign file as it was run", record.campaign_file, "application/yaml")
    yield text_file("lab.yaml", "Lab file as it was run", record.lab_file, "application/yaml")
    yield json_file("journal/campaign.json", "Campaign: seed, engine, versions, hashes, recommendation", summary)
    yield json_file(
        "journal/devices.json", "Devices, with what they said of themselves", plain(reader.devices(record.id))
    )
    yield json_file("journal/trials.json", "Trials with history, verdict, outcome and reason", plain(trials))
    yield text_file("journal/trials.csv", "Trials as a table", csv_text(record.problem, trials), "text/csv")
    yield json_file(
        "journal/actions.json", "Actions, each intended before and settled after", plain(reader.intents(record.id))
    )
    yield json_file("journal/movements.json", "Moves and measurements", plain(reader.movements(record.id)))
    yield json_file("journal/interventions.json", "What people did", plain(reader.interventions(record.id)))
    yield json_file("journal/alarms.json", "What interlocks said", plain(reader.alarms(record.id)))
    lines = lines_of(reader.documents(record.id))
    yield text_file(
        "documents.jsonl", "Bluesky documents, one a line", "".join(f"{x}\n" for x in lines), "application/jsonl"
    )
    yield text_file("report.html", "Report of the campaign", render_report(reader, record), "text/html")


def _written(files: Sequence[AssetRecord]) -> Iterator[CrateFile]:
    """The files that devices wrote, as they were recorded.

    Raises:
        IntegrityError: one is gone, or is not what was recorded.
    """
    for number, one in enumerate(files, 1):
        state = one.state(by_hash=True)
        if state != "there":
            raise IntegrityError(
                f"{one.path}: is {state}, and trial {one.trial} of {one.campaign} rests on it: put it back, then export"
            )
        path = Path(one.path)
        name = f"files/trial-{one.trial}/{number:05d}-{path.name}"
        yield CrateFile(name, f"Recorded in trial {one.trial}", "application/octet-stream", path, one.size, one.sha256)
