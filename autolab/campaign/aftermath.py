"""What follows from a fault: another attempt, a plan that brings the lab in order, a region that is closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from autolab.campaign.book import Book
from autolab.campaign.calibrating import Calibrating
from autolab.campaign.plated import Plated
from autolab.campaign.prelude import Prelude, Step
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stopping import End
from autolab.core.errors import AutolabError
from autolab.core.faults import FaultPolicy, kind_of
from autolab.core.operations import BEFORE_PLATE, Operations
from autolab.core.samples import Sample
from autolab.journal import recoveries
from autolab.journal.journal import Journal
from autolab.journal.recoveries import OwedRecovery
from autolab.screen.rig import First

__all__ = ["Aftermath"]


class Aftermath:
    """Keeps at which attempt each trial is, and what is owed to the lab before the next one.

    Args:
        setup: The campaign.
        book: What is known of each trial.
        journal: Keeps the record.
        calibrating: Knows the calibrations that are due.
        attempts: Number of the attempt that each trial is at, where the campaign was interrupted.
    """

    def __init__(
        self,
        setup: CampaignSetup,
        book: Book,
        journal: Journal,
        calibrating: Calibrating,
        attempts: Mapping[int, int] | None,
    ) -> None:
        self._setup, self._book, self._journal, self._calibrating = setup, book, journal, calibrating
        self._attempts = dict(attempts or {})
        self._wait_s: dict[int, float] = {}

    def attempt(self, trial: int) -> int:
        """Number of the attempt that a trial is at, from 1."""
        return self._attempts.get(trial, 1)

    def failed(self, trial: int, error: AutolabError, sample: Sample | None) -> tuple[FaultPolicy, bool]:
        """Record that an attempt failed, and what is owed for it.

        Args:
            trial: Number of the trial.
            error: Why.
            sample: The sample of the attempt.

        Returns:
            What the campaign says about this kind of fault, and whether the trial is tried again.
        """
        kind, attempt, campaign = kind_of(error), self.attempt(trial), self._setup.id
        policy = self._setup.policy(kind)
        is_last = attempt > policy.retry
        closes = policy.region if is_last and policy.then == "quarantine" else None
        with self._journal.commit():
            self._journal.fail(campaign, trial, str(error), kind, closes)
            recoveries.give_back(self._journal, campaign, trial, attempt)
            if policy.recover is not None:
                recoveries.owe(self._journal, campaign, trial, sample, policy.recover)
            if not is_last:
                self._journal.try_again(campaign, trial, attempt + 1)
        if closes is not None:
            self._book.closes[trial] = closes
        if is_last:
            self._book.faults[trial] = str(kind)
        else:
            self._attempts[trial] = attempt + 1
            self._wait_s[trial] = policy.wait_before(attempt + 1)
        return policy, not is_last

    def prelude(self, trial: int, plate: Plated | None = None) -> Prelude | None:
        """What is to be done before a trial's plan, from here on by this trial; None where nothing is.

        First a recovery plan that is owed, then the calibrations that are due.

        A plan that the campaign file does not name any more stays owed.

        Args:
            trial: Number of the trial, or of the first one of a plate.
            plate: The plate that is to be measured; None for a trial by itself.
        """
        wait_s, attempt = self._wait_s.pop(trial, 0.0), self.attempt(trial)
        whose = plate or Plated(((trial, attempt),))
        owed = self._owed_before(trial)
        if owed is None and self._calibrating.is_idle:
            return Prelude(wait_s) if wait_s else None
        if owed is not None:
            recoveries.begin(self._journal, owed, trial, attempt)
        recovery = None if owed is None else self._recovery(owed, self._operations(whose))

        def steps() -> Iterator[Step]:
            yield from () if recovery is None else (recovery,)
            yield from self._calibrating.steps(whose)

        return Prelude(wait_s, steps, self._calibrating.watch(whose))

    def first(self, trial: int, plate: Plated | None = None) -> tuple[First, ...]:
        """What comes before a trial's plan, see `prelude`: a recovery plan, and the calibrations that may be due."""
        whose = plate or Plated(((trial, self.attempt(trial)),))
        owed, due = self._owed_before(trial), self._calibrating.foreseen(whose)
        return due if owed is None else (First(owed.plan, self._operations(whose), owed.sample), *due)

    def _owed_before(self, trial: int) -> OwedRecovery | None:
        known, mine = self._setup.make_recovery, (trial, self.attempt(trial))
        if not known:
            return None
        owed = [one for one in recoveries.owed(self._journal, self._setup.id) if one.plan in known]
        own = [one for one in owed if (one.trial, one.attempt) == mine]
        return next(iter((*own, *(one for one in owed if one.trial is None))), None)

    def _operations(self, whose: Plated) -> Operations:
        (trial, attempt), replicate = whose.parts[0], 0 if whose.names is None else BEFORE_PLATE
        return Operations(self._setup.key, trial, replicate=replicate, attempt=attempt)

    def with_owed(self, end: End) -> End:
        """The end of the campaign, with what is still owed to the lab in its reason."""
        plans = [f"{one.plan} (for trial {one.failed})" for one in recoveries.owed(self._journal, self._setup.id)]
        return replace(end, reason=f"{end.reason}; still owed to the lab: {', '.join(plans)}") if plans else end

    def _recovery(self, owed: OwedRecovery, operations: Operations) -> Step:
        plan = self._setup.make_recovery[owed.plan](operations, owed.sample)
        return Step(owed.plan, plan, lambda _: recoveries.done(self._journal, owed))
