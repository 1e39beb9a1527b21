"""The command ``conformance``: whether a device keeps what every device has to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autolab.cli.options import ActingAs, DataFolder, Json
from autolab.cli.output import say, say_json, tell
from autolab.core.errors import DeviceError, InputError

if TYPE_CHECKING:
    from devices.conformance import Judged

__all__ = ["conformance"]

_MARKS = {"passed": "passed", "failed": "FAILED", "not applicable": "–"}


def conformance(
    lab: Annotated[Path, typer.Argument(metavar="LAB", help="The lab file.")],
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Name of the device in it.")],
    simulate: Annotated[bool, typer.Option("--simulate", help="Test it on its simulator; nothing real moves.")] = False,
    time_factor: Annotated[
        float, typer.Option("--time-factor", metavar="F", help="Lab seconds that pass in one real second (simulated).")
    ] = 10.0,
    yes: Annotated[bool, typer.Option("--yes", help="The device may move within its envelope; do not ask.")] = False,
    person: ActingAs = None,
    data: DataFolder = Path("autolab-data"),
    json: Json = False,
) -> None:
    """Put one device through the conformance kit, and record the result. Asks before anything real moves."""
    from autolab.compose.conformance import ConformanceWish
    from autolab.compose.conformance import conformance as run
    from autolab.core.canonical import plain

    def told(judged: Judged) -> None:
        if not json:
            say(f"{_MARKS[judged.verdict]:>6}  {judged.check}: {judged.seen}")

    wish = ConformanceWish(lab, device, simulate=simulate, time_factor=time_factor, person=person)
    found = run(wish, data, lambda what: yes or _agreed(what), told)
    if json:
        say_json({**plain(found), "passed": found.passed, "sha256": found.sha256})
    if not found.passed:
        failed = [check.name for check in found.checks if check.verdict == "failed"]
        raise DeviceError(f"{device} does not conform: {', '.join(failed) or 'no check had anything to look at'}")
    if not json:
        say(f"{device} conforms ({found.device.realm}); recorded as {found.sha256[:12]}")


def _agreed(what: str) -> bool:
    import sys

    if not sys.stdin.isatty():
        raise InputError(f"{what}: say --yes if it may, or use --simulate")
    tell(f"{what}. Nobody may be near it.")
    return typer.confirm("Go on?", default=False, err=True)
