"""What a long proof has measured so far: a file with one JSON object in each line, which outlives an interruption."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["keep_cells", "read_cells"]


def read_cells(path: Path) -> list[dict[str, Any]]:
    """The objects of a file; none where it does not exist. A line that was cut off does not count."""
    found: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def keep_cells(path: Path, *cells: dict[str, Any]) -> None:
    """Add objects to a file, behind a line that was cut off."""
    is_cut_off = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if is_cut_off else "") + "".join(json.dumps(cell) + "\n" for cell in cells))
