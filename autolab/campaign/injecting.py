"""Trials that people hand in while a campaign runs: each takes the place of a suggestion, and is checked like one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from autolab.campaign.book import Book
from autolab.campaign.confirming import Confirming
from autolab.campaign.desk import Desk
from autolab.campaign.setup import CampaignSetup
from autolab.core.errors import InputError
from autolab.core.parameters import Values
from autolab.core.trials import PERSON, Suggestion
from autolab.journal import amendments
from autolab.journal.inbox import Inbox, Request
from autolab.journal.journal import Journal

__all__ = ["Injecting"]


class Injecting:
    """Takes what people hand in, in the order in which it came.

    Args:
        setup: The campaign.
        book: What is known of each trial.
        journal: Keeps the record, and the answers.
        desk: Where requests arrive.
        realm: Where trials happen.
        confirming: Says when the search is over.
    """

    def __init__(
        self, setup: CampaignSetup, book: Book, journal: Journal, desk: Desk, realm: str, confirming: Confirming
    ) -> None:
        self._setup, self._book, self._journal, self._desk, self._realm = setup, book, journal, desk, realm
        self._confirming = confirming
        self._waiting: deque[Request] = deque()

    def attend(self) -> None:
        """Hear what people hand in."""
        self._waiting.extend(self._desk.take_injections())

    def take(self, judge: Callable[[Suggestion], None]) -> None:
        """Record and judge all that waits. Called where no suggestion is being made, so that the next number is free.

        Args:
            judge: Has the screen judge a suggestion that is recorded.
        """
        self.attend()  # what came with the start of the campaign is its first trial
        while self._waiting:
            request = self._waiting.popleft()
            try:
                said = self._taken(request, judge)
            except InputError as error:
                said = f"refused: {error}"
            Inbox(self._journal.states).answer(request.id, said, self._journal.date())

    def _taken(self, request: Request, judge: Callable[[Suggestion], None]) -> str:
        number, budget = self._book.next_number, self._setup.budget.trials
        if self._confirming.end is not None:
            raise InputError("the search is over, and its winner is being confirmed: start another campaign")
        if self._confirming.is_searched:
            raise InputError(f"the budget of {budget} trials is used up: raise it in the campaign file, then resume")
        values: Values = dict(request.arguments.get("values", {}))
        if problems := self._setup.problem.space.violations(values):
            raise InputError("; ".join(problems))
        because = str(request.arguments.get("because", ""))
        suggestion = Suggestion(number, values, PERSON, f"{request.principal.name}: {because}", 0, (), ())
        with self._journal.commit():
            amendments.inject(self._journal, self._setup.id, self._realm, suggestion, request.principal, because)
            judge(suggestion)
        if number in self._book.concluded:
            return f"it is trial {number} of {self._setup.id}, and the screen has refused it: see 'autolab show'"
        return f"it is trial {number} of {self._setup.id}, and was screened like any other"
