"""Campaigns and their trials as the journal has them, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autolab.core.objectives import Objective
from autolab.core.parameters import ChoiceParameter, FixedParameter, Parameter
from autolab.core.problem import Problem
from autolab.core.trials import FINAL, TrialState
from autolab.journal.database import Database
from autolab.journal.folder import has_controller
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, IntentRecord, TrialRecord
from autolab.report.explaining import explanation_lines
from autolab.report.numbers import outcome_text, quantity_text, target_text, unit_text, value_text, with_unit
from autolab.server.bests import Bests
from autolab.server.models import (
    ActionView,
    CampaignLine,
    CampaignPage,
    CampaignView,
    Metric,
    Moment,
    Setting,
    TrialLine,
    TrialPage,
    TrialView,
)
from autolab.server.problems import NotFoundError

__all__ = ["campaign_page", "campaign_record", "campaign_view", "settings_of", "trial_line", "trial_page", "trial_view"]


def campaign_record(reader: JournalReader, name: str) -> CampaignRecord:
    """A campaign by its whole id.

    Raises:
        NotFoundError: there is none.
    """
    record = reader.known(name)
    if record is None:
        raise NotFoundError(f"there is no campaign {name!r}")
    return record


def campaign_page(
    reader: JournalReader,
    data: Path,
    bests: Bests,
    *,
    before: int | None = None,
    limit: int = 20,
    state: str | None = None,
) -> CampaignPage:
    """Campaigns, the newest first.

    Args:
        reader: The journal.
        data: The data folder.
        bests: Remembers the best of each.
        before: Only those before this one: ``next`` of the page before.
        limit: At most so many.
        state: Only those in this state.
    """
    rows = reader.states.rows(
        "SELECT rowid AS at, id FROM campaigns WHERE (?1 IS NULL OR rowid < ?1) AND (?2 IS NULL OR state = ?2) "
        "ORDER BY rowid DESC LIMIT ?3",
        (before, state, limit + 1),
    )
    is_alive = has_controller(data)
    shown = rows[:limit]
    lines = [CampaignLine(**_line(reader, campaign_record(reader, row["id"]), is_alive, bests)) for row in shown]
    return CampaignPage(items=lines, next=shown[-1]["at"] if len(rows) > limit else None)


def campaign_view(reader: JournalReader, record: CampaignRecord, data: Path, bests: Bests) -> CampaignView:
    """One campaign."""
    line = _line(reader, record, has_controller(data), bests)
    problem, recommendation = record.problem, record.recommendation
    lab_s = _lab_s(reader.states, record.id)
    over, left = line["n_over"], record.budget_trials - line["n_over"]
    left_s = lab_s / over * left if over and left > 0 and record.state == "running" else None
    return CampaignView(
        **line,
        engine=record.engine.name,
        seed=record.seed,
        lanes=record.lanes,
        objectives=[_goal(each) for each in problem.objectives],
        parameters=[_range(each) for each in problem.space.parameters],
        constraints=[c.text for c in (*problem.space.constraints, *problem.space.at_most)]
        + [str(c) for c in problem.outcome_constraints],
        recommended=recommendation.trial if recommendation else None,
        lab_s=lab_s,
        left_s=left_s,
        envelope=record.envelope_version,
    )


def trial_page(
    reader: JournalReader, record: CampaignRecord, *, after: int = 0, limit: int = 50, state: TrialState | None = None
) -> TrialPage:
    """Trials of a campaign by number.

    Args:
        reader: The journal.
        record: The campaign.
        after: Only those with a higher number.
        limit: At most so many.
        state: Only those in this state.
    """
    found = reader.trials(record.id, state=state, after=after, limit=limit + 1)
    shown = found[:limit]
    items = [trial_line(record.problem, trial) for trial in shown]
    return TrialPage(items=items, next=shown[-1].number if len(found) > limit else None)


def trial_view(reader: JournalReader, record: CampaignRecord, number: int) -> TrialView:
    """One trial.

    Raises:
        NotFoundError: there is none of that number.
    """
    found = reader.trials(record.id, after=number - 1, limit=1)
    if not found or found[0].number != number:
        raise NotFoundError(f"{record.id} has no trial {number}")
    trial, verdict = found[0], found[0].verdict
    done = reader.states.rows(
        "SELECT i.*, p.name AS person FROM interventions i JOIN principals p ON p.id = i.principal "
        "WHERE campaign = ? AND trial = ? ORDER BY i.id",
        (record.id, number),
    )
    return TrialView(
        **_trial(record.problem, trial),
        explanation=explanation_lines(record.problem, trial.suggestion.explanation),
        verdict=verdict.decision if verdict else None,
        reasons=list(verdict.reasons) if verdict else [],
        dry_run=verdict.dry_run if verdict else None,
        history=[Moment(state=t.state, lab_s=t.lab_s, date=t.date, detail=t.detail) for t in trial.transitions],
        actions=[action_view(intent) for intent in reader.intents(record.id, number)],
        people=[f"{row['person']}: {row['cause']}: {row['detail']}" for row in done],
        samples=[sample.id if not sample.barcode else f"{sample.id} ({sample.barcode})" for sample in trial.samples],
    )


def trial_line(problem: Problem, trial: TrialRecord) -> TrialLine:
    """A trial in a list."""
    return TrialLine(**_trial(problem, trial))


def action_view(intent: IntentRecord) -> ActionView:
    """An action."""
    parts = intent.operation.split(".")
    said = [
        f"{name} {value}"
        for name, value in intent.action.items()
        if isinstance(value, str | int | float) and value != "" and name not in ("operation", "type")
    ]
    return ActionView(
        operation=intent.operation,
        device=intent.device,
        phase=parts[3] if len(parts) == 5 else intent.operation,
        state=intent.state,
        text=", ".join(said),
        lab_s=intent.intended_lab_s,
        detail=intent.detail,
        by=intent.settled_by,
    )


def settings_of(problem: Problem, values: Mapping[str, Any]) -> list[Setting]:
    """The values of a trial, in the order of the campaign file."""
    return [
        Setting(name=p.name, value=values[p.name], text=quantity_text(p, values[p.name]))
        for p in problem.space.parameters
        if p.name in values
    ]


def _line(reader: JournalReader, record: CampaignRecord, has_one: bool, bests: Bests) -> dict[str, Any]:
    rows = reader.states.rows("SELECT state, COUNT(*) AS n FROM trials WHERE campaign = ? GROUP BY state", (record.id,))
    counts = {row["state"]: row["n"] for row in rows}
    return {
        "id": record.id,
        "name": record.name,
        "lab": record.lab,
        "realm": record.realm,
        "state": record.state,
        "is_alive": record.state == "running" and has_one,
        "reason": record.reason,
        "begun": record.created,
        "by": record.principal,
        "budget_trials": record.budget_trials,
        "n_over": sum(n for state, n in counts.items() if state in FINAL),
        "n_measured": counts.get(TrialState.INGESTED, 0),
        "counts": counts,
        "best": bests.best(reader.states, record, counts.get(TrialState.INGESTED, 0)),
    }


def _trial(problem: Problem, trial: TrialRecord) -> dict[str, Any]:
    last = trial.transitions[-1] if trial.transitions else None
    outcome = trial.outcome or {}
    return {
        "number": trial.number,
        "state": trial.state,
        "values": settings_of(problem, trial.suggestion.values),
        "outcome": [
            Metric(name=name, value=one.value, sem=one.sem, text=outcome_text(one, problem.unit_of(name)))
            for name, one in outcome.items()
        ],
        "engine": trial.suggestion.engine,
        "why": trial.suggestion.reason,
        "failure": trial.failure,
        "attempt": trial.attempt,
        "repeat_of": trial.repeat_of,
        "lane": trial.lane,
        "date": last and last.date,
        "lab_s": last and last.lab_s,
    }


def _lab_s(states: Database, campaign: str) -> float:
    query = "SELECT MAX(json_extract(history, '$[#-1][1]')) AS s FROM trials WHERE campaign = ? AND number > ?"
    newest = states.rows("SELECT MAX(number) AS n FROM trials WHERE campaign = ?", (campaign,))[0]["n"] or 0
    return states.rows(query, (campaign, newest - 50))[0]["s"] or 0.0


def _goal(objective: Objective) -> str:
    target = f", target {target_text(objective)}" if objective.target is not None else ""
    return f"{objective.goal} {objective.metric}{target}"


def _range(parameter: Parameter) -> str:
    if isinstance(parameter, FixedParameter):
        return f"{parameter.name}: fixed at {quantity_text(parameter, parameter.value)}"
    if isinstance(parameter, ChoiceParameter):
        return f"{parameter.name}: {', '.join(str(choice) for choice in parameter.choices)}"
    low, high = value_text(parameter, parameter.lower), value_text(parameter, parameter.upper)
    return with_unit(f"{parameter.name}: {low} to {high}", unit_text(parameter.unit))
