"""Commands that run something: ``demo``, ``run``, ``check``, ``simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from autolab.cli.options import ActingAs, DataFolder, Json
from autolab.cli.output import say, say_json
from autolab.core.errors import InputError

if TYPE_CHECKING:
    from autolab.compose.options import RunOptions

__all__ = [
    "RunCommand",
    "Seed",
    "Simulate",
    "TimeFactor",
    "Virtual",
    "check",
    "demo",
    "in_one_lane",
    "only",
    "run",
    "simulate",
    "try_",
]

DEMO_TRIALS = 30
DEMO_TIME_FACTOR = 800.0
"""Lab seconds per second of the demo: fast enough for 30 trials in half a minute, slow enough to watch."""


ALL = "*"
"""What ``--simulate`` stands for where it names no devices."""


class RunCommand(TyperCommand):
    """``run`` and ``try``: ``--simulate`` stands alone, or as ``--simulate=DEVICE,…``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words of the command."""
        return super().parse_args(ctx, [f"--simulate={ALL}" if word == "--simulate" else word for word in args])


def in_one_lane(data: Path, simulate: str | None, virtual: bool, time_factor: float, seed: int | None) -> RunOptions:
    """How a person has something done once, by ``try`` and ``calibrate``.

    Raises:
        InputError: options that exclude each other, or a number out of its range.
    """
    from autolab.compose.options import RunOptions

    return RunOptions(
        data=data,
        simulate=simulate is not None,
        only=only(simulate),
        virtual=virtual,
        time_factor=time_factor,
        seed=seed,
        lanes=1,
    )


def only(simulate: str | None) -> tuple[str, ...]:
    """The devices that ``--simulate`` names; none where it names none.

    Raises:
        InputError: one has no name.
    """
    if simulate in (None, ALL):
        return ()
    names = tuple(name.strip() for name in simulate.split(","))
    if not all(names):
        raise InputError(f"--simulate={simulate}: a name is missing; write --simulate for all devices, or name some")
    return tuple(dict.fromkeys(names))


Simulate = Annotated[
    str | None,
    typer.Option(
        "--simulate",
        metavar="[=DEVICE,…]",
        help="Start a simulator for each device, or use those that run already; or for the named devices only, "
        "beside the hardware of the others.",
    ),
]
Virtual = Annotated[
    bool, typer.Option("--virtual", help="Virtual clock: simulators in memory, no waiting (simulated only).")
]
TimeFactor = Annotated[
    float, typer.Option("--time-factor", metavar="F", help="Lab seconds that pass in one real second (simulated only).")
]
Trials = Annotated[int | None, typer.Option("--trials", metavar="N", help="Number of trials, instead of the file's.")]
Seed = Annotated[int | None, typer.Option("--seed", metavar="S", help="Seed, instead of the file's.")]


def demo(
    data: DataFolder = Path("autolab-data"),
    trials: Annotated[int, typer.Option("--trials", metavar="N", help="Number of trials.")] = DEMO_TRIALS,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Seed; the same gives the same campaign.")] = 1,
    time_factor: TimeFactor = DEMO_TIME_FACTOR,
    json: Json = False,
) -> None:
    """Run a complete closed loop on a simulated bench: mix dyes until their colour is the wanted teal."""
    from importlib.resources import files

    from autolab.cli.execution import execute
    from autolab.compose.options import RunOptions

    campaign = Path(str(files("autolab").joinpath("demo", "colour", "campaign.yaml")))
    options = RunOptions(data=data, simulate=True, time_factor=time_factor, trials=trials, seed=seed)
    raise typer.Exit(execute(campaign, options, json=json))


def run(
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="The campaign file.")],
    simulate: Simulate = None,
    trials: Trials = None,
    seed: Seed = None,
    time_factor: TimeFactor = 1.0,
    virtual: Virtual = False,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            metavar="NAME",
            help="auto, ax, botorch, lean, sobol, random, grid or bluesky-adaptive, instead of the file's.",
        ),
    ] = None,
    lanes: Annotated[int | None, typer.Option("--lanes", metavar="N", help="Trials that run side by side.")] = None,
    person: ActingAs = None,
    data: DataFolder = Path("autolab-data"),
    json: Json = False,
) -> None:
    """Run a campaign. Ctrl-C pauses before the next action; a second Ctrl-C stops at once, safely."""
    from autolab.cli.execution import execute
    from autolab.compose.options import RunOptions

    options = RunOptions(
        data=data,
        simulate=simulate is not None,
        only=only(simulate),
        virtual=virtual,
        time_factor=time_factor,
        trials=trials,
        seed=seed,
        engine=engine,
        lanes=lanes,
    )
    raise typer.Exit(execute(campaign, options, person=person, json=json))


def try_(
    lab: Annotated[Path, typer.Argument(metavar="LAB", help="The lab file.")],
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="Dotted name of the plan.")],
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE…", help="A value for each parameter: cyan=20, or 'cyan=20 uL'."),
    ] = None,
    reduce: Annotated[
        str | None,
        typer.Option("--reduce", metavar="NAME", help="Reducer; the only one in the plan's module by default."),
    ] = None,
    simulate: Simulate = None,
    seed: Seed = None,
    time_factor: TimeFactor = 1.0,
    virtual: Virtual = False,
    person: ActingAs = None,
    data: DataFolder = Path("autolab-data"),
    json: Json = False,
) -> None:
    """Run one trial by hand, with all checks of a campaign: screen, permits, guard, interlocks, record."""
    from autolab.cli.execution import execute_try

    options = in_one_lane(data, simulate, virtual, time_factor, seed)
    raise typer.Exit(execute_try(lab, plan, values or [], options, reducer=reduce, person=person, json=json))


def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Campaign and lab files.")],
    json: Json = False,
) -> None:
    """Check campaign and lab files: what they say, the names they use, and the addresses. Nothing moves."""
    from autolab.compose.checking import check_files

    report = check_files(files)
    if json:
        say_json({"files": [str(file) for file in report.ok_files], "notes": list(report.notes)})
        return
    for file in report.ok_files:
        say(f"{file}: no fault found")
    for note in report.notes:
        say(f"note: {note}")


def simulate(
    lab: Annotated[Path, typer.Argument(metavar="LAB", help="The lab file.")],
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Seed of noise and drift.")] = 1,
    time_factor: TimeFactor = 1.0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget positions, counters and contents first.")] = False,
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Start a lab's simulators alone and say where they listen, until Ctrl-C."""
    from autolab.cli.execution import serve_simulators

    raise typer.Exit(serve_simulators(lab, data, seed=seed, time_factor=time_factor, fresh=fresh))
