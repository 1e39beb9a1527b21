"""Stop and emergency stop: two doors that ask for no account and hold nobody up. They answer nothing but "stopping".

They have threads of their own, so that whatever else the server waits for, a stop does not wait for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from autolab.server import acts
from autolab.server.doors import Doors, Here, MeOrNobody, address_of, principal_of

__all__ = ["open_stops"]

ANSWER_REAL_S = 1.0
"""Real seconds after which whoever presses is answered in any case."""
_THREADS = ThreadPoolExecutor(4, thread_name_prefix="autolab-stops")
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>stopping</title>
<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="2;url=/">
<link rel="stylesheet" href="/static/autolab.css"></head>
<body><main class="plain"><h1>stopping</h1></main></body></html>"""


async def stop(context: Here, account: MeOrNobody, request: Request) -> Response:
    """End what runs, in its safe state."""
    who = principal_of(request, account)
    await _at_once(acts.stop_all, context, who)
    return _stopping(request)


async def emergency_stop(context: Here, account: MeOrNobody, request: Request) -> Response:
    """Drop the relay."""
    who = principal_of(request, account)
    await _at_once(acts.emergency_stop, context, who, f"the server, by {who.name} from {address_of(request)}")
    return _stopping(request)


async def _at_once(act: Callable[..., Any], *words: Any) -> None:
    """Do it, and answer soon, also where the journal keeps the record waiting. What goes wrong is for the log."""

    def do() -> None:
        try:
            act(*words)
        except Exception:
            logging.getLogger(__name__).exception("a stop did not go through all the way")

    await asyncio.wait([asyncio.get_running_loop().run_in_executor(_THREADS, do)], timeout=ANSWER_REAL_S)


def _stopping(request: Request) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"said": "stopping"}, 202)
    return HTMLResponse(_PAGE, 202)


def open_stops(doors: Doors) -> None:
    """Open these doors, for programs and for plain forms."""
    for prefix in ("/api/v1", ""):
        doors.open("POST", f"{prefix}/stop", "nothing at all", stop, status_code=202)
        doors.open("POST", f"{prefix}/emergency-stop", "nothing at all", emergency_stop, status_code=202)
