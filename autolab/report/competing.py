"""What a report shows of a campaign that seeks a front: the front, and the volume that it covers."""

from __future__ import annotations

import itertools

import plotly.graph_objects as go

from autolab.core.front import covered, losses_of, reference_of
from autolab.core.objectives import Objective
from autolab.report.canvas import empty_figure, panels
from autolab.report.colours import BEST, MEASURED, NEUTRAL, RECOMMENDED
from autolab.report.facts import Facts, Measured
from autolab.report.figures import whole_ticks
from autolab.report.numbers import number_text, outcome_text, target_text, unit_text, with_unit

__all__ = ["front_figure", "front_rows", "front_text", "volume_figure", "volume_text", "volumes"]


def front_figure(facts: Facts) -> go.Figure:
    """Each pair of objectives against each other: all trials, those of the front, and the recommended one."""
    pairs = list(itertools.combinations(facts.campaign.problem.objectives, 2))
    titles = [f"{across.metric} and {up.metric}" for across, up in pairs]
    figure, place = panels(titles if len(pairs) > 1 else [""])
    for index, (across, up) in enumerate(pairs):
        row, column = place(index)
        for name, colour, symbol, size, shown in _groups(facts):
            figure.add_trace(
                go.Scatter(
                    name=name,
                    x=[_value(m, across) for m in shown],
                    y=[_value(m, up) for m in shown],
                    mode="markers",
                    marker={"color": colour, "symbol": symbol, "size": size},
                    text=[_hover(facts, m) for m in shown],
                    hovertemplate="%{text}<extra></extra>",
                    showlegend=index == 0,
                ),
                row=row,
                col=column,
            )
        figure.update_xaxes(title=_headed(across), row=row, col=column)
        figure.update_yaxes(title=_headed(up), row=row, col=column)
    if len(pairs) == 1:
        figure.update_layout(height=420, margin={"l": 64, "t": 30, "b": 48})
    return figure


def volume_figure(facts: Facts) -> go.Figure:
    """How much of the box between reference and best values the front covers, trial by trial."""
    figure = empty_figure(260)
    found = volumes(facts)
    figure.add_trace(
        go.Scatter(
            name="covered",
            x=[number for number, _ in found],
            y=[100.0 * share for _, share in found],
            mode="lines",
            line={"shape": "hv", "color": BEST, "width": 2.5},
            hovertemplate="trial %{x}: %{y:.3g} %<extra></extra>",
        )
    )
    figure.update_xaxes(title="trial", range=[0.3, len(facts.trials) + 0.7], **whole_ticks(len(facts.trials)))
    figure.update_yaxes(title="hypervolume, % of its box", rangemode="tozero")
    return figure


def volumes(facts: Facts) -> list[tuple[int, float]]:
    """Trial number and covered share after it. Reference and best values are those of all outcomes that count."""
    kept = [(m.trial.number, losses_of(facts.campaign.problem, m.trial.outcome or {})) for m in _kept(facts)]
    if not kept:
        return []
    losses = [row for _, row in kept]
    reference = reference_of(facts.campaign.problem, losses)
    ideal = tuple(min(column) for column in zip(*losses, strict=True))
    return [(number, covered(losses[: at + 1], reference, ideal)) for at, (number, _) in enumerate(kept)]


def front_text(facts: Facts) -> str:
    """The front in a sentence or two."""
    if not facts.front:
        return "No trial keeps all outcome constraints, so there is no front."
    size = f"{len(facts.front)} trial{'s' if len(facts.front) != 1 else ''}"
    numbers = ", ".join(str(number) for number in facts.front)
    goals = " and ".join(f"{_wish(objective)} {objective.metric}" for objective in facts.campaign.problem.objectives)
    return f"No trial beats one of these {size} in all objectives ({goals}): {numbers}."


def volume_text(facts: Facts) -> str:
    """What the hypervolume is measured from, and where it stands."""
    problem, kept = facts.campaign.problem, _kept(facts)
    if not kept:
        return "No trial keeps all outcome constraints, so nothing is covered."
    reference = reference_of(problem, [losses_of(problem, m.trial.outcome or {}) for m in kept])
    parts: list[str] = []
    for objective, loss in zip(problem.objectives, reference, strict=True):
        chosen = "" if objective.threshold is not None else " (chosen)"
        value = -loss if objective.goal == "maximize" else loss
        away = " from its target" if objective.goal == "target" else ""
        parts.append(f"{objective.metric} {with_unit(number_text(value, 4), objective.unit)}{away}{chosen}")
    share = 100.0 * volumes(facts)[-1][1]
    return (
        f"The share of what could be gained over {' and '.join(parts)} that the front covers: {share:.3g} % in the end."
    )


def front_rows(facts: Facts) -> tuple[tuple[str, ...], ...]:
    """A line for each trial of the front: its number, and each objective with its standard error."""
    objectives = facts.campaign.problem.objectives
    return tuple(
        (str(m.trial.number), *(outcome_text((m.trial.outcome or {}).get(o.metric), o.unit) for o in objectives))
        for m in facts.measured
        if m.trial.number in facts.front
    )


def _groups(facts: Facts) -> list[tuple[str, str, str, int, list[Measured]]]:
    """Name, colour, symbol, size and trials of each kind of mark."""
    recommended, front = facts.recommended_trial, set(facts.front)
    others = [m for m in facts.measured if m.trial.number not in front]
    found = [
        ("measured", MEASURED, "circle", 7, [m for m in others if m.keeps]),
        ("breaks an outcome constraint", NEUTRAL, "circle", 7, [m for m in others if not m.keeps]),
        ("front", BEST, "diamond", 10, [m for m in facts.measured if m.trial.number in front]),
        ("recommended", RECOMMENDED, "star", 14, [m for m in facts.measured if m.trial.number == recommended]),
    ]
    return [group for group in found if group[-1]]


def _kept(facts: Facts) -> list[Measured]:
    return [m for m in facts.measured if m.keeps]


def _value(measured: Measured, objective: Objective) -> float:
    return (measured.trial.outcome or {})[objective.metric].value


def _hover(facts: Facts, measured: Measured) -> str:
    outcome = measured.trial.outcome or {}
    parts = [f"{o.metric} {outcome_text(outcome.get(o.metric), o.unit)}" for o in facts.campaign.problem.objectives]
    return "<br>".join([f"trial {measured.trial.number}", *parts])


def _headed(objective: Objective) -> str:
    return with_unit(objective.metric, f"[{unit_text(objective.unit)}]" if objective.unit else "")


def _wish(objective: Objective) -> str:
    return {"minimize": "low", "maximize": "high"}.get(objective.goal, f"near {target_text(objective)}:")
