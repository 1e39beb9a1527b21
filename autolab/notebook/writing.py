"""A campaign that was given as a mapping, as a file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from autolab.core.errors import InputError, StorageError
from autolab.journal.folder import make_folder

__all__ = ["write_campaign"]


def write_campaign(facts: Mapping[str, Any], folder: Path) -> Path:
    """Write a campaign file, named by its content: the same campaign is the same file.

    Raises:
        InputError: it holds what no file can, such as a function.
        StorageError: no room or no right to write.
    """
    try:
        text = yaml.safe_dump(dict(facts), sort_keys=False, allow_unicode=True)
    except yaml.YAMLError as error:
        raise InputError(
            f"the campaign holds what no file can ({error}): give numbers, texts, lists and dicts"
        ) from None
    name = re.sub(r"[^a-z0-9]+", "-", str(facts.get("name", "campaign")).lower()).strip("-")
    path = folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.yaml"
    try:
        make_folder(folder)
        path.write_text(f"# Written from Python.\n{text}", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}: choose a folder of yours with data=") from error
    return path
