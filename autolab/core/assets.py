"""Where the files are that Bluesky's ``resource`` and ``stream_resource`` documents name."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["RESOURCES", "files_of", "is_on_disk", "place_of"]

RESOURCES = ("resource", "stream_resource")
"""Names of the documents that name files."""


def place_of(document: Mapping[str, Any]) -> str:
    """What a document names: a path, or the URI of something elsewhere."""
    uri = document.get("uri")
    if uri is None:
        return str(Path(document.get("root", "")) / document["resource_path"])
    parts = urlsplit(str(uri))
    return unquote(parts.path) if parts.scheme in ("", "file") else str(uri)


def is_on_disk(document: Mapping[str, Any]) -> bool:
    """Whether what a document names is to be found in this machine's file system."""
    return urlsplit(str(document.get("uri", ""))).scheme in ("", "file")


def files_of(document: Mapping[str, Any]) -> tuple[Path, ...]:
    """The files that a document names, as far as they are there: shorter names first, so that 2 comes before 10.

    What is named is a file, a folder with files, or what the names of several files begin with.
    """
    path = Path(place_of(document))
    if path.is_dir():
        found = [file for file in path.rglob("*") if file.is_file()]
    elif path.is_file():
        found = [path]
    else:
        found = [file for file in path.parent.glob(f"{glob.escape(path.name)}*") if file.is_file()]
    return tuple(sorted(found, key=lambda file: (len(str(file)), str(file))))
