"""Frames of the dispenser's serial protocol, shared by instrument and controller.

A frame is one line of ASCII. A request is ``>SEQ COMMAND ARGUMENTS*CRC``, a reply is ``<SEQ OK ARGUMENTS*CRC`` or
``<SEQ ERR CODE WORDS*CRC``, each ended by CR LF. ``SEQ`` is four hexadecimal digits that the reply repeats; ``CRC`` is
CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xFFFF) of everything before the ``*``, as four hexadecimal digits.
The whole protocol stands in docs/reference/dispenser-protocol.md.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from enum import IntEnum

from autolab.core.errors import WireError

__all__ = ["END", "MAX_LINE", "ErrorCode", "Frame", "checksum", "decode", "encode", "fields", "plain_fields"]

END = b"\r\n"
MAX_LINE = 256
"""Longest line in bytes, its end included."""

_FRAME = re.compile(rb"([<>])([0-9A-F]{4}) ([ -)+-~]+)\*([0-9A-F]{4})")  # printable ASCII, and no second "*"


class ErrorCode(IntEnum):
    """What an ``ERR`` reply or a failed operation says."""

    CHECKSUM = 1
    SYNTAX = 2
    UNKNOWN_COMMAND = 3
    BAD_ARGUMENT = 4
    OUT_OF_LIMITS = 5
    BUSY = 6
    NO_WELL = 7
    STOPPED = 8
    RESERVOIR_EMPTY = 9
    INTERRUPTED = 10
    FRAME_NEEDED = 11
    LINE_TOO_LONG = 12
    ID_CONFLICT = 13
    NO_POWER = 14


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of the protocol, taken apart."""

    direction: str
    """``>`` for a request, ``<`` for a reply."""
    sequence: int
    """0 to 65535."""
    body: str
    """What stands between the sequence number and the checksum."""


def checksum(data: bytes) -> int:
    """CRC-16/CCITT-FALSE of ``data``; 0x29B1 for ``b"123456789"``."""
    return binascii.crc_hqx(data, 0xFFFF)


def encode(frame: Frame) -> bytes:
    """Write a frame as the bytes of one line, its end included.

    Raises:
        WireError: the body is empty, holds a ``*`` or anything but printable ASCII, or the line would be too long.
    """
    head = f"{frame.direction}{frame.sequence:04X} {frame.body}".encode("ascii", errors="replace")
    line = head + b"*%04X" % checksum(head)
    if frame.body != frame.body.encode("ascii", errors="replace").decode() or not _FRAME.fullmatch(line):
        raise WireError(f"cannot be sent as one frame: {frame.body!r}; use printable ASCII without '*'")
    if len(line) + len(END) > MAX_LINE:
        raise WireError(f"a line has at most {MAX_LINE} bytes, and this one has {len(line) + len(END)}")
    return line + END


def decode(line: bytes) -> Frame:
    """Read the bytes of one line, with or without its end.

    Raises:
        WireError: it has not the form of a frame, or its checksum is another.
    """
    match = _FRAME.fullmatch(line.rstrip(b"\r\n"))
    if match is None:
        raise WireError(f"not a frame: {line[:80]!r}")
    direction, sequence, body, crc = match.groups()
    wanted = checksum(b"%s%s %s" % (direction, sequence, body))
    if int(crc, 16) != wanted:
        raise WireError(f"checksum {crc.decode()} where {wanted:04X} is right: {line[:80]!r}")
    return Frame(direction.decode(), int(sequence, 16), body.decode())


def fields(words: str) -> dict[str, str]:
    """Read the ``name=value`` arguments of a reply.

    Raises:
        WireError: a word is not of that form, or a name stands twice.
    """
    found: dict[str, str] = {}
    for word in words.split():
        name, equals, value = word.partition("=")
        if not (name and equals and value) or name in found:
            raise WireError(f"{word!r} is not an argument of the form name=value in {words!r}")
        found[name] = value
    return found


def plain_fields(**values: object) -> str:
    """Write arguments as ``name=value`` words."""
    return " ".join(f"{name}={value}" for name, value in values.items())
