"""Bypasses as people ask for them, approve them and end them: before a campaign, and while one runs.

The rules of who, how long and how many are those of `safety.latches.LatchMachine`. What people say is signed, and is
verified again by the controller before it lets a rule be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autolab.compose.acting import Caller, acting_as, signed_as
from autolab.config.lab import load_lab
from autolab.config.specs import LabSpec
from autolab.config.units import convert, read_quantity
from autolab.core.authority import Action, Matter, Signed, Statement, authorise, verify
from autolab.core.clock import real_clock
from autolab.core.errors import AutolabError, InputError, NotAuthorisedError
from autolab.core.interlocks import RELAY
from autolab.core.principals import Principal
from autolab.journal import bypasses as kept
from autolab.journal.bypasses import BypassRecord
from autolab.journal.database import Database
from autolab.journal.folder import make_folder
from autolab.journal.journal import STATES_FILE, Journal
from autolab.journal.reader import JournalReader
from safety.bypasswords import date_text
from safety.latches import Act, ApproveBypass, AskBypass, Bypass, EndBypass, Event, Latches, LatchMachine

__all__ = ["approve", "as_bypass", "ask", "bypasses_in_force", "bypasses_of", "end", "in_force", "known_bypasses"]

_ACTIONS: dict[Act, Action] = {
    "reset": Action.RESET,
    "ask": Action.ASK_BYPASS,
    "approve": Action.APPROVE_BYPASS,
    "end": Action.END_BYPASS,
}


def ask(data: Path, file: Path, rule: str, words: tuple[str, str, str], person: str | Caller | None) -> str:
    """Ask for a bypass of a rule. Nothing is bypassed before another person has approved it.

    Args:
        data: The data folder.
        file: The lab file.
        rule: Name of the interlock.
        words: For how long, with its unit; why; and what is done instead.
        person: Who asks, as the lab file names them, or whom a face has let in.

    Returns:
        What is to be done next.

    Raises:
        InputError: it may not be, and why.
        NotAuthorisedError: they may not ask for it.
        StorageError: no room or no right to write.
    """
    for_text, reason, measure = words
    lab, now_s = load_lab(file), real_clock().date().timestamp()
    if rule == RELAY:
        raise InputError("the relay's own trip cannot be bypassed: find out why it dropped, and reset it")
    until_s = now_s + _seconds(for_text)
    values = {"rule": rule, "reason": reason, "measure": measure, "since_s": now_s, "until_s": until_s}
    signed = _signed(lab, person, Action.ASK_BYPASS, rule, _facts(lab, rule, values))
    with _states(data) as states, states.commit():
        event = AskBypass(now_s, rule, signed.by, reason, measure, until_s)
        _judge(lab, kept.open_bypasses(states, lab.name), event)
        verify(signed, lab.authority)
        _sweep(states, lab.name, now_s)
        kept.add_bypass(states, lab.name, values, signed)
    who = [name for name in lab.authority.who_may("bypass") if name != signed.by.name]
    return (
        f"{rule} is not bypassed yet: another person approves it, with 'autolab bypass approve {file} {rule} --as "
        f"NAME' ({', '.join(who) or 'the lab file names nobody else who may'})"
    )


def approve(data: Path, file: Path, rule: str, person: str | Caller | None) -> str:
    """Approve the bypass that another person has asked for; it is in force from now on.

    Raises:
        InputError: nobody has asked for it, or it was approved already.
        NotAuthorisedError: they may not approve it.
    """
    lab, now_s = load_lab(file), real_clock().date().timestamp()
    with _states(data) as states, states.commit():
        found = kept.open_bypasses(states, lab.name)
        asked = _of(found, rule, now_s)
        signed = _signed(lab, person, Action.APPROVE_BYPASS, rule, asked.request.statement.facts)
        verify(asked.request, lab.authority)
        if dict(asked.request.statement.facts) != _facts(lab, rule, _values(asked)):
            raise InputError(f"{rule} has changed since its bypass was asked for: end that, and ask again")
        _judge(lab, found, ApproveBypass(now_s, rule, signed.by))
        verify(signed, lab.authority, (asked.requester,))
        kept.approve_bypass(states, asked.id, signed, now_s)
    return f"{rule} is bypassed until {date_text(asked.until_s)}; meanwhile: {asked.measure}"


def end(data: Path, file: Path, rule: str, person: str | Caller | None) -> str:
    """End a bypass, or withdraw the request for one.

    Raises:
        InputError: there is none.
        NotAuthorisedError: they may not end it.
    """
    lab, now_s = load_lab(file), real_clock().date().timestamp()
    with _states(data) as states, states.commit():
        found = kept.open_bypasses(states, lab.name)
        record = _of(found, rule, now_s)
        signed = _signed(lab, person, Action.END_BYPASS, rule, {"since_s": record.since_s})
        _judge(lab, found, EndBypass(now_s, rule, signed.by))
        kept.end_bypass(states, record.id, verify(signed, lab.authority), now_s)
    return f"{rule} is not bypassed any more"


def bypasses_of(data: Path, lab: str) -> tuple[Bypass, ...]:
    """The bypasses of a lab that are asked for or in force, for whoever looks; none where there is no journal."""
    if not (data / STATES_FILE).is_file():
        return ()
    reader = JournalReader.open(data)
    try:
        return known_bypasses(reader.states, lab)
    finally:
        reader.close()


def known_bypasses(states: Database, lab: str) -> tuple[Bypass, ...]:
    """As `bypasses_of`, from an open journal."""
    now_s = real_clock().date().timestamp()
    return tuple(as_bypass(record) for record in kept.open_bypasses(states, lab) if now_s < record.until_s)


def bypasses_in_force(data: Path, lab: LabSpec) -> list[Bypass]:
    """The bypasses that `in_force` finds in a data folder, for interlocks that no campaign evaluates."""
    if not (data / STATES_FILE).is_file():
        return []
    reader = JournalReader.open(data)
    try:
        return [as_bypass(record) for record in in_force(reader.states, lab, real_clock().date().timestamp())]
    finally:
        reader.close()


def in_force(states: Database, lab: LabSpec, now_s: float) -> list[BypassRecord]:
    """The bypasses that a controller heeds: approved, not over, and signed by whoever may.

    Args:
        states: Database of the states.
        lab: The lab file.
        now_s: Seconds since 1970.
    """
    found = [item for item in kept.open_bypasses(states, lab.name) if item.approval is not None]
    return [item for item in found if _is_sound(lab, item) and item.since_s <= now_s < item.until_s]


def _is_sound(lab: LabSpec, item: BypassRecord) -> bool:
    """Whether both have signed these very words, about the rule as it stands in the lab file."""
    try:
        facts = _facts(lab, item.rule, _values(item))
        verify(item.request, lab.authority)
        if item.approval is None:
            return False
        verify(item.approval, lab.authority, (item.request.by,))
        about, statements = _about(lab, item.rule), (item.request.statement, item.approval.statement)
        if not all(statement.about == about and dict(statement.facts) == facts for statement in statements):
            return False
        as_bypass(item)
    except AutolabError:
        return False
    signers = (item.request.by, item.approval.by)
    is_said = [statement.action for statement in statements] == [Action.ASK_BYPASS, Action.APPROVE_BYPASS]
    return is_said and signers == (item.requester, item.approver)


def _judge(lab: LabSpec, found: Sequence[BypassRecord], event: Event) -> None:
    """Refuse what the machine of latches refuses.

    Raises:
        InputError: it does.
        NotAuthorisedError: they may not.
    """

    def may(by: Principal, act: Act, rule: str) -> bool:
        asked_by = tuple(item.requester for item in found if item.rule == rule) if act == "approve" else ()
        authorise(by, _ACTIONS[act], Matter(_about(lab, rule), asked_by), lab.authority)
        return True

    rules = [rule.name for rule in lab.interlocks if rule.effect != "alarm"]
    last_s = max([time for item in found for time in (item.since_s, item.approved_s or 0.0)], default=0.0)
    if event.at_s < last_s:
        raise InputError(
            f"the clock says {date_text(event.at_s)}, before the last bypass at {date_text(last_s)}: set it right"
        )
    state = Latches(bypasses=tuple(as_bypass(item) for item in found), at_s=last_s)
    LatchMachine(rules, may).take(state, event)


def _signed(lab: LabSpec, person: str | Caller | None, action: Action, rule: str, facts: Any) -> Signed:
    about = _about(lab, rule)
    if person is None:
        acting_as(lab.authority, None, action, about)  # an account proves nothing: it raises
        raise NotAuthorisedError(f"{action} ({about}): say who you are with '--as NAME'")
    return signed_as(lab.authority, person, Statement(action, about, facts))


def _about(lab: LabSpec, rule: str) -> str:
    return f"{rule} of {lab.name}"


def _facts(lab: LabSpec, rule: str, values: dict[str, Any]) -> dict[str, Any]:
    """What the signatures are over: the rule as it is written, and all that is said of the bypass.

    Raises:
        InputError: there is no such rule.
    """
    for each in lab.interlocks:
        if each.name == rule and each.effect != "alarm":
            return {**values, "when": each.text or str(each.when), "effect": each.effect}
    names = ", ".join(each.name for each in lab.interlocks if each.effect != "alarm") or "none"
    raise InputError(f"{rule} is no interlock of {lab.name} that can be bypassed: there are {names}")


def _values(record: BypassRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ("rule", "reason", "measure", "since_s", "until_s")}


def as_bypass(record: BypassRecord) -> Bypass:
    """What the interlocks are given."""
    return Bypass(
        record.rule,
        record.reason,
        record.measure,
        record.requester,
        record.since_s,
        record.until_s,
        record.approver,
    )


def _of(found: Sequence[BypassRecord], rule: str, now_s: float) -> BypassRecord:
    for record in found:
        if record.rule == rule and now_s < record.until_s:
            return record
    raise InputError(f"nobody has asked for a bypass of {rule}, or it has ended: ask for one")


def _sweep(states: Database, lab: str, now_s: float) -> None:
    """End in the record what is over."""
    for record in kept.open_bypasses(states, lab):
        if record.until_s <= now_s:
            kept.end_bypass(states, record.id, Principal("autolab", "system"), record.until_s)


def _seconds(text: str) -> float:
    try:
        quantity = read_quantity(text, "s")
        return convert(quantity.value, quantity.unit, "s")
    except InputError as error:
        raise InputError(f"--for: {error}") from None


@contextmanager
def _states(data: Path) -> Iterator[Database]:
    """The states of a data folder, beside the controller that may be running."""
    try:
        make_folder(data)
    except OSError as error:
        raise InputError(f"{data}: {error.strerror}: choose a folder of yours with --data") from error
    journal = Journal(data, real_clock())
    try:
        yield journal.states
    finally:
        journal.close()
