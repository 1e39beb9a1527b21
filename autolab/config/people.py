"""From ``people`` of a lab file to an authority: who may approve, reset and bypass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from autolab.config.labmodel import PersonModel
from autolab.config.problems import Problems, valid
from autolab.core.authority import Authority, Person
from autolab.core.errors import InputError

__all__ = ["read_people"]


def read_people(problems: Problems, values: Mapping[str, Any]) -> Authority:
    """Read who may do what, and gather what is wrong with it.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.
    """
    declared = values.get("people")
    authority = Authority()
    for name, raw in cast("dict[str, Any]", declared).items() if isinstance(declared, dict) else ():
        model = valid(PersonModel, raw)
        if model is None:
            continue
        try:
            person = Person(name, model.key, frozenset(model.may))
            authority = Authority({**authority.people, name: person})
        except InputError as error:
            problems.add(("people", name, "key"), str(error))
    return authority
