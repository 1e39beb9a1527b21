"""The cheapest path to the next level: which criteria to raise, how far, so that the effort is smallest.

Every dimension has its own minimum and its own criteria, so that each is a covering problem by itself: reach the
minimum with the fewest person-days. It is solved exactly, over half days, by dynamic programming; what gates and the
margin of key criteria force is taken first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from facility_review.assessment import Gap, PathToNext
from facility_review.gaps import days_of, extra_targets, gate_target, way_to
from facility_review.levels import LEVELS, ROUNDING
from facility_review.raises import Raise, raises_of
from facility_review.standing import Standing

__all__ = ["Choice", "cheapest_cover", "path_to_next"]

UNITS_PER_DAY = 2
"""Effort is counted in half days, in which the middles of all planning ranges are whole."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One criterion that may be raised."""

    column: int
    ways: tuple[Raise, ...]
    gains: tuple[float, ...]
    """Rise of the sum of weighted scores, by way."""
    is_key: bool


def path_to_next(at: Standing, gaps: Sequence[Gap]) -> PathToNext | None:
    """The set of gaps whose closing gives the next level with the smallest effort; None at R5.

    Args:
        at: Where the unit stands.
        gaps: Its gaps, by priority.
    """
    if at.level == len(LEVELS) - 1:
        return None
    rank = at.level + 1
    forced = _forced(at, rank)
    chosen = dict(forced)
    is_complete = True
    for place in range(len(at.aggregate.names)):
        ways = _cover(at, place, rank, forced)
        is_complete &= ways is not None
        chosen |= ways or {}
    gates = [gate for gate in at.gates if gate.is_open and LEVELS.index(gate.ceiling) < rank]
    open_gates = {gate.gate for gate in gates}
    scales = [at.scored[column].criterion.metric for column in extra_targets(at, rank)]
    mended = {scale.id for scale in scales if scale is not None}
    said = tuple(
        limit.reason for limit in at.limits if limit.level < rank and limit.gate is None and limit.metric not in mended
    )
    return _path(at, gaps, rank, chosen, frozenset(open_gates), said, is_complete and not said)


def _forced(at: Standing, rank: int) -> dict[int, Raise]:
    """What gates and extra conditions ask of criteria, and what the margin asks of key criteria."""
    columns = {item.criterion.id: column for column, item in enumerate(at.scored)}
    targets = extra_targets(at, rank)
    for gate in at.gates:
        if gate.is_open and LEVELS.index(gate.ceiling) < rank:
            for name in gate.criteria:
                if at.scored[columns[name]].score.is_applicable:
                    target = gate_target(at, at.instrument.gates[gate.gate], columns[name])
                    targets[columns[name]] = max(target, targets.get(columns[name], 0.0))
    for place, name in enumerate(at.aggregate.names):
        least = at.aggregate.minimum(name, rank) - at.instrument.file.aggregation.key_margin
        for key in at.aggregate.keys[place]:
            column = at.aggregate.columns[place][key]
            if at.truth[0, column] < least - ROUNDING:
                targets[column] = max(least, targets.get(column, 0.0))
    return {column: way_to(at, column, target) for column, target in targets.items()}


def _cover(at: Standing, place: int, rank: int, forced: Mapping[int, Raise]) -> dict[int, Raise] | None:
    """Ways up for one dimension, the forced ones with it; None where the minimum is out of reach."""
    columns = at.aggregate.columns[place]
    if not columns:
        return {} if at.aggregate.minimum(at.aggregate.names[place], rank) <= 0 else None
    weights = at.aggregate.weights[place]
    need = at.aggregate.minimum(at.aggregate.names[place], rank) * float(weights.sum())
    choices: list[Choice] = []
    for column, weight in zip(columns, weights, strict=True):
        item = at.scored[column]
        ways = raises_of(at.instrument, item)
        start = item.score.score
        if column in forced:
            start = max(start, forced[column].score)
            ways = tuple(_beyond(forced[column], way) for way in ways if way.score > start + ROUNDING)
        need -= float(weight) * start
        choices.append(
            Choice(column, ways, tuple(float(weight) * (way.score - start) for way in ways), item.criterion.key)
        )
    if need <= ROUNDING:
        return {}
    picked = cheapest_cover(choices, need - ROUNDING)
    if picked is None:
        return None
    return {
        column: Raise(way.score, way.days + before.days, way.proofs + before.proofs, way.steps + before.steps)
        if (before := forced.get(column)) is not None
        else way
        for column, way in picked.items()
    }


def _beyond(before: Raise, way: Raise) -> Raise:
    """What a way costs when a part of it is done already."""
    proofs, steps = max(0, way.proofs - before.proofs), max(0, way.steps - before.steps)
    return Raise(way.score, max(0.0, way.days - before.days), proofs, steps)


def cheapest_cover(choices: Sequence[Choice], need: float) -> dict[int, Raise] | None:
    """The ways with the fewest days whose gains sum to ``need``; of equally cheap ones those that gain most.

    Of the same gain, key criteria go first, and then the order of the instrument.
    """
    limit = sum(_units(choice.ways[-1]) for choice in choices if choice.ways)
    best = np.full(limit + 1, -np.inf)
    best[0] = 0.0
    taken: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    for order, choice in enumerate(choices):
        better = best.copy()
        which = np.full(limit + 1, -1, dtype=np.int64)
        favour = (1e-7 if choice.is_key else 0.0) + 1e-9 * (len(choices) - order)
        for index, (way, gain) in enumerate(zip(choice.ways, choice.gains, strict=True)):
            cost = _units(way)
            candidate = np.full(limit + 1, -np.inf)
            candidate[cost:] = best[: limit + 1 - cost] + gain + favour
            improves = candidate > better
            better[improves], which[improves] = candidate[improves], index
        best = better
        taken.append(which)
    enough = np.flatnonzero(best >= need)
    if not len(enough):
        return None
    left = int(enough[0])
    picked: dict[int, Raise] = {}
    for choice, which in zip(reversed(choices), reversed(taken), strict=True):
        if (index := int(which[left])) >= 0:
            picked[choice.column] = choice.ways[index]
            left -= _units(choice.ways[index])
    return picked


def _units(way: Raise) -> int:
    return round(way.days * UNITS_PER_DAY)


def _path(
    at: Standing,
    gaps: Sequence[Gap],
    rank: int,
    chosen: Mapping[int, Raise],
    gates: frozenset[str],
    blockers: tuple[str, ...],
    is_complete: bool,
) -> PathToNext:
    """The plan: its gaps by priority, and the sum of their efforts."""
    wanted = {at.scored[column].criterion.id for column in chosen}
    listed = [gap for gap in gaps if gap.gate in gates or gap.criterion in wanted]
    reviews = [gap for gap in listed if gap.criterion is None]
    ranges = [days_of(at, column, way) for column, way in chosen.items()]
    ranges += [(gap.person_days, gap.lead_days) for gap in reviews]
    return PathToNext(
        target=LEVELS[rank],
        gaps=tuple(dict.fromkeys(gap.gap_id for gap in listed)),
        targets=tuple(sorted((at.scored[column].criterion.id, way.score) for column, way in chosen.items())),
        person_days=(sum(days[0] for days, _ in ranges), sum(days[1] for days, _ in ranges)),
        lead_days=(
            max((lead[0] for _, lead in ranges), default=0.0),
            max((lead[1] for _, lead in ranges), default=0.0),
        ),
        is_complete=is_complete,
        blockers=blockers,
    )
