"""The command that moves a device by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autolab.cli.options import ActingAs, DataFolder, Json
from autolab.cli.output import say, say_json
from autolab.cli.running import Seed, Simulate, TimeFactor, Virtual, in_one_lane

__all__ = ["move"]


def move(
    lab: Annotated[Path, typer.Argument(metavar="LAB", help="The lab file.")],
    device: Annotated[str | None, typer.Argument(metavar="[DEVICE]", help="Which; by default it says which.")] = None,
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE…]", help="position=120, 'position=12 cm'; of an arm labware=…"),
    ] = None,
    simulate: Simulate = None,
    seed: Seed = None,
    time_factor: TimeFactor = 1.0,
    virtual: Virtual = False,
    person: ActingAs = None,
    data: DataFolder = Path("autolab-data"),
    json: Json = False,
) -> None:
    """Move a device by hand, with all checks of a campaign; without a device, say what can be moved."""
    if device is None:
        _say_what_moves(lab, json=json)
        return
    from autolab.cli.execution import execute_move

    options = in_one_lane(data, simulate, virtual, time_factor, seed)
    raise typer.Exit(execute_move(lab, device, values or [], options, person=person, json=json))


def _say_what_moves(lab: Path, *, json: bool) -> None:
    from autolab.compose.moving import look_at_moves

    found = look_at_moves(lab)
    if json:
        say_json({"devices": [{"name": m.device, "settings": dict(m.settings), "carries": m.carries} for m in found]})
        return
    for each in found:
        taken = [f"{name}={unit or 'NUMBER'}" for name, unit in each.settings.items()]
        taken += ["labware=… source=… target=…"] if each.carries else []
        say(f"{each.device}: {'  '.join(taken) or 'nothing by hand'}")
