"""From ``descriptors`` of a parameter in a campaign file to the values of the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autolab.config.words import did_you_mean, listed, shown
from autolab.core.errors import InputError
from autolab.core.parameters import Descriptor, Value

__all__ = ["read_descriptors"]


def read_descriptors(
    name: str, choices: Sequence[Value], described: Mapping[str, Mapping[str, float]] | None
) -> tuple[Descriptor, ...]:
    """The descriptors of choices, each with its numbers in the order of the choices.

    Args:
        name: Name of the parameter.
        choices: Its choices.
        described: Numbers by descriptor, by choice; None where there are none.

    Raises:
        InputError: choices that are no texts, one without descriptors, or one that lacks a descriptor of another.
    """
    if described is None:
        return ()
    for choice in choices:
        if not isinstance(choice, str):
            raise InputError(f"{name}: 'descriptors' describe texts, and {shown(choice)} is none: put it in quotes")
    for key in described:
        if key not in choices:
            guess = did_you_mean(key, map(str, choices))
            hint = f"did you mean {guess!r}?" if guess else f"the others are {listed(map(shown, choices))}"
            raise InputError(f"{name}: 'descriptors' name {key!r}, which is not among what may be chosen: {hint}")
    rows = [(str(choice), described.get(str(choice), {})) for choice in choices]
    wanted = _wanted(name, rows)
    for choice, row in rows:
        for key in (key for key in wanted if key not in row):
            guess = did_you_mean(key, [other for other in row if other not in wanted])
            hint = f"did you mean it by {guess!r}?" if guess else "add it"
            raise InputError(f"{name}: 'descriptors' of {choice!r} lack {key!r}: {hint}")
    for choice, row in rows:
        for key in (key for key in row if key not in wanted):
            raise InputError(f"{name}: 'descriptors' of {choice!r} hold {key!r}, and others lack it: add it to all")
    return tuple(Descriptor(key, tuple(row[key] for _, row in rows)) for key in wanted)


def _wanted(name: str, rows: Sequence[tuple[str, Mapping[str, float]]]) -> list[str]:
    """The descriptors that more than half of the choices have: any other may be a slip."""
    found = list(dict.fromkeys(key for _, row in rows for key in row))
    if not found:
        raise InputError(f"{name}: 'descriptors' hold no number: give each choice at least one")
    return [key for key in found if 2 * sum(key in row for _, row in rows) > len(rows)]
