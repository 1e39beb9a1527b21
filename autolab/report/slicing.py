"""Slices of a campaign's models through the recommended trial, as a report shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from autolab.core.diagnoses import WIDTH, MetricDiagnosis, SlicePoint, SliceThrough
from autolab.core.parameters import ChoiceParameter
from autolab.report.canvas import panels
from autolab.report.facts import Facts
from autolab.report.figures import BEST, NEUTRAL, RECOMMENDED, axis_of, bracketed, varied
from autolab.report.numbers import estimate_text, quantity_text, unit_text, with_unit

__all__ = ["HEADER", "slice_figure", "slice_rows", "slice_text"]

HEADER = ("parameter", "value", "predicted", "keeps the constraints")
_FAINT = "rgba(18,148,111,0.18)"


def slice_text() -> str:
    """What the figure shows, in words."""
    return (
        "What the model believes of the true value where one parameter moves and all others stay as recommended: its "
        "mean and the interval that should hold 90 %. The star is the recommended trial; where the line is dotted, a "
        "constraint is broken."
    )


def slice_figure(facts: Facts, metric: MetricDiagnosis) -> go.Figure:
    """One panel for each parameter: the model of one metric through the recommended trial."""
    parameters = {parameter.name: parameter for parameter in varied(facts)}
    through = [each for each in metric.slices if each.parameter in parameters]
    figure, place = panels([f"{each.parameter}{bracketed(parameters[each.parameter])}" for each in through])
    ends = [end for each in through for p in each.points for end in (p.mean - WIDTH * p.sd, p.mean + WIDTH * p.sd)]
    margin = 0.05 * (max(ends) - min(ends))
    for index, each in enumerate(through):
        row, column = place(index)
        parameter = parameters[each.parameter]
        for trace in _traces(facts, metric.metric, each, is_choice=isinstance(parameter, ChoiceParameter)):
            figure.add_trace(trace, row=row, col=column)
        figure.update_xaxes(**axis_of(parameter), row=row, col=column)
        figure.update_yaxes(range=[min(ends) - margin, max(ends) + margin], row=row, col=column)
    unit = unit_text(facts.campaign.problem.unit_of(metric.metric))
    figure.update_yaxes(title=f"{metric.metric} [{unit}]" if unit else metric.metric, row=1, col=1)
    return figure


def _traces(facts: Facts, metric: str, through: SliceThrough, *, is_choice: bool) -> list[go.Scatter]:
    points, said = through.points, _hovers(facts, metric, through)
    best = facts.campaign.recommendation
    star = [p for p in points if best is not None and p.value == best.values.get(through.parameter)]
    more: dict[str, Any] = {"showlegend": False, "hovertemplate": "%{text}<extra></extra>"}
    if is_choice:
        bars = {"array": [WIDTH * p.sd for p in points], "thickness": 1.2, "width": 4, "color": BEST}
        colours = [BEST if p.is_allowed else NEUTRAL for p in points]
        marks = {"size": 8, "color": colours}
        found = [_scatter(points, mode="markers", marker=marks, error_y=bars, text=said, **more)]
    else:
        low, high = ([p.mean + side * WIDTH * p.sd for p in points] for side in (-1, 1))
        band = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
        x = [p.value for p in points]
        found = [
            go.Scatter(x=x, y=low, **band),
            go.Scatter(x=x, y=high, fill="tonexty", fillcolor=_FAINT, **band),
            _scatter(points, mode="lines", line={"color": NEUTRAL, "width": 1.5, "dash": "dot"}, text=said, **more),
        ]
        allowed = [p.mean if p.is_allowed else None for p in points]
        found.append(go.Scatter(x=x, y=allowed, mode="lines", line={"color": BEST, "width": 2.2}, text=said, **more))
    mark = {"symbol": "star", "size": 13, "color": RECOMMENDED}
    found.append(_scatter(star, mode="markers", marker=mark, hoverinfo="skip", showlegend=False))
    return found


def _scatter(points: Sequence[SlicePoint], **more: Any) -> go.Scatter:
    return go.Scatter(x=[p.value for p in points], y=[p.mean for p in points], **more)


def _hovers(facts: Facts, metric: str, through: SliceThrough) -> list[str]:
    parameter = next(p for p in facts.campaign.problem.space.parameters if p.name == through.parameter)
    unit = facts.campaign.problem.unit_of(metric)
    return [
        f"{through.parameter} {quantity_text(parameter, p.value)}<br>{with_unit(estimate_text(p.mean, p.sd), unit)}"
        + ("" if p.is_allowed else "<br>breaks a constraint")
        for p in through.points
    ]


def slice_rows(facts: Facts, metric: MetricDiagnosis) -> tuple[tuple[str, ...], ...]:
    """A line for each point of each slice, in the order of `HEADER`."""
    parameters = {parameter.name: parameter for parameter in facts.campaign.problem.space.parameters}
    return tuple(
        (
            each.parameter,
            quantity_text(parameters[each.parameter], point.value),
            with_unit(estimate_text(point.mean, point.sd), facts.campaign.problem.unit_of(metric.metric)),
            "yes" if point.is_allowed else "no",
        )
        for each in metric.slices
        for point in each.points
    )
