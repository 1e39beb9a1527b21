"""Writes what the review makes: whole or not at all, and the same text for the same value."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast

import msgspec

from autolab.core.errors import StorageError

__all__ = ["csv_text", "json_text", "spaced_json", "write_whole"]


def json_text(value: object) -> str:
    """A frozen value as JSON: dataclasses as mappings of their fields, days as ISO texts, no NaN."""
    return spaced_json(_plain(value))


def spaced_json(value: Any) -> str:
    """Plain values as JSON with two spaces of indentation: the same text for the same value, numbers finite.

    The text is indented once it is there: Python's own writer is slow where it indents.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return msgspec.json.format(json.dumps(value, ensure_ascii=False, allow_nan=False), indent=2) + "\n"


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV with a header line; texts that a spreadsheet would run as a formula begin with an apostrophe."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return file.getvalue()


def write_whole(path: Path, text: str) -> Path:
    """Write a file, and the folders above it that are missing. Returns its path.

    Raises:
        StorageError: no room or no right to write.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(text.encode())
        part.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror}); name another folder with --out") from error
    finally:
        if part.exists():
            part.unlink()
    return path


def _plain(value: object) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast("Sequence[object]", value)]
    return value


def _harmless(cell: object) -> str:
    """A cell as text. A number may begin with a sign; a text may not."""
    text = "" if cell is None else str(cell)
    is_formula = isinstance(cell, str) and text.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    return f"'{text}" if is_formula else text
