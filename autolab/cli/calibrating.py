"""The command ``calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autolab.cli.options import ActingAs, DataFolder, Json
from autolab.cli.running import Seed, Simulate, TimeFactor, Virtual, in_one_lane

__all__ = ["calibrate"]


def calibrate(
    lab: Annotated[Path, typer.Argument(metavar="LAB", help="The lab file.")],
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME…]", help="Which calibrations; all that it declares by default."),
    ] = None,
    simulate: Simulate = None,
    seed: Seed = None,
    time_factor: TimeFactor = 1.0,
    virtual: Virtual = False,
    person: ActingAs = None,
    data: DataFolder = Path("autolab-data"),
    json: Json = False,
) -> None:
    """Perform calibrations of a lab now, with all checks of a campaign. 'autolab status' says how long they last."""
    from autolab.cli.execution import execute_calibrate

    options = in_one_lane(data, simulate, virtual, time_factor, seed)
    raise typer.Exit(execute_calibrate(lab, names or [], options, person=person, json=json))
