"""The side of a notebook or script of the controller that runs its campaign: start it, watch it, interrupt it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from autolab.core.errors import (
    AutolabError,
    DeviceError,
    InputError,
    InterruptedByPerson,
    SafetyError,
    StorageError,
)
from autolab.journal.folder import make_folder

__all__ = ["Controller"]

LOOK_REAL_S = 0.25
"""Real seconds between two looks of whoever waits."""
_ERRORS = (InputError, SafetyError, DeviceError, InterruptedByPerson, StorageError)
"""By exit code, from 2."""


class Controller:
    """A controller in a process of its own, which is paused and waited for when the block ends.

    It has a session of its own: Ctrl-C in a terminal and the interrupt of a kernel reach it as words, not as signals.

    Args:
        request: What `autolab.notebook.host` is asked to run.
        data: The data folder; what is printed goes into a file in its ``logs``.

    Raises:
        StorageError: no right to write to the data folder.
    """

    def __init__(self, request: Mapping[str, Any], data: Path) -> None:
        self.campaign: str | None = None
        """Id of the campaign, once it has begun."""
        self.phase = ""
        """What runs now."""
        self.n_told = 0
        """Number of trials that have ended."""
        self._last: dict[str, Any] | None = None
        self._over = threading.Event()
        self._log = data / "logs" / "controller.log"
        with _opened(self._log) as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "autolab.notebook.host"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self._reader = threading.Thread(target=self._read, name="autolab-notebook", daemon=True)
        self._reader.start()
        self._write(json.dumps(request))

    def __enter__(self) -> Controller:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def follow(self, look: Callable[[Controller], None], say: Callable[[str], None]) -> None:
        """Wait until the campaign has come to an end. An interrupt pauses it, and a second one stops it at once.

        Args:
            look: Shows how it stands; called four times a second.
            say: Tells the person something.
        """
        interrupts = 0
        while True:
            try:
                while not self._over.wait(LOOK_REAL_S):
                    look(self)
                return
            except KeyboardInterrupt:
                interrupts += 1
                self.stop(at_once=interrupts > 1)
                say(
                    "Stopping at once; the devices are brought to rest."
                    if interrupts > 1
                    else "Pausing before the next action; interrupt again to stop at once."
                )

    def stop(self, *, at_once: bool) -> None:
        """Pause the campaign: before its next action, or by stopping the devices now."""
        self._write("now" if at_once else "pause")

    def close(self) -> None:
        """Stop the devices where the campaign still runs, and wait for the process. Idempotent."""
        if self._process.poll() is None and not self._over.is_set():
            self.stop(at_once=True)
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def ending(self) -> dict[str, Any]:
        """How the campaign ended: its state, the reason, and the one trial that was wanted.

        Raises:
            AutolabError: it was refused, of the kind that the refusal is; or its controller was killed.
        """
        last = self._last
        if last is None:
            raise AutolabError(
                f"{self.campaign or 'the campaign'}: its controller ended with code {self._process.wait()} and said "
                f"nothing; see {self._log}, then run the campaign again: it goes on where it was"
            )
        if "refused" in last:
            if last["exit_code"] is None:
                raise AutolabError(
                    f"autolab has an internal error ({last['refused']}); the details are in {self._log}. "
                    "Please report it with that file."
                )
            raise error_of(last["exit_code"], last["refused"])
        return last

    def _write(self, line: str) -> None:
        pipe = self._process.stdin
        if pipe is not None:
            with suppress(BrokenPipeError, ValueError):  # it has ended by itself
                pipe.write(line.encode() + b"\n")
                pipe.flush()

    def _read(self) -> None:
        pipe = self._process.stdout
        for line in pipe or ():
            told = json.loads(line)
            self.campaign = told.get("campaign", self.campaign)
            self.phase = told.get("phase", self.phase)
            self.n_told += "trial" in told
            if "exit_code" in told:
                self._last = told
        self._over.set()


def _opened(path: Path) -> IO[bytes]:
    try:
        make_folder(path.parent)
        return path.open("ab")
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}: choose a folder of yours with data=") from error


def error_of(exit_code: int, text: str) -> AutolabError:
    """The error of the branch that has this exit code."""
    kind = next((error for error in _ERRORS if error.exit_code == exit_code), AutolabError)
    return kind(text)
