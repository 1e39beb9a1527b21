"""A campaign in a few lines of HTML with a picture in them, for a notebook: neither scripts nor a network are needed.

Text and axes take the colour of the page, so that the same picture suits light and dark ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

from autolab.report.colours import BEST, MEASURED, NEUTRAL, PROBLEM, RECOMMENDED
from autolab.report.facts import Facts
from autolab.report.numbers import number_text, outcome_text, recipe, target_text, unit_text

__all__ = ["campaign_html", "progress_svg", "table_html"]

WIDTH, HEIGHT = 640.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 12.0, 12.0, 38.0
_TICKS = 5
Place = Callable[[float], float]
"""Where a number stands on an axis, in the picture's own units."""


def campaign_html(facts: Facts, now: str = "") -> str:
    """How a campaign stands: its state, its best trial, and what each trial gave.

    Args:
        facts: The campaign.
        now: What runs now.
    """
    campaign = facts.campaign
    reason = f": {campaign.reason}" if campaign.reason else ""
    lines = [
        Markup("<b>{}</b> <code>{}</code> {}{}").format(campaign.id, campaign.realm.upper(), campaign.state, reason),
        escape(f"{len(facts.measured)} of {campaign.budget_trials} trials have an outcome{f' · {now}' if now else ''}"),
    ]
    best = facts.best
    if best is not None:
        target = f" (target {target_text(facts.objective)})" if facts.objective.target is not None else ""
        value = outcome_text(best.estimate, facts.objective.unit)
        lines.append(escape(f"best as measured: {facts.objective.metric} {value} in trial {best.trial.number}{target}"))
        lines.append(
            escape(", ".join(f"{n} {v}" for n, v in recipe(campaign.problem.space, best.trial.suggestion.values)))
        )
    if facts.front:
        lines.append(escape(f"front: trials {', '.join(map(str, facts.front))}"))
    return Markup('<div class="autolab-campaign">{}{}</div>').format(
        Markup("").join(Markup("<div>{}</div>").format(line) for line in lines),
        Markup(progress_svg(facts)),  # noqa: S704 (made here)
    )


def table_html(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A small table."""
    head = Markup("").join(Markup("<th>{}</th>").format(cell) for cell in header)
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row))
        for row in rows
    )
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, body)


def progress_svg(facts: Facts) -> str:
    """Outcome of each trial with its standard error, the best so far, the target, and trials without an outcome."""
    values = [m.estimate.value for m in facts.measured]
    errors = [m.estimate.sem or 0.0 for m in facts.measured]
    lows, highs = (
        [v - e for v, e in zip(values, errors, strict=True)],
        [v + e for v, e in zip(values, errors, strict=True)],
    )
    target = facts.objective.target
    low, high = _range([*lows, *highs, *([] if target is None or not values else [target])])
    last = max(facts.campaign.budget_trials, len(facts.trials), 1)

    def x(trial: float) -> float:
        return LEFT + (trial - 0.5) / last * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [*_axes(facts, low, high, last, x, y), _best_line(facts, x, y)]
    if target is not None and values:
        parts.append(_line(x(0.5), y(target), x(last + 0.5), y(target), RECOMMENDED, 'stroke-dasharray="6 4"'))
    for measured, below, above in zip(facts.measured, lows, highs, strict=True):
        across, colour = x(measured.trial.number), MEASURED if measured.keeps else NEUTRAL
        parts.append(_line(across, y(below), across, y(above), colour))
        said = f"trial {measured.trial.number}: {outcome_text(measured.estimate, facts.objective.unit)}"
        middle = y(measured.estimate.value)
        parts.append(
            Markup(
                '<circle class="measured" cx="{:.1f}" cy="{:.1f}" r="4" fill="{}"><title>{}</title></circle>'
            ).format(across, middle, colour, said)
        )
    for trial in facts.without_outcome:
        cross = Markup('<text x="{:.1f}" y="{:.1f}" fill="{}" text-anchor="middle">×<title>{}</title></text>')
        parts.append(
            cross.format(x(trial.number), HEIGHT - BOTTOM - 4, PROBLEM, f"trial {trial.number}: {trial.state}")
        )
    return Markup(
        '<svg class="autolab-progress" role="img" aria-label="{}" viewBox="0 0 {:g} {:g}" width="{:g}" '
        'style="max-width:100%" font-family="sans-serif" font-size="12">{}</svg>'
    ).format(_label(facts), WIDTH, HEIGHT, WIDTH, Markup("").join(parts))


def _label(facts: Facts) -> str:
    best = "none yet" if facts.best is None else outcome_text(facts.best.estimate, facts.objective.unit)
    return f"{facts.objective.metric} of {len(facts.measured)} trials; the best is {best}"


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The ends of the upright axis: a little beyond the values."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = 0.06 * (high - low) or max(abs(high), 1.0) * 0.1
    return low - margin, high + margin


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two ends, about five of them."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step)
    return [n * step for n in range(first, math.floor(high / step) + 1)]


def _axes(facts: Facts, low: float, high: float, last: int, x: Place, y: Place) -> list[Markup]:
    parts: list[Markup] = []
    for tick in _ticks(low, high):
        parts.append(_line(LEFT, y(tick), WIDTH - RIGHT, y(tick), "currentColor", 'stroke-opacity="0.15"'))
        parts.append(_text(LEFT - 6, y(tick) + 4, number_text(tick), "end"))
    for number in sorted({1, *(round(tick) for tick in _ticks(0.0, float(last)) if tick >= 1)}):
        parts.append(_text(x(number), HEIGHT - BOTTOM + 16, str(number), "middle"))
    unit = f" [{unit_text(facts.objective.unit)}]" if facts.objective.unit else ""
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, f"{facts.objective.metric}{unit} over trials", "middle"))
    return parts


def _best_line(facts: Facts, x: Place, y: Place) -> Markup:
    known = [(m.trial.number, m.best) for m in facts.measured if m.best is not None]
    if not known:
        return Markup("")
    path = [f"M{x(known[0][0]):.1f},{y(known[0][1]):.1f}"]
    path += [f"H{x(number):.1f}V{y(best):.1f}" for number, best in known[1:]]
    return Markup('<path class="best" d="{}" fill="none" stroke="{}" stroke-width="2.5"/>').format("".join(path), BEST)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> Markup:
    shape = '<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke="{}" {}/>'
    return Markup(shape).format(x1, y1, x2, y2, colour, Markup(more))  # noqa: S704 (attributes that stand in this file)


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" fill="currentColor">{}</text>').format(
        x, y, anchor, text
    )
