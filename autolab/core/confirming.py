"""Confirming the winner: what fresh measurements of the best recipes say of each, with selection accounted for.

The best of several is partly the luckiest, also among fresh measurements. Their true values are therefore taken as
draws from one normal distribution, whose width is learned: values that lie no farther apart than their noise are pulled
together, those that lie far apart are left alone. Noise is normal, with one standard deviation for all. Beforehand its
logarithm and the centre of the values are flat, and their width in units of the noise of a mean is half-Cauchy
[Polson2012half]_: the share ``B`` of the noise in the variance of a mean is ``Beta(1/2, 1/2)``. All but ``B`` is
integrated in closed form: given ``B`` each value has a Student distribution, and the claim is their mixture. One recipe
alone has the ordinary Student distribution of a mean.

.. [Polson2012half] N. G. Polson, J. G. Scott, On the half-Cauchy prior for a global scale parameter, Bayesian Analysis
   7 (2012) 887-902.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LEVEL", "Claim", "Confirm", "claims"]

LEVEL = 0.9
"""Probability of the interval of a claim."""
_LOGITS = (-60.0, 20.0, 400)
"""The logits of ``B`` that are looked at: the smallest, the largest, and how many. Noise may be very small."""
_NEGLIGIBLE = 1e-9
"""Share of the probability below which a value of ``B`` is passed over."""
_REACH, _HALVINGS = 30.0, 35
"""Standard deviations from the mean within which an end of an interval is looked for, and halvings."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """How the winner is confirmed before it is claimed."""

    best: int
    """How many of the best recipes are measured again."""
    replicates: int
    """How often each of them."""

    @property
    def trials(self) -> int:
        """How many trials that takes."""
        return self.best * self.replicates


@dataclass(frozen=True, slots=True)
class Claim:
    """What is said of one recipe, in the metric's unit."""

    mean: float
    sem: float | None
    """Standard deviation of what is believed; None where nothing was measured twice."""
    interval: tuple[float, float] | None
    """Within which the true value lies with probability `LEVEL`; None as above."""


def claims(groups: Sequence[Sequence[float]]) -> list[Claim]:
    """What the replicates of each recipe say of it.

    Args:
        groups: The values measured of each recipe, at least one each.
    """
    import numpy as np  # it takes a part of a second to import

    n = np.array([len(group) for group in groups], dtype=np.float64)
    means = np.array([np.mean(group) for group in groups])
    scatter = float(sum(np.sum((np.asarray(group) - mean) ** 2) for group, mean in zip(groups, means, strict=True)))
    free = float(n.sum()) - len(groups)
    if free < 1.0:
        return [Claim(float(mean), None, None) for mean in means]
    if scatter <= 0.0:
        return [Claim(float(mean), 0.0, (float(mean), float(mean))) for mean in means]
    odds = np.exp(np.linspace(*_LOGITS))[:, None]
    precision = 1.0 / (1.0 / n + 1.0 / (odds * n.mean()))  # of a mean, in units of 1 / s**2; a row for each B
    weights = precision.sum(axis=1, keepdims=True)
    centre = (precision * means).sum(axis=1, keepdims=True) / weights
    squares = scatter + (precision * (means - centre) ** 2).sum(axis=1, keepdims=True)
    freedom = free + len(groups) - 1.0
    log_density = 0.5 * (np.log(precision).sum(axis=1, keepdims=True) - np.log(weights) - freedom * np.log(squares))
    density = np.exp(log_density - log_density.max()) * np.sqrt(odds) / (1.0 + odds)  # of the logit of B
    density /= density.sum()
    pulled = precision / n
    places = means + pulled * (centre - means)
    scales = np.sqrt(squares / freedom * ((1.0 - pulled) / n + pulled**2 / weights))
    counts = density[:, 0] > _NEGLIGIBLE
    return [
        _Mixture(density[counts, 0], places[counts, at], scales[counts, at], freedom).claim()
        for at in range(len(groups))
    ]


@dataclass(frozen=True, slots=True)
class _Mixture:
    """A mixture of Student distributions of one freedom. Arrays have the shape ``(n,)``."""

    density: NDArray[np.float64]
    """Weight of each; they sum to 1."""
    places: NDArray[np.float64]
    scales: NDArray[np.float64]
    freedom: float

    def claim(self) -> Claim:
        # A Student distribution has the variance freedom / (freedom - 2) of its scale squared, where it has one.
        spread = self.freedom / (self.freedom - 2.0) if self.freedom > 2.0 else 1.0
        mean = float(self.density @ self.places)
        sem = math.sqrt(max(float(self.density @ (self.places**2 + spread * self.scales**2)) - mean**2, 0.0))
        low, high = (self._quantile(p, mean, _REACH * sem) for p in (0.5 - LEVEL / 2, 0.5 + LEVEL / 2))
        return Claim(mean, sem, (low, high))

    def _quantile(self, probability: float, middle: float, reach: float) -> float:
        """The value below which so much of it lies, by halving."""
        from scipy.special import stdtr  # pyright: ignore[reportMissingTypeStubs] (it has none)

        low, high = middle - reach, middle + reach
        for _ in range(_HALVINGS):
            at = 0.5 * (low + high)
            below = float(self.density @ stdtr(self.freedom, (at - self.places) / self.scales))
            low, high = (at, high) if below < probability else (low, at)
        return 0.5 * (low + high)
