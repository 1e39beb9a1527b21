"""Commands about the interlocks of a lab: ``safety page``, ``safety proof-test``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autolab.cli.options import ActingAs, DataFolder, Json
from autolab.cli.output import say, say_json, say_table, tell
from autolab.compose.logs import log_to
from autolab.core.errors import SafetyError, StorageError

if TYPE_CHECKING:
    from autolab.compose.proofs import ProofPath
    from autolab.compose.proving import ProofTest

__all__ = ["commands", "page", "proof_test"]

commands = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Show and test the interlocks of a lab.",
)
WIDTH = 140
"""Characters of a table where no terminal says how wide it is."""
LabFile = Annotated[Path, typer.Argument(metavar="LAB", help="The lab file.")]


@commands.callback()
def safety() -> None:
    """Show and test the interlocks of a lab."""


@commands.command("page")
def page(
    lab: LabFile,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there, in Markdown.")] = None,
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Say in words what the interlocks of a lab do: causes and effects, the safe state, and bypasses in force."""
    from autolab.compose.bypassing import bypasses_of
    from autolab.config.lab import load_lab
    from safety.matrix import matrix_page

    spec = load_lab(lab)
    text = matrix_page(
        spec.name, spec.interlocks, spec.signals, spec.safe_state, spec.hazards, bypasses_of(data, spec.name)
    )
    if out is None:
        say(text.rstrip())
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{out}: cannot be written ({error.strerror}); name another file with --out") from error
    tell(f"{spec.name}: its interlocks are described in {out}")


@commands.command("proof-test")
def proof_test(
    lab: LabFile, person: ActingAs = None, data: DataFolder = Path("autolab-data"), json: Json = False
) -> None:
    """Exercise each interlock, and the relay, from the simulated sensor to what must follow; record the times.

    The simulators are started for it; the lab's own, its latches and its contents are not touched. Exit code 3 where
    a path fails.
    """
    from autolab.compose.proving import proof_test as prove

    with log_to(data):
        found = prove(data, lab, person, (lambda _: None) if json else _tell_path)
    if json:
        say_json({**asdict(found), "passed": found.passed})
    elif not found.paths:
        say(found.said())
    else:
        _show(found)
    if not found.passed:
        raise SafetyError(found.said())


def _tell_path(path: ProofPath) -> None:
    tell(f"{'passed' if path.passed else 'FAILED'}: {path.rule}: {path.cause}")


def _show(found: ProofTest) -> None:
    from rich.table import Table

    table = Table(title=f"Proof test of {found.lab} on {found.date[:16].replace('T', ' ')} by {found.by}")
    for heading in ("rule", "cause", "passed", "acted (ms)", "no power (ms)", "seen"):
        table.add_column(heading, justify="right" if heading.endswith("(ms)") else "left", overflow="fold")
    before = ""
    for path in found.paths:
        times = ("–" if ms is None else f"{ms:.0f}" for ms in (path.latch_ms, path.power_ms))
        again = not path.passed and path.seen == before
        table.add_row(path.rule, path.cause, "yes" if path.passed else "NO", *times, "as above" if again else path.seen)
        before = path.seen
    say_table(table, WIDTH)
