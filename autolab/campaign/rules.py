"""The rules of the loop, as pure functions: what a suggestion may see, and when a campaign ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autolab.campaign.stopping import End, StopRequest
from autolab.config.specs import Budget, ExpectedGain, Stopping
from autolab.core.errors import (
    AutolabError,
    DeviceError,
    InputError,
    InterruptedByPerson,
    ProposerError,
    SafetyError,
    TripError,
)
from autolab.core.faults import FaultKind, FaultPolicy
from autolab.core.front import front_of
from autolab.core.problem import Problem
from autolab.core.trials import CONFIRM, PERSON, REPEAT, Outcome, Suggestion

__all__ = [
    "Best",
    "after_fault",
    "bad_end",
    "best_of",
    "changed_underway",
    "gain_end",
    "good_end",
    "in_doubt",
    "silent_end",
    "target_met",
    "unproposed",
    "used_up",
    "visible",
]


def visible(trial: int, lanes: int, per_plate: int = 1) -> tuple[range, range]:
    """What the suggestion for a trial may see. It depends on trial numbers, never on the time.

    While ``lanes`` trials are in flight, the next suggestion is computed: it sees the outcomes of all earlier ones, and
    of those in flight only the values.

    Args:
        trial: Number of the trial to suggest, from 1.
        lanes: Trials that run at a time.
        per_plate: Trials that are measured together: of those of its own plate a suggestion sees the values only, and
            of the plates before all outcomes.

    Returns:
        Numbers of the trials whose outcomes it sees, and of those that are pending.
    """
    first_pending = max(1, trial - lanes) if per_plate == 1 else trial - (trial - 1) % per_plate
    return range(1, first_pending), range(first_pending, trial)


@dataclass(frozen=True, slots=True)
class Best:
    """The best trial so far, as measured."""

    trial: int
    value: float


def best_of(problem: Problem, outcomes: Sequence[tuple[int, Outcome]]) -> Best | None:
    """The trial with the smallest loss among those that keep the outcome constraints; the earlier one of two equals.

    None where none keeps them, and where a front is sought: its trials have no order.

    Args:
        problem: Says the objective and the constraints.
        outcomes: Trial number and outcome, in the order of trial numbers.
    """
    if problem.seeks_front:
        return None
    constraints, loss = problem.outcome_constraints, problem.ranking.loss
    kept = [(t, problem.score(o)) for t, o in outcomes if all(c.holds(o[c.metric].value) for c in constraints)]
    scores = [(trial, score.value) for trial, score in kept if score is not None]
    return Best(*min(scores, key=lambda pair: loss(pair[1]))) if scores else None


def target_met(problem: Problem, outcomes: Sequence[tuple[int, Outcome]]) -> bool | None:
    """Whether the best trial as measured reaches the target; None without a target."""
    if problem.seeks_front:
        every = all(objective.target is not None for objective in problem.objectives)
        return reaching(problem, outcomes) is not None if every else None
    if problem.ranking.target is None:
        return None
    best = best_of(problem, outcomes)
    return best is not None and problem.ranking.is_reached(best.value)


def reaching(problem: Problem, outcomes: Sequence[tuple[int, Outcome]]) -> int | None:
    """The first trial on the front that reaches the targets of all objectives; None while there is none."""
    reached = {
        trial for trial, outcome in outcomes if all(o.is_reached(outcome[o.metric].value) for o in problem.objectives)
    }
    return min(reached & set(front_of(problem, outcomes)), default=None) if reached else None


def good_end(
    problem: Problem,
    budget: Budget,
    stopping: Stopping,
    best: Best | None,
    outcomes: Sequence[tuple[int, Outcome]],
    lab_s: float,
) -> End | None:
    """Why a campaign is over before its trials are used up; None while it goes on.

    Args:
        problem: Says the objective.
        budget: Says the hours.
        stopping: When to give up.
        best: The best trial so far, see `best_of`.
        outcomes: Trial number and outcome, in the order of trial numbers.
        lab_s: Lab seconds since the campaign started.
    """
    objective, no_improvement = problem.ranking, stopping.no_improvement
    if problem.seeks_front and (trial := reaching(problem, outcomes)) is not None:
        return End("finished", f"all targets reached by trial {trial}", 0)
    if best is not None and objective.is_reached(best.value):
        return End("finished", f"target reached: trial {best.trial} has {objective.metric} = {best.value:.4g}", 0)
    if budget.hours is not None and lab_s >= budget.hours * 3600.0:
        return End("finished", f"budget used up: {budget.hours:g} h of lab time", 0)
    if no_improvement is not None and len(outcomes) > no_improvement.trials:
        before = best_of(problem, outcomes[: -no_improvement.trials])
        if before is not None and best is not None:
            gain = objective.loss(before.value) - objective.loss(best.value)
            if gain <= no_improvement.by:
                said = f"the last {no_improvement.trials} trials gained {gain:.3g} in {objective.metric}"
                return End("finished", f"no improvement: {said}", 0)
    return None


def gain_end(problem: Problem, rule: ExpectedGain | None, suggestions: Sequence[Suggestion]) -> End | None:
    """Why no further trial is worth its while; None while one may be, or nobody has said what it has to gain.

    Args:
        problem: Says the unit.
        rule: What a trial has to be expected to gain.
        suggestions: In the order of trial numbers. What people hand in is passed over; one of which no gain was
            expected, since there was no model, is not below anything.
    """
    if rule is None:
        return None
    proposed = [one for one in suggestions if one.engine not in (PERSON, REPEAT, CONFIRM)][-rule.suggestions :]
    gains = [None if one.explanation is None else one.explanation.gain for one in proposed]
    known = [gain for gain in gains if gain is not None and gain < rule.below]
    if len(known) < rule.suggestions:
        return None
    unit = "of hypervolume" if problem.seeks_front else problem.ranking.unit
    row = "suggestion was" if rule.suggestions == 1 else f"{rule.suggestions} suggestions in a row were each"
    said = f"{row} expected to gain less than {rule.below:g} {unit}".rstrip()
    return End("finished", f"little to gain: {said}, the last one {known[-1]:.3g}", 0)


def used_up(budget: Budget) -> End:
    """The end where all trials of the budget are over."""
    return End("finished", f"budget used up: {budget.trials} trials", 0)


def bad_end(
    error: BaseException | None,
    trip: str | None,
    check: Callable[[], list[str]],
    failures_in_a_row: int,
    stopping: Stopping,
) -> End | None:
    """Why a campaign cannot go on after a trial has concluded; None where it can.

    Args:
        error: Why the trial failed; None where it did not, or was refused.
        trip: Why the lab has tripped; None where it has not.
        check: Asks every device whether it answers; returns a sentence for each that does not.
        failures_in_a_row: Trials without an outcome, up to this one.
        stopping: How many of them end the campaign.
    """
    if trip is not None:
        return StopRequest(trip, True, TripError.exit_code).end
    if isinstance(error, AutolabError) and error.exit_code in (3, 6):
        return End("failed", str(error), error.exit_code)
    if end := silent_end(error, check):
        return end
    most = stopping.failures_in_a_row
    if failures_in_a_row >= most:
        last = error or "the screen refused it, and 'autolab show' says why"
        row = "the trial has" if most == 1 else f"{most} trials in a row have"
        reason = f"{row} no outcome; the last one: {last}"
        return End("failed", reason, SafetyError.exit_code if error is None else DeviceError.exit_code)
    return None


def silent_end(error: BaseException | None, check: Callable[[], list[str]]) -> End | None:
    """The end where a device failed and one does not answer any more; None where all do.

    Args:
        error: Why the trial failed.
        check: As for `bad_end`.
    """
    silent = check() if isinstance(error, DeviceError) else []
    return End("failed", "; ".join(silent), DeviceError.exit_code) if silent else None


def unproposed(error: ProposerError) -> End:
    """The end where no trial could be proposed: a pause where a person can say what now, else a failure."""
    waits = error.exit_code == InterruptedByPerson.exit_code
    return End("paused" if waits else "failed", str(error), error.exit_code)


def in_doubt(trial: int, why: str, *, is_silent: bool) -> End:
    """The end where nobody knows what became of an action.

    Args:
        trial: Number of the trial.
        why: What its device said, or why it said nothing.
        is_silent: Whether the device did not answer: then it says later what happened, and else a person does.
    """
    what = f"trial {trial} is in doubt: {why}; "
    if is_silent:
        return End("failed", f"{what}see to the device, then resume", DeviceError.exit_code)
    return End("paused", f"{what}look, and say what happened with 'autolab settle'", InterruptedByPerson.exit_code)


def changed_underway(campaign: str, trial: int) -> End:
    """The end where a trial that was interrupted is not any more what people have approved."""
    return End(
        "paused",
        f"trial {trial} had begun, and what would be done now is not what people have approved (its plan, the "
        "envelope, the materials or what asks for approval has changed): put back what has changed, then resume; or "
        f"give it up with 'autolab abandon {campaign} {trial} --because TEXT'",
        InterruptedByPerson.exit_code,
    )


def after_fault(trial: int, kind: FaultKind, policy: FaultPolicy, error: AutolabError) -> End | None:
    """What follows from a trial that has failed for good; None where the campaign goes on, or ends for graver reasons.

    Args:
        trial: Number of the trial.
        kind: The kind of fault.
        policy: What the campaign says about it.
        error: The fault.
    """
    if error.exit_code not in (InputError.exit_code, DeviceError.exit_code):
        return None  # safety or storage: no policy has a say
    what = f"trial {trial} failed ({kind}): {error}"
    if policy.then == "ask":
        return End("paused", f"{what}; look, then resume", InterruptedByPerson.exit_code)
    if policy.then == "stop":
        return End("failed", f"{what}; the campaign stops at a fault of this kind", error.exit_code)
    return None
