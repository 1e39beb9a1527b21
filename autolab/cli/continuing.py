"""Commands for a campaign that has begun: ``resume``, ``pause``, ``stop``, ``reset``, ``settle``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autolab.cli.options import ActingAs, CampaignId, DataFolder, Json, complete_campaign
from autolab.cli.output import columns, say, say_json
from autolab.core.errors import InputError

__all__ = ["pause", "reset", "resume", "settle", "stop"]


def resume(
    campaign: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="Id of a campaign, or its beginning; without one, what can be resumed is listed.",
            autocompletion=complete_campaign,
        ),
    ] = None,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Go on although the campaign or lab file has changed.")
    ] = False,
    calibrate: Annotated[
        list[str] | None,
        typer.Option("--calibrate", metavar="NAME", help="A calibration to perform first, however it stands."),
    ] = None,
    person: ActingAs = None,
    data: DataFolder = Path("autolab-data"),
    json: Json = False,
) -> None:
    """Go on with a campaign where it was interrupted. What was done is not done again."""
    if campaign is None:
        _list(data, json=json)
        return
    from autolab.cli.execution import execute_resume

    asked = tuple(calibrate or ())
    raise typer.Exit(
        execute_resume(data, campaign, accept_changes=accept_changes, person=person, calibrate=asked, json=json)
    )


def pause(campaign: CampaignId, data: DataFolder = Path("autolab-data")) -> None:
    """Pause a running campaign before its next action. 'autolab resume' goes on."""
    from autolab.compose.settling import ask

    say(ask(data, campaign, "pause", now=False))


def stop(
    campaign: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="Id of a campaign, or its beginning; not needed with --now where a relay takes the power away.",
            autocompletion=complete_campaign,
        ),
    ] = None,
    now: Annotated[
        bool,
        typer.Option(
            "--now",
            help="Emergency stop: the relay takes the power away, also where no controller answers. "
            "In a lab without 'power': stop the devices in the middle of what they do.",
        ),
    ] = False,
    data: DataFolder = Path("autolab-data"),
) -> None:
    """End a campaign for good, before its next action, in the lab's safe state; with --now, stop everything at once."""
    from safety.supply import press_all

    if now and press_all(data, "autolab stop --now"):
        say("stopping")
        return
    if campaign is None:
        raise InputError("name the campaign that is to end; 'autolab list' shows them")
    from autolab.compose.ending import end_for_good
    from autolab.compose.resuming import campaign_record
    from autolab.compose.settling import ask

    if campaign_record(data, campaign).state != "running":
        say(end_for_good(data, campaign))
        return
    try:
        say(ask(data, campaign, "stop", now=now))
    except InputError:
        say(end_for_good(data, campaign))


def reset(
    lab: Annotated[Path, typer.Argument(metavar="LAB", help="The lab file.")],
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="What you saw to; it is kept.")],
    person: ActingAs = None,
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Reset a lab after a trip. It is refused where the cause can be seen to be there."""
    from autolab.compose.resetting import reset_lab

    say(reset_lab(data, lab, because, person))


def settle(
    operation: Annotated[str, typer.Argument(metavar="ACTION", help="Id of the action that is in doubt.")],
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="What you saw; it is kept.")],
    done: Annotated[bool, typer.Option("--done", help="It happened.")] = False,
    not_done: Annotated[bool, typer.Option("--not-done", help="It did not happen.")] = False,
    partly: Annotated[bool, typer.Option("--partly", help="It happened in part: the trial has failed.")] = False,
    by_hand: Annotated[bool, typer.Option("--by-hand", help="It did not happen, and you did it yourself.")] = False,
    used: Annotated[
        str | None, typer.Option("--used", metavar="VOLUME", help="What was really used, such as '40 uL'.")
    ] = None,
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Say what became of an action that nobody but a person can answer for."""
    from autolab.compose.settling import settle_action
    from autolab.core.principals import local_person

    if [done, not_done, partly, by_hand].count(True) != 1:
        raise InputError("say exactly one of --done, --not-done, --partly and --by-hand")
    if used is not None and not_done:
        raise InputError("--used: what was not done has used nothing; if liquid is gone, say --partly")
    state = "void" if not_done else "failed" if partly else "done"
    evidence = f"done by hand: {because}" if by_hand and because.strip() else because
    settle_action(data, operation, state, evidence, local_person(), used)
    answer = "done" if done else "not done" if not_done else "done in part" if partly else "done by hand"
    say(f"{operation} is settled as {answer}. Go on with 'autolab resume'.")


def _list(data: Path, *, json: bool) -> None:
    from autolab.compose.resuming import RESUMABLE
    from autolab.journal.reader import JournalReader

    reader = JournalReader.open(data)
    try:
        found = [record for record in reader.campaigns() if record.state in RESUMABLE]
    finally:
        reader.close()
    if json:
        say_json([{"campaign": c.id, "state": c.state, "reason": c.reason} for c in found])
    elif not found:
        say("Nothing can be resumed: every campaign in this folder has ended.")
    else:
        rows = [(c.id, c.state, c.reason or "its controller is gone, or still running") for c in found]
        say(columns([("campaign", "state", "why it stopped"), *rows]))
