"""Options that several commands share."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Annotated, Any

import typer

from autolab.core.errors import InputError

__all__ = ["ActingAs", "CampaignId", "DataFolder", "Json", "OneOrNewest", "complete_campaign", "existing"]

STATES_FILE = "journal.sqlite"
"""As `autolab.journal.journal.STATES_FILE`, which is too heavy for completion (a test holds the two together)."""


def complete_campaign(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids of the campaigns in the data folder that begin with ``incomplete``, the newest first."""
    return [name for name in campaign_ids(_data_of(ctx)) if name.startswith(incomplete)]


def campaign_ids(data: Path) -> list[str]:
    """Ids of the campaigns in a data folder, the newest first; none where it cannot be read."""
    try:
        connection = sqlite3.connect(f"{(data / STATES_FILE).absolute().as_uri()}?mode=ro", uri=True, timeout=0.5)
    except sqlite3.Error:
        return []
    try:
        return [row[0] for row in connection.execute("SELECT id FROM campaigns ORDER BY rowid DESC LIMIT 200")]
    except sqlite3.Error:
        return []
    finally:
        connection.close()


def existing(data: Path) -> Path:
    """A data folder that a person has named, where it is there.

    Raises:
        InputError: it is not.
    """
    if not data.is_dir():
        raise InputError(
            f"--data {data}: there is no such folder: name the one that 'autolab run' wrote, or leave it out"
        )
    return data


def _data_of(ctx: Any) -> Path:
    import os

    given = ctx.params.get("data")
    return Path(given or os.environ.get("AUTOLAB_DATA") or "autolab-data")


DataFolder = Annotated[
    Path,
    typer.Option("--data", envvar="AUTOLAB_DATA", file_okay=False, metavar="DIR", help="Folder that holds the data."),
]
ActingAs = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="Who you are, as the lab file names you; your key proves it."),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for a program.")]
CampaignId = Annotated[
    str,
    typer.Argument(metavar="ID", help="Id of a campaign, or its beginning.", autocompletion=complete_campaign),
]
OneOrNewest = Annotated[
    str | None,
    typer.Argument(
        metavar="[ID]",
        help="Id of a campaign, or its beginning; the newest by default.",
        autocompletion=complete_campaign,
    ),
]
