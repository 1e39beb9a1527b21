"""What a person says from another process: what became of an action, and that a campaign is to pause or to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from autolab.compose.options import RunOptions
from autolab.compose.resuming import campaign_record
from autolab.compose.running import data_folder
from autolab.config.units import convert, read_quantity
from autolab.core.clock import real_clock
from autolab.core.errors import InputError
from autolab.core.principals import Principal, local_person
from autolab.journal.inbox import Inbox
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from autolab.journal.records import IntentRecord

__all__ = ["ask", "settle_action"]

ANSWER_REAL_S = 10.0
"""Real seconds in which a controller answers a request."""


def settle_action(
    data: Path,
    operation: str,
    state: Literal["done", "failed", "void"],
    because: str,
    principal: Principal,
    used: str | None = None,
) -> None:
    """Record what became of an action that is in doubt, as a person found it.

    Args:
        data: The data folder.
        operation: Id of the action, as the campaign named it.
        state: ``void`` where it did not happen.
        because: What the person saw.
        principal: Who says so.
        used: The volume that was really used, with its unit; None for the one that was intended.

    Raises:
        InputError: there is no such action, it is settled already, or it uses no material.
    """
    if not because.strip():
        raise InputError("--because: say what you saw, such as 'the well is empty'; it is kept with the answer")
    with data_folder(RunOptions(data=data)):
        reader = JournalReader.open(data)
        try:
            known = reader.states.rows("SELECT campaign, trial FROM intents WHERE operation = ?", (operation,))
            of_trial = reader.intents(known[0]["campaign"], known[0]["trial"]) if known else []
            doubts = reader.states.rows("SELECT operation FROM intents WHERE state = 'intended' ORDER BY rowid")
        finally:
            reader.close()
        found = [intent for intent in of_trial if intent.operation == operation]
        if not found:
            said = ", ".join(row["operation"] for row in doubts) or "none"
            raise InputError(f"there is no action {operation!r}; in doubt are: {said}")
        if found[0].state != "intended":
            raise InputError(f"{operation} is {found[0].state} already: only what is in doubt can be settled")
        used_ul = None if used is None else _used_ul(found[0], used)
        journal = Journal(data, real_clock())
        try:
            journal.settle(operation, state, because, by=principal, lab_s=found[0].intended_lab_s, used_ul=used_ul)
        finally:
            journal.close()


def _used_ul(intent: IntentRecord, used: str) -> float:
    """The volume that a person says was used, in microlitres."""
    if not isinstance(intent.action.get("volume_ul"), int | float):
        raise InputError(f"--used: {intent.operation} uses no material")
    try:
        quantity = read_quantity(used, "uL")
        volume_ul = convert(quantity.value, quantity.unit, "uL")
    except InputError as error:
        raise InputError(f"--used: {error}") from None
    if volume_ul < 0.0:
        raise InputError(f"--used: {used!r} is below zero: say what was used, such as '40 uL'")
    return volume_ul


def ask(data: Path, name: str, verb: Literal["pause", "stop"], *, now: bool, by: Principal | None = None) -> str:
    """Ask a running campaign to pause or to stop, and wait for its controller's answer.

    Args:
        data: The data folder.
        name: Id of the campaign, or its beginning.
        verb: What is asked.
        now: At once, and not before the next action.
        by: Who asks; None for the account.

    Returns:
        The answer, in one sentence.

    Raises:
        InputError: the campaign is not running, or nobody answers.
    """
    record = campaign_record(data, name)
    if record.state != "running":
        raise InputError(f"{record.id} is not running: it has {record.state} ({record.reason})")
    clock = real_clock()
    journal = Journal(data, clock)
    try:
        inbox = Inbox(journal.states)
        number = inbox.post(record.id, verb, {"now": now}, by or local_person(), clock.date().isoformat())
        end = clock.real() + ANSWER_REAL_S
        while clock.real() < end:
            answer = inbox.request(number).answer
            if answer is not None:
                return answer
            clock.sleep(0.1)
        inbox.answer(number, "withdrawn: nobody answered", clock.date().isoformat())
    finally:
        journal.close()
    raise InputError(
        f"{record.id}: no controller answered within {ANSWER_REAL_S:g} s, so none runs it: "
        f"go on with 'autolab resume {record.id}'"
    )
