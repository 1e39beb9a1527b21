"""What people are asked in a trial and what they said: kept from the question on, so that no answer is lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from autolab.core.canonical import canonical_json
from autolab.core.operations import OperationId
from autolab.core.parameters import Value
from autolab.core.people import Question, Reply
from autolab.core.principals import Principal
from autolab.journal.database import Database
from autolab.journal.journal import Journal

__all__ = ["QuestionRecord", "answer", "ask", "asked", "question", "reply_to", "waiting", "withdraw"]

_QUESTIONS = "SELECT q.*, p.name AS person FROM questions q LEFT JOIN principals p ON p.id = q.principal "
_question = TypeAdapter(Question)


@dataclass(frozen=True, slots=True)
class QuestionRecord:
    """A question to a person, and how it stands."""

    campaign: str
    trial: int
    device: str
    question: Question
    state: Literal["open", "withdrawn", "answered"]
    """*Withdrawn* while the campaign pauses: it may be answered all the same."""
    asked: str
    """When it was asked last, in UTC."""
    reply: Reply | None
    typed: Mapping[str, str]
    """What was typed in or scanned, word for word."""


def ask(journal: Journal, campaign: str, device: str, wanted: Question) -> None:
    """Record that a question is asked, for the first time or again. One that was answered stays answered."""
    with journal.commit():
        known = journal.states.rows("SELECT state FROM questions WHERE operation = ?", (str(wanted.operation),))
        if known:
            journal.states.write(
                "UPDATE questions SET state = 'open', question = ?, asked = ? WHERE operation = ? "
                "AND state <> 'answered'",
                (canonical_json(wanted), journal.date(), str(wanted.operation)),
            )
            return
        journal.states.insert(
            "questions",
            operation=str(wanted.operation),
            campaign=campaign,
            trial=wanted.operation.trial,
            device=device,
            question=canonical_json(wanted),
            state="open",
            asked=journal.date(),
        )


def withdraw(journal: Journal, operation: OperationId) -> None:
    """Record that nobody waits for an answer for now."""
    journal.states.write(
        "UPDATE questions SET state = 'withdrawn' WHERE operation = ? AND state = 'open'", (str(operation),)
    )


def answer(
    journal: Journal,
    record: QuestionRecord,
    values: Mapping[str, Value],
    failed: str | None,
    typed: Mapping[str, str],
    by: Principal,
    signed: Mapping[str, Any] | None,
) -> None:
    """Record what a person said, with who and when, and the signed statement where there is one."""
    said = ", ".join(f"{name}={text}" for name, text in typed.items())
    detail = f"could not be done: {failed}" if failed else said or "done"
    with journal.commit():
        journal.states.write(
            "UPDATE questions SET state = 'answered', reply = ?, failed = ?, typed = ?, principal = ?, signed = ?, "
            "answered = ? WHERE operation = ?",
            (
                canonical_json(values), failed, canonical_json(typed), journal.principal(by),
                None if signed is None else canonical_json(signed), journal.date(), str(record.question.operation),
            ),
        )  # fmt: skip
        journal.intervene(record.campaign, record.trial, by, "answer", f"{record.question.operation.phase}: {detail}")


def reply_to(states: Database, operation: OperationId) -> Reply | None:
    """What a person said to a question; None where nobody has."""
    found = question(states, str(operation))
    return None if found is None else found.reply


def question(states: Database, operation: str) -> QuestionRecord | None:
    """A question by its operation id; None where it was never asked."""
    return next(iter(_read(states, "q.operation = ?", (operation,))), None)


def waiting(states: Database, campaign: str) -> list[QuestionRecord]:
    """The questions of a campaign's trials under way that nobody has answered, the oldest first."""
    where = (
        "q.campaign = ? AND q.state <> 'answered' AND EXISTS (SELECT 1 FROM trials t WHERE t.campaign = q.campaign "
        "AND t.number = q.trial AND t.state IN ('running', 'in doubt'))"
    )
    found = _read(states, where, (campaign,))
    attempts = states.rows("SELECT number, attempt FROM trials WHERE campaign = ?", (campaign,)) if found else []
    now = {row["number"]: row["attempt"] for row in attempts}
    return [one for one in found if one.question.operation.attempt == now[one.trial]]


def asked(states: Database, campaign: str, trial: int) -> list[QuestionRecord]:
    """All questions of a trial, in the order in which they were asked first."""
    return _read(states, "q.campaign = ? AND q.trial = ?", (campaign, trial))


def _read(states: Database, where: str, values: tuple[object, ...]) -> list[QuestionRecord]:
    rows = states.rows(f"{_QUESTIONS} WHERE {where} ORDER BY q.rowid", values)
    return [
        QuestionRecord(
            row["campaign"],
            row["trial"],
            row["device"],
            _question.validate_json(row["question"]),
            row["state"],
            row["asked"],
            _reply(row),
            json.loads(row["typed"] or "{}"),
        )
        for row in rows
    ]


def _reply(row: dict[str, Any]) -> Reply | None:
    if row["state"] != "answered":
        return None
    return Reply(row["person"], row["answered"], json.loads(row["reply"]), row["failed"])
