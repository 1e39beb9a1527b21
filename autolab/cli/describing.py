"""Campaigns and trials in words and in JSON, for the commands that read the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autolab.campaign.people import question_text
from autolab.cli.output import columns
from autolab.cli.tracing import judgement_lines, origin_lines, sample_text
from autolab.core.approvals import Proposal
from autolab.core.canonical import plain
from autolab.core.faults import FaultKind
from autolab.core.trials import PERSON, TrialState
from autolab.journal.alarms import AlarmGroup, AlarmRecord
from autolab.journal.judgements import Judgement
from autolab.journal.questions import waiting
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, IntentRecord, InterventionRecord, Recommendation, TrialRecord
from autolab.report.calibrations import calibration_states, state_text
from autolab.report.explaining import explanation_lines
from autolab.report.numbers import (
    claim_text,
    duration_text,
    estimate_text,
    outcome_text,
    recipe,
    target_text,
    with_unit,
)
from autolab.report.provenance import Provenance
from autolab.report.standing import Standing, last_ended

__all__ = ["alarm_lines", "campaign_json", "campaign_line", "campaign_text", "status_text", "trial_json", "trial_text"]

LAST_TRIALS = 8
LAST_GROUPS = 3
"""Groups of alarms that a status shows."""


def campaign_line(reader: JournalReader, campaign: CampaignRecord) -> tuple[str, ...]:
    """One row of ``list``."""
    standing = Standing.read(reader, campaign)
    best = "–" if standing.best is None else f"{standing.objective.metric} {_best_value(standing)}"
    trials = f"{standing.n_measured}/{campaign.planned}"
    return campaign.id, campaign.realm.upper(), campaign.state, trials, campaign.lab, best


def campaign_json(reader: JournalReader, campaign: CampaignRecord) -> dict[str, Any]:
    """A campaign for a program."""
    standing = Standing.read(reader, campaign)
    best = standing.best
    return {
        "campaign": campaign.id,
        "name": campaign.name,
        "lab": campaign.lab,
        "laboratory": campaign.laboratory,
        "realm": campaign.realm,
        "state": campaign.state,
        "reason": campaign.reason,
        "created": campaign.created,
        "principal": campaign.principal,
        "engine": campaign.engine.name,
        "seed": campaign.seed,
        "lanes": campaign.lanes,
        "budget_trials": campaign.budget_trials,
        "trials_by_state": {str(state): n for state, n in standing.counts.items()},
        "running": [trial.number for trial in reader.trials(campaign.id, state=TrialState.RUNNING)],
        "prepared": [trial.number for trial in reader.trials(campaign.id, state=TrialState.PREPARED)],
        "waiting": [trial.number for trial in reader.trials(campaign.id, state=TrialState.AWAITING)],
        "asked": [plain(one) for one in waiting(reader.states, campaign.id)],
        "envelope": {"version": campaign.envelope_version, "hash": campaign.envelope_hash},
        "best": best and {"trial": best[0], **plain(best[1])},
        "target_met": standing.target_is_met,
        "rules": {"in_force": plain(campaign.problem.avoided), "expired": plain(campaign.problem.lapsed)},
        "recommendation": recommendation_json(campaign.recommendation),
        "lab_seconds": reader.lab_seconds(campaign.id),
        "alarms": [plain(group) for group in reader.alarms(campaign.id)],
        "calibrations": [plain(state) for state in calibration_states(reader, campaign)],
    }


def status_text(reader: JournalReader, campaign: CampaignRecord) -> str:
    """How a campaign stands."""
    lines = _head(Standing.read(reader, campaign), reader.lab_seconds(campaign.id))
    for trial in reader.trials(campaign.id, state=TrialState.RUNNING):
        lines.append(f"running: trial {trial.number}, because {trial.suggestion.reason}")
    prepared = [str(trial.number) for trial in reader.trials(campaign.id, state=TrialState.PREPARED)]
    lines += [f"prepared: trials {', '.join(prepared)} wait for their plate to be measured"] if prepared else []
    for trial in reader.trials(campaign.id, state=TrialState.AWAITING):
        if trial.proposal is not None:
            values = ", ".join(
                f"{name} {text}" for name, text in recipe(campaign.problem.space, trial.suggestion.values)
            )
            lines.append(
                f"waiting: trial {trial.number} needs the approval of {_people(trial.proposal)}: "
                f"{'; '.join(trial.proposal.reasons)} ({values})"
            )
    lines += [f"asked: {question_text(campaign.id, one.question)}" for one in waiting(reader.states, campaign.id)]
    lines += _calibration_lines(reader, campaign)
    lines += [done.detail for done in reader.interventions(campaign.id) if done.cause == "subscriber"]
    lines += alarm_lines(reader.alarms(campaign.id)[-LAST_GROUPS:])
    ended = last_ended(reader, campaign.id, LAST_TRIALS)
    if ended:
        lines += ["", "last trials:", columns([_trial_line(campaign, trial) for trial in reversed(ended)], right=(0,))]
    return "\n".join(lines)


def campaign_text(reader: JournalReader, campaign: CampaignRecord, trials: Sequence[TrialRecord]) -> str:
    """A campaign with its recipe and all of its trials."""
    standing = Standing.read(reader, campaign)
    lines = [
        *_head(standing, reader.lab_seconds(campaign.id)),
        *_calibration_lines(reader, campaign),
        *alarm_lines(reader.alarms(campaign.id)),
    ]
    recommendation = campaign.recommendation
    if recommendation is not None:
        rows = recipe(campaign.problem.space, recommendation.values)
        lines += ["", f"recommended recipe (trial {recommendation.trial}; {recommendation.reason}):"]
        lines.append(columns([(f"  {name}", text) for name, text in rows], right=(1,)))
    if trials:
        names = [parameter.name for parameter in campaign.problem.space.parameters]
        rows = [(*_trial_line(campaign, trial)[:3], *_values(campaign, trial)) for trial in trials]
        right = (0, *range(2, 3 + len(names)))
        lines += ["", columns([("trial", "state", standing.objective.metric, *names), *rows], right=right)]
    of_no_trial = [done for done in reader.interventions(campaign.id) if done.trial is None]
    return "\n".join([*lines, *_interventions("what was done to the campaign:", of_no_trial)])


def _calibration_lines(reader: JournalReader, campaign: CampaignRecord) -> list[str]:
    """How the calibrations of its lab stand."""
    return [state_text(state) for state in calibration_states(reader, campaign)]


def _interventions(title: str, interventions: Sequence[InterventionRecord]) -> list[str]:
    rows = [(f"  {i.date[:16].replace('T', ' ')}", i.principal, i.cause, i.detail) for i in interventions]
    return ["", title, columns(rows)] if rows else []


def alarm_lines(groups: Sequence[AlarmGroup]) -> list[str]:
    """What the interlocks have said: the first of each group, and under it what followed."""
    lines = ["", "trips and alarms, the first of each group on top:"] if groups else []
    for group in groups:
        lines.append(f"  {_alarm_line(group.head)}")
        lines += [f"    then {_alarm_line(follower)}" for follower in group.followers]
    return lines


def _alarm_line(alarm: AlarmRecord) -> str:
    return f"{alarm.date[11:19]} {alarm.what.upper()}: {alarm.cause}"


def trial_text(
    campaign: CampaignRecord,
    trial: TrialRecord,
    intents: Sequence[IntentRecord],
    interventions: Sequence[InterventionRecord] = (),
    origin: Provenance | None = None,
    judgement: Judgement | None = None,
) -> str:
    """One trial with its history."""
    suggestion = trial.suggestion
    lines = [f"trial {trial.number} of {campaign.id} ({trial.realm.upper()}): {trial.state}"]
    seed = "" if suggestion.engine == PERSON else f", seed {suggestion.seed}"
    lines.append(f"why: {suggestion.reason} (engine {suggestion.engine}{seed})")
    if trial.workflow is not None:
        lines.append(f"workflow: {trial.workflow}")
    lines.append(f"it saw the outcomes of: {_ranges(suggestion.seen)}; in flight: {_ranges(suggestion.pending)}")
    lines += [f"  {line}" for line in explanation_lines(campaign.problem, suggestion.explanation)]
    if trial.verdict is not None:
        reasons = f": {'; '.join(trial.verdict.reasons)}" if trial.verdict.reasons else ""
        lines.append(f"screen: {trial.verdict.decision}{reasons}")
        if trial.verdict.dry_run is not None:
            lines.append(f"dry run of its plan: {trial.verdict.dry_run}")
    if trial.state is TrialState.AWAITING and trial.proposal is not None:
        lines += ["", *_proposal_lines(campaign, trial.proposal)]
    if trial.failure:
        kind = "" if trial.fault in (None, FaultKind.UNKNOWN) else f" ({trial.fault})"
        lines.append(f"failed{kind}: {trial.failure}")
    if trial.closes is not None:
        around = f"{100 * trial.closes:g} % of each parameter's range to each side of it"
        lines.append(f"quarantine: {around} are closed for this campaign")
    lines += [
        "",
        "values:",
        columns([(f"  {n}", t) for n, t in recipe(campaign.problem.space, suggestion.values)], right=(1,)),
    ]
    if trial.outcome:
        rows = [(f"  {name}", outcome_text(e, campaign.problem.unit_of(name))) for name, e in trial.outcome.items()]
        lines += ["", "outcome:", columns(rows, right=(1,))]
    lines += judgement_lines(judgement)
    if trial.samples:
        lines += ["", f"samples: {', '.join(sample_text(sample) for sample in trial.samples)}"]
    if origin is not None:
        lines += ["", *origin_lines(origin)]
    history = [(f"  {t.lab_s:.3f} s", str(t.state), t.detail or "") for t in trial.transitions]
    lines += ["", "history (lab time):", columns(history, right=(0,))]
    if intents:
        rows = [
            (f"  {i.intended_lab_s:.3f} s", _took(i), i.device, i.operation, i.state, i.detail or "") for i in intents
        ]
        lines += ["", "actions (lab time, duration):", columns(rows, right=(0, 1))]
    return "\n".join([*lines, *_interventions("what people did:", interventions)])


def trial_json(
    campaign: CampaignRecord,
    trial: TrialRecord,
    intents: Sequence[IntentRecord] | None = None,
    interventions: Sequence[InterventionRecord] = (),
    origin: Provenance | None = None,
    judgement: Judgement | None = None,
) -> dict[str, Any]:
    """A trial for a program; with its actions where they are given."""
    parameters = campaign.problem.space.parameters
    found: dict[str, Any] = {
        "trial": trial.number,
        "state": str(trial.state),
        "values": dict(trial.suggestion.values),
        "units": {parameter.name: parameter.unit for parameter in parameters if parameter.unit},
        "outcome": plain(trial.outcome),
        "failure": trial.failure,
        "fault": trial.fault,
        "closes": trial.closes,
        "verdict": plain(trial.verdict),
        "engine": trial.suggestion.engine,
        "workflow": trial.workflow,
        "why": trial.suggestion.reason,
        "explanation": plain(trial.suggestion.explanation),
        "seed": trial.suggestion.seed,
        "seen": list(trial.suggestion.seen),
        "pending": list(trial.suggestion.pending),
        "realm": trial.realm,
        "lane": trial.lane,
        "runs": list(trial.runs),
        "samples": plain(trial.samples),
        "repeat_of": trial.repeat_of,
        "proposal": plain(trial.proposal),
        "transitions": plain(trial.transitions),
        "timings": plain(trial.timings),
    }
    if intents is not None:
        found["actions"] = plain(intents)
        found["interventions"] = plain(interventions)
        found["provenance"] = plain(origin)
        found["judgement"] = plain(judgement)
    return found


def recommendation_json(recommendation: Recommendation | None) -> dict[str, Any] | None:
    """A recommendation for a program, without what ``explain`` gives."""
    left_out = ("diagnosis", "ranked")
    return recommendation and {name: item for name, item in plain(recommendation).items() if name not in left_out}


def _envelope_line(campaign: CampaignRecord) -> str:
    version = f"version {campaign.envelope_version}" if campaign.envelope_version else "without a version"
    return f"envelope {version}, {campaign.envelope_hash[:12]}"


def _people(proposal: Proposal) -> str:
    return "1 person" if proposal.persons == 1 else f"{proposal.persons} different people"


def _proposal_lines(campaign: CampaignRecord, proposal: Proposal) -> list[str]:
    """What people are asked to approve, and how."""
    return [
        f"{proposal.name} waits for the approval of {_people(proposal)}:",
        *(f"  because {reason}" for reason in proposal.reasons),
        columns(
            [
                ("  plan", proposal.plan, proposal.plan_hash[:12]),
                ("  envelope", campaign.envelope_version or "no version", proposal.envelope[:12]),
                ("  lab", "devices, materials, labware, rules", proposal.lab[:12]),
                ("  all of it", "what an approval is bound to", proposal.content_hash[:12]),
            ]
        ),
        f"approve it: autolab approve {proposal.campaign} {proposal.trial} --as NAME",
        f"refuse it:  autolab refuse {proposal.campaign} {proposal.trial} --as NAME --because TEXT",
    ]


def _head(standing: Standing, lab_s: float) -> list[str]:
    campaign = standing.campaign
    reason = f": {campaign.reason}" if campaign.reason else ""
    lines = [
        f"{campaign.id} ({campaign.realm.upper()}): {campaign.state}{reason}",
        f"lab {campaign.lab}, engine {campaign.engine.name}, seed {campaign.seed}, started {campaign.created}",
        *([_envelope_line(campaign)] if campaign.envelope_hash else []),
        f"{standing.n_measured} of {campaign.planned} trials have an outcome, {standing.n_without_outcome} have "
        f"none; {duration_text(lab_s)} of lab time",
    ]
    problem = campaign.problem
    lines += [f"rule: {rule}" for rule in problem.avoided]
    lines += [f"rule that had expired, and was not applied: {rule}" for rule in problem.lapsed]
    lines += [f"earlier data: {source}" for source in problem.earlier]
    if standing.front:
        lines.append(f"front: {len(standing.front)} trials ({', '.join(map(str, standing.front))})")
    if standing.best is not None:
        met = {True: ": met", False: ": not met", None: ""}[standing.target_is_met]
        target = f" (target {target_text(standing.objective)}{met})" if standing.objective.target is not None else ""
        recommended = campaign.recommendation
        value = claim_text(recommended, standing.objective.unit) if recommended else _best_value(standing)
        lines.append(f"best: {standing.objective.metric} {value} in trial {standing.recommended_trial}{target}")
    return lines


def _best_value(standing: Standing) -> str:
    recommendation = standing.campaign.recommendation
    if recommendation is not None:
        return with_unit(estimate_text(recommendation.mean, recommendation.sem), standing.objective.unit)
    return outcome_text(standing.best[1] if standing.best else None, standing.objective.unit)


def _trial_line(campaign: CampaignRecord, trial: TrialRecord) -> tuple[str, str, str, str]:
    estimate = campaign.problem.score(trial.outcome or {})
    detail = trial.failure or trial.suggestion.reason
    return str(trial.number), str(trial.state), outcome_text(estimate, campaign.problem.ranking.unit), detail


def _values(campaign: CampaignRecord, trial: TrialRecord) -> list[str]:
    texts = dict(recipe(campaign.problem.space, trial.suggestion.values))
    return [texts.get(parameter.name, "–") for parameter in campaign.problem.space.parameters]


def _took(intent: IntentRecord) -> str:
    return "–" if intent.settled_lab_s is None else f"{intent.settled_lab_s - intent.intended_lab_s:.3f} s"


def _ranges(numbers: Sequence[int]) -> str:
    """Trial numbers in words, runs of them shortened: ``1-8, 10``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs) or "none"
