"""What the lab file names as subscribers of Bluesky documents: resolved and made; and what they are given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from autolab.compose.names import Names
from autolab.config.specs import LabSpec, SubscriberSpec
from autolab.core.errors import InputError, InputErrors
from autolab.journal.database import Database

__all__ = ["Subscriber", "check_subscribers", "documents_after", "made"]

PACKAGES = ("bluesky", "tiled")
"""Besides those of the lab's owner, where subscribers come from."""
Subscriber = Callable[[str, Mapping[str, Any]], Any]


def check_subscribers(lab: LabSpec, names: Names) -> None:
    """Refuse subscribers whose names stand for nothing.

    Raises:
        FileError: a name cannot be resolved.
        InputErrors: several of them.
    """
    problems: list[InputError] = []
    for spec in lab.subscribers.values():
        try:
            _resolved(spec, names)
        except InputError as error:
            problems.append(error)
    if problems:
        raise problems[0] if len(problems) == 1 else InputErrors(problems)


def made(spec: SubscriberSpec, names: Names) -> Subscriber:
    """The subscriber itself. Whatever its maker raises comes through.

    Raises:
        FileError: its name cannot be resolved.
        TypeError: what was made cannot be called.
    """
    subscriber = _resolved(spec, names)(**spec.options)
    if not callable(subscriber):
        raise TypeError(f"{spec.class_name} makes {type(subscriber).__name__}, which cannot be called with a document")
    return subscriber


def documents_after(
    documents: Database, campaign: str, number: int, limit: int
) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Documents of a campaign after one of them, in the order of recording, as (number, name, document).

    Args:
        documents: Database of the documents.
        campaign: Id of the campaign.
        number: Number of the document before.
        limit: At most so many.
    """
    query = "SELECT id, name, document FROM documents WHERE campaign = ? AND id > ? ORDER BY id LIMIT ?"
    for row in documents.rows(query, (campaign, number, limit)):
        yield row["id"], row["name"], json.loads(row["document"])


def _resolved(spec: SubscriberSpec, names: Names) -> Callable[..., Any]:
    """The class, the function, or the method of a class that a name stands for."""
    path, what = ("subscribers", spec.name, "class"), "subscriber"
    owner, _, method = spec.class_name.rpartition(".")
    if owner.rpartition(".")[2][:1].isupper():  # such as TiledWriter.from_uri
        found = getattr(names.resolve(owner, path, what, PACKAGES), method, None)
        if found is None:
            raise names.refused(path, f"{what} {spec.class_name!r}: {owner} has no {method!r}")
    else:
        found = names.resolve(spec.class_name, path, what, PACKAGES)
    if not callable(found):
        raise names.refused(path, f"{what} {spec.class_name!r} is neither a class nor a function")
    return found
