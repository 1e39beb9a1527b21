"""JSON Schemas of both files, from the models that read them."""

from __future__ import annotations

from typing import Any, Literal, cast

import yaml

from autolab.config.campaignmodel import CampaignModel
from autolab.config.fields import FileModel
from autolab.config.labmodel import LabModel

__all__ = ["FileKind", "json_schema", "model_schema"]

FileKind = Literal["campaign", "lab"]
_MODELS: dict[FileKind, type[FileModel]] = {"campaign": CampaignModel, "lab": LabModel}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kind: FileKind) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a file, for editors and other programs.

    What it refuses, the loader refuses too. The loader knows more: units, names, and what the values mean together.

    Args:
        kind: Which file.
    """
    return model_schema(_MODELS[kind], f"{kind}.yaml")


def model_schema(model: type[FileModel], title: str) -> dict[str, Any]:
    """The JSON Schema of a file that a model reads.

    Args:
        model: Of the whole file.
        title: Name of the file.
    """
    schema = cast("dict[str, Any]", _tidy(model.model_json_schema(mode="validation")))
    return {"$schema": _DIALECT, **schema, "title": title}


def _tidy(node: object) -> object:
    """A schema as a person would write it.

    Without ``null`` (a key that has no value is left out of a file, never written empty), closed where names have a
    pattern, and with examples as values.
    """
    if isinstance(node, list):
        return [_tidy(item) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    found = {key: _tidy(item) for key, item in cast("dict[str, object]", node).items()}
    if isinstance(found.get("title"), str):
        found["title"] = str(found["title"]).removesuffix("Model")
    if isinstance(found.get("examples"), list):
        found["examples"] = [yaml.safe_load(text) for text in cast("list[str]", found["examples"])]
    if "patternProperties" in found:
        found["additionalProperties"] = False
    if "default" in found and (found["default"] is None or isinstance(found["default"], dict)):
        del found["default"]
    return _without_null(found)


def _without_null(found: dict[str, object]) -> dict[str, object]:
    if not isinstance(found.get("anyOf"), list):
        return found
    kinds = [item for item in cast("list[dict[str, object]]", found["anyOf"]) if item != {"type": "null"}]
    if len(kinds) > 1:
        return {**found, "anyOf": kinds}
    return {**kinds[0], **{key: item for key, item in found.items() if key != "anyOf"}}
