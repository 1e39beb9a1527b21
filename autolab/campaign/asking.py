"""Asking the proposer for suggestions, one at a time."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait

from autolab.campaign.book import Book, request_for
from autolab.campaign.confirming import Confirming
from autolab.campaign.rules import gain_end, visible
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stopping import End
from autolab.campaign.supplies import Supplies
from autolab.core.proposing import Proposer
from autolab.core.trials import Suggestion

__all__ = ["Asking"]


class Asking:
    """Asks for the next suggestion as soon as all that it may see is known.

    Args:
        setup: The campaign.
        book: What is known of each trial.
        proposer: Suggests the trials.
        supplies: Knows what is left.
        confirming: Says when the search is over.
    """

    def __init__(
        self, setup: CampaignSetup, book: Book, proposer: Proposer, supplies: Supplies, confirming: Confirming
    ) -> None:
        self._setup, self._book, self._proposer = setup, book, proposer
        self._supplies, self._confirming = supplies, confirming
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="autolab-proposer")
        self.asked: Future[Suggestion] | None = None
        """The suggestion that is being made; None where nothing was asked."""

    def ask(self) -> None:
        """Ask, unless that was done, it is too early, or the budget is used up."""
        number, setup = self._book.next_number, self._setup
        if self.asked is not None or self._confirming.is_searched:
            return
        seen, pending = visible(number, setup.lanes, setup.per_plate)
        is_next = all(trial in self._book.prepared or trial in self._book.concluded for trial in pending[:-1])
        if all(trial in self._book.concluded for trial in seen) and (setup.per_plate == 1 or is_next):
            bounds = self._supplies.bounds(self._book, number)
            self.asked = self._thread.submit(self._proposer.suggest, request_for(setup, self._book, number, bounds))

    def end(self) -> End | None:
        """Why no further trial is worth its while; None while one may be."""
        if self._confirming.end is not None:
            return None
        suggestions = [self._book.suggestions[number] for number in sorted(self._book.suggestions)]
        return gain_end(self._setup.problem, self._setup.stopping.expected_gain, suggestions)

    def take(self, asked: Future[Suggestion]) -> Suggestion:
        """The suggestion that was asked for, which has been made.

        Raises:
            ProposerError: none could be made.
        """
        self.asked = None
        return asked.result()

    def drop(self) -> None:
        """Wait for what was asked, and forget it: the search is over."""
        if self.asked is not None:
            wait([self.asked])
            self.asked = None

    def close(self) -> None:
        """Ask nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
