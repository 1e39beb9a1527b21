"""What every answer carries and no request may exceed: security headers, and the size of a body."""

from __future__ import annotations

import json
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autolab.server.documents import LARGEST
from autolab.server.problems import Problem

__all__ = ["Shield"]

LARGEST_BODY = 256 * 1024
LARGEST_DOCUMENT = LARGEST + LARGEST_BODY
"""With the form around it."""
_BRINGS = ("/evidence", "/api/v1/evidence/documents/")
"""Where a document is brought: the path of the form, and the beginning of those of programs."""
_CONTENT = (
    "default-src 'none'; script-src 'self'; "
    "style-src 'self' 'unsafe-hashes' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
    "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""The first hash is that of no text at all: Plotly makes an empty style element, and fills it by script. The second is
of the one attribute with which it tries how the browser draws images. No other inline style is let through."""
_REPORT = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox allow-scripts allow-downloads"
)
"""A report has its script and style inside it: it is shown without the rights of this site."""


class Shield:
    """Puts headers on answers and refuses bodies that are too large.

    Args:
        app: What is behind it.
        is_secure: Whether browsers are told to come by TLS only.
    """

    def __init__(self, app: ASGIApp, *, is_secure: bool) -> None:
        self._app, self._is_secure = app, is_secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said, largest = dict(scope["headers"]).get(b"content-length", b"0"), _largest(scope["path"])
        if not said.isdigit() or int(said) > largest:
            await _refuse(send, largest)
            return
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > largest:  # a body without a length that does not end
                return {"type": "http.disconnect"}
            return message

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self._headers(scope["path"], message)]
            await send(message)

        await self._app(scope, bounded, headed)

    def _headers(self, path: str, message: Message) -> list[tuple[bytes, bytes]]:
        content = _REPORT if path.endswith("/report") else _CONTENT
        headers = {
            "Content-Security-Policy": content,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
        }
        known = {name.lower() for name, _ in message.get("headers", [])}
        if b"cache-control" not in known:
            headers["Cache-Control"] = "no-store"
        if self._is_secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        return [(name.encode(), value.encode()) for name, value in headers.items()]


def _largest(path: str) -> int:
    """Bytes that the body of a request may have."""
    return LARGEST_DOCUMENT if path == _BRINGS[0] or path.startswith(_BRINGS[1]) else LARGEST_BODY


async def _refuse(send: Send, largest: int) -> None:
    problem: dict[str, Any] = Problem(
        type="urn:autolab:problem:too-large", title="Too large", status=413,
        detail=f"a request has at most {largest} bytes: send less at once",
    ).model_dump()  # fmt: skip
    body = json.dumps(problem).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
