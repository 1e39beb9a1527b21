"""Weights on an acquisition: what is known of a point beside what its outcome may be.

An acquisition is a logarithm, so a weight is added to it as a logarithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from optimizer.lean_search import Surface
from optimizer.space import Points

__all__ = ["Weight", "weighted"]


class Weight(Protocol):
    """A positive function over the unit cube with the gradient of its logarithm."""

    def slopes(self, points: Points) -> tuple[Points, Points]:
        """Logarithms at ``points``, and their gradients: ``(m, d)`` to ``(m,)`` and ``(m, d)``."""
        ...


@dataclass(frozen=True)
class _Weighted:
    """A surface with a weight."""

    surface: Surface
    weight: Weight

    def __call__(self, points: Points) -> Points:
        return self.surface(points) + self.weight.slopes(points)[0]

    def slopes(self, points: Points) -> tuple[Points, Points]:
        values, gradients = self.surface.slopes(points)
        logs, pulls = self.weight.slopes(points)
        return values + logs, gradients + pulls


def weighted(surface: Surface, *weights: Weight | None) -> Surface:
    """The surface with all weights that there are; itself where there is none."""
    for weight in weights:
        if weight is not None:
            surface = _Weighted(surface, weight)
    return surface
