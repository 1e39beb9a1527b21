"""Writes signed heads while a controller works: at least each thousand entries, and when the journal is closed."""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from autolab.core.errors import InputError, StorageError
from autolab.journal.database import Database
from autolab.journal.heads import HEADS_FILE, SignedHead, Signer

__all__ = ["EVERY", "HeadWriter"]

EVERY = 1000
"""Entries from one head to the next: some fifty trials."""
PATIENCE_S = 10.0
"""Real seconds that closing waits for the second place, which may be on a network."""

logger = logging.getLogger(__name__)


class HeadWriter:
    """Signs the head of a journal's log and appends it to ``heads.jsonl``, and to a second place where one is named.

    Once the lab runs, a place that cannot be written stops nothing: it is logged, and the next head covers the same
    entries. The second place is written by a thread, so that a network that hangs holds up no trial.

    Args:
        folder: The data folder.
        states: The states, open for writing.
        date: Says the date of a head.
    """

    def __init__(self, folder: Path, states: Database, date: Callable[[], str]) -> None:
        self._folder = folder
        self._states = states
        self._date = date
        self._signer: Signer | None = None
        self._place: Path | None = None
        self._sending: threading.Thread | None = None
        self._covered = 0
        states.committed = self._after_commit

    def begin(self, place: Path | None) -> None:
        """Have the key ready, and the second place, before anything moves.

        Args:
            place: File of the second place; None where the lab names none.

        Raises:
            InputError: the place is in the data folder itself.
            StorageError: the key or the place cannot be read or written.
        """
        self._signer = self._signer or Signer(self._folder)
        if place is None:
            return
        if place.resolve().is_relative_to(self._folder.resolve()):
            raise InputError(
                f"{place}: is in the data folder, and goes with it when that is changed or put back: "
                "name a file in another place under 'audit: heads:' in the lab file"
            )
        try:
            place.open("ab").close()
        except OSError as error:
            raise StorageError(
                f"{place}: cannot be written ({error.strerror}): the lab file names it under 'audit: heads:'; "
                "make it writable, or name another file there"
            ) from error
        self._place = place

    def close(self) -> None:
        """Write the last head, if anything was logged since the one before."""
        if self._states.n_logged > self._covered:
            self._wait()
            self._write()
        self._wait()

    def _wait(self) -> None:
        if self._sending is not None:
            self._sending.join(PATIENCE_S)
            if self._sending.is_alive():
                logger.warning("%s: does not answer; the last head is in %s only", self._place, self._folder)

    def _after_commit(self) -> None:
        if self._states.n_logged - self._covered >= EVERY:
            self._write()

    def _write(self) -> None:
        self._covered = self._states.n_logged
        try:
            self._signer = self._signer or Signer(self._folder)
            head = self._signer.sign(self._states.head(), self._date())
            _append(self._folder / HEADS_FILE, head)
        except (OSError, StorageError) as error:
            logger.warning("the head of the journal's log was not written: %s", error)
            return
        if self._place is not None:
            self._send(self._place, head)

    def _send(self, place: Path, head: SignedHead) -> None:
        if self._sending is not None and self._sending.is_alive():
            logger.warning("%s: still busy with the head before; the head of %d entries is not sent", place, head.size)
            return
        self._sending = threading.Thread(target=_append_there, args=(place, head), name="autolab-heads", daemon=True)
        self._sending.start()


def _append_there(place: Path, head: SignedHead) -> None:
    try:
        _append(place, head)
    except OSError as error:
        logger.warning("%s: the head of %d entries was not written (%s)", place, head.size, error.strerror)


def _append(path: Path, head: SignedHead) -> None:
    """Append one line in one write; it is on the disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        line = (head.line if _ends_whole(path) else f"\n{head.line}").encode() + b"\n"
        if os.write(descriptor, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ends_whole(path: Path) -> bool:
    """Whether the last line has its end; a power failure may have cut it off."""
    try:
        with path.open("rb") as file:
            return file.seek(0, os.SEEK_END) == 0 or (file.seek(-1, os.SEEK_END), file.read(1))[1] == b"\n"
    except OSError:  # a place that may be written and not read
        return True
