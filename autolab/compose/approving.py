"""What people say of trials that wait for them, and of another envelope: signed here, decided by the controller."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from autolab.compose.acting import Caller, acting_as, signed_as
from autolab.compose.permitting import envelope_change
from autolab.compose.resuming import campaign_record
from autolab.config.campaign import load_campaign
from autolab.config.lab import load_lab
from autolab.config.specs import LabSpec
from autolab.config.units import convert, read_quantity
from autolab.core.authority import Action
from autolab.core.clock import real_clock
from autolab.core.errors import InputError
from autolab.core.principals import Principal, local_person
from autolab.core.trials import TrialState
from autolab.journal.approvals import keep, proposers
from autolab.journal.inbox import Inbox
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, TrialRecord
from safety.permits import approver, statement_for

__all__ = ["approve_envelope", "approve_trial", "asking_as", "lab_of", "posted", "refuse_trial"]

ANSWER_REAL_S = 10.0
"""Real seconds in which a controller answers a request, unless it is busy."""


def approve_trial(data: Path, name: str, number: int, person: str | Caller, lasts: str, seen: str | None = None) -> str:
    """Approve a trial that waits for approval, as it is proposed now.

    Args:
        data: The data folder.
        name: Id of the campaign, or its beginning.
        number: Number of the trial.
        person: Who approves, as the lab file names them, or whom a face has let in.
        lasts: How long the approval is to last, such as ``30min``.
        seen: Content hash of the proposal that they have seen; None where it is shown and approved in one go.

    Returns:
        The controller's answer, in one sentence.

    Raises:
        InputError: nothing waits, something else was seen, or the controller refuses.
        NotAuthorisedError: this person may not, or cannot prove who they are.
    """
    record, trial, lab = _waiting(data, name, number)
    if trial.proposal is None:
        raise InputError(f"trial {number} of {record.id} waits for nobody")
    if seen is not None and seen != trial.proposal.content_hash:
        raise InputError(f"trial {number} of {record.id} was proposed anew since you have looked: look again")
    now = real_clock().date()
    statement = statement_for(trial.proposal, now, _seconds(lasts), secrets.token_hex(16))
    signed = signed_as(lab.authority, person, statement)
    with closing(Journal(data, real_clock())) as journal:
        by = proposers(journal, record.id, number)
        who = approver(signed, trial.proposal, lab.authority, by, now)
        return _decided(journal, record, "approve", number, signed.to_json(), who)


def refuse_trial(data: Path, name: str, number: int, person: str | Caller, because: str) -> str:
    """Refuse a trial that waits for approval: it is never run.

    Args:
        data: The data folder.
        name: Id of the campaign, or its beginning.
        number: Number of the trial.
        person: Who refuses, as the lab file names them, or whom a face has let in.
        because: Why; it is kept.

    Returns:
        The controller's answer, in one sentence.

    Raises:
        InputError: no reason is given, nothing waits, or the controller refuses.
        NotAuthorisedError: this person may not, or cannot prove who they are.
    """
    if not because.strip():
        raise InputError("--because: say why, such as 'this mixture has never been heated'; it is kept with the trial")
    record, trial, lab = _waiting(data, name, number)
    if trial.proposal is None:
        raise InputError(f"trial {number} of {record.id} waits for nobody")
    now, action = real_clock().date(), Action.REFUSE_TRIAL
    statement = statement_for(trial.proposal, now, _seconds("8h"), secrets.token_hex(16), action, because)
    signed = signed_as(lab.authority, person, statement)
    who = approver(signed, trial.proposal, lab.authority, (), now, action)
    with closing(Journal(data, real_clock())) as journal:
        return _decided(journal, record, "refuse", number, signed.to_json(), who)


def approve_envelope(data: Path, name: str, person: str | Caller, lasts: str) -> str:
    """Approve that a campaign goes on under the envelope that the lab file declares now.

    Args:
        data: The data folder.
        name: Id of the campaign, or its beginning.
        person: Who approves, as the lab file names them, or whom a face has let in.
        lasts: How long the approval is to last, such as ``30min``.

    Returns:
        What was done, in one sentence.

    Raises:
        InputError: the envelope is the one that the campaign runs in, or its version is.
        NotAuthorisedError: this person may not, or cannot prove who they are.
    """
    record = campaign_record(data, name)
    lab = lab_of(record)
    change = envelope_change(record, lab)
    if change is None:
        raise InputError(f"{record.id} runs in the envelope of the lab file already: there is nothing to approve")
    if not change.version_after or change.version_after == change.version_before:
        raise InputError(
            f"{lab.source.file}: the envelope has changed, and its version is still "
            f"{change.version_before or 'none'}: the lab's owner gives it another 'envelope_version' first"
        )
    now = real_clock().date()
    statement = statement_for(change, now, _seconds(lasts), secrets.token_hex(16))
    signed = signed_as(lab.authority, person, statement)
    who = approver(signed, change, lab.authority, (), now)
    with closing(Journal(data, real_clock())) as journal:
        journal.count_on(record.id)
        keep(journal, change, signed, who)
    return (
        f"version {change.version_after} of the envelope is approved by {who.name} for {record.id}: another person "
        f"goes on with 'autolab resume {record.id} --accept-changes --as NAME'"
    )


def asking_as(data: Path, name: str, person: str | Caller | None) -> Principal:
    """Who asks for something of a campaign, such as a repeat.

    Args:
        data: The data folder.
        name: Id of the campaign, or its beginning.
        person: Who they say they are; None for the account.

    Raises:
        NotAuthorisedError: the lab does not name this person, or they cannot prove who they are.
    """
    if person is None:
        return local_person()
    record = campaign_record(data, name)
    return acting_as(lab_of(record).authority, person, Action.RUN, record.id)


def _waiting(data: Path, name: str, number: int) -> tuple[CampaignRecord, TrialRecord, LabSpec]:
    record = campaign_record(data, name)
    reader = JournalReader.open(data)
    try:
        waiting = reader.trials(record.id, state=TrialState.AWAITING)
    finally:
        reader.close()
    found = [trial for trial in waiting if trial.number == number]
    if not found:
        known = ", ".join(str(trial.number) for trial in waiting) or "none"
        raise InputError(f"trial {number} of {record.id} waits for nobody; those that wait for approval: {known}")
    return record, found[0], lab_of(record)


def lab_of(record: CampaignRecord) -> LabSpec:
    """The lab file of a campaign as it is now.

    Raises:
        InputError: it is not there, or is refused.
    """
    file = record.options.get("file")
    if file is None or not Path(file).is_file():
        raise InputError(f"{record.id}: its campaign file {file} is gone: put it back, since it names the lab's people")
    return load_lab(load_campaign(Path(file)).lab)


def _decided(
    journal: Journal, record: CampaignRecord, verb: str, number: int, signed: dict[str, Any], who: Principal
) -> str:
    """Hand a decision to the controller, and give its answer."""
    said = f"what {who.name} says of trial {number}"
    return posted(journal, record, verb, {"trial": number, "signed": signed}, who, said, while_=", while it lasts")


def posted(
    journal: Journal,
    record: CampaignRecord,
    verb: str,
    arguments: Mapping[str, Any],
    who: Principal,
    what: str,
    while_: str = "",
) -> str:
    """Hand a request to the controller, and give its answer; where none answers it is kept for the next.

    Args:
        journal: Has the inbox.
        record: The campaign.
        verb: What is asked.
        arguments: Of what.
        who: Who asks.
        what: The request, in words.
        while_: How long it is kept, in words.

    Raises:
        InputError: the controller refuses.
    """
    clock, inbox = real_clock(), Inbox(journal.states)
    request = inbox.post(record.id, verb, arguments, who, clock.date().isoformat())
    later = f"'autolab resume {record.id}' applies it{while_}"
    if record.state != "running":
        return f"{record.id} is {record.state}: {what} is kept, and {later}"
    end = clock.real() + ANSWER_REAL_S
    while clock.real() < end:
        answer = inbox.request(request).answer
        if answer is not None:
            if answer.startswith("refused: "):
                raise InputError(answer.removeprefix("refused: "))
            return answer
        clock.sleep(0.1)
    return f"{record.id}: no controller has answered yet; {what} is kept, and {later}"


def _seconds(lasts: str) -> float:
    try:
        quantity = read_quantity(lasts, "s")
        return convert(quantity.value, quantity.unit, "s")
    except InputError as error:
        raise InputError(f"--for: {error}") from None
