"""Answers of people to what a campaign asks them: read and checked here, kept by the controller."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from autolab.campaign.people import ANSWER, question_text
from autolab.compose.acting import Caller, acting_as, signed_as
from autolab.compose.approving import lab_of, posted
from autolab.compose.resuming import RESUMABLE, campaign_record
from autolab.config.specs import LabSpec
from autolab.config.units import convert, read_quantity
from autolab.core.authority import Action, Statement
from autolab.core.clock import real_clock
from autolab.core.errors import InputError
from autolab.core.parameters import Value
from autolab.core.people import Question, Wanted
from autolab.core.principals import Principal
from autolab.journal import questions
from autolab.journal.journal import Journal
from autolab.journal.questions import QuestionRecord
from autolab.journal.records import CampaignRecord

__all__ = ["answer_question", "typed_values"]

_PLAIN = re.compile(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?")
_PAIR = re.compile(r"(?P<name>[^=\s]+)=(?P<value>.+)")


def answer_question(
    data: Path, name: str, texts: Sequence[str], trial: int | None, failed: str | None, person: str | Caller | None
) -> str:
    """Answer what a campaign asks a person.

    Args:
        data: The data folder.
        name: Id of the campaign, or its beginning.
        texts: The results, each as ``name=value`` with its unit; none where the person only says that it is done.
        trial: Number of the trial that asks; None where only one does.
        failed: Why it could not be done; None where it was.
        person: Who answers, as the lab file names them; None for the account; or whom a face has let in.

    Returns:
        The controller's answer, in one sentence.

    Raises:
        InputError: nobody is asked, several trials ask, or a result is not possible; all that is wrong is said.
        NotAuthorisedError: this person may not, or cannot prove who they are.
    """
    record = campaign_record(data, name)
    if record.state not in RESUMABLE:
        raise InputError(f"{record.id} has {record.state}: nobody is asked anything")
    lab = lab_of(record)
    with closing(Journal(data, real_clock())) as journal:
        asked = _chosen(journal, record, trial)
        values = {} if failed else typed_values(asked.question, texts)
        operation = str(asked.question.operation)
        arguments: dict[str, Any] = {"operation": operation, "values": values, "failed": failed}
        who = _who(lab, person, operation, arguments)
        arguments["typed"] = {} if failed else dict(_pairs(texts))
        what = f"what {who.name} says of trial {asked.trial}"
        return posted(journal, record, ANSWER, arguments, who, what)


def typed_values(question: Question, texts: Sequence[str]) -> dict[str, Value]:
    """What a person has typed in or scanned, numbers in the units that are asked for.

    Args:
        question: What was asked.
        texts: The results, each as ``name=value``.

    Raises:
        InputError: one is missing, without its unit, or not possible; all that is wrong is said.
    """
    wanted = {one.name: one for one in question.wanted}
    values: dict[str, object] = {}
    wrong: list[str] = []
    for name, text in _pairs(texts):
        try:
            values[name] = _value(wanted[name], text) if name in wanted else text
        except InputError as error:
            wrong.append(str(error))
            wanted.pop(name)
    try:
        left = Question(question.instruction, question.operation, tuple(wanted.values()))
        found = left.checked(
            {name: value for name, value in values.items() if name in wanted or name not in _names(question)}
        )
    except InputError as error:
        raise InputError("; ".join([*wrong, str(error)])) from None
    if wrong:
        raise InputError("; ".join(wrong))
    return found


def _names(question: Question) -> set[str]:
    return {one.name for one in question.wanted}


def _pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for text in texts:
        pair = _PAIR.fullmatch(text.strip())
        if pair is None:
            raise InputError(f"{text!r} is no result: write NAME=VALUE, such as 'mass=12.3 g'")
        if pair["name"] in [name for name, _ in found]:
            raise InputError(f"{pair['name']} is given twice")
        found.append((pair["name"], pair["value"].strip()))
    return found


def _value(wanted: Wanted, text: str) -> Value:
    if wanted.kind != "number":
        return text
    if wanted.unit and _PLAIN.fullmatch(text):
        raise InputError(f"{wanted.name}: {text!r} has no unit: write '{text} {wanted.unit}'")
    try:
        quantity = read_quantity(text, wanted.unit)
        return float(
            f"{convert(quantity.value, quantity.unit, wanted.unit):.12g}"
        )  # without the dust of the conversion
    except InputError as error:
        raise InputError(f"{wanted.name}: {error}") from None


def _chosen(journal: Journal, record: CampaignRecord, trial: int | None) -> QuestionRecord:
    """The question that is meant.

    Raises:
        InputError: there is none, or it is not clear which one.
    """
    waiting = questions.waiting(journal.states, record.id)
    found = [one for one in waiting if trial is None or one.trial == trial]
    if len(found) == 1:
        return found[0]
    if not waiting:
        raise InputError(f"{record.id} asks nobody anything now")
    asked = "; ".join(question_text(one.campaign, one.question) for one in waiting)
    which = "say which with --trial N" if trial is None else f"trial {trial} asks nobody"
    raise InputError(f"{record.id}: {which}: {asked}")


def _who(lab: LabSpec, person: str | Caller | None, operation: str, arguments: dict[str, Any]) -> Principal:
    """Who answers; in a lab that names its people what they say is signed, and the signature put to it."""
    if person is None or not lab.authority.people:
        return acting_as(lab.authority, person, Action.BY_HAND, operation)
    facts: Mapping[str, Any] = {name: arguments[name] for name in ("values", "failed")}
    signed = signed_as(lab.authority, person, Statement(Action.BY_HAND, operation, facts))
    arguments["signed"] = signed.to_json()
    return signed.by
