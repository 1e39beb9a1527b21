"""The four tables of an assessment as CSV (RFC 4180): criteria, gaps, evidence, standards."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, cast

from facility_review.document import AssessmentDocument
from facility_review.parts import Part

__all__ = ["TABLES", "csv_tables"]

TABLES: dict[str, tuple[str, ...]] = {
    "criteria": (
        "id", "dimension", "title", "is_key", "weight", "is_applicable", "score", "interval_low", "interval_high",
        "raw", "caps", "evidence_class", "realm", "n", "window_days", "metric", "value", "unit", "step", "reason",
        "evidence", "notes", "standards", "eo_clauses",
    ),
    "gaps": (
        "gap_id", "unit_id", "criterion", "gate", "kind", "current_score", "current_class", "target_score",
        "missing_step_or_delta", "evidence_needed", "entry", "action", "command", "is_quick", "effort_class",
        "person_days_low", "person_days_high", "lead_time_days_low", "lead_time_days_high", "depends_on",
        "level_unlocked",
        "delta_dimension", "delta_p_level", "priority", "priority_class", "standards", "eo_clauses", "status",
        "opened_at", "due_date",
    ),
    "evidence": (
        "id", "subject", "evidence_class", "made_class", "realm", "method", "source", "query", "sha256", "integrity",
        "tool", "tool_version", "collected", "seen_on", "counts_until", "n", "successes", "value", "step", "fact",
        "interval_low", "interval_high", "unit_of_measure", "collector", "attestor", "independence", "marking",
        "supersedes", "runs", "reasons", "notes",
    ),
    "standards": (
        "interface_or_practice", "layer", "standard_used", "edition", "conformance", "effect", "criteria",
    ),
}  # fmt: skip
"""Columns of each table."""


def csv_tables(document: AssessmentDocument) -> dict[str, str]:
    """The tables by name. An empty cell is something that is not known; lists are joined with ``; ``."""
    rows: dict[str, Sequence[Part]] = {
        "criteria": document.criteria,
        "gaps": document.gaps.items,
        "evidence": document.evidence_index,
        "standards": document.standards_register,
    }
    return {name: _table(columns, rows[name]) for name, columns in TABLES.items()}


def _table(columns: tuple[str, ...], parts: Iterable[Part]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(_row(part.model_dump(mode="json")) for part in parts)
    return stream.getvalue()


def _row(plain: dict[str, Any]) -> dict[str, str]:
    cells: dict[str, str] = {}

    for key, value in plain.items():
        if key in ("interval", "person_days", "lead_time_days"):
            low, high = value or (None, None)
            cells |= {f"{key}_low": _cell(low), f"{key}_high": _cell(high)}
        elif key == "caps":
            cells[key] = "; ".join(f"{cap['limit']:g}: {cap['reason']}" for cap in value)
        else:
            cells[key] = _cell(value)
    return cells


def _cell(value: Any) -> str:
    """A value as text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(map(_cell, cast("list[Any]", value)))
    if isinstance(value, str):
        return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return repr(value)  # as JSON has it
    return json.dumps(value)
