"""One SQLite database of the journal: opening, writing in one commit, and errors a person can act on."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from autolab.core.errors import StorageError
from autolab.journal.log import Log, TreeHead
from autolab.journal.schema import check_version, is_older, prepare

if TYPE_CHECKING:
    import sqlite_utils

__all__ = ["Database", "check_whole", "copy_whole"]

_BATCH = 5000
"""Rows that are read at a time."""


class Database:
    """A database that several threads of one process share.

    Args:
        path: The file; None keeps it in memory.
        which: ``states`` (each commit is on the disk before it returns) or ``documents`` (bulky; a power failure may
            take the last ones).
        read_only: Open an existing file without the right to write.
        stopwatch: Real seconds on a clock that never goes back; the time spent in commits is added up by it.
        date: Says the date of an entry in the log of the states.

    Raises:
        StorageError: no room or no right to write, no database, a damaged one, or one of a newer version.
    """

    def __init__(
        self,
        path: Path | None,
        which: Literal["states", "documents"],
        *,
        read_only: bool = False,
        stopwatch: Callable[[], float],
        date: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._path = str(path) if path else ":memory:"
        self._is_in_memory = path is None
        self._lock = threading.RLock()
        self._stopwatch = stopwatch
        self.commit_seconds = 0.0
        self.committed: Callable[[], None] = lambda: None
        """Called after each commit of a group."""
        self._log: Log | None = None
        with self._explained():
            if read_only and path is not None:
                _bring_up_to_date(path, which)
                self._connection = _open_to_read(path)
            else:
                self._connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
            try:
                self._check_version(which, is_new_allowed=not read_only)
                if not read_only:
                    self._begin_to_write(which, date)
            except BaseException:
                self._connection.close()  # else its lock would stay
                raise

    def _begin_to_write(self, which: Literal["states", "documents"], date: Callable[[], str | None]) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.execute("PRAGMA busy_timeout = 10000")
        prepare(self._connection, which, self._path)
        if which == "documents":  # its schema is on the disk: without it the states could not be read either
            self._connection.execute("PRAGMA synchronous = NORMAL")
        else:
            self._log = Log(self._connection, date)

    def commit(self, begun: Callable[[], None] | None = None) -> AbstractContextManager[None]:
        """Group writes into one commit: all of them, or none. Nested groups join the outer one.

        Args:
            begun: Called first in the outer one, when nobody else can write any more; where it raises, nothing is
                written.

        Raises:
            StorageError: no room or no right to write.
        """
        return _Group(self, begun)

    def begin(self, begun: Callable[[], None] | None) -> bool:
        """Open a group, see `commit`. Returns whether it is the outer one."""
        self._lock.acquire()
        try:
            if self._connection.in_transaction:
                return False
            self._connection.execute("BEGIN IMMEDIATE")
            if begun is not None:
                begun()
        except BaseException as error:
            self._leave(error, is_outer=True)
            raise
        return True

    def end(self, error: BaseException | None, *, is_outer: bool) -> None:
        """Close a group, see `commit`: with ``error`` nothing of it is kept."""
        try:
            if is_outer and error is None:
                since = self._stopwatch()
                self._connection.execute("COMMIT")
                self.commit_seconds += self._stopwatch() - since
                self.committed()
        except sqlite3.Error as failed:
            error = failed
        finally:
            self._leave(error, is_outer=is_outer)

    def _leave(self, error: BaseException | None, *, is_outer: bool) -> None:
        try:
            if is_outer and self._connection.in_transaction:  # SQLite rolls back by itself when the disk is full
                self._connection.execute("ROLLBACK")
        finally:
            self._lock.release()
        if isinstance(error, sqlite3.Error):
            raise self._explain(error) from error

    def make_durable(self) -> None:
        """Return when all that was committed is on the disk, also where a commit does not wait for it.

        In memory there is nothing to wait for.
        """
        if self._is_in_memory:
            return
        with self._lock, self._explained():
            begin = self._stopwatch()
            # One commit that waits for the disk takes all before it along. A checkpoint would not do: it does nothing
            # where a reader stands in its way.
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            before = self._connection.execute("PRAGMA synchronous").fetchone()[0]
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute(f"PRAGMA user_version = {version}")
            self._connection.execute(f"PRAGMA synchronous = {before}")
            self.commit_seconds += self._stopwatch() - begin

    def write(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement that writes; in a commit of its own unless a group is open. Returns the row's id."""
        with self.commit():
            return self._connection.execute(sql, values).lastrowid or 0

    def insert(self, table: str, **values: Any) -> int:
        """Insert one row. Returns its id."""
        return self.write(_inserting(table, tuple(values)), tuple(values.values()))

    def insert_many(self, table: str, columns: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows, in a commit of their own unless a group is open."""
        with self.commit():
            self._connection.executemany(_inserting(table, columns), rows)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of a query, each by column name."""
        with self._lock:
            try:
                cursor = self._connection.execute(sql, values)
                names = [column[0] for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor]
            except sqlite3.Error as error:
                raise self._explain(error) from error

    def batches(
        self, sql: str, values: Sequence[Any] = (), at_a_time: int = _BATCH
    ) -> Generator[list[tuple[Any, ...]], None, None]:
        """Rows of a query that gives many, as they are and so many at a time.

        What is not read to its end is closed by its reader: until then it holds on to its moment in the file. Other
        threads may write between two batches, except in a `snapshot`.
        """
        # No lock is held while it waits to be asked: what is left behind may be collected by any thread.
        with self._lock, self._explained():
            cursor = self._connection.execute(sql, values)
        with closing(cursor):
            while True:
                with self._lock, self._explained():
                    rows = cursor.fetchmany(at_a_time)
                if not rows:
                    return
                yield rows

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one moment: what is committed meanwhile is not seen by the queries inside."""
        with self._lock, self._explained():
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("COMMIT")

    @property
    def n_logged(self) -> int:
        """Rows that were logged since the states were opened for writing."""
        return 0 if self._log is None else self._log.added

    def head(self) -> TreeHead:
        """The present head of the states' log.

        Raises:
            StorageError: this database is not open for writing, or keeps no log.
        """
        if self._log is None:
            raise StorageError(f"{self._path}: keeps no log; only states that are open for writing have a head")
        with self._lock, self._explained():
            return self._log.head()

    @cached_property
    def tables(self) -> sqlite_utils.Database:
        """The tables by name, for those who look into a journal from a notebook."""
        import sqlite_utils  # it brings pandas along, where there is one: half a second

        return sqlite_utils.Database(self._connection)

    def close(self) -> None:
        """Close the database. Idempotent."""
        with self._lock:
            self._connection.close()

    def _check_version(self, which: str, *, is_new_allowed: bool) -> None:
        """Look at the version before anything is written: what a newer autolab wrote is left alone."""
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        check_version(version, which, self._path)
        if version == 0 and not is_new_allowed:
            raise StorageError(f"{self._path}: holds no journal; name the data folder of a campaign with --data")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _explain(self, error: sqlite3.Error) -> StorageError:
        return StorageError(f"{self._path}: {_advice(str(error))}")


class _Group:
    """What `Database.commit` gives. It is entered for each row of a trial, and no generator."""

    __slots__ = ("_begun", "_database", "_is_outer")

    def __init__(self, database: Database, begun: Callable[[], None] | None) -> None:
        self._database, self._begun, self._is_outer = database, begun, False

    def __enter__(self) -> None:
        self._is_outer = self._database.begin(self._begun)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._database.end(error, is_outer=self._is_outer)


@cache
def _inserting(table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" for _ in columns)
    return f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608 (names of our own tables and columns)


def _bring_up_to_date(path: Path, which: Literal["states", "documents"]) -> None:
    """Migrate what an older version wrote: also its readers need the present schema."""
    with closing(_open_to_read(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    if is_older(version, which):
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            prepare(connection, which, str(path))


def _open_to_read(path: Path) -> sqlite3.Connection:
    """Open a database to read it; one that nobody writes also where its reader has no right to write beside it."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None)
    try:
        connection.execute("PRAGMA schema_version")
    except sqlite3.OperationalError:
        connection.close()
        if not path.exists() or _has_content(Path(f"{path}-wal")) or _has_content(Path(f"{path}-journal")):
            raise
        return sqlite3.connect(f"{uri}&immutable=1", uri=True, check_same_thread=False, isolation_level=None)
    return connection


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def check_whole(path: Path) -> None:
    """Read a database from end to end, and see whether it hangs together. Nothing is changed, also where it does not.

    Raises:
        StorageError: it is damaged.
    """
    try:
        with closing(_open_to_read(path)) as connection:
            answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError:  # who opens it to write says what stands in the way
        return
    except sqlite3.DatabaseError as error:
        answer = str(error)
    if answer != "ok":
        raise StorageError(f"{path}: {_damaged(answer)}")


def copy_whole(path: Path, copy: Path) -> None:
    """Copy a database as it is at one moment, while others read and write it.

    Raises:
        StorageError: it cannot be read, or the copy cannot be written.
    """
    try:
        with closing(_open_to_read(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        raise StorageError(f"{path}, copied to {copy}: {_advice(str(error))}") from error


def _damaged(problem: str) -> str:
    return (
        f"damaged ({' '.join(problem.split())}): nothing was changed; copy the folder away as it is, then restore this "
        "file from a backup, or name another folder with --data"
    )


def _advice(problem: str) -> str:
    if "full" in problem:
        return "the disk is full: nothing more can be recorded, so nothing more is done; make room and resume"
    if "readonly" in problem or "unable to open" in problem or "not authorized" in problem:
        return "no right to write, or no such folder: choose a folder of yours with --data"
    if "locked" in problem:
        return "another process holds the journal: wait until its campaign has ended"
    if "malformed" in problem or "not a database" in problem:
        return _damaged(problem)
    if "disk I/O error" in problem:
        return (
            f"the disk refuses to read or write ({problem}): nothing more is done; look for room, quota and the state "
            "of the disk, then resume"
        )
    return problem
