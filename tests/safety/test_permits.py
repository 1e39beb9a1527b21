"""An approval permits exactly what was shown, once, for a while, and by somebody else. All others permit nothing."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from autolab.core.approvals import EnvelopeChange, Proposal
from autolab.core.authority import NOBODY, Action, Signed, Statement, sign
from autolab.core.canonical import canonical_json
from autolab.core.errors import InputError, NotAuthorisedError
from autolab.core.principals import Principal
from safety.permits import LONGEST_S, approver, counted_then, counting, statement_for, who_could
from tests.safety.people import ADA, KEYS, LAB, NOW, approval, proposal

OTHER: dict[str, object] = {
    "campaign": "soft-2", "trial": 8, "attempt": 2, "parameters": {"x": (0.6, "mL")}, "plan": "plans.soft.other",
    "plan_hash": "q", "envelope": "f", "lab": "n", "persons": 2, "reasons": ("another",),
}  # fmt: skip


def test_an_approval_of_another_person_counts():
    assert approver(approval(proposal()), proposal(), LAB, (ADA,), NOW).name == "bob"
    assert list(counting([approval(proposal())], proposal(), LAB, (ADA,), NOW)) == ["bob"]


@pytest.mark.parametrize("field", OTHER)
def test_it_is_bound_to_all_that_is_proposed(field: str):
    assert set(OTHER) == {f.name for f in dataclasses.fields(Proposal)}
    edited = replace(proposal(), **{field: OTHER[field]})
    with pytest.raises(NotAuthorisedError, match="this is about something else than trial"):
        approver(approval(proposal()), edited, LAB, (ADA,), NOW)


def test_it_is_bound_to_the_unit_of_a_parameter_as_well():
    edited = replace(proposal(), parameters={"x": (0.5, "L")})
    assert not counting([approval(proposal())], edited, LAB, (ADA,), NOW)


@pytest.mark.parametrize(
    ("signed", "why"),
    [
        pytest.param(approval(proposal(), "ada"), "ada proposed it", id="self-approved"),
        pytest.param(approval(proposal(), "dave"), "dave may not approve a trial", id="without-the-right"),
        pytest.param(approval(proposal(), "mallory"), "'mallory' is none of the lab's people", id="unknown"),
        pytest.param(approval(proposal(), "bob", key="carol"), "the signature is not that of bob", id="wrong-key"),
        pytest.param(
            replace(approval(proposal()), by=Principal("bob", "agent")), "bob is an agent, and a person", id="agent"
        ),
        pytest.param(approval(proposal(), now=NOW - timedelta(hours=1)), "it has expired at 2026-03-02", id="old"),
        pytest.param(approval(proposal(), now=NOW + timedelta(hours=1)), "which is still to come", id="from-tomorrow"),
        pytest.param(
            sign(Statement(Action.APPROVE_TRIAL, proposal().name, {
                "hash": proposal().content_hash, "given": NOW.isoformat(),
                "expires": (NOW + timedelta(days=1)).isoformat(), "nonce": "1",
            }), "bob", KEYS["bob"]), "it would last longer than 8 h", id="too-long",
        ),
        pytest.param(
            sign(Statement(Action.APPROVE_TRIAL, proposal().name, {
                "hash": proposal().content_hash, "given": NOW.isoformat(),
                "expires": (NOW + timedelta(hours=1)).isoformat(),
            }), "bob", KEYS["bob"]), "it carries no nonce", id="no-nonce",
        ),
        pytest.param(
            sign(Statement(Action.APPROVE_TRIAL, proposal().name, {
                "hash": proposal().content_hash, "given": "today", "nonce": "1"}), "bob", KEYS["bob"]),
            "'today' is no date", id="no-date",
        ),
        pytest.param(
            sign(statement_for(proposal(), NOW, 60.0, "1", Action.RESET), "bob", KEYS["bob"]),
            "this is a statement to reset a trip, and not to approve a trial", id="another-action",
        ),
    ],
)  # fmt: skip
def test_what_is_unsafe_does_not_count(signed: Signed, why: str):
    with pytest.raises(NotAuthorisedError, match=why):
        approver(signed, proposal(), LAB, (ADA,), NOW)
    assert not counting([signed], proposal(), LAB, (ADA,), NOW)


def test_an_approval_lasts_until_it_expires_and_not_a_moment_longer():
    signed = approval(proposal(), lasts_s=60.0)
    assert counting([signed], proposal(), LAB, (ADA,), NOW + timedelta(seconds=59.9))
    assert not counting([signed], proposal(), LAB, (ADA,), NOW + timedelta(seconds=60))


def by_bob(*, given: str, expires: str, **more: object) -> Signed:
    """What Bob signs with these dates."""
    facts = {"hash": proposal().content_hash, "given": given, "expires": expires, "nonce": "1", **more}
    return sign(Statement(Action.APPROVE_TRIAL, proposal().name, facts), "bob", KEYS["bob"])


@pytest.mark.parametrize(("ahead_s", "counts"), [(0.0, True), (60.0, True), (60.001, False)])
def test_clocks_may_differ_by_a_minute_and_no_more(ahead_s: float, counts: bool):
    signed = approval(proposal(), now=NOW + timedelta(seconds=ahead_s))
    assert bool(counting([signed], proposal(), LAB, (ADA,), NOW)) == counts


def test_an_approval_lasts_a_shift_at_most_and_may_be_as_short_as_one_likes():
    for lasts_s in (0.5, 8 * 3600.0):
        signed = approval(proposal(), lasts_s=lasts_s)
        assert counting([signed], proposal(), LAB, (ADA,), NOW)


def test_an_approval_that_ends_when_it_begins_never_counts():
    soon = (NOW + timedelta(seconds=30)).isoformat()
    with pytest.raises(NotAuthorisedError, match="approve again"):
        approver(by_bob(given=soon, expires=soon), proposal(), LAB, (ADA,), NOW)


def test_a_date_is_in_utc_where_it_does_not_say_otherwise():
    """09:00 UTC is NOW; 09:30 in a zone two hours ahead has gone by."""
    given = "2026-03-02T08:00:00"
    assert counting([by_bob(given=given, expires="2026-03-02T09:30:00")], proposal(), LAB, (ADA,), NOW)
    assert not counting([by_bob(given=given, expires="2026-03-02T09:30:00+02:00")], proposal(), LAB, (ADA,), NOW)
    assert not counting([by_bob(given=given, expires="2026-03-02T08:59:59")], proposal(), LAB, (ADA,), NOW)


def test_it_is_about_the_proposal_by_name_as_well():
    facts = approval(proposal()).statement.facts
    signed = sign(Statement(Action.APPROVE_TRIAL, "trial 9 of soft-1", dict(facts)), "bob", KEYS["bob"])
    with pytest.raises(NotAuthorisedError, match="this is about something else than trial"):
        approver(signed, proposal(), LAB, (ADA,), NOW)


def test_a_refusal_is_a_statement_of_its_own_with_its_reason():
    said = statement_for(proposal(), NOW, 60.0, "1", Action.REFUSE_TRIAL, "it smells")
    assert (said.action, said.facts["because"]) == (Action.REFUSE_TRIAL, "it smells")
    signed = sign(said, "bob", KEYS["bob"])
    assert approver(signed, proposal(), LAB, (), NOW, Action.REFUSE_TRIAL).name == "bob"
    with pytest.raises(NotAuthorisedError, match="this is a statement to refuse a trial, and not to approve a trial"):
        approver(signed, proposal(), LAB, (), NOW)
    assert "because" not in statement_for(proposal(), NOW, 60.0, "1").facts


@pytest.mark.parametrize("lasts_s", [0.0, -1.0, LONGEST_S + 1, float("nan"), float("inf")])
def test_an_approval_for_no_time_or_for_ever_cannot_be_made(lasts_s: float):
    with pytest.raises(InputError, match="it lasts above 0 and at most 8 h"):
        statement_for(proposal(), NOW, lasts_s, "1")


def test_nobody_approves_in_a_lab_without_people():
    assert not counting([approval(proposal())], proposal(), NOBODY, (ADA,), NOW)
    assert who_could(NOBODY, ()) == ()


def test_an_unknown_account_may_be_anybody():
    root = Principal("root", "person")
    assert not counting([approval(proposal())], proposal(), LAB, (ADA, root), NOW)
    assert who_could(LAB, (ADA, root)) == ()
    assert who_could(LAB, (ADA,)) == ("bob", "carol")


def test_who_proposes_without_being_a_person_stands_in_the_way_of_nobody():
    assert who_could(LAB, (Principal("optimizer", "agent"),)) == ("ada", "bob", "carol")


def test_what_was_let_run_had_its_approvals_whatever_time_has_passed():
    """Who had signed for it when it began: a record is judged by the time at which it was made."""
    used = [approval(proposal(), by, now=NOW - timedelta(days=900)) for by in ("bob", "carol", "dave", "mallory")]
    assert counted_then(used, proposal(), LAB) == {"bob", "carol"}
    assert not counting(used, proposal(), LAB, (ADA,), NOW)
    assert counted_then(used, proposal(8), LAB) == set()
    assert counted_then([by_bob(given="today", expires="tomorrow")], proposal(), LAB) == set()


def test_another_envelope_is_approved_for_its_campaign_and_both_hashes():
    change = EnvelopeChange("soft-1", "a", "b", "1", "2")
    signed = approval(change)  # pyright: ignore[reportArgumentType]
    assert signed.statement.action is Action.APPROVE_ENVELOPE
    assert counting([signed], change, LAB, (ADA,), NOW)
    for field, other in (("campaign", "soft-2"), ("before", "c"), ("after", "c"), ("version_after", "3")):
        assert not counting([signed], replace(change, **{field: other}), LAB, (ADA,), NOW)


names = st.sampled_from(["ada", "bob", "carol", "dave", "mallory"])
kinds = st.sampled_from(["good", "another key", "another trial", "expired", "agent"])


def _made(by: str, kind: str) -> Signed:
    match kind:
        case "another key":
            return approval(proposal(persons=2), by, key="mallory" if by != "mallory" else "bob")
        case "another trial":
            return approval(proposal(8, 2), by)
        case "expired":
            return approval(proposal(persons=2), by, now=NOW - timedelta(hours=1))
        case "agent":
            return replace(approval(proposal(persons=2), by), by=Principal(by, "agent"))
        case _:
            return approval(proposal(persons=2), by)


@given(st.lists(st.tuples(names, kinds), max_size=8))
def test_two_different_people_count_as_two_and_nobody_else_does(given_: list[tuple[str, str]]):
    count = counting([_made(*one) for one in given_], proposal(persons=2), LAB, (ADA,), NOW)
    assert set(count) == {by for by, kind in given_ if kind == "good" and by in ("bob", "carol")}


@given(
    st.dictionaries(st.text(min_size=1), st.tuples(
        st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.text(), st.text())),
    st.lists(st.text()),
)  # fmt: skip
def test_a_proposal_is_the_same_when_it_is_read_again(parameters: dict[str, tuple[object, str]], reasons: list[str]):
    """What a person signs in one process is what another one proposes."""
    made = proposal(parameters=parameters, reasons=tuple(reasons))
    read = TypeAdapter(Proposal).validate_json(canonical_json(made))
    assert read.content_hash == made.content_hash
