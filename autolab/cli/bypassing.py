"""``bypass``: let an interlock be for a limited time: ask for it, approve it, end it, list what is in force."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from autolab.cli.options import ActingAs, DataFolder, Json
from autolab.cli.output import say, say_json

__all__ = ["approve", "ask", "commands", "end", "list_bypasses"]

DATA = Path("autolab-data")
LabFile = Annotated[Path, typer.Argument(metavar="LAB", help="The lab file.")]
RuleName = Annotated[str, typer.Argument(metavar="RULE", help="Name of the interlock.")]


class BypassGroup(TyperGroup):
    """The group of commands; ``autolab bypass LAB RULE …`` is short for ``autolab bypass ask LAB RULE …``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Add the word that may be left out."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["ask", *args]
        return super().parse_args(ctx, args)


commands = typer.Typer(
    cls=BypassGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Let an interlock be for a limited time; another person approves it.",
)


@commands.callback()
def bypass() -> None:
    """Let an interlock be for a limited time; another person approves it."""


@commands.command("ask")
def ask(
    lab: LabFile,
    rule: RuleName,
    duration: Annotated[str, typer.Option("--for", metavar="TIME", help="For how long, such as 30min; at most 8 h.")],
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; it is kept.")],
    instead: Annotated[
        str, typer.Option("--instead", metavar="TEXT", help="What is done meanwhile about the hazard; it is kept.")
    ],
    person: ActingAs = None,
    data: DataFolder = DATA,
) -> None:
    """Ask for a bypass of an interlock. 'autolab bypass LAB RULE' does the same."""
    from autolab.compose import bypassing

    say(bypassing.ask(data, lab, rule, (duration, because, instead), person))


@commands.command("approve")
def approve(lab: LabFile, rule: RuleName, person: ActingAs = None, data: DataFolder = DATA) -> None:
    """Approve a bypass that another person has asked for. It is in force at once, also in a running campaign."""
    from autolab.compose import bypassing

    say(bypassing.approve(data, lab, rule, person))


@commands.command("end")
def end(lab: LabFile, rule: RuleName, person: ActingAs = None, data: DataFolder = DATA) -> None:
    """End a bypass, or withdraw the request for one."""
    from autolab.compose import bypassing

    say(bypassing.end(data, lab, rule, person))


@commands.command("list")
def list_bypasses(lab: LabFile, data: DataFolder = DATA, json: Json = False) -> None:
    """List the bypasses of a lab that are asked for or in force."""
    from autolab.compose.bypassing import bypasses_of
    from autolab.config.lab import load_lab
    from safety.bypasswords import bypass_text

    spec = load_lab(lab)
    found = bypasses_of(data, spec.name)
    if json:
        say_json([asdict(item) for item in found])
    elif not found:
        say(f"{spec.name}: no interlock is bypassed, and nobody has asked for it")
    for item in () if json else found:
        say(bypass_text(item))
