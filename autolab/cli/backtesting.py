"""The command ``backtest``: how engines would have done on measured data."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autolab.cli.options import Json
from autolab.cli.output import say, say_json, say_table, tell

if TYPE_CHECKING:
    from autolab.core.backtests import Backtest

__all__ = ["Emulator", "backtest"]

WIDTH = 120
"""Columns of the tables where standard output is no terminal."""


class Emulator(StrEnum):
    """What may answer in the place of the table."""

    GP = "gp"
    NETWORK = "network"
    FOREST = "forest"


def backtest(
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="The campaign file; its lab is not needed.")],
    data: Annotated[
        Path, typer.Option("--data", metavar="FILE", help="CSV table of measured conditions, with a header.")
    ],
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="NAME,...", help="Engines; by default the campaign's, sobol and random."),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", help="Runs of each engine.")] = 20,
    trials: Annotated[
        int | None, typer.Option("--trials", metavar="N", help="Trials of each run, instead of the budget.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="S", help="Seed, instead of the file's.")] = None,
    emulator: Annotated[
        Emulator | None,
        typer.Option("--emulator", metavar="gp|network|forest", help="Let a model of the table answer, at any point."),
    ] = None,
    least_r2: Annotated[
        float, typer.Option("--least-r2", metavar="R", help="Accuracy that the emulator must have.")
    ] = 0.5,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", help="Processes to use, one core each.")] = 1,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write the page.")
    ] = None,
    json: Json = False,
) -> None:
    """Replay a campaign on measured data with several engines, and compare them. No lab is needed, nothing moves."""
    from autolab.compose.backtesting import BacktestOptions
    from autolab.compose.backtesting import backtest as run
    from autolab.report.backtest import render_backtest
    from autolab.report.html import write_page

    options = BacktestOptions(
        against=None if against is None else tuple(name.strip() for name in against.split(",")),
        seeds=seeds,
        trials=trials,
        seed=seed,
        emulator=None if emulator is None else emulator.value,
        least_r2=least_r2,
        jobs=jobs,
        folder=_folder(),
    )
    with _progress(is_shown=not json and sys.stderr.isatty()) as done:
        found = run(campaign, data, options, done)
    page = write_page(output or _folder() / "reports" / f"backtest-{found.campaign}.html", render_backtest(found))
    if json:
        from autolab.core.canonical import plain

        say_json({**plain(found), "page": str(page)})
    else:
        _show(found)
        say(str(page))


def _folder() -> Path:
    """The data folder. The option ``--data`` names the table here."""
    return Path(os.environ.get("AUTOLAB_DATA") or "autolab-data")


def _show(found: Backtest) -> None:
    from autolab.report.backtest import COMPARISON, GOALS, answers_text, comparison_rows, goal_rows, notes_of
    from autolab.report.backtest import summary_of as summary

    say(f"{found.campaign}: {summary(found)}")
    say(f"REPLAYED, answered by {answers_text(found)}. Reference: {found.reference}; in brackets 95 % intervals")
    for note in notes_of(found):
        tell(f"note: {note}")
    _table([heading.format(found.reference) for heading in COMPARISON], comparison_rows(found))
    _table(GOALS, goal_rows(found))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table

    table = Table()
    for index, heading in enumerate(header):
        table.add_column(heading, justify="left" if index == 0 or heading == "goal" else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    say_table(table, WIDTH)


@contextmanager
def _progress(*, is_shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Takes how many runs are done, and of how many; shows them on a terminal."""
    if not is_shown:
        yield lambda _, __: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("runs", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
