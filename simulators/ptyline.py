"""The shell that puts a core behind a serial line: a pseudo-terminal with a name that a lab file can give."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import tty
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from autolab.core.clock import Clock
from autolab.core.errors import InputError
from simulators.power import following
from simulators.process import StopRequest, announce, lock_file

__all__ = ["LineCore", "PoweredCore", "serve_line", "serve_powered_line"]

POLL_REAL_S = 0.02
"""Real seconds between two looks at the clock while the line is silent."""


class LineCore(Protocol):
    """A protocol core on a line of bytes."""

    def feed(self, data: bytes, now: float) -> bytes:
        """Take bytes, give those that answer them."""
        ...

    def advance(self, now: float) -> None:
        """Let the lab time pass."""
        ...


class PoweredCore(LineCore, Protocol):
    """A protocol core whose actuators can lose their power."""

    def power(self, on: bool, now: float) -> None:
        """Give power to the actuators, or take it away."""
        ...


def serve_line(core: LineCore, clock: Clock, at: Mapping[str, Any]) -> None:
    """Serve a core that always has power, see `serve_powered_line`."""
    _serve_line(core, clock, at, threading.Lock())


def serve_powered_line(core: PoweredCore, clock: Clock, at: Mapping[str, Any], power: Path | None) -> None:
    """Serve ``core`` behind a pseudo-terminal until the process is asked to end.

    The other end stays open here, so that clients may open and close it as they like.

    Args:
        core: The protocol core.
        clock: Lab time.
        at: ``{"serial": PATH}``: where to put a link to the pseudo-terminal; without it, its own name is announced.
        power: The relay's power line, see `simulators.base.Settings`.

    Raises:
        InputError: another simulator serves at this path, or something that is no link is in the way.
    """
    turn = threading.Lock()

    def switch(on: bool) -> None:
        with turn:
            core.power(on, clock.now())

    with following(power, switch):
        _serve_line(core, clock, at, turn)


def _serve_line(core: LineCore, clock: Clock, at: Mapping[str, Any], turn: threading.Lock) -> None:
    stop = StopRequest()
    wish = Path(str(at["serial"])) if at.get("serial") else None
    lock = None if wish is None else _lock(wish)
    ours, theirs = os.openpty()
    link: Path | None = None
    try:
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        name = os.ttyname(theirs)
        link = None if wish is None else _link(wish, name)
        announce({"serial": str(link or name)})
        _serve(core, clock, ours, stop, turn)
    finally:
        if link is not None:
            link.unlink(missing_ok=True)
        for descriptor in (theirs, ours, lock):
            if descriptor is not None:
                os.close(descriptor)


def _serve(core: LineCore, clock: Clock, line: int, stop: StopRequest, turn: threading.Lock) -> None:
    while not stop.is_set():
        readable, _, _ = select.select([line], [], [], POLL_REAL_S)
        with turn:
            core.advance(clock.now())
            reply = core.feed(os.read(line, 4096), clock.now()) if readable else b""
        with contextlib.suppress(BlockingIOError):  # nobody reads: a serial line loses what does not fit its buffer
            os.write(line, reply)


def _lock(wish: Path) -> int:
    """Lock the name of a link: terminals' own names are used again, so a link that opens proves nothing."""
    refusal = f"{wish}: another simulator serves this line; stop it, or give another path"
    return lock_file(wish.with_name(f".{wish.name}.lock"), refusal)


def _link(path: Path, target: str) -> Path:
    """Put a link to the pseudo-terminal at ``path``; one that is there already was left by a killed simulator."""
    try:
        if path.is_symlink():
            path.unlink()
        path.symlink_to(target)
    except FileExistsError:
        raise InputError(f"{path}: something that is not a simulator's link is in the way; give another path") from None
    except OSError as error:
        raise InputError(f"{path}: the link to the serial line cannot be made: {error.strerror}") from None
    return path
