"""What a backtest has found: how strategies would have done on measured data, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Accuracy", "Backtest", "EngineScore", "GoalScore", "Interval"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float | None
    """None where one run alone leaves the interval unknown."""
    high: float | None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How well an emulator foretells conditions that it has not seen, for one metric."""

    metric: str
    r2: float
    """Share of the variance of the conditions' means that it explains; at most 1."""
    rmse: float
    """Root of the mean squared error, in the unit of the metric."""


@dataclass(frozen=True, slots=True)
class GoalScore:
    """How an engine came to one goal."""

    goal: str
    """``target``, ``top 1 %`` or ``top 5 %``."""
    experiments: Interval
    """Median trials to it; a run that never got there counts with all of its trials."""
    reached: int
    """Runs that got there."""
    acceleration: Interval | None
    """Acceleration factor against the reference; None for the reference itself."""


@dataclass(frozen=True, slots=True)
class EngineScore:
    """How an engine did over all runs."""

    engine: str
    note: str
    """Which engine served the problem in its place, and why; empty where it served itself."""
    regret: tuple[Interval, ...]
    """Mean regret after each trial, in units of the range of the objective."""
    median_regret: float
    """After the last trial."""
    difference: Interval | None
    """Mean regret after the last trial less that of the reference, run by run; below zero is better."""
    enhancement: Interval | None
    """Normalised enhancement factor against the reference after the last trial."""
    goals: tuple[GoalScore, ...]


@dataclass(frozen=True, slots=True)
class Backtest:
    """A whole backtest."""

    campaign: str
    objective: str
    """What was looked for, in words."""
    data: str
    """Path of the table."""
    sha256: str
    rows: int
    """Rows that were used."""
    rows_read: int
    conditions: int
    world: str
    """What answered: ``pool`` for the table itself, else the kind of emulator."""
    accuracy: tuple[Accuracy, ...]
    """Of an emulator, by metric."""
    goals: dict[str, float]
    """Value of the objective at each goal, in its unit."""
    trials: int
    seeds: int
    seed: int
    lanes: int
    reference: str
    notes: tuple[str, ...]
    engines: tuple[EngineScore, ...]
