"""The loop of one campaign: suggest, screen, run, reduce, ingest, until the goal is met."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from autolab.campaign.aftermath import Aftermath
from autolab.campaign.asking import Asking
from autolab.campaign.book import Book
from autolab.campaign.confirming import Confirming
from autolab.campaign.desk import Desk
from autolab.campaign.events import CampaignResult, Observer, StopRequested
from autolab.campaign.finishing import finish
from autolab.campaign.injecting import Injecting
from autolab.campaign.lab import OpenLab
from autolab.campaign.lane import Lane
from autolab.campaign.permitting import Permitting
from autolab.campaign.plates import Hands, Plates
from autolab.campaign.recovery import Fate, Recovered, Unfinished, fate_of, settle, unfinished
from autolab.campaign.reducing import Reducing
from autolab.campaign.rules import after_fault, bad_end, changed_underway, good_end, in_doubt, silent_end, unproposed
from autolab.campaign.screening import Screening
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stopping import End, StopRequest, StopSwitch
from autolab.campaign.stopwatch import Stopwatch
from autolab.campaign.supplies import Supplies
from autolab.campaign.telling import Teller
from autolab.campaign.underway import Running, abort_all, begin, idle_lane, open_lanes, started
from autolab.core.clock import VirtualClock
from autolab.core.errors import AutolabError, DeviceError, InputError, InterruptedByPerson, ProposerError, StorageError
from autolab.core.faults import kind_of
from autolab.core.proposing import Proposer
from autolab.core.samples import Sample
from autolab.core.trials import Suggestion, Verdict
from autolab.journal.journal import Journal
from autolab.screen import SCREEN

__all__ = ["Campaign"]


class Campaign:
    """Runs one campaign in an open lab. All of its state is here and in the journal.

    Args:
        setup: The campaign.
        lab: The lab, open.
        proposer: Suggests the trials.
        journal: Keeps the record; the campaign's start is written already.
        observers: Told of what happens; they cannot change it.
        stop: The switch by which a person stops it.
        past: Where it stood when it was interrupted; None for a new one.
        desk: Where people's decisions about trials arrive.
    """

    def __init__(
        self,
        setup: CampaignSetup,
        lab: OpenLab,
        proposer: Proposer,
        journal: Journal,
        observers: Sequence[Observer] = (),
        stop: StopSwitch | None = None,
        past: Recovered | None = None,
        desk: Desk | None = None,
    ) -> None:
        self._setup, self._lab, self._proposer, self._journal = setup, lab, proposer, journal
        self._stop = stop or StopSwitch()
        self._heeded: StopRequest | None = None
        self._past = past
        self._book = Book() if past is None else past.book
        self._ready: deque[Suggestion] = deque()
        self._running: list[Running] = []
        self._end: End | None = None
        self._unfinished: deque[Unfinished] = deque()
        origin_s = lab.clock.now() - (0.0 if past is None else past.lab_s)
        self.teller = Teller(setup.problem, self._book, observers, lambda: lab.clock.now() - origin_s)
        self._supplies = Supplies(setup, lab, journal, self.teller.note)
        self._aftermath = Aftermath(setup, self._book, journal, self._supplies.calibrating, past and past.attempts)
        searched_s = None if past is None else past.searched_s
        self._confirming = Confirming(setup, self._book, proposer, journal, lab.realm, searched_s)
        self._asking = Asking(setup, self._book, proposer, self._supplies, self._confirming)
        self._reducing = Reducing(setup, lab, journal)
        self._stopwatch = Stopwatch(lab.clock, journal)
        self._screening = Screening(setup, lab, self._book, self._supplies, self._stopwatch)
        self._permitting = Permitting(setup, journal, desk := desk or Desk())
        self._injecting = Injecting(setup, self._book, journal, desk, lab.realm, self._confirming)
        acts = (self._reduce, self._fail, self._fate, self._doubt, self._interrupted, self._judge_end)
        parts = (setup, lab, journal, self._book, self._confirming, self._supplies, self._screening, self._aftermath)
        self._plates = Plates(*parts, Hands(*acts, self._stop.power_end))
        self.lanes = open_lanes(setup, lab, journal, self.teller, self._supplies.book)

    def run(self) -> CampaignResult:
        """Run the campaign to its end. Returns how it ended; errors of trials are recorded, not raised.

        Raises:
            StorageError: the journal cannot be written: nothing more is done.
        """
        self.teller.tell(started(self._setup, self._lab, len(self._book.concluded)))
        try:
            if self._past is not None:
                self._recover(self._past)
            while not self._is_over() or self._confirms():
                begun = len(self._book.suggestions) - len(self._ready)
                self.teller.note(self._supplies.outlook(self._setup.planned - begun))
                self._prepare()
                self._attend()
                self._start()
                self._ask()
                self._wait()
                self._conclude()
                self._heed_stop()
        finally:
            self._asking.close()
            for lane in self.lanes:
                lane.close()
        return self._finish()

    def _recover(self, past: Recovered) -> None:
        """Settle what was under way, and put each trial where it goes on."""
        for number in past.reduced:
            self._journal.ingested(self._setup.id, number, self._stopwatch.lap(0.0))
        self._ready.extend(past.ready)
        for trial in settle(past, self._fate, self._fail, self._doubt):
            if not self._permitting.is_what_was_approved(trial.suggestion, trial.attempt):
                self._end = self._end or changed_underway(self._setup.id, trial.suggestion.trial)
            elif not self._plates.resumes(trial):
                self._unfinished.append(trial)
        for suggestion, verdict in past.unscreened:
            self._judge(suggestion, verdict)

    def _fate(self, trial: Unfinished) -> Fate:
        return fate_of(trial, self._lab.devices, self._lab.clock, self._journal)

    def _doubt(self, number: int, fate: Fate) -> None:
        """Nobody knows what became of an action: a device that is silent says it later, or else a person does."""
        self._journal.doubt(self._setup.id, number, fate.why)
        self._end = self._end or in_doubt(number, fate.why, is_silent=fate.is_silent)

    # suggestions

    def _ask(self) -> None:
        self._end = self._end or self._asking.end()
        if self._end is None and self._asking.asked is None:
            self._injecting.take(self._judge)
            self._asking.ask()

    def _prepare(self) -> None:
        """Receive what is due. The loop waits only where it has nothing else to do.

        Under the virtual clock that is also the only time when it receives: when an answer comes is a matter of real
        time, and may not be seen in the record.
        """
        while True:
            self._ask()
            asked = self._asking.asked
            if asked is None:
                return
            if not (self._running or self._ready):
                self._stopwatch.wait_for_proposer([asked, *self._stop.after(self._heeded)])
            elif isinstance(self._lab.clock, VirtualClock):
                return
            if not asked.done():
                return
            self._receive(asked)

    def _receive(self, asked: Future[Suggestion]) -> None:
        """Screen and record a suggestion."""
        try:
            suggestion = self._asking.take(asked)
        except ProposerError as error:
            self._end = self._end or unproposed(error)
            return
        if self._end is None:
            with self._journal.commit():
                self._journal.suggest(self._setup.id, self._lab.realm, suggestion)
                self._judge(suggestion)

    def _judge(self, suggestion: Suggestion, before: Verdict | None = None) -> None:
        """Screen a suggestion; ``before`` is what was said of it before an interruption, where it waits for people."""
        attempt, is_idle = self._aftermath.attempt(suggestion.trial), not (self._running or self._unfinished)
        self._book.suggestions[suggestion.trial] = suggestion
        try:
            verdict = self._screening.verdict(suggestion, attempt, is_idle=is_idle, before=before)
        except DeviceError as error:  # it is judged when the campaign is resumed
            self._end = self._end or End("failed", str(error), error.exit_code)
            return
        self._follow(suggestion, verdict, attempt)

    def _follow(self, suggestion: Suggestion, verdict: Verdict, attempt: int) -> None:
        with self._journal.commit():
            self._journal.screen(self._setup.id, suggestion, verdict, SCREEN)
            if verdict.decision == "needs approval":
                self.teller.note(self._permitting.hold(suggestion, verdict, attempt))
        if verdict.decision == "refused":
            self._book.refused(suggestion.trial, verdict)
            self._refused(suggestion.trial, verdict)
        self._ready.extend([suggestion] if verdict.decision == "allowed" else [])

    def _attend(self) -> None:
        """Hear what people say about the trials that wait for them."""
        self._injecting.attend()
        ready, refusals = self._permitting.attend()
        self._ready.extend(ready)
        for refusal in refusals:
            self._ready = deque(ready for ready in self._ready if ready.trial != refusal.trial)
            self._refused(refusal.trial, Verdict("refused", (refusal.why,)))
        if not (self._running or self._ready or self._unfinished or self._asking.asked):
            self._end = self._end or self._permitting.nobody()

    def _refused(self, number: int, verdict: Verdict) -> None:
        self._book.concluded[number] = None
        self.teller.trial_ended(number, "refused", "; ".join(verdict.reasons))
        self._judge_end(None)

    # trials

    def _start(self) -> None:
        """Give trials to idle lanes, where the stations are free: interrupted ones first, then plates to measure."""
        while due := self._plates.due(self._end) or ((self._unfinished or self._ready) and self._end is None):
            lane = idle_lane(self.lanes, self._running, holds_stations=bool(self._setup.stations))
            if lane is None:
                return
            if isinstance(due, tuple) and not (self._unfinished and self._end is None):
                begun, end = self._plates.measure(due, lane)
                self._running += begun
                self._end = end or self._end
                continue
            if self._unfinished:
                trial = self._unfinished.popleft()
                number, why = trial.suggestion.trial, "resumed: what was done is not done again"
                with self._journal.commit():
                    self._journal.begin_again(self._setup.id, number, lane.number, why, trial.attempt)
                    prelude = self._aftermath.prelude(number)
                what = (trial.suggestion, trial.sample, trial.attempt)
                self._running.append(begin(self._setup, self._lab, self.teller, lane, *what, prelude))
                continue
            if not self._begin_next(lane, self._ready.popleft()):
                return

    def _begin_next(self, lane: Lane, suggestion: Suggestion) -> bool:
        """Begin an attempt at a trial that was allowed, unless its region is closed by now. False: it has to wait."""
        setup, number, bench = self._setup, suggestion.trial, self._lab.bench
        attempt = self._aftermath.attempt(number)
        try:
            verdict = self._screening.last_verdict(suggestion, attempt, self._aftermath.first(number))
        except DeviceError as error:
            self._ready.appendleft(suggestion)
            self._end = End("failed", str(error), error.exit_code)
            return False
        if verdict.decision == "refused":
            self._journal.refuse_late(self._setup.id, number, "; ".join(verdict.reasons))
            self._refused(number, verdict)
            return True
        if not self._permitting.permits(suggestion, verdict, attempt):
            self._follow(suggestion, verdict, attempt)
            return True
        sample, lacking = self._supplies.take(number, attempt, self._screening.needs_ul)
        if lacking is not None:
            self._ready.appendleft(suggestion)
            self._end = End("paused", lacking, InterruptedByPerson.exit_code)
            return False
        with self._journal.commit():
            self._permitting.use(suggestion)
            if attempt == 1:
                self._journal.begin(self._setup.id, suggestion, lane.number, sample, bench)
            else:
                self._journal.begin_again(setup.id, number, lane.number, f"attempt {attempt}", attempt, sample, bench)
            prelude = self._aftermath.prelude(number)
        self._screening.begins()
        self._running.append(begin(setup, self._lab, self.teller, lane, suggestion, sample, attempt, prelude))
        return True

    def _wait(self) -> None:
        futures: list[Future[Any]] = [running.future for running in self._running]
        if self._asking.asked is not None and not isinstance(self._lab.clock, VirtualClock):
            futures.append(self._asking.asked)
        if futures or (self._permitting.waiting and self._end is None):
            futures.append(self._permitting.arrived)
            wait([*futures, *self._stop.after(self._heeded)], return_when=FIRST_COMPLETED)

    def _conclude(self) -> None:
        """Reduce and ingest the trials whose plans are over, in the order of their numbers."""
        over = sorted((r for r in self._running if r.future.done()), key=lambda r: r.suggestion.trial)
        for running in over:
            self._running.remove(running)
            number = running.suggestion.trial
            self._supplies.over(number)
            error = running.future.exception()
            if running.plate:
                end = self._plates.over(running, error)
                self._end = self._end or end
                continue
            if error is None:
                error = self._reduce(running) if self._setup.plate is None else self._plates.prepared(running)
            if isinstance(error, StorageError):  # nothing can be recorded: the trial goes on when there is room
                raise error
            if isinstance(error, InterruptedByPerson):
                self._interrupted(number, error)
            elif error is not None:
                self._failed(running, error)
            self._judge_end(error)

    def _failed(self, running: Running, error: BaseException) -> None:
        """A plan has failed: its devices are asked what they did. A silent one interrupts the trial, until a resume."""
        self._end = self._end or self._stop.power_end()
        trial = unfinished(self._journal, self._setup.id, running.suggestion, running.sample, running.attempt)
        fate = self._fate(trial)
        if fate.what == "in doubt":
            self._doubt(running.suggestion.trial, fate)
        elif fate.has_done:
            self._unfinished.append(trial)
        elif fate.what == "failed" or (end := silent_end(error, self._lab.check)) is None:
            self._fail(running.suggestion.trial, error, running.sample)
        else:
            self._end = self._end or end

    def _interrupted(self, number: int, error: InterruptedByPerson) -> None:
        """A trial whose plan a person ended: it goes on when the campaign is resumed, unless that is over for good."""
        if self._end is None:  # the plan itself asked for a pause
            self._end = End("paused", f"trial {number}: {error}", error.exit_code)
        elif self._end.state == "stopped":
            self._journal.abandon(self._setup.id, number, str(error))
            self._book.concluded[number] = None
            self.teller.trial_ended(number, "abandoned", str(error))

    def _reduce(self, running: Running) -> BaseException | None:
        """Turn data into an outcome and tell the proposer; returns why that failed, or None."""
        setup, number = self._setup, running.suggestion.trial
        self._journal.acquired(setup.id, number)
        try:
            outcome = self._reducing.outcome(number, running.attempt, running.lane.documents)
        except InputError as error:
            return error
        with self._journal.commit():
            self._journal.reduced(setup.id, number, 1, 1, outcome)
            self._journal.ingested(setup.id, number, self._stopwatch.lap(running.lane.device_seconds))
        self._book.concluded[number] = outcome
        self.teller.trial_ended(number, "ingested", None)
        return None

    def _fail(self, number: int, error: BaseException, sample: Sample | None) -> None:
        """Record a failure, and do what the campaign says about its kind."""
        if not isinstance(error, AutolabError):
            raise error
        self._stopwatch.restart()
        policy, is_tried_again = self._aftermath.failed(number, error, sample)
        if is_tried_again:
            self._ready.appendleft(self._book.suggestions[number])
            return
        self._book.concluded[number] = None
        self.teller.trial_ended(number, "failed", str(error))
        self._end = self._end or after_fault(number, kind_of(error), policy, error)

    def _judge_end(self, error: BaseException | None) -> None:
        """Decide whether the campaign is over, after a trial has concluded."""
        if self._end is not None:
            return
        setup, book, n_failures = self._setup, self._book, self._book.failures_in_a_row(self._setup.problem.space)
        self._end = bad_end(error, self._lab.trip.cause, self._lab.check, n_failures, setup.stopping)
        if self._end is None and self._confirming.end is None:
            best, outcomes, lab_s = book.best(setup.problem), book.outcomes(), self.teller.lab_s()
            self._end = good_end(setup.problem, setup.budget, setup.stopping, best, outcomes, lab_s)

    def _heed_stop(self) -> None:
        """Do what a person asked for: finish the running trials, or stop the devices now."""
        request = self._stop.asked
        if request is None or request == self._heeded:
            return
        self._heeded, self._end, by = request, request.end, request.by or self._setup.principal
        self._journal.intervene(self._setup.id, None, by, request.cause, request.reason)
        self.teller.tell(StopRequested(request.at_once, request.reason))
        for lane in self.lanes:
            lane.pause()
        if request.at_once:
            abort_all(self._running, request.reason)
            self._conclude()

    def _is_over(self) -> bool:
        is_over = self._confirming.is_used_up if self._end is None else not self._running
        return is_over and not self._plates.due(self._end)

    def _confirms(self) -> bool:
        """Begin to confirm the winner, where that is wanted and due: then the loop goes on. False: it is over."""
        chosen = self._confirming.begin(self._end, self._ready, self.teller)
        if chosen:
            self._end, self._ready = None, deque()
            self._asking.drop()
        for suggestion in chosen:
            self._judge(suggestion)
        return bool(chosen)

    # the end

    def _finish(self) -> CampaignResult:
        left = (*self._ready, *self._permitting.waiting, *self._plates.suggestions)
        end = self._aftermath.with_owed(self._end or self._confirming.at_last)
        return finish(self._setup, end, left, self._book, self._journal, self.teller, self._proposer)
