"""Checks the earlier data that a campaign file names; they are read when the campaign begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from autolab.config.goals import engine_named
from autolab.config.problems import Problems
from autolab.core.objectives import OutcomeConstraint
from autolab.core.proposing import UNLEARNED

__all__ = ["check_earlier"]


def check_earlier(problems: Problems, values: Mapping[str, Any], bounds: Sequence[OutcomeConstraint]) -> None:
    """Refuse earlier data that are named twice, or that nothing could learn from."""
    raw = values.get("earlier")
    names = cast("list[Any]", raw) if isinstance(raw, list) else []
    for index, name in enumerate(names):
        if name in names[:index]:
            problems.add(("earlier", index), f"earlier: {name!r} is named twice: remove one")
    engine = engine_named(values)
    if names and engine in UNLEARNED:
        problems.add(("earlier",), f"earlier: engine {engine} learns nothing: take another engine, or remove the key")
    if names and any(bound.hard is not None for bound in bounds):
        said = "a hard outcome constraint is judged by this campaign's own outcomes alone"
        problems.add(("earlier",), f"earlier: {said}: remove the key, or 'hard'")
