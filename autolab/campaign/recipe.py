"""What a plan pours of each material, as a sum over the parameters: learned from dry runs at some points of the space.

A plan is a program; what it pours need be no sum. So it is walked through at more points than a sum has terms, and what
is found has to hold at all of them: a constant, one parameter, or all parameters with a weight each, the first that
fits. A volume that a plan leaves out since it is too small (2 % of the largest) is taken for poured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autolab.core.constraints import Constraint
from autolab.core.parameters import ChoiceParameter, FixedParameter, Parameter, Values
from autolab.core.problem import Space, is_numeric
from autolab.core.seeds import derive_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray

__all__ = ["Use", "learned"]

_EXACT = 1e-6
"""A sum fits where it is off by no more than this, in microlitres or as a fraction of the largest volume."""
_LEFT_OUT = 0.02
"""Fraction of the largest volume up to which a plan may pour nothing where the sum has something."""

NeedsUl = Callable[[Values], Mapping[str, float] | None]


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a material a trial pours, in microlitres."""

    material: str
    constant: float
    weights: Mapping[str, float]
    """Microlitres for each unit of a parameter, by its name."""

    def at(self, values: Values) -> float:
        """What is poured at a point."""
        return self.constant + sum(weight * float(values[name]) for name, weight in self.weights.items())

    def most(self, space: Space) -> float:
        """What is poured at most between the bounds of the parameters; constraints are not looked at."""
        ends = {p.name: _ends(p) for p in space.parameters if p.name in self.weights}
        return self.constant + sum(max(w * end for end in ends[name]) for name, w in self.weights.items())

    def within(self, free_ul: float, because: str) -> Constraint:
        """That no more than ``free_ul`` is poured."""
        bound, weights = free_ul - self.constant, dict(self.weights)
        scale = max(map(abs, weights.values()), default=1.0)
        is_turned = bool(weights) and all(weight <= 0.0 for weight in weights.values())
        scale = -scale if is_turned else scale
        terms = [_term(weight / scale, name) for name, weight in weights.items()] or ["0"]
        text = f"{' + '.join(terms)} {'>=' if is_turned else '<='} {bound / scale:.9g}"
        return Constraint(text, because, is_passing=True)


def learned(space: Space, open_needs: Callable[[], NeedsUl]) -> tuple[Use, ...]:
    """What a trial pours of each material of which that is a sum over the parameters.

    Args:
        space: The space; each call of the same one looks at the same points.
        open_needs: Makes what says how much of each material is poured at a point.
    """
    import numpy as np

    names = [p.name for p in space.parameters if is_numeric(p) and not isinstance(p, FixedParameter)]
    needs, points, found = open_needs(), list(_points(space, 2 * len(names) + 4)), list[Mapping[str, float]]()
    for values in points:
        if (need := needs(values)) is None:
            return ()
        found.append(need)
    x = np.array([[float(values[name]) for name in names] for values in points]).reshape(len(points), len(names))
    uses = (
        _fitted(material, names, x, np.array([need.get(material, 0.0) for need in found]))
        for material in sorted(set[str]().union(*found))
    )
    return tuple(use for use in uses if use is not None)


def _points(space: Space, count: int) -> Iterator[Values]:
    """Points drawn at random from the space, the same on every call; some may be equal where it is small."""
    from optimizer.design import uniform_point
    from optimizer.space import UnitSpace

    unit = UnitSpace(space)
    for number in range(count):
        yield uniform_point(unit, derive_seed(0, "uses", number))


def _fitted(material: str, names: Sequence[str], x: Column, y: Column) -> Use | None:
    """The first sum that gives ``y``, shape ``(n,)``, from ``x``, shape ``(n, k)``; None where none does."""
    import numpy as np

    most, made = float(y.max()), y > _EXACT
    middle = x.mean(axis=0)
    spans = np.where((spread := np.ptp(x, axis=0)) > 0.0, spread, 1.0)
    for columns in ([], *([at] for at in range(len(names))), list(range(len(names)))):
        terms = np.column_stack([np.ones(len(y)), ((x - middle) / spans)[:, columns]])
        if made.sum() <= terms.shape[1]:
            continue  # so few say nothing of the sum
        solution = np.linalg.lstsq(terms[made], y[made], rcond=None)[0]
        off = terms @ solution - y
        allowed = np.where(made, _EXACT * max(1.0, most), _LEFT_OUT * most)
        if (off >= -_EXACT * max(1.0, most)).all() and (off <= allowed).all():
            slopes = [(at, s) for at, s in zip(columns, solution[1:], strict=True) if abs(s) > _EXACT * max(1.0, most)]
            weights = {names[at]: float(f"{s / spans[at]:.9g}") for at, s in slopes}
            constant = float(solution[0] - sum(s / spans[at] * middle[at] for at, s in slopes))
            return Use(material, round(constant, 6) + 0.0, weights)
    return None


def _term(weight: float, name: str) -> str:
    return name if weight == 1.0 else f"{weight:.9g} * {name}"


def _ends(parameter: Parameter) -> tuple[float, ...]:
    if isinstance(parameter, FixedParameter):
        return (float(parameter.value),)
    if isinstance(parameter, ChoiceParameter):
        return tuple(float(choice) for choice in parameter.choices)
    return float(parameter.lower), float(parameter.upper)
