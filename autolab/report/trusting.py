"""What a report shows of how far a campaign's model can be trusted."""

from __future__ import annotations

import plotly.graph_objects as go

from autolab.core.diagnoses import ENOUGH, WIDTH, Diagnosis, LeftOut, MetricDiagnosis
from autolab.core.problem import Problem
from autolab.report.canvas import panels
from autolab.report.colours import MEASURED, NEUTRAL, PROBLEM
from autolab.report.numbers import estimate_text, number_text, unit_text, with_unit

__all__ = ["left_out_rows", "misfit_lines", "role_rows", "trust_figure", "trust_text"]


def trust_text(problem: Problem, metric: MetricDiagnosis) -> str:
    """The model of one metric in a sentence or two."""
    n = len(metric.left_out)
    noise = with_unit(number_text(metric.noise, 2), problem.unit_of(metric.metric))
    average = "" if metric.explained > 0 else ", no better than their average"
    return (
        f"{metric.metric}: each of {n} outcomes predicted from the others, the model explains "
        f"{100 * max(metric.explained, 0.0):.0f} % of their variance{average}; {round(metric.covered * n)} of {n} lie "
        f"inside the interval that should hold 90 %. Its noise is {noise}."
    )


def role_rows(metric: MetricDiagnosis) -> list[tuple[str, str, str]]:
    """What each parameter does, the most important first, with a header."""
    rows = [
        (role.parameter, f"{100 * role.importance:.0f} %", _length(role.lengthscale))
        for role in sorted(metric.roles, key=lambda role: -role.importance)
    ]
    return [("parameter", "importance", "lengthscale"), *rows]


def _length(lengthscale: float | None) -> str:
    return "–" if lengthscale is None else number_text(lengthscale, 2)


def misfit_lines(metric: MetricDiagnosis) -> list[str]:
    """What the model of one metric does not fit, with what to do about it; or that nothing was found."""
    if metric.misfits:
        return [f"Misfit: {misfit.said}." for misfit in metric.misfits]
    n = len(metric.left_out)
    if n < ENOUGH:
        return [f"With {n} outcomes nothing can be said of misfits: {ENOUGH} are wanted."]
    return ["No misfit was found."]


def trust_figure(problem: Problem, diagnosis: Diagnosis) -> go.Figure:
    """Each outcome over what is predicted of it from all the others, with the interval that should hold 90 %."""
    figure, place = panels([metric.metric for metric in diagnosis.metrics])
    for index, metric in enumerate(diagnosis.metrics):
        row, column = place(index)
        far = {trial for misfit in metric.misfits for trial in misfit.trials}
        numbers = [x for out in metric.left_out for x in (out.measured, out.mean)]
        ends = [min(numbers), max(numbers)]
        line = {"color": NEUTRAL, "dash": "dot", "width": 1}
        figure.add_trace(
            go.Scatter(x=ends, y=ends, mode="lines", line=line, hoverinfo="skip", showlegend=False), row=row, col=column
        )
        figure.add_trace(
            go.Scatter(
                x=[out.measured for out in metric.left_out],
                y=[out.mean for out in metric.left_out],
                error_y={
                    "array": [WIDTH * out.sd for out in metric.left_out],
                    "thickness": 1,
                    "width": 0,
                    "color": NEUTRAL,
                },
                mode="markers",
                marker={"size": 7, "color": [PROBLEM if out.trial in far else MEASURED for out in metric.left_out]},
                text=[_hover(problem, metric.metric, out) for out in metric.left_out],
                hovertemplate="%{text}<extra></extra>",
                showlegend=False,
            ),
            row=row,
            col=column,
        )
        unit = unit_text(problem.unit_of(metric.metric))
        bracketed = f" [{unit}]" if unit else ""
        figure.update_xaxes(title=f"measured{bracketed}", row=row, col=column)
        figure.update_yaxes(title=f"predicted{bracketed}", row=row, col=column)
    if len(diagnosis.metrics) == 1:
        figure.update_layout(height=420, margin={"l": 64, "t": 30, "b": 48})
    return figure


def left_out_rows(problem: Problem, diagnosis: Diagnosis) -> tuple[tuple[str, ...], ...]:
    """A line for each outcome: metric, trial, what was measured, and what the others predict."""
    return tuple(
        (
            metric.metric,
            str(out.trial),
            with_unit(number_text(out.measured), problem.unit_of(metric.metric)),
            with_unit(estimate_text(out.mean, out.sd), problem.unit_of(metric.metric)),
        )
        for metric in diagnosis.metrics
        for out in metric.left_out
    )


def _hover(problem: Problem, metric: str, out: LeftOut) -> str:
    unit = problem.unit_of(metric)
    measured, predicted = with_unit(number_text(out.measured), unit), with_unit(estimate_text(out.mean, out.sd), unit)
    return f"trial {out.trial}<br>measured {measured}<br>predicted from the others {predicted}"
