"""The gap list: what stands between a unit and its next level, in the order in which it is worth doing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from facility_review.assessment import Effort, Gap, GateResult, PriorityClass
from facility_review.criteria import Scored
from facility_review.draws import tidy
from facility_review.gates import wanted_by
from facility_review.inputs import EvidenceClass
from facility_review.instrumentmodel import Gate, Requirement
from facility_review.levels import LEVELS, ROUNDING
from facility_review.raises import COMMANDS, QUICK, Raise, class_for, effort_of, kind_of_gap, middle, missing, raises_of
from facility_review.scales import raw_score
from facility_review.standing import Standing

__all__ = ["Chance", "days_of", "extra_targets", "find_gaps", "gap_id", "gate_target", "way_to"]

_CLASSES: tuple[PriorityClass, ...] = ("hold gate", "ceiling gate", "key criterion", "other")
EFFORT_OF_A_REVIEW: Effort = "M"
"""Of a gate that asks for a fact and for no criterion, such as a review by peers: our planning assumption."""


def gap_id(unit: str, gate: str | None, criterion: str | None) -> str:
    """Id of a gap, the same in each assessment of the unit, so that a register can follow it."""
    return ":".join(part for part in (unit, gate, criterion) if part)


class Chance:
    """How the chance of the next level changes when something is closed.

    Args:
        at: Where the unit stands.
    """

    def __init__(self, at: Standing) -> None:
        self._at = at
        self._rank = min(at.level + 1, len(LEVELS) - 1)
        self._least = np.array([at.aggregate.minimum(name, self._rank) for name in at.aggregate.names])
        self._holds = (at.drawn_dimensions >= self._least - ROUNDING) | (self._least <= 0)
        self._now = at.p_level(self._rank) if at.level < len(LEVELS) - 1 else 1.0

    def of(self, column: int | None, target: float, gate: str | None) -> tuple[float, float]:
        """What closing one gap alone would add.

        Args:
            column: Of the criterion that is raised; None where none is.
            target: The score that it is raised to.
            gate: A gate that passes then.

        Returns:
            Rise of the dimension's score, and of the probability of the next level.
        """
        at = self._at
        rise, holds = 0.0, self._holds
        if column is not None:
            place = at.aggregate.names.index(at.scored[column].criterion.dimension)
            rise = float(at.aggregate.dimension(at.truth, place, (column, target))[0] - at.dimensions[0, place])
            after = at.aggregate.dimension(at.drawn, place, (column, target))
            holds = holds.copy()
            holds[:, place] = after >= self._least[place] - ROUNDING
        scale = None if column is None else at.scored[column].criterion.metric
        mended = {gate, scale.id if scale else None} - {None}
        blocked = any(limit.level < self._rank and not {limit.gate, limit.metric} & mended for limit in at.limits)
        chance = 0.0 if blocked else float(holds.all(axis=1).mean())
        return rise, chance - self._now


@dataclass(frozen=True, slots=True)
class _Found:
    """A gap before it is described."""

    column: int | None
    gate: GateResult | None
    target: float
    priority_class: PriorityClass


def extra_targets(at: Standing, rank: int) -> dict[int, float]:
    """What the extra conditions of a level, and of those below it, ask of criteria: score by column."""
    columns = _columns(at)
    found: dict[int, float] = {}
    for limit in at.limits:
        if limit.metric is None or limit.level >= rank:
            continue
        column = columns.get(at.instrument.criterion_of.get(limit.metric, ""))
        scale = None if column is None else at.scored[column].criterion.metric
        if column is not None and scale is not None and at.scored[column].score.is_applicable:
            found[column] = max(raw_score(scale, limit.least), found.get(column, 0.0))
    return found


def find_gaps(at: Standing) -> tuple[Gap, ...]:
    """All gaps of a unit, by priority: hold gates, ceiling gates that block the next level, key criteria, others.

    Listed are open gates, criteria below what the next level asks of their dimension, every criterion that can still
    rise in a dimension that falls short, and criteria whose evidence carries less than they show.
    """
    chance = Chance(at)
    found = [*_of_gates(at), *_of_criteria(at)]
    gaps = [_describe(at, chance, item) for item in found]
    order = sorted(gaps, key=lambda gap: (_CLASSES.index(gap.priority_class), -_worth(gap), gap.gap_id))
    return tuple(replace(gap, priority=place) for place, gap in enumerate(order, start=1))


def _worth(gap: Gap) -> float:
    """Gain of probability per person-day; of the dimension's score where the probability does not move."""
    days = sum(gap.person_days) / 2
    return gap.delta_p_level / days + 1e-6 * gap.delta_dimension / days


def _of_gates(at: Standing) -> list[_Found]:
    columns = _columns(at)
    found: list[_Found] = []
    for gate in at.gates:
        if not gate.is_open:
            continue
        blocks = LEVELS.index(gate.ceiling) <= at.level
        kind: PriorityClass = "hold gate" if gate.kind == "hold" else "ceiling gate" if blocks else "other"
        places = [columns[name] for name in gate.criteria if at.scored[columns[name]].score.is_applicable]
        rule = at.instrument.gates[gate.gate]
        found += [_Found(place, gate, gate_target(at, rule, place), kind) for place in places]
        if not places:
            found.append(_Found(None, gate, 0.0, kind))
    return found


def _of_criteria(at: Standing) -> list[_Found]:
    if at.level == len(LEVELS) - 1:
        return []
    taken = {name for gate in at.gates if gate.is_open for name in gate.criteria}
    extras = extra_targets(at, at.level + 1)
    found: list[_Found] = []
    for column, item in enumerate(at.scored):
        if not item.score.is_applicable or item.criterion.id in taken:
            continue
        if column in extras:
            found.append(_Found(column, None, extras[column], "other"))
            continue
        if item.score.score >= 5:
            continue
        place = at.aggregate.names.index(item.criterion.dimension)
        least = at.aggregate.minimum(item.criterion.dimension, at.level + 1)
        is_short = float(at.dimensions[0, place]) < least - ROUNDING
        is_below = item.score.score < least - ROUNDING
        if is_short or is_below or item.score.raw > item.score.score + ROUNDING:
            key_least = least - at.instrument.file.aggregation.key_margin if not is_short else least
            is_key = item.criterion.key and item.score.score < key_least - ROUNDING
            found.append(_Found(column, None, _next_target(at, item, least), "key criterion" if is_key else "other"))
    return found


def _next_target(at: Standing, item: Scored, least: float) -> float:
    """The minimum where it is not reached, else the next step up."""
    ways = raises_of(at.instrument, item)
    enough = [way.score for way in ways if way.score >= least - ROUNDING]
    return (enough or [way.score for way in ways] or [5.0])[0 if enough else -1]


def gate_target(at: Standing, gate: Gate, column: int) -> float:
    """The score of a criterion at which a gate's requirements of it are met."""
    criterion = at.scored[column].criterion
    wanted = [_wanted(at, gate, item, column) for item in gate.require if _is_about(item, column, at)]
    return max(wanted, default=max(3.0, float(math.ceil(at.scored[column].score.score)))) if criterion else 0.0


def _is_about(item: Requirement, column: int, at: Standing) -> bool:
    criterion = at.scored[column].criterion
    return item.criterion == criterion.id or (criterion.metric is not None and item.metric == criterion.metric.id)


def _wanted(at: Standing, gate: Gate, item: Requirement, column: int) -> float:
    value = wanted_by(at.instrument, at.inputs, gate, item)
    number = float(value) if isinstance(value, int | float) else 0.0
    scale = at.scored[column].criterion.metric
    return number if item.criterion is not None or scale is None else raw_score(scale, number)


def way_to(at: Standing, column: int, target: float) -> Raise:
    """The cheapest way to a score; better evidence alone where the score is reached already and a gate wants more."""
    item = at.scored[column]
    ways = raises_of(at.instrument, item)
    if item.score.score >= target - ROUNDING:
        return Raise(item.score.score, middle(at.instrument.file.gap_list.effort_classes["S"]), 1, 0)
    return next((way for way in ways if way.score >= target - ROUNDING), ways[-1])


def _columns(at: Standing) -> Mapping[str, int]:
    return {item.criterion.id: column for column, item in enumerate(at.scored)}


def days_of(at: Standing, column: int | None, way: Raise | None) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ranges of person-days and of lead time of a way up."""
    classes = at.instrument.file.gap_list.effort_classes
    if column is None or way is None:
        effort = classes[EFFORT_OF_A_REVIEW]
        return _pair(effort.person_days), _pair(effort.lead_days)
    proof, step = classes["S"], classes[at.scored[column].criterion.remediation.effort]
    parts = [(proof, way.proofs), (step, way.steps)]
    low, high = (sum(effort.person_days[end] * count for effort, count in parts) for end in (0, 1))
    lead = [effort for effort, count in parts if count] or [proof]
    return (low, high), (max(item.lead_days[0] for item in lead), max(item.lead_days[1] for item in lead))


def _pair(values: tuple[float, ...]) -> tuple[float, float]:
    return values[0], values[1]


def _describe(at: Standing, chance: Chance, found: _Found) -> Gap:
    rise, gain = chance.of(found.column, found.target, found.gate.gate if found.gate else None)
    unlocked = LEVELS[at.level + 1] if gain > 0 and at.level < len(LEVELS) - 1 else None
    if found.column is not None:
        gap = _of_criterion(at, found, found.column)
    elif found.gate is not None:
        gap = _of_review(at, found.gate)
    else:
        raise ValueError("a gap is of a gate, of a criterion, or of both")
    return replace(
        gap,
        priority_class=found.priority_class,
        level_unlocked=unlocked,
        delta_dimension=tidy(rise),
        delta_p_level=tidy(gain),
    )


def _of_review(at: Standing, gate: GateResult) -> Gap:
    """A gate that no criterion can open: somebody else has to look."""
    rule = at.instrument.gates[gate.gate]
    days, lead = days_of(at, None, None)
    return Gap(
        gap_id=gap_id(at.inputs.unit, gate.gate, None),
        unit_id=at.inputs.unit,
        kind="evidence gap",
        criterion=None,
        gate=gate.gate,
        current_score=0.0,
        current_class="none",
        target_score=0.0,
        missing="; ".join(gate.reasons),
        evidence_needed=_facts(at, rule),
        action=f"{rule.name}: {rule.note}" if rule.note else rule.name,
        command=None,
        is_quick=False,
        effort=EFFORT_OF_A_REVIEW,
        person_days=days,
        lead_days=lead,
        standards=(),
        eo_clauses=rule.eo_clauses,
    )


def _of_criterion(at: Standing, found: _Found, column: int) -> Gap:
    """A criterion that is to rise, for a gate's sake or its dimension's."""
    gate, item = found.gate, at.scored[column]
    criterion = item.criterion
    way = way_to(at, column, found.target)
    days, lead = days_of(at, column, way)
    needed: EvidenceClass = class_for(at.instrument, item, found.target)
    if gate and any(rule.min_class == "measured" for rule in at.instrument.gates[gate.gate].require):
        needed = "measured"
    is_proof = gate is not None and gate.state == "not demonstrated" and not way.steps
    command = COMMANDS.get(criterion.metric.id) if criterion.metric else None
    return Gap(
        gap_id=gap_id(at.inputs.unit, gate.gate if gate else None, criterion.id),
        unit_id=at.inputs.unit,
        kind="evidence gap" if is_proof else kind_of_gap(item),
        criterion=criterion.id,
        gate=gate.gate if gate else None,
        current_score=item.score.score,
        current_class=item.answer.evidence_class,
        target_score=found.target,
        missing="; ".join(gate.reasons) if gate else missing(at.instrument, item, found.target),
        evidence_needed=f"{needed}: {criterion.evidence.get(needed, criterion.question)}",
        action=criterion.remediation.action,
        command=command,
        is_quick=command in QUICK or (command is not None and not way.steps),
        effort=effort_of(item, way),
        person_days=days,
        lead_days=lead,
        standards=criterion.standards,
        eo_clauses=criterion.eo_clauses,
    )


def _facts(at: Standing, rule: Gate) -> str:
    names = [item.fact for item in rule.require if item.fact]
    return "; ".join(f"{name}: {at.instrument.facts[name].definition}" for name in names)
