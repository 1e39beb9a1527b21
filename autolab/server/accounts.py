"""Accounts of the server: made by an administrator, opened by a one-time link with which people choose a password."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autolab.core.authority import public_text
from autolab.core.clock import Clock
from autolab.core.errors import InputError, NotAuthorisedError
from autolab.core.roles import Role, read_roles
from autolab.server.passwords import Passwords
from autolab.server.vault import Vault, digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["Accounts", "Entry"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""As names in the lab file."""
LINK_HOURS = 24


@dataclass(frozen=True, slots=True)
class Entry:
    """An account as administrators see it."""

    name: str
    roles: frozenset[Role]
    public: str | None
    """Public half of the signing key, as the lab file takes it under ``people``; None before there is a password."""
    is_open: bool
    has_password: bool
    made: str


class Accounts:
    """The accounts of one server.

    Args:
        vault: Keeps them.
        clock: Says when a link expires.
        passwords: Makes and checks hashes.
    """

    def __init__(self, vault: Vault, clock: Clock, passwords: Passwords) -> None:
        self._vault, self._clock, self._passwords = vault, clock, passwords

    def all(self) -> list[Entry]:
        """All accounts, by name."""
        return [_entry(row) for row in self._vault.rows("SELECT * FROM accounts ORDER BY name")]

    def entry(self, name: str) -> Entry:
        """One account.

        Raises:
            InputError: there is none of that name.
        """
        found = self._vault.rows("SELECT * FROM accounts WHERE name = ?", name)
        if not found:
            raise InputError(f"there is no account {name!r}")
        return _entry(found[0])

    def needs_administrator(self) -> bool:
        """Whether nobody can give roles yet."""
        return not any(Role.ADMINISTRATOR in entry.roles and entry.is_open for entry in self.all())

    def first_link(self) -> str:
        """A one-time link token for the first administrator; one that was not used before is worth nothing then."""
        with self._vault.commit():
            self._vault.write("DELETE FROM links WHERE account IS NULL")
            return self._link(None, frozenset({Role.ADMINISTRATOR}))

    def add(self, name: str, roles: Iterable[str]) -> str | None:
        """Make an account. Returns the token of the link that opens it; None for an agent, which has keys only.

        Raises:
            InputError: the name or a role is none, or the name is taken.
        """
        wanted = read_roles(roles)
        with self._vault.commit():
            self._insert(name, wanted)
            return None if Role.AGENT in wanted else self._link(name, wanted)

    def invite(self, name: str) -> str:
        """Another link for an account whose password is lost. The password, and the signing key, end when it is used.

        Raises:
            InputError: there is no such account, or it is an agent's.
        """
        entry = self.entry(name)
        if Role.AGENT in entry.roles:
            raise InputError(f"{name} is an agent: it has API keys and no password")
        with self._vault.commit():
            self._vault.write("DELETE FROM links WHERE account = ?", (name,))
            return self._link(name, entry.roles)

    def invited(self, token: str) -> tuple[str | None, frozenset[Role]]:
        """Whose account a link opens, None where the name is still to be chosen, and the roles that go with it.

        Raises:
            NotAuthorisedError: the link is used up, too old, or none.
        """
        found = self._vault.rows("SELECT * FROM links WHERE digest = ?", digest(token))
        if not found or found[0]["until"] < self._now():
            raise NotAuthorisedError("this link has been used, or is too old: ask an administrator for another")
        return found[0]["account"], read_roles(json.loads(found[0]["roles"]))

    def open(self, token: str, name: str, password: str, roles: Iterable[str] = ()) -> Entry:
        """Choose the password of an account by its link, which is used up then. A new signing key goes with it.

        Args:
            token: Of the link.
            name: Name of the account; the link of the first administrator leaves it open.
            password: The new password.
            roles: For the first administrator: what they do here beside.

        Raises:
            NotAuthorisedError: the link is used up, too old, or none.
            InputError: the name or the password is refused.
        """
        kept, (signing, public) = self._passwords.hash(password), self._new_key(name, password)
        with self._vault.commit():
            account, given = self.invited(token)
            if account is None:
                self._insert(name, given | read_roles(roles))
            elif account != name:
                raise NotAuthorisedError(f"this link opens the account {account}, and not {name!r}")
            self._vault.write("DELETE FROM links WHERE digest = ?", (digest(token),))
            self._vault.write("DELETE FROM sessions WHERE account = ?", (name,))
            self._keep(name, kept, signing, public)
        return self.entry(name)

    def change_password(self, name: str, old: str, new: str) -> None:
        """Choose another password. The signing key stays; other sessions end.

        Raises:
            NotAuthorisedError: the old one is wrong.
            InputError: the new one is refused.
        """
        key = self.sign_in(name, old)
        if key is None:
            raise NotAuthorisedError("the password so far is wrong: nothing was changed")
        kept, signing = self._passwords.hash(new), self._passwords.lock(key, name, new)
        with self._vault.commit():
            self._keep(name, kept, signing, public_text(key))
            self._vault.write("DELETE FROM sessions WHERE account = ?", (name,))

    def sign_in(self, name: str, password: str) -> Ed25519PrivateKey | None:
        """Check name and password. Returns the signing key that the password opens; None where it does not."""
        found = self._vault.rows("SELECT password, signing FROM accounts WHERE name = ? AND is_closed = 0", name)
        kept = found[0]["password"] if found else None
        if not self._passwords.is_right(kept, password):
            return None
        return self._passwords.open(found[0]["signing"], name, password)

    def give_roles(self, name: str, roles: Iterable[str]) -> None:
        """Give an account other roles, which hold from its next request on.

        Raises:
            InputError: there is no such account or role, or nobody would be left to give roles.
        """
        wanted, before = read_roles(roles), self.entry(name)
        if (Role.AGENT in wanted) != (Role.AGENT in before.roles):
            raise InputError(f"{name}: a person's account does not become a program's, nor the other way round")
        with self._vault.commit():
            self._vault.write("UPDATE accounts SET roles = ? WHERE name = ?", (_text(wanted), name))
            self._refuse_if_nobody_is_left()

    def close(self, name: str, *, is_closed: bool) -> None:
        """Close an account, whose sessions end at once, or open it again.

        Raises:
            InputError: there is no such account, or nobody would be left to give roles.
        """
        self.entry(name)
        with self._vault.commit():
            self._vault.write("UPDATE accounts SET is_closed = ? WHERE name = ?", (int(is_closed), name))
            self._vault.write("DELETE FROM sessions WHERE account = ?", (name,))
            self._vault.write("DELETE FROM links WHERE account = ?", (name,))
            self._refuse_if_nobody_is_left()

    def _refuse_if_nobody_is_left(self) -> None:
        if self.needs_administrator():
            raise InputError("nobody would be left to give roles: make another administrator first")

    def _insert(self, name: str, roles: frozenset[Role]) -> None:
        if not _NAME.fullmatch(name):
            raise InputError(
                f"{name!r} is no name: at most 64 letters, digits, '-' and '_', beginning with a letter or digit"
            )
        if self._vault.rows("SELECT name FROM accounts WHERE lower(name) = lower(?)", name):
            raise InputError(f"there is an account {name!r} already: take another name")
        made = self._clock.date().isoformat(timespec="seconds")
        self._vault.write("INSERT INTO accounts (name, roles, made) VALUES (?, ?, ?)", (name, _text(roles), made))

    def _link(self, name: str | None, roles: frozenset[Role]) -> str:
        token, until = secrets.token_urlsafe(32), self._now() + LINK_HOURS * 3600
        self._vault.write("INSERT INTO links VALUES (?, ?, ?, ?)", (digest(token), name, _text(roles), until))
        return token

    def _new_key(self, name: str, password: str) -> tuple[str, str]:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = Ed25519PrivateKey.generate()
        return self._passwords.lock(key, name, password), public_text(key)

    def _keep(self, name: str, password: str, signing: str, public: str) -> None:
        sql = "UPDATE accounts SET password = ?, signing = ?, public = ? WHERE name = ?"
        self._vault.write(sql, (password, signing, public, name))

    def _now(self) -> float:
        return self._clock.date().timestamp()


def _entry(row: dict[str, object]) -> Entry:
    roles = frozenset(Role(name) for name in json.loads(str(row["roles"])))
    public = None if row["public"] is None else str(row["public"])
    return Entry(str(row["name"]), roles, public, not row["is_closed"], row["password"] is not None, str(row["made"]))


def _text(roles: frozenset[Role]) -> str:
    return json.dumps(sorted(roles))
