"""The file of accounts, which the server alone keeps. Its owner alone may read it; no secret in it is in the clear."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autolab.core.errors import StorageError
from autolab.journal.folder import make_folder

__all__ = ["VAULT_FILE", "Vault", "digest"]

VAULT_FILE = "accounts.sqlite"
_SCRIPT_1 = """
CREATE TABLE accounts (
    name TEXT PRIMARY KEY, password TEXT, roles TEXT NOT NULL, signing TEXT, public TEXT, is_closed INTEGER NOT NULL
    DEFAULT 0, made TEXT NOT NULL) STRICT;
CREATE TABLE links (
    digest TEXT PRIMARY KEY, account TEXT, roles TEXT NOT NULL, until REAL NOT NULL) STRICT;
CREATE TABLE sessions (
    digest TEXT PRIMARY KEY, account TEXT NOT NULL, until REAL NOT NULL) STRICT;
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY, digest TEXT NOT NULL, account TEXT NOT NULL, label TEXT NOT NULL, scopes TEXT NOT NULL,
    made TEXT NOT NULL, until REAL NOT NULL) STRICT;
CREATE TABLE once (
    account TEXT NOT NULL, key TEXT NOT NULL, asked TEXT NOT NULL, answer TEXT, begun REAL NOT NULL,
    PRIMARY KEY (account, key)) STRICT;
"""
_SCRIPT_2 = """
CREATE TABLE waits (
    key TEXT PRIMARY KEY, id TEXT NOT NULL, since REAL NOT NULL, is_told INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE notices (
    id TEXT NOT NULL, channel TEXT NOT NULL, told TEXT NOT NULL, made REAL NOT NULL, sent REAL, tries INTEGER NOT NULL
    DEFAULT 0, due REAL NOT NULL, error TEXT, is_given_up INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (id, channel)) STRICT;
"""
_SCRIPTS = (_SCRIPT_1, _SCRIPT_2)
"""One for each version of the file. One that has been released never changes."""


class Vault:
    """The database of accounts, sessions, API keys, requests that are made once, and messages to people.

    Args:
        folder: The data folder, which is made where it is missing.

    Raises:
        StorageError: no room or no right to write, or a newer version wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / VAULT_FILE
        self._lock = threading.RLock()
        try:
            make_folder(folder)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._path.chmod(0o600)
        except OSError as error:
            raise StorageError(f"{self._path}: {error.strerror}: choose a folder of yours with --data") from error
        with self._explained():
            self._connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA busy_timeout = 10000")
            self._prepare()

    def _prepare(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(_SCRIPTS):
            raise StorageError(f"{self._path}: written by a newer autolab (schema {version}): use that one")
        for number, script in enumerate(_SCRIPTS[version:], version + 1):
            self._connection.executescript(f"BEGIN IMMEDIATE;{script}PRAGMA user_version = {number};COMMIT;")

    @contextmanager
    def commit(self) -> Iterator[None]:
        """Group what is read and written inside: all of it, or nothing."""
        with self._lock, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of a query, or of a statement that returns some, each by column name."""
        with self._lock, self._explained():
            cursor = self._connection.execute(sql, values)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def write(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement that writes. Returns how many rows it changed."""
        with self._lock, self._explained():
            return self._connection.execute(sql, values).rowcount

    def close(self) -> None:
        """Close the file. Idempotent."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(f"{self._path}: {error}: look for room, rights and the state of the disk") from error


def digest(secret: str) -> str:
    """What is kept of a secret of 256 random bits, which needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
