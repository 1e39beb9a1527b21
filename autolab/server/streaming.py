"""The door through which pages and programs hear what happens, as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Header, Query, Request
from fastapi.responses import StreamingResponse

from autolab.core.roles import Scope
from autolab.server.doors import LARGEST, Doors, Here
from autolab.server.feed import MOST_STREAMS
from autolab.server.problems import TooOftenError
from autolab.server.settings import Context

__all__ = ["open_streaming"]

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def events(
    context: Here,
    request: Request,
    last: Annotated[
        int | None, Header(alias="Last-Event-ID", ge=0, le=LARGEST, description="The last event that was seen.")
    ] = None,
    after: Annotated[int | None, Query(ge=0, le=LARGEST, description="The same, for a page that is new.")] = None,
) -> StreamingResponse:
    """Stream what happens as server-sent events, from the journal's log; a reader that comes back misses nothing."""
    if context.feed.n_streams >= MOST_STREAMS:
        raise TooOftenError(f"{MOST_STREAMS} pages are open already", 30)
    return StreamingResponse(
        _frames(context, request, last if last is not None else after),
        media_type="text/event-stream",
        headers=_HEADERS,
    )


async def _frames(context: Context, request: Request, after: int | None) -> AsyncIterator[bytes]:
    yield b"retry: 1000\n\n"
    async for event in context.feed.events(after):
        if await request.is_disconnected():
            return
        yield b"event: beat\ndata: {}\n\n" if event is None else event.frame()


def open_streaming(doors: Doors) -> None:
    """Open this door."""
    doors.open(
        "GET", "/api/v1/events", Scope.READ_STATUS, events, response_class=StreamingResponse, response_model=None
    )
