"""Control charts of calibrations in the report: what each gave, in its order, with the limits of its first values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autolab.config.calibrations import calibrations_in
from autolab.core.charts import Chart, chart_of
from autolab.core.trials import Estimate
from autolab.journal.calibrations import Performed, history
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord
from autolab.report.canvas import panels
from autolab.report.figures import MEASURED, NEUTRAL, PROBLEM, RECOMMENDED
from autolab.report.html import Picture, picture
from autolab.report.numbers import outcome_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["calibration_picture"]


@dataclass(frozen=True, slots=True)
class _Series:
    """What a calibration gave for one metric."""

    name: str
    metric: str
    points: tuple[tuple[Performed, Estimate], ...]
    chart: Chart


def calibration_picture(reader: JournalReader, campaign: CampaignRecord) -> Picture | None:
    """The control charts of what a campaign's lab has calibrated on its bench; None where nothing gave a value."""
    series = _series(reader, campaign)
    if not series:
        return None
    broken = sum(rule is not None for one in series for rule in one.chart.broken)
    text = (
        "What each calibration gave, in its order; bars are standard errors. Lines are the mean of the first "
        f"{series[0].chart.n_baseline} values and two and three of their standard deviations, as soon as there are so "
        f"many. Crosses break a rule of Westgard's: {broken or 'none'} of {sum(len(one.points) for one in series)}."
    )
    rows = tuple(
        (one.name, done.ended or "", done.campaign, str(done.trial), one.metric, outcome_text(value), rule or "–")
        for one in series
        for (done, value), rule in zip(one.points, one.chart.broken, strict=True)
    )
    header = ("calibration", "ended", "campaign", "before trial", "metric", "value", "rule that it breaks")
    return picture("calibrations", "Calibrations", text, _figure(series), header=header, rows=rows)


def _series(reader: JournalReader, campaign: CampaignRecord) -> list[_Series]:
    (row,) = reader.states.rows("SELECT bench FROM campaigns WHERE id = ?", (campaign.id,))
    found: list[_Series] = []
    for calibration in calibrations_in(campaign.lab_file):
        done = history(reader.states, campaign.lab, row["bench"], calibration)
        for metric in dict.fromkeys(name for one in done for name in one.values or ()):
            points = tuple((one, one.values[metric]) for one in done if one.values and metric in one.values)
            chart = chart_of([value.value for _, value in points])
            found.append(_Series(calibration.name, metric, points, chart))
    return found


def _figure(series: list[_Series]) -> go.Figure:
    import plotly.graph_objects as go

    figure, place = panels([f"{one.name}: {one.metric}" for one in series])
    for index, one in enumerate(series):
        row, column = place(index)
        numbers = list(range(1, len(one.points) + 1))
        figure.add_trace(
            go.Scatter(
                x=numbers,
                y=[value.value for _, value in one.points],
                error_y={"array": [value.sem or 0.0 for _, value in one.points], "thickness": 1, "width": 2},
                mode="lines+markers",
                line={"color": NEUTRAL, "width": 1},
                marker={
                    "size": 8,
                    "color": [PROBLEM if rule else MEASURED for rule in one.chart.broken],
                    "symbol": ["x" if rule else "circle" for rule in one.chart.broken],
                },
                text=[f"before trial {done.trial}: {outcome_text(value)}" for done, value in one.points],
                hovertemplate="%{text}<extra></extra>",
                showlegend=False,
            ),
            row=row,
            col=column,
        )
        for y, colour, dash in _limits(one.chart):
            figure.add_hline(y=y, line={"color": colour, "width": 1, "dash": dash}, row=row, col=column)  # pyright: ignore[reportArgumentType] (numbers are meant)
        ticks = {"tickformat": "d", "dtick": math.ceil(len(numbers) / 8)}
        figure.update_xaxes(range=[0.5, len(numbers) + 0.5], **ticks, row=row, col=column)
    return figure


def _limits(chart: Chart) -> list[tuple[float, str, str]]:
    """Height, colour and dash of each line of a chart."""
    if chart.mean is None or chart.sd is None:
        return []
    warning = [(chart.mean + sign * 2.0 * chart.sd, RECOMMENDED, "dash") for sign in (-1.0, 1.0)]
    action = [(chart.mean + sign * 3.0 * chart.sd, PROBLEM, "dash") for sign in (-1.0, 1.0)]
    return [(chart.mean, NEUTRAL, "solid"), *warning, *action]
