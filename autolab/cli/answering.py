"""How people answer what a campaign asks them: the command ``answer``, and the campaign's own terminal."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from autolab.cli.options import ActingAs, CampaignId, DataFolder
from autolab.cli.output import say, tell
from autolab.core.errors import AutolabError, InputError

__all__ = ["answer", "hear_lines"]


def answer(
    campaign: CampaignId,
    results: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE…]", help="What you typed in or scanned, numbers with their unit."),
    ] = None,
    done: Annotated[bool, typer.Option("--done", help="It is done; for what asks for no result.")] = False,
    failed: Annotated[
        str | None, typer.Option("--failed", metavar="TEXT", help="It could not be done, and why: the trial fails.")
    ] = None,
    trial: Annotated[
        int | None, typer.Option("--trial", metavar="N", help="The trial that asks, where several do.")
    ] = None,
    person: ActingAs = None,
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Answer what a campaign asks a person. 'autolab status' says what that is."""
    from autolab.compose.answering import answer_question

    if sum((bool(results), done, failed is not None)) != 1:
        raise InputError("say one thing: the results, --done, or --failed TEXT")
    if failed is not None and not failed.strip():
        raise InputError("--failed: say why, such as 'the vial broke'; it is kept with the trial")
    say(answer_question(data, campaign, results or [], trial, failed, person))


def hear_lines(lines: Iterable[str], campaign: Callable[[], str | None], data: Path, person: str | None) -> None:
    """Take the lines typed at the terminal of a running campaign as answers, on a thread, until they end.

    A line has the words of ``autolab answer`` after the campaign: results, ``done``, or ``failed TEXT``; ``3:`` before
    them says which trial is meant.

    Args:
        lines: What is typed.
        campaign: Says which campaign runs; None while it has not started.
        data: The data folder.
        person: Who runs it, as the lab file names them; None for the account.
    """

    def hear() -> None:
        for line in lines:
            if line.strip() and (name := campaign()) is not None:
                try:
                    tell(_answered(line, name, data, person))
                except AutolabError as error:
                    tell(str(error))

    threading.Thread(target=hear, name="autolab-answers", daemon=True).start()


def _answered(line: str, campaign: str, data: Path, person: str | None) -> str:
    from autolab.compose.answering import answer_question

    number, colon, rest = line.partition(":")
    trial = int(number) if colon and number.strip().isdecimal() else None
    try:
        words = shlex.split(line if trial is None else rest)
    except ValueError:
        raise InputError(f"{line.strip()!r}: a quotation mark is missing") from None
    if words and words[0] == "failed":
        return answer_question(data, campaign, [], trial, " ".join(words[1:]) or "no reason was given", person)
    return answer_question(data, campaign, [] if words == ["done"] else words, trial, None, person)
