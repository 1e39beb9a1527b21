"""Commands about the record itself: ``audit verify``, ``backup``."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autolab.cli.options import DataFolder, Json
from autolab.cli.output import say, say_json, tell
from autolab.core.errors import IntegrityError

if TYPE_CHECKING:
    from autolab.journal.audit import Audit

__all__ = ["backup", "commands", "verify"]

MOST = 20
"""Findings that are said one by one; ``--json`` gives all."""

commands = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Check that the record is what was written.",
)


@commands.callback()
def audit() -> None:
    """Check that the record is what was written."""


@commands.command("verify")
def verify(
    data: DataFolder = Path("autolab-data"),
    heads: Annotated[
        Path | None,
        typer.Option(
            "--heads",
            metavar="FILE",
            help="File to which the lab exports signed heads; without it only those in the data folder are compared.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Compare the journal with its log, with the heads that were signed, and with the files that devices wrote.

    Exit code 0 when all holds, 2 when something was changed.
    """
    from autolab.core.workers import n_processors
    from autolab.journal.assets import check_assets
    from autolab.journal.audit import audit as compare

    found = compare(data, heads, n_processors())
    n_files, wrong = check_assets(data)
    found = replace(found, findings=(*found.findings, *wrong))
    if json:
        say_json(_answer(found))
        raise typer.Exit(IntegrityError.exit_code if found.findings else 0)
    for note in found.notes:
        tell(f"note: {note}")
    if found.findings:
        raise IntegrityError(_complaint(data, found))
    say(f"{data}: {found.entries} entries of the log and {found.rows} rows of the journal agree")
    if n_files:
        say(f"{n_files} file{'s' if n_files > 1 else ''} of devices: what they hold is what was recorded")
    if found.covered is not None:
        say(
            f"{found.heads} signed heads agree; the newest covers {found.covered.size} entries and was signed on "
            f"{found.covered.date}"
        )


def backup(
    copy: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to put the copy; a new folder.")],
    data: DataFolder = Path("autolab-data"),
    json: Json = False,
) -> None:
    """Copy the journal to a new folder, also while a campaign runs, and verify the copy.

    The private key is not copied. Exit code 2 when the copy shows that the record was changed.
    """
    from autolab.journal.backup import back_up

    found = back_up(data, copy)
    if json:
        say_json({"copy": str(copy), **_answer(found)})
        raise typer.Exit(IntegrityError.exit_code if found.findings else 0)
    if found.findings:
        raise IntegrityError(f"{copy}: is a true copy of a journal that is not sound\n{_complaint(data, found)}")
    say(f"{copy}: {found.entries} entries of the log and {found.rows} rows of the journal agree")


def _complaint(data: Path, found: Audit) -> str:
    lines = [f"{data}: the record is not what was written"]
    lines += [f"- {finding.text}" for finding in found.findings[:MOST]]
    if len(found.findings) > MOST:
        lines.append(f"- and {len(found.findings) - MOST} more: see --json")
    lines.append("Keep the folder as it is, and compare it with a backup of the time of the last head that agrees.")
    return "\n".join(lines)


def _answer(found: Audit) -> dict[str, Any]:
    covered = found.covered
    return {
        "holds": not found.findings,
        "entries": found.entries,
        "rows": found.rows,
        "heads": found.heads,
        "covered": None if covered is None else {"size": covered.size, "root": covered.root, "date": covered.date},
        "findings": [asdict(finding) for finding in found.findings],
        "notes": list(found.notes),
    }
