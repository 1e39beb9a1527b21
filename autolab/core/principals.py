"""Principals: who did something."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from typing import Literal

__all__ = ["Principal", "local_person"]


@dataclass(frozen=True, slots=True)
class Principal:
    """A person, an agent or a part of the system that acts."""

    name: str
    kind: Literal["person", "agent", "system"]


def local_person() -> Principal:
    """The person who runs the command, by the account's name."""
    try:
        return Principal(getpass.getuser(), "person")
    except (OSError, KeyError):  # an account without a name, as in some containers
        return Principal("unknown", "person")
