"""Who may do what: what is not listed is refused, and a statement proves who says it or proves nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from autolab.core.authority import (
    NOBODY,
    Action,
    Authority,
    Matter,
    Person,
    Right,
    Signed,
    Statement,
    authorise,
    public_text,
    sign,
    verify,
)
from autolab.core.errors import InputError, NotAuthorisedError
from autolab.core.principals import Principal

NAMES = ("alice", "bob", "carol", "mallory")
KEYS = {name: Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number, name in enumerate(NAMES, 1)}
RIGHTS: dict[str, frozenset[Right]] = {
    "alice": frozenset({"approve", "reset"}),
    "bob": frozenset({"approve", "bypass"}),
    "carol": frozenset({"reset"}),
}
LAB = Authority({name: Person(name, public_text(KEYS[name]), may) for name, may in RIGHTS.items()})
MATTER = Matter("trial 7 of teal-1")
MAY = {
    Action.RUN: {"alice", "bob", "carol"},
    Action.APPROVE_TRIAL: {"alice", "bob"},
    Action.REFUSE_TRIAL: {"alice", "bob"},
    Action.APPROVE_ENVELOPE: {"alice", "bob"},
    Action.RESET: {"alice", "carol"},
    Action.ASK_BYPASS: {"bob"},
    Action.APPROVE_BYPASS: {"bob"},
    Action.END_BYPASS: {"bob"},
    Action.BY_HAND: {"alice", "bob", "carol"},
}


def person(name: str) -> Principal:
    return Principal(name, "person")


def said(
    name: str = "alice", action: Action = Action.APPROVE_TRIAL, about: str = MATTER.name, **facts: object
) -> Signed:
    return sign(Statement(action, about, {"hash": "12", **facts}), name, KEYS[name])


@pytest.mark.parametrize(
    ("name", "kind", "action"), list(product(NAMES, ["person", "agent", "system"], Action)), ids=str
)
def test_each_cell_of_the_matrix_is_as_the_lab_file_says(name: str, kind: str, action: Action):
    who = Principal(name, kind)  # pyright: ignore[reportArgumentType]
    if kind == "person" and name in MAY[action]:
        authorise(who, action, MATTER, LAB)
    else:
        with pytest.raises(NotAuthorisedError, match=f"{name} .*may not {action}"):
            authorise(who, action, MATTER, LAB)


@pytest.mark.parametrize("action", Action)
def test_a_lab_without_people_is_reset_and_run_by_its_account_and_nothing_else(action: Action):
    if action in (Action.RUN, Action.RESET, Action.BY_HAND):
        authorise(person("lab"), action, MATTER, NOBODY)
    else:
        with pytest.raises(NotAuthorisedError, match="the lab file names nobody else who may"):
            authorise(person("lab"), action, MATTER, NOBODY)
    with pytest.raises(NotAuthorisedError, match="only a person may"):
        authorise(Principal("agent-7", "agent"), action, MATTER, NOBODY)


def test_a_refusal_says_who_may():
    with pytest.raises(NotAuthorisedError, match=r"carol may not approve a trial .*: ask somebody who may: alice, bob"):
        authorise(person("carol"), Action.APPROVE_TRIAL, MATTER, LAB)
    own = Matter("trial 7", (person("alice"),))
    with pytest.raises(NotAuthorisedError, match=r"alice proposed it, .*: ask another person who may: bob"):
        authorise(person("alice"), Action.APPROVE_TRIAL, own, LAB)
    authorise(person("alice"), Action.REFUSE_TRIAL, own, LAB)


@pytest.mark.parametrize("action", [Action.APPROVE_TRIAL, Action.APPROVE_ENVELOPE])
def test_nobody_approves_what_an_unknown_account_proposed(action: Action):
    matter = Matter("trial 7", (person("alice"), person("root")))
    with pytest.raises(NotAuthorisedError, match=r"nobody may .* the account 'root'.*'--as NAME'"):
        authorise(person("bob"), action, matter, LAB)
    authorise(person("bob"), action, Matter("trial 7", (Principal("agent-7", "agent"),)), LAB)


def test_a_statement_proves_who_says_it():
    assert verify(said("alice"), LAB) == person("alice")
    assert verify(Signed.from_json(json.loads(json.dumps(said("bob").to_json()))), LAB) == person("bob")


UNSAFE = {
    "unknown-person": (said("mallory"), "'mallory' is none of the lab's people"),
    "another's-key": (sign(said().statement, "alice", KEYS["mallory"]), "the signature is not that of alice"),
    "a-colleague's-key": (sign(said().statement, "alice", KEYS["bob"]), "the signature is not that of alice"),
    "not-their-right": (said("carol"), "carol may not approve a trial"),
    "an-agent": (replace(said(), by=Principal("alice", "agent")), "alice is an agent, and a person is needed"),
    "a-system": (replace(said(), by=Principal("screen", "system")), "screen is a system, and a person is needed"),
    "no-signature": (replace(said(), signature=""), "the signature is not"),
    "no-base64": (replace(said(), signature="%%"), "the signature is not"),
    "cut-off": (replace(said(), signature=said().signature[:40]), "the signature is not"),
    "another-trial": (replace(said(), statement=said(about="trial 8").statement), "the signature is not"),
    "another-fact": (replace(said(), statement=said(hash="13").statement), "the signature is not"),
    "more-facts": (replace(said(), statement=said(more=1).statement), "the signature is not"),
    "another-action": (replace(said(action=Action.REFUSE_TRIAL), statement=said().statement), "the signature is not"),
}


@pytest.mark.parametrize(("signed", "why"), UNSAFE.values(), ids=UNSAFE)
def test_what_proves_nothing_is_refused(signed: Signed, why: str):
    with pytest.raises(NotAuthorisedError, match=why):
        verify(signed, LAB)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(st.sampled_from(["by", "kind", "action", "about", "facts", "signature", "more"]), x)
        ),
    )
)
@settings(max_examples=200)
def test_no_text_from_outside_is_a_statement(junk: object):
    with pytest.raises(NotAuthorisedError):
        verify(Signed.from_json(junk if isinstance(junk, dict) else {"facts": junk}), LAB)


@given(st.sampled_from(sorted(said().to_json())), st.text(max_size=20))
def test_nothing_of_a_statement_can_be_changed(field: str, text: str):
    changed = {**said().to_json(), field: text}
    if changed == said().to_json():
        return
    with pytest.raises(NotAuthorisedError):
        verify(Signed.from_json(changed), LAB)


def test_two_people_have_two_keys():
    one = LAB.people["alice"]
    with pytest.raises(InputError, match="bob has the key of alice: each person needs a key of their own"):
        Authority({"alice": one, "bob": replace(one, name="bob")})


@pytest.mark.parametrize("key", ["", "alice", "A" * 44, public_text(KEYS["bob"])[:-4], "%" * 44])
def test_what_is_no_key_is_refused(key: str):
    with pytest.raises(InputError, match=r"alice: .* is no public key: paste the line that 'autolab key alice' prints"):
        Person("alice", key, frozenset())
