"""Plates of a campaign: trials that are prepared wait here until all of their plate are, and are measured together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from autolab.campaign.aftermath import Aftermath
from autolab.campaign.book import Book
from autolab.campaign.confirming import Confirming
from autolab.campaign.lab import OpenLab
from autolab.campaign.lane import Lane, Prelude
from autolab.campaign.plated import Plated
from autolab.campaign.recovery import Fate, Unfinished, unfinished
from autolab.campaign.rules import silent_end
from autolab.campaign.screening import Screening
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stopping import End
from autolab.campaign.supplies import Supplies
from autolab.campaign.underway import Running
from autolab.core.errors import DeviceError, InterruptedByPerson, PlanError, StorageError
from autolab.core.operations import SHARED, Operations
from autolab.core.plates import Prepared, plate_of
from autolab.core.samples import Sample
from autolab.core.trials import Suggestion
from autolab.journal import plates
from autolab.journal.journal import Journal

__all__ = ["Hands", "Plates", "Waiting"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A trial that is prepared."""

    suggestion: Suggestion
    sample: Sample
    attempt: int

    @property
    def trial(self) -> int:
        """Number of the trial."""
        return self.suggestion.trial


@dataclass(frozen=True)
class Hands:
    """What the loop does about trials."""

    reduce: Callable[[Running], BaseException | None]
    fail: Callable[[int, BaseException, Sample | None], None]
    fate: Callable[[Unfinished], Fate]
    doubt: Callable[[int, Fate], None]
    interrupted: Callable[[int, InterruptedByPerson], None]
    judge_end: Callable[[BaseException | None], None]
    power_end: Callable[[], End | None]


class Plates:
    """Keeps the prepared trials of one campaign, and begins the measuring of their plates.

    Which trials share a plate depends on their numbers alone, see `autolab.core.plates.PlateSpec`.

    Args:
        setup: The campaign.
        lab: The lab, open.
        journal: Keeps the record.
        book: What is known of each trial.
        confirming: Says whether more trials may be suggested.
        supplies: Knows what is left, and what is to be calibrated.
        screening: Judges plates.
        aftermath: Knows what is owed to the lab.
        hands: What the loop does about trials.
    """

    def __init__(
        self,
        setup: CampaignSetup,
        lab: OpenLab,
        journal: Journal,
        book: Book,
        confirming: Confirming,
        supplies: Supplies,
        screening: Screening,
        aftermath: Aftermath,
        hands: Hands,
    ) -> None:
        self._setup, self._lab, self._journal, self._book, self._confirming = setup, lab, journal, book, confirming
        self._supplies, self._screening, self._aftermath, self._hands = supplies, screening, aftermath, hands
        self.waiting: list[Waiting] = []
        """Trials that are prepared, in the order of their numbers."""

    @property
    def suggestions(self) -> list[Suggestion]:
        """Of the trials that are prepared."""
        return [one.suggestion for one in self.waiting]

    def prepared(self, running: Running) -> None:
        """Record that the plan of a trial has ended: it waits for its plate."""
        plates.prepared(self._journal, self._setup.id, running.suggestion.trial, running.attempt)
        self.take([_waiting(running.suggestion, running.sample, running.attempt)])

    def take(self, trials: Iterable[Waiting]) -> None:
        """Trials that are prepared, by the record."""
        self.waiting = sorted([*self.waiting, *trials], key=lambda one: one.trial)
        self._book.prepared |= {one.trial for one in self.waiting}

    def resumes(self, trial: Unfinished) -> bool:
        """Take a trial of an interrupted campaign, where it is prepared. Returns whether it is."""
        if trial.is_prepared:
            self.take([_waiting(trial.suggestion, trial.sample, trial.attempt)])
        return trial.is_prepared

    def due(self, end: End | None) -> tuple[Waiting, ...]:
        """The prepared trials of the first plate that is complete; none where there is none.

        A plate is complete when all of its trials are prepared or over, and no further one may be suggested. What is
        prepared when the campaign has finished otherwise is measured too.

        Args:
            end: How the campaign ends, where that is known.
        """
        size = self._setup.per_plate
        if not self.waiting or (end is not None and end.state != "finished"):
            return ()
        number = (self.waiting[0].trial - 1) // size
        mine = tuple(one for one in self.waiting if (one.trial - 1) // size == number)
        waiting = {one.trial for one in mine}
        block = range(number * size + 1, (number + 1) * size + 1)
        is_open = any(t in self._book.suggestions and t not in self._book.concluded and t not in waiting for t in block)
        more = self._book.next_number in block and not self._confirming.is_searched
        return mine if end is not None or not (is_open or more) else ()

    def measure(self, due: tuple[Waiting, ...], lane: Lane) -> tuple[list[Running], End | None]:
        """Have a lane measure a plate, or say why the campaign ends before that: the plate waits for a resume."""
        journal, campaign, lead = self._journal, self._setup.id, due[0].trial
        own = tuple((one.trial, one.attempt) for one in due)
        plated = Plated(own, plates.names_of(journal, campaign, own), plates.spent(journal, campaign, own))
        try:
            refused = self._screening.refuses_plate(self._shown(due), self._aftermath.first(lead, plated))
        except DeviceError as error:
            return [], End("failed", str(error), error.exit_code)
        if refused is not None:
            numbers = ", ".join(str(one.trial) for one in due)
            said = f"the plate of trials {numbers} may not be measured: {refused}; see to it, then resume"
            return [], End("paused", said, InterruptedByPerson.exit_code)
        if not plated.has_begun(journal.past(campaign, *own[0], plated.trials)):
            lacking = self._supplies.lacks_for_plate([trial for trial, _ in own], self._screening.needs_ul)
            if lacking is not None:
                return [], End("paused", lacking, InterruptedByPerson.exit_code)
        with journal.commit():
            plates.measure(journal, campaign, own, lane.number)
            prelude = self._aftermath.prelude(lead, plated)
        return [self._begin(due, lane, plated, prelude)], None

    def over(self, running: Running, error: BaseException | None) -> End | None:
        """A plate was measured, or that failed: for all of its trials alike.

        Returns:
            Why the campaign ends, where a device is silent.
        """
        for part in running.plate:
            self._supplies.over(part.suggestion.trial)
        if isinstance(error, StorageError):
            raise error
        if error is None:
            with self._journal.commit():  # its trials have their outcomes together
                found = [(part, self._hands.reduce(part)) for part in running.plate]
            for part, bad in found:
                if bad is not None:
                    self._hands.fail(part.suggestion.trial, bad, part.sample)
                self._hands.judge_end(bad)
            return None
        if isinstance(error, InterruptedByPerson):
            for part in running.plate:
                self._hands.interrupted(part.suggestion.trial, error)
            return None
        end = self._failed(running, error)
        self._hands.judge_end(error)
        return end

    def _failed(self, running: Running, error: BaseException) -> End | None:
        power = self._hands.power_end()
        fates = [(part, self._fate(part)) for part in running.plate]
        doubts = [(part, fate) for part, fate in fates if fate.what == "in doubt"]
        for part, fate in doubts:
            self._hands.doubt(part.suggestion.trial, fate)
        if doubts:
            return power
        if any(fate.has_done for _, fate in fates):
            self.take(_waiting(part.suggestion, part.sample, part.attempt) for part in running.plate)
            return power
        end = silent_end(error, self._lab.check)
        if end is None or any(fate.what == "failed" for _, fate in fates):
            for part in running.plate:
                self._hands.fail(part.suggestion.trial, error, part.sample)
            return power
        return power or end

    def _fate(self, part: Running) -> Fate:
        trial = unfinished(self._journal, self._setup.id, part.suggestion, part.sample, part.attempt)
        return self._hands.fate(trial)

    def _shown(self, due: tuple[Waiting, ...]) -> tuple[Prepared, ...]:
        """A plate as its plan sees it.

        Raises:
            InputError: two of its trials are in one well.
        """
        key = self._setup.key
        return plate_of(Prepared(one.trial, one.sample, Operations(key, one.trial, attempt=one.attempt)) for one in due)

    def _begin(self, due: tuple[Waiting, ...], lane: Lane, plated: Plated, prelude: Prelude | None) -> Running:
        setup = self._setup
        if setup.make_measure is None or setup.plate is None or plated.names is None:
            raise PlanError("a plate without a plan that measures it")
        trial, attempt = plated.names
        md = setup.metadata(due[0].trial, lane.number, self._lab.name, self._lab.realm)
        md |= {"trials": [number for number, _ in plated.parts], "plan_name": setup.plate.measure}
        plan = setup.make_measure(self._shown(due), Operations(setup.key, trial, SHARED, attempt), md)
        future = lane.submit(due[0].trial, due[0].attempt, plan, md, prelude, plated)
        parts = tuple(Running(lane, one.suggestion, one.sample, one.attempt, future) for one in due)
        self.waiting = [one for one in self.waiting if one not in due]
        self._book.prepared -= {one.trial for one in due}
        return replace(parts[0], plate=parts)


def _waiting(suggestion: Suggestion, sample: Sample | None, attempt: int) -> Waiting:
    if sample is None:
        raise PlanError(f"trial {suggestion.trial} was prepared without a well")
    return Waiting(suggestion, sample, attempt)
