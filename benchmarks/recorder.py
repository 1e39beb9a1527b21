"""Records what SQLite writes: each write, truncation, synchronisation, creation and removal of a file, in order.

The unmodified program runs; only SQLite's own layer to the operating system (its VFS) is looked over: the table of
functions of each file is exchanged for a copy in which four functions note what they are asked, and then do it.
It is done with ctypes in the very library that Python's sqlite3 uses, so nothing has to be compiled.

The index of the write-ahead log (``-shm``) is shared memory and no file to SQLite: it is rebuilt, and not recorded.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p, cast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = ["Event", "Recording", "recording"]

_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)
_Close = CFUNCTYPE(c_int, c_void_p)
_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_Delete = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
_CREATE = 0x4
_FULL = 13
_JOURNALS = 0x800 | 0x80000
"""SQLITE_OPEN_MAIN_JOURNAL and SQLITE_OPEN_WAL: the first synchronisation of one that is new takes its folder along."""


class _Methods(Structure):
    """``sqlite3_io_methods``, version 3."""

    _fields_ = [
        ("version", c_int),
        ("close", _Close),
        ("read", c_void_p),
        ("write", _Write),
        ("truncate", _Truncate),
        ("sync", _Sync),
        ("others", c_void_p * 13),
    ]


class _File(Structure):
    """``sqlite3_file``."""

    _fields_ = [("methods", POINTER(_Methods))]


class _Vfs(Structure):
    """``sqlite3_vfs``, as far as it is needed."""

    _fields_ = [
        ("version", c_int),
        ("file_size", c_int),
        ("longest_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        ("open", _Open),
        ("delete", _Delete),
    ]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that SQLite did, or that the program said."""

    what: Literal["create", "delete", "write", "truncate", "sync", "said"]
    file: str = ""
    offset: int = 0
    """Of a write; the new size, of a truncation."""
    data: bytes = b""
    with_folder: bool = False
    """Whether a synchronisation or removal takes the entries of the folder along."""
    fact: Any = None


@dataclass
class Recording:
    """What was done, in order."""

    events: list[Event] = field(default_factory=list)
    sync_seconds: float = 0.0
    """Real seconds that were spent in synchronisations."""
    sync_processor_seconds: float = 0.0
    """Of the processor, the kernel's included."""
    room: int | None = None
    """So many more writes find room on the disk; of the next one only a half does. None: there is room."""
    is_brief: bool = False
    """Whether there is room again after one write has found none."""
    refused: int = 0
    """Writes that found no room."""

    def say(self, fact: Any) -> None:
        """Note what the program knows at this moment."""
        self.events.append(Event("said", fact=fact))

    def count(self, what: str, ending: str = "") -> int:
        """How often something was done with files whose name ends so."""
        return sum(event.what == what and event.file.endswith(ending) for event in self.events)

    @property
    def bytes_written(self) -> int:
        return sum(len(event.data) for event in self.events)


@contextmanager
def recording(folder: Path, *, with_writes: bool = True) -> Iterator[Recording]:
    """Record what this process's SQLite does in a folder. Databases are to be opened and closed in the block.

    Args:
        folder: Where the databases are.
        with_writes: Whether writes and truncations are recorded, which takes time, or synchronisations alone.
    """
    found, watch = Recording(), _Watch(folder, with_writes)
    watch.begin(found)
    try:
        yield found
    finally:
        watch.end()


class _Watch:
    """Exchanges the functions, and keeps what they need alive."""

    def __init__(self, folder: Path, with_writes: bool) -> None:
        import _sqlite3

        self._with_writes = with_writes
        self._folder = folder.resolve()
        # Symbols are looked up in what the module is linked with, too; where it is built in, in the interpreter itself.
        library: Any = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
        library.sqlite3_vfs_find.restype = POINTER(_Vfs)
        self._vfs = library.sqlite3_vfs_find(None).contents
        self._open, self._delete = _copy(self._vfs.open), _copy(self._vfs.delete)
        self._tables: dict[int, _Methods] = {}
        self._files: dict[int, str] = {}
        self._unsynced: set[str] = set()
        """Journals that are new in their folder."""
        self._recording = Recording()

    def begin(self, found: Recording) -> None:
        self._recording = found
        self._callbacks = (_Open(self._on_open), _Delete(self._on_delete))
        self._vfs.open, self._vfs.delete = self._callbacks

    def end(self) -> None:
        self._vfs.open, self._vfs.delete = self._open, self._delete

    def _add(self, what: Any, file: str, **facts: Any) -> None:
        self._recording.events.append(Event(what, Path(file).name, **facts))

    def _on_open(self, vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        path = ctypes.string_at(name).decode() if name else ""
        is_new = bool(path) and bool(flags & _CREATE) and not Path(path).exists()
        code = self._open(vfs, name, file, flags, out)
        if code == 0 and Path(path).parent == self._folder:
            if is_new:
                self._add("create", path)
                if flags & _JOURNALS:
                    self._unsynced.add(path)
            self._files[file] = path
            about = cast(file, POINTER(_File)).contents
            about.methods = ctypes.pointer(self._watched(about.methods))
        return code

    def _on_delete(self, vfs: int, name: bytes, sync_folder: int) -> int:
        code = self._delete(vfs, name, sync_folder)
        if code == 0 and Path(name.decode()).parent == self._folder:
            self._add("delete", name.decode(), with_folder=bool(sync_folder))
        return code

    def _watched(self, methods: Any) -> _Methods:
        """A table of functions like the file's own, with ours in four places."""
        address = ctypes.addressof(methods.contents)
        if address not in self._tables:
            table = _Methods.from_buffer_copy(methods.contents)
            if self._with_writes:
                table.write = _Write(self._write(_copy(methods.contents.write)))
                table.truncate = _Truncate(self._truncate(_copy(methods.contents.truncate)))
            table.sync = _Sync(self._sync(_copy(methods.contents.sync)))
            table.close = _Close(self._close(_copy(methods.contents.close)))
            self._tables[address] = table
        return self._tables[address]

    def _write(self, original: Callable[..., int]) -> Callable[..., int]:
        def write(file: int, data: int, size: int, offset: int) -> int:
            if self._recording.room == 0:
                self._recording.refused += 1
                self._recording.room = None if self._recording.is_brief else 0
                original(file, data, size // 2, offset)
                return _FULL
            if self._recording.room is not None:
                self._recording.room -= 1
            code = original(file, data, size, offset)
            if code == 0:
                self._add("write", self._files[file], offset=offset, data=ctypes.string_at(data, size))
            return code

        return write

    def _truncate(self, original: Callable[..., int]) -> Callable[..., int]:
        def truncate(file: int, size: int) -> int:
            self._add("truncate", self._files[file], offset=size)
            return original(file, size)

        return truncate

    def _sync(self, original: Callable[..., int]) -> Callable[..., int]:
        def sync(file: int, flags: int) -> int:
            path = self._files[file]
            self._add("sync", path, with_folder=path in self._unsynced)
            self._unsynced.discard(path)
            begin, processor_begin = time.perf_counter(), time.thread_time()
            code = original(file, flags)
            self._recording.sync_seconds += time.perf_counter() - begin
            self._recording.sync_processor_seconds += time.thread_time() - processor_begin
            return code

        return sync

    def _close(self, original: Callable[..., int]) -> Callable[..., int]:
        def close(file: int) -> int:
            self._files.pop(file, None)
            return original(file)

        return close


def _copy(function: Any) -> Any:
    """The function itself: what ctypes gives of a field is a view of the field, and changes with it."""
    return type(function)(cast(function, c_void_p).value)
