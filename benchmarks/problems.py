"""A problem of `loop.py` as pure functions (what a trial measures, and what is true), and the replayed one."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from autolab.core.objectives import Objective
from autolab.core.parameters import IntegerParameter, RangeParameter, Values
from autolab.core.problem import Problem, Space
from autolab.core.seeds import derive_seed
from autolab.core.trials import Estimate, Outcome
from optimizer.space import UnitSpace

__all__ = ["REPLAYED", "SURVEY", "Case", "crossed_barrel", "surveyed"]

REPLAYED = "crossed_barrel"
"""The replayed set, named before any engine ran; the page of the proof says what was looked at since."""

SURVEY: dict[str, Literal["minimize", "maximize"]] = {
    "agnp_pvlab": "minimize",
    "colors_bob": "minimize",
    "hplc": "maximize",
}
"""The survey, named before any engine of ours ran on them: all other tables that have replicates and no mixture."""


@dataclass(frozen=True)
class Case:
    """A problem with its answer key."""

    name: str
    problem: Problem
    measure: Callable[[Values, int, int], Outcome]
    """Outcome of a trial: values, seed of the world, trial number."""
    truth: Callable[[Values], float]
    """Noise-free value of the objective's metric."""
    best: float
    """Best noise-free value in the space."""
    span: float
    """Range of the noise-free value over the space: the unit of regret."""

    def regret(self, values: Values) -> float:
        """How much worse than the best ``values`` are, in units of the range."""
        loss = self.problem.objective.loss
        return (loss(self.truth(values)) - loss(self.best)) / self.span


def crossed_barrel(folder: Path) -> Case:
    """Toughness of 600 printed barrels, each measured three times (Gongora et al. 2020, doi:10.1126/sciadv.aaz1708)."""
    table = _table(folder / f"{REPLAYED}.csv", ("n", "theta_deg", "r_mm", "t_mm"), "toughness")
    space = Space(
        (
            IntegerParameter("n", 6, 12, step=2),
            RangeParameter("theta_deg", 0, 200, "deg", step=25),
            RangeParameter("r_mm", 1.5, 2.5, "mm", step=0.1),
            RangeParameter("t_mm", 0.7, 1.4, "mm", step=0.35),
        )
    )
    return _replayed(REPLAYED, table, Problem(space, Objective("toughness", "maximize")))


def surveyed(name: str, folder: Path) -> Case:
    """A table of the survey: its last column over all others, each of them between its least and greatest value."""
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        *names, metric = next(csv.reader(file))
    table = _table(folder / f"{name}.csv", tuple(names), metric)
    columns = np.array(list(table))
    parameters = tuple(
        RangeParameter(column, float(values.min()), float(values.max()))
        for column, values in zip(names, columns.T, strict=True)
    )
    return _replayed(name, table, Problem(Space(parameters), Objective(metric, SURVEY[name])))


def _replayed(name: str, table: Mapping[tuple[float, ...], list[float]], problem: Problem) -> Case:
    """A table as a case: the nearest condition answers, by one of its replicates drawn by seed and trial."""
    means = {key: float(np.mean(values)) for key, values in table.items()}
    names, objective = problem.space.names, problem.objective
    unit = UnitSpace(problem.space)
    keys = list(means)
    coordinates = np.array([unit.encode(dict(zip(names, key, strict=True))) for key in keys])

    def nearest_condition(values: Values) -> tuple[float, ...]:
        return keys[int(np.abs(coordinates - unit.encode(values)).sum(axis=1).argmin())]

    def measure(values: Values, seed: int, trial: int) -> Outcome:
        replicates = table[nearest_condition(values)]
        drawn = np.random.default_rng(derive_seed(seed, "replicate", trial)).integers(len(replicates))
        return {objective.metric: Estimate(replicates[drawn])}

    return Case(
        name=name,
        problem=problem,
        measure=measure,
        truth=lambda values: means[nearest_condition(values)],
        best=min(means.values(), key=objective.loss),
        span=max(means.values()) - min(means.values()),
    )


def _table(path: Path, names: tuple[str, ...], metric: str) -> Mapping[tuple[float, ...], list[float]]:
    """Replicates by condition."""
    table: dict[tuple[float, ...], list[float]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            table[tuple(float(row[name]) for name in names)].append(float(row[metric]))
    return dict(table)
