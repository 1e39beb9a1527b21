"""Where texts go: results to standard output, messages to standard error. A closed pipe ends neither."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["columns", "prepare_streams", "say", "say_json", "say_table", "tell"]


def prepare_streams() -> None:
    """Let no character that the terminal's encoding lacks end the program."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if callable(reconfigure):
            reconfigure(errors="replace")


def say(text: str) -> None:
    """Write a result. Once its reader has gone, the rest goes nowhere, and the exit code stands."""
    _write(sys.stdout, f"{text}\n")


def say_json(value: Any) -> None:
    """Write a result for a program: JSON with two spaces of indentation, numbers finite."""
    say(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def tell(text: str) -> None:
    """Write a message for a person."""
    _write(sys.stderr, f"{text}\n")


def columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Rows as aligned columns, two spaces between them.

    Args:
        rows: The rows, all of the same length.
        right: Columns, from 0, whose texts are set to the right.
    """
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))] if rows else []
    lines = (
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
    return "\n".join(lines)


def say_table(table: Table, width: int) -> None:
    """Write a table of rich's: as wide as the terminal, or of ``width`` columns where standard output is none."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=width)
    with console.capture() as capture:
        console.print(table)
    say(capture.get().rstrip())


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
