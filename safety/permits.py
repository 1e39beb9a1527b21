"""Permits: whether signed approvals allow exactly what is proposed, now. Pure: the time is passed in.

An approval counts where all of this holds, and in no other case: its signature is that of one of the lab's people who
may approve; it is about this proposal, by content hash; it was not used before; it has begun and has not expired; and
whoever gave it has no part in the proposal. Two people are two different people.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from autolab.core.approvals import EnvelopeChange, Proposal
from autolab.core.authority import Action, Authority, Signed, Statement, verify
from autolab.core.errors import InputError, NotAuthorisedError
from autolab.core.principals import Principal

__all__ = ["LONGEST_S", "approver", "counted_then", "counting", "statement_for", "who_could"]

LONGEST_S = 8 * 3600.0
"""An approval lasts a shift at most, in seconds."""
CLOCKS_APART_S = 60.0
"""Seconds by which the clocks of two machines may differ."""


def statement_for(
    proposal: Proposal | EnvelopeChange,
    now: datetime,
    lasts_s: float,
    nonce: str,
    action: Action | None = None,
    because: str = "",
) -> Statement:
    """What somebody signs to approve a proposal.

    Args:
        proposal: What is approved.
        now: The time, in UTC.
        lasts_s: Seconds for which the approval is to last.
        nonce: A text that no other approval has.
        action: What is said instead of an approval.
        because: Why, where that is asked for.

    Raises:
        InputError: it would last for no time, or too long.
    """
    if not 0.0 < lasts_s <= LONGEST_S:
        raise InputError(f"an approval for {lasts_s:g} s: it lasts above 0 and at most {LONGEST_S / 3600:g} h")
    facts = {
        "hash": proposal.content_hash,
        "given": now.astimezone(UTC).isoformat(),
        "expires": (now.astimezone(UTC) + timedelta(seconds=lasts_s)).isoformat(),
        "nonce": nonce,
        **({"because": because} if because else {}),
    }
    return Statement(action or _action(proposal), proposal.name, facts)


def approver(
    signed: Signed,
    proposal: Proposal | EnvelopeChange,
    authority: Authority,
    proposers: tuple[Principal, ...],
    now: datetime,
    action: Action | None = None,
) -> Principal:
    """Who approves a proposal with a signed statement.

    Args:
        signed: The statement.
        proposal: What is proposed now.
        authority: The people of the lab.
        proposers: Who has a part in the proposal.
        now: The time, in UTC.
        action: What was to be said instead of an approval.

    Raises:
        NotAuthorisedError: it approves nothing, or nothing any more; and why.
    """
    wanted, said = action or _action(proposal), signed.statement
    if said.action is not wanted:
        raise NotAuthorisedError(f"this is a statement to {said.action}, and not to {wanted}")
    if said.about != proposal.name or said.facts.get("hash") != proposal.content_hash:
        raise NotAuthorisedError(
            f"this is about something else than {proposal.name} as it is proposed now: look at it again, and approve "
            "what you see"
        )
    given, expires = _date(said.facts.get("given")), _date(said.facts.get("expires"))
    if given > now + timedelta(seconds=CLOCKS_APART_S):
        raise NotAuthorisedError(f"it was given at {given:%F %T} UTC, which is still to come: set the clocks right")
    if not given < expires <= given + timedelta(seconds=LONGEST_S):
        raise NotAuthorisedError(f"it would last longer than {LONGEST_S / 3600:g} h: approve again")
    if now >= expires:
        raise NotAuthorisedError(f"it has expired at {expires:%F %T} UTC: approve again")
    if not isinstance(said.facts.get("nonce"), str):
        raise NotAuthorisedError("it carries no nonce, so it could be used twice: approve again")
    return verify(signed, authority, proposers)


def counting(
    approvals: Iterable[Signed],
    proposal: Proposal | EnvelopeChange,
    authority: Authority,
    proposers: tuple[Principal, ...],
    now: datetime,
) -> dict[str, Signed]:
    """The approvals that count, by the name of who gave each: one for each person.

    Args:
        approvals: Those that were given and not used.
        proposal: What is proposed now.
        authority: The people of the lab.
        proposers: Who has a part in the proposal.
        now: The time, in UTC.
    """
    found: dict[str, Signed] = {}
    for signed in approvals:
        try:
            found[approver(signed, proposal, authority, proposers, now).name] = signed
        except NotAuthorisedError:
            continue
    return found


def counted_then(approvals: Iterable[Signed], proposal: Proposal, authority: Authority) -> set[str]:
    """Who had approved what was let run: as `counting` when they said so, whatever time has passed since.

    Args:
        approvals: Those that were used.
        proposal: What was proposed.
        authority: The people of the lab.
    """
    names: set[str] = set()
    for signed in approvals:
        with suppress(NotAuthorisedError, TypeError, ValueError):
            expires = _date(signed.statement.facts.get("expires"))
            names.add(approver(signed, proposal, authority, (), expires - timedelta(seconds=1)).name)
    return names


def who_could(authority: Authority, proposers: tuple[Principal, ...]) -> tuple[str, ...]:
    """Names of the people who could approve what these have proposed."""
    if any(by.kind == "person" and by.name not in authority.people for by in proposers):
        return ()
    names = {by.name for by in proposers}
    return tuple(name for name in authority.who_may("approve") if name not in names)


def _action(proposal: Proposal | EnvelopeChange) -> Action:
    return Action.APPROVE_TRIAL if isinstance(proposal, Proposal) else Action.APPROVE_ENVELOPE


def _date(text: Any) -> datetime:
    try:
        date = datetime.fromisoformat(text)
        return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    except (TypeError, ValueError):
        raise NotAuthorisedError(f"{text!r} is no date: approve again") from None
