"""Doors of the API to accounts and API keys. What is given and taken is journalled, and a secret is shown once."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from autolab.core.roles import Account, Role, Scope, read_scopes
from autolab.server.accounts import Entry
from autolab.server.doing import Done, Wish
from autolab.server.doors import Doors, Here, Me
from autolab.server.models import View
from autolab.server.problems import NotFoundError
from autolab.server.sessions import ApiKey
from autolab.server.settings import Context

__all__ = ["end_key", "give_key", "give_roles", "invite", "make_account", "open_people", "set_open"]

Name = Annotated[str, Field(min_length=1, max_length=64, examples=["ada"])]


class AccountView(View):
    """An account."""

    name: str
    roles: list[str]
    is_open: bool
    has_password: bool
    signing_key: str | None = Field(description="Public half, as the lab file takes it under 'people'.")
    made: str


class KeyView(View):
    """An API key, without its secret."""

    id: str
    label: str
    scopes: list[str]
    made: str
    until: float = Field(description="Seconds since 1970.")


class NewKey(KeyView):
    """An API key, for the only time."""

    key: str


class Link(View):
    """A one-time link, for the only time."""

    said: str
    link: str | None = Field(description="Where the person chooses a password, within a day; null for an agent.")


class NewAccount(Wish):
    """An account to make."""

    name: Name
    roles: list[Role] = Field(min_length=1, max_length=7)


class Roles(Wish):
    """The roles of an account."""

    roles: list[Role] = Field(max_length=7)


class WantedKey(Wish):
    """An API key to make."""

    label: str = Field(min_length=1, max_length=80, examples=["balance logger"])
    scopes: list[Scope] = Field(min_length=1, max_length=20)
    days: float = Field(90, gt=0, le=366)
    owner: Annotated[str | None, Field(max_length=64, description="An agent's name; null for your own.")] = None


def accounts(context: Here) -> list[AccountView]:
    """List the accounts."""
    return [_view(entry) for entry in context.accounts.all()]


def add_account(context: Here, account: Me, wish: NewAccount) -> Link:
    """Make an account; its one-time link is shown once."""
    token = make_account(context, account, wish.name, wish.roles)
    return Link(said=f"{wish.name} has an account", link=token and _link(context, token))


def change_roles(context: Here, account: Me, name: str, wish: Roles) -> Done:
    """Give an account other roles, which hold from its next request on."""
    return Done(said=give_roles(context, account, name, wish.roles))


def new_link(context: Here, account: Me, name: str) -> Link:
    """Make another one-time link for an account whose password is lost."""
    token = invite(context, account, name)
    return Link(said=f"{name} chooses a new password, and gets a new signing key", link=_link(context, token))


def close(context: Here, account: Me, name: str) -> Done:
    """Close an account; its sessions and keys end at once."""
    return Done(said=set_open(context, account, name, is_open=False))


def reopen(context: Here, account: Me, name: str) -> Done:
    """Open a closed account again."""
    return Done(said=set_open(context, account, name, is_open=True))


def keys(context: Here, account: Me) -> list[KeyView]:
    """List your API keys."""
    return [KeyView(**_key(one)) for one in context.sessions.keys(account.name)]


def new_key(context: Here, account: Me, wish: WantedKey) -> NewKey:
    """Make an API key; it is shown once."""
    secret, key = give_key(context, account, wish.owner, wish.label, wish.scopes, wish.days)
    return NewKey(**_key(key), key=secret)


def drop_key(context: Here, account: Me, key: str) -> Done:
    """End one of your API keys."""
    return Done(said=end_key(context, account, key))


def make_account(context: Context, by: Account, name: str, roles: list[Role]) -> str | None:
    """Make an account. Returns the token of its link; None for an agent.

    Raises:
        InputError: the name is none, or is taken.
    """
    token = context.accounts.add(name, roles)
    context.note(by.principal, "make account", f"{name}: {', '.join(sorted(roles))}")
    return token


def give_roles(context: Context, by: Account, name: str, roles: list[Role]) -> str:
    """Give an account other roles.

    Raises:
        InputError: there is none, or nobody would be left to give roles.
    """
    before = _entry(context, name).roles
    context.accounts.give_roles(name, roles)
    said = f"{name}: {', '.join(sorted(before)) or 'no role'} → {', '.join(sorted(roles)) or 'no role'}"
    context.note(by.principal, "give roles", said)
    return said


def invite(context: Context, by: Account, name: str) -> str:
    """Make another one-time link. Returns its token.

    Raises:
        InputError: there is no such account, or it is an agent's.
    """
    _entry(context, name)
    token = context.accounts.invite(name)
    context.note(by.principal, "give link", name)
    return token


def set_open(context: Context, by: Account, name: str, *, is_open: bool) -> str:
    """Close an account, or open it again.

    Raises:
        InputError: there is none, or nobody would be left to give roles.
    """
    _entry(context, name)
    context.accounts.close(name, is_closed=not is_open)
    context.note(by.principal, "open account" if is_open else "close account", name)
    return f"the account {name} is {'open' if is_open else 'closed'}"


def give_key(
    context: Context, by: Account, owner: str | None, label: str, scopes: list[Scope], days: float
) -> tuple[str, ApiKey]:
    """Make an API key for yourself, or for an agent where you manage accounts. Returns it, for the only time.

    Raises:
        InputError: it carries too much, or lasts too long.
        NotFoundError: there is no such agent, or it is not yours to give.
    """
    name = owner or by.name
    if name != by.name:
        is_agent = Role.AGENT in _entry(context, name).roles
        if not is_agent or Scope.MANAGE_USERS not in by.scopes:
            raise NotFoundError(f"{name}: people make their own keys; administrators make those of agents")
    secret, key = context.sessions.make_key(name, label, read_scopes(scopes), days)
    context.note(by.principal, "make API key", f"{key.id} of {name}, {key.label!r}: {', '.join(sorted(key.scopes))}")
    return secret, key


def end_key(context: Context, by: Account, key: str) -> str:
    """End an API key of yours, or of an agent where you manage accounts.

    Raises:
        InputError: there is none.
    """
    owners = [by.name]
    if Scope.MANAGE_USERS in by.scopes:
        owners += [entry.name for entry in context.accounts.all() if Role.AGENT in entry.roles]
    owner = next((name for name in owners if key in {one.id for one in context.sessions.keys(name)}), by.name)
    context.sessions.end_key(owner, key)
    context.note(by.principal, "end API key", f"{key} of {owner}")
    return f"the key {key} opens nothing any more"


def _entry(context: Context, name: str) -> Entry:
    found = [entry for entry in context.accounts.all() if entry.name == name]
    if not found:
        raise NotFoundError(f"there is no account {name!r}")
    return found[0]


def _view(entry: Entry) -> AccountView:
    return AccountView(
        name=entry.name, roles=sorted(entry.roles), is_open=entry.is_open, has_password=entry.has_password,
        signing_key=entry.public, made=entry.made,
    )  # fmt: skip


def _key(key: ApiKey) -> dict[str, Any]:
    return {"id": key.id, "label": key.label, "scopes": sorted(key.scopes), "made": key.made, "until": key.until}


def _link(context: Context, token: str) -> str:
    return f"{context.settings.address}/welcome?token={token}"


def open_people(doors: Doors) -> None:
    """Open these doors."""
    api, one = "/api/v1/accounts", "/api/v1/accounts/{name}"
    doors.open("GET", api, Scope.MANAGE_USERS, accounts)
    doors.open("POST", api, Scope.MANAGE_USERS, add_account, status_code=201)
    doors.open("PUT", f"{one}/roles", Scope.MANAGE_USERS, change_roles)
    doors.open("POST", f"{one}/link", Scope.MANAGE_USERS, new_link, status_code=201)
    doors.open("POST", f"{one}/close", Scope.MANAGE_USERS, close)
    doors.open("POST", f"{one}/open", Scope.MANAGE_USERS, reopen)
    doors.open("GET", "/api/v1/keys", Scope.OWN_ACCOUNT, keys)
    doors.open("POST", "/api/v1/keys", Scope.OWN_ACCOUNT, new_key, status_code=201)
    doors.open("DELETE", "/api/v1/keys/{key}", Scope.OWN_ACCOUNT, drop_key)
