"""The page of a backtest, and its texts: how each engine would have done, with intervals."""

from __future__ import annotations

import plotly.graph_objects as go

from autolab.core.backtests import Backtest, EngineScore, GoalScore, Interval
from autolab.report.canvas import empty_figure
from autolab.report.html import Picture, page, picture
from autolab.report.numbers import number_text

__all__ = ["answers_text", "comparison_rows", "goal_rows", "interval_text", "notes_of", "render_backtest", "summary_of"]

_COLOURS = ("#5b8def", "#12946f", "#e0a100", "#b07fd8", "#d9534f", "#3aa6b9", "#8d99ab")
COMPARISON = ("engine", "regret at the end", "less that of {}", "enhancement factor")
GOALS = ("engine", "goal", "experiments", "reached", "acceleration factor")


def render_backtest(found: Backtest) -> str:
    """The page as HTML. The same backtest gives the same text."""
    last = f"after {found.trials} trials"
    tables = (
        (
            "Regret and enhancement",
            f"Mean regret {last} in units of the range of the objective; how much less than {found.reference} run by "
            "run, below zero is better; and the normalised enhancement factor, above zero is better. In brackets 95 % "
            "intervals.",
            tuple(heading.format(found.reference) for heading in COMPARISON),
            comparison_rows(found),
        ),
        (
            "Experiments to a goal",
            f"Median number of trials until the true value met the goal; a run that never did counts with all "
            f"{found.trials}. The acceleration factor is the median of {found.reference} over that of the engine, "
            f"and 0 where half of the engine's runs never got there.",
            GOALS,
            goal_rows(found),
        ),
    )
    tiles = [("engines", str(len(found.engines))), ("runs of each", str(found.seeds)), ("trials", str(found.trials))]
    tiles += [(f"{name} is at", number_text(value)) for name, value in found.goals.items()]
    return page(
        "backtest.html",
        found=found,
        summary=summary_of(found),
        tiles=tiles,
        regret=_regret_picture(found),
        tables=tables,
        answers=answers_text(found),
        notes=notes_of(found),
    )


def summary_of(found: Backtest) -> str:
    """What it came to, in a sentence or two."""
    best = min(found.engines, key=lambda engine: engine.regret[-1].value)
    said = (
        f"{found.objective}: {_count(found.seeds, 'run')} of {_count(found.trials, 'trial')} for each engine on "
        f"{found.conditions} measured conditions. {best.engine} ended with the least mean regret, "
        f"{interval_text(best.regret[-1])}."
    )
    unsure = [e.engine for e in found.engines if e is not best and e.regret[-1].low is not None and _overlap(e, best)]
    return f"{said} The intervals of {', '.join(unsure)} overlap with it." if unsure else said


def comparison_rows(found: Backtest) -> list[tuple[str, ...]]:
    """One row an engine: `COMPARISON`."""
    return [
        (
            engine.engine,
            interval_text(engine.regret[-1]),
            "–" if engine.difference is None else interval_text(engine.difference),
            "–" if engine.enhancement is None else interval_text(engine.enhancement),
        )
        for engine in found.engines
    ]


def goal_rows(found: Backtest) -> list[tuple[str, ...]]:
    """One row for each engine and goal: `GOALS`."""
    return [
        (
            engine.engine,
            goal.goal,
            interval_text(goal.experiments),
            f"{goal.reached} of {found.seeds}",
            _acceleration_text(engine, goal, found),
        )
        for engine in found.engines
        for goal in engine.goals
    ]


def interval_text(interval: Interval) -> str:
    """A value with its interval in brackets, where there is one."""
    value = number_text(interval.value, 3)
    if interval.low is None or interval.high is None:
        return value
    return f"{value} ({number_text(interval.low, 3)} to {number_text(interval.high, 3)})"


def answers_text(found: Backtest) -> str:
    """What answered, and how accurate it is."""
    if found.world == "pool":
        return "the nearest condition of the table that a run has not tested, with one of its replicates"
    kind = {"gp": "a Gaussian process", "network": "neural networks", "forest": "a forest of trees"}[found.world]
    said = "; ".join(f"{a.metric}: R2 {a.r2:.2f}, RMSE {number_text(a.rmse, 3)}" for a in found.accuracy)
    return f"{kind} fitted to the table ({said}, in five-fold cross-validation over conditions)"


def notes_of(found: Backtest) -> list[str]:
    """What a person should know of data and engines."""
    return [*found.notes, *(f"{engine.engine}: {engine.note}" for engine in found.engines if engine.note)]


def _acceleration_text(engine: EngineScore, goal: GoalScore, found: Backtest) -> str:
    if engine.engine == found.reference:
        return "–"
    if goal.acceleration is None:
        return "– (never reached by either)"
    theirs = next(each for each in found.engines if each.engine == found.reference)
    short = next(each for each in theirs.goals if each.goal == goal.goal).reached < found.seeds
    return f"{'at least ' if short and goal.acceleration.value else ''}{interval_text(goal.acceleration)}"


def _overlap(one: EngineScore, other: EngineScore) -> bool:
    a, b = one.regret[-1], other.regret[-1]
    return (a.low or 0.0) <= (b.high or 0.0)


def _regret_picture(found: Backtest) -> Picture:
    figure = empty_figure(400)
    for index, engine in enumerate(found.engines):
        _draw(figure, engine, _COLOURS[index % len(_COLOURS)])
    figure.update_xaxes(title="trial", range=[0.5, found.trials + 0.5], tickformat="d")
    figure.update_yaxes(title="mean regret [fraction of the range]", rangemode="tozero")
    text = (
        "Mean regret after each trial: how far the best true value so far is from the best in the data, as a fraction "
        "of the range. Bands are 95 % intervals of a bootstrap over the runs."
    )
    header = ("trial", *(engine.engine for engine in found.engines))
    rows = tuple(
        (str(number + 1), *(interval_text(engine.regret[number]) for engine in found.engines))
        for number in range(found.trials)
    )
    return picture("regret", "Regret over trials", text, figure, header=header, rows=rows)


def _draw(figure: go.Figure, engine: EngineScore, colour: str) -> None:
    numbers = list(range(1, len(engine.regret) + 1))
    lows = [each.low for each in engine.regret if each.low is not None]
    highs = [each.high for each in engine.regret if each.high is not None]
    if lows and highs:
        figure.add_trace(
            go.Scatter(
                x=[*numbers, *reversed(numbers)],
                y=[*highs, *reversed(lows)],
                mode="lines",
                fill="toself",
                fillcolor=colour,
                opacity=0.18,
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
            )
        )
    figure.add_trace(
        go.Scatter(
            name=engine.engine,
            x=numbers,
            y=[each.value for each in engine.regret],
            mode="lines",
            line={"color": colour, "width": 2.5},
            hovertemplate=f"{engine.engine}, trial %{{x}}: %{{y:.3g}}<extra></extra>",
        )
    )


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"
