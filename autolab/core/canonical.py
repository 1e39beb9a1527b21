"""One canonical JSON form, and content hashes made from it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, cast

__all__ = ["canonical_json", "content_hash", "plain", "text_of"]

_ATOMS = frozenset({str, bool, int, float, type(None)})
"""What JSON knows as it is. Exactly these types: an Enum may also be a string."""


def plain(value: Any) -> Any:
    """Reduce a value to what JSON knows: mappings, lists, strings, numbers, booleans and null.

    Frozen dataclasses become mappings of their fields; tuples, sets and frozensets become lists (sets sorted).

    Raises:
        TypeError: ``value`` holds something that has no JSON form.
    """
    kind = cast("type[Any]", type(value))
    if kind in _ATOMS:
        return value
    if kind is dict:
        return {str(key): item if type(item) in _ATOMS else plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [item if type(item) in _ATOMS else plain(item) for item in value]
    names = _fields_of(kind)
    if names is not None:
        found = {name: getattr(value, name) for name in names}
        return {name: item if type(item) in _ATOMS else plain(item) for name, item in found.items()}
    return _plain_of_others(value)


def _plain_of_others(value: Any) -> Any:
    """What is of none of the types that most values have."""
    if isinstance(value, str | bool | int | float):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in cast("set[Any]", value))
    if isinstance(value, list | tuple):
        return [plain(item) for item in cast("Sequence[Any]", value)]
    to_list = getattr(value, "tolist", None)  # numpy scalars and arrays, without importing numpy
    if callable(to_list):
        return plain(to_list())
    raise TypeError(f"{type(value).__name__} has no canonical JSON form: {value!r}")


@cache
def _fields_of(kind: type[Any]) -> tuple[str, ...] | None:
    """Names of the fields of a dataclass; None for all else, and for one that is also a text, a number or an Enum."""
    if not dataclasses.is_dataclass(kind) or issubclass(kind, str | int | float | Enum):
        return None
    return tuple(field.name for field in dataclasses.fields(kind))


_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def canonical_json(value: Any) -> str:
    """Write ``value`` as JSON with sorted keys, no white space and no NaN: equal values, equal text.

    Floats are written in their shortest round-trip form, as Python's ``repr`` does.

    Raises:
        ValueError: A number is NaN or infinite.
        TypeError: ``value`` holds something that has no JSON form.
    """
    return text_of(plain(value))


def text_of(value: Any) -> str:
    """Canonical JSON of a value that `plain` has given.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    return _JSON.encode(value)


def content_hash(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of ``value``, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode("utf-8")).hexdigest()
