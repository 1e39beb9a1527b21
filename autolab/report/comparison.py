"""Several campaigns on one page: what each came to, how fast, and in what they differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from autolab.core.errors import InputError
from autolab.core.parameters import ChoiceParameter, FixedParameter, Parameter
from autolab.core.problem import Problem
from autolab.core.trials import Estimate
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord
from autolab.report.canvas import empty_figure
from autolab.report.facts import Facts
from autolab.report.figures import log_ticks, whole_ticks
from autolab.report.html import page, picture, write_page
from autolab.report.numbers import duration_text, estimate_text, outcome_text, quantity_text, target_text, with_unit
from autolab.report.page import recommended_value

__all__ = ["MOST", "compare", "write_comparison"]

MOST = 12
"""Campaigns that one page tells apart by colour."""
_COLOURS = (
    "#5b8def", "#12946f", "#e0a100", "#d9534f", "#8e6cc9", "#4fb3bf",
    "#b5651d", "#7a8699", "#c2569b", "#6b9e2f", "#2f4b8f", "#a08a5a",
)  # fmt: skip


def write_comparison(reader: JournalReader, campaigns: Sequence[CampaignRecord], path: Path) -> Path:
    """Write the comparison of some campaigns to a file, whole or not at all. Returns its path.

    Raises:
        InputError: as of `compare`.
        StorageError: the journal cannot be read, or there is no room or no right to write.
    """
    return write_page(path, compare(reader, campaigns))


def compare(reader: JournalReader, campaigns: Sequence[CampaignRecord]) -> str:
    """The comparison of some campaigns as HTML. The same journal gives the same text.

    Raises:
        InputError: a campaign is named twice, there are too many, or their goals are not the same.
        StorageError: the journal cannot be read.
    """
    _check(campaigns)
    found = [Facts.read(reader, campaign) for campaign in campaigns]
    realms = sorted({facts.campaign.realm for facts in found})
    return page(
        "comparison.html",
        found=found,
        realms=realms,
        goal=_goal(found[0].campaign.problem),
        summary=_summary(found),
        results=[tuple(_result(found[0])), *(tuple(_result(facts).values()) for facts in found)],
        progress=picture(
            "progress",
            "Best so far, side by side",
            "The best outcome as measured that keeps the outcome constraints, over the trials of each campaign.",
            _progress(found),
            header=("campaign", "trial", "best so far"),
            rows=_progress_rows(found),
        ),
        recipes=_recipes(found),
        differences=_differences(found),
    )


def _check(campaigns: Sequence[CampaignRecord]) -> None:
    ids = [campaign.id for campaign in campaigns]
    twice = [each for each in dict.fromkeys(ids) if ids.count(each) > 1]
    if twice:
        raise InputError(f"campaign {twice[0]} is named twice: name each once")
    if len(ids) > MOST:
        raise InputError(f"{len(ids)} campaigns are too many for one page: compare at most {MOST} at a time")
    first = campaigns[0]
    for campaign in campaigns:
        if campaign.problem.seeks_front:
            raise InputError(
                f"campaign {campaign.id} seeks a front of several objectives, and has no single best to compare: read "
                "its own report"
            )
        if _measure(campaign.problem) != _measure(first.problem):
            raise InputError(
                f"campaign {first.id} is to {_goal(first.problem)}, and {campaign.id} to {_goal(campaign.problem)}: "
                "compare campaigns of one goal"
            )


def _measure(problem: Problem) -> tuple[Any, ...]:
    """What two campaigns must share so that their best can be compared."""
    ranking = problem.ranking
    return ranking.metric, ranking.goal, ranking.unit, ranking.target if ranking.goal == "target" else None


def _goal(problem: Problem) -> str:
    ranking = problem.ranking
    if ranking.goal == "target":
        return f"bring {ranking.metric} to {target_text(ranking)}"
    return f"{ranking.goal} {ranking.metric}" + (f" in {ranking.unit}" if ranking.unit else "")


def _summary(found: Sequence[Facts]) -> str:
    """Three sentences: what was compared, which is best, and whether that can be told apart."""
    said = f"{len(found)} campaigns that are to {_goal(found[0].campaign.problem)}."
    known = sorted((facts for facts in found if _estimate(facts) is not None), key=_loss)
    if not known:
        return f"{said} None of them has a trial that could be recommended."
    best = known[0]
    said += f" The best is {best.campaign.id} with {recommended_value(best)}, by trial {best.recommended_trial}."
    return said if len(known) == 1 else f"{said} {_apart(best, known[1])}"


def _estimate(facts: Facts) -> Estimate | None:
    """What is believed of the recommended trial, or was measured of the best one where none is recommended yet."""
    recommendation = facts.campaign.recommendation
    if recommendation is not None:
        return Estimate(recommendation.mean, recommendation.sem)
    return facts.best.estimate if facts.best else None


def _loss(facts: Facts) -> float:
    estimate = _estimate(facts)
    return facts.objective.loss(estimate.value) if estimate else math.inf


def _apart(best: Facts, second: Facts) -> str:
    """Whether the best two can be told apart, at two standard errors of their difference."""
    said = f"The next is {second.campaign.id} with {recommended_value(second)}"
    one, other = _estimate(best), _estimate(second)
    if one is None or other is None or one.sem is None or other.sem is None:
        return f"{said}; not all standard errors are known."
    is_apart = abs(one.value - other.value) > 2.0 * math.hypot(one.sem, other.sem)
    return f"{said}: {'more' if is_apart else 'no more'} apart than two standard errors of the difference."


def _result(facts: Facts) -> dict[str, str]:
    """One row of the table of results, by column."""
    campaign = facts.campaign
    reached = next((m.trial.number for m in facts.measured if _is_reached(facts, m.best)), None)
    return {
        "campaign": campaign.id,
        "state": campaign.state,
        "realm": campaign.realm,
        "engine": campaign.engine.name,
        "seed": str(campaign.seed),
        "recommended": "–" if facts.recommended_trial is None else f"trial {facts.recommended_trial}",
        "value": recommended_value(facts),
        "best as measured": outcome_text(facts.best.estimate if facts.best else None, facts.objective.unit),
        "in trial": "–" if facts.best is None else str(facts.best.trial.number),
        "target met in trial": "–" if reached is None else str(reached),
        "with an outcome": f"{len(facts.measured)} of {len(facts.trials)}",
        "by people": str(len(facts.interventions)),
        "lab time": duration_text(facts.lab_seconds),
    }


def _is_reached(facts: Facts, best: float | None) -> bool:
    objective = facts.objective
    return best is not None and facts.target_is_met is not None and bool(objective.is_reached(best))


def _progress(found: Sequence[Facts]) -> go.Figure:
    figure = empty_figure(400)
    for facts, colour in zip(found, _COLOURS, strict=False):
        known = [m for m in facts.measured if m.best is not None]
        figure.add_trace(
            go.Scatter(
                name=facts.campaign.id,
                x=[m.trial.number for m in known],
                y=[m.best for m in known],
                mode="lines",
                line={"shape": "hv", "color": colour, "width": 2.2},
                hovertemplate=f"{facts.campaign.id}<br>trial %{{x}}: %{{y:.4g}}<extra></extra>",
            )
        )
    objective = found[0].objective
    bests = [m.best for facts in found for m in facts.measured if m.best is not None]
    is_wide = bool(bests) and objective.goal == "minimize" and min(bests) > 0 and max(bests) / min(bests) > 20
    title = with_unit(objective.metric, f"[{objective.unit}]" if objective.unit else "")
    axis = {"type": "log", **log_ticks(math.log10(min(bests)), math.log10(max(bests)))} if is_wide else {}
    figure.update_yaxes(title=f"{title} (log scale)" if is_wide else title, **axis)
    ticks = whole_ticks(max(len(facts.trials) for facts in found))
    figure.update_xaxes(title="trial", rangemode="tozero", **ticks)
    return figure


def _progress_rows(found: Sequence[Facts]) -> tuple[tuple[str, ...], ...]:
    """The trials in which each campaign got better."""
    return tuple(
        (facts.campaign.id, str(m.trial.number), with_unit(estimate_text(m.best, None), facts.objective.unit))
        for facts in found
        for m in facts.measured
        if m.best is not None and m.best_trial == m.trial.number
    )


def _recipes(found: Sequence[Facts]) -> list[tuple[str, ...]]:
    """A header, then a line for each parameter: its value in what each campaign recommends."""
    parameters: dict[str, Parameter] = {}
    for facts in found:
        parameters |= {each.name: each for each in facts.campaign.problem.space.parameters}
    rows: list[tuple[str, ...]] = [("parameter", *(facts.campaign.id for facts in found))]
    for name in parameters:
        rows.append((name, *(_recommended(facts, name) for facts in found)))
    return rows


def _recommended(facts: Facts, name: str) -> str:
    number = facts.recommended_trial
    trial = next((trial for trial in facts.trials if trial.number == number), None)
    parameter = next((each for each in facts.campaign.problem.space.parameters if each.name == name), None)
    if trial is None or parameter is None or name not in trial.suggestion.values:
        return "–"
    return quantity_text(parameter, trial.suggestion.values[name])


def _differences(found: Sequence[Facts]) -> list[tuple[str, ...]]:
    """A line for each thing in which the campaigns differ; none where they differ in nothing."""
    facts_of = {
        "lab": [facts.campaign.lab for facts in found],
        "realm": [facts.campaign.realm for facts in found],
        "engine": [facts.campaign.engine.name for facts in found],
        "seed": [str(facts.campaign.seed) for facts in found],
        "lanes": [str(facts.campaign.lanes) for facts in found],
        "trials allowed": [str(facts.campaign.budget_trials) for facts in found],
        "envelope": [facts.campaign.envelope_hash[:12] or "–" for facts in found],
        "content of the lab file": [facts.campaign.lab_hash[:12] for facts in found],
        "content of the campaign file": [facts.campaign.campaign_hash[:12] for facts in found],
        "space": [_space(facts) for facts in found],
        "outcome constraints": ["; ".join(map(str, f.campaign.problem.outcome_constraints)) or "–" for f in found],
        "earlier data": [", ".join(s.name for s in facts.campaign.problem.earlier) or "–" for facts in found],
    }
    for package in sorted({name for facts in found for name in facts.campaign.environment.get("packages", {})}):
        versions = [str(facts.campaign.environment.get("packages", {}).get(package)) for facts in found]
        facts_of[package] = versions
    return [(name, *each) for name, each in facts_of.items() if len(set(each)) > 1]


def _space(facts: Facts) -> str:
    return "; ".join(f"{p.name} {_values(p)}" for p in facts.campaign.problem.space.parameters)


def _values(parameter: Parameter) -> str:
    if isinstance(parameter, FixedParameter):
        return quantity_text(parameter, parameter.value)
    if isinstance(parameter, ChoiceParameter):
        return ", ".join(map(str, parameter.choices))
    return f"{quantity_text(parameter, parameter.lower)} to {quantity_text(parameter, parameter.upper)}"
