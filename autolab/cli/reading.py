"""Commands that read what was recorded: ``list``, ``status``, ``show``, ``report``, ``export``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autolab.cli.options import CampaignId, DataFolder, Json, OneOrNewest, complete_campaign
from autolab.cli.output import columns, say, say_json, tell
from autolab.core.errors import InputError, StorageError

if TYPE_CHECKING:
    from autolab.journal.reader import JournalReader
    from autolab.journal.records import CampaignRecord, TrialRecord

__all__ = ["Format", "export", "list_campaigns", "report", "show", "status"]

DATA = Path("autolab-data")


class Format(StrEnum):
    """Formats of ``export``."""

    CSV = "csv"
    PARQUET = "parquet"
    DOCUMENTS = "documents"
    RO_CRATE = "ro-crate"


def list_campaigns(data: DataFolder = DATA, json: Json = False) -> None:
    """List the campaigns in the data folder, the oldest first."""
    from autolab.cli.describing import campaign_json, campaign_line

    with _journal(data) as reader:
        campaigns = reader.campaigns()
        if json:
            say_json([campaign_json(reader, campaign) for campaign in campaigns])
        elif not campaigns:
            tell(f"{data}: no campaigns")
        else:
            rows = [campaign_line(reader, campaign) for campaign in campaigns]
            say(columns([("campaign", "realm", "state", "trials", "lab", "best"), *rows], right=(3,)))


def status(campaign: OneOrNewest = None, data: DataFolder = DATA, json: Json = False) -> None:
    """Say how a campaign stands: what runs, the best so far, the last trials, and the power of its lab."""
    from autolab.cli.describing import campaign_json, status_text
    from autolab.compose.bypassing import known_bypasses
    from autolab.core.canonical import plain
    from autolab.journal.folder import has_controller
    from safety.bypasswords import bypass_text
    from safety.supply import power_state

    with _journal(data) as reader:
        record = reader.campaign(campaign)
        power, is_controlled = power_state(data, record.lab), has_controller(data)
        bypasses = known_bypasses(reader.states, record.lab)
        if json:
            said = [plain(bypass) for bypass in bypasses]
            more = {"power": power, "bypasses": said, "has_controller": is_controlled}
            say_json({**campaign_json(reader, record), **more})
            return
        for bypass in bypasses:
            say(f"BYPASSED: {bypass_text(bypass)}")
        say(status_text(reader, record))
        if record.state == "running" and not is_controlled:
            say(f"its controller has gone: 'autolab resume {record.id}' goes on, 'autolab stop {record.id}' ends it")
        if power is not None:
            clears = "'autolab reset LAB --because TEXT' clears it"
            latch = "" if power["latch"] is None else f", latched: {power['latch']} ({clears})"
            say(f"power: {power['power']}{latch}")


def show(
    campaign: CampaignId,
    trial: Annotated[
        int | None, typer.Option("--trial", metavar="N", help="One trial, with its whole history.")
    ] = None,
    data: DataFolder = DATA,
    json: Json = False,
) -> None:
    """Show a campaign's trials, or one trial with its history."""
    from autolab.cli import describing
    from autolab.journal.judgements import last_judgement
    from autolab.report.provenance import provenance

    with _journal(data) as reader:
        record = reader.campaign(campaign)
        trials = reader.trials(record.id)
        if trial is None:
            as_json = {
                **describing.campaign_json(reader, record),
                "trials": [describing.trial_json(record, each) for each in trials],
            }
            say_json(as_json) if json else say(describing.campaign_text(reader, record, trials))
            return
        one = _one(record, trials, trial)
        intents = reader.intents(record.id, trial)
        people = [done for done in reader.interventions(record.id) if done.trial == trial]
        origin, judgement = provenance(reader, record, one), last_judgement(reader.states, record.id, trial)
        if json:
            say_json(describing.trial_json(record, one, intents, people, origin, judgement))
        else:
            say(describing.trial_text(record, one, intents, people, origin, judgement))


def report(
    campaigns: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...",
            help="Ids of campaigns, or their beginnings; the newest by default.",
            autocompletion=complete_campaign,
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")] = None,
    data: DataFolder = DATA,
) -> None:
    """Write a campaign's report, or compare several: one HTML file that needs nothing else. Says where it is."""
    from autolab.report.comparison import write_comparison
    from autolab.report.page import write_report

    with _journal(data) as reader:
        records = [reader.campaign(each) for each in campaigns or [None]]
        name = records[0].id if len(records) == 1 else f"comparison-{'-'.join(record.key for record in records)}"
        path = output or data / "reports" / f"{name}.html"
        if len(records) == 1:
            say(str(write_report(reader, records[0], path)))
        else:
            say(str(write_comparison(reader, records, path)))


def export(
    campaign: OneOrNewest = None,
    written_as: Annotated[
        Format,
        typer.Option(
            "--format",
            metavar="csv|parquet|documents|ro-crate",
            help="csv, parquet (needs pyarrow), the Bluesky documents, one a line, or all of it as an RO-Crate.",
        ),
    ] = Format.CSV,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to write it; - for standard output.")
    ] = "-",
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="NAME", help="Give the documents to this subscriber of the lab file instead."),
    ] = None,
    data: DataFolder = DATA,
) -> None:
    """Export a campaign's trials, one row each (parameters, outcomes, verdicts, lab times), its documents, or all."""
    if to is not None or written_as is Format.DOCUMENTS:
        _export_documents(campaign, written_as, output, to, data)
        return
    if written_as is Format.RO_CRATE:
        _export_crate(campaign, output, data)
        return
    with _journal(data) as reader:
        record = reader.campaign(campaign)
        trials = reader.trials(record.id)
    if written_as is Format.PARQUET:
        _export_parquet(record, trials, output)
        return
    from autolab.report.table import csv_text

    text = csv_text(record.problem, trials)
    if output == "-":
        say(text.removesuffix("\n"))
        return
    _write_whole(Path(output), lambda part: part.write_bytes(text.encode()))
    tell(f"{len(trials)} trials written to {output}")


def _export_documents(campaign: str | None, written_as: Format, output: str, to: str | None, data: Path) -> None:
    """Write the documents of a campaign as lines of JSON, or give them to a subscriber."""
    from autolab.report.documents import lines_of, write_lines

    if written_as is not Format.DOCUMENTS or (to is not None and output != "-"):
        raise InputError("--to goes with --format documents, and without --output")
    if to is not None:
        from autolab.compose.replaying import replay

        tell(f"{replay(data, campaign, to)} documents given to {to}")
        return
    with _journal(data) as reader:
        record = reader.campaign(campaign)
        lines = lines_of(reader.documents(record.id))
        if output == "-":
            for line in lines:
                say(line)
            return
        _write_whole(Path(output), lambda part: write_lines(part, lines))
    tell(f"the documents of {record.id} are written to {output}")


def _export_crate(campaign: str | None, output: str, data: Path) -> None:
    """Write the RO-Crate of a campaign."""
    from autolab.core.clock import real_clock
    from autolab.report.archive import write_archive

    if output == "-":
        raise InputError("an RO-Crate is a folder: name a new one, or a file that ends with .zip, with --output")
    found = write_archive(data, campaign, Path(output), real_clock().date().date())
    tell(f"{found.record.id} with {len(found.files)} files is written to {output}")
    if not found.audit_holds:
        tell("note: its journal does not agree with its log: 'autolab audit verify' says where")


def _export_parquet(record: CampaignRecord, trials: list[TrialRecord], output: str) -> None:
    from autolab.report.table import write_parquet

    if output == "-":
        raise InputError("Parquet is not text: name a file with --output FILE, or use --format csv")
    _write_whole(Path(output), lambda part: write_parquet(record.problem, trials, part))
    tell(f"{len(trials)} trials written to {output}")


def _write_whole(path: Path, write: Any) -> None:
    """Write a file whole or not at all.

    Raises:
        StorageError: no room or no right to write.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        write(part)
        part.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror}); name another file with --output") from error
    finally:
        if part.exists():
            part.unlink()


def _one(record: CampaignRecord, trials: list[TrialRecord], number: int) -> TrialRecord:
    for trial in trials:
        if trial.number == number:
            return trial
    known = f"its trials are 1 to {trials[-1].number}" if trials else "it has no trials"
    raise InputError(f"campaign {record.id} has no trial {number}; {known}")


@contextmanager
def _journal(data: Path) -> Iterator[JournalReader]:
    from autolab.journal.reader import JournalReader

    reader = JournalReader.open(data)
    try:
        yield reader
    finally:
        reader.close()
