"""What a disk may hold after the power has failed, from a recording of what SQLite did.

What was synchronised is there. Of each write after the last synchronisation of its file, all, nothing, or some of its
sectors are there, independently of the others. Creations and removals of files are entries of the folder: of those
that were not synchronised, the first so many of each name are there.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks.recorder import Event

__all__ = ["SECTOR", "Disk", "Loss"]

SECTOR = 512
"""Bytes that a disk writes whole or not at all."""
Loss = Literal["dropped", "reordered", "torn"]
"""All that was not synchronised is lost; any of it; any of it, and of each write any of its sectors."""


@dataclass
class _File:
    """One file, whatever it is called."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Event] = field(default_factory=list)

    def sync(self) -> None:
        for event in self.pending:
            _apply(self.durable, event)
        self.pending.clear()

    def left(self, loss: Loss, chance: random.Random) -> bytes:
        """What is there after the power has failed."""
        content = bytearray(self.durable)
        for event in self.pending if loss != "dropped" else ():
            if loss == "torn" and event.what == "write":
                for piece in _sectors(event):
                    if chance.random() < 0.5:
                        _apply(content, piece)
            elif chance.random() < 0.5:
                _apply(content, event)
        return bytes(content)


class Disk:
    """A folder while a recording is played."""

    def __init__(self) -> None:
        self._durable: dict[str, _File] = {}
        self._now: dict[str, _File] = {}
        self._moves: list[tuple[str, _File | None]] = []
        """Entries of the folder that were not synchronised: a name, and its file or None."""

    def play(self, event: Event) -> None:
        """Do what was recorded."""
        if event.what == "create":
            self._now[event.file] = _File()
            self._moves.append((event.file, self._now[event.file]))
        elif event.what == "delete":
            self._now.pop(event.file, None)
            self._moves.append((event.file, None))
        elif event.what in ("write", "truncate"):
            self._now[event.file].pending.append(event)
        elif event.what == "sync":
            self._now[event.file].sync()
        if event.with_folder:
            self._durable = dict(self._now)
            self._moves.clear()

    @property
    def n_pending(self) -> int:
        """Writes and entries that would be lost now."""
        return len(self._moves) + sum(len(file.pending) for file in self._now.values())

    def keep(self, folder: Path) -> None:
        """Write the files as they are without a failure into ``folder``."""
        for name, file in self._now.items():
            file.sync()
            (folder / name).write_bytes(file.durable)

    def crash(self, folder: Path, loss: Loss, chance: random.Random) -> None:
        """Write what is left of the folder's files after a power failure at this moment into ``folder``."""
        entries = dict(self._durable)
        for name in dict.fromkeys(name for name, _ in self._moves):
            moves = [file for moved, file in self._moves if moved == name]
            kept = 0 if loss == "dropped" else chance.randint(0, len(moves))
            for file in moves[:kept]:
                if file is None:
                    entries.pop(name, None)
                else:
                    entries[name] = file
        for name, file in entries.items():
            (folder / name).write_bytes(file.left(loss, chance))


def _apply(content: bytearray, event: Event) -> None:
    if event.what == "truncate":
        content[:] = content[: event.offset].ljust(event.offset, b"\0")
        return
    if len(content) < event.offset:
        content.extend(bytes(event.offset - len(content)))
    content[event.offset : event.offset + len(event.data)] = event.data


def _sectors(event: Event) -> list[Event]:
    """A write, cut where the disk's sectors end."""
    begin, end = event.offset, event.offset + len(event.data)
    cuts = [begin, *range((begin // SECTOR + 1) * SECTOR, end, SECTOR), end]
    return [
        Event("write", event.file, left, event.data[left - begin : right - begin])
        for left, right in itertools.pairwise(cuts)
    ]
