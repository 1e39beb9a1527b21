"""The Pareto front of several objectives: which trials no other one beats, and how much they cover.

A trial dominates another where it is at least as good in all objectives and better in one. The hypervolume is the
volume between the front and a reference point, in losses (smaller is better); it is computed by slicing along the last
objective [While2006hso]_, exactly, for the few objectives and tens of trials that a campaign has.

.. [While2006hso] L. While, P. Hingston, L. Barone, S. Huband, A faster algorithm for calculating hypervolume, IEEE
   Transactions on Evolutionary Computation 10 (2006) 29.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from autolab.core.problem import Problem
from autolab.core.trials import Outcome

__all__ = ["covered", "front_of", "hypervolume", "losses_of", "middle_of", "non_dominated", "reference_of"]

Losses = tuple[float, ...]
"""One number to make small for each objective."""

_BEYOND = 0.1
"""A reference that nobody stated lies this fraction of the range of all losses beyond the worst of them."""


def losses_of(problem: Problem, outcome: Outcome) -> Losses:
    """Losses of an outcome, one for each objective."""
    return tuple(objective.loss(outcome[objective.metric].value) for objective in problem.objectives)


def non_dominated(losses: Sequence[Losses]) -> list[int]:
    """Positions of the losses that no others dominate; of equal ones the first."""
    return [
        at
        for at, own in enumerate(losses)
        if own not in losses[:at] and not any(_beats(other, own) for other in losses)
    ]


def _beats(one: Losses, other: Losses) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def front_of(problem: Problem, outcomes: Sequence[tuple[int, Outcome]]) -> tuple[int, ...]:
    """Numbers of the trials on the front, of those that keep the outcome constraints as measured.

    Args:
        problem: Says the objectives and the constraints.
        outcomes: Trial number and outcome; those that lack a metric are passed over.
    """
    kept = [(trial, losses_of(problem, outcome)) for trial, outcome in outcomes if _keeps(problem, outcome)]
    return tuple(kept[at][0] for at in non_dominated([losses for _, losses in kept]))


def _keeps(problem: Problem, outcome: Outcome) -> bool:
    return all(metric in outcome for metric in problem.metrics) and all(
        constraint.holds(outcome[constraint.metric].value) for constraint in problem.outcome_constraints
    )


def reference_of(problem: Problem, losses: Sequence[Losses]) -> Losses:
    """The worst losses that are still of interest: the thresholds of the objectives, chosen where they are absent.

    Chosen is a tenth of the range of all losses beyond the worst of them. BoTorch's ``infer_reference_point`` looks at
    the front alone, and a front that is found narrow then stays so: on ZDT1 it covered half as much after 30 trials.
    """
    chosen: list[float] = []
    for at, objective in enumerate(problem.objectives):
        if objective.threshold is not None:
            chosen.append(objective.loss(objective.threshold))
            continue
        column = [row[at] for row in losses]
        chosen.append(max(column) + _BEYOND * ((max(column) - min(column)) or 1.0))
    return tuple(chosen)


def hypervolume(losses: Sequence[Losses], reference: Losses) -> float:
    """Volume of all that ``losses`` dominate and the reference bounds, in the product of their units."""
    inside = [row for row in losses if all(a < b for a, b in zip(row, reference, strict=True))]
    if not inside:
        return 0.0
    if len(reference) == 1:
        return reference[0] - min(row[0] for row in inside)
    volume = 0.0
    levels = [*sorted({row[-1] for row in inside}), reference[-1]]
    for level, above in itertools.pairwise(levels):
        slab = [row[:-1] for row in inside if row[-1] <= level]
        volume += (above - level) * hypervolume([slab[at] for at in non_dominated(slab)], reference[:-1])
    return volume


def covered(losses: Sequence[Losses], reference: Losses, ideal: Losses) -> float:
    """The hypervolume as a share of the box between ``reference`` and ``ideal``; 0 where the box is flat."""
    box = 1.0
    for worst, best in zip(reference, ideal, strict=True):
        box *= max(worst - best, 0.0)
    return hypervolume(losses, reference) / box if box else 0.0


def middle_of(losses: Sequence[Losses]) -> int:
    """Position of the loss whose worst objective is least bad, each as a share of its range over ``losses``."""
    lows = [min(column) for column in zip(*losses, strict=True)]
    widths = [(max(column) - min(column)) or 1.0 for column in zip(*losses, strict=True)]
    worst = [max((a - low) / width for a, low, width in zip(row, lows, widths, strict=True)) for row in losses]
    return worst.index(min(worst))
