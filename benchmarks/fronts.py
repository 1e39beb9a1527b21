"""The problems of `hypervolume.py`: two objectives each, on two tables of measurements and three functions.

Named before any engine ran on them. The second objective of a table is what its experiment takes, as its conditions
state it: the cross-section of the columns that a barrel is printed from, and the palladium of a coupling. It has no
noise; barrels have that of their replicates, the emulator and the functions 0.02 and 0.01 of the range.

.. [Belakaria2019mesmo] S. Belakaria, A. Deshwal, J. R. Doppa, Max-value entropy search for multi-objective Bayesian
   optimization, NeurIPS 2019: Branin-Currin.
.. [Zitzler2000] E. Zitzler, K. Deb, L. Thiele, Comparison of multiobjective evolutionary algorithms, Evolutionary
   Computation 8 (2000) 173: ZDT2.
.. [Deb2005] K. Deb, L. Thiele, M. Laumanns, E. Zitzler, Scalable test problems for evolutionary multiobjective
   optimization, 2005: DTLZ2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Set
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from autolab.core.objectives import Objective
from autolab.core.parameters import RangeParameter, Values
from autolab.core.problem import Problem, Space
from autolab.core.seeds import derive_seed
from autolab.core.trials import Estimate, Outcome
from benchmarks.optimizer_problems import world
from optimizer.emulator import Emulator
from optimizer.space import UnitSpace
from optimizer.world import Pool, World

__all__ = ["PROBLEMS", "Case", "Reply", "case"]

Pair = tuple[float, float]
"""True losses of both objectives."""
_NOISE = 0.01
_BEYOND = 0.1
"""The reference is this fraction of the front's range beyond its worst."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a trial came to: what was tested, what was measured, and what is true."""

    values: Values
    outcome: Outcome
    losses: Pair
    place: int | None
    """Number of the condition of a table that answered; None where any point can."""


@dataclass(frozen=True)
class Case:
    """A problem with its answers, and true losses that fill its space, shape ``(n, 2)``."""

    problem: Problem
    answer: Callable[[Values, Set[int], int, int], Reply]
    """Of what was suggested, the conditions that were tested, a seed, and the number of the trial."""
    known: NDArray[np.float64]
    r2: float | None = None
    """Accuracy of an emulator."""

    @cached_property
    def front(self) -> list[Pair]:
        """The losses of `known` that no others beat."""
        ordered = self.known[np.lexsort((self.known[:, 1], self.known[:, 0]))]
        least = np.minimum.accumulate(ordered[:, 1])
        is_first = np.r_[True, ordered[1:, 1] < least[:-1]]
        return [(float(a), float(b)) for a, b in ordered[is_first]]

    @property
    def reference(self) -> Pair:
        """What hypervolume is measured from: a tenth of the front's range beyond its worst."""
        front = np.array(self.front)
        first, second = (1.0 + _BEYOND) * front.max(axis=0) - _BEYOND * front.min(axis=0)
        return float(first), float(second)

    @cached_property
    def best(self) -> float:
        """Hypervolume of `front`: the steps under it, since it may have thousands of points."""
        first, second = np.array(self.front).T
        ends = np.r_[first[1:], self.reference[0]]
        return float(((ends - first) * (self.reference[1] - second)).sum())


def branin_currin(x: NDArray[np.float64]) -> Pair:
    """Branin's function and Currin's, over two coordinates in [0, 1]."""
    u, v = 15.0 * x[0] - 5.0, 15.0 * x[1]
    branin = (v - 5.1 / (4 * math.pi**2) * u**2 + 5 / math.pi * u - 6) ** 2
    branin += 10 * (1 - 1 / (8 * math.pi)) * math.cos(u) + 10
    shrunk = 1.0 - math.exp(-1.0 / (2.0 * x[1])) if x[1] > 0 else 1.0
    over = 2300 * x[0] ** 3 + 1900 * x[0] ** 2 + 2092 * x[0] + 60
    return float(branin), float(shrunk * over / (100 * x[0] ** 3 + 500 * x[0] ** 2 + 4 * x[0] + 20))


def zdt2(x: NDArray[np.float64]) -> Pair:
    """The second of Zitzler, Deb and Thiele: a front that is hollow, where all coordinates but the first are 0."""
    spread = 1.0 + 9.0 * float(x[1:].mean())
    return float(x[0]), spread * (1.0 - (float(x[0]) / spread) ** 2)


def dtlz2(x: NDArray[np.float64]) -> Pair:
    """The second of Deb and others: the front is a quarter of a circle, where all coordinates but the first are 0.5."""
    radius = 1.0 + float(((x[1:] - 0.5) ** 2).sum())
    angle = 0.5 * math.pi * float(x[0])
    return radius * math.cos(angle), radius * math.sin(angle)


_FUNCTIONS: dict[str, tuple[Callable[[NDArray[np.float64]], Pair], int, float]] = {
    "branin-currin": (branin_currin, 2, 0.0),
    "zdt2": (zdt2, 5, 0.0),
    "dtlz2": (dtlz2, 5, 0.5),
}
"""Function, number of coordinates, and where all but the first stand on the front."""
PROBLEMS = ("pool:crossed_barrel", "branin-currin", "zdt2", "emulator:suzuki", "dtlz2")


@cache
def case(name: str, kept: Path) -> Case:
    """A problem by name; a fitted emulator is kept in ``kept``."""
    if name in _FUNCTIONS:
        return _function(*_FUNCTIONS[name])
    made = world(name, kept)
    if name == "pool:crossed_barrel":
        return _table(made, Objective("section_mm2", "minimize"), _section)
    return _table(made, Objective("palladium", "minimize"), lambda values: float(values["pd_mol"]))


def _section(values: Values) -> float:
    """Cross-section of all columns of a barrel: so much is printed for each mm of height."""
    n, radius, wall = (float(values[name]) for name in ("n", "r_mm", "t_mm"))
    return math.pi * n * wall * (2.0 * radius - wall)


def _function(truth: Callable[[NDArray[np.float64]], Pair], d: int, rest: float) -> Case:
    space = Space(tuple(RangeParameter(f"x{number}", 0.0, 1.0) for number in range(1, d + 1)))
    problem = Problem(space, Objective("first", "minimize"), others=(Objective("second", "minimize"),))
    along = np.full((2000, d), rest)
    along[:, 0] = np.linspace(0.0, 1.0, len(along))
    filling = np.array([truth(x) for x in _filling(d, 15)])
    noise = _NOISE * (filling.max(axis=0) - filling.min(axis=0))

    def answer(wish: Values, tested: Set[int], seed: int, trial: int) -> Reply:  # noqa: ARG001 (any point answers)
        losses = truth(np.array([float(wish[name]) for name in space.names]))
        drawn = noise * np.random.default_rng(derive_seed(seed, "noise", trial)).standard_normal(2)
        outcome = {m: Estimate(float(x)) for m, x in zip(problem.metrics, losses + drawn, strict=True)}
        return Reply(wish, outcome, losses, None)

    return Case(problem, answer, np.vstack([filling, [truth(x) for x in along]]))


def _table(made: World, second: Objective, cost: Callable[[Values], float]) -> Case:
    problem = replace(made.problem, others=(second,))

    def answer(wish: Values, tested: Set[int], seed: int, trial: int) -> Reply:
        found = made.answer(wish, tested, seed, trial)
        spent = cost(found.values)
        return Reply(found.values, {**found.outcome, second.metric: Estimate(spent)}, (found.loss, spent), found.place)

    if isinstance(made, Pool):
        places = [condition.values for condition in made.conditions]
    else:
        unit = UnitSpace(problem.space)
        places = [unit.decode(x) for x in _filling(unit.d, 12)]
    known = np.array([answer(values, set(), 0, 0).losses for values in places])
    return Case(problem, answer, known, made.accuracy[0].r2 if isinstance(made, Emulator) else None)


def _filling(d: int, log2_n: int) -> NDArray[np.float64]:
    """Points that fill the cube and its faces. Shape ``(2**log2_n, d)``."""
    return np.clip(1.2 * qmc.Sobol(d, rng=0).random_base2(log2_n) - 0.1, 0.0, 1.0)
