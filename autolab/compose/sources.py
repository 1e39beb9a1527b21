"""What a plan is made of: the content of the files that would run."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["plans_of", "sources_hash"]


def plans_of(binding: Any, preludes: Mapping[str, Any]) -> tuple[Any, ...]:
    """The plans that a campaign may run: those of its trials, its recovery plans, and the calibrations of its lab."""
    return (*binding.plans, *(preludes[name].plan for name in sorted(preludes)))


def sources_hash(plans: Sequence[Any], packages: Sequence[str]) -> str:
    """Content hash of the files that plans stand in, and of each Python file of the lab owner's packages.

    A plan without a file, such as one made in an interactive session, counts by its name alone.

    Args:
        plans: The plans, or what wraps them.
        packages: Top-level packages or modules of the lab's owner, which can be imported.
    """
    own, files = hashlib.sha256(), set[Path]()
    for plan in plans:
        made_of = inspect.unwrap(plan)
        own.update(f"{getattr(made_of, '__qualname__', type(made_of).__qualname__)}\0".encode())
        files |= _file(made_of)
    for package in sorted(packages):
        files |= _files(package)
    for file in sorted(files):
        content = hashlib.sha256(file.read_bytes()).digest()
        own.update(f"{file.name}\0".encode() + content)
    return own.hexdigest()


def _file(plan: Any) -> set[Path]:
    try:
        source = inspect.getsourcefile(plan)
    except TypeError:  # neither a function nor a class
        return set()
    return {Path(source)} if source is not None and Path(source).is_file() else set()


def _files(package: str) -> set[Path]:
    spec = importlib.util.find_spec(package)
    if spec is None:
        return set()
    folders: Iterable[str] = spec.submodule_search_locations or ()
    found = {file for folder in folders for file in Path(folder).rglob("*.py")}
    return found | ({Path(spec.origin)} if spec.origin is not None and Path(spec.origin).is_file() else set())
