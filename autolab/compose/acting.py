"""Who acts: the account, or one of the lab's people who proves it with a key."""

from __future__ import annotations

from autolab.core.authority import Action, Authority, Matter, Signed, Statement, authorise, verify
from autolab.core.errors import NotAuthorisedError
from autolab.core.principals import Principal, local_person
from autolab.journal.keys import sign_as

__all__ = ["acting_as", "signed_as"]


def acting_as(authority: Authority, name: str | None, action: Action, about: str) -> Principal:
    """Whoever does something at this terminal, if they may.

    Args:
        authority: The people of the lab.
        name: Who they say they are, as ``--as``; None for the account.
        action: What they want to do.
        about: What it is about.

    Returns:
        The person, or the account where no name is given.

    Raises:
        NotAuthorisedError: they may not, or their key is not here.
    """
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


def signed_as(authority: Authority, name: str, statement: Statement) -> Signed:
    """A statement signed with the key that a person has in this account.

    Raises:
        NotAuthorisedError: the lab names nobody, or not this one; or their key is not here.
    """
    if name not in authority.people:
        known = ", ".join(authority.people) or "nobody"
        raise NotAuthorisedError(
            f"--as {name}: the lab file names {known}: its owner adds the line that 'autolab key {name}' prints under "
            "'people'"
        )
    return sign_as(statement, name)
