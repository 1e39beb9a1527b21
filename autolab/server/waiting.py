"""What waits for a person: questions, trials to approve, actions in doubt, trips, campaigns that have paused."""

from __future__ import annotations

from autolab.campaign.stopping import TRIP_ADVICE
from autolab.core.approvals import Proposal
from autolab.core.parameters import IntegerParameter, RangeParameter, Value
from autolab.core.people import Wanted
from autolab.core.problem import Problem
from autolab.core.trials import TrialState
from autolab.journal import questions
from autolab.journal.database import Database
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, TrialRecord
from autolab.report.numbers import number_text, quantity_text, value_text, with_unit
from autolab.server.campaigns import action_view, campaign_record, settings_of
from autolab.server.models import ProposalView, RequestView, WantedView

__all__ = ["latched_trips", "requests_of", "requests_waiting"]

_SETTLED = (TrialState.INGESTED, TrialState.REFUSED)
"""Trials in these states have done all that they have begun, or have begun nothing."""
_OTHERS = ", ".join(f"'{state}'" for state in TrialState if state not in _SETTLED)
MOST_CAMPAIGNS = 20
"""Campaigns, the newest, whose requests are looked for: older ones that nobody has resumed are in their list."""
MOST_COMPARED = 500
_OPEN_ACTIONS = f"""
SELECT DISTINCT trial FROM intents WHERE campaign = ?1 AND state = 'intended' AND trial IN (
    SELECT number FROM trials WHERE campaign = ?1 AND state IN ({_OTHERS}))
UNION
SELECT trial FROM intents WHERE campaign = ?1 AND state = 'intended' AND trial < 1
ORDER BY 1
"""  # noqa: S608 (our own words)
"""Trials with actions that were begun and not settled, found without a look at each action of a long campaign."""


def requests_waiting(reader: JournalReader, lab: str, *, has_controller: bool, latch: str | None) -> list[RequestView]:
    """All that waits for a person now, what stops the lab first. Of campaigns that have failed, the newest one does.

    Args:
        reader: The journal.
        lab: Name of the lab.
        has_controller: Whether a controller runs.
        latch: Why the power of the actuators is latched off; None where it is not, or no relay takes it away.
    """
    found = [
        RequestView(kind="reset", campaign=row["campaign"], trial=None, text=row["cause"], since=row["date"])
        for row in latched_trips(reader.states, lab)
    ]
    if latch is not None and not found:  # a stop by the relay, or a controller that died: the journal knows of no trip
        found.append(RequestView(kind="reset", campaign=None, trial=None, text=latch, since=None))
    is_reset = not found
    rows = reader.states.rows(
        "SELECT id FROM campaigns WHERE state IN ('running', 'paused') "
        "OR (state = 'failed' AND rowid = (SELECT MAX(rowid) FROM campaigns)) ORDER BY rowid DESC LIMIT ?",
        (MOST_CAMPAIGNS,),
    )
    for row in rows:
        record = campaign_record(reader, row["id"])
        found += requests_of(reader, record, has_controller=has_controller, is_reset=is_reset)
    return found


def latched_trips(states: Database, lab: str) -> list[dict[str, str]]:
    """Trips of a lab that nobody has reset."""
    return states.rows(
        "SELECT campaign, cause, date FROM trips WHERE lab = ? AND reset_date IS NULL ORDER BY id", (lab,)
    )


def requests_of(
    reader: JournalReader, record: CampaignRecord, *, has_controller: bool, is_reset: bool
) -> list[RequestView]:
    """What waits for a person in one campaign.

    Args:
        reader: The journal.
        record: The campaign.
        has_controller: Whether a controller runs.
        is_reset: Whether nothing is latched in the lab; then nobody is told to see to the cause of a trip any more.
    """
    is_alive = record.state == "running" and has_controller
    found = [_question(record, one) for one in questions.waiting(reader.states, record.id)]
    waiting = reader.trials(record.id, state=TrialState.AWAITING)
    found += [_proposal(reader, record, trial, trial.proposal) for trial in waiting if trial.proposal is not None]
    if not is_alive:
        found += _doubts(reader, record)
        why = record.reason or "its controller has gone"
        if is_reset:
            why = why.replace(TRIP_ADVICE, "the lab has been reset since")
        text = f"{record.state if record.state != 'running' else 'interrupted'}: {why}"
        found.append(RequestView(kind="resume", campaign=record.id, trial=None, text=text, since=None))
    return found


def _question(record: CampaignRecord, one: questions.QuestionRecord) -> RequestView:
    asked = one.question
    return RequestView(
        kind="answer",
        campaign=record.id,
        trial=one.trial,
        text=asked.instruction,
        since=one.asked,
        device=one.device,
        picture=asked.picture,
        operation=str(asked.operation),
        wanted=[_wanted(each) for each in asked.wanted],
        values=settings_of(record.problem, asked.told),
    )


def _wanted(each: Wanted) -> WantedView:
    return WantedView(name=each.name, kind=each.kind, unit=each.unit, choices=list(each.choices), text=str(each))


def _doubts(reader: JournalReader, record: CampaignRecord) -> list[RequestView]:
    """Actions that were begun, and of which nobody knows whether they happened."""
    found: list[RequestView] = []
    for row in reader.states.rows(_OPEN_ACTIONS, (record.id,)):
        for intent in reader.intents(record.id, row["trial"]):
            if intent.state != "intended":
                continue
            view = action_view(intent)
            text = f"{view.phase} of {view.device}: was it done? {view.text}"
            found.append(
                RequestView(
                    kind="settle", campaign=record.id, trial=intent.trial, text=text, since=None,
                    device=view.device, operation=view.operation,
                )
            )  # fmt: skip
    return found


def _proposal(reader: JournalReader, record: CampaignRecord, trial: TrialRecord, proposal: Proposal) -> RequestView:
    problem, values = record.problem, trial.suggestion.values
    since = trial.transitions[-1].date if trial.transitions else None
    return RequestView(
        kind="approve",
        campaign=record.id,
        trial=trial.number,
        text=trial.suggestion.reason,
        since=since,
        values=settings_of(problem, values),
        proposal=ProposalView(
            persons=proposal.persons,
            reasons=list(proposal.reasons),
            hash=proposal.content_hash,
            changes=_changes(problem, values, reader.trials(record.id, state=TrialState.INGESTED, limit=MOST_COMPARED)),
            limits=_limits(problem, values),
        ),
    )


def _changes(problem: Problem, values: dict[str, Value], tried: list[TrialRecord]) -> list[str]:
    """How a trial differs from the nearest that has an outcome."""
    if not tried:
        return ["nothing was measured in this campaign yet"]
    near = min(tried, key=lambda trial: _distance(problem, values, trial.suggestion.values))
    said = [
        f"{p.name}: {value_text(p, near.suggestion.values[p.name])} → {quantity_text(p, values[p.name])}"
        for p in problem.space.parameters
        if near.suggestion.values[p.name] != values[p.name]
    ]
    return [f"beside trial {near.number}, the nearest with an outcome:", *(said or ["the same values"])]


def _distance(problem: Problem, a: dict[str, Value], b: dict[str, Value]) -> float:
    """Sum of squares of what differs, each in fractions of its range."""
    total = 0.0
    for p in problem.space.parameters:
        if isinstance(p, RangeParameter | IntegerParameter):
            total += ((float(a[p.name]) - float(b[p.name])) / (p.upper - p.lower)) ** 2
        else:
            total += float(a[p.name] != b[p.name])
    return total


def _limits(problem: Problem, values: dict[str, Value]) -> list[str]:
    found: list[str] = []
    for p in problem.space.parameters:
        if isinstance(p, RangeParameter | IntegerParameter):
            value = float(values[p.name])
            low, high = number_text(value - p.lower), number_text(p.upper - value)
            ranges = f"{value_text(p, p.lower)} to {value_text(p, p.upper)}"
            found.append(with_unit(f"{p.name}: {low} above its lowest, {high} below its highest ({ranges})", p.unit))
    return found
