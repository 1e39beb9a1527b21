"""The people of a campaign: what they are asked while it runs, and their answers, each checked and kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from autolab.core.authority import Action, Authority, Matter, Signed, authorise, verify
from autolab.core.errors import InputError, NotAuthorisedError
from autolab.core.operations import OperationId
from autolab.core.parameters import Value
from autolab.core.people import Question, Reply
from autolab.core.principals import Principal
from autolab.core.samples import sample_id
from autolab.journal import questions, samples
from autolab.journal.inbox import Inbox, Request
from autolab.journal.journal import Journal
from autolab.journal.questions import QuestionRecord

__all__ = ["ANSWER", "People", "question_text"]

ANSWER = "answer"
"""Verb of a request that answers a question."""


class People:
    """Asks people for the devices of one campaign: an `autolab.core.people.Asker`.

    Args:
        journal: Keeps the questions and the answers.
        campaign: Id of the campaign.
        lab: Name of its lab.
        bench: Identity of the hardware's contents.
        authority: The people of the lab.
        note: Told what is asked, in one sentence.
        is_pausing: Says whether the campaign is about to pause or to stop.
    """

    def __init__(
        self,
        journal: Journal,
        campaign: str,
        lab: str,
        bench: str,
        authority: Authority,
        note: Callable[[str], None],
        is_pausing: Callable[[], bool],
    ) -> None:
        self._journal, self._campaign, self._lab, self._bench = journal, campaign, lab, bench
        self._authority, self._note, self._is_pausing = authority, note, is_pausing
        self._lock = threading.Lock()

    @property
    def is_pausing(self) -> bool:
        """Whether the campaign is about to pause or to stop."""
        return self._is_pausing()

    def ask(self, device: str, question: Question) -> None:
        """Ask a question, or ask it again, see `autolab.core.people.Asker`."""
        with self._lock:
            questions.ask(self._journal, self._campaign, device, question)
        self._note(question_text(self._campaign, question))

    def withdraw(self, operation: OperationId) -> None:
        """Nobody waits for an answer for now."""
        with self._lock:
            questions.withdraw(self._journal, operation)

    def reply(self, operation: OperationId) -> Reply | None:
        """What a person has said; None while nobody has."""
        return questions.reply_to(self._journal.states, operation)

    def hear(self, request: Request) -> None:
        """Check an answer that was handed in, keep it where it is good, and say so to whoever gave it."""
        inbox = Inbox(self._journal.states)
        try:
            with self._lock, self._journal.commit():
                said = self._heard(request)
                inbox.answer(request.id, said, self._journal.date())
        except InputError as error:
            inbox.answer(request.id, f"refused: {error}", self._journal.date())

    def _heard(self, request: Request) -> str:
        operation = str(request.arguments.get("operation"))
        record = questions.question(self._journal.states, operation)
        if record is None or record.campaign != self._campaign:
            raise InputError(
                f"nobody is asked {operation!r} in {self._campaign}: see 'autolab status {self._campaign}'"
            )
        by = self._by(request, operation)
        if record.reply is not None:
            raise InputError(f"{record.reply.by} has answered it already, on {record.reply.date[:16]}")
        if record not in questions.waiting(self._journal.states, self._campaign):
            raise InputError(f"trial {record.trial} is over: nobody waits for this answer any more")
        failed = request.arguments.get("failed")
        values = {} if failed else record.question.checked(dict(request.arguments.get("values", {})))
        self._label(record, values)
        typed = {str(name): str(text) for name, text in dict(request.arguments.get("typed", {})).items()}
        questions.answer(self._journal, record, values, failed, typed, by, request.arguments.get("signed"))
        return f"trial {record.trial}: {record.question.operation.phase} is answered by {by.name}"

    def _by(self, request: Request, operation: str) -> Principal:
        """Who answers, where they may: with a signature in a lab that names its people.

        Raises:
            NotAuthorisedError: they may not, are no person, or do not prove who they are.
        """
        matter = Matter(operation)
        if not self._authority.people or request.principal.kind != "person":
            authorise(request.principal, Action.BY_HAND, matter, self._authority)
            return request.principal
        signed = Signed.from_json(request.arguments.get("signed") or {})
        statement, said = signed.statement, {name: request.arguments.get(name) for name in ("values", "failed")}
        if statement.action is not Action.BY_HAND or statement.about != operation or dict(statement.facts) != said:
            raise NotAuthorisedError(f"what was signed is not this answer to {operation}: answer it again")
        return verify(signed, self._authority)

    def _label(self, record: QuestionRecord, values: Mapping[str, Value]) -> None:
        """Give the trial's sample the barcode that was scanned."""
        operation = record.question.operation
        for wanted in record.question.wanted:
            if wanted.is_sample and wanted.name in values:
                own = sample_id(self._campaign, operation.trial, operation.attempt)
                samples.label(self._journal, self._lab, self._bench, own, str(values[wanted.name]))


def question_text(campaign: str, question: Question) -> str:
    """What is asked and how it is answered, in one sentence."""
    names = " ".join(f"{wanted.name}=…" for wanted in question.wanted) or "--done"
    wanted = f" ({'; '.join(str(wanted) for wanted in question.wanted)})" if question.wanted else ""
    picture = f" [picture: {question.picture}]" if question.picture else ""
    return (
        f"trial {question.operation.trial} asks a person: {question.instruction}{picture}{wanted}; answer with "
        f"'autolab answer {campaign} {names}'"
    )
