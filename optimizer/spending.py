"""What a trial costs, as a weight on the acquisition: expected improvement for each unit of cost.

The expected improvement is divided by the cost [Snoek2012practical]_ to a power: 1 makes the most of each unit spent,
and a smaller one minds the cost less, as is wise where the best lies among what is dear. Where it is stated what the
campaign is meant to spend, the power is that fraction of it which is left (cost cooling [Lee2020costaware]_).

.. [Snoek2012practical] J. Snoek, H. Larochelle, R. P. Adams, Practical Bayesian optimization of machine learning
   algorithms, NeurIPS 2012, section 3.2.
.. [Lee2020costaware] E. H. Lee, V. Perrone, C. Archambeau, M. Seeger, Cost-aware Bayesian optimization, ICML 2020
   workshop on automated machine learning, arXiv:2003.10870.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autolab.core.costs import Costs
from autolab.core.parameters import ChoiceParameter, Values
from optimizer.evidence import Evidence
from optimizer.space import Points, UnitSpace

__all__ = ["Thrift", "thrift_of"]


@dataclass(frozen=True)
class Thrift:
    """One over the cost, to a power."""

    costs: Costs
    unit: UnitSpace
    before: Values | None
    """Values of the trial before; None for the first."""
    power: float

    def slopes(self, points: Points) -> tuple[Points, Points]:
        """Logarithms at ``points``, and their gradients, 0 along choices: ``(m, d)`` to ``(m,)`` and ``(m, d)``."""
        amounts, changes = dict(self.costs.amounts), dict(self.costs.changes)
        columns = self.unit.columns(points)
        total = np.full(len(points), self.costs.trial)
        total += sum(cost * np.asarray(columns[name]) for name, cost in amounts.items())
        slopes = np.zeros(points.shape)
        for at, dimension in enumerate(self.unit.dimensions):
            parameter = dimension.parameter
            if self.before is not None and parameter.name in changes:
                place = dimension.encode(self.before[parameter.name])
                places = dimension.grid[np.abs(points[:, at, None] - dimension.grid).argmin(axis=1)]
                total += changes[parameter.name] * (np.abs(places - place) > 1e-9)
            if parameter.name in amounts and not isinstance(parameter, ChoiceParameter):
                width: float | Points = parameter.upper - parameter.lower
                if dimension.is_log:
                    width = np.asarray(columns[parameter.name]) * math.log(parameter.upper / parameter.lower)
                slopes[:, at] = amounts[parameter.name] * width
        return -self.power * np.log(total), -self.power * slopes / total[:, None]


def thrift_of(evidence: Evidence) -> Thrift | None:
    """The weight of costs; None where the problem states none."""
    costs = evidence.problem.costs
    return None if costs is None else Thrift(costs, evidence.unit, evidence.before, costs.power(evidence.run))
