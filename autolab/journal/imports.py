"""Imports: tables of what was measured elsewhere, as campaigns whose trials are their rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autolab.core.canonical import canonical_json, text_of
from autolab.core.imports import IMPORT, IMPORTED, ImportedRow, ReadTable
from autolab.core.principals import Principal
from autolab.core.trials import TrialState
from autolab.journal.database import Database
from autolab.journal.histories import first_moment
from autolab.journal.journal import CampaignStart, Journal

__all__ = ["ImportRecord", "RowKey", "import_of", "import_twice", "row_key", "rows_before", "write_import"]

RowKey = tuple[str, str, str]
"""What tells rows of different tables apart: values, outcome, and barcode."""


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """What is known of a table that was imported."""

    campaign: str
    """The campaign that holds its rows."""
    file: str
    sha256: str
    sheet: str
    columns: Mapping[str, Any]
    """What was taken from where."""
    n_read: int
    n_refused: int
    by: str
    date: str

    def __str__(self) -> str:
        sheet = f", sheet {self.sheet}" if self.sheet else ""
        return f"{self.file}{sheet} (SHA-256 {self.sha256[:12]}), imported by {self.by} on {self.date[:10]}"


def columns_text(table: ReadTable) -> str:
    """What is taken from where, as the record keeps it."""
    return canonical_json({"columns": table.columns, "values": table.constants})


def write_import(journal: Journal, start: CampaignStart, table: ReadTable, by: Principal) -> None:
    """Record a table with all its rows in one commit: each is a trial that begins and ends as *ingested*.

    Args:
        journal: Keeps the record.
        start: Of the campaign that holds the rows.
        table: The rows that are taken.
        by: Who imports it.
    """
    states = journal.states
    with journal.commit():
        journal.start_campaign(start, by)
        states.insert(
            "imports",
            campaign=start.id,
            file=table.file,
            sha256=table.sha256,
            sheet=table.sheet,
            columns=columns_text(table),
            n_read=table.n_read,
            n_refused=table.n_refused,
            principal=journal.principal(by),
            date=journal.date(),
        )
        history = first_moment(TrialState.INGESTED, 0.0, journal.date())
        same = {"campaign": start.id, "state": TrialState.INGESTED, "engine": IMPORT, "realm": start.realm, "seed": 0}
        same |= {"why": f"measured before: in {table.file}", "seen": "[]", "pending": "[]", "history": history}
        columns, known = (*same, "number", "values", "outcome", "source"), tuple(same.values())
        rows = (
            (*known, number, *row_key(row)[:2], canonical_json(row.source)) for number, row in enumerate(table.rows, 1)
        )
        states.insert_many("trials", columns, rows)
        said = f"{len(table.rows)} of {table.n_read} rows of {table.file} were taken"
        journal.end_campaign(start.id, IMPORTED, said, None)


def row_key(row: ImportedRow) -> RowKey:
    """What tells a row from others of the same campaign."""
    return text_of(row.values), canonical_json(row.outcome), row.source.barcode


def import_of(states: Database, campaign: str) -> ImportRecord | None:
    """The table that a campaign holds; None where it holds none."""
    query = "SELECT i.*, p.name AS person FROM imports i JOIN principals p ON p.id = i.principal WHERE i.campaign = ?"
    return next((_record(row) for row in states.rows(query, (campaign,))), None)


def import_twice(states: Database, name: str, lab: str, table: ReadTable) -> ImportRecord | None:
    """The record of the same file, read in the same way for the same campaign; None where there is none."""
    query = (
        "SELECT i.*, p.name AS person FROM imports i JOIN principals p ON p.id = i.principal "
        "JOIN campaigns c ON c.id = i.campaign "
        "WHERE i.sha256 = ? AND i.sheet = ? AND i.columns = ? AND c.name = ? AND c.lab = ?"
    )
    found = states.rows(query, (table.sha256, table.sheet, columns_text(table), name, lab))
    return next((_record(row) for row in found), None)


def rows_before(states: Database, name: str, lab: str) -> tuple[Counter[RowKey], dict[str, str]]:
    """What was imported for a campaign before: how often each row, and the barcodes that the lab knows, with whose.

    Args:
        states: Database of the states.
        name: Of the campaign, as its file says.
        lab: Name of its lab.
    """
    rows = Counter[RowKey]()
    query = (
        "SELECT t.\"values\" AS point, t.outcome, json_extract(t.source, '$.barcode') AS barcode FROM imports i "
        "JOIN campaigns c ON c.id = i.campaign JOIN trials t ON t.campaign = c.id WHERE c.name = ? AND c.lab = ?"
    )
    for row in states.rows(query, (name, lab)):
        rows[row["point"], row["outcome"], row["barcode"]] += 1
    barcodes: dict[str, str] = {}
    known = "SELECT barcode, id AS owner FROM samples WHERE lab = ? AND barcode IS NOT NULL"
    ours = (
        "SELECT json_extract(t.source, '$.barcode') AS barcode, t.campaign || ', trial ' || t.number AS owner "
        "FROM imports i JOIN campaigns c ON c.id = i.campaign JOIN trials t ON t.campaign = c.id "
        "WHERE c.lab = ? AND json_extract(t.source, '$.barcode') <> ''"
    )
    for one in (*states.rows(known, (lab,)), *states.rows(ours, (lab,))):
        barcodes[one["barcode"]] = one["owner"]
    return rows, barcodes


def _record(row: Mapping[str, Any]) -> ImportRecord:
    return ImportRecord(
        row["campaign"],
        row["file"],
        row["sha256"],
        row["sheet"],
        json.loads(row["columns"]),
        row["n_read"],
        row["n_refused"],
        row["person"],
        row["date"],
    )
