"""A campaign file as a form: its fields come from the file's JSON Schema, and what is typed goes back into YAML.

Each field is a text with a path, such as ``parameters/0/bounds``; ``parameters/0/#`` names the first parameter.
What is typed is not judged here: the loader of the file does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, cast

import yaml

from autolab.config.scalars import read_scalar
from autolab.config.schema import json_schema

__all__ = ["Group", "Leaf", "form_of", "texts_of", "values_of", "yaml_of"]

Kind = Literal["text", "number", "mixed", "choice", "lines", "list", "yaml"]
_FIRST: Mapping[str, tuple[str, ...]] = {
    "parameters": ("bounds", "choices", "unit", "step", "scale"),
    "objectives": ("goal", "target", "unit"),
}
"""What most people fill in; the rest of an entry is folded away."""
_LEAST = {"parameters": 3, "objectives": 1}
"""Entries that are shown at least."""
MOST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field."""

    path: str
    name: str
    kind: Kind
    hint: str
    text: str
    is_required: bool
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together."""

    path: str
    name: str
    hint: str
    parts: tuple[Leaf | Group, ...]
    is_required: bool = False
    rest: tuple[Leaf | Group, ...] = field(default=())
    """What is folded away."""

    @property
    def is_filled(self) -> bool:
        """Whether something is typed in it."""
        return any(part.text if isinstance(part, Leaf) else part.is_filled for part in (*self.parts, *self.rest))


def form_of(texts: Mapping[str, str], more: int = 0) -> Group:
    """The form of a campaign file.

    Args:
        texts: What is typed, by path.
        more: Empty entries that are added to each list of them.
    """
    return _group(_schema(), "", "campaign", texts, more)


def texts_of(values: Mapping[str, Any]) -> dict[str, str]:
    """What a form shows of a campaign file that is there, by path."""
    found: dict[str, str] = {}
    _write(_schema(), "", values, found)
    return found


def values_of(texts: Mapping[str, str]) -> dict[str, Any]:
    """What a form says, as the file has it. What is empty is left out."""
    return _read(_schema(), "", texts) or {}


def yaml_of(values: Mapping[str, Any]) -> str:
    """A campaign file of these values."""
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)


@cache
def _schema() -> dict[str, Any]:
    schema = json_schema("campaign")
    del schema["properties"]["lab"]  # it is the lab that is served
    return schema


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    """A node without its reference; of a short and a long form, the long one."""
    for each in (node, *node.get("anyOf", ())):
        if "$ref" in each:
            known: dict[str, Any] = _schema()["$defs"][each["$ref"].rpartition("/")[2]]
            return {**known, "description": node.get("description", known.get("description", ""))}
    return node


def _entry(node: dict[str, Any]) -> tuple[dict[str, Any], bool] | None:
    """What each entry of a list or mapping looks like, and whether it has a name; None where it has no fields."""
    others = node.get("additionalProperties")
    named = [*node.get("patternProperties", {}).values(), *([others] if isinstance(others, dict) else [])]
    for each, has_name in ((named[0] if named else {}, True), (node.get("items", {}), False)):
        if "$ref" in each:
            return _resolved(cast("dict[str, Any]", each)), has_name
    return None


def _kind(node: dict[str, Any]) -> Kind:
    kind = node.get("type")
    if "enum" in node or kind == "boolean":
        return "choice"
    if kind == "array":
        item = node["items"]
        return "lines" if item.get("type") == "string" or "anyOf" in item else "list"
    if kind == "object":
        return "yaml"
    return "mixed" if isinstance(kind, list) else "text" if kind == "string" else "number"


def _group(node: dict[str, Any], path: str, name: str, texts: Mapping[str, str], more: int) -> Group:
    parts: list[Leaf | Group] = []
    for key, raw in node["properties"].items():
        at, inner, is_required = _at(path, key), _resolved(raw), key in node.get("required", ())
        hint = str(inner.get("description", "")).replace("\n", " ").replace("`", "")
        entry = _entry(inner)
        if entry is not None:
            parts.append(Group(at, key, hint, _rows(entry, at, key, texts, more), is_required))
        elif "properties" in inner:
            found = _group(inner, at, key, texts, more)
            parts.append(Group(at, key, hint, found.parts, is_required))
        else:
            choices = tuple(map(str, inner.get("enum", ()))) or ("true", "false")
            parts.append(Leaf(at, key, _kind(inner), hint, texts.get(at, ""), is_required, choices))
    return Group(path, name, "", tuple(parts))


def _rows(
    entry: tuple[dict[str, Any], bool], path: str, key: str, texts: Mapping[str, str], more: int
) -> tuple[Group, ...]:
    node, has_name = entry
    shown = max(_count(path, texts) + more, _LEAST.get(key, 1))
    found: list[Group] = []
    for number in range(min(shown, MOST_ROWS)):
        at = _at(path, str(number))
        parts = _group(node, at, str(number + 1), texts, more).parts
        first = tuple(part for part in parts if key not in _FIRST or part.name in _FIRST[key])
        named = _at(at, "#")
        name = (Leaf(named, "name", "text", "", texts.get(named, ""), False),) if has_name else ()
        rest = tuple(part for part in parts if part not in first)
        found.append(Group(at, f"{key} {number + 1}", "", (*name, *first), rest=rest))
    return tuple(found)


def _count(path: str, texts: Mapping[str, str]) -> int:
    """Entries of which something is typed."""
    numbers = [name.removeprefix(f"{path}/").partition("/")[0] for name in texts if name.startswith(f"{path}/")]
    return max((int(each) + 1 for each in numbers if each.isdecimal() and len(each) < 4), default=0)


def _at(path: str, key: str) -> str:
    return f"{path}/{key}" if path else key


def _write(node: dict[str, Any], path: str, values: Any, found: dict[str, str]) -> None:
    if isinstance(values, str) and path == "engine":
        values = {"name": values}
    for key, value in cast("dict[str, Any]", values).items() if isinstance(values, dict) else ():
        if key not in node["properties"]:
            continue
        at, inner = _at(path, key), _resolved(node["properties"][key])
        entry = _entry(inner)
        if entry is not None:
            items = cast("dict[str, Any]", value).items() if isinstance(value, dict) else [("", v) for v in value]
            for number, (name, each) in enumerate(items):
                row = _at(at, str(number))
                if entry[1]:
                    found[_at(row, "#")] = str(name)
                _write(entry[0], row, each, found)
        elif "properties" in inner:
            _write(inner, at, value, found)
        else:
            found[at] = _text(_kind(inner), value)


def _text(kind: Kind, value: Any) -> str:
    if kind == "lines":
        return "\n".join(each if isinstance(each, str) else _flow(each) for each in value)
    if kind == "list" and not any(isinstance(each, str) and "," in each for each in value):
        return ", ".join(_scalar(each) for each in value)
    return _flow(value) if isinstance(value, list | dict) else _scalar(value)


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000).strip()


def _read(node: dict[str, Any], path: str, texts: Mapping[str, str]) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for key, raw in node["properties"].items():
        at, inner = _at(path, key), _resolved(raw)
        entry = _entry(inner)
        if entry is not None:
            value: Any = _entries(entry, at, texts)
        elif "properties" in inner:
            value = _read(inner, at, texts)
        else:
            text = texts.get(at, "").strip()
            value = _value(inner, text) if text else None
        if value is not None:
            found[key] = value
    return found or None


def _entries(entry: tuple[dict[str, Any], bool], path: str, texts: Mapping[str, str]) -> Any:
    node, has_name = entry
    rows = [_at(path, str(number)) for number in range(min(_count(path, texts), MOST_ROWS))]
    found = [(texts.get(_at(row, "#"), "").strip(), _read(node, row, texts)) for row in rows]
    if not has_name:
        return [values for _, values in found if values] or None
    named: dict[str, Any] = {}
    for number, (name, values) in enumerate(found, 1):
        if name or values:  # what has no name, or that of another one, gets one that the loader refuses
            named[f"{name} again" if name in named else name or f"? {number}"] = values or {}
    return named or None


def _value(node: dict[str, Any], text: str) -> Any:
    """What is typed, as the file has it. What cannot be read stays a text, and the loader says what is wrong."""
    kind = _kind(node)
    if kind == "choice" and node.get("type") == "boolean":
        return text == "true"
    if kind in ("text", "choice"):
        return text
    if kind == "lines":
        return [_yaml(line) if line.startswith("{") else line for line in map(str.strip, text.splitlines()) if line]
    if kind == "list" and not text.startswith("["):
        return [_plain(each) for each in text.split(",")]
    return _plain(text) if kind in ("number", "mixed") else _yaml(text)


def _plain(text: str) -> Any:
    try:
        return read_scalar(text.strip())
    except ValueError:
        return text.strip()


def _yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text
