"""Doors by which a device is moved by hand: a campaign of one trial, with the checks of any other."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from pydantic import Field

from autolab.compose.options import RunOptions
from autolab.config.specs import LabSpec
from autolab.core.envelope import AllowedValues, RangeLimit
from autolab.core.errors import InputError
from autolab.core.roles import Scope
from autolab.report.numbers import number_text, with_unit
from autolab.server import acts, bench
from autolab.server.doing import Begun, Key, Password, Wish, begun, do_once
from autolab.server.doors import Doors, Here, Me, caller_of
from autolab.server.models import View
from autolab.server.problems import NotFoundError
from autolab.server.rendering import Frame, render

__all__ = ["Move", "open_moving"]

LOOK_REAL_S = 60.0
"""Real seconds in which the classes of a lab's devices have been imported and looked at."""


class Move(Wish):
    """A move of one device."""

    values: dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=100)]] = Field(
        default_factory=dict, max_length=20, examples=[{"position": "120 mm"}],
        description="A value for each signal; of an arm `labware`, `source` and `target`.",
    )  # fmt: skip
    simulate: bool = Field(description="On simulators; false for the lab's hardware.")
    time_factor: float = Field(1.0, gt=0, le=10_000, description="Lab seconds in a real second (simulated only).")
    password: Password = None


class Settable(View):
    """A signal that a number sets by itself."""

    name: str
    unit: str = Field(description="In which the envelope limits it.")
    limits: str = Field(description="What the envelope allows.", examples=["0 to 300 mm"])


class Movable(View):
    """What may be moved of a device by hand."""

    name: str
    settings: list[Settable] = Field(description="In the order in which a form sets them.")
    carries: bool = Field(description="Whether it carries labware.")
    places: list[str] = Field(description="Between which places.")


def move(context: Here, account: Me, request: Request, name: str, wish: Move, key: Key = None) -> Begun:
    """Move a device within its envelope, while no campaign runs: screened, permitted, guarded and recorded."""
    if not wish.values:
        raise InputError(f"nothing was moved: type what {name} is to be set to")
    options = RunOptions(data=context.data, simulate=wish.simulate, time_factor=wish.time_factor)
    texts = [f"{signal}={text}" for signal, text in wish.values.items()]
    caller = caller_of(context, request, account, wish.password)
    done = do_once(
        context, account, key, request, wish, lambda: acts.move(context, caller, name, texts, options)
    )  # fmt: skip
    return begun(context, done.said)


def movable(context: Here) -> list[Movable]:
    """List what of each device may be moved by hand, and within what."""
    lab = context.lab()
    return [_movable(lab, each) for each in _look(context.settings.lab.resolve(), lab.content_hash)]


def move_page(context: Here, request: Request, name: str) -> HTMLResponse:
    """Show how a device stands, and the form that moves it."""
    found = next((each for each in movable(context) if each.name == name), None)
    if found is None:
        raise NotFoundError(f"there is no device {name!r} in the lab file")
    with context.reading() as reader:
        frame = Frame.read(context, reader)
        devices = bench.devices_of(reader, context.lab(), is_alive=frame.lab.has_controller)
        paused = reader.states.rows("SELECT id FROM campaigns WHERE state = 'paused' ORDER BY rowid DESC LIMIT 1")
    return render(
        context, request, "move.html", frame=frame, movable=found, paused=[row["id"] for row in paused],
        device=next(each for each in devices if each.name == name), simulate_only=context.settings.simulate,
    )  # fmt: skip


@functools.lru_cache(maxsize=4)
def _look(lab: Path, content_hash: str) -> tuple[dict[str, Any], ...]:  # noqa: ARG001 (another file, another answer)
    """What 'autolab move' says can be moved, in a process of its own: it imports the classes of the devices."""
    words = [sys.executable, "-m", "autolab.cli", "move", str(lab), "--json"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=LOOK_REAL_S, check=False)  # noqa: S603 (our own command)
    except subprocess.TimeoutExpired:
        raise InputError(f"the devices of {lab.name} could not be looked at within {LOOK_REAL_S:g} s") from None
    if done.returncode:
        raise InputError(done.stderr.strip() or f"the devices of {lab.name} cannot be looked at")
    return tuple(json.loads(done.stdout)["devices"])


def _movable(lab: LabSpec, said: dict[str, Any]) -> Movable:
    name, settings = said["name"], said["settings"]
    limits = {key.partition(".")[2]: each for key, each in lab.envelope.items() if key.partition(".")[0] == name}
    place = limits.get("place")
    return Movable(
        name=name,
        settings=[
            Settable(name=signal, unit=_unit(limits.get(signal), unit), limits=_range(limits.get(signal)))
            for signal, unit in settings.items()
        ],
        carries=said["carries"],
        places=[str(value) for value in place.values] if isinstance(place, AllowedValues) else [],
    )


def _unit(limit: object, own: str) -> str:
    return limit.unit if isinstance(limit, RangeLimit) else own


def _range(limit: object) -> str:
    if not isinstance(limit, RangeLimit):
        return "closed"
    return with_unit(f"{number_text(limit.lower)} to {number_text(limit.upper)}", limit.unit)


def open_moving(doors: Doors) -> None:
    """Open these doors."""
    doors.open("GET", "/api/v1/movable", Scope.READ_STATUS, movable)
    doors.open("POST", "/api/v1/devices/{name}/move", Scope.RUN, move, status_code=202)
    doors.open("GET", "/devices/{name}/move", Scope.RUN, move_page)
