"""What follows from a fault: another attempt, a plan that brings the lab in order, a region that is closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autolab.campaign.book import Book
from autolab.campaign.lane import Prelude
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stopping import End
from autolab.core.errors import AutolabError
from autolab.core.faults import FaultPolicy, kind_of
from autolab.core.operations import Operations
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
        attempts: Number of the attempt that each trial is at, where the campaign was interrupted.
    """

    def __init__(self, setup: CampaignSetup, book: Book, journal: Journal, attempts: Mapping[int, int]) -> None:
        self._setup, self._book, self._journal = setup, book, journal
        self._attempts = dict(attempts)
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

    def prelude(self, trial: int) -> Prelude | None:
        """What is to be done before a trial's plan, from here on by this trial; None where nothing is.

        A plan that the campaign file does not name any more stays owed.
        """
        wait_s, attempt = self._wait_s.pop(trial, 0.0), self.attempt(trial)
        owed = self._owed_before(trial)
        if owed is None:
            return Prelude(wait_s) if wait_s else None
        recoveries.begin(self._journal, owed, trial, attempt)
        return self._recovery(wait_s, owed, self._operations(trial))

    def recovered_first(self, trial: int) -> First | None:
        """The recovery plan that comes before a trial's plan, see `prelude`; None where none does."""
        owed = self._owed_before(trial)
        return owed and First(owed.plan, self._operations(trial), owed.sample)

    def _owed_before(self, trial: int) -> OwedRecovery | None:
        known, mine = self._setup.make_recovery, (trial, self.attempt(trial))
        if not known:
            return None
        owed = [one for one in recoveries.owed(self._journal, self._setup.id) if one.plan in known]
        own = [one for one in owed if (one.trial, one.attempt) == mine]
        return next(iter((*own, *(one for one in owed if one.trial is None))), None)

    def _operations(self, trial: int) -> Operations:
        return Operations(self._setup.key, trial, replicate=0, attempt=self.attempt(trial))

    def with_owed(self, end: End) -> End:
        """The end of the campaign, with what is still owed to the lab in its reason."""
        plans = [f"{one.plan} (for trial {one.failed})" for one in recoveries.owed(self._journal, self._setup.id)]
        return replace(end, reason=f"{end.reason}; still owed to the lab: {', '.join(plans)}") if plans else end

    def _recovery(self, wait_s: float, owed: OwedRecovery, operations: Operations) -> Prelude:
        plan = self._setup.make_recovery[owed.plan](operations, owed.sample)
        return Prelude(wait_s, owed.plan, plan, lambda: recoveries.done(self._journal, owed))
