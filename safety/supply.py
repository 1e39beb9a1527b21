"""Starts a relay and its watchdog, and says where they listen. Their latches and events outlive them in a folder."""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from autolab.core.clock import Clock
from autolab.core.errors import InputError, SafetyError, StorageError
from safety import relay
from safety.channel import Channel, press_stop
from safety.record import latch_in, read_events

__all__ = ["EVENTS", "Supply", "keep_of", "latch_of", "place_of", "power_state", "press_all", "record_of", "supplied"]

EVENTS = "events.jsonl"
"""The watchdog's record."""
_PLACE, _RECORD = "place", "record"
READY_REAL_S = 20.0
"""Real seconds in which both must be ready."""
END_REAL_S = 5.0
"""Real seconds that each has to end by itself."""
LONGEST_PATH = 107
"""Bytes of a path that a UNIX socket can have."""


class Supply:
    """A relay and a watchdog that are running.

    Args:
        keep: Folder of latch and events.
        folder: Folder of the sockets; its path is short.
        dead_man_s: The relay's dead-man in seconds.
        lock: Descriptor of the lock on ``keep``, which both hold as long as they run.
    """

    def __init__(self, keep: Path, folder: Path, dead_man_s: float, lock: int) -> None:
        self.keep, self.folder = keep, folder
        self.line = folder / "power"
        """The power line, for simulators."""
        self.relay: subprocess.Popen[bytes] | None = None
        self.watchdog: subprocess.Popen[bytes] | None = None
        self._dead_man_s, self._lock = dead_man_s, lock
        self._starting: dict[str, subprocess.Popen[bytes]] = {}

    def start_relay(self) -> None:
        """Start the relay. It gets its own file and no more: nothing of ours is on its path."""
        arguments = [str(self.folder), str(self.keep / "relay"), str(self._dead_man_s)]
        self.relay = self._starting["relay"] = self._start(["-I", "-S", str(relay.__file__), *arguments])

    def start_watchdog(self) -> None:
        """Start the watchdog."""
        arguments = [str(self.folder), str(self.keep / EVENTS)]
        self.watchdog = self._starting["watchdog"] = self._start(["-m", "safety.watchdog", *arguments])

    def await_ready(self, clock: Clock) -> None:
        """Wait until those that were started take messages.

        Raises:
            SafetyError: one of them does not get ready.
        """
        end_s = clock.real() + READY_REAL_S
        while self._starting:
            name, process = self._starting.popitem()
            said = process.stdout
            wait_s = max(end_s - clock.real(), 0.0)
            if said is None or not select.select([said], [], [], wait_s)[0] or said.readline() != b"ready\n":
                raise SafetyError(f"the {name} does not start: see {self.keep / 'log'}; without it there is no power")

    def stop(self) -> None:
        """End both, the watchdog first: it may have to tell the relay. Idempotent."""
        for process in (self.watchdog, self.relay):
            if process is None:
                continue
            if process.stdin is not None:
                with suppress(BrokenPipeError):
                    process.stdin.close()
            try:
                process.wait(END_REAL_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def _start(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        with (self.keep / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 (our own interpreter and modules)
                [sys.executable, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=(self._lock,),
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                start_new_session=True,  # Ctrl-C is for the controller
            )


@contextmanager
def supplied(keep: Path, dead_man_s: float, clock: Clock) -> Generator[Supply]:
    """Start a relay and a watchdog, and end them with the block. They may not be ready yet: see `Supply.await_ready`.

    Args:
        keep: Folder for latch and events; made where it is missing.
        dead_man_s: The relay's dead-man in seconds.
        clock: For real time.

    Raises:
        InputError: a relay runs with this folder already.
        StorageError: no right to write there.
    """
    try:
        keep.mkdir(parents=True, exist_ok=True)
        lock = os.open(keep / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StorageError(f"{keep}: {os.strerror(error.errno or 0)}: choose a folder of yours with --data") from error
    folder: Path | None = None
    try:
        _hold(lock, keep, clock)
        if (left := place_of(keep)) is not None:  # by one that was killed
            shutil.rmtree(left, ignore_errors=True)
        folder = _short_folder()
        (folder / _RECORD).write_text(str((keep / EVENTS).absolute()), encoding="utf-8")
        (keep / _PLACE).write_text(str(folder), encoding="utf-8")
        supply = Supply(keep, folder, dead_man_s, lock)
        try:
            supply.start_relay()
            supply.start_watchdog()
            yield supply
        finally:
            supply.stop()
    finally:
        if folder is not None:
            (keep / _PLACE).unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def keep_of(data: Path, lab: str) -> Path:
    """Folder in which latch and events of a lab's power are kept."""
    return data / "safety" / lab


def power_state(data: Path, lab: str) -> Mapping[str, str | None] | None:
    """Whether a lab's actuators have power (``power``: on or off), and why it is latched off (``latch``, or None).

    Returns:
        None where the lab never had a relay in this data folder.
    """
    keep = keep_of(data, lab)
    if not keep.is_dir():
        return None
    if (place := place_of(keep)) is not None:
        channel = Channel(place)
        try:
            state = channel.ask("state")
            return {"power": state["power"], "latch": state["latch"]}
        except SafetyError:
            pass  # it was killed: its record is what is left
        finally:
            channel.close()
    return {"power": "off", "latch": latch_in(read_events(keep / EVENTS))}


def latch_of(data: Path, lab: str) -> str | None:
    """Why the power of a lab is latched off; None where it is not, or the lab never had a relay in this folder."""
    state = power_state(data, lab)
    return None if state is None else state["latch"]


def record_of(folder: Path) -> Path:
    """The watchdog's record, by the folder of its sockets."""
    return Path((folder / _RECORD).read_text(encoding="utf-8"))


def press_all(data: Path, who: str) -> bool:
    """Press the emergency stop of every lab that has power from this data folder. False where there is none.

    Args:
        data: The data folder.
        who: Where it was pressed, for the record.
    """
    places = [place_of(file.parent) for file in data.glob(f"safety/*/{_PLACE}")]
    pressed = [press_stop(place, who) for place in places if place is not None]  # all of them, whatever one says
    return any(pressed)


def place_of(keep: Path) -> Path | None:
    """The folder of the sockets of the relay that runs with a folder, or was killed; None where none was started."""
    try:
        return Path((keep / _PLACE).read_text(encoding="utf-8"))
    except OSError:
        return None


def _hold(lock: int, keep: Path, clock: Clock) -> None:
    """Lock the folder. Relay and watchdog of a controller that was killed may still be writing why."""
    end_s = clock.real() + END_REAL_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            if clock.real() > end_s:
                raise InputError(
                    f"{keep}: a relay runs with this folder already, for 'autolab simulate' or a campaign: "
                    "end that first, or name another folder with --data"
                ) from None
        clock.sleep(0.02 * clock.factor)


def _short_folder() -> Path:
    """A new folder whose path leaves room for the names of UNIX sockets. Everybody may reach the stop socket in it."""
    for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 (mkdtemp makes a folder of ours in it)
        if len(parent.encode()) + 40 <= LONGEST_PATH:
            folder = Path(tempfile.mkdtemp(prefix="autolab-power-", dir=parent))
            folder.chmod(0o711)
            return folder
    raise SafetyError("no folder for the relay's sockets has a path that is short enough")
