"""Messages of the ZeroMQ protocol that arm and replay instrument speak, shared by instrument and controller.

A message is one frame of JSON. A request is ``{"id", "op", "args", "epoch", "not_after", "key"}``, a reply is
``{"id", "reply", ...}``. The protocol stands in docs/reference/arm-protocol.md.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from autolab.core.errors import WireError

__all__ = ["MAX_MESSAGE", "Reply", "ReplyKind", "Request", "object_of"]

MAX_MESSAGE = 65_536
"""Longest message in bytes."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_OP = re.compile(r"[a-z_]{1,32}")


class ReplyKind(StrEnum):
    """What a reply says."""

    OK = "ok"
    """The answer to a query."""
    ACK = "ack"
    """The operation has begun; ``done`` or ``failed`` follows."""
    DUPLICATE = "duplicate"
    """An operation of this id was begun before; the reply holds what is known of it."""
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    """Nothing has happened; the reply holds ``code`` and ``reason``."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks."""

    id: str
    """Names the request; for an action it is the operation id."""
    op: str
    args: Mapping[str, Any] = field(default_factory=dict[str, Any])
    epoch: int | None = None
    """The instrument's epoch as its ``hello`` gave it; required for actions."""
    not_after: float | None = None
    """Time on the instrument's clock after which an action must not begin; required for actions."""
    key: str | None = None
    """The key of the client that has claimed the instrument; required for actions while it is claimed."""

    def to_bytes(self) -> bytes:
        """Write the request as one message."""
        message = {"id": self.id, "op": self.op, "args": dict(self.args)}
        if self.epoch is not None:
            message["epoch"] = self.epoch
        if self.not_after is not None:
            message["not_after"] = self.not_after
        if self.key is not None:
            message["key"] = self.key
        return _ENCODE(message).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Request:
        """Read a request.

        Raises:
            WireError: it has not the form of a request; the message says what is wrong.
        """
        message = object_of(data)
        unknown = sorted(set(message) - {"id", "op", "args", "epoch", "not_after", "key"})
        if unknown:
            raise WireError(f"unknown keys {', '.join(unknown)[:80]}")
        identity, op = message.get("id"), message.get("op")
        if not (isinstance(identity, str) and _ID.fullmatch(identity)):
            raise WireError("id must be 1 to 64 letters, digits, '.', '_' or '-'")
        if not (isinstance(op, str) and _OP.fullmatch(op)):
            raise WireError("op must be the name of an operation")
        args, epoch, not_after = message.get("args", {}), message.get("epoch"), message.get("not_after")
        if not isinstance(args, dict):
            raise WireError("args must be an object")
        if epoch is not None and (isinstance(epoch, bool) or not isinstance(epoch, int)):
            raise WireError("epoch must be a whole number")
        if not_after is not None and (isinstance(not_after, bool) or not isinstance(not_after, int | float)):
            raise WireError("not_after must be a number")
        key = message.get("key")
        if key is not None and not (isinstance(key, str) and _ID.fullmatch(key)):
            raise WireError("key must be 1 to 64 letters, digits, '.', '_' or '-'")
        return cls(identity, op, args, epoch, not_after, key)


@dataclass(frozen=True, slots=True)
class Reply:
    """What an instrument answers."""

    id: str
    """The request's id; empty where the request could not be read."""
    kind: ReplyKind
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_bytes(self) -> bytes:
        """Write the reply as one message."""
        return _ENCODE({"id": self.id, "reply": self.kind.value, **self.values}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Reply:
        """Read a reply.

        Raises:
            WireError: it has not the form of a reply.
        """
        message = object_of(data)
        identity, kind = message.pop("id", None), message.pop("reply", None)
        if not isinstance(identity, str) or kind not in tuple(ReplyKind):
            raise WireError(f"not a reply: {data[:120]!r}")
        return cls(identity, ReplyKind(kind), message)


def _not_finite(text: str) -> float:
    raise ValueError(f"{text} is not a finite number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _not_finite(text)


_ENCODE = json.JSONEncoder(allow_nan=False).encode
_DECODE = json.JSONDecoder(parse_constant=_not_finite, parse_float=_finite).decode


def object_of(data: bytes) -> dict[str, Any]:
    """Read a JSON object whose numbers are all finite.

    Raises:
        WireError: it is too long, or something else.
    """
    if len(data) > MAX_MESSAGE:
        raise WireError(f"a message has at most {MAX_MESSAGE} bytes, and this one has {len(data)}")
    try:
        message = _DECODE(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON as the protocol has it: {str(error)[:80]}") from None
    if not isinstance(message, dict):
        raise WireError("a message is a JSON object")
    return message
