"""Locks on devices: two controllers, also with two data folders, never command one device."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from autolab.core.errors import InputError, InputErrors, StorageError

__all__ = ["holding"]


@contextmanager
def holding(addresses: Mapping[str, str], holder: str, folder: Path | None = None) -> Iterator[None]:
    """Hold a lock on each address until the block ends, or the process does.

    Args:
        addresses: What each device's name stands for: its address, with the bench that it is on where it is simulated.
        holder: Who holds them, for whoever is refused.
        folder: Where the locks are; None for the folder that all controllers of this machine share.

    Raises:
        InputErrors: another controller holds some of them; all are named.
        StorageError: no right to make a lock.
    """
    folder = folder or Path(tempfile.gettempdir()) / "autolab-locks"
    refused: list[InputError] = []
    with ExitStack() as stack:
        for name, address in addresses.items():
            path = folder / f"{hashlib.sha256(address.encode()).hexdigest()[:24]}.lock"
            by = stack.enter_context(_lock(path, holder))
            if by is not None:
                refused.append(
                    InputError(
                        f"{name} ({address}): another controller holds this device: {by}; "
                        "wait until its campaign has ended, or pause it"
                    )
                )
        if refused:
            raise InputErrors(refused)
        yield


@contextmanager
def _lock(path: Path, holder: str) -> Iterator[str | None]:
    """Hold one lock, and yield None; or yield who holds it."""
    try:
        path.parent.mkdir(mode=0o777, parents=True, exist_ok=True)
        descriptor, is_ours = _opened(path)
    except OSError as error:
        raise StorageError(f"{path}: {os.strerror(error.errno or 0)}: a device cannot be locked without it") from error
    try:
        if not is_ours:
            yield os.pread(descriptor, 1000, 0).decode(errors="replace") or "an unnamed process"
            return
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode(), 0)
        yield None
    finally:
        if is_ours:
            path.unlink(missing_ok=True)  # while it is held: whoever has opened it finds that it is gone
        os.close(descriptor)


def _opened(path: Path) -> tuple[int, bool]:
    """Open a lock's file and try to lock it. Its holder removes it at the end, so the locked file may be gone."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return descriptor, False
        if path.exists() and path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor, True
        os.close(descriptor)
