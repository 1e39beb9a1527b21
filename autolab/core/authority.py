"""Who may do what: one function that says yes or no, and statements that prove who says something.

Deny by default: what is not listed is refused, and so is whatever cannot be decided. A person proves who they are with
an Ed25519 key (RFC 8032) whose public half stands in the lab file. What they want is a statement; it is signed as
canonical JSON, under a heading of its own, so that a signature made for anything else means nothing here.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, cast

from autolab.core.canonical import canonical_json
from autolab.core.errors import InputError, NotAuthorisedError
from autolab.core.principals import Principal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = [
    "NOBODY",
    "Action",
    "Authority",
    "Matter",
    "Person",
    "Right",
    "Signed",
    "Statement",
    "authorise",
    "public_text",
    "sign",
    "verify",
]

Right = Literal["approve", "reset", "bypass"]
"""What the lab file says that a person may do."""
_HEADING = "autolab statement 1"
_KINDS = ("person", "agent", "system")


class Action(StrEnum):
    """What somebody wants to do."""

    RUN = "run campaigns"
    APPROVE_TRIAL = "approve a trial"
    REFUSE_TRIAL = "refuse a trial"
    APPROVE_ENVELOPE = "approve a change of the envelope"
    RESET = "reset a trip"
    ASK_BYPASS = "ask for a bypass"
    APPROVE_BYPASS = "approve a bypass"
    END_BYPASS = "end a bypass"
    BY_HAND = "do or record work by hand"


_NEEDS: Mapping[Action, Right | None] = {
    Action.RUN: None,
    Action.APPROVE_TRIAL: "approve",
    Action.REFUSE_TRIAL: "approve",
    Action.APPROVE_ENVELOPE: "approve",
    Action.RESET: "reset",
    Action.ASK_BYPASS: "bypass",
    Action.APPROVE_BYPASS: "bypass",
    Action.END_BYPASS: "bypass",
    Action.BY_HAND: None,
}
"""The right that each action needs; None for what every person of the lab may do."""
_BY_ANOTHER = frozenset({Action.APPROVE_TRIAL, Action.APPROVE_ENVELOPE, Action.APPROVE_BYPASS})
"""What nobody does for something that they proposed or asked for themselves."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the lab file names.

    Raises:
        InputError: the key is no Ed25519 public key in base64.
    """

    name: str
    key: str = field(repr=False)
    """Public key in base64."""
    may: frozenset[Right]

    def __post_init__(self) -> None:
        if len(_bytes(self.key)) != 32:
            raise InputError(
                f"{self.name}: {self.key!r} is no public key: paste the line that 'autolab key {self.name}' prints"
            )


@dataclass(frozen=True, slots=True)
class Authority:
    """The people of a lab and what they may do.

    Raises:
        InputError: two people have the same key: they could not be told apart.
    """

    people: Mapping[str, Person] = field(default_factory=dict[str, Person])

    def __post_init__(self) -> None:
        names: dict[bytes, str] = {}
        for name, person in self.people.items():
            other = names.setdefault(_bytes(person.key), name)
            if other != name:
                raise InputError(f"{name} has the key of {other}: each person needs a key of their own")

    def who_may(self, right: Right | None) -> tuple[str, ...]:
        """Names of the people who have a right, in the order of the lab file."""
        return tuple(name for name, person in self.people.items() if right is None or right in person.may)


NOBODY = Authority()
"""A lab that names no people."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What an action is about."""

    name: str
    """Such as ``trial 7 of teal-20260101``."""
    asked_by: tuple[Principal, ...] = ()
    """Who proposed it or asked for it. Whoever is among them cannot approve it."""


def authorise(principal: Principal, action: Action, matter: Matter, authority: Authority) -> None:
    """Return where a principal may do something, and refuse in all other cases.

    A lab that names no people is reset, and worked in by hand, by whoever has its account; nobody can approve or bypass
    anything there.

    Args:
        principal: Who wants it. That it is really them is for `verify` to find out.
        action: What they want to do.
        matter: What it is about.
        authority: The people of the lab.

    Raises:
        NotAuthorisedError: it is refused, and who may do it.
    """
    what = f"{action} ({matter.name})"
    if principal.kind != "person":
        raise NotAuthorisedError(f"{principal.name} is {_an(principal.kind)} and may not {what}: only a person may")
    if not authority.people and action in (Action.RUN, Action.RESET, Action.BY_HAND):
        return
    right = _NEEDS[action]
    may = authority.who_may(right)
    if principal.name not in may:
        raise NotAuthorisedError(f"{principal.name} may not {what}: {_who(may, right)}")
    if action in _BY_ANOTHER:
        _refuse_own(principal, what, matter, may, authority)


def _refuse_own(principal: Principal, what: str, matter: Matter, may: tuple[str, ...], authority: Authority) -> None:
    """Refuse what somebody wants to approve for themselves, or for somebody who may be themselves.

    Raises:
        NotAuthorisedError: it is so.
    """
    names = [asker.name for asker in matter.asked_by]
    others = tuple(name for name in may if name not in names)
    if principal.name in names:
        raise NotAuthorisedError(
            f"{principal.name} proposed it, and may not {what}: {_who(others, 'approve', 'another person')}"
        )
    for asker in matter.asked_by:
        if asker.kind == "person" and asker.name not in authority.people:
            raise NotAuthorisedError(
                f"nobody may {what}: it was proposed from the account {asker.name!r}, which is none of the lab's "
                f"people ({', '.join(authority.people)}), so whoever approves may be whoever proposed: let one of them "
                "propose it with '--as NAME'"
            )


def _who(may: tuple[str, ...], right: Right | None, whom: str = "somebody") -> str:
    if may:
        return f"ask {whom} who may: {', '.join(may)}"
    key = f"'may: [{right}]'" if right else "a key"
    return f"the lab file names nobody else who may: its owner adds a person with {key} under 'people'"


def _an(kind: str) -> str:
    return f"an {kind}" if kind[:1] in "aeiou" else f"a {kind}"


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody says."""

    action: Action
    about: str
    """Name of what it is about, as in `Matter`."""
    facts: Mapping[str, Any]
    """What it is bound to, such as content hashes and an expiry."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement with the signature of whoever says so."""

    by: Principal
    statement: Statement
    signature: str
    """In base64."""

    @property
    def signed(self) -> bytes:
        """What the signature is over."""
        return _signed_bytes(self.by, self.statement)

    def to_json(self) -> dict[str, Any]:
        """As it travels and is kept."""
        return {"by": self.by.name, "kind": self.by.kind, **_facts(self.statement), "signature": self.signature}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Signed:
        """What `to_json` gave, read again.

        Raises:
            NotAuthorisedError: it is no signed statement.
        """
        try:
            texts = (said["by"], said["about"], said["signature"])
            if said["kind"] not in _KINDS or not all(isinstance(text, str) for text in texts):
                raise ValueError
            facts = json.loads(canonical_json(cast("Mapping[str, Any]", said["facts"])))
            statement = Statement(Action(said["action"]), said["about"], facts)
            return cls(Principal(said["by"], said["kind"]), statement, said["signature"])
        except (KeyError, ValueError, TypeError, RecursionError):
            raise NotAuthorisedError("this is no signed statement: sign it again with 'autolab'") from None


def sign(statement: Statement, name: str, key: Ed25519PrivateKey) -> Signed:
    """Sign a statement.

    Args:
        statement: What is said.
        name: Whose key it is.
        key: The private key.
    """
    by = Principal(name, "person")
    return Signed(by, statement, base64.b64encode(key.sign(_signed_bytes(by, statement))).decode())


def verify(signed: Signed, authority: Authority, asked_by: tuple[Principal, ...] = ()) -> Principal:
    """Find out who says something, and whether they may.

    Args:
        signed: The statement.
        authority: The people of the lab.
        asked_by: Who proposed what it is about.

    Returns:
        Who says so.

    Raises:
        NotAuthorisedError: an unknown person, another's signature, somebody who may not do this, no person at all, or
            anything that cannot be decided.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    action, matter = signed.statement.action, Matter(signed.statement.about, asked_by)
    if signed.by.kind != "person" or signed.by.name not in authority.people:
        who = f"{signed.by.name!r} is none of the lab's people"
        if signed.by.kind != "person":
            who = f"{signed.by.name} is {_an(signed.by.kind)}, and a person is needed"
        raise NotAuthorisedError(f"{who} ({action}, {matter.name}): {_who(authority.who_may(_NEEDS[action]), None)}")
    try:
        key = Ed25519PublicKey.from_public_bytes(_bytes(authority.people[signed.by.name].key))
        key.verify(_bytes(signed.signature), signed.signed)
    except (InvalidSignature, ValueError, TypeError):
        raise NotAuthorisedError(
            f"the signature is not that of {signed.by.name}, or something was changed after it was made ({action}, "
            f"{matter.name}): sign with the key whose public half stands in the lab file"
        ) from None
    authorise(signed.by, action, matter, authority)
    return signed.by


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half of a key, as the lab file holds it."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def _facts(statement: Statement) -> dict[str, Any]:
    return {"action": str(statement.action), "about": statement.about, "facts": dict(statement.facts)}


def _signed_bytes(by: Principal, statement: Statement) -> bytes:
    return canonical_json({"heading": _HEADING, "by": by.name, "kind": by.kind, **_facts(statement)}).encode()


def _bytes(text: str) -> bytes:
    """What a base64 text holds; nothing where it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
