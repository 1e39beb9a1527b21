"""What the metadata of an evidence pack say of its challenge, and the check of a pack that somebody hands over."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, cast

from autolab.core.errors import InputError, StorageError
from autolab.journal.records import CampaignRecord
from autolab.report.crate import CRATE, HASHES, METADATA, where_text
from facility_review.reference import Challenge

__all__ = ["HASHES", "METADATA", "challenge_entity", "description", "verify_pack"]

_ROOT_NEEDS = ("name", "description", "datePublished", "license")
"""What RO-Crate 1.1 asks of the root data set."""
_ACTION_NEEDS = ("instrument", "agent", "result", "endTime")


def description(record: CampaignRecord, challenge: Challenge) -> str:
    """What a pack is, in a few sentences."""
    return (
        f"What the journal of {record.lab} ({record.laboratory}) has of one campaign that ran {where_text(record)}, "
        f"named for the challenge '{challenge.name}'. Nobody has endorsed it. The hashes of all files stand in "
        f"{HASHES}."
    )


def challenge_entity(challenge: Challenge) -> dict[str, Any]:
    """A challenge as the metadata name it."""
    numbers = ", ".join(f"{name} number {number}" for name, number in challenge.lists.items())
    return {
        "@id": "#challenge",
        "@type": "DefinedTerm",
        "name": challenge.name,
        "termCode": challenge.id,
        "description": f"Published as {numbers}; name seen: {challenge.status.replace('_', ' ')}.",
    }


def verify_pack(path: Path) -> tuple[str, ...]:
    """Check a pack, a folder or a zip, as somebody does who was handed it. Returns what is wrong, in sentences.

    Each file is there with the hash that the list and the metadata give, nothing is there that they do not name, and
    the metadata hold the entities that RO-Crate and its profile ask for.

    Raises:
        InputError: there is no such folder or zip.
        StorageError: it cannot be read.
    """
    try:
        if path.is_dir():
            return _verify(_folder_contents(path))
        if path.is_file():
            with zipfile.ZipFile(path) as archive:
                names = [each for each in archive.namelist() if not each.endswith("/")]
                if unsafe := [each for each in names if PurePosixPath(each).is_absolute() or ".." in each.split("/")]:
                    return (f"{unsafe[0]}: the zip holds a path that leaves its folder",)
                return _verify({name: (lambda name=name: archive.read(name)) for name in names})
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: is no zip ({error}): name the folder or the zip of a pack") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from error
    raise InputError(f"{path}: there is no such folder or zip: name an evidence pack")


def _folder_contents(folder: Path) -> dict[str, Callable[[], bytes]]:
    files = [each for each in folder.rglob("*") if each.is_file()]
    return {each.relative_to(folder).as_posix(): each.read_bytes for each in sorted(files)}


def _verify(contents: Mapping[str, Callable[[], bytes]]) -> tuple[str, ...]:
    if missing := [name for name in (HASHES, METADATA) if name not in contents]:
        return tuple(f"{name} is missing" for name in missing)
    listed = _listed(contents[HASHES]().decode("utf-8", "replace"))
    digests = {name: hashlib.sha256(read()).hexdigest() for name, read in contents.items() if name != HASHES}
    found = [f"{name}: is in the list of hashes, and missing" for name in sorted(listed.keys() - digests.keys())]
    found += [f"{name}: is not in the list of hashes" for name in sorted(digests.keys() - listed.keys())]
    both = sorted(listed.keys() & digests.keys())
    found += [
        f"{name}: was changed: its SHA-256 is not the one of the list" for name in both if listed[name] != digests[name]
    ]
    return (*found, *_metadata_problems(contents[METADATA](), digests))


def _listed(text: str) -> dict[str, str]:
    lines = [line.split("  ", 1) for line in text.splitlines() if "  " in line]
    return {name: digest for digest, name in lines}


def _metadata_problems(text: bytes, digests: Mapping[str, str]) -> list[str]:
    """What the metadata lack of RO-Crate 1.1 and the profile of one process run."""
    try:
        crate: object = json.loads(text)
        graph = cast("list[dict[str, Any]]", cast("dict[str, Any]", crate)["@graph"])
        entities = {str(each["@id"]): each for each in graph}
    except (ValueError, KeyError, TypeError):
        return [f"{METADATA}: is no JSON-LD with a flat @graph of entities that have an @id"]
    found = [] if len(entities) == len(graph) else ["an @id of the metadata stands for two entities"]
    descriptor, root = entities.get(METADATA, {}), entities.get("./", {})
    if CRATE not in str(cast("dict[str, Any]", crate).get("@context")):
        found.append(f"@context is not that of {CRATE}")
    if descriptor.get("@type") != "CreativeWork" or descriptor.get("about") != {"@id": "./"}:
        found.append(f"{METADATA}: there is no CreativeWork of this name about './'")
    if CRATE not in _ids(descriptor.get("conformsTo")):
        found.append(f"the metadata do not say that they conform to {CRATE}")
    if root.get("@type") != "Dataset":
        found.append("./: there is no root Dataset")
    found += [f"./: {key} is missing" for key in _ROOT_NEEDS if not root.get(key)]
    found += _part_problems(entities, _ids(root.get("hasPart")), digests)
    found += _action_problems(entities, _ids(root.get("mentions")))
    return found


def _part_problems(entities: Mapping[str, dict[str, Any]], parts: list[str], digests: Mapping[str, str]) -> list[str]:
    found = [f"{name}: is not in hasPart" for name in sorted(set(digests) - {METADATA} - set(parts))]
    for name in parts:
        entity = entities.get(name, {})
        if entity.get("@type") != "File":
            found.append(f"{name}: has no File entity")
        elif name not in digests:
            found.append(f"{name}: is in hasPart, and missing")
        elif entity.get("sha256") != digests[name]:
            found.append(f"{name}: its SHA-256 is not the one of the metadata")
    return found


def _action_problems(entities: Mapping[str, dict[str, Any]], mentions: list[str]) -> list[str]:
    actions = [entities[name] for name in mentions if entities.get(name, {}).get("@type") == "CreateAction"]
    if not actions:
        return ["./: mentions no CreateAction, and a Process Run Crate has one"]
    found = [f"{each['@id']}: {key} is missing" for each in actions for key in _ACTION_NEEDS if not each.get(key)]
    refers = [
        name for each in actions for key in ("instrument", "agent", "object", "result") for name in _ids(each.get(key))
    ]
    return found + [
        f"{name}: an action refers to it, and it is not described" for name in refers if name not in entities
    ]


def _ids(value: Any) -> list[str]:
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [str(cast("dict[str, Any]", each)["@id"]) for each in items if isinstance(each, dict) and "@id" in each]
