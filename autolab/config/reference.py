"""The reference pages of both files, from the models that read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from autolab.config.fields import (
    BARCODE,
    DATE,
    DOTTED,
    EPICS,
    MOMENT,
    NAME,
    PACKAGE,
    PERMITTED,
    SERIAL,
    SLUG,
    TEXT,
    ZMQ,
)
from autolab.config.schema import FileKind, json_schema

__all__ = ["RULES", "keys_text", "reference_page"]

_INTRODUCTIONS: dict[FileKind, str] = {
    "campaign": """\
# The campaign file

A `campaign.yaml` says what to optimise, within which limits, in which lab. `autolab check campaign.yaml` reads it,
moves nothing, and reports everything that is wrong with it, each with its line. `autolab schema campaign` prints its
JSON Schema, for editors that complete and check while you type. A complete example is
[examples/colour/campaign.yaml](../../examples/colour/campaign.yaml).
""",
    "lab": """\
# The lab file

A `lab.yaml` describes one lab: its devices, stations, materials and labware, and the envelope inside which everything
must stay. `autolab check lab.yaml` reads it, moves nothing, and reports everything that is wrong with it, each with its
line. `autolab schema lab` prints its JSON Schema, for editors that complete and check while you type. A complete
example is [examples/colour/lab.yaml](../../examples/colour/lab.yaml).
""",
}
RULES = """
The files are YAML 1.2, without tags, anchors and merge keys: `on`, `no` and `12:30` are texts, only `true` and `false`
are booleans, and a number is written `0.001`, `1e-3` or `1000`. Unknown keys are refused. Units are those of pint, such
as `uL`, `mm/s`, `degC`; a number with its unit is one text, such as `250 mL`. A name has at most 64 letters, digits,
`-` and `_`; names of parameters, metrics and devices have no `-` and begin with a letter or `_`.
"""

"""What holds for all files that people write."""

_TEXTS = {
    SLUG: "name",
    NAME: "name",
    DOTTED: "dotted name",
    PACKAGE: "package name",
    PERMITTED: "device or signal",
    BARCODE: "barcode",
    DATE: "day, such as `2027-03-31`",
    MOMENT: "date and time, such as `2027-03-31 14:05:00`",
    TEXT: "one line of text",
    EPICS: "prefix, such as `BENCH:STAGE:`",
    SERIAL: "port, such as `/dev/ttyUSB0`",
    ZMQ: "endpoint, such as `tcp://127.0.0.1:5555`",
}
"""What a text with a pattern looks like, in a table."""


def reference_page(kind: FileKind) -> str:
    """The reference page of a file in Markdown: a table of keys for each mapping in it.

    Args:
        kind: Which file.
    """
    return _INTRODUCTIONS[kind] + RULES + keys_text(json_schema(kind))


def keys_text(schema: dict[str, Any]) -> str:
    """A table of keys for each mapping of a file, in Markdown.

    Args:
        schema: Its JSON Schema, see `autolab.config.schema`.
    """
    parts: list[str] = []
    for title, node in _sections(schema):
        parts.append(f"\n## {title}\n\n{node['description'].splitlines()[0]}\n")
        if node.get("properties"):
            parts.append(f"\n{_table(node)}")
    return "".join(parts)


def _sections(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each mapping of the file with its heading, in the order in which the keys appear."""
    waiting: list[tuple[str, dict[str, Any]]] = [("", schema)]
    while waiting:
        path, node = waiting.pop(0)
        yield f"`{path}`" if path else "Keys", node
        children: list[tuple[str, dict[str, Any]]] = []
        for key, item in node.get("properties", {}).items():
            inner = f"{path}.{key}" if path else key
            if name := _reference(item):
                children.append((inner, schema["$defs"][name]))
            for entry in _entries(item):
                if name := _reference(entry):
                    children.append((f"{inner}.NAME", schema["$defs"][name]))
            if name := _reference(item.get("items", {})):
                children.append((f"{inner}[]", schema["$defs"][name]))
        waiting = children + waiting


def _reference(node: dict[str, Any]) -> str | None:
    """Name of the model that a node refers to, alone or besides a plain value."""
    for item in (node, *node.get("anyOf", ())):
        if "$ref" in item:
            return str(item["$ref"]).rpartition("/")[2]
    return None


def _table(node: dict[str, Any]) -> str:
    rows = ["| key | value | if left out | meaning |", "|---|---|---|---|"]
    for key, item in node["properties"].items():
        if key in node.get("required", ()):
            default = "**required**"
        else:
            default = f"`{json.dumps(item['default'])}`" if "default" in item else "–"
        meaning = str(item.get("description", "")).replace("\n", " ").replace("|", "\\|")
        rows.append(f"| `{key}` | {_words(item)} | {default} | {meaning} |")
    return "\n".join(rows) + "\n"


def _words(node: dict[str, Any]) -> str:
    """What a value looks like."""
    if "anyOf" in node:
        return " or ".join(_words(item) for item in node["anyOf"])
    if "enum" in node:
        return ", ".join(f"`{item}`" for item in node["enum"])
    if "$ref" in node:
        return "keys, see below"
    if isinstance(node.get("type"), list):
        return "number, text or boolean" if "boolean" in node["type"] else "number with unit"
    words = {"string": _text, "integer": _number, "number": _number, "array": _list, "object": _mapping}
    described = words.get(str(node.get("type")))
    return "`true` or `false`" if described is None else described(node)


def _text(node: dict[str, Any]) -> str:
    return _TEXTS.get(node.get("pattern", ""), "text")


def _number(node: dict[str, Any]) -> str:
    name = "whole number" if node["type"] == "integer" else "number"
    lower, upper = node.get("minimum", node.get("exclusiveMinimum")), node.get("maximum")
    start = "above" if "exclusiveMinimum" in node else "from"
    limits = f" {start} {lower}" if lower is not None else ""
    return f"{name}{limits}{f' to {upper}' if upper is not None else ''}"


def _list(node: dict[str, Any]) -> str:
    n_items = node.get("minItems")
    size = f"{n_items} items, each: " if n_items is not None and n_items == node.get("maxItems") else ""
    return f"list of {size}{_words(node['items'])}"


def _mapping(node: dict[str, Any]) -> str:
    entries = _entries(node)
    names = ", ".join(f"`{name}`" for name in node.get("propertyNames", {}).get("enum", ())) or "names"
    return f"{names}, each with {_words(entries[0])}" if entries else "keys and values"


def _entries(node: dict[str, Any]) -> list[dict[str, Any]]:
    """What the entries of a mapping with free or chosen names look like."""
    others = node.get("additionalProperties")
    return [*node.get("patternProperties", {}).values(), *([others] if isinstance(others, dict) else [])]
