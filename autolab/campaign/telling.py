"""Tells observers what happens in a campaign."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Literal

from autolab.campaign.book import Book
from autolab.campaign.events import CampaignEvent, Noted, Observer, PhaseChanged, TrialEnded
from autolab.core.problem import Problem

__all__ = ["Teller"]

_log = logging.getLogger(__name__)


class Teller:
    """Tells observers, who cannot change what a campaign does: one that fails is told nothing more.

    Args:
        problem: Says which trial is best.
        book: The campaign's book.
        observers: Whom to tell.
        since_start: Lab seconds since the campaign started.
    """

    def __init__(
        self, problem: Problem, book: Book, observers: Sequence[Observer], since_start: Callable[[], float]
    ) -> None:
        self._problem, self._book, self._since_start = problem, book, since_start
        self._observers = list(observers)

    def tell(self, event: CampaignEvent) -> None:
        """Tell all observers of an event."""
        for observer in tuple(self._observers):
            try:
                observer.notify(event)
            except Exception:  # noqa: BLE001 (an observer cannot change what a campaign does)
                _log.exception("observer %s failed and is told nothing more", type(observer).__name__)
                self._observers.remove(observer)

    def note(self, text: str | None) -> None:
        """Tell something that a person should know, where there is something."""
        if text is not None:
            self.tell(Noted(text))

    def trial_ended(
        self, number: int, state: Literal["ingested", "failed", "refused", "abandoned"], why: str | None
    ) -> None:
        """Tell that a trial is over, with the best one so far."""
        best = self._book.best(self._problem)
        outcome = self._book.concluded.get(number)
        self.tell(
            TrialEnded(
                number, state, outcome, why, best and best.trial, None if best is None else best.value, self.lab_s()
            )
        )

    def on_phase(self, lane: int) -> Callable[[int, str], None]:
        """What a lane calls when a phase begins, as (trial, phase)."""
        return lambda trial, phase: self.tell(PhaseChanged(lane, trial, phase, self.lab_s()))

    def lab_s(self) -> float:
        """Lab seconds since the campaign started."""
        return round(self._since_start(), 6)
