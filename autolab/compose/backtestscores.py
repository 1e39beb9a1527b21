"""From the losses of replayed campaigns to scores with intervals.

Intervals are 95 % percentile intervals of a bootstrap over seeds [Efron1993]_, seeded. Engines are compared on the same
resampled seeds, since each seed is the same world for all of them. Acceleration and enhancement factor are those of
`facility_review.factors`.

.. [Efron1993] B. Efron, R. J. Tibshirani, An introduction to the bootstrap, Chapman & Hall 1993, chapter 13.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autolab.core.backtests import EngineScore, GoalScore, Interval
from autolab.core.seeds import derive_seed
from facility_review.factors import acceleration_factor, enhancement_factor, median, trials_needed

__all__ = ["Losses", "engine_scores", "needed_trials", "paired_interval", "regrets", "resampled"]

RESAMPLES = 2000
Losses = NDArray[np.float64]
"""True losses of one engine, shape ``(seeds, trials)``: row ``k`` of all engines is the same world."""
Rows = NDArray[np.int64]
"""Numbers of runs to look at, once or several times: shape ``(..., n)``."""


def regrets(losses: Losses, best: float, worst: float) -> Losses:
    """Regret after each trial: best so far above ``best``, in units of the range. Shape ``(seeds, trials)``."""
    return np.maximum(np.minimum.accumulate(losses, axis=1) - best, 0.0) / (worst - best)


def needed_trials(losses: Losses, goal: float) -> list[int | None]:
    """Trials to a goal, run by run; None where it was not reached."""
    return [trials_needed(run.tolist(), goal) for run in losses]


def paired_interval(n: int, statistic: Callable[[Rows], Any], *identity: str) -> tuple[Any, Any, Any]:
    """A statistic of all runs, and its 95 % interval; the interval is None where there is one run.

    Args:
        n: Number of runs.
        statistic: Takes the numbers of the runs to look at, shape ``(..., n)``; returns one result for each row.
        identity: What it is, for the seed of the resampling.
    """
    value = statistic(np.arange(n))
    if n < 2:
        return value, None, None
    low, high = np.quantile(statistic(resampled(n, *identity)), [0.025, 0.975], axis=0)
    return value, low, high


def resampled(n: int, *identity: str) -> Rows:
    """Numbers of runs, drawn again and again with replacement. Shape ``(2000, n)``."""
    return np.random.default_rng(derive_seed(0, "backtest", *identity)).integers(0, n, (RESAMPLES, n))


def engine_scores(
    runs: Mapping[str, Losses], reference: str, best: float, worst: float, goals: Mapping[str, float]
) -> tuple[EngineScore, ...]:
    """Scores of all engines, in their order.

    Args:
        runs: Losses by engine, all of the same shape.
        reference: The engine that the others are compared with.
        best: Least true loss of the world.
        worst: Largest one.
        goals: Loss at each goal, by its name.
    """
    curves = {engine: regrets(losses, best, worst) for engine, losses in runs.items()}
    found: list[EngineScore] = []
    for engine, losses in runs.items():
        other = None if engine == reference else runs[reference]
        regret = _curve(curves[engine])
        difference = None
        if other is not None:
            differences = curves[engine][:, -1] - curves[reference][:, -1]
            difference = _interval(len(losses), lambda rows, d=differences: d[rows].mean(axis=-1), "difference")
        found.append(
            EngineScore(
                engine=engine,
                note="",
                regret=regret,
                median_regret=float(median(curves[engine][:, -1])),
                difference=difference,
                enhancement=None if other is None else _enhancement(losses, other),
                goals=tuple(_goal_score(name, goal, losses, other) for name, goal in goals.items()),
            )
        )
    return tuple(found)


def _curve(regret: Losses) -> tuple[Interval, ...]:
    value, low, high = paired_interval(len(regret), lambda rows: _shares(rows) @ regret, "regret")
    n = regret.shape[1]
    lows, highs = ([None] * n, [None] * n) if low is None else (low.tolist(), high.tolist())
    return tuple(Interval(*each) for each in zip(value.tolist(), lows, highs, strict=True))


def _goal_score(name: str, goal: float, losses: Losses, other: Losses | None) -> GoalScore:
    n, trials = losses.shape
    needed = needed_trials(losses, goal)
    censored = np.array([float(trials if each is None else each) for each in needed])
    experiments = _interval(n, lambda rows: median(censored[rows]), "experiments")
    acceleration = None
    if other is not None:
        theirs = np.array([float(trials if each is None else each) for each in needed_trials(other, goal)])
        ours = np.array([math.inf if each is None else float(each) for each in needed])
        if any(each is not None for each in (*needed, *needed_trials(other, goal))):
            acceleration = _interval(n, lambda rows: acceleration_factor(ours[rows], theirs[rows]), "acceleration")
    return GoalScore(name, experiments, sum(each is not None for each in needed), acceleration)


def _enhancement(losses: Losses, other: Losses) -> Interval | None:
    """The factor after the last trial; None where the losses of the reference do not spread."""
    span = float(median(other.ravel())) - float(min(losses.min(), other.min()))
    if span <= 0:
        return None
    ours, theirs = losses.min(axis=1), other.min(axis=1)
    return _interval(len(losses), lambda rows: enhancement_factor(ours[rows], theirs[rows], span), "enhancement")


def _shares(rows: Rows) -> NDArray[np.float64]:
    """The share that each run has of each row: ``(..., n)`` to ``(..., n)``. Means are products with it."""
    n = rows.shape[-1]
    shares = np.array([np.bincount(row, minlength=n) / n for row in rows.reshape(-1, n)])
    return shares.reshape(rows.shape)


def _interval(n: int, statistic: Callable[[Rows], Any], what: str) -> Interval:
    value, low, high = paired_interval(n, statistic, what)
    return Interval(float(value), None if low is None else float(low), None if high is None else float(high))
