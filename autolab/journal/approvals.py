"""Approvals in the journal: what is proposed, who has approved it, and which approval was used for what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from autolab.core.approvals import EnvelopeChange, Proposal
from autolab.core.authority import Signed
from autolab.core.canonical import canonical_json
from autolab.core.errors import InputError, NotAuthorisedError, StorageError
from autolab.core.principals import Principal
from autolab.core.trials import Suggestion
from autolab.journal.journal import Journal

__all__ = ["change_envelope", "keep", "let_run", "propose", "proposed", "proposers", "refuse", "unused"]


def propose(journal: Journal, proposal: Proposal) -> None:
    """Record what people are asked to approve, instead of what they were asked before."""
    journal.states.write(
        "UPDATE trials SET proposal = ? WHERE campaign = ? AND number = ?",
        (canonical_json(proposal), proposal.campaign, proposal.trial),
    )


def proposed(journal: Journal, campaign: str, trial: int) -> Mapping[str, Any] | None:
    """What people were asked to approve last, as it was recorded; None where they were asked nothing."""
    rows = journal.states.rows("SELECT proposal FROM trials WHERE campaign = ? AND number = ?", (campaign, trial))
    text = rows[0]["proposal"] if rows else None
    return None if text is None else json.loads(text)


def keep(journal: Journal, proposal: Proposal | EnvelopeChange, signed: Signed, by: Principal) -> None:
    """Record an approval that was found to be good.

    Raises:
        NotAuthorisedError: it was given before.
    """
    trial = proposal.trial if isinstance(proposal, Proposal) else None
    nonce = str(signed.statement.facts.get("nonce"))
    expires = signed.statement.facts.get("expires")
    with journal.commit():
        if journal.states.rows("SELECT id FROM approvals WHERE nonce = ?", (nonce,)):
            raise NotAuthorisedError(f"this approval of {proposal.name} was given before: approve again")
        journal.intervene(
            proposal.campaign, trial, by, "approve", f"{proposal.name}, {proposal.content_hash[:12]}, until {expires}"
        )
        journal.states.insert(
            "approvals",
            campaign=proposal.campaign,
            trial=trial,
            content_hash=proposal.content_hash,
            principal=journal.principal(by),
            nonce=nonce,
            signed=canonical_json(signed.to_json()),
            date=journal.date(),
        )


def unused(source: Journal, proposal: Proposal | EnvelopeChange) -> list[Signed]:
    """Approvals of a proposal that were not used yet, the oldest first. What cannot be read approves nothing."""
    rows = source.states.rows(
        "SELECT signed FROM approvals WHERE campaign = ? AND content_hash = ? AND used IS NULL ORDER BY id",
        (proposal.campaign, proposal.content_hash),
    )
    return [signed for row in rows if (signed := _signed(row["signed"])) is not None]


def used(source: Journal, proposal: Proposal) -> list[Signed]:
    """Approvals with which a proposal was let run. What cannot be read approves nothing."""
    rows = source.states.rows(
        "SELECT signed FROM approvals WHERE campaign = ? AND content_hash = ? AND used IS NOT NULL ORDER BY id",
        (proposal.campaign, proposal.content_hash),
    )
    return [signed for row in rows if (signed := _signed(row["signed"])) is not None]


def _signed(text: str) -> Signed | None:
    """A signed statement as it was recorded; None where it is none."""
    try:
        return Signed.from_json(json.loads(text))
    except (ValueError, TypeError, KeyError, InputError):
        return None


def let_run(journal: Journal, proposal: Proposal, suggestion: Suggestion, by: Iterable[Signed]) -> None:
    """Use approvals, and let the trial run for which they were given.

    Raises:
        StorageError: one of them was used meanwhile.
    """
    approved = list(by)
    with journal.commit():
        _use(journal, approved, proposal.name)
        names = " and ".join(signed.by.name for signed in approved)
        journal.enter_approved(proposal.campaign, suggestion, f"approved by {names}", approved[0].by)


def change_envelope(journal: Journal, change: EnvelopeChange, by: Iterable[Signed], resumed_by: Principal) -> None:
    """Use approvals, and have the campaign go on under another envelope.

    Raises:
        StorageError: one of them was used meanwhile.
    """
    approved = list(by)
    with journal.commit():
        _use(journal, approved, change.name)
        journal.states.write(
            "UPDATE campaigns SET envelope_hash = ?, envelope_version = ? WHERE id = ?",
            (change.after, change.version_after, change.campaign),
        )
        names = " and ".join(signed.by.name for signed in approved)
        said = f"version {change.version_before or 'none'} → {change.version_after}, approved by {names}"
        journal.intervene(change.campaign, None, resumed_by, "change envelope", said)


def refuse(journal: Journal, campaign: str, trial: int, by: Principal, because: str) -> None:
    """Record that a person refuses a trial."""
    with journal.commit():
        journal.intervene(campaign, trial, by, "refuse", because)
        journal.refuse_late(campaign, trial, f"{by.name}: {because}")


def proposers(journal: Journal, campaign: str, trial: int | None) -> tuple[Principal, ...]:
    """Who has a part in a proposal: who has started and resumed the campaign, and who wanted the trial repeated."""
    rows = journal.states.rows(
        "SELECT name, kind FROM principals WHERE id IN (SELECT principal FROM campaigns WHERE id = ?1 "
        "UNION SELECT principal FROM interventions WHERE campaign = ?1 AND cause = 'resume' "
        "UNION SELECT asked_by FROM trials WHERE campaign = ?1 AND number = ?2) ORDER BY id",
        (campaign, trial),
    )
    return tuple(Principal(row["name"], row["kind"]) for row in rows)


def _use(journal: Journal, approved: Iterable[Signed], name: str) -> None:
    for signed in approved:
        used = journal.states.rows(
            "UPDATE approvals SET used = ? WHERE nonce = ? AND used IS NULL RETURNING id",
            (journal.date(), signed.statement.facts["nonce"]),
        )
        if not used:
            raise StorageError(f"the approval of {name} by {signed.by.name} was used meanwhile: nothing is run")
