"""The command ``explain``: what a campaign's model has learned, and where it does not fit."""

from __future__ import annotations

from pathlib import Path

from autolab.cli.options import DataFolder, Json, OneOrNewest
from autolab.cli.output import columns, say, say_json

__all__ = ["explain"]


def explain(campaign: OneOrNewest = None, data: DataFolder = Path("autolab-data"), json: Json = False) -> None:
    """Say what a campaign's model has learned, how far it can be trusted, and what does not fit."""
    from autolab.compose.explaining import diagnosis_of
    from autolab.core.canonical import plain
    from autolab.report import trusting

    record, found = diagnosis_of(data, campaign)
    if json:
        why = found if isinstance(found, str) else None
        say_json({"campaign": record.id, "diagnosis": None if why else plain(found), "why_not": why})
        return
    if isinstance(found, str):
        say(f"{record.id}: {found}")
        return
    say(f"{record.id}: checked with {found.model}")
    for metric in found.metrics:
        say("")
        say(trusting.trust_text(record.problem, metric))
        say(columns(trusting.role_rows(metric), right=(1, 2)))
        for line in trusting.misfit_lines(metric):
            say(line)
