"""Trials as lines across one axis for each parameter and one for the outcome.

Drawn with plain lines: plotly's own parallel coordinates need WebGL, which printers and plain machines lack.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from autolab.core.parameters import ChoiceParameter, FixedParameter, Parameter, RangeParameter, Value
from autolab.report.canvas import empty_figure
from autolab.report.facts import Facts, Measured
from autolab.report.figures import RECOMMENDED, bracketed, varied
from autolab.report.numbers import number_text, outcome_text, quantity_text, unit_text, value_text

__all__ = ["parallel_figure", "parallel_text"]

_BANDS = (("the worst half", "#c4cad4", 1.0), ("better than half", "#8fb0e8", 1.2), ("the best tenth", "#12946f", 2.2))
"""Names, colours and widths of trials by their rank, the worst first, so that the best lie on top."""


@dataclass(frozen=True)
class _Axis:
    """One upright axis: its title, its ticks at heights from 0 to 1, and the height of each trial."""

    title: str
    ticks: Sequence[tuple[float, str]]
    heights: Sequence[float | None]
    texts: Sequence[str]


def parallel_text(facts: Facts) -> str:
    """What the figure shows, in words."""
    return (
        f"Each line is a trial with an outcome, from its recipe on the left to its {facts.objective.metric} on the "
        "right. Where the best lines run together, that parameter matters; where they spread, it hardly does."
    )


def parallel_figure(facts: Facts) -> go.Figure:
    """Parallel coordinates of all trials with an outcome; the outcome is the last axis."""
    axes = [*(_axis(parameter, facts.measured) for parameter in varied(facts)), _outcome_axis(facts)]
    figure = empty_figure(400)
    losses = [facts.objective.loss(m.estimate.value) for m in facts.measured]
    order = sorted(range(len(losses)), key=lambda row: losses[row])
    tenth, half = math.ceil(len(order) / 10), math.ceil(len(order) / 2)
    for (name, colour, width), rows in zip(_BANDS, (order[half:], order[tenth:half], order[:tenth]), strict=True):
        _lines(figure, facts, axes, rows, name=name, line={"color": colour, "width": width})
    best = [row for row, m in enumerate(facts.measured) if m.trial.number == facts.recommended_trial]
    _lines(figure, facts, axes, best, name="recommended", line={"color": RECOMMENDED, "width": 3})
    for place, axis in enumerate(axes):
        _upright(figure, place, axis)
    figure.update_xaxes(visible=False, range=[-0.35, len(axes) - 1 + 0.45], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.06, 1.14], fixedrange=True)
    figure.update_layout(margin={"l": 12, "r": 12, "t": 44, "b": 8}, legend={"y": 1.04})
    return figure


def _lines(figure: go.Figure, facts: Facts, axes: Sequence[_Axis], rows: Sequence[int], **more: Any) -> None:
    """Several trials as one trace, with gaps between them."""
    if not rows:
        return
    x: list[float | None] = []
    y: list[float | None] = []
    texts: list[str] = []
    for row in rows:
        number = facts.measured[row].trial.number
        x += [*range(len(axes)), None]
        y += [*(axis.heights[row] for axis in axes), None]
        texts += [*(f"trial {number}<br>{axis.title}: {axis.texts[row]}" for axis in axes), ""]
    more |= {"mode": "lines+markers", "marker": {"size": 5}, "hovertemplate": "%{text}<extra></extra>"}
    figure.add_trace(go.Scatter(x=x, y=y, text=texts, **more))


def _upright(figure: go.Figure, place: int, axis: _Axis) -> None:
    figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, line={"color": "#8d99ab", "width": 1}, layer="below")
    title = {"font": {"size": 12.5}, "yanchor": "bottom", "showarrow": False}
    figure.add_annotation(x=place, y=1.05, text=axis.title, **title)
    for height, text in axis.ticks:
        tick = {"font": {"size": 10.5}, "xanchor": "left", "xshift": 5, "showarrow": False, "opacity": 0.75}
        figure.add_annotation(x=place, y=height, text=text, **tick)


def _outcome_axis(facts: Facts) -> _Axis:
    """The outcome, the best end at the top; by logarithms where it spans decades."""
    values, unit = [m.estimate.value for m in facts.measured], unit_text(facts.objective.unit)
    scaled = [math.log(value) for value in values] if min(values) > 0 and max(values) / min(values) > 20 else values
    low, high = min(scaled), max(scaled)
    wide = high - low or 1.0
    is_low_good = facts.objective.loss(min(values)) < facts.objective.loss(max(values))
    heights = [(high - each) / wide if is_low_good else (each - low) / wide for each in scaled]
    ends = (max(values), min(values)) if is_low_good else (min(values), max(values))
    ticks = [(float(height), number_text(end)) for height, end in enumerate(ends)]
    title = f"{facts.objective.metric} [{unit}]" if unit else facts.objective.metric
    return _Axis(title, ticks, heights, [outcome_text(m.estimate, facts.objective.unit) for m in facts.measured])


def _axis(parameter: Parameter, measured: Sequence[Measured]) -> _Axis:
    values = [m.trial.suggestion.values.get(parameter.name) for m in measured]
    heights = [None if value is None else _height(parameter, value) for value in values]
    texts = ["not given" if value is None else quantity_text(parameter, value) for value in values]
    if isinstance(parameter, ChoiceParameter):
        shown: Sequence[Value] = parameter.choices
    else:
        shown = () if isinstance(parameter, FixedParameter) else (parameter.lower, parameter.upper)
    ticks = [(_height(parameter, value), value_text(parameter, value)) for value in shown]
    return _Axis(f"{parameter.name}{bracketed(parameter)}", ticks, heights, texts)


def _height(parameter: Parameter, value: Value) -> float:
    """Where a value lies between the bounds of its parameter, on its scale; choices lie evenly, in their order."""
    if isinstance(parameter, ChoiceParameter):
        return parameter.choices.index(value) / max(len(parameter.choices) - 1, 1)
    if isinstance(parameter, FixedParameter):
        return 0.5
    low, high, at = float(parameter.lower), float(parameter.upper), float(value)
    if isinstance(parameter, RangeParameter) and parameter.scale == "log":
        low, high, at = math.log(low), math.log(high), math.log(at)
    return (at - low) / (high - low)
