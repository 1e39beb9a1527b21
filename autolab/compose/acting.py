"""Who acts: the account, one of the lab's people who proves it with a key, or somebody whom a face has let in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autolab.core.authority import Action, Authority, Matter, Signed, Statement, authorise, sign, verify
from autolab.core.errors import NotAuthorisedError
from autolab.core.principals import Principal, local_person
from autolab.journal.keys import sign_as

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["Caller", "acting_as", "signed_as"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whom a face has let in, by password or by API key."""

    principal: Principal
    key: Ed25519PrivateKey | None = field(default=None, repr=False)
    """Their own key, where their password has opened it."""


def acting_as(authority: Authority, name: str | Caller | None, action: Action, about: str) -> Principal:
    """Whoever does something at this terminal or face, if they may.

    Args:
        authority: The people of the lab.
        name: Who they say they are, as ``--as``; None for the account; or whom a face has let in.
        action: What they want to do.
        about: What it is about.

    Returns:
        The person, or the account where no name is given.

    Raises:
        NotAuthorisedError: they may not, or their key is not here.
    """
    if isinstance(name, Caller):
        return _called(authority, name, action, about)
    if name is not None:
        return verify(signed_as(authority, name, Statement(action, about, {})), authority)
    who = local_person()
    if authority.people and action is not Action.RUN:
        raise NotAuthorisedError(
            f"{action} ({about}): an account proves nothing in a lab that names its people: say who you are with "
            f"'--as NAME', one of {', '.join(authority.people)}"
        )
    if who.name in authority.people:
        raise NotAuthorisedError(
            f"{who.name!r} is one of the lab's people, and an account of that name does not prove that it is them: say "
            f"'--as {who.name}'"
        )
    if not authority.people:
        authorise(who, action, Matter(about), authority)
    return who


def signed_as(authority: Authority, name: str | Caller, statement: Statement) -> Signed:
    """A statement signed with the key that a person has in this account, or that their password has opened.

    Raises:
        NotAuthorisedError: the lab names nobody, or not this one; or their key is not here.
    """
    known = ", ".join(authority.people) or "nobody"
    if isinstance(name, Caller):
        return _signed_by(authority, name, statement, known)
    if name not in authority.people:
        raise NotAuthorisedError(
            f"--as {name}: the lab file names {known}: its owner adds the line that 'autolab key {name}' prints under "
            "'people'"
        )
    return sign_as(statement, name)


def _called(authority: Authority, caller: Caller, action: Action, about: str) -> Principal:
    """Whom a face has let in, if they may: one of the lab's people signs, as at a terminal."""
    who = caller.principal
    if who.name in authority.people and who.kind == "person":
        return verify(signed_as(authority, caller, Statement(action, about, {})), authority)
    if not authority.people or action is not Action.RUN:
        authorise(who, action, Matter(about), authority)
    elif who.kind != "person":
        raise NotAuthorisedError(f"{who.name} is no person and may not {action} ({about}): only a person may")
    return who


def _signed_by(authority: Authority, caller: Caller, statement: Statement, known: str) -> Signed:
    who = caller.principal
    if who.name not in authority.people or who.kind != "person":
        raise NotAuthorisedError(
            f"{who.name}: {statement.action} ({statement.about}) is signed by one of the lab's people, and the lab "
            f"file names {known}: its owner adds the line that your settings show under 'people'"
        )
    if caller.key is None:
        raise NotAuthorisedError(
            f"{who.name}: {statement.action} ({statement.about}) is signed, and only your password opens your key: "
            "type it"
        )
    return sign(statement, who.name, caller.key)
