"""Writing into a lab file what was refilled: one line of it changes, and all else stays as its owner wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

__all__ = ["restocked"]

_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)? [A-Za-z]+")


def restocked(text: str, section: str, name: str, values: Mapping[str, str | int]) -> str:
    """The text of a lab file with other values at one entry.

    Args:
        text: A lab file that was read without complaint.
        section: ``materials`` or ``consumables``.
        name: The entry, which is there.
        values: What its keys are to say. Keys that it lacks are added.

    Returns:
        The text, in which nothing else has changed.
    """
    entry: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for key in (section, name):
        entry = next(value for each, value in entry.value if each.value == key)
    said = {each.value: value for each, value in entry.value}
    changes = [
        (said[key].start_mark.index, said[key].end_mark.index, _scalar(value))
        for key, value in values.items()
        if key in said
    ]
    added = [f"{key}: {_scalar(value)}" for key, value in values.items() if key not in said]
    if added and entry.flow_style:
        end = entry.value[0][1].end_mark.index
        changes.append((end, end, "".join(f", {each}" for each in added)))
    elif added:
        first = entry.value[0][0].start_mark
        changes.append((first.index, first.index, "".join(f"{each}\n{' ' * first.column}" for each in added)))
    for start, end, new in sorted(changes, key=lambda change: change[:2], reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _scalar(value: str | int) -> str:
    """A value as YAML writes it: in quotes, unless it is an amount, which no reader takes for something else."""
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value):
        return value
    return "'" + value.replace("'", "''") + "'"
