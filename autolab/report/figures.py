"""Figures of a campaign, as plotly graph objects: shared by the report and whatever else shows them.

Backgrounds are transparent, and text and grid have no colour of their own: the page that shows a figure gives both,
so that the same figure suits light and dark pages. The colours of the marks are seen on either.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go

from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, Parameter, RangeParameter
from autolab.core.trials import TrialState
from autolab.journal.records import TrialRecord
from autolab.report.canvas import empty_figure, panels
from autolab.report.colours import BEST, MEASURED, NEUTRAL, PROBLEM, RECOMMENDED
from autolab.report.facts import Facts, Measured, Work
from autolab.report.numbers import duration_text, estimate_text, quantity_text, target_text, unit_text, with_unit

__all__ = [
    "axis_of",
    "best_so_far",
    "bracketed",
    "device_time_line",
    "log_ticks",
    "outcome_against_parameters",
    "parameters_over_trials",
    "timings",
    "varied",
    "whole_ticks",
]

_BY_TRIAL = [[0.0, "#a9b4c4"], [1.0, "#2f6fdb"]]
_SYMBOLS = {
    TrialState.FAILED: "x",
    TrialState.REFUSED: "diamond-x",
    TrialState.ABANDONED: "circle-x",
    TrialState.IN_DOUBT: "hexagram",
}


def best_so_far(facts: Facts) -> go.Figure:
    """Outcome of each trial with its standard error, the best so far, and the target."""
    figure = empty_figure(360)
    measured, objective = facts.measured, facts.objective
    figure.add_trace(
        go.Scatter(
            name="measured",
            x=[m.trial.number for m in measured],
            y=[m.estimate.value for m in measured],
            error_y={
                "array": [m.estimate.sem or 0.0 for m in measured],
                "thickness": 1.2,
                "width": 3,
                "color": MEASURED,
            },
            mode="markers",
            marker={"color": [MEASURED if m.keeps else NEUTRAL for m in measured], "size": 7},
            text=[_hover(facts, m) for m in measured],
            hovertemplate="%{text}<extra></extra>",
        )
    )
    known = [m for m in measured if m.best is not None]
    figure.add_trace(
        go.Scatter(
            name="best so far",
            x=[m.trial.number for m in known],
            y=[m.best for m in known],
            mode="lines",
            line={"shape": "hv", "color": BEST, "width": 2.5},
            hovertemplate="best so far %{y:.4g}<extra></extra>",
        )
    )
    _mark_recommended(figure, facts)
    _mark_problems(figure, facts)
    title = with_unit(objective.metric, f"[{unit_text(objective.unit)}]" if objective.unit else "")
    axis = _outcome_axis(facts)
    if objective.target is not None:
        _mark_target(figure, objective.target, f"target: {target_text(objective)}", axis["type"] == "log")
    figure.update_yaxes(title=f"{title} (log scale)" if axis["type"] == "log" else title, **axis)
    figure.update_xaxes(title="trial", range=[0.3, len(facts.trials) + 0.7], **whole_ticks(len(facts.trials)))
    return figure


def parameters_over_trials(facts: Facts) -> go.Figure:
    """What was tried: one small panel a parameter, trial number across, its bounds up and down."""
    parameters = varied(facts)
    figure, place = panels([f"{p.name}{bracketed(p)}" for p in parameters])
    for index, parameter in enumerate(parameters):
        row, column = place(index)
        figure.add_trace(
            go.Scatter(
                x=[trial.number for trial in facts.trials],
                y=[trial.suggestion.values.get(parameter.name) for trial in facts.trials],
                mode="markers",
                marker={
                    "size": 7,
                    "color": [_colour(facts, trial) for trial in facts.trials],
                    "symbol": [_symbol(facts, trial) for trial in facts.trials],
                },
                text=[_point(parameter, trial) for trial in facts.trials],
                hovertemplate="%{text}<extra></extra>",
                showlegend=False,
            ),
            row=row,
            col=column,
        )
        figure.update_yaxes(**axis_of(parameter), row=row, col=column)
        ticks = whole_ticks(len(facts.trials))
        figure.update_xaxes(range=[0.2, len(facts.trials) + 0.8], **ticks, row=row, col=column)
    return figure


def outcome_against_parameters(facts: Facts) -> go.Figure:
    """Where it looked and what it found: the outcome over each parameter; late trials are darker than early ones."""
    parameters = varied(facts)
    figure, place = panels([f"{p.name}{bracketed(p)}" for p in parameters])
    numbers = [m.trial.number for m in facts.measured]
    best = facts.recommended_trial
    outcomes = _outcome_axis(facts)
    for index, parameter in enumerate(parameters):
        row, column = place(index)
        figure.add_trace(
            go.Scatter(
                x=[m.trial.suggestion.values.get(parameter.name) for m in facts.measured],
                y=[m.estimate.value for m in facts.measured],
                mode="markers",
                marker={
                    "size": [12 if n == best else 7 for n in numbers],
                    "symbol": ["star" if n == best else "circle" for n in numbers],
                    "color": [RECOMMENDED if n == best else _shade(n, len(facts.trials)) for n in numbers],
                },
                text=[f"{_point(parameter, m.trial)}<br>{_hover(facts, m)}" for m in facts.measured],
                hovertemplate="%{text}<extra></extra>",
                showlegend=False,
            ),
            row=row,
            col=column,
        )
        figure.update_xaxes(**axis_of(parameter), row=row, col=column)
        figure.update_yaxes(**outcomes, row=row, col=column)
    return figure


def device_time_line(facts: Facts) -> go.Figure:
    """What each device did when, over lab time: one bar for each action, move and measurement."""
    devices = list(dict.fromkeys([d.name for d in facts.devices] + [w.device for w in facts.work]))
    busy = [name for name in devices if any(w.device == name for w in facts.work)]
    figure = empty_figure(110 + 34 * max(len(busy), 1))
    unit, seconds = _time_unit(facts.lab_seconds)
    kinds: list[tuple[str, str, Callable[[Work], bool]]] = [
        ("odd trials", "#3f7de0", lambda i: i.state == "done" and i.trial % 2 == 1),
        ("even trials", "#9dbcf2", lambda i: i.state == "done" and i.trial % 2 == 0),
        ("failed", PROBLEM, lambda i: i.state == "failed"),
        ("not settled", RECOMMENDED, lambda i: i.state not in ("done", "failed")),
    ]
    for name, colour, belongs in kinds:
        work = [item for item in facts.work if belongs(item)]
        if not work:
            continue
        ends = [w.ended_lab_s if w.ended_lab_s is not None else facts.lab_seconds for w in work]
        lengths = [end - w.begun_lab_s for end, w in zip(ends, work, strict=True)]
        figure.add_trace(
            go.Bar(
                name=name,
                orientation="h",
                y=[w.device for w in work],
                base=[w.begun_lab_s / seconds for w in work],
                x=[length / seconds for length in lengths],
                marker={"color": colour, "line": {"width": 0}},
                width=0.6,
                text=[f"trial {w.trial}: {w.what}, {duration_text(s)}" for w, s in zip(work, lengths, strict=True)],
                textposition="none",
                hovertemplate="%{y}, %{text}<extra></extra>",
            )
        )
    figure.update_layout(barmode="overlay", bargap=0.25)
    figure.update_xaxes(title=f"lab time [{unit}]", range=[0, facts.lab_seconds / seconds * 1.01 or 1])
    figure.update_yaxes(categoryorder="array", categoryarray=list(reversed(busy)), ticklabelstandoff=6)
    return figure


def timings(facts: Facts) -> go.Figure:
    """Where the real time of each trial went."""
    figure = empty_figure(280)
    timed = [(trial.number, trial.timings) for trial in facts.trials if trial.timings is not None]
    parts: list[tuple[str, str, list[float]]] = [
        ("devices", "#5b8def", [t.device_s for _, t in timed]),
        ("waiting for the proposer", "#e0a100", [t.proposer_s for _, t in timed]),
        ("waiting for the screen", "#b07fd8", [t.screen_s for _, t in timed]),
        ("commits", "#8d99ab", [t.commit_s for _, t in timed]),
        ("the loop itself", "#12946f", [max(t.overhead_s, 0.0) for _, t in timed]),
    ]
    for name, colour, values in parts:
        figure.add_trace(
            go.Bar(
                name=name,
                x=[number for number, _ in timed],
                y=values,
                marker={"color": colour, "line": {"width": 0}},
                text=[duration_text(value) for value in values],
                textposition="none",
                hovertemplate=f"trial %{{x}}: {name} %{{text}}<extra></extra>",
            )
        )
    figure.update_layout(barmode="stack", bargap=0.2)
    figure.update_xaxes(title="trial", **whole_ticks(len(timed)))
    figure.update_yaxes(title="real time [s]", rangemode="tozero")
    return figure


def varied(facts: Facts) -> list[Parameter]:
    """The parameters that are not fixed."""
    return [p for p in facts.campaign.problem.space.parameters if not isinstance(p, FixedParameter)]


def axis_of(parameter: Parameter) -> dict[str, Any]:
    """Settings of an axis for the values of a parameter."""
    if isinstance(parameter, ChoiceParameter):
        return {"type": "category", "categoryorder": "array", "categoryarray": list(parameter.choices)}
    if isinstance(parameter, RangeParameter) and parameter.scale == "log":
        low, high = math.log10(parameter.lower), math.log10(parameter.upper)
        margin = 0.04 * (high - low)
        return {"type": "log", "range": [low - margin, high + margin], **log_ticks(low, high)}
    if isinstance(parameter, RangeParameter | IntegerParameter):
        margin = 0.05 * (parameter.upper - parameter.lower)
        return {"range": [parameter.lower - margin, parameter.upper + margin]}
    return {}


def _outcome_axis(facts: Facts) -> dict[str, Any]:
    """Linear, or logarithmic where that shows the progress better."""
    if not _spans_decades(facts):
        return {"type": "linear"}
    values = [m.estimate.value for m in facts.measured]
    return {"type": "log", **log_ticks(math.log10(min(values)) - 1, math.log10(max(values)))}


def whole_ticks(n_trials: int) -> dict[str, Any]:
    """Ticks at whole numbers only, for an axis of so many trials; plotly's own fall between a few."""
    return {"tickformat": "d", "dtick": 1} if n_trials <= 10 else {"tickformat": "d"}


def log_ticks(low: float, high: float) -> dict[str, Any]:
    """Ticks with whole numbers as labels between two powers of ten; plotly's own leave out the decade."""
    steps = (1, 2, 5) if high - low < 3.5 else (1,)
    ticks = [step * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for step in steps]
    return {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def _mark_target(figure: go.Figure, target: float, text: str, is_log: bool) -> None:
    figure.add_hline(y=target, line={"dash": "dash", "width": 1.5, "color": RECOMMENDED})
    figure.add_annotation(
        text=text,
        x=0,
        xref="x domain",
        xanchor="left",
        y=math.log10(target) if is_log else target,  # annotations of a log axis are placed by the logarithm
        yanchor="bottom",
        showarrow=False,
        font={"size": 12},
    )


def _spans_decades(facts: Facts) -> bool:
    """True where a log scale shows the progress of a minimisation better."""
    values = [m.estimate.value for m in facts.measured]
    target = facts.objective.target
    if facts.objective.goal != "minimize" or not values or min(values) <= 0 or (target is not None and target <= 0):
        return False
    return max(values) / min(values) > 20


def _mark_recommended(figure: go.Figure, facts: Facts) -> None:
    found = [m for m in facts.measured if m.trial.number == facts.recommended_trial]
    if found:
        figure.add_trace(
            go.Scatter(
                name="recommended",
                x=[found[0].trial.number],
                y=[found[0].estimate.value],
                mode="markers",
                marker={"symbol": "star", "size": 14, "color": RECOMMENDED},
                text=[_hover(facts, found[0])],
                hovertemplate="recommended<br>%{text}<extra></extra>",
            )
        )


def _mark_problems(figure: go.Figure, facts: Facts) -> None:
    if not facts.without_outcome:
        return
    figure.add_trace(
        go.Scatter(
            name="no outcome",
            x=[trial.number for trial in facts.without_outcome],
            y=[0.03] * len(facts.without_outcome),
            yaxis="y2",
            mode="markers",
            marker={"symbol": [_SYMBOLS[t.state] for t in facts.without_outcome], "size": 9, "color": PROBLEM},
            text=[f"trial {t.number}: {t.state}" for t in facts.without_outcome],
            hovertemplate="%{text}<extra></extra>",
        )
    )
    figure.update_layout(yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True})


def _hover(facts: Facts, measured: Measured) -> str:
    text = with_unit(estimate_text(measured.estimate.value, measured.estimate.sem), facts.objective.unit)
    broken = "" if measured.keeps else "<br>breaks an outcome constraint"
    return f"trial {measured.trial.number}: {text}{broken}"


def _point(parameter: Parameter, trial: TrialRecord) -> str:
    value = trial.suggestion.values.get(parameter.name)
    shown = "not given" if value is None else quantity_text(parameter, value)
    return f"trial {trial.number} ({trial.state}): {shown}"


def _colour(facts: Facts, trial: TrialRecord) -> str:
    if trial.state in _SYMBOLS:
        return PROBLEM
    return RECOMMENDED if trial.number == facts.recommended_trial else MEASURED


def _symbol(facts: Facts, trial: TrialRecord) -> str:
    return _SYMBOLS.get(trial.state, "star" if trial.number == facts.recommended_trial else "circle")


def _shade(number: int, count: int) -> str:
    """Colour of a trial between the early and the late end of the scale."""
    share = (number - 1) / max(count - 1, 1)
    ends = [tuple(int(str(colour)[i : i + 2], 16) for i in (1, 3, 5)) for _, colour in _BY_TRIAL]
    return "#" + "".join(f"{round(low + share * (high - low)):02x}" for low, high in zip(*ends, strict=True))


def bracketed(parameter: Parameter) -> str:
    """The unit of a parameter for a title, with a space before it; nothing where it has none."""
    return f" [{unit_text(parameter.unit)}]" if parameter.unit else ""


def _time_unit(seconds: float) -> tuple[str, float]:
    return ("h", 3600.0) if seconds > 3 * 3600 else ("min", 60.0) if seconds > 300 else ("s", 1.0)
