"""What a plan is made of: the content of the files that would run."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

__all__ = ["sources_hash"]


def sources_hash(plan: Any, packages: Sequence[str]) -> str:
    """Content hash of the file that a plan stands in, and of each Python file of the lab owner's packages.

    A plan without a file, such as one made in an interactive session, counts by its name alone.

    Args:
        plan: The plan, or what wraps it.
        packages: Top-level packages or modules of the lab's owner, which can be imported.
    """
    made_of = inspect.unwrap(plan)
    try:
        source = inspect.getsourcefile(made_of)
    except TypeError:  # neither a function nor a class
        source = None
    files = {Path(source)} if source is not None and Path(source).is_file() else set[Path]()
    own = hashlib.sha256(str(getattr(made_of, "__qualname__", type(made_of).__qualname__)).encode())
    for package in sorted(packages):
        files |= _files(package)
    for file in sorted(files):
        content = hashlib.sha256(file.read_bytes()).digest()
        own.update(f"{file.name}\0".encode() + content)
    return own.hexdigest()


def _files(package: str) -> set[Path]:
    spec = importlib.util.find_spec(package)
    if spec is None:
        return set()
    folders: Iterable[str] = spec.submodule_search_locations or ()
    found = {file for folder in folders for file in Path(folder).rglob("*.py")}
    return found | ({Path(spec.origin)} if spec.origin is not None and Path(spec.origin).is_file() else set())
