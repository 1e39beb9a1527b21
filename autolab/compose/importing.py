"""Importing what was measured before: a table is read, judged and shown, and its rows become trials of the record."""

from __future__ import annotations

import gc
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from autolab.compose.earlier import MOST_ROWS
from autolab.compose.environment import environment
from autolab.compose.options import RunOptions
from autolab.compose.running import campaign_id, data_folder
from autolab.config.campaign import load_campaign
from autolab.config.importing import field_names, read_import
from autolab.config.importmap import ImportMap, read_map
from autolab.config.lab import load_lab
from autolab.config.specs import CampaignSpec, LabSpec
from autolab.config.words import listed
from autolab.core.clock import Clock, real_clock
from autolab.core.errors import InputError
from autolab.core.imports import IMPORT, ImportedRow, ReadTable, Refusal
from autolab.core.principals import Principal
from autolab.core.proposing import EngineSpec
from autolab.core.trials import Realm
from autolab.journal.imports import RowKey, import_twice, row_key, rows_before, write_import
from autolab.journal.journal import STATES_FILE, CampaignStart, Journal
from autolab.journal.reader import JournalReader

__all__ = ["ImportWish", "Imported", "import_table", "preview_table"]


@dataclass(frozen=True, slots=True)
class ImportWish:
    """What somebody wants to import."""

    campaign: Path
    """The campaign file: it says what is a parameter, and in which bounds."""
    file: Path
    mapping: Path | None = None
    realm: str | None = None
    """Where the rows were measured; None where the mapping says it."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it."""

    table: ReadTable
    campaign: str | None
    """Id of the campaign that holds the rows; None where nothing was written."""
    realm: str | None


@dataclass(frozen=True, slots=True)
class _Read:
    campaign: CampaignSpec
    lab: LabSpec
    mapping: ImportMap
    table: ReadTable

    @property
    def name(self) -> tuple[str, str]:
        """Names of the campaign and its lab: rows are compared with those that were imported for both."""
        return self.campaign.name, self.lab.name


@contextmanager
def _without_collector() -> Iterator[None]:
    """Look for no reference cycles meanwhile: rows hold none, and to look through 100,000 takes a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_without_collector()
def preview_table(wish: ImportWish, data: Path) -> Imported:
    """Read a table and say what would become of its rows. Nothing is written.

    Raises:
        FileError: the campaign, its lab, the mapping or the table cannot be read.
        InputErrors: several lines of one of them are refused, or columns are missing.
    """
    read = _read(wish)
    table = read.table
    if (data / STATES_FILE).is_file():
        with closing(JournalReader.open(data)) as reader:
            known = import_twice(reader.states, *read.name, table)
            table = _fresh(table, *rows_before(reader.states, *read.name))
        if known is not None:
            table = replace(table, notes=(*table.notes, f"this file is in the record: {known}, as {known.campaign}"))
    return Imported(_too_long(table), None, wish.realm or read.mapping.realm)


@_without_collector()
def import_table(
    wish: ImportWish, data: Path, by: Principal, show: Callable[[ReadTable], None] = lambda _: None
) -> Imported:
    """Read a table, and record the rows that are taken as trials of a campaign of their own, all of them or none.

    Args:
        wish: What to import.
        data: The data folder.
        by: Who wants it.
        show: Is told what was read before anything is written.

    Returns:
        What was read; no campaign where no row is taken.

    Raises:
        FileError: the campaign, its lab, the mapping or the table cannot be read.
        InputErrors: several lines of one of them are refused, or columns are missing.
        InputError: nobody said where the rows were measured, the file was imported before, or a controller runs.
        StorageError: no room or no right to write.
    """
    read = _read(wish)
    realm = wish.realm or read.mapping.realm
    if realm is None:
        realms = listed([one.value for one in reversed(Realm)], "or")
        raise InputError(f"--realm: say where the rows were measured, {realms}: it is kept with each of them")
    clock = real_clock()
    with data_folder(RunOptions(data=data)) as folder, closing(Journal(folder, clock)) as journal:
        known = import_twice(journal.states, *read.name, read.table)
        if known is not None:
            said = f"{known}, and is {known.campaign}: nothing is doubled"
            raise InputError(f"{wish.file}: the same file was imported before: {said}")
        table = _too_long(_fresh(read.table, *rows_before(journal.states, *read.name)))
        show(table)
        if not table.rows:
            return Imported(table, None, realm)
        journal.export_heads(read.lab.heads)
        start = _start(read, table, realm, clock)
        write_import(journal, start, table, by)
    return Imported(table, start.id, realm)


def _read(wish: ImportWish) -> _Read:
    campaign = load_campaign(wish.campaign)
    lab = load_lab(campaign.lab)
    mapping = ImportMap()
    if wish.mapping is not None:
        mapping = read_map(wish.mapping, field_names(campaign.problem))
    return _Read(campaign, lab, mapping, read_import(wish.file, campaign.problem, mapping))


def _too_long(table: ReadTable) -> ReadTable:
    """The table with a note where no campaign will learn from all that it has."""
    if len(table.rows) <= MOST_ROWS:
        return table
    said = f"a campaign learns from at most {MOST_ROWS} rows of one source ('earlier'): import it in parts to name some"
    return replace(table, notes=(*table.notes, said))


def _fresh(table: ReadTable, before: Counter[RowKey], barcodes: dict[str, str]) -> ReadTable:
    """The table without the rows that the record has: a file that has grown is imported for its new rows.

    A row that stands there twice, told apart by a column that is not imported, is taken as often as it is new.
    """
    left = Counter(before)
    rows, refused = list[ImportedRow](), list[Refusal]()
    for row in table.rows:
        key = row_key(row) if before else ("", "", "")
        if left[key] > 0:
            left[key] -= 1
            refused.append(Refusal(row.source.row, "", "", "", "it was imported before: nothing is doubled"))
        elif row.source.barcode in barcodes:
            barcode = row.source.barcode
            heading = next(column.heading for column in table.columns if column.name == "barcode")
            said = f"it is the barcode of {barcodes[barcode]}: a sample has one of its own"
            refused.append(Refusal(row.source.row, heading, barcode, "once", said))
        else:
            rows.append(row)
    if not refused:
        return table
    everything = sorted((*table.refused, *refused), key=lambda refusal: refusal.row)
    return replace(table, rows=tuple(rows), refused=tuple(everything))


def _start(read: _Read, table: ReadTable, realm: str, clock: Clock) -> CampaignStart:
    campaign, lab, key = read.campaign, read.lab, secrets.token_hex(4)
    identity = campaign_id(replace(campaign, name=f"{campaign.name}-import"), clock, key)
    return CampaignStart(
        id=identity,
        key=key,
        name=campaign.name,
        lab=lab.name,
        laboratory=lab.laboratory,
        realm=realm,
        bench=identity,
        seed=0,
        engine=EngineSpec(IMPORT),
        lanes=1,
        budget_trials=len(table.rows),
        problem=campaign.problem,
        campaign_file=campaign.source.text,
        campaign_hash=campaign.content_hash,
        lab_file=lab.source.text,
        lab_hash=lab.content_hash,
        environment=environment(),
        devices=(),
    )
