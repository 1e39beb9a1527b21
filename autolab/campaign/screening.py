"""Screening the suggestions of a campaign: their values first, and then what their plans would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from autolab.campaign.book import Book
from autolab.campaign.lab import OpenLab
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stopwatch import Stopwatch
from autolab.campaign.supplies import Supplies
from autolab.core.errors import NotConnectedError
from autolab.core.operations import SHARED, Operations
from autolab.core.plates import Prepared
from autolab.core.seeds import derive_seed
from autolab.core.trials import CONFIRM, REPEAT, Suggestion, Verdict
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

    def verdict(self, suggestion: Suggestion, attempt: int, *, is_idle: bool, before: Verdict | None = None) -> Verdict:
        """What the screen says of a suggestion, and who has to approve it.

        What a person wants repeated, what confirms the winner, and another attempt are not kept out of a closed region.

        Args:
            suggestion: What is suggested.
            attempt: Number of the attempt, from 1.
            is_idle: True where no trial is running.
            before: What was said of it before an interruption, where people have to approve it. That stands until it is
                known how things will stand: nobody's word is lost meanwhile.

        Raises:
            NotConnectedError: a device does not answer, so that nobody knows what the trial would do.
        """
        if not is_idle and self._afterwards is None:  # nobody knows how things will stand: it is judged when it begins
            verdict = self._point(suggestion, attempt)
            return verdict if before is None or verdict.decision == "refused" else before
        return self._judged(suggestion, attempt, None if is_idle else self._afterwards).verdict

    def last_verdict(self, suggestion: Suggestion, attempt: int, first: Sequence[First] = ()) -> Verdict:
        """What the screen says now that the trial is about to begin; the lab is asked again where time went by.

        Args:
            suggestion: The trial.
            attempt: Number of the attempt, from 1.
            first: A recovery plan and calibrations that come before it; each is walked through before the trial's plan.

        Raises:
            NotConnectedError: as for `verdict`.
        """
        fresh, moment = self._fresh, (suggestion.trial, attempt, self._lab.clock.now())
        is_fresh = not first and fresh is not None and fresh[0] == moment
        if fresh is not None and is_fresh and self._point(suggestion, attempt).decision != "refused":
            judged = fresh[1]
        else:
            judged = self._judged(suggestion, attempt, None, first)
        self._last, self.needs_ul = judged, judged.needs_ul
        return judged.verdict

    def refuses_plate(self, plate: tuple[Prepared, ...], first: Sequence[First]) -> str | None:
        """Why a plate may not be measured as the lab is now, in one sentence; None where it may.

        Args:
            plate: Its trials.
            first: A recovery plan and calibrations that come before it.

        Raises:
            NotConnectedError: as for `verdict`.
        """
        screen, self.needs_ul = self._setup.plan_screen, None
        if screen is None:
            return None
        self._await_answers()
        begun_real_s = self._lab.clock.real()

        def walk(present: Present, one: First | None, is_alone: bool) -> Judged:
            return self._plate(screen, plate, present, one, is_alone=is_alone)

        judged = _in_turn(walk, screen.present(), first)
        self._stopwatch.waited_for_screen(begun_real_s)
        self.needs_ul = judged.needs_ul
        return "; ".join(judged.verdict.reasons) if judged.verdict.decision == "refused" else None

    def begins(self) -> None:
        """The trial of the last verdict begins: the lab will stand as is foreseen for its end."""
        self._afterwards = None if self._last is None else self._last.afterwards

    def _judged(
        self, suggestion: Suggestion, attempt: int, expected: Present | None, first: Sequence[First] = ()
    ) -> _Judged:
        verdict, screen, permits = self._point(suggestion, attempt), self._setup.plan_screen, self._setup.permits
        lacks_sample = self._setup.uses_samples and self._supplies.expected(suggestion.trial, attempt) is None
        if verdict.decision == "refused" or lacks_sample:  # without a sample it cannot begin
            return _Judged(verdict)
        if screen is None:
            return _Judged(permits.tiered(suggestion, verdict, None))
        begun_real_s = self._lab.clock.real()
        present = screen.present() if expected is None else expected
        plan = self._plans(screen, suggestion, attempt, present, first)
        if expected is None:
            self._stopwatch.waited_for_screen(begun_real_s)
        if plan.verdict.decision == "refused" and expected is None:  # a device may have been silent when it was asked
            self._await_answers()
            plan = self._plans(screen, suggestion, attempt, screen.present(), first)
        if plan.verdict.decision == "refused" and expected is not None:
            return _Judged(verdict)  # only foreseen: what counts is how things stand when it begins
        verdict = permits.tiered(suggestion, plan.verdict, plan.effects)
        needs_ul = None if plan.effects is None else dict(plan.needs_ul)
        verdict = replace(verdict, dry_run=plan.verdict.dry_run, needs_ul=needs_ul)
        judged = _Judged(verdict, plan.afterwards, plan.needs_ul)
        if expected is None and not first:
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
        is_again = suggestion.engine in (REPEAT, CONFIRM) or attempt > 1
        return judge(suggestion, self._setup.problem.space, [] if is_again else self._book.quarantines())

    def _plans(
        self, screen: PlanScreen, suggestion: Suggestion, attempt: int, present: Present, first: Sequence[First]
    ) -> Judged:
        """Judge a trial's plan, and what comes before it."""

        def walk(present: Present, one: First | None, is_alone: bool) -> Judged:
            return self._plan(screen, suggestion, attempt, present, one, is_alone=is_alone)

        return _in_turn(walk, present, first)

    def _plan(
        self,
        screen: PlanScreen,
        suggestion: Suggestion,
        attempt: int,
        present: Present,
        first: First | None,
        *,
        is_alone: bool = False,
    ) -> Judged:
        setup, trial = self._setup, suggestion.trial
        sample = first.sample if is_alone and first is not None else self._supplies.expected(trial, attempt)
        return screen.judge(
            present,
            (rule(self._lab.rules, self._supplies.scene(sample)),),
            values=suggestion.values,
            operations=Operations(setup.key, trial, attempt=attempt),
            sample=sample,
            md=setup.metadata(trial, 1, self._lab.name, self._lab.realm),
            seed=derive_seed(setup.seed, "screen", trial),
            first=first,
            is_alone=is_alone,
        )

    def _plate(
        self, screen: PlanScreen, plate: tuple[Prepared, ...], present: Present, first: First | None, *, is_alone: bool
    ) -> Judged:
        setup, operations = self._setup, replace(plate[0].operations, replicate=SHARED)
        sample = first.sample if is_alone and first is not None else None
        return screen.judge(
            present,
            (rule(self._lab.rules, self._supplies.scene(sample)),),
            values={},
            operations=operations,
            sample=None,
            md=setup.metadata(operations.trial, 1, self._lab.name, self._lab.realm),
            seed=derive_seed(setup.seed, "screen", operations.trial),
            first=first,
            is_alone=is_alone,
            plate=plate,
        )


def _in_turn(walk: Callable[[Present, First | None, bool], Judged], present: Present, first: Sequence[First]) -> Judged:
    """Judge a plan, and what comes before it: a recovery plan with it, calibrations each by themselves.

    A calibration pours into its own well, so that what is in the trial's is no matter to it.

    Args:
        walk: Judges the plan from how the lab stands, after one that comes first; or that one alone.
        present: How the lab stands.
        first: What comes before it.
    """
    alone = first if any(one.is_calibration for one in first) else ()
    before: list[Judged] = []
    for one in alone:
        before.append(walk(present, one, True))
        if before[-1].verdict.decision == "refused":
            return _together(alone, before)
        present = before[-1].afterwards
    mine = walk(present, first[0] if first and not alone else None, False)
    return _together(alone, (*before, mine)) if before else mine


def _together(first: Sequence[First], judged: Sequence[Judged]) -> Judged:
    """The judgement of several plans that are run one after the other, the trial's own being the last of them."""
    last = judged[-1]
    names = [*(f"{one.plan}: " for one in first), ""]
    reasons = [f"{name}{why}" for name, one in zip(names, judged, strict=False) for why in one.verdict.reasons]
    decision = max((one.verdict.decision for one in judged), key=("allowed", "needs approval", "refused").index)
    verdict = replace(
        last.verdict,
        decision=decision,
        reasons=tuple(dict.fromkeys(reasons)),
        persons=max(one.verdict.persons for one in judged),
        dry_run=last.verdict.dry_run if len(judged) > len(first) else None,
    )
    effects = [one.effects for one in judged]
    every = None if None in effects else [effect for some in effects for effect in some or ()]
    needs_ul = Counter[str]()
    for one in judged:
        needs_ul.update(one.needs_ul)
    return Judged(verdict, last.afterwards, every, needs_ul)
