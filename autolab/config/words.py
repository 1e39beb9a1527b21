"""Words for messages: how a value is shown, and what a person may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean", "dotted", "kind_of", "listed", "shown"]

_LONGEST_SHOWN = 60
KeyPath = tuple[str | int, ...]


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that is nearest to ``word``, or None where none is near.

    Args:
        word: What was written.
        known: What could have been written.
        cutoff: Similarity from 0 to 1 that a guess needs at least.
    """
    candidates = list(known)
    for candidate in candidates:
        if candidate.casefold() == word.casefold():
            return candidate
    near = difflib.get_close_matches(word, candidates, n=1, cutoff=cutoff)
    return near[0] if near else None


def shown(value: object) -> str:
    """A value as a message quotes it: short, and as the file would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST_SHOWN else value[: _LONGEST_SHOWN - 1] + "…")
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    return "nothing" if value is None else repr(value)


def kind_of(value: object) -> str:
    """What kind of value this is, in the words of the file's reader."""
    if value is None:
        return "nothing"
    names: dict[type, str] = {bool: "a boolean", str: "text", int: "a whole number", float: "a number"}
    return names.get(type(value), "a list" if isinstance(value, list) else "a mapping")


def listed(words: Iterable[object], last: str = "and") -> str:
    """Words in a sentence: ``a, b and c``."""
    items = [str(word) for word in words]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else "none"


def dotted(path: KeyPath) -> str:
    """A key path as people say it: ``devices.stage.at``, ``constraints, item 2``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f", item {part + 1}" if text else f"item {part + 1}"
        else:
            text += f".{part}" if text else part
    return text
