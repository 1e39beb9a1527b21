"""Walls: while a plan is walked through, what it does besides sending messages is refused and noted.

Python tells its audit hooks (PEP 578) before a file is opened, a socket made or a process started. What this keeps out
are plans that were written without thinking of it; it is no prison for code that wants out.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import bluesky.utils

from autolab.screen.shadows import Reached, ReachedError

__all__ = ["walled"]

REFUSED = (
    "ctypes.dlopen", "open", "os.chdir", "os.chmod", "os.exec", "os.fork", "os.forkpty", "os.kill", "os.link",
    "os.mkdir", "os.posix_spawn", "os.putenv", "os.remove", "os.rename", "os.rmdir", "os.spawn", "os.symlink",
    "os.system", "os.truncate", "pty.spawn", "shutil.", "socket.", "sqlite3.",
    "subprocess.", "tempfile.", "urllib.", "webbrowser.",
)  # fmt: skip
"""Audit events, or how they begin."""
SOURCES = ("linecache.py", "tokenize.py", "<frozen importlib._bootstrap_external>")
"""Files whose code may read: imports in a plan's body, and the stacks that Bluesky's stubs note for their warnings."""
N_FRAMES = 8

_here = threading.local()
_lock = threading.Lock()
_installed: list[bool] = []


@contextmanager
def walled(reached: Reached) -> Generator[None]:
    """Refuse files, sockets and processes to this thread in the block, and note in ``reached`` what was refused."""
    with _lock:
        if not _installed:  # an audit hook cannot be taken away again
            sys.addaudithook(_hook)
            setattr(bluesky.utils, "traceback", _Traceback())  # noqa: B010 (a type checker would refuse it)
            _installed.append(True)
    _here.reached = reached
    try:
        yield
    finally:
        _here.reached = None


class _Traceback:
    """Python's ``traceback`` for Bluesky's stubs, each of which notes its caller's stack, for a warning that is hardly
    ever given. To format it takes longer than all the rest of a walk.
    """

    def format_stack(self) -> _Stack | list[str]:
        """Nothing inside the walls, where no warning is given; outside them the stack."""
        return [] if getattr(_here, "reached", None) is not None else _Stack.of(sys._getframe(1))

    def __getattr__(self, name: str) -> Any:
        return getattr(traceback, name)


class _Stack:
    """A stack as `traceback.format_stack` gives it, which is put into words when somebody wants to read it.

    Args:
        places: Code and line of each frame, the outermost first.
        words: What follows them.
    """

    def __init__(self, places: list[tuple[CodeType, int]], words: tuple[str, ...] = ()) -> None:
        self._places, self._words = places, words

    @classmethod
    def of(cls, frame: FrameType | None) -> _Stack:
        """The stack of a frame."""
        places: list[tuple[CodeType, int]] = []
        while frame is not None:
            places.append((frame.f_code, frame.f_lineno))
            frame = frame.f_back
        return cls(places[::-1])

    def __getitem__(self, which: slice) -> _Stack:
        return _Stack(self._places[which], self._words)

    def __iadd__(self, words: list[str]) -> _Stack:
        return _Stack(self._places, (*self._words, *words))

    def __iter__(self) -> Iterator[str]:
        lines = [(code.co_filename, number, code.co_name, None) for code, number in self._places]
        yield from traceback.StackSummary.from_list(lines).format()
        yield from self._words


def _hook(event: str, args: tuple[Any, ...]) -> None:
    reached: Reached | None = getattr(_here, "reached", None)
    if reached is None or not event.startswith(REFUSED):
        return
    if event == "open" and _is_reading_source(args, sys._getframe(1)):
        return
    what = f" {args[0]!r:.80}" if args and isinstance(args[0], str | bytes) else ""
    reached.append(f"the plan itself does '{event}'{what}: files, sockets and processes are no business of a plan")
    raise ReachedError(reached[-1])


def _is_reading_source(args: tuple[Any, ...], frame: FrameType | None) -> bool:
    mode = args[1] if len(args) > 1 else None
    if mode is not None and set(str(mode)) - set("rbt"):
        return False
    for _ in range(N_FRAMES):
        if frame is None:
            return False
        if frame.f_code.co_filename.endswith(SOURCES):
            return True
        frame = frame.f_back
    return False
