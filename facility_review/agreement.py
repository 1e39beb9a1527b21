"""Agreement of raters over the steps of ladders: how far two people who look at the same unit say the same.

Krippendorff's alpha with the ordinal difference function (K. Krippendorff, Computing Krippendorff's Alpha-Reliability,
2011; Content Analysis, 2nd ed. 2004, 11.3), which takes any number of raters and missing answers, and Cohen's kappa
with quadratic weights (J. Cohen, Psychological Bulletin 70 (1968) 213) for exactly two who answered everything.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from autolab.core.errors import InputError
from facility_review.instrument import Instrument

__all__ = ["Agreement", "agreement_of", "krippendorff_alpha_ordinal", "quadratic_weighted_kappa"]

Band = Literal["strong", "usable", "redo"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far raters agree, and what needs a joint review."""

    alpha: float
    """Ordinal Krippendorff's alpha; 1 is full agreement, 0 what chance would give."""
    kappa: float | None
    """Quadratic weighted kappa; None unless exactly two raters answered the same criteria."""
    band: Band
    to_adjudicate: tuple[str, ...]
    """Criteria on which two raters differ by more than one step."""


def agreement_of(instrument: Instrument, ratings: Mapping[str, Mapping[str, int]]) -> Agreement:
    """Agreement of raters over the ladder criteria.

    Args:
        instrument: The instrument; its `rating` says from which agreement on a rating is usable.
        ratings: Step, 0 to 5, by criterion, by rater. A criterion may be missing.

    Raises:
        InputError: there are fewer raters than the instrument asks for, a criterion is no ladder, or nothing was rated
            twice.
    """
    rules = instrument.file.rating
    if len(ratings) < rules.raters_min:
        raise InputError(f"{len(ratings)} raters: at least {rules.raters_min} are needed for an agreement")
    for rater, steps in ratings.items():
        for name, step in steps.items():
            criterion = instrument.criteria.get(name)
            if criterion is None or not criterion.steps:
                raise InputError(f"{rater}: {name!r} is no criterion that is rated by steps: remove it")
            if not 0 <= step <= 5:
                raise InputError(f"{rater}: {name} = {step}: give a step from 0 to 5")
    names = [name for name in instrument.criteria if any(name in steps for steps in ratings.values())]
    units = [[steps[name] for steps in ratings.values() if name in steps] for name in names]
    alpha = krippendorff_alpha_ordinal(units)
    kappa = None
    if len(ratings) == 2 and all(len(unit) == 2 for unit in units):
        kappa = quadratic_weighted_kappa([unit[0] for unit in units], [unit[1] for unit in units])
    band: Band = "strong" if alpha >= rules.strong_from else "usable" if alpha >= rules.usable_from else "redo"
    apart = tuple(name for name, unit in zip(names, units, strict=True) if unit and max(unit) - min(unit) > 1)
    return Agreement(alpha, kappa, band, apart)


def krippendorff_alpha_ordinal(units: Sequence[Sequence[int]]) -> float:
    """Ordinal alpha, ``1 - D_o / D_e``.

    The difference of two ranks c < k is ``(n_c / 2 + sum of n_g between them + n_k / 2)^2``, where n_g is how often a
    value was given in pairable units.

    Args:
        units: The values that each unit was given, by whoever rated it. Units with fewer than two say nothing.

    Returns:
        1 where all pairable values are the same.

    Raises:
        InputError: no unit was rated twice.
    """
    pairable = [unit for unit in units if len(unit) >= 2]
    if not pairable:
        raise InputError("no criterion was rated by two raters: let a second rater answer the same criteria")
    counts = Counter(value for unit in pairable for value in unit)
    total = sum(counts.values())
    ranks = sorted(counts)
    distance = {
        (low, high): (sum(counts[rank] for rank in ranks if low <= rank <= high) - (counts[low] + counts[high]) / 2)
        ** 2
        for low, high in itertools.combinations(ranks, 2)
    }
    observed = sum(
        2 * distance[min(one, other), max(one, other)] / (len(unit) - 1)
        for unit in pairable
        for one, other in itertools.combinations(unit, 2)
        if one != other
    )
    by_chance = sum(2 * counts[low] * counts[high] * gap for (low, high), gap in distance.items()) / (total - 1)
    return 1.0 if by_chance == 0 else 1 - observed / by_chance


def quadratic_weighted_kappa(first: Sequence[int], second: Sequence[int]) -> float:
    """Cohen's kappa with disagreements weighted by the square of their distance.

    Args:
        first: One rater's values.
        second: The other's, in the same order and of the same length.

    Returns:
        1 where both gave one and the same value throughout.

    Raises:
        InputError: the lengths differ, or nothing was rated.
    """
    if len(first) != len(second) or not first:
        raise InputError(
            f"{len(first)} and {len(second)} ratings: two raters must rate the same criteria, one at least"
        )
    observed = sum((one - other) ** 2 for one, other in zip(first, second, strict=True)) / len(first)
    by_chance = sum((one - other) ** 2 for one in first for other in second) / len(first) ** 2
    return 1.0 if by_chance == 0 else 1 - observed / by_chance
