"""What the kill harness kills and watches: controllers, and the journal as it grows."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.warm import WarmCommand

__all__ = ["LOOK_S", "Controller", "Watch"]

LOOK_S = 0.001
_COMMANDS = threading.Lock()
"""Processes of `multiprocessing` may be started and looked at by one thread at a time."""


class Controller:
    """One ``autolab`` command with a session of its own.

    Args:
        words: Its arguments.
        environment: All of its variables.
    """

    def __init__(self, words: tuple[object, ...], environment: Mapping[str, str]) -> None:
        with _COMMANDS:
            self._command = WarmCommand(words, environment, is_joined=True)
        self.pid = self._command.pid
        while self.poll() is None and not _leads_a_group(self.pid):
            time.sleep(LOOK_S)

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs."""
        with _COMMANDS:
            return self._command.poll()

    def wait(self, timeout_s: float) -> int | None:
        """As `poll`, after at most so many seconds."""
        end = time.monotonic() + timeout_s
        while (code := self.poll()) is None and time.monotonic() < end:
            time.sleep(0.005)
        return code

    def end(self, timeout_s: float) -> tuple[int, str]:
        """Its exit code and all that it said, when it has ended by itself.

        Raises:
            RuntimeError: it has not.
        """
        code = self.wait(timeout_s)
        if code is None:
            self.kill(alone=False)
            raise RuntimeError(f"a controller did not end within {timeout_s:g} s: {self._command.stdout.read()}")
        said = self._command.stdout.read()
        self.close()
        return code, said

    def kill(self, *, alone: bool) -> None:
        """``kill -9``, of the controller alone or with the proposer that it has started."""
        with _COMMANDS, suppress(ProcessLookupError):  # it has ended meanwhile
            if alone:
                self._command.kill()
            else:
                self._command.kill_group()
        self.wait(10.0)
        self.close()

    def signal(self, number: int) -> None:
        """Signal it with all that it has started."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.killpg(self.pid, number)

    def close(self) -> None:
        self._command.close()


def _leads_a_group(pid: int) -> bool:
    try:
        return os.getpgid(pid) == pid
    except ProcessLookupError:
        return False


class Watch:
    """Reads the journal's log as it grows, without the right to write.

    Args:
        data: The data folder.
    """

    def __init__(self, data: Path) -> None:
        self._file = data / "journal.sqlite"
        self._connection: sqlite3.Connection | None = None
        self._seen = 0
        self.skip()

    def new(self) -> list[tuple[str, str | None]]:
        """What was logged since the last look, as (table, state)."""
        try:
            if self._connection is None:
                if not self._file.exists():
                    return []
                self._connection = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=10.0)
            rows = self._connection.execute("SELECT seq, entry FROM log WHERE seq > ? ORDER BY seq", (self._seen,))
            found = rows.fetchall()
        except sqlite3.OperationalError:  # the journal is being made, or recovered after a kill
            self.close()
            return []
        if found:
            self._seen = found[-1][0]
        entries = [json.loads(entry) for _, entry in found]
        return [(entry["table"], entry.get("row", {}).get("state")) for entry in entries]

    def skip(self) -> None:
        """Take all that is logged as seen."""
        while self.new():
            pass

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        try:
            with sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=10.0) as connection:
                return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def close(self) -> None:
        """Let go of the file: after a kill nobody may hold it, or SQLite has nothing to recover from."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
