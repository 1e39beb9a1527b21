"""Control charts of references: mean and standard deviation of the first values, and the rules that later ones break.

References:
    [Westgard1981] Westgard, Barry, Hunt, Groth, A multi-rule Shewhart chart for quality control in clinical chemistry,
        Clinical Chemistry 27 (1981) 493-501: a value beyond two standard deviations warns; rejected is one beyond three
        (1_3s), two in a row beyond two on the same side (2_2s), two in a row more than four apart (R_4s), four in a row
        beyond one on the same side (4_1s), and ten in a row on the same side of the mean (10_x).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["BASELINE", "Chart", "chart_of", "drift_of"]

BASELINE = 5
"""First values of which mean and standard deviation are taken, where nobody has said otherwise."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A control chart."""

    values: tuple[float, ...]
    """In the order in which they were measured."""
    n_baseline: int
    """First values that the limits were made of; while there are fewer, there are no limits."""
    mean: float | None
    sd: float | None
    broken: tuple[str | None, ...]
    """For each value the rule that it breaks; None where it breaks none, or there are no limits yet."""
    warned: tuple[bool, ...]
    """Whether each value is beyond two standard deviations."""


def chart_of(values: Sequence[float], n_baseline: int = BASELINE) -> Chart:
    """The control chart of values that should all be the same [Westgard1981]_.

    Args:
        values: In the order in which they were measured.
        n_baseline: First values that mean and standard deviation are taken of, at least 2.
    """
    first = values[:n_baseline]
    n = len(values)
    if len(first) < n_baseline:
        return Chart(tuple(values), n_baseline, None, None, (None,) * n, (False,) * n)
    mean, sd = statistics.fmean(first), statistics.stdev(first)
    z = [_z(value - mean, sd) for value in values]
    broken = tuple(None if i < n_baseline else _broken(z[n_baseline : i + 1], z[i]) for i in range(n))
    return Chart(tuple(values), n_baseline, mean, sd, broken, tuple(abs(each) > 2.0 for each in z))


def drift_of(values: Sequence[float]) -> float | None:
    """Difference of the last value from the first; None where there are none."""
    return values[-1] - values[0] if values else None


def _z(difference: float, sd: float) -> float:
    """A difference in standard deviations; any is endless where the first values did not differ at all."""
    if sd > 0.0:
        return difference / sd
    return 0.0 if difference == 0.0 else float("inf") if difference > 0.0 else float("-inf")


def _broken(z: Sequence[float], last: float) -> str | None:
    """The rule that the last of some values breaks, in standard deviations from the mean."""
    if abs(last) > 3.0:
        return "1_3s (beyond three standard deviations)"
    two = z[-2:]
    if len(two) == 2 and (min(two) > 2.0 or max(two) < -2.0):
        return "2_2s (two in a row beyond two standard deviations)"
    if len(two) == 2 and max(two) > 2.0 and min(two) < -2.0:
        return "R_4s (two in a row more than four standard deviations apart)"
    four, ten = z[-4:], z[-10:]
    if len(four) == 4 and (min(four) > 1.0 or max(four) < -1.0):
        return "4_1s (four in a row beyond one standard deviation)"
    if len(ten) == 10 and (min(ten) > 0.0 or max(ten) < 0.0):
        return "10_x (ten in a row on one side of the mean)"
    return None
