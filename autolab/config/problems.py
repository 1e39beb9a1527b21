"""Gathers what is wrong with a file, each refusal with its line, and turns the findings of pydantic into sentences."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from autolab.config.fields import PATTERNS, FileModel
from autolab.config.refusals import raise_refusals
from autolab.config.specs import Source
from autolab.config.words import KeyPath, did_you_mean, dotted, kind_of, listed, shown
from autolab.core.errors import FileError

__all__ = ["Problems", "valid"]

M = TypeVar("M", bound=FileModel)


def valid(model: type[M], values: object) -> M | None:
    """The model of ``values`` without its unknown keys, or None where the shape is wrong (`Problems` says why)."""
    if not isinstance(values, dict):
        return None
    known = _keys(model)
    try:
        return model.model_validate({key: item for key, item in cast("dict[str, Any]", values).items() if key in known})
    except ValidationError:
        return None


class Problems:
    """What is wrong with one file, gathered so that a person can mend it in one go.

    Args:
        source: The file, for names and lines.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._found: list[FileError] = []
        self._paths: list[KeyPath] = []

    @property
    def count(self) -> int:
        """How many refusals there are so far."""
        return len(self._found)

    def add(self, path: KeyPath, message: str) -> None:
        """Refuse the value at ``path``."""
        self._found.append(self.source.error(path, message))
        self._paths.append(path)

    def has(self, path: KeyPath) -> bool:
        """True where something at ``path`` or inside it was refused."""
        return any(found[: len(path)] == path for found in self._paths)

    def check_shape(self, model: type[FileModel], values: Mapping[str, Any]) -> None:
        """Gather what is wrong with the keys and types of the whole file."""
        empty = list(_empty_keys(values, ()))
        for path in empty:
            self.add(path, f"{dotted(path)} has no value: give it one, or remove it")
        for path in _endless_numbers(values, ()):
            self.add(path, f"{dotted(path)}: {shown(_at(values, path))} is not a finite number")
        try:
            model.model_validate(values)
        except ValidationError as error:
            self._add_all(model, values, [item for item in error.errors() if _path(item) not in empty])

    def raise_any(self) -> None:
        """Raise what was found: the one refusal, or all of them in the order of the file.

        Raises:
            FileError: one problem was found.
            InputErrors: several were found.
        """
        raise_refusals(self.source.file, self._found)

    def _add_all(self, model: type[FileModel], values: Mapping[str, Any], errors: list[ErrorDetails]) -> None:
        meant = set[KeyPath]()  # keys that are missing only because they are misspelt
        for error in (item for item in errors if item["type"] == "extra_forbidden"):
            path = _path(error)
            known = _keys(_model_at(model, path[:-1]))
            present = cast("dict[str, Any]", _at(values, path[:-1]))
            unused = [key for key in known if key not in present]
            guess = did_you_mean(str(path[-1]), unused) or did_you_mean(str(path[-1]), known)
            if guess is not None:
                meant.add((*path[:-1], guess))
            hint = f"did you mean {guess!r}?" if guess else f"known keys are {listed(known)}" if known else "remove it"
            self.add(path, f"{_where(path[:-1])}unknown key {shown(path[-1])}: {hint}")
        for error in (item for item in errors if item["type"] != "extra_forbidden"):
            path = _path(error)
            if error["type"] != "missing":
                self.add(path, f"{_place(path, error)}{_sentence(error)}")
            elif path not in meant:
                hint = _example(_model_at(model, path[:-1]), str(path[-1]))
                self.add(path[:-1], f"{_where(path[:-1])}the key {str(path[-1])!r} is missing: add {hint!r}")


def _where(path: KeyPath) -> str:
    return f"{dotted(path)}: " if path else ""


def _place(path: KeyPath, error: ErrorDetails) -> str:
    return _where(path[:-1]) if error["loc"][-1] == "[key]" else _where(path)


def _path(error: ErrorDetails) -> KeyPath:
    return tuple(part for part in error["loc"] if part != "[key]")


def _sentence(error: ErrorDetails) -> str:
    """What pydantic found, as a person would say it."""
    value, facts = error["input"], error.get("ctx", {})
    kind = error["type"]
    if kind in _WANTED:
        return _wrong_type(value, _WANTED[kind])
    if kind == "string_pattern_mismatch":
        return _wrong_pattern(value, PATTERNS[facts["pattern"]])
    if kind == "literal_error":
        expected = [word.strip("'") for word in facts["expected"].replace(" or ", ", ").split(", ")]
        guess = did_you_mean(value, expected) if isinstance(value, str) else None
        hint = f"did you mean {guess!r}?" if guess else f"write one of {listed(expected, 'or')}"
        return f"{shown(value)} is not known: {hint}"
    if kind in _BOUNDS:
        words, key, advice = _BOUNDS[kind]
        bound = str(facts[key]).removesuffix(".0")
        said = f"{shown(value)} {words} {bound}: give {advice} {bound}"
        return said if value - value == 0 else f"{shown(value)} is not a finite number"
    if kind in {"too_short", "too_long"}:
        return _wrong_length(facts)
    if kind in {"string_too_long", "string_too_short"}:
        limit = facts.get("max_length", facts.get("min_length"))
        side = "at most" if kind == "string_too_long" else "at least"
        return f"the text has {len(value)} characters, and {side} {limit} are wanted"
    return error["msg"][:1].lower() + error["msg"][1:]


_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOUNDS = {
    "greater_than_equal": ("is less than", "ge", "at least"),
    "greater_than": ("is not above", "gt", "a number above"),
    "less_than_equal": ("is more than", "le", "at most"),
}
_YES = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def _wrong_type(value: object, wanted: str) -> str:
    said = f"{kind_of(value)} is given, and {wanted} is wanted"
    if not isinstance(value, list | dict):
        said = f"{shown(value)} is {kind_of(value)}, and {wanted} is wanted"
    if wanted == "text" and isinstance(value, bool | int | float):
        return f"{said}: put it in quotes"
    if wanted == "true or false" and isinstance(value, str) and value.lower() in _YES:
        return f"{said}: write {_YES[value.lower()]}"
    if wanted == "a list" and isinstance(value, str):
        return f"{said}: write {'[' + repr(value) + ']'}"
    if wanted == "a whole number" and isinstance(value, float) and value.is_integer():
        return f"{said}: write {value:.0f}"
    return said


def _wrong_pattern(value: str, wanted: str) -> str:
    looks_like_path = ("/" in value or "\\" in value or ".." in value) and wanted.startswith("a name")
    return f"{shown(value)} is {'a path' if looks_like_path else 'not possible here'}, and {wanted} is wanted"


def _wrong_length(facts: Mapping[str, Any]) -> str:
    n, limit = facts["actual_length"], facts.get("min_length", facts.get("max_length"))
    given = f"{n} items are given" if n != 1 else "1 item is given"
    side = "at least" if "min_length" in facts else "at most"
    return f"{given}, and {side} {limit} {'are' if limit != 1 else 'is'} wanted"


def _empty_keys(value: object, path: KeyPath) -> Iterator[KeyPath]:
    """Paths of keys and items without a value. Options belong to the device's class, and may hold null."""
    if value is None:
        yield path
    elif not (path and path[-1] == "options"):
        for key, item in _items(value):
            yield from _empty_keys(item, (*path, key))


def _endless_numbers(value: object, path: KeyPath, is_option: bool = False) -> Iterator[KeyPath]:
    """Paths of NaN and infinity among the options, which no other check sees."""
    is_option = is_option or bool(path and path[-1] == "options")
    if is_option and isinstance(value, float) and value - value != 0.0:
        yield path
    for key, item in _items(value):
        yield from _endless_numbers(item, (*path, key), is_option)


def _items(value: object) -> list[tuple[str | int, object]]:
    if isinstance(value, dict):
        return list(cast("dict[str | int, object]", value).items())
    return list(enumerate(cast("list[object]", value))) if isinstance(value, list) else []


def _at(value: Any, path: KeyPath) -> Any:
    for part in path:
        value = value[part]
    return value


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [] if model is None else [field.alias or name for name, field in model.model_fields.items()]


def _example(model: type[BaseModel] | None, key: str) -> str:
    for name, field in model.model_fields.items() if model else ():
        if (field.alias or name) == key and field.examples:
            return f"{key}: {field.examples[0]}"
    return f"{key}: ..."


def _model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """The model of the mapping at ``path``, found along the annotations of the fields."""
    found: type[BaseModel] | None = model
    kind: Any = model
    for part in path:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = {field.alias or name: field for name, field in kind.model_fields.items()}
            kind = fields[str(part)].annotation if part in fields else None
        else:
            kind = typing.get_args(kind)[-1] if typing.get_args(kind) else None
        kind = _bare(kind)
        found = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    return found


def _bare(kind: Any) -> Any:
    """An annotation without ``Annotated`` and ``| None``."""
    while True:
        if typing.get_origin(kind) is typing.Annotated:
            kind = typing.get_args(kind)[0]
        elif typing.get_origin(kind) in {typing.Union, types.UnionType}:
            kind = next(item for item in typing.get_args(kind) if item is not type(None))
        else:
            return kind
