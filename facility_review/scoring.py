"""One unit's assessment from its inputs: pure, without a clock, a file, or chance other than the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from facility_review.assessment import Assessment, CriterionScore, DimensionScore, Level, TrackResult
from facility_review.criteria import Scored, check_inputs
from facility_review.draws import quantiles, tidy
from facility_review.gaps import find_gaps
from facility_review.inputs import Inputs
from facility_review.instrument import Instrument
from facility_review.levels import LEVELS, Aggregate, levels_of, shortfalls
from facility_review.paths import path_to_next
from facility_review.profile import autonomy_profile, manufacturing_ceilings
from facility_review.sensitivity import weight_sensitivity
from facility_review.standing import Standing, stand

__all__ = ["score"]

MOST_CLAIMED = 0.10
"""Share of the weight that claims may take out of an assessment before it is provisional."""


def score(instrument: Instrument, inputs: Inputs, seed: int | None = None, draws: int | None = None) -> Assessment:
    """Assess one unit.

    Args:
        instrument: The version of the instrument to use.
        inputs: What the evidence of the unit was reduced to.
        seed: Of the Monte Carlo draws; the instrument's where none is given. It stands in the result.
        draws: How many; the instrument's where none is given.

    Raises:
        InputError: the inputs name something that this version does not have, or hold a value that cannot be.
    """
    check_inputs(instrument, inputs)
    seed = instrument.file.aggregation.seed if seed is None else seed
    draws = instrument.file.aggregation.draws if draws is None else draws
    at = stand(instrument, inputs, seed, draws)
    gaps = find_gaps(at)
    level = LEVELS[at.level]
    measured_share = _share(at.scored, measured=True)
    coverage = _share(at.scored, measured=False)
    return Assessment(
        instrument=instrument.used,
        unit=inputs.unit,
        name=inputs.name,
        roles=tuple(sorted(inputs.roles)),
        level=level,
        level_name=instrument.levels[level].name,
        assured_level=_assured(at),
        p_level=tuple((LEVELS[rank], at.p_level(rank)) for rank in range(1, len(LEVELS))),
        gates=at.gates,
        dimensions=_dimensions(at),
        criteria=_criteria(at),
        index=tidy(at.aggregate.index(at.dimensions)[0]),
        index_interval=quantiles(at.aggregate.index(at.drawn_dimensions)),
        coverage=coverage,
        measured_share=measured_share,
        provisional=_provisional(at, coverage, measured_share),
        is_simulated_profile=_is_simulated(at),
        tracks=_tracks(at),
        profile=autonomy_profile(instrument, inputs),
        blocking=_blocking(at),
        gaps=gaps,
        path_to_next=path_to_next(at, gaps),
        sensitivity=weight_sensitivity(instrument, at.aggregate, at.dimensions, seed),
        seed=seed,
        draws=draws,
        claims=_claims(at),
        claimed_share=_claimed_share(at),
    )


def _criteria(at: Standing) -> tuple[CriterionScore, ...]:
    lows, highs = np.quantile(at.drawn, [0.05, 0.95], axis=0)
    return tuple(
        replace(item.score, interval=(tidy(low), tidy(high))) if item.score.is_applicable else item.score
        for item, low, high in zip(at.scored, lows, highs, strict=True)
    )


def _dimensions(at: Standing) -> tuple[DimensionScore, ...]:
    found: list[DimensionScore] = []
    for place, rule in enumerate(at.instrument.file.dimensions):
        columns = at.aggregate.columns[place]
        keys = [columns[key] for key in at.aggregate.keys[place]]
        weakest = min(keys, key=lambda column: at.truth[0, column], default=None)
        value = tidy(at.dimensions[0, place]) if columns else None
        mean = tidy(at.aggregate.mean(at.truth, place)[0]) if columns else None
        found.append(
            DimensionScore(
                dimension=rule.id,
                name=rule.name,
                weight=rule.weight,
                score=value,
                interval=quantiles(at.drawn_dimensions[:, place]) if columns else None,
                mean=mean,
                weakest_key=None if weakest is None else at.scored[weakest].criterion.id,
                is_held_by_key=value is not None and mean is not None and value < mean,
                next_minimum=None if at.level == len(LEVELS) - 1 else at.aggregate.minimum(rule.id, at.level + 1),
            )
        )
    return tuple(found)


def _assured(at: Standing) -> Level:
    """The highest level reached with enough probability; never above the level itself."""
    enough = at.instrument.file.aggregation.assured_probability
    ranks = [rank for rank in range(1, at.level + 1) if at.p_level(rank) >= enough]
    return LEVELS[max(ranks, default=0)]


def _share(scored: Sequence[Scored], *, measured: bool) -> float:
    """Share of criterion weight that is measured or documented; or measured, of what a machine could measure."""
    classes = ("measured",) if measured else ("measured", "documented")
    asked = [
        item for item in scored if item.score.is_applicable and not (measured and item.criterion.automation == "none")
    ]
    total = sum(item.criterion.weight for item in asked)
    return sum(item.criterion.weight for item in asked if item.answer.evidence_class in classes) / total if total else 0


def _claims(at: Standing) -> tuple[str, ...]:
    return tuple(item.criterion.id for item in at.scored if item.is_claimed)


def _claimed_share(at: Standing) -> float:
    """Share of the weight that would apply which claims have taken out. What gates lift is no claim."""
    claimed = sum(item.criterion.weight for item in at.scored if item.is_claimed)
    total = claimed + sum(item.criterion.weight for item in at.scored if item.score.is_applicable)
    return claimed / total if claimed else 0.0


def _provisional(at: Standing, coverage: float, measured_share: float) -> tuple[str, ...]:
    rules = at.instrument.file.aggregation.provisional
    usable = at.instrument.file.rating.usable_from
    found: list[str] = []
    if coverage < rules.coverage_below:
        found.append(f"coverage {coverage:.2f} is below {rules.coverage_below:g}")
    if measured_share < rules.measured_share_below and at.level >= LEVELS.index(rules.measured_share_from):
        found.append(
            f"measured share {measured_share:.2f} is below {rules.measured_share_below:g} at {LEVELS[at.level]}"
        )
    if at.inputs.agreement is not None and at.inputs.agreement < usable:
        found.append(f"the raters' agreement {at.inputs.agreement:.2f} is below {usable:g}")
    if (share := _claimed_share(at)) > MOST_CLAIMED:
        claims = _claims(at)
        said = f"{len(claims)} criteria with {share:.0%} of the weight are said not to apply"
        found.append(f"{said}, more than {MOST_CLAIMED:.0%}: {', '.join(claims)}")
    foreign = [
        item.criterion.id
        for item in at.scored
        if item.criterion.key
        and item.score.is_applicable
        and item.answer.evidence_class != "none"
        and item.answer.realm != "physical"
    ]
    if foreign:
        found.append(f"evidence of key criteria is not physical: {', '.join(foreign)}")
    return tuple(found)


def _is_simulated(at: Standing) -> bool:
    """True where something was seen off hardware or only stated, and nothing else was measured on it.

    What a file says that a person wrote is no such measurement, whatever class and realm it claims.
    """
    answers = [item.answer for item in at.scored if item.answer.evidence_class != "none"]
    stated = [bool(item.evidence) and item.evidence[0] in at.inputs.stated for item in answers]
    on_hardware = [item.evidence_class == "measured" and item.realm == "physical" for item in answers]
    if any(is_on and not is_stated for is_on, is_stated in zip(on_hardware, stated, strict=True)):
        return False
    return any(on_hardware) or any(item.realm != "physical" for item in answers)


def _blocking(at: Standing) -> tuple[str, ...]:
    """Why the next level is not reached: gates and other ceilings first, then dimensions below their minimum."""
    if at.level == len(LEVELS) - 1:
        return ()
    said = [limit.reason for limit in at.limits if limit.level <= at.level]
    return (*said, *shortfalls(at.aggregate, at.dimensions[0], at.level + 1))


def _tracks(at: Standing) -> tuple[TrackResult, TrackResult]:
    """Experimentation leaves the criteria of production out; manufacturing has all of them, and minima of its own."""
    is_production = "production" in at.inputs.roles
    highest = at.limits[0].level if at.limits else len(LEVELS) - 1
    experiment, where = at.aggregate, at.dimensions
    if is_production:
        without = [item for item in at.scored if item.criterion.applies_when == "all"]
        experiment = Aggregate(at.instrument, without)
        where = experiment.dimensions(np.array([[item.score.score for item in without]]))
    level = int(levels_of(experiment, where, highest)[0])
    limits = [limit.reason for limit in at.limits if limit.level <= level]
    reasons = (*limits, *shortfalls(experiment, where[0], level + 1)) if level < len(LEVELS) - 1 else ()
    first = TrackResult("experimentation", True, LEVELS[level], tuple(reasons))
    if not is_production:
        return first, TrackResult("manufacturing", False, None, ("it is not a production unit",))
    more = manufacturing_ceilings(at.instrument, at.scored)
    level = min([at.level, *(limit.level for limit in more)])
    reasons = tuple(limit.reason for limit in more if limit.level <= level)
    if level == at.level:
        reasons = (*_blocking(at), *reasons)
    return first, TrackResult("manufacturing", True, LEVELS[level], reasons)
