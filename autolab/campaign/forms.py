"""A document of a form that event-model's schema has accepted is not validated again.

The trials of a campaign have one form of data. To validate each document of each trial took a sixth of the time of a
trial in memory, and could only say the same again: event-model's JSON schemas look at names, types and chosen words,
not at numbers. What event-model checks besides, such as that an event has the keys of its descriptor, it still checks
each time.
"""

from __future__ import annotations

from typing import Any, cast

from event_model import DocumentNames, schema_validators, schemas

__all__ = ["form_of", "remember_forms"]

_MOST = 256
"""Forms that are remembered of a kind of document."""


def remember_forms() -> None:
    """Have event-model remember, in this process, which forms its schemas have accepted. Idempotent."""
    for name in (DocumentNames.start, DocumentNames.descriptor, DocumentNames.event, DocumentNames.stop):
        if not isinstance(schema_validators[name], _Remembering):
            schema_validators[name] = _Remembering(schema_validators[name], _free(schemas[name]))


class _Remembering:
    """A validator that remembers; in all else it is the one it was made from.

    Args:
        validator: Validates what is of a new form.
        free: Keys of a document under which the schema asks for a type and for nothing more.
    """

    def __init__(self, validator: Any, free: frozenset[str]) -> None:
        self._validator, self._free = validator, free
        self._accepted: set[Any] = set()

    def validate(self, document: Any) -> None:
        """Validate a document, unless one of the same form was accepted before.

        Raises:
            jsonschema.ValidationError: the schema does not accept it.
        """
        form = tuple([(k, type(v) if k in self._free else form_of(v)) for k, v in document.items()])
        if form in self._accepted:
            return
        self._validator.validate(document)
        if len(self._accepted) >= _MOST:
            self._accepted.clear()
        self._accepted.add(form)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._validator, name)


def _free(schema: dict[str, Any]) -> frozenset[str]:
    free: list[dict[str, Any]] = [{"type": "string"}, {"type": "number"}]
    if "patternProperties" not in schema:  # else these look at the names in any object
        free.append({"type": "object", "additionalProperties": True})
    parts = [schema, *(schema["$defs"][part["$ref"].rpartition("/")[2]] for part in schema.get("allOf", ()))]
    described = [item for part in parts for item in part["properties"].items()]
    return frozenset(name for name, about in described if _without_words(about) in free)


def _without_words(about: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in about.items() if key not in ("title", "description", "default")}


def form_of(value: Any) -> Any:
    """What a schema can see of a value: two of the same form are both accepted, or neither is.

    Names and texts are seen as they are, of numbers the type, and of those with a fraction whether it is zero. What
    JSON does not know has a form like no other.
    """
    kind = type(value)
    if kind is str:
        return value
    if isinstance(value, dict):
        return tuple([(key, form_of(item)) for key, item in cast("dict[str, Any]", value).items()])
    if kind is list or kind is tuple:
        return (list, *[form_of(item) for item in value])
    if kind is float:
        return (float, value.is_integer())
    return kind if value is None or kind is int or kind is bool else object()
