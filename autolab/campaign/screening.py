"""Screening the suggestions of a campaign: their values first, and then what their plans would do."""

from __future__ import annotations

from autolab.campaign.book import Book
from autolab.campaign.lab import OpenLab
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.supplies import Supplies
from autolab.core.operations import Operations
from autolab.core.seeds import derive_seed
from autolab.core.trials import REPEAT, Suggestion, Verdict
from autolab.screen import judge
from autolab.screen.planscreen import PlanScreen
from autolab.screen.present import Present

__all__ = ["Screening"]


class Screening:
    """Gives the verdicts of one campaign.

    A plan is walked through from what the devices say while nothing runs. While a trial runs they may be in the middle
    of anything: then from what is foreseen for its end, and once more when the next trial begins.

    Args:
        setup: The campaign.
        lab: The lab, open.
        book: What is known of each trial.
        supplies: Knows the next sample.
    """

    def __init__(self, setup: CampaignSetup, lab: OpenLab, book: Book, supplies: Supplies) -> None:
        self._setup, self._lab, self._book, self._supplies = setup, lab, book, supplies
        self._afterwards: Present | None = None
        """What is foreseen of the lab after the trial that began last."""
        self._fresh: tuple[int, float, Verdict, Present | None] | None = None
        """The last verdict from what the devices said: trial, lab seconds, and what it gave."""

    def verdict(self, suggestion: Suggestion, *, is_idle: bool) -> Verdict:
        """What the screen says of a suggestion. What a person wants repeated is not kept out of a closed region.

        Args:
            suggestion: What is suggested.
            is_idle: True where no trial is running.
        """
        return self._judged(suggestion, None if is_idle else self._afterwards)[0]

    def last_verdict(self, suggestion: Suggestion) -> Verdict:
        """What the screen says now that the trial is about to begin; the lab is asked again where time went by."""
        now_s, fresh = self._lab.clock.now(), self._fresh
        if fresh is not None and fresh[:2] == (suggestion.trial, now_s):
            verdict, self._afterwards = self._point(suggestion), fresh[3]
            return fresh[2] if verdict.decision == "allowed" else verdict
        verdict, self._afterwards = self._judged(suggestion, None)
        return verdict

    def _judged(self, suggestion: Suggestion, expected: Present | None) -> tuple[Verdict, Present | None]:
        verdict, screen = self._point(suggestion), self._setup.plan_screen
        if verdict.decision == "refused" or screen is None:
            return verdict, None
        present = screen.present() if expected is None else expected
        verdict, afterwards = self._plan(screen, suggestion, present)
        if expected is None:
            self._fresh = (suggestion.trial, self._lab.clock.now(), verdict, afterwards)
        return verdict, afterwards

    def _point(self, suggestion: Suggestion) -> Verdict:
        closed = [] if suggestion.engine == REPEAT else self._book.quarantines()
        return judge(suggestion, self._setup.problem.space, closed)

    def _plan(self, screen: PlanScreen, suggestion: Suggestion, present: Present) -> tuple[Verdict, Present]:
        setup, trial = self._setup, suggestion.trial
        return screen.judge(
            present,
            values=suggestion.values,
            operations=Operations(setup.key, trial),
            sample=self._supplies.expected(trial),
            md=setup.metadata(trial, 1, self._lab.name, self._lab.realm),
            seed=derive_seed(setup.seed, "screen", trial),
        )
