"""Who may come in: passwords, links, sessions, API keys, and signing keys that only a password opens."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autolab.compose.acting import acting_as, signed_as
from autolab.core.authority import Action, Authority, Person, Statement, public_text
from autolab.core.clock import VirtualClock
from autolab.core.errors import InputError, NotAuthorisedError
from autolab.core.roles import ROLES, Account, Role, Scope, allow, read_roles, scopes_of
from autolab.server.accounts import Accounts
from autolab.server.limits import MOST_CALLERS, Limiter
from autolab.server.once import ConflictError, Once
from autolab.server.sessions import KEY_PREFIX, Sessions, csrf_of
from autolab.server.vault import VAULT_FILE, Vault
from tests.server.quick import PASSWORD, QUICK

NOW = datetime(2026, 5, 4, 8, tzinfo=UTC)


class Front:
    """Accounts, sessions and what is done once, on one virtual clock."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock(NOW)
        self.vault = Vault(folder)
        self.accounts = Accounts(self.vault, self.clock, QUICK)
        self.sessions = Sessions(self.vault, self.clock, self.accounts)
        self.once = Once(self.vault, self.clock)

    def add(self, name: str, *roles: Role) -> None:
        token = self.accounts.add(name, roles)
        if token is not None:
            self.accounts.open(token, name, PASSWORD)

    def enter(self, name: str) -> str:
        key = self.accounts.sign_in(name, PASSWORD)
        assert key is not None
        return self.sessions.begin(name, key)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    found = Front(tmp_path)
    found.accounts.open(found.accounts.first_link(), "root", PASSWORD)
    yield found
    found.vault.close()


def test_a_scope_that_no_role_of_an_account_gives_is_refused_with_who_may():
    ada = Account("ada", frozenset({Role.OBSERVER}), scopes_of([Role.OBSERVER]))
    assert allow(ada, Scope.READ_STATUS) is ada
    with pytest.raises(
        NotAuthorisedError, match=r"ada \(observer\) may not approve:trials: it takes the role researcher"
    ):
        allow(ada, Scope.APPROVE)
    with pytest.raises(NotAuthorisedError, match="nobody has signed in"):
        allow(None, Scope.READ_STATUS)


def test_whoever_gives_roles_has_no_say_over_the_lab_and_an_agent_only_proposes():
    act = {Scope.RUN, Scope.PAUSE, Scope.ANSWER, Scope.SETTLE, Scope.APPROVE, Scope.RESET, Scope.CORRECT} | {
        Scope.BYPASS,
        Scope.TEST,
        Scope.REFILL,
    }
    assert not ROLES[Role.ADMINISTRATOR] & (act | {Scope.PROPOSE})
    assert not ROLES[Role.AGENT] & (act | {Scope.MANAGE_USERS, Scope.OWN_ACCOUNT})
    assert [role for role in Role if Scope.MANAGE_USERS in ROLES[role]] == [Role.ADMINISTRATOR]
    with pytest.raises(InputError, match="a program's account has no other role"):
        read_roles(["agent", "observer"])
    with pytest.raises(InputError, match="'boss' is not a valid Role: roles are observer, technician"):
        read_roles(["boss"])


def test_the_first_link_makes_one_administrator_and_no_second(front: Front):
    assert not front.accounts.needs_administrator()
    token = front.accounts.add("ada", [Role.TECHNICIAN])
    assert token is not None
    with pytest.raises(NotAuthorisedError, match="opens the account ada, and not 'eve'"):
        front.accounts.open(token, "eve", PASSWORD)
    with pytest.raises(InputError, match="a password has 12 to 256 characters, and this one has 5"):
        front.accounts.open(token, "ada", "short")
    assert front.accounts.open(token, "ada", PASSWORD).has_password
    with pytest.raises(NotAuthorisedError, match="this link has been used, or is too old"):
        front.accounts.open(token, "ada", PASSWORD)


def test_a_link_opens_nothing_a_day_later(front: Front):
    token = front.accounts.add("ada", [Role.TECHNICIAN])
    front.clock.sleep(24 * 3600 + 1)
    with pytest.raises(NotAuthorisedError, match="too old"):
        front.accounts.invited(token or "")


def test_a_wrong_password_an_unknown_name_and_a_closed_account_are_alike(front: Front):
    front.add("ada", Role.TECHNICIAN)
    assert front.accounts.sign_in("ada", PASSWORD + "x") is None
    assert front.accounts.sign_in("eve", PASSWORD) is None
    assert front.accounts.sign_in("ada", "x" * 100_000) is None
    session = front.enter("ada")
    front.accounts.close("ada", is_closed=True)
    assert front.accounts.sign_in("ada", PASSWORD) is None
    assert front.sessions.account(session) is None


def test_somebody_is_left_to_give_roles(front: Front):
    with pytest.raises(InputError, match="nobody would be left to give roles"):
        front.accounts.give_roles("root", [Role.OBSERVER])
    with pytest.raises(InputError, match="nobody would be left to give roles"):
        front.accounts.close("root", is_closed=True)
    assert Role.ADMINISTRATOR in front.accounts.entry("root").roles


def test_roles_that_are_taken_away_hold_from_the_next_request_on_also_for_keys(front: Front):
    front.add("ada", Role.RESEARCHER)
    session = front.enter("ada")
    key, _ = front.sessions.make_key("ada", "notebook", frozenset({Scope.RUN, Scope.READ_STATUS}), 30)
    front.accounts.give_roles("ada", [Role.OBSERVER])
    account = front.sessions.account(session)
    assert account is not None
    assert account.scopes == scopes_of([Role.OBSERVER])
    found = front.sessions.account_of_key(key)
    assert found is not None
    assert found.scopes == {Scope.READ_STATUS}
    with pytest.raises(NotAuthorisedError, match=r"ada \(observer\) may not run:campaigns"):
        allow(found, Scope.RUN)


def test_an_api_key_carries_no_more_than_its_owner_may_and_expires(front: Front):
    front.add("ada", Role.TECHNICIAN)
    with pytest.raises(InputError, match="ada may not approve:trials: a key carries no more than its owner may"):
        front.sessions.make_key("ada", "notebook", frozenset({Scope.APPROVE}), 30)
    with pytest.raises(InputError, match="a key lasts up to 366 days, and not 1000"):
        front.sessions.make_key("ada", "notebook", frozenset({Scope.RUN}), 1000)
    key, shown = front.sessions.make_key("ada", "notebook", frozenset({Scope.RUN}), 30)
    found = front.sessions.account_of_key(key)
    assert found is not None
    with pytest.raises(NotAuthorisedError, match="this API key does not carry read:status"):
        allow(found, Scope.READ_STATUS)
    assert front.sessions.account_of_key(key + "x") is None
    assert front.sessions.account_of_key(f"autolab_{shown.id}_") is None
    front.clock.sleep(30 * 86400 + 1)
    assert front.sessions.account_of_key(key) is None


def test_a_session_ends_after_a_working_day(front: Front):
    session = front.enter("root")
    front.clock.sleep(12 * 3600 - 1)
    assert front.sessions.account(session) is not None
    front.clock.sleep(2)
    assert front.sessions.account(session) is None


def test_a_server_that_was_restarted_knows_its_sessions_and_holds_no_signing_key(front: Front, tmp_path: Path):
    front.add("ada", Role.RESEARCHER)
    session = front.enter("ada")
    after = Front(tmp_path)
    account = after.sessions.account(session)
    assert account is not None
    assert after.sessions.caller(account, session).key is None
    assert after.sessions.caller(account, session, PASSWORD).key is not None
    with pytest.raises(NotAuthorisedError, match="the password is wrong; nothing was done"):
        after.sessions.caller(account, session, PASSWORD + "x")
    after.vault.close()


def test_the_file_of_accounts_holds_no_secret_and_is_its_owners_alone(front: Front, tmp_path: Path):
    front.add("ada", Role.RESEARCHER)
    session = front.enter("ada")
    key, _ = front.sessions.make_key("ada", "notebook", frozenset({Scope.RUN}), 30)
    signing = front.accounts.sign_in("ada", PASSWORD)
    assert signing is not None
    path = tmp_path / VAULT_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with sqlite3.connect(path) as connection:
        text = "\n".join(connection.iterdump())
    secret_of_key = key.removeprefix(KEY_PREFIX).partition("_")[2]  # it may hold further underscores
    for secret in (PASSWORD, session, csrf_of(session), secret_of_key, signing.private_bytes_raw().hex()):
        assert secret not in text
    assert public_text(signing) in text


def test_another_password_keeps_the_signing_key_and_a_lost_one_does_not(front: Front):
    front.add("ada", Role.RESEARCHER)
    before, session = front.accounts.entry("ada").public, front.enter("ada")
    with pytest.raises(NotAuthorisedError, match="the password so far is wrong"):
        front.accounts.change_password("ada", "x" * 12, "another long sentence")
    front.accounts.change_password("ada", PASSWORD, "another long sentence")
    assert front.sessions.account(session) is None, "other sessions end"
    key = front.accounts.sign_in("ada", "another long sentence")
    assert key is not None
    assert public_text(key) == before == front.accounts.entry("ada").public
    front.accounts.open(front.accounts.invite("ada"), "ada", PASSWORD)
    assert front.accounts.entry("ada").public != before


def lab_of(front: Front, **may: str) -> Authority:
    people = {n: Person(n, front.accounts.entry(n).public or "", frozenset([right])) for n, right in may.items()}  # pyright: ignore[reportArgumentType] (rights by their names)
    return Authority(people)


def test_what_is_done_through_the_server_is_signed_as_at_a_terminal(front: Front):
    front.add("ada", Role.RESEARCHER)
    front.add("bob", Role.TECHNICIAN)
    lab = lab_of(front, ada="reset")
    session = front.enter("ada")
    account = front.sessions.account(session)
    assert account is not None
    ada = front.sessions.caller(account, session)
    assert acting_as(lab, ada, Action.RESET, "the lab") == account.principal
    assert signed_as(lab, ada, Statement(Action.RESET, "the lab", {})).by.name == "ada"
    assert front.sessions.caller(account, session, is_fresh=True).key is None, "an approval asks for the password again"
    locked = front.sessions.caller(account, "another session")
    with pytest.raises(NotAuthorisedError, match=r"is signed, and only your password opens your key: type it"):
        acting_as(lab, locked, Action.RESET, "the lab")
    bob = front.sessions.caller(Account("bob", frozenset({Role.TECHNICIAN}), frozenset()), None, PASSWORD)
    with pytest.raises(NotAuthorisedError, match=r"bob may not reset a trip \(the lab\): ask somebody who may: ada"):
        acting_as(lab, bob, Action.RESET, "the lab")
    with pytest.raises(NotAuthorisedError, match=r"the lab file names ada: its owner adds the line that your settings"):
        signed_as(lab, bob, Statement(Action.APPROVE_TRIAL, "trial 1", {}))
    assert acting_as(lab, bob, Action.RUN, "teal").name == "bob"
    agent = front.sessions.caller(Account("robot", frozenset({Role.AGENT}), frozenset()), None)
    for authority in (lab, Authority()):
        with pytest.raises(NotAuthorisedError, match="only a person may"):
            acting_as(authority, agent, Action.RUN, "teal")


def test_a_request_with_a_key_takes_effect_once(front: Front):
    done: list[int] = []

    def act() -> dict[str, int]:
        done.append(1)
        return {"n": len(done)}

    assert front.once.do("ada", "k1", {"do": "this"}, act) == {"n": 1}
    assert front.once.do("ada", "k1", {"do": "this"}, act) == {"n": 1}
    with pytest.raises(ConflictError, match="was used for another request"):
        front.once.do("ada", "k1", {"do": "that"}, act)
    assert front.once.do("bob", "k1", {"do": "this"}, act) == {"n": 2}
    assert front.once.do("ada", None, {"do": "this"}, act) == {"n": 3}


def test_a_refused_request_may_be_sent_again_and_one_without_an_end_may_not(front: Front):
    def refuse() -> dict[str, int]:
        raise InputError("not now")

    def die() -> dict[str, int]:
        raise KeyboardInterrupt

    with pytest.raises(InputError, match="not now"):
        front.once.do("ada", "k1", {}, refuse)
    assert front.once.do("ada", "k1", {}, lambda: {"n": 1}) == {"n": 1}
    with pytest.raises(KeyboardInterrupt):
        front.once.do("ada", "k2", {}, die)
    with pytest.raises(ConflictError, match="its end is not known; look whether it has happened"):
        front.once.do("ada", "k2", {}, lambda: {"n": 2})


def test_a_limiter_lets_a_burst_through_then_a_rate_and_remembers_few():
    clock = VirtualClock()
    limiter = Limiter(clock, 1.0, 3)
    waits = [limiter.wait_s("ada") for _ in range(4)]
    assert waits[:3] == [0.0, 0.0, 0.0]
    assert waits[3] > 0.9
    assert limiter.wait_s("bob") == 0.0
    for number in range(2 * MOST_CALLERS):
        limiter.wait_s(str(number))
    assert len(limiter._left) == MOST_CALLERS


def test_what_argon2id_costs_is_its_recommended_cost():
    from autolab.server.passwords import Passwords

    kept = Passwords().hash(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert Passwords().is_right(kept, PASSWORD)
