"""A campaign on a disk that fills up: ``python -m benchmarks.smalldisk`` in a mount namespace of its own.

A small file system (tmpfs) is mounted, filled but for so many bytes when a campaign has started, and emptied again when
the campaign has said that there is no room; then it is resumed. The soft device says what was done.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from autolab.core.errors import StorageError
from autolab.core.trials import TrialState
from autolab.journal.audit import audit
from autolab.journal.reader import JournalReader
from benchmarks.powerloss import ACTIONS, five_actions
from tests.campaign.softlab import SoftLab

__all__ = ["SmallDisk", "fill_in_a_namespace"]

SIZE_KIB = 6 * 1024
MOST_LEFT_KIB = 1088
"""A campaign of three trials needs less."""
STEP_KIB = 8
TRIALS = 3


@dataclass
class SmallDisk:
    """What was found."""

    runs: int = 0
    paused: int = 0
    """Runs that found no room, said so, and went on later."""
    faults: int = 0
    """Runs after which an action was done twice or not at all, a trial had no outcome, or the log disagreed."""
    said: str = ""
    """What was said last."""


def fill_in_a_namespace() -> SmallDisk | None:
    """Fill a small disk that nobody else sees; None where this account may not mount one."""
    with tempfile.TemporaryDirectory() as place:
        mount = f"mount -t tmpfs -o size={SIZE_KIB}k none '{place}' && exec '{sys.executable}' -m benchmarks.smalldisk"
        command = ["unshare", "-rm", "sh", "-c", f"{mount} '{place}'"]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print("no small disk:", getattr(error, "stderr", error))
            return None
    return SmallDisk(**json.loads(ended.stdout))


def fill(place: Path) -> SmallDisk:
    """Run a campaign for each amount of room that may be left."""
    found = SmallDisk()
    for left_kib in range(0, MOST_LEFT_KIB, STEP_KIB):
        _one(place, left_kib, found)
    return found


def _one(place: Path, left_kib: int, found: SmallDisk) -> None:
    folder, ballast = place / "data", place / "ballast"
    folder.mkdir()
    lab = SoftLab(trials=TRIALS, folder=folder, make_plan=five_actions)
    found.runs += 1
    try:
        lab.run(lambda _: _fill_but(ballast, left_kib))
    except StorageError as error:
        found.paused += 1
        found.said = str(error).partition(": ")[2]
        lab.journal.close()
        ballast.unlink()
        lab.resume()
    lab.journal.close()
    poured = [str(operation) for operation in lab.pump.poured]
    states = _states(folder)
    is_right = len(poured) == len(set(poured)) == TRIALS * ACTIONS and states == [TrialState.INGESTED] * TRIALS
    if not is_right or audit(folder, None).findings:
        found.faults += 1
        print(left_kib, states, len(poured), len(set(poured)), file=sys.stderr)
    for path in (*folder.iterdir(), ballast):
        path.unlink(missing_ok=True)
    folder.rmdir()


def _states(folder: Path) -> list[TrialState]:
    reader = JournalReader.open(folder)
    try:
        return [trial.state for trial in reader.trials("soft-1")]
    finally:
        reader.close()


def _fill_but(ballast: Path, left_kib: int) -> None:
    """Write until so much room is left."""
    room = os.statvfs(ballast.parent)
    ballast.write_bytes(bytes(max(room.f_bavail * room.f_frsize - 1024 * left_kib, 0)))


if __name__ == "__main__":
    logging.disable()
    print(json.dumps(asdict(fill(Path(sys.argv[1])))))
