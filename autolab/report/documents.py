"""Bluesky documents as lines of JSON, in the order of recording: as `bluesky.callbacks.json_writer` writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["lines_of", "write_lines"]


def lines_of(documents: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """Each document on a line of its own, with its name."""
    for name, document in documents:
        yield json.dumps({"name": name, "doc": document}, ensure_ascii=False, separators=(",", ":"))


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """Write lines to a file. Returns how many there were.

    Raises:
        OSError: no room or no right to write.
    """
    n = 0
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(f"{line}\n")
            n += 1
    return n
