"""Who is signed in: sessions of people, which outlive the server, and API keys of programs."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autolab.core.clock import Clock
from autolab.core.errors import InputError, NotAuthorisedError
from autolab.core.principals import Principal
from autolab.core.roles import Account, Role, Scope, read_scopes, scopes_of
from autolab.server.accounts import Accounts
from autolab.server.vault import Vault, digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from autolab.compose.acting import Caller

__all__ = ["ApiKey", "Sessions", "csrf_of", "somebody"]

SESSION_HOURS = 12
"""A working day: who signs in in the morning signs in once."""
KEY_PREFIX = "autolab_"
LONGEST_KEY_DAYS = 366
MOST_KEYS = 50
"""API keys that one account has at most."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as its owner sees it: not the key itself, which is shown once."""

    id: str
    label: str
    scopes: frozenset[Scope]
    made: str
    until: float
    """Seconds since 1970."""


class Sessions:
    """Sessions and API keys of one server.

    Args:
        vault: Keeps them.
        clock: Says when they expire.
        accounts: Whose they are.
    """

    def __init__(self, vault: Vault, clock: Clock, accounts: Accounts) -> None:
        self._vault, self._clock, self._accounts = vault, clock, accounts
        self._keys: dict[str, Ed25519PrivateKey] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, key: Ed25519PrivateKey) -> str:
        """Sign somebody in whose password was right. Returns the secret of the session, for their cookie."""
        secret, now = secrets.token_urlsafe(32), self._now()
        with self._vault.commit():
            self._vault.write("DELETE FROM sessions WHERE until < ?", (now,))
            values = (digest(secret), name, now + SESSION_HOURS * 3600)
            self._vault.write("INSERT INTO sessions VALUES (?, ?, ?)", values)
        with self._lock:
            live = {row["digest"] for row in self._vault.rows("SELECT digest FROM sessions")}
            self._keys = {kept: held for kept, held in self._keys.items() if kept in live}
            self._keys[digest(secret)] = key
        return secret

    def account(self, secret: str | None) -> Account | None:
        """Whose session it is; None where it is nobody's any more."""
        found = secret and self._vault.rows(
            "SELECT a.name FROM sessions s JOIN accounts a ON a.name = s.account "
            "WHERE s.digest = ? AND s.until > ? AND a.is_closed = 0",
            digest(secret), self._now(),
        )  # fmt: skip
        if not found:
            return None
        entry = self._accounts.entry(found[0]["name"])
        return Account(entry.name, entry.roles, scopes_of(entry.roles))

    def caller(
        self, account: Account, secret: str | None, password: str | None = None, *, is_fresh: bool = False
    ) -> Caller:
        """Somebody who is signed in, with their signing key where the session or a password has opened it.

        Args:
            account: Who is signed in.
            secret: Of the session.
            password: Opens the key, where it is given.
            is_fresh: Only a password given now opens it, and not the session.

        Raises:
            NotAuthorisedError: the password is wrong.
        """
        from autolab.compose.acting import Caller

        if account.via == "key" or Role.AGENT in account.roles:
            return Caller(account.principal)
        if password:
            key = self._accounts.sign_in(account.name, password)
            if key is None:
                raise NotAuthorisedError(f"{account.name}: the password is wrong; nothing was done")
            return Caller(account.principal, key)
        with self._lock:
            return Caller(account.principal, None if is_fresh else self._keys.get(digest(secret or "")))

    def end(self, secret: str) -> None:
        """Sign out."""
        self._vault.write("DELETE FROM sessions WHERE digest = ?", (digest(secret),))
        with self._lock:
            self._keys.pop(digest(secret), None)

    def make_key(self, owner: str, label: str, scopes: frozenset[Scope], days: float) -> tuple[str, ApiKey]:
        """Make an API key. Returns it, for the only time, and what stays to be seen of it.

        Raises:
            InputError: it would last too long or for no time, has no label or scope, more than its owner may, or there
                are too many.
        """
        entry = self._accounts.entry(owner)
        more = sorted(scopes - scopes_of(entry.roles))
        if more:
            raise InputError(f"{owner} may not {', '.join(more)}: a key carries no more than its owner may")
        if not scopes:
            raise InputError("a key that carries no scope opens nothing: name at least one")
        if not 0 < days <= LONGEST_KEY_DAYS:
            raise InputError(f"a key lasts up to {LONGEST_KEY_DAYS} days, and not {days:g}")
        if not label.strip() or len(label) > 80:
            raise InputError("say in at most 80 characters what the key is for, such as 'balance logger'")
        if len(self.keys(owner)) >= MOST_KEYS:
            raise InputError(f"{owner} has {MOST_KEYS} keys: end one first")
        name, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        made, until = self._clock.date().isoformat(timespec="seconds"), self._now() + days * 86400
        values = (name, digest(secret), owner, label.strip(), json.dumps(sorted(scopes)), made, until)
        self._vault.write("INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        return f"{KEY_PREFIX}{name}_{secret}", ApiKey(name, label.strip(), scopes, made, until)

    def keys(self, owner: str) -> list[ApiKey]:
        """API keys of an account that have not expired, the newest first."""
        rows = self._vault.rows(
            "SELECT * FROM api_keys WHERE account = ? AND until > ? ORDER BY made DESC, id", owner, self._now()
        )
        return [ApiKey(r["id"], r["label"], read_scopes(json.loads(r["scopes"])), r["made"], r["until"]) for r in rows]

    def end_key(self, owner: str, name: str) -> None:
        """End an API key.

        Raises:
            InputError: the account has no such key.
        """
        if not self._vault.write("DELETE FROM api_keys WHERE id = ? AND account = ?", (name, owner)):
            raise InputError(f"{owner} has no key {name!r}; it may have been ended already")

    def account_of_key(self, text: str) -> Account | None:
        """Whose API key it is, with what it carries and its owner still may; None where it is nobody's."""
        name, _, secret = text.removeprefix(KEY_PREFIX).partition("_")
        found = self._vault.rows(
            "SELECT k.* FROM api_keys k JOIN accounts a ON a.name = k.account "
            "WHERE k.id = ? AND k.until > ? AND a.is_closed = 0",
            name, self._now(),
        )  # fmt: skip
        if not found or not hmac.compare_digest(found[0]["digest"], digest(secret)):
            return None
        entry = self._accounts.entry(found[0]["account"])
        carried = read_scopes(json.loads(found[0]["scopes"]))
        return Account(entry.name, entry.roles, carried & scopes_of(entry.roles), "key")

    def _now(self) -> float:
        return self._clock.date().timestamp()


def csrf_of(secret: str) -> str:
    """What a form of this session carries, so that no other site can send it: it cannot be known without the cookie."""
    return hmac.new(secret.encode(), b"autolab form 1", hashlib.sha256).hexdigest()


def somebody(address: str) -> Principal:
    """Whoever did something without having signed in, by where they are."""
    return Principal(f"somebody at {address}", "person")
