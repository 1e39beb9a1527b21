"""What is known of a running campaign, as its events tell it. The views draw it."""

from __future__ import annotations

import statistics
import threading
from collections import deque
from dataclasses import dataclass

from autolab.campaign.events import (
    BypassesChanged,
    CampaignEnded,
    CampaignEvent,
    CampaignStarted,
    Noted,
    PhaseChanged,
    StopRequested,
    TrialEnded,
    TrialStarted,
)
from autolab.core.clock import Clock, real_clock
from autolab.core.front import front_of
from autolab.core.problem import Problem
from autolab.core.trials import Outcome, Suggestion
from autolab.report.numbers import estimate_text, target_text, with_unit

__all__ = ["Progress", "Running"]

LAST_TRIALS = 6
_TYPICAL_OF = 15
"""Number of the latest trials, or plates, whose durations say how long the next ones take."""


@dataclass
class Running:
    """A trial that a lane is running."""

    suggestion: Suggestion
    phase: str = "starting"


class Progress:
    """Keeps what the events say, for whoever draws it, from any thread.

    Args:
        clock: Says the real time that has passed.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or real_clock()
        self._begin_s = self._clock.real()
        self._last_end_s = self._begin_s
        self._durations: deque[float] = deque(maxlen=_TYPICAL_OF)
        self._since_s = self._begin_s
        self._n_since = 0
        self._lab_s = 0.0
        self.lock = threading.RLock()
        self.start: CampaignStarted | None = None
        self.running: dict[int, Running] = {}
        """By lane. Never changed in place: a signal handler may be reading it."""
        self._outcomes: list[tuple[int, Outcome]] = []
        self.ended: deque[TrialEnded] = deque(maxlen=LAST_TRIALS)
        self.bypasses: tuple[str, ...] = ()
        """A sentence for each interlock that is bypassed."""
        self.done = 0
        self.best_trial: int | None = None
        self.best_value: float | None = None
        self._errors: dict[int, float | None] = {}

    def note(self, event: CampaignEvent) -> None:
        """Take note of an event."""
        with self.lock:
            match event:
                case CampaignStarted():
                    self.start, self.done = event, event.done
                    self._last_end_s = self._since_s = self._clock.real()
                case TrialStarted():
                    self.running = {**self.running, event.lane: Running(event.suggestion)}
                case PhaseChanged():
                    if event.lane in self.running:
                        self.running[event.lane].phase = event.phase
                case TrialEnded():
                    self._end(event)
                case BypassesChanged():
                    self.bypasses = event.bypasses
                case StopRequested() | Noted() | CampaignEnded():
                    pass

    @property
    def elapsed_s(self) -> float:
        """Real seconds since the command started."""
        return self._clock.real() - self._begin_s

    @property
    def left_s(self) -> float | None:
        """Real seconds left: trials left times the median time between their ends; None while unknown or at the end.

        Trials that share a plate end together: the time between plates counts, shared out among their trials. Where
        the budget has hours, what is left of them counts too, at the pace at which lab time has passed.
        """
        if self.start is None or not self._durations or self.done >= self.start.budget_trials:
            return None
        left = max(self.start.budget_trials - self.done, 0) * statistics.median(self._durations) / self.start.per_plate
        if self.start.budget_hours is not None and self._lab_s > 0:
            pace = self._lab_s / max(self._last_end_s - self._begin_s, 1e-9)
            left = min(left, max(self.start.budget_hours * 3600 - self._lab_s, 0.0) / pace)
        return left

    def best_text(self) -> str:
        """Best so far against the target, in one line."""
        if self.start is not None and self.start.problem.seeks_front:
            return self._front_text(self.start.problem)
        if self.start is None or self.best_value is None:
            return "no outcome yet"
        objective = self.start.problem.ranking
        target = f" (target {target_text(objective)})" if objective.target is not None else ""
        value = with_unit(estimate_text(self.best_value, self._errors.get(self.best_trial or 0)), objective.unit)
        return f"{objective.metric} {value} in trial {self.best_trial}{target}"

    def _front_text(self, problem: Problem) -> str:
        front = front_of(problem, self._outcomes)
        names = " and ".join(objective.metric for objective in problem.objectives)
        return f"front of {names}: {len(front)} trials" if len(front) > 1 else f"front of {names}: {len(front)} trial"

    def outcome_text(self, event: TrialEnded) -> str:
        """How a trial ended, in one line."""
        if event.outcome is None or self.start is None:
            return f"{event.state}: {event.why}" if event.why else event.state
        parts: list[str] = []
        for objective in self.start.problem.objectives:
            if (estimate := event.outcome.get(objective.metric)) is not None:
                text = f"{objective.metric} {estimate_text(estimate.value, estimate.sem)}"
                parts.append(with_unit(text, objective.unit))
        return ", ".join(parts) or event.state

    def stopping_text(self, at_once: bool) -> str:
        """What is said after a request to stop."""
        if at_once:
            return "Stopping at once; the devices are brought to rest."
        return "Pausing before the next action; press Ctrl-C again to stop at once."

    def _end(self, event: TrialEnded) -> None:
        now = self._clock.real()
        self._last_end_s, self._lab_s = now, event.lab_s
        self._n_since += 1
        if self.start is None or self._n_since >= self.start.per_plate:
            self._durations.append(now - self._since_s)
            self._since_s, self._n_since = now, 0
        self.running = {lane: r for lane, r in self.running.items() if r.suggestion.trial != event.trial}
        self.ended.append(event)
        if event.outcome:
            self._outcomes.append((event.trial, event.outcome))
        score = self.start.problem.score(event.outcome) if event.outcome and self.start else None
        if score is not None:
            self._errors[event.trial] = score.sem
        self.done += event.state != "abandoned"
        self.best_trial, self.best_value = event.best_trial, event.best_value
