"""The watchdog's own record: an append-only file of events, one JSON object a line. The latch is read from it.

The controller copies the events into the journal when it runs or starts; the file is what is true without it.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from autolab.core.clock import Clock
from safety.watch import Event

__all__ = ["KeptEvent", "Record", "latch_in", "read_events"]


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event as it was kept."""

    number: int
    """From 1, in the order of the file."""
    at: str
    """Date and time in UTC, ISO 8601."""
    what: str
    """One of the words of `safety.watch.Event`, or ``unreadable``."""
    cause: str
    by: str


class Record:
    """Appends events to the file on a thread of its own: the watchdog never waits for the disk while there is power.

    Args:
        file: The file; made where it is missing.
        clock: For the dates.
    """

    def __init__(self, file: Path, clock: Clock) -> None:
        self._clock = clock
        self._number = len(read_events(file))
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        if self._is_torn():
            os.write(self._file, b"\n")
        self._waiting: queue.SimpleQueue[tuple[bytes, threading.Event] | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="autolab-record", daemon=True)
        self._writer.start()

    def add(self, event: Event) -> threading.Event:
        """Keep an event. Returns at once; what it returns is set when the event is on the disk, or cannot get there."""
        self._number += 1
        kept = KeptEvent(self._number, self._clock.date().isoformat(), event.what, event.cause, event.by)
        done = threading.Event()
        self._waiting.put((json.dumps(asdict(kept)).encode() + b"\n", done))
        return done

    def close(self) -> None:
        """Write what waits, and end."""
        self._waiting.put(None)
        self._writer.join()
        os.close(self._file)

    def _is_torn(self) -> bool:
        size = os.fstat(self._file).st_size
        return size > 0 and os.pread(self._file, 1, size - 1) != b"\n"

    def _write(self) -> None:
        while (item := self._waiting.get()) is not None:
            line, done = item
            try:
                os.write(self._file, line)
                os.fsync(self._file)
            except OSError as error:  # a full disk takes no power away, and gives none: the relay keeps its own latch
                os.write(2, f"the watchdog's record cannot be written: {error.strerror}: {line!r}\n".encode())
            done.set()


def read_events(file: Path) -> list[KeptEvent]:
    """The events of a file, the oldest first. A line that cannot be read is an event of its own."""
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [_event(number, line) for number, line in enumerate(lines, 1)]


def latch_in(events: list[KeptEvent]) -> str | None:
    """The first cause that nobody has reset; None where nothing is latched. What cannot be read is a latch."""
    latch: str | None = None
    for event in events:
        if event.what in ("trip", "unreadable"):
            latch = latch or event.cause
        elif event.what == "reset":
            latch = None
    return latch


def _event(number: int, line: bytes) -> KeptEvent:
    try:
        values = json.loads(line)
        words = [str(values[key]) for key in ("at", "what", "cause", "by")]
    except (ValueError, KeyError, TypeError):
        return KeptEvent(number, "", "unreadable", f"line {number} of the watchdog's record cannot be read", "")
    return KeptEvent(number, *words)
