"""What tells what really arrived: recorders between a device and its simulator, and what counts as outside."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from autolab.core.envelope import Limit, RangeLimit
from devices.frames import decode
from tests.rigs import until

Arrival = tuple[str, Any]
"""Name of the signal, as the envelope knows it, and the value on the wire."""

COMMANDS = {"STOP": (0, 1), "ACQUIRE": (0, 1), "ARMED": (0, 1)}
"""Process variables that carry no quantity, and what may be written to them; 0 does nothing."""


def outside(limits: Mapping[str, Limit], arrivals: Iterable[Arrival]) -> list[Arrival]:
    """What arrived and is not inside the envelope. Judged here anew, not by the code under test."""
    return [(signal, value) for signal, value in arrivals if not _inside(limits.get(signal), signal, value)]


def _inside(limit: Limit | None, signal: str, value: Any) -> bool:
    if limit is None:
        return value in COMMANDS.get(signal, ())
    if isinstance(limit, RangeLimit):
        return type(value) in (int, float) and math.isfinite(value) and limit.lower <= value <= limit.upper
    if limit.pattern is not None:
        return type(value) is str and re.fullmatch(limit.pattern, value) is not None
    return any(type(value) is type(allowed) and value == allowed for allowed in limit.values)


class PvTap:
    """In front of a core in memory that is a table of process variables."""

    def __init__(self, core: Any, names: Mapping[str, str]) -> None:
        self._core, self._names = core, names
        self._arrived: list[Arrival] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)

    def write(self, name: str, value: Any, now: float) -> None:
        self._arrived.append((self._names.get(name, name), value))
        self._core.write(name, value, now)

    def received(self) -> list[Arrival]:
        arrived, self._arrived = self._arrived, []
        return arrived


class LineTap:
    """In front of a core in memory that takes frames.

    Args:
        core: The core.
        meaning: What each command writes, by its verb; a verb that is not listed writes its own name.
        queries: Verbs that write nothing.
    """

    def __init__(
        self, core: Any, meaning: Mapping[str, Callable[[Sequence[str]], list[Arrival]]], queries: Sequence[str]
    ) -> None:
        self._core, self._meaning, self._queries = core, meaning, (*queries, "IDN?")
        self._arrived: list[Arrival] = []

    def feed(self, data: bytes, now: float) -> bytes:
        for line in data.splitlines():
            verb, *words = decode(line).body.split()
            if verb not in self._queries:
                self._arrived += self._meaning.get(verb, lambda words, verb=verb: [(verb, words)])(words)
        return self._core.feed(data, now)

    def received(self) -> list[Arrival]:
        arrived, self._arrived = self._arrived, []
        return arrived


class MessageTap:
    """In front of a core in memory that takes messages; ``meaning`` as for `LineTap`, of the arguments."""

    def __init__(self, core: Any, meaning: Mapping[str, Callable[[Mapping[str, Any]], list[Arrival]]]) -> None:
        self._core, self._meaning = core, meaning
        self._arrived: list[Arrival] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)

    def handle(self, message: bytes, now: float, real: float, client: Any = None) -> bytes:
        request = json.loads(message)
        if request["op"] in self._meaning:
            self._arrived += self._meaning[request["op"]](request["args"])
        return self._core.handle(message, now, real, client)

    def received(self) -> list[Arrival]:
        arrived, self._arrived = self._arrived, []
        return arrived


class LogTap:
    """Reads what a server in another process wrote down.

    Args:
        log: Its log, a pair of name and value in JSON on each line.
        names: Name of each signal by that of its process variable.
        mark: Writes something harmless that is logged, after everything that was written before.
        marker: As what that is logged.
    """

    def __init__(self, log: Path, names: Mapping[str, str], mark: Callable[[], Any], marker: Arrival) -> None:
        self._log, self._names, self._mark, self._marker = log, names, mark, marker
        self._entries: list[Arrival] = []
        self._n_bytes = 0
        self._n_looked_at = 0

    def received(self) -> list[Arrival]:
        seen = self.count(self._marker)
        self._mark()
        until(lambda: self.count(self._marker) > seen, f"the mark {self._marker} in the log")
        entries = self._entries[self._n_looked_at :]
        self._n_looked_at = len(self._entries)
        return [(self._names.get(name, name), value) for name, value in entries if (name, value) != self._marker]

    def count(self, *commands: Arrival | str) -> int:
        """How often something was written down in all, by its name or as name and value."""
        self._read()
        return sum(entry in commands or entry[0] in commands for entry in self._entries)

    def _read(self) -> None:
        """Take what has been written down since the last time, in whole lines."""
        with self._log.open("rb") as log:
            log.seek(self._n_bytes)
            whole, newline, _ = log.read().rpartition(b"\n")
        self._n_bytes += len(whole) + len(newline)
        self._entries += [(name, value) for name, value in map(json.loads, whole.splitlines())]
