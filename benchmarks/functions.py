"""The problems of `constrained.py`: functions with constraints among their parameters, or of mixed parameters.

Named before any engine ran on them, with 0.01 of the range as noise. The best point of each was looked for offline by
SLSQP from hundreds of starts, for each setting of what is not continuous.

.. [Dixon1978] L. C. W. Dixon, G. P. Szegő, The global optimization problem: an introduction, in Towards Global
   Optimisation 2, North-Holland 1978: Branin's and Hartmann's functions.
.. [Styblinski1990] M. A. Styblinski, T.-S. Tang, Experiments in nonconvex optimization, Neural Networks 3 (1990) 467.
.. [Ackley1987] D. H. Ackley, A connectionist machine for genetic hillclimbing, Kluwer 1987.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from autolab.core.constraints import Constraint
from autolab.core.objectives import Objective
from autolab.core.parameters import ChoiceParameter, IntegerParameter, Parameter, RangeParameter, Values
from autolab.core.problem import Problem, Space
from autolab.core.seeds import derive_seed
from autolab.core.trials import Estimate
from optimizer.design import feasible_draws
from optimizer.space import UnitSpace
from optimizer.world import Answer, quantiles

__all__ = ["FUNCTIONS", "Function", "without_equality"]

NOISE = 0.01
DRAWS = 4096
"""Points that fill the space, for its range."""


@dataclass(frozen=True)
class Function:
    """A world that answers any point of its space by a function, with noise.

    Args:
        problem: What is looked for.
        truth: Loss without noise.
        best_at: Where it is least.
    """

    problem: Problem
    truth: Callable[[Values], float]
    best_at: Values

    @property
    def most(self) -> None:
        return None

    @property
    def best(self) -> float:
        return self.truth(self.best_at)

    @property
    def worst(self) -> float:
        return float(self._filling.max())

    @property
    def shares(self) -> Mapping[str, float]:
        return quantiles(self._filling)

    def answer(self, wish: Values, tested: Set[int], seed: int, trial: int) -> Answer:  # noqa: ARG002 (any point answers)
        """As `optimizer.world.World.answer`."""
        loss = self.truth(wish)
        noise = NOISE * (self.worst - self.best) * np.random.default_rng(derive_seed(seed, "noise", trial)).normal()
        return Answer(wish, {self.problem.objective.metric: Estimate(loss + float(noise))}, loss, None)

    @cached_property
    def _filling(self) -> NDArray[np.float64]:
        unit = UnitSpace(self.problem.space)
        return np.array([self.truth(unit.decode(point)) for point in feasible_draws(unit, 0, DRAWS)])


def without_equality(made: Function) -> Function:
    """The same where the parts are a mixture, for who takes no equality: the last part is what the others leave."""
    (sum_to_one,) = made.problem.space.constraints
    *kept, last = made.problem.space.parameters
    names = [parameter.name for parameter in kept]
    if sum_to_one.text != f"{' + '.join((*names, last.name))} == 1":
        raise ValueError(f"{sum_to_one.text}: not the sum of all parts")

    def truth(values: Values) -> float:
        return made.truth({**values, last.name: 1.0 - sum(float(values[name]) for name in names)})

    space = Space(tuple(kept), (Constraint(f"{' + '.join(names)} <= 1"),))
    best_at = {name: made.best_at[name] for name in names}
    return Function(Problem(space, made.problem.objective), truth, best_at)


_SLOPES = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
_CENTRES = 1e-4 * np.array(
    [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
     [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]
)  # fmt: skip
_HEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])


def hartmann(x: NDArray[np.float64]) -> float:
    """Hartmann's function of six coordinates in [0, 1], or with its first columns of fewer."""
    d = len(x)
    return -float(_HEIGHTS @ np.exp(-(_SLOPES[:, :d] * (x - _CENTRES[:, :d]) ** 2).sum(axis=1)))


def branin(u: float, v: float) -> float:
    """Branin's function of u in [-5, 10] and v in [0, 15]."""
    bowl = (v - 5.1 / (4 * math.pi**2) * u**2 + 5 / math.pi * u - 6) ** 2
    return bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(u) + 10


def ackley(x: NDArray[np.float64]) -> float:
    """Ackley's function, least at the origin."""
    near = math.exp(-0.2 * math.sqrt(float((x**2).mean())))
    return 20.0 + math.e - 20.0 * near - math.exp(float(np.cos(2 * math.pi * x).mean()))


def styblinski(x: NDArray[np.float64]) -> float:
    """Styblinski's and Tang's function of coordinates in [-5, 5]."""
    return 0.5 * float((x**4 - 16 * x**2 + 5 * x).sum())


def _array(values: Values) -> NDArray[np.float64]:
    return np.array([float(value) for value in values.values()])


def _ranges(d: int, lower: float, upper: float) -> list[Parameter]:
    return [RangeParameter(f"x{number}", lower, upper) for number in range(1, d + 1)]


def _posed(
    parameters: list[Parameter],
    constraints: tuple[str, ...],
    truth: Callable[[Values], float],
    best: tuple[float | str, ...],
) -> Function:
    names = [parameter.name for parameter in parameters]
    problem = Problem(Space(tuple(parameters), tuple(map(Constraint, constraints))), Objective("y", "minimize"))

    def in_order(values: Values) -> float:
        return truth({name: values[name] for name in names})

    return Function(problem, in_order, dict(zip(names, best, strict=True)))


_SHIFTS = {"a": (0.0, 10.0), "b": (1.5, 0.0), "c": (-1.5, 5.0)}
_CENTRE = np.array([1.2, -0.7, 2.0, -1.0, 0.0])


def _branin_of_batch(values: Values) -> float:
    shift, more = _SHIFTS[str(values["batch"])]
    return branin(float(values["x1"]) + shift, float(values["x2"])) + more


def _hartmann_of_levels(values: Values) -> float:
    x = [float(values[name]) for name in ("x1", "x2", "x3", "x4")]
    return hartmann(np.array([*x, float(values["tenths"]) / 10.0, float(values["level"])]))


_PLANE: list[Parameter] = [RangeParameter("x1", -5, 10), RangeParameter("x2", 0, 15)]
_BATCH = ChoiceParameter("batch", ("a", "b", "c"))
_TENTHS = IntegerParameter("tenths", 0, 10)
_LEVEL = ChoiceParameter("level", (0.2, 0.4, 0.6, 0.8), ordered=True)
_WHOLE: list[Parameter] = [IntegerParameter(name, -5, 5) for name in ("n1", "n2", "n3")]

FUNCTIONS: dict[str, Function] = {
    "linear:hartmann6": _posed(
        _ranges(6, 0, 1), ("x1 + x2 + x3 + x4 + x5 + x6 <= 1.5",), lambda v: hartmann(_array(v)),
        (0.10851374, 0.03795727, 0.20577108, 0.24803683, 0.28334211, 0.61637897),
    ),
    "linear:branin": _posed(
        _PLANE, ("x1 + 2 * x2 <= 7",), lambda v: branin(*map(float, v.values())), (3.16107878, 1.91946061)
    ),
    "linear:styblinski4": _posed(
        _ranges(4, -5, 5), ("x1 + x2 + x3 + x4 >= -8",), lambda v: styblinski(_array(v)),
        (2.74680282, -2.90353408, -2.90353407, -2.90353416),
    ),
    "mixture:hartmann4": _posed(
        _ranges(4, 0, 1), ("x1 + x2 + x3 + x4 == 1",), lambda v: hartmann(_array(v)),
        (0.14786763, 0.11750457, 0.4901588, 0.244469),
    ),
    "mixed:ackley5": _posed(
        [*_ranges(2, -5, 5), *_WHOLE], (), lambda v: ackley(_array(v) - _CENTRE), (1.2, -0.7, 2, -1, 0)
    ),
    "mixed:branin": _posed([*_PLANE, _BATCH], (), _branin_of_batch, (1.64159265, 2.275, "b")),
    "mixed:hartmann6": _posed(
        [*_ranges(4, 0, 1), _TENTHS, _LEVEL], ("x1 + x2 + x3 <= 0.8",), _hartmann_of_levels,
        (0.19290526, 0.13983776, 0.46725698, 0.27495813, 3, 0.6),
    ),
}  # fmt: skip
"""By name: what it is about, and the function."""
