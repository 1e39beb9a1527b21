"""Screening the suggestions of a campaign: their values first, and then what their plans would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from autolab.campaign.book import Book
from autolab.campaign.lab import OpenLab
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stopwatch import Stopwatch
from autolab.campaign.supplies import Supplies
from autolab.core.errors import NotConnectedError
from autolab.core.operations import Operations
from autolab.core.seeds import derive_seed
from autolab.core.trials import REPEAT, Suggestion, Verdict
from autolab.screen import judge
from autolab.screen.planscreen import Judged, PlanScreen
from autolab.screen.present import Present
from autolab.screen.rig import First
from safety.effects import rule

__all__ = ["Screening"]

PATIENCE_REAL_S, WAIT_REAL_S = 5.0, 0.25
"""Real seconds in which a silent device may come back, and between two questions."""


@dataclass(frozen=True, slots=True)
class _Judged:
    verdict: Verdict
    afterwards: Present | None = None
    """What is known of the lab afterwards; None where nobody knows."""
    needs_ul: Mapping[str, float] | None = None


class Screening:
    """Gives the verdicts of one campaign.

    A plan is walked through from what the devices say while nothing runs. While a trial runs they may be in the middle
    of anything: then from what is foreseen for its end, and once more when the next trial begins.

    Args:
        setup: The campaign.
        lab: The lab, open.
        book: What is known of each trial.
        supplies: Knows the next sample.
        stopwatch: Told how long the campaign waits for a verdict while nothing runs.
    """

    def __init__(
        self, setup: CampaignSetup, lab: OpenLab, book: Book, supplies: Supplies, stopwatch: Stopwatch
    ) -> None:
        self._stopwatch = stopwatch
        self._setup, self._lab, self._book, self._supplies = setup, lab, book, supplies
        self._afterwards: Present | None = None
        """What is foreseen of the lab after the trial that began last."""
        self._last: _Judged | None = None
        """What was said of the trial that is about to begin."""
        self._fresh: tuple[tuple[int, int, float], _Judged] | None = None
        """The last verdict from what the devices said, and its trial, attempt and lab seconds."""
        self.needs_ul: Mapping[str, float] | None = None
        """What the trial of the last verdict will pour, in microlitres by material; None where nobody knows."""

    def verdict(self, suggestion: Suggestion, attempt: int, *, is_idle: bool) -> Verdict:
        """What the screen says of a suggestion, and who has to approve it.

        What a person wants repeated, and another attempt, are not kept out of a closed region.

        Args:
            suggestion: What is suggested.
            attempt: Number of the attempt, from 1.
            is_idle: True where no trial is running.

        Raises:
            NotConnectedError: a device does not answer, so that nobody knows what the trial would do.
        """
        if not is_idle and self._afterwards is None:  # nobody knows how things will stand: it is judged when it begins
            return self._point(suggestion, attempt)
        return self._judged(suggestion, attempt, None if is_idle else self._afterwards).verdict

    def last_verdict(self, suggestion: Suggestion, attempt: int, first: First | None = None) -> Verdict:
        """What the screen says now that the trial is about to begin; the lab is asked again where time went by.

        Args:
            suggestion: The trial.
            attempt: Number of the attempt, from 1.
            first: The recovery plan that comes before it; both are walked through, one after the other.

        Raises:
            NotConnectedError: as for `verdict`.
        """
        fresh, moment = self._fresh, (suggestion.trial, attempt, self._lab.clock.now())
        is_fresh = first is None and fresh is not None and fresh[0] == moment
        if fresh is not None and is_fresh and self._point(suggestion, attempt).decision != "refused":
            judged = fresh[1]
        else:
            judged = self._judged(suggestion, attempt, None, first)
        self._last, self.needs_ul = judged, judged.needs_ul
        return judged.verdict

    def begins(self) -> None:
        """The trial of the last verdict begins: the lab will stand as is foreseen for its end."""
        self._afterwards = None if self._last is None else self._last.afterwards

    def _judged(
        self, suggestion: Suggestion, attempt: int, expected: Present | None, first: First | None = None
    ) -> _Judged:
        verdict, screen, permits = self._point(suggestion, attempt), self._setup.plan_screen, self._setup.permits
        lacks_sample = self._setup.uses_samples and self._supplies.expected(suggestion.trial, attempt) is None
        if verdict.decision == "refused" or lacks_sample:  # without a sample it cannot begin
            return _Judged(verdict)
        if screen is None:
            return _Judged(permits.tiered(suggestion, verdict, None))
        begun_real_s = self._lab.clock.real()
        present = screen.present() if expected is None else expected
        plan = self._plan(screen, suggestion, attempt, present, first)
        if expected is None:
            self._stopwatch.waited_for_screen(begun_real_s)
        if plan.verdict.decision == "refused" and expected is None:  # a device may have been silent when it was asked
            self._await_answers()
            plan = self._plan(screen, suggestion, attempt, screen.present(), first)
        if plan.verdict.decision == "refused" and expected is not None:
            return _Judged(verdict)  # only foreseen: what counts is how things stand when it begins
        verdict = permits.tiered(suggestion, plan.verdict, plan.effects)
        judged = _Judged(replace(verdict, dry_run=plan.verdict.dry_run), plan.afterwards, plan.needs_ul)
        if expected is None and first is None:
            self._fresh = ((suggestion.trial, attempt, self._lab.clock.now()), judged)
        return judged

    def _await_answers(self) -> None:
        """Wait until all devices answer; one that is silent has some time to come back.

        Raises:
            NotConnectedError: one stays silent, so that nobody knows what the trial would do.
        """
        clock = self._lab.clock
        end_real_s = clock.real() + PATIENCE_REAL_S
        while said := self._lab.check():
            if clock.real() >= end_real_s:
                raise NotConnectedError("; ".join(said))
            clock.sleep(WAIT_REAL_S * clock.factor)

    def _point(self, suggestion: Suggestion, attempt: int) -> Verdict:
        is_again = suggestion.engine == REPEAT or attempt > 1
        return judge(suggestion, self._setup.problem.space, [] if is_again else self._book.quarantines())

    def _plan(
        self, screen: PlanScreen, suggestion: Suggestion, attempt: int, present: Present, first: First | None
    ) -> Judged:
        setup, trial = self._setup, suggestion.trial
        sample = self._supplies.expected(trial, attempt)
        return screen.judge(
            present,
            (rule(self._lab.rules, self._supplies.scene(sample)),),
            values=suggestion.values,
            operations=Operations(setup.key, trial, attempt=attempt),
            sample=sample,
            md=setup.metadata(trial, 1, self._lab.name, self._lab.realm),
            seed=derive_seed(setup.seed, "screen", trial),
            first=first,
        )
