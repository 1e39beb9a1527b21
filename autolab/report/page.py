"""The report: one HTML file that needs nothing else, neither a network nor this program."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from autolab.core.diagnoses import Diagnosis
from autolab.core.parameters import IntegerParameter, Parameter, RangeParameter
from autolab.core.trials import TrialState
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, TrialRecord
from autolab.report import competing, consuming, figures, parallel, slicing, trusting
from autolab.report.charting import calibration_picture
from autolab.report.earlier import earlier_rows
from autolab.report.explaining import explanation_lines
from autolab.report.facts import Facts, median
from autolab.report.html import Picture, page, picture, write_page
from autolab.report.numbers import (
    claim_text,
    duration_text,
    estimate_text,
    outcome_text,
    quantity_text,
    target_text,
    unit_text,
    value_text,
    with_unit,
)
from autolab.report.reproducing import reproduction
from autolab.report.table import ended_s

__all__ = ["pictures_of", "recommended_value", "render_report", "write_report"]

_MAX_TABLE_ROWS = 2000
"""Actions that the table below the time line lists at most; the journal and the figure hold all."""


def render_report(reader: JournalReader, campaign: CampaignRecord) -> str:
    """The report of one campaign as HTML. The same journal gives the same text.

    Raises:
        StorageError: the journal cannot be read.
    """
    facts = Facts.read(reader, campaign)
    return page(
        "page.html",
        campaign=campaign,
        facts=facts,
        realm=campaign.realm,
        summary=summary(facts),
        tiles=_tiles(facts),
        recipe=_recipe(facts),
        ground=campaign.recommendation.reason if campaign.recommendation else "",
        pictures=pictures_of(facts),
        diagnosis=_diagnosis(facts),
        metrics=[with_unit(m, f"[{unit_text(_unit(facts, m))}]" if _unit(facts, m) else "") for m in _metrics(facts)],
        parameters=[_headed(p) for p in campaign.problem.space.parameters],
        trials=[_trial_row(facts, trial) for trial in facts.trials],
        environment=list(_flat(campaign.environment)),
        earlier=earlier_rows(facts),
        again=reproduction(facts),
        calibrations=calibration_picture(reader, campaign),
    )


def write_report(reader: JournalReader, campaign: CampaignRecord, path: Path) -> Path:
    """Write the report of one campaign to a file, whole or not at all. Returns its path.

    Raises:
        StorageError: the journal cannot be read, or there is no room or no right to write.
    """
    return write_page(path, render_report(reader, campaign))


def summary(facts: Facts) -> str:
    """What a campaign came to, in a few sentences."""
    campaign = facts.campaign
    sentences: list[str] = []
    value = recommended_value(facts)
    if campaign.problem.seeks_front:
        sentences.append(competing.front_text(facts))
        if campaign.recommendation is not None:
            sentences.append(f"Trial {facts.recommended_trial}, the middle of them, is recommended.")
    elif facts.recommended_trial is None:
        sentences.append("No trial has an outcome that could be recommended.")
    else:
        verb = "is recommended" if campaign.recommendation else "is the best so far"
        value = claim_text(campaign.recommendation, facts.objective.unit) if campaign.recommendation else value
        sentences.append(f"Trial {facts.recommended_trial} {verb}: {facts.objective.metric} {value}.")
        if facts.target_is_met is not None and facts.best is not None:
            confirmed = campaign.recommendation is not None and campaign.recommendation.confirmed
            by = "the confirmed value" if confirmed else f"trial {facts.best.trial.number} as measured"
            met = f"was met by {by}" if facts.target_is_met else "was not met"
            sentences.append(f"The target of {target_text(facts.objective)} {met}.")
    sentences.append(_counts(facts))
    if campaign.state == "running":
        sentences.append("The campaign was still running when this report was made.")
    elif campaign.reason:
        verb = {"finished": "ended", "imported": "was imported"}.get(campaign.state, campaign.state)
        sentences.append(f"It {verb}: {campaign.reason}.")
    return " ".join(sentence.replace("..", ".") for sentence in sentences)


def _counts(facts: Facts) -> str:
    others = [(str(s), facts.count(s)) for s in (TrialState.FAILED, TrialState.REFUSED, TrialState.ABANDONED)]
    parts = [f"{count} {'was' if count == 1 else 'were'} {name}" for name, count in others if count]
    parts = [part.replace("was failed", "failed").replace("were failed", "failed") for part in parts]
    measured = len(facts.measured)
    first = f"{measured} of {len(facts.trials)} trials {'has' if measured == 1 else 'have'} an outcome"
    return ", ".join([first, *parts]) + "."


def recommended_value(facts: Facts) -> str:
    """Value of the recommended trial, or of the best as measured while there is no recommendation."""
    recommendation = facts.campaign.recommendation
    if recommendation is not None:
        return with_unit(estimate_text(recommendation.mean, recommendation.sem), facts.objective.unit)
    return outcome_text(facts.best.estimate if facts.best else None, facts.objective.unit)


def _tiles(facts: Facts) -> list[tuple[str, str, str]]:
    """Label, value and kind of the numbers at the top."""
    objective, goals = facts.objective, {"minimize": "lowest", "maximize": "highest", "target": "closest"}
    tiles = [(f"{goals[objective.goal]} {objective.metric}", recommended_value(facts), "")]
    if facts.campaign.problem.seeks_front:
        share = competing.volumes(facts)
        tiles = [("trials on the front", str(len(facts.front)), "")]
        tiles.append(("hypervolume", f"{100 * share[-1][1]:.3g} % of its box" if share else "–", ""))
    elif objective.target is not None:
        met = facts.target_is_met
        words = {True: "met", False: "not met", None: "open"}[met]
        tiles.append((f"target: {target_text(objective)}", words, {True: "good", False: "bad", None: ""}[met]))
    tiles.append(("trials with an outcome", f"{len(facts.measured)} of {facts.campaign.planned}", ""))
    missing = len(facts.without_outcome)
    tiles.append(("trials without one", str(missing), "bad" if missing else ""))
    tiles.append(("lab time", duration_text(facts.lab_seconds), ""))
    return tiles


def _recipe(facts: Facts) -> list[dict[str, Any]]:
    """Each parameter of the recommended trial, with its place between its bounds where it has some."""
    number = facts.recommended_trial
    trial = next((trial for trial in facts.trials if trial.number == number), None)
    recommendation = facts.campaign.recommendation
    values = recommendation.values if recommendation else trial.suggestion.values if trial else {}
    rows: list[dict[str, Any]] = []
    for parameter in facts.campaign.problem.space.parameters:
        if parameter.name in values:
            row: dict[str, Any] = {"name": parameter.name, "value": quantity_text(parameter, values[parameter.name])}
            row["share"], row["low"], row["high"] = _share(parameter, values[parameter.name])
            rows.append(row)
    return rows


def _share(parameter: Parameter, value: Any) -> tuple[float | None, str, str]:
    if not isinstance(parameter, RangeParameter | IntegerParameter):
        return None, "", ""
    low, high, at = float(parameter.lower), float(parameter.upper), float(value)
    if isinstance(parameter, RangeParameter) and parameter.scale == "log":
        low, high, at = math.log(low), math.log(high), math.log(at)
    share = min(max((at - low) / (high - low), 0.0), 1.0)
    return round(share * 100, 2), value_text(parameter, parameter.lower), value_text(parameter, parameter.upper)


def pictures_of(facts: Facts) -> dict[str, Picture]:
    """The figures by name; those that have nothing to show are left out."""
    found: dict[str, Picture] = {}
    trials = "The table of trials below holds the same numbers."
    if facts.measured and facts.campaign.problem.seeks_front:
        found |= _competing(facts)
    elif facts.measured:
        found["best"] = picture(
            "best", "Best so far", _best_summary(facts), figures.best_so_far(facts), **_best_table(facts)
        )
    if facts.trials:
        text = (
            "Values of each parameter over the trials; crosses are trials without an outcome, the star is recommended."
        )
        figure = figures.parameters_over_trials(facts)
        found["parameters"] = picture("parameters", "Parameters over trials", text, figure, note=trials)
    if facts.measured:
        text = (
            f"{facts.objective.metric} over each parameter: where the campaign looked, and what it found there. "
            "Early trials are pale, late ones blue, the star is recommended."
        )
        figure = figures.outcome_against_parameters(facts)
        found["where"] = picture("where", "Where it looked", text, figure, note=trials)
    if len(facts.measured) > 1:
        text, figure = parallel.parallel_text(facts), parallel.parallel_figure(facts)
        found["parallel"] = picture("parallel", "Recipes side by side", text, figure, note=trials)
    if used := consuming.consumption(facts):
        text, figure = consuming.consumption_text(used), consuming.consumption_figure(used)
        rows = {"header": consuming.HEADER, "rows": consuming.consumption_rows(used)}
        found["consumption"] = picture("consumption", "Consumption", text, figure, **rows)
    if facts.work:
        text = (
            f"Actions, moves and measurements of each device over {duration_text(facts.lab_seconds)} of lab time, "
            f"{len(facts.work)} in all."
        )
        found["devices"] = picture(
            "devices", "Time line of the devices", text, figures.device_time_line(facts), **_action_table(facts)
        )
    if any(trial.timings for trial in facts.trials):
        text = "Real seconds that each trial took, by what it waited for."
        found["timings"] = picture("timings", "Timings", text, figures.timings(facts), **_timing_table(facts))
    return found


def _diagnosis(facts: Facts) -> dict[str, Any] | None:
    """How far the model can be trusted; None where there is none."""
    recommendation, problem = facts.campaign.recommendation, facts.campaign.problem
    if recommendation is None or recommendation.diagnosis is None:
        return None
    diagnosis = recommendation.diagnosis
    said = [trusting.trust_text(problem, metric) for metric in diagnosis.metrics]
    learned = [(m.metric, trusting.misfit_lines(m), trusting.role_rows(m)) for m in diagnosis.metrics]
    shown = picture(
        "trust",
        "How far the model can be trusted",
        f"Checked with {diagnosis.model}. {' '.join(said)}",
        trusting.trust_figure(problem, diagnosis),
        header=("metric", "trial", "measured", "predicted from the others"),
        rows=trusting.left_out_rows(problem, diagnosis),
    )
    return {"picture": shown, "learned": learned, "slices": _slices(facts, diagnosis)}


def _slices(facts: Facts, diagnosis: Diagnosis) -> list[Picture]:
    """The models through the recommended trial, one figure for each metric."""
    return [
        picture(
            f"slices-{place}",
            f"Around the recommended trial: {metric.metric}",
            slicing.slice_text(),
            slicing.slice_figure(facts, metric),
            header=slicing.HEADER,
            rows=slicing.slice_rows(facts, metric),
        )
        for place, metric in enumerate(diagnosis.metrics, 1)
        if metric.slices
    ]


def _competing(facts: Facts) -> dict[str, Picture]:
    """The figures of a front, in place of the best so far."""
    header = ("trial", *(objective.metric for objective in facts.campaign.problem.objectives))
    front, volume = competing.front_figure(facts), competing.volume_figure(facts)
    rows = tuple((str(number), f"{100 * share:.3g} %") for number, share in competing.volumes(facts))
    return {
        "front": picture(
            "front", "Front", competing.front_text(facts), front, header=header, rows=competing.front_rows(facts)
        ),
        "volume": picture(
            "volume", "Hypervolume", competing.volume_text(facts), volume, header=("trial", "covered"), rows=rows
        ),
    }


def _best_summary(facts: Facts) -> str:
    target = f", against a target of {target_text(facts.objective)}" if facts.objective.target is not None else ""
    first, best = facts.measured[0], facts.best
    if best is None:
        return f"{facts.objective.metric} of each trial{target}; no trial keeps all outcome constraints."
    start = outcome_text(first.estimate, facts.objective.unit)
    end = outcome_text(best.estimate, facts.objective.unit)
    return (
        f"{facts.objective.metric} as measured in each trial, with its standard error, and the best so far{target}. "
        f"The first trial gave {start}; the best is trial {best.trial.number} with {end}."
    )


def _best_table(facts: Facts) -> dict[str, Any]:
    unit = facts.objective.unit
    rows = tuple(
        (
            str(m.trial.number),
            outcome_text(m.estimate, unit),
            "–" if m.best is None else with_unit(estimate_text(m.best, m.estimate.sem).split(" ± ")[0], unit),
            "–" if m.best_trial is None else str(m.best_trial),
        )
        for m in facts.measured
    )
    return {"header": ("trial", facts.objective.metric, "best so far", "in trial"), "rows": rows}


def _action_table(facts: Facts) -> dict[str, Any]:
    rows = tuple(
        (
            str(w.trial),
            w.device,
            w.what,
            f"{w.begun_lab_s:.1f} s",
            "–" if w.ended_lab_s is None else f"{w.ended_lab_s:.1f} s",
            w.state + (f": {w.detail}" if w.detail else ""),
        )
        for w in facts.work[:_MAX_TABLE_ROWS]
    )
    left = len(facts.work) - len(rows)
    note = f"{left} more are in the journal." if left > 0 else ""
    return {"header": ("trial", "device", "what", "from", "to", "state"), "rows": rows, "note": note}


def _timing_table(facts: Facts) -> dict[str, Any]:
    timed = [trial.timings for trial in facts.trials if trial.timings is not None]
    parts = (
        ("devices", [t.device_s for t in timed]),
        ("waiting for the proposer", [t.proposer_s for t in timed]),
        ("waiting for the screen", [t.screen_s for t in timed]),
        ("commits", [t.commit_s for t in timed]),
        ("the loop itself (overhead)", [t.overhead_s for t in timed]),
        ("whole trial", [t.wall_s for t in timed]),
    )
    rows = tuple(
        (name, duration_text(median(v)), duration_text(max(v)), duration_text(math.fsum(v))) for name, v in parts
    )
    return {"header": ("where the time went", "median per trial", "longest", "in all"), "rows": rows}


def _metrics(facts: Facts) -> list[str]:
    """Metrics that the problem names, and whatever else outcomes carry."""
    found = dict.fromkeys(facts.campaign.problem.metrics)
    for trial in facts.trials:
        found.update(dict.fromkeys(trial.outcome or {}))
    return list(found)


def _unit(facts: Facts, metric: str) -> str:
    return facts.campaign.problem.unit_of(metric)


def _headed(parameter: Parameter) -> str:
    return f"{parameter.name} [{unit_text(parameter.unit)}]" if parameter.unit else parameter.name


def _trial_row(facts: Facts, trial: TrialRecord) -> dict[str, Any]:
    parameters = facts.campaign.problem.space.parameters
    values = trial.suggestion.values
    reasons = "; ".join(trial.verdict.reasons) if trial.verdict and trial.state is TrialState.REFUSED else ""
    end, start = ended_s(trial), trial.begun_s
    return {
        "number": trial.number,
        "state": str(trial.state),
        "problem": trial in facts.without_outcome,
        "recommended": trial.number == facts.recommended_trial,
        "values": [value_text(p, values[p.name]) if p.name in values else "–" for p in parameters],
        "outcomes": [outcome_text((trial.outcome or {}).get(metric)) for metric in _metrics(facts)],
        "took": "–" if end is None or start is None else duration_text(end - start),
        "engine": trial.suggestion.engine,
        "why": trial.suggestion.reason,
        "explanation": "; ".join(explanation_lines(facts.campaign.problem, trial.suggestion.explanation)),
        "failure": trial.failure or reasons,
    }


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """A nested mapping as lines of (dotted name, text)."""
    if isinstance(value, dict):
        return [line for key, item in value.items() for line in _flat(item, f"{name}.{key}" if name else str(key))]
    if isinstance(value, list | tuple):
        return [(name, " ".join(str(item) for item in value))]
    return [(name, str(value))]
