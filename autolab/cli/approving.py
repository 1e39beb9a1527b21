"""Commands by which people decide on trials that wait for them: ``approve``, ``refuse``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autolab.cli.options import CampaignId, DataFolder
from autolab.cli.output import say
from autolab.core.errors import InputError

__all__ = ["approve", "refuse"]

As = Annotated[
    str, typer.Option("--as", metavar="NAME", help="Who you are, as the lab file names you; your key proves it.")
]


def approve(
    campaign: CampaignId,
    person: As,
    trial: Annotated[int | None, typer.Argument(metavar="[N]", help="Number of the trial that waits.")] = None,
    envelope: Annotated[
        bool, typer.Option("--envelope", help="Approve the lab file's new envelope instead, for this campaign.")
    ] = False,
    lasts: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long the approval lasts, at most 8 h.")
    ] = "30min",
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Approve a trial that waits for approval, as 'autolab show' shows it. You sign it, and it counts once."""
    from autolab.compose.approving import approve_envelope, approve_trial

    if envelope == (trial is not None):
        raise InputError("say what is approved: the number of a trial, or --envelope")
    said = approve_envelope(data, campaign, person, lasts) if trial is None else None
    say(said or approve_trial(data, campaign, trial or 0, person, lasts))


def refuse(
    campaign: CampaignId,
    trial: Annotated[int, typer.Argument(metavar="N", help="Number of the trial that waits.")],
    person: As,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; it is kept with the trial.")],
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Refuse a trial that waits for approval. It is never run."""
    from autolab.compose.approving import refuse_trial

    say(refuse_trial(data, campaign, trial, person, because))
