"""The portfolio as one page that needs no network: tables and small pictures, readable in black and white."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib.resources import files

import jinja2
from markupsafe import Markup

from facility_review.assessment import LEVELS
from facility_review.portfolio import Point, Portfolio, Unit

__all__ = ["render_portfolio"]

_MOST_GAPS = 15
"""Common gaps that are shown at once; the rest can be unfolded."""
_SYMBOLS: Mapping[str, tuple[str, str]] = {
    "pass": ("✓", "pass"),
    "fail": ("✕", "fail"),
    "not demonstrated": ("?", "notshown"),
    "not applicable": ("–", "na"),
    "waived": ("w", "waived"),
    "withheld": ("…", "na"),
}
"""Sign and class of each state of a gate."""
_SHADES = ("#ffffff", "#e6eef8", "#c8dbf0", "#9dc0e4", "#2f6fb3", "#0f3d75")
"""One hue from light to dark, so that it also orders in grey; by whole points of score."""
_DARK_FROM = 4
"""Shades from this one on carry white text."""
_SPARK = (96, 26)
"""Width and height of a trend in pixels."""


def render_portfolio(found: Portfolio) -> str:
    """The page. The same portfolio gives the same text."""
    return _template().render(
        found=found,
        pairs=[(laboratory, unit) for laboratory in found.laboratories for unit in laboratory.units],
        levels=LEVELS,
        most_gaps=_MOST_GAPS,
        symbol=_symbol,
        shade=_shade,
        trend=_trend,
        interval=functools.partial(_interval, *_range(found.units)),
        range=_range(found.units),
        style=Markup(_report_part("page.css") + _part("portfolio.css")),  # noqa: S704 (our own files)
    )


def _symbol(state: str) -> tuple[str, str]:
    """Sign and class of a gate's state."""
    return _SYMBOLS.get(state, ("?", "notshown"))


def _shade(score: float) -> dict[str, str]:
    """Background and text colour of a score from 0 to 5."""
    step = min(max(int(score + 0.5), 0), len(_SHADES) - 1)
    return {"ground": _SHADES[step], "ink": "#ffffff" if step >= _DARK_FROM else "#10233c"}


def _range(units: Sequence[Unit]) -> tuple[float, float]:
    """The part of 0 to 100 that the intervals of all indices need, widened to whole tens."""
    ends = [end for unit in units for end in (unit.index_interval or ())]
    if not ends:
        return 0.0, 100.0
    return max(min(ends) // 10 * 10.0, 0.0), min(-(-max(ends) // 10) * 10.0, 100.0)


def _interval(low: float, high: float, unit: Unit) -> Markup:
    """A band from end to end of the interval of one index, with a line at its value."""
    if unit.index is None or unit.index_interval is None:
        return Markup("")
    span = max(high - low, 1.0)
    left, right, at = (4 + 132 * (each - low) / span for each in (*unit.index_interval, unit.index))
    return Markup(
        '<svg class="interval" width="140" height="16" viewBox="0 0 140 16" aria-hidden="true">'
        '<line class="axis" x1="4" x2="136" y1="8" y2="8"/>'
        '<rect class="band" x="{:.1f}" width="{:.1f}" y="4" height="8"/>'
        '<line class="whisker" x1="{:.1f}" x2="{:.1f}" y1="1" y2="15"/></svg>'
    ).format(left, max(right - left, 1.0), at, at)


def _trend(points: Sequence[Point]) -> Markup:
    """Indices over time; a change of the instrument's version breaks the line and is marked."""
    known = [point for point in points if point.index is not None]
    if len(known) < 2:
        return Markup("")
    width, height = _SPARK
    days = [point.as_of.toordinal() for point in known]
    values = [point.index or 0.0 for point in known]
    low, high = min(values) - 1, max(values) + 1
    xs = [4 + (width - 8) * (day - days[0]) / max(days[-1] - days[0], 1) for day in days]
    ys = [height - 4 - (height - 8) * (value - low) / (high - low) for value in values]
    parts: list[str] = []
    for number, point in enumerate(known):
        if number and point.is_comparable:
            parts.append(
                f'<line class="whisker" x1="{xs[number - 1]:.1f}" y1="{ys[number - 1]:.1f}" '
                f'x2="{xs[number]:.1f}" y2="{ys[number]:.1f}"/>'
            )
        elif number:
            middle = (xs[number - 1] + xs[number]) / 2
            parts.append(f'<line class="break" x1="{middle:.1f}" x2="{middle:.1f}" y1="1" y2="{height - 1}"/>')
        parts.append(f'<circle class="dot" cx="{xs[number]:.1f}" cy="{ys[number]:.1f}" r="2.5"/>')
    body = "".join(parts)
    view = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return Markup(f'<svg class="trend" {view} aria-hidden="true">{body}</svg>')  # noqa: S704 (numbers that we formatted)


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_part("portfolio.html"))


def _part(name: str) -> str:
    return files("facility_review").joinpath(name).read_text(encoding="utf-8")


def _report_part(name: str) -> str:
    return files("autolab.report").joinpath(name).read_text(encoding="utf-8")
