"""What an account of a face may try: roles as sets of fine scopes. Deny by default.

A scope opens a door of the HTTP interface; what is behind it asks `autolab.core.authority.authorise` as the command
line does, so that the lab file has the last word on who approves, resets and bypasses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from autolab.core.errors import InputError, NotAuthorisedError
from autolab.core.principals import Principal

__all__ = ["ROLES", "Account", "Role", "Scope", "allow", "read_roles", "read_scopes", "scopes_of"]


class Scope(StrEnum):
    """What one door asks for."""

    READ_STATUS = "read:status"
    READ_DATA = "read:data"
    READ_AUDIT = "read:audit"
    RUN = "run:campaigns"
    WRITE = "write:campaigns"
    PAUSE = "pause:campaigns"
    ANSWER = "answer:requests"
    SETTLE = "settle:actions"
    PROPOSE = "propose:trials"
    CORRECT = "correct:trials"
    APPROVE = "approve:trials"
    RESET = "reset:trips"
    BYPASS = "bypass:interlocks"
    TEST = "test:interlocks"
    REFILL = "refill:stock"
    STATE = "state:evidence"
    OWN_ACCOUNT = "own:account"
    MANAGE_USERS = "manage:users"


class Role(StrEnum):
    """What somebody is in the laboratory. One account may have several."""

    OBSERVER = "observer"
    TECHNICIAN = "technician"
    RESEARCHER = "researcher"
    SAFETY_OFFICER = "safety officer"
    MANAGER = "manager"
    AGENT = "agent"
    ADMINISTRATOR = "administrator"


_LOOK = frozenset({Scope.READ_STATUS, Scope.READ_DATA, Scope.OWN_ACCOUNT})
_BENCH = _LOOK | {Scope.RUN, Scope.PAUSE, Scope.ANSWER, Scope.SETTLE, Scope.REFILL}
ROLES: Mapping[Role, frozenset[Scope]] = MappingProxyType(
    {
        Role.OBSERVER: _LOOK,
        Role.TECHNICIAN: _BENCH | {Scope.RESET, Scope.BYPASS, Scope.TEST},
        Role.RESEARCHER: _BENCH | {Scope.WRITE, Scope.STATE, Scope.PROPOSE, Scope.CORRECT, Scope.APPROVE},
        Role.SAFETY_OFFICER: _LOOK
        | {Scope.READ_AUDIT, Scope.PAUSE, Scope.SETTLE, Scope.APPROVE, Scope.RESET}
        | {Scope.BYPASS, Scope.TEST, Scope.STATE},
        Role.MANAGER: _LOOK | {Scope.READ_AUDIT, Scope.PAUSE, Scope.APPROVE, Scope.BYPASS, Scope.STATE},
        Role.AGENT: frozenset({Scope.READ_STATUS, Scope.READ_DATA, Scope.PROPOSE}),
        Role.ADMINISTRATOR: frozenset({Scope.READ_STATUS, Scope.READ_AUDIT, Scope.OWN_ACCOUNT, Scope.MANAGE_USERS}),
    }
)
"""The scopes of each role. Stop and emergency stop stand in none: they ask for no account."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody whom a face has let in."""

    name: str
    roles: frozenset[Role]
    scopes: frozenset[Scope]
    """What they may try this time: all that their roles give, or the part that an API key carries."""
    via: Literal["session", "key"] = "session"

    @property
    def principal(self) -> Principal:
        """Who acts, for the journal."""
        return Principal(self.name, "agent" if Role.AGENT in self.roles else "person")


def allow(account: Account | None, scope: Scope) -> Account:
    """Return where an account may try something, and refuse in all other cases.

    Args:
        account: Who wants it; None where nobody has signed in.
        scope: What it asks for.

    Raises:
        NotAuthorisedError: nobody has signed in, or they may not; it says which roles may.
    """
    if account is None:
        raise NotAuthorisedError(f"{scope}: nobody has signed in; sign in first")
    if scope in account.scopes:
        return account
    may = ", ".join(role for role, scopes in ROLES.items() if scope in scopes)
    if any(scope in ROLES[role] for role in account.roles):
        raise NotAuthorisedError(f"{account.name}: this API key does not carry {scope}: make one that does")
    roles = ", ".join(sorted(account.roles)) or "no role"
    raise NotAuthorisedError(
        f"{account.name} ({roles}) may not {scope}: it takes the role {may}; an administrator gives roles"
    )


def read_roles(names: Iterable[str]) -> frozenset[Role]:
    """Roles by their names.

    Raises:
        InputError: a name is no role, or a program and a person are to be one account.
    """
    try:
        roles = frozenset(Role(name) for name in names)
    except ValueError as error:
        raise InputError(f"{error}: roles are {', '.join(ROLES)}") from None
    if Role.AGENT in roles and len(roles) > 1:
        raise InputError("agent: a program's account has no other role; give the person an account of their own")
    return roles


def read_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Scopes by their names.

    Raises:
        InputError: a name is no scope.
    """
    try:
        return frozenset(Scope(name) for name in names)
    except ValueError as error:
        raise InputError(f"{error}: scopes are {', '.join(Scope)}") from None


def scopes_of(roles: Iterable[Role]) -> frozenset[Scope]:
    """What roles give together."""
    return frozenset(scope for role in roles for scope in ROLES[role])
