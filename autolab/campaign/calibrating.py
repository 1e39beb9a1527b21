"""Calibrations of a campaign: which are due before a trial, what they give, and which measurements rely on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bluesky.utils import Msg

from autolab.campaign.lab import OpenLab
from autolab.campaign.plated import Plated
from autolab.campaign.prelude import Document, Step
from autolab.campaign.setup import CalibrationPlan, CampaignSetup
from autolab.campaign.wells import Wells
from autolab.core.calibrations import Calibration, Standing, Validity, why_invalid
from autolab.core.clock import VirtualClock
from autolab.core.errors import CalibrationError, InputError
from autolab.core.operations import BEFORE_PLATE, CALIBRATING, OperationId, Operations
from autolab.core.trials import Outcome
from autolab.journal import calibrations
from autolab.journal.calibrations import Begun, Performed
from autolab.journal.journal import Journal
from autolab.journal.trialdata import trial_data
from autolab.screen.rig import First

__all__ = ["Calibrating"]


class Calibrating:
    """Judges the calibrations that the trials of a campaign rely on, by the record of their lab.

    Args:
        setup: The campaign.
        lab: The lab, open.
        journal: Keeps the record, also of other campaigns on this bench.
        wells: Gives wells to calibrations; None where no plan takes one.
        note: Told what was performed, in one sentence. Callable from any thread.
    """

    def __init__(
        self,
        setup: CampaignSetup,
        lab: OpenLab,
        journal: Journal,
        wells: Wells | None,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._setup, self._lab, self._journal, self._wells, self._note = setup, lab, journal, wells, note
        self._plans = {plan.name: plan for plan in setup.calibrations}
        self._asked = [name for name in setup.calibrate if name in self._plans]
        self._longest_s = 0.0
        """Lab seconds from the beginning of a trial's plan to its last measurement: the longest so far."""
        known = {record.name: f"{record.model} no. {record.serial_number}" for record in lab.records}
        self._instruments = {
            name: {device: known.get(device, "") for device in plan.calibration.of}
            for name, plan in self._plans.items()
        }

    @property
    def is_idle(self) -> bool:
        """Whether no calibration matters to the campaign."""
        return not self._plans

    # before a trial

    def refusal(self, n_trials: int = 1) -> str | None:
        """Why no trial can begin before a person has had something calibrated, in one sentence; None where one can.

        Args:
            n_trials: Trials of the plate that is to be measured; 1 for a trial by itself.
        """
        for plan in self._plans.values():
            if plan.calibration.if_invalid == "wait" or plan.name in self._asked:
                continue
            if (why := self._why_invalid(plan, n_trials)) is not None:
                return (
                    f"{plan.calibration} does not stand: {why}; have it performed with 'autolab resume "
                    f"{self._setup.id} --calibrate {plan.name}', or with 'autolab calibrate LAB {plan.name}' and then "
                    "resume"
                )
        return None

    def n_wells(self, n_trials: int = 1) -> int:
        """Wells that the calibrations before the next trial, or before a plate of so many, may take."""
        return sum(self._plans[name].uses_samples for name in self._expected(n_trials))

    def foreseen(self, whose: Plated) -> tuple[First, ...]:
        """The calibrations that may be performed before an attempt at a trial, or before a plate is measured."""
        found: list[First] = []
        trial, attempt = whose.parts[0]
        if self._has_begun(whose):
            return ()
        n_wells = int(self._setup.uses_samples and whose.names is None)  # the first free one is the trial's
        for number, name in enumerate(self._expected(len(whose.parts))):
            operations = Operations(self._setup.key, trial, replicate=CALIBRATING + number, attempt=attempt)
            sample = None
            if self._plans[name].uses_samples and self._wells is not None:
                sample = self._wells.spare(f"{self._setup.id}.c{number}", n_wells)
                n_wells += 1
            found.append(First(name, operations, sample, is_calibration=True))
        return tuple(found)

    def steps(self, whose: Plated) -> Iterator[Step]:
        """Perform what is due, one after the other: what one shows may make another one due.

        A plan that was interrupted in the middle goes on without: what it has done must not be moved aside.

        Args:
            whose: Which trials the plan is for that follows.

        Raises:
            CalibrationError: one does not stand although it was performed, or only a person may have it performed.
        """
        trial, attempt = whose.parts[0]
        n_trials = len(whose.parts)
        for number, _ in whose.parts if self._plans else ():
            calibrations.close_open(self._journal, self._setup.id, number)
        if not self._plans or self._has_begun(whose):
            return
        times = Counter[str]()
        while (due := self._next_due(n_trials)) is not None:
            times[due.name] += 1
            if times[due.name] > 2:
                why = self._why_invalid(due, n_trials) or "its reference does not hold still"
                raise CalibrationError(
                    f"{due.calibration} was performed twice, and does not stand: {why}: look at the instrument"
                )
            yield self._performance(due, trial, attempt)
        for plan in self._plans.values():
            if (why := self._why_invalid(plan, n_trials)) is not None:
                raise CalibrationError(f"{plan.calibration} does not stand: {why}")

    def watch(self, whose: Plated) -> Callable[[Msg, str], None]:
        """What is told of each message of the plan of trials, with the run: notes on what a measurement relies.

        All trials of a plate rely on what its run relies on; a measurement counts once, with the first one.

        It raises a `CalibrationError` where an instrument is to be used whose calibration does not stand any more.
        """
        noted: set[tuple[int, str]] = set()
        begun_lab_s: list[float] = []

        def heed(msg: Msg, run: str) -> None:
            if not begun_lab_s:
                begun_lab_s.append(self._lab.clock.now())
            if self._plans and (use := _use(msg)) is not None:
                self._longest_s = max(self._longest_s, self._lab.clock.now() - begun_lab_s[0])
                self._rely(*use, run, whose.parts, noted)

        return heed

    # inside

    def _why_invalid(self, plan: CalibrationPlan, n_trials: int) -> str | None:
        """Why a calibration does not stand now for so many trials at once, in a few words; None where it does."""
        last = self._last(plan.name)
        n_next = n_trials if plan.is_for_plates else 1
        standing = None if last is None else replace(self._standing(plan.calibration, last), n_next=n_next)
        return why_invalid(plan.calibration, standing)

    def _expected(self, n_trials: int) -> list[str]:
        """Names of what may be performed before the next trial: what is due, and what its references may make due."""
        due = [name for name, plan in self._plans.items() if self._is_due(plan, n_trials)]
        shown = [
            plan.name
            for plan in self._plans.values()
            if plan.name not in due and plan.calibration.valid.drift is not None
            if plan.calibration.valid.drift.of in due and plan.calibration.if_invalid == "wait"
        ]
        again = [drift.of for name in (*due, *shown) if (drift := self._plans[name].calibration.valid.drift)]
        return [*due, *shown, *again]

    def _next_due(self, n_trials: int) -> CalibrationPlan | None:
        return next((plan for plan in self._plans.values() if self._is_due(plan, n_trials)), None)

    def _is_due(self, plan: CalibrationPlan, n_trials: int) -> bool:
        if plan.name in self._asked:
            return True
        if plan.calibration.if_invalid == "refuse":
            return False
        return self._why_invalid(plan, n_trials) is not None or self._is_awaited(plan.name)

    def _is_awaited(self, name: str) -> bool:
        """Whether a calibration was performed whose drift this one shows, and this one not since."""
        since = self._last(name)
        watched = [p.name for p in self._plans.values() if (d := p.calibration.valid.drift) and d.of == name]
        lasts = [last for other in watched if (last := self._last(other)) is not None]
        return any(since is None or since.id < last.id for last in lasts)

    def _last(self, name: str) -> Performed | None:
        return calibrations.last_done(self._journal.states, self._lab.name, self._lab.bench, name)

    def _standing(self, calibration: Calibration, last: Performed) -> Standing:
        valid = calibration.valid
        is_counted = valid.trials is not None or valid.measurements is not None
        trials, measurements = calibrations.uses_of(self._journal.states, last.id) if is_counted else (0, 0)
        is_same = last.declared == calibration.declared and last.instruments == self._instruments[calibration.name]
        ahead_s = 0.0 if valid.time_s is None else min(self._longest_s, valid.time_s / 2.0)
        return Standing(self._age_s(last), trials, measurements, self._drift(calibration, last), is_same, ahead_s)

    def _age_s(self, last: Performed) -> float | None:
        """How old it is. The lab time of a campaign stands still while nothing runs, and a date may be set back."""
        factor = 1.0 if isinstance(self._lab.clock, VirtualClock) else self._lab.clock.factor
        gone = self._lab.clock.date() - datetime.fromisoformat(last.ended or last.begun)
        by_date = gone.total_seconds() * factor
        if last.campaign == self._setup.id and last.lab_s is not None:
            return max(by_date, self._journal.lab_s() - last.lab_s)
        return None if by_date < -1.0 else max(by_date, 0.0)

    def _drift(self, calibration: Calibration, last: Performed) -> float | None:
        drift = calibration.valid.drift
        if drift is None:
            return None
        place = (self._journal.states, self._lab.name, self._lab.bench, drift.of, last.id)
        ends = [done.values for done in (calibrations.first_done(*place), calibrations.last_done(*place)) if done]
        values = [value[drift.metric].value for value in ends if value is not None and drift.metric in value]
        return values[1] - values[0] if len(values) == 2 else None

    def _has_begun(self, whose: Plated) -> bool:
        """Whether the plan of trials has done an action or a phase that is not done again."""
        return whose.has_begun(self._journal.past(self._setup.id, *whose.parts[0], whose.trials))

    def _performance(self, plan: CalibrationPlan, trial: int, attempt: int) -> Step:
        setup, journal, calibration = self._setup, self._journal, plan.calibration
        with journal.commit():
            begun = calibrations.begin(
                journal, calibration, self._instruments[plan.name], setup.id, trial, attempt, setup.principal
            )
            if begun.replicate >= BEFORE_PLATE:
                raise CalibrationError(f"{begun.replicate - CALIBRATING} calibrations were begun before trial {trial}")
            sample = None
            if plan.uses_samples and self._wells is not None:
                sample = self._wells.take_spare(f"{setup.id}.c{begun.id}")
                if sample is None:
                    raise CalibrationError(f"{calibration} needs a free well, and none is left: put in fresh labware")
                calibrations.use_well(journal, setup.id, trial, begun, sample, self._lab.bench)
        operations = Operations(setup.key, trial, replicate=begun.replicate, attempt=attempt)

        def done(documents: Sequence[Document]) -> None:
            self._ended(plan, begun, documents)

        md = {"calibration": plan.name, "kind": calibration.kind}
        return Step(f"{calibration.kind} {plan.name}", plan.make(operations, sample), done, md)

    def _ended(self, plan: CalibrationPlan, begun: Begun, documents: Sequence[Document]) -> None:
        runs = [str(document["uid"]) for name, document in documents if name == "start"]
        try:
            values = _reduced(plan, list(documents))
        except InputError as error:
            calibrations.fail(self._journal, begun, runs, str(error))
            raise CalibrationError(f"{plan.calibration} gave nothing usable: {error}") from error
        calibrations.done(self._journal, begun, runs, values)
        if plan.name in self._asked:
            self._asked.remove(plan.name)
        given = ", ".join(f"{name} {estimate.value:.4g}" for name, estimate in (values or {}).items())
        self._note(f"{plan.calibration} was performed{f': {given}' if given else ''}")

    def _rely(
        self, device: str, n: int, run: str, parts: Sequence[tuple[int, int]], noted: set[tuple[int, str]]
    ) -> None:
        """An instrument is used: what was granted when the plan began holds, unless its time is over meanwhile."""
        for plan in self._plans.values():
            calibration = plan.calibration
            if device not in calibration.of:
                continue
            last = self._last(plan.name)
            standing = None if last is None else replace(self._standing(calibration, last), ahead_s=0.0)
            by_time = replace(calibration, valid=Validity(time_s=calibration.valid.time_s))
            why = why_invalid(by_time, standing)
            if last is None or why is not None:
                raise CalibrationError(f"{device}: {calibration} does not stand in the middle of the trial: {why}")
            counted = n if calibration.valid.measurements is not None else 0
            others = () if (last.id, run) in noted else parts[1:]
            if counted or (last.id, run) not in noted:
                noted.add((last.id, run))
                with self._journal.commit():
                    calibrations.use(self._journal, last.id, self._setup.id, *parts[0], run, counted)
                    for other in others:
                        calibrations.use(self._journal, last.id, self._setup.id, *other, run, 0)


def _reduced(plan: CalibrationPlan, documents: list[Document]) -> Outcome | None:
    """What a calibration yields.

    Raises:
        InputError: its data are no good.
    """
    if plan.reduce is None:
        return None
    try:
        return plan.reduce(trial_data(documents))
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"the reducer failed with {type(error).__name__}: {error}") from error


def _use(msg: Msg) -> tuple[str, int] | None:
    """Which device a message uses, and how many measurements or actions that is; None where it uses none."""
    device: Any = msg.obj
    if device is None:
        return None
    root = getattr(device, "root", device)
    is_sensor = not (hasattr(root, "trigger") or hasattr(root, "set"))
    if msg.command in ("trigger", "kickoff") or (msg.command == "read" and is_sensor):
        return root.name, 1
    if msg.command == "set":
        is_action = bool(msg.args) and isinstance(getattr(msg.args[0], "operation", None), OperationId)
        return root.name, int(is_action)
    return None
