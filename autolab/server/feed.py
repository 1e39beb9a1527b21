"""What happens in the lab, from the journal's log, to every page that is open.

One thread looks into the log and hands each entry to all streams as a small event. A stream has a queue of bounded
length: a reader that is too slow is cut off, comes back with the number of the last event it has seen, and gets the
rest from the log. Nothing is kept here that the journal does not have.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autolab.core.clock import Clock
from autolab.core.errors import AutolabError, InputError
from autolab.journal.journal import STATES_FILE
from autolab.journal.reader import JournalReader

__all__ = ["MOST_STREAMS", "Event", "Feed"]

LOOK_REAL_S = 0.1
"""Real seconds between two looks into the log."""
MOST_STREAMS = 200
LONGEST_QUEUE = 256
MOST_REPLAYED = 1000
"""Events that are sent again to a reader that comes back; who has missed more reads the page anew."""
_KINDS = {
    "campaigns": "campaign", "trials": "trial", "intents": "action", "requests": "request", "questions": "question",
    "approvals": "approval", "alarms": "alarm", "trips": "trip", "bypasses": "bypass", "interventions": "intervention",
    "recoveries": "recovery", "corrections": "correction", "samples": "sample",
}  # fmt: skip
_SHOWN = ("campaign", "trial", "state", "verb", "device", "cause", "what", "rule", "lab", "answer")
"""Columns that an event tells; whoever wants more asks for it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the log, as pages get it."""

    id: int
    """Number of the entry in the log."""
    what: str
    """Such as ``trial`` or ``question``; ``reload`` where too much was missed."""
    data: dict[str, Any]

    def frame(self) -> bytes:
        """As server-sent events (HTML Living Standard, 9.2) write it."""
        return f"id: {self.id}\nevent: {self.what}\ndata: {json.dumps(self.data)}\n\n".encode()


class _Stream:
    """One reader: its queue lives in the loop that serves it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue(LONGEST_QUEUE)
        self.is_cut = False

    def put(self, events: Sequence[Event]) -> None:
        """Take events over; called in the loop."""
        for event in events:
            if self.queue.full():
                self.is_cut = True
                return
            self.queue.put_nowait(event)

    def end(self) -> None:
        """Wake the reader up for the last time; called in the loop."""
        self.is_cut = True
        if not self.queue.full():
            self.queue.put_nowait(None)


class Feed:
    """Reads the log of one data folder, and tells all streams.

    Args:
        folder: The data folder, which has a journal.
        clock: Sleeps between two looks.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock
        self._streams: set[_Stream] = set()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._last = 0
        self._thread = threading.Thread(target=self._watch, name="autolab-feed", daemon=True)
        self._has_begun = False

    @property
    def n_streams(self) -> int:
        """Streams that are open."""
        return len(self._streams)

    async def events(self, after: int | None) -> AsyncIterator[Event | None]:
        """Events from here on, or after the one with the number ``after``. None now and then, while nothing happens.

        Raises:
            InputError: too many streams are open.
        """
        stream = _Stream(asyncio.get_running_loop())
        with self._lock:
            if len(self._streams) >= MOST_STREAMS:
                raise InputError(f"{MOST_STREAMS} pages are open already: close some")
            self._streams.add(stream)
            if not self._has_begun:
                self._has_begun = True
                self._last = self._newest()
                self._thread.start()
        try:
            last = after
            for event in await asyncio.to_thread(self._missed, after):
                last = event.id
                yield event
            while not stream.is_cut:
                try:
                    event = await asyncio.wait_for(stream.queue.get(), 5.0)
                except TimeoutError:
                    yield None
                    continue
                if event is not None and (last is None or event.id > last):
                    last = event.id
                    yield event
        finally:
            with self._lock:
                self._streams.discard(stream)

    def cut(self) -> None:
        """End the streams that are open; their readers may come back."""
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            if not stream.loop.is_closed():
                stream.loop.call_soon_threadsafe(stream.end)

    def close(self) -> None:
        """End all streams. Idempotent."""
        self._over.set()
        self.cut()
        if self._has_begun and self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        reader: JournalReader | None = None
        version = -1
        while not self._over.wait(LOOK_REAL_S):
            try:
                reader = reader or JournalReader.open(self._folder)
                seen = reader.states.rows("PRAGMA data_version")[0]["data_version"]
                if seen == version:
                    continue
                events, self._last = _read(reader, self._last, MOST_REPLAYED)
                version = seen if len(events) < MOST_REPLAYED else -1
            except AutolabError:  # the journal is gone or locked: pages see that their values grow old
                if reader is not None:
                    reader.close()
                reader = None
                continue
            self._tell(events)
        if reader is not None:
            reader.close()

    def _tell(self, events: Sequence[Event]) -> None:
        with self._lock:
            streams = list(self._streams) if events else []
        for stream in streams:
            if not stream.loop.is_closed():
                stream.loop.call_soon_threadsafe(stream.put, events)

    def _newest(self) -> int:
        reader = JournalReader.open(self._folder)
        try:
            return reader.states.rows("SELECT coalesce(max(seq), 0) AS last FROM log")[0]["last"]
        finally:
            reader.close()

    def _missed(self, after: int | None) -> list[Event]:
        """What a reader has missed that comes back; where that is too much, the advice to read the page anew."""
        if after is None or not (self._folder / STATES_FILE).is_file():
            return []
        newest = self._newest()
        if not newest - MOST_REPLAYED <= after <= newest:
            return [Event(newest, "reload", {})]
        reader = JournalReader.open(self._folder)
        try:
            return _read(reader, after, MOST_REPLAYED)[0]
        finally:
            reader.close()


def _read(reader: JournalReader, after: int, limit: int) -> tuple[list[Event], int]:
    """Events after an entry of the log, and the number of the last entry that was looked at."""
    rows = reader.states.rows("SELECT seq, entry FROM log WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit))
    found = [event for row in rows if (event := _event(row["seq"], json.loads(row["entry"]))) is not None]
    return found, rows[-1]["seq"] if rows else after


def _event(seq: int, entry: dict[str, Any]) -> Event | None:
    """What an entry tells pages; None where it is nothing for them."""
    kind = _KINDS.get(entry["table"])
    if kind is None:
        return None
    told = {**entry["key"], **entry.get("row", {})}
    data = {name: told[name] for name in _SHOWN if told.get(name) is not None}
    if kind == "campaign":
        data["campaign"] = entry["key"].get("id")
    if kind == "trial":
        data["trial"] = entry["key"].get("number")
    return Event(seq, kind, {**data, "date": entry.get("date")})
