"""The program and its commands."""

from __future__ import annotations

import functools
from typing import Any

import typer

from autolab.cli import (
    amending,
    answering,
    approving,
    auditing,
    bypassing,
    continuing,
    guarding,
    reading,
    running,
    sampling,
    serving,
    tools,
)
from autolab.cli.backtesting import backtest
from autolab.cli.calibrating import calibrate
from autolab.cli.conforming import conformance
from autolab.cli.explaining import explain
from autolab.cli.importing import import_
from autolab.cli.moving import move
from autolab.cli.portfolio import deliverables, portfolio
from autolab.cli.review import review

__all__ = ["app", "command"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Run a laboratory in a closed loop: propose a trial, check it, run it, learn, and keep the evidence.",
    epilog=(
        "Exit codes: 0 done, 1 internal error, 2 refused input, 3 stopped by safety, 4 a device failed, "
        "5 paused or stopped by a person, 6 no room or no right to write, 130 interrupted twice."
    ),
)


def _show_version(wanted: bool) -> None:
    if wanted:
        import autolab
        from autolab.cli.output import say

        say(f"autolab {autolab.__version__}")
        raise typer.Exit


@app.callback()
def program(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Say the version."),
) -> None:
    """Run a laboratory in a closed loop: propose a trial, check it, run it, learn, and keep the evidence."""


app.command("demo")(running.demo)
app.command("run", cls=running.RunCommand)(running.run)
app.command("try", cls=running.RunCommand)(running.try_)
app.command("move", cls=running.RunCommand)(move)
app.command("calibrate", cls=running.RunCommand)(calibrate)
app.command("resume")(continuing.resume)
app.command("pause")(continuing.pause)
app.command("stop")(continuing.stop)
app.command("reset")(continuing.reset)
app.command("settle")(continuing.settle)
app.command("correct")(amending.correct)
app.command("repeat")(amending.repeat)
app.command("inject")(amending.inject)
app.command("abandon")(amending.abandon)
app.command("budget")(amending.budget)
app.command("approve")(approving.approve)
app.command("refuse")(approving.refuse)
app.command("answer")(answering.answer)
app.command("check")(running.check)
app.command("simulate")(running.simulate)
app.command("serve")(serving.serve)
app.command("conformance")(conformance)
app.command("backtest")(backtest)
app.command("import")(import_)
app.command("list")(reading.list_campaigns)
app.command("status")(reading.status)
app.command("show")(reading.show)
app.command("stock")(sampling.stock)
app.command("refill")(sampling.refill)
app.command("explain")(explain)
app.command("report")(reading.report)
app.command("export")(reading.export)
app.command("review")(review)
app.command("portfolio")(portfolio)
app.command("deliverables")(deliverables)
app.add_typer(auditing.commands, name="audit")
app.add_typer(guarding.commands, name="safety")
app.add_typer(bypassing.commands, name="bypass")
app.add_typer(sampling.commands, name="sample")
app.command("backup")(auditing.backup)
app.command("schema")(tools.schema)
app.command("doctor")(tools.doctor)
app.command("key")(tools.key)


@functools.cache
def command() -> Any:
    """The program as one object that parses words and runs them."""
    return typer.main.get_command(app)
