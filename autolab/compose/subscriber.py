"""The process of one subscriber: it reads the documents from the journal, and hands them on.

It reads what is to be done as a line of JSON, and then the word ``finish``: what is recorded by then is still given. It
writes the number of each document that was taken, and at last how it ended. It takes nothing from the campaign but a
place among the readers of the journal, so it can be as slow as it likes.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from autolab.compose.names import Names
from autolab.compose.subscribers import Subscriber, documents_after, made
from autolab.config.lab import load_lab
from autolab.core.clock import real_clock
from autolab.journal.database import Database

__all__ = ["main"]

BATCH = 100
LOOK_REAL_S = 0.1
"""Real seconds between two looks for new documents."""
TELL_REAL_S = 0.5
"""Real seconds between two words to the controller, which has other things to do than to count."""
PARTING_REAL_S = 30.0
"""Real seconds that it goes on for when its controller is gone."""
NICE = 10


def main() -> int:
    """Serve one subscriber to the end of the campaign. Returns the exit code."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a subscriber prints is none of ours
    os.nice(NICE)
    line, _, rest = _until_newline()
    request = json.loads(line)
    finish = threading.Event()
    threading.Thread(target=_hear, args=(rest, finish), daemon=True).start()
    clock = real_clock()
    try:
        lab = load_lab(request["lab"])
        names = Names(lab.source, lab.packages, Path(request["lab"]).parent)
        subscriber = made(lab.subscribers[request["name"]], names)
        with closing(
            Database(Path(request["documents"]), "documents", read_only=True, stopwatch=clock.real)
        ) as documents:
            told, told_s = request["after"], clock.real()
            _write(out, at=told)  # it is ready
            for taken, is_idle in _given(documents, request["campaign"], told, subscriber, finish):
                if taken != told and (is_idle or clock.real() - told_s > TELL_REAL_S):
                    told, told_s = taken, clock.real()
                    _write(out, at=told)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is told, and ends this process only)
        _write(out, failed=f"{type(error).__name__}: {error}")
        return 1
    _write(out, done=True)
    return 0


def _given(
    documents: Database, campaign: str, after: int, subscriber: Subscriber, finish: threading.Event
) -> Iterator[tuple[int, bool]]:
    """Hand documents on until there are no more and none will come.

    Yields:
        The number of the last one that was taken, and whether no other waits.
    """
    while True:
        is_last, before = finish.is_set(), after
        for number, name, document in documents_after(documents, campaign, before, BATCH):
            subscriber(name, document)
            after = number
            yield number, False
        if after == before:
            yield after, True
            if is_last:
                return
            finish.wait(LOOK_REAL_S)


def _hear(rest: bytes, finish: threading.Event) -> None:
    """Wait for the word that ends it. Where the controller has gone without it, what hangs is ended after a while."""
    heard = rest
    while b"\n" not in heard:
        chunk = os.read(0, 1 << 12)
        if not chunk:
            finish.set()
            real_clock().sleep(PARTING_REAL_S)
            os._exit(1)
        heard += chunk
    finish.set()


def _until_newline() -> tuple[bytes, bytes, bytes]:
    heard = b""
    while b"\n" not in heard:
        chunk = os.read(0, 1 << 16)
        if not chunk:
            sys.exit(1)
        heard += chunk
    return heard.partition(b"\n")


def _write(out: IO[str], **said: Any) -> None:
    out.write(json.dumps(said) + "\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
