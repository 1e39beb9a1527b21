"""Metrics of self-driving laboratories, per campaign and per lab, each with how many stand behind it.

The set is that of Volk and Abolhasani, Nature Communications 15 (2024) 1378, with acceleration and enhancement factor
as Adesiji et al., Digital Discovery (2025), doi 10.1039/D5DD00337G, use them. They describe; the instrument scores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from facility_review.collecting import UnitEvidence
from facility_review.collectors.benchmarks import acceleration, benchmarks, enhancement
from facility_review.collectors.campaigns import parameter_coverage
from facility_review.collectors.interventions import interventions_per_100, longest_assisted, longest_unassisted
from facility_review.collectors.replicates import relative_groups
from facility_review.inputs import Realm
from facility_review.instrument import Instrument
from facility_review.measuring import (
    NOT_LEARNED,
    Measured,
    Slice,
    Sources,
    Window,
    hours_active,
    is_ai_directed,
    is_valid,
)
from facility_review.resampling import ratio_interval, share_interval
from facility_review.statistics import pooled_sd, pooled_sd_interval, wilson

__all__ = ["SdlMetric", "sdl_metrics"]

WINDOW_DAYS = 365
COMPARED = frozenset({"acceleration_factor", "enhancement_factor_normalised", "enhancement_factor"})
"""Metrics of a campaign against the reference campaigns of its lab."""
HOUR_S = 3600.0
Function = Callable[[Window, Sources], Measured | str]


@dataclass(frozen=True, slots=True)
class SdlMetric:
    """One metric of one campaign, or of all campaigns of a lab in one realm."""

    id: str
    name: str
    unit: str
    scope: str
    """Id of the campaign; ``lab`` for all of them."""
    realm: Realm
    value: float | None
    """None where there is none; `why` says why."""
    n: int | None
    interval: tuple[float, float] | None
    """90 %."""
    why: str
    notes: tuple[str, ...]


def sdl_metrics(evidence: UnitEvidence, instrument: Instrument, as_of: date) -> tuple[SdlMetric, ...]:
    """The metrics of a unit: for each realm those of the lab, then those of each campaign of the last year.

    Args:
        evidence: What was gathered of the unit.
        instrument: For what the metrics share with it.
        as_of: The day of the assessment.
    """
    sources = Sources(evidence.unit, instrument, as_of, evidence.ledger)
    found: list[SdlMetric] = []
    for part in evidence.slices:
        whole = part.window(WINDOW_DAYS)
        if whole is None:
            continue
        found += [_metric(sources, part, "lab", whole, *metric) for metric in METRICS]
        reference = tuple(each for each in whole.parts if each[0].record.engine.name in NOT_LEARNED)
        unlearned = {campaign.record.id for campaign, _ in reference}
        for campaign, trials in whole.parts:
            alone = replace(whole, parts=((campaign, trials),))
            beside = alone if campaign.record.id in unlearned else replace(alone, parts=(*alone.parts, *reference))
            found += [
                _metric(sources, part, campaign.record.id, beside if metric[0] in COMPARED else alone, *metric)
                for metric in METRICS
            ]
    return tuple(found)


def _metric(
    sources: Sources, part: Slice, scope: str, window: Window, name: str, title: str, unit: str, function: Function
) -> SdlMetric:
    said = function(window, sources)
    if isinstance(said, str):
        return SdlMetric(name, title, unit, scope, part.realm, None, None, None, said, ())
    return SdlMetric(name, title, unit, scope, part.realm, said.value, said.n, said.interval, "", said.notes)


def degree_of_autonomy(window: Window, _: Sources) -> Measured | str:
    """Share of started trials that a model chose and that gave a result, without a hand on them.

    Volk and Abolhasani grade by the person's role; a share from the record is harder to overstate.
    """
    n = len(window.trials)
    k = sum(map(is_ai_directed, window.valid))
    return Measured(k / n, n, k, wilson(k, n))


def _cycles_s(window: Window) -> list[float]:
    return [trial.ended_s - (trial.begun_s or 0.0) for trial in window.valid]


def theoretical_throughput(window: Window, sources: Sources) -> Measured | str:
    """Trials an hour if nothing ever waited: the declared ideal cycle, or else the fastest one that was seen."""
    needs = sources.unit.requirements
    if needs.ideal_cycle_s is not None:
        return Measured(HOUR_S / needs.ideal_cycle_s * needs.parallel_lanes, 1, notes=("from the declared cycle",))
    cycles = [cycle for cycle in _cycles_s(window) if cycle > 0]
    if not cycles:
        return "no trial gave a result, and no ideal cycle is declared"
    lanes = max(campaign.record.lanes for campaign, _ in window.parts)
    return Measured(HOUR_S / min(cycles) * lanes, len(cycles), notes=("from the fastest trial: no cycle is declared",))


def demonstrated_throughput(window: Window, _: Sources) -> Measured | str:
    """Results an hour of active time; resampled by campaign, or by trial where there is one campaign."""
    results = [float(sum(map(is_valid, trials))) for _, trials in window.parts]
    hours = [hours_active(trials) for _, trials in window.parts]
    if not sum(hours):
        return "no time has passed in the campaigns"
    interval = ratio_interval(results, hours, "sdl throughput")
    if interval is None:
        shares = share_interval([float(is_valid(trial)) for trial in window.trials], "sdl throughput of trials")
        rate = len(window.trials) / sum(hours)
        interval = None if shares is None else (shares[0] * rate, shares[1] * rate)
    return Measured(sum(results) / sum(hours), int(sum(results)), interval=interval)


def precision(window: Window, _: Sources) -> Measured | str:
    """Pooled relative standard deviation of replicates that the system scheduled."""
    groups, parts = relative_groups(window)
    sd, dof = pooled_sd(groups)
    if not dof:
        return "no trial has replicates that the system scheduled; repeats that a person chose are biased"
    return Measured(sd, dof, interval=pooled_sd_interval(sd, dof), parts=parts)


def material_use(window: Window, _: Sources) -> Measured | str:
    """Microlitres for each result, what failed trials used among them."""
    used = [trial.used_ul for trial in window.trials if trial.used_ul is not None]
    n = len(window.valid)
    if not used or not n:
        return "no action that uses material is recorded of a result"
    interval = share_interval(used, "sdl material")
    factor = len(used) / n
    return Measured(
        sum(used) / n, n, interval=None if interval is None else (interval[0] * factor, interval[1] * factor)
    )


def theoretical_lifetime(window: Window, sources: Sources) -> Measured | str:
    """Hours until the first consumable of the lab file is used up, at the rate of these campaigns."""
    lab = sources.unit.lab
    hours = sum(hours_active(trials) for _, trials in window.parts)
    if lab is None or not hours:
        return "there is no lab file that declares materials" if lab is None else "no time has passed in the campaigns"
    used = Counter[str]()
    for campaign, _ in window.parts:
        used.update({name: amount for name, amount in campaign.used_ul.items() if amount})
    ends = {name: item.stock_ul / (used[name] / hours) for name, item in lab.materials.items() if used[name] > 0}
    wells = sum(labware.wells * len(labware.places) for labware in lab.labware.values())
    samples = sum(trial.has_sample for trial in window.trials)
    if wells and samples:
        ends["wells"] = wells / (samples / hours)
    if not ends:
        return "no use of a material or well that the lab file declares is recorded"
    first = min(ends, key=lambda name: (ends[name], name))
    return Measured(ends[first], len(ends), notes=(f"{first} is used up first",))


def theoretical_assisted_lifetime(_: Window, __: Sources) -> Measured | str:
    """There is none: with refills it is as long as the hardware lives, and nobody has declared how long that is."""
    return "with refills it ends when hardware wears out, and no record says when that is"


def enhancement_ratio(window: Window, _: Sources) -> Measured | str:
    """Published enhancement factor: best with learning over best of the reference, at equal budget; 1 is no benefit.

    It changes when a constant is added to the objective, so it is reported and never scored.
    """
    found = [benchmark for benchmark in benchmarks(window) if benchmark.objective.goal == "maximize"]
    if not found:
        return "no problem to maximise was run both with and without a learning engine; the ratio is defined for those"
    chosen = found[0]
    budget = min(len(losses) for _, losses in (*chosen.learned, *chosen.reference))
    learned = [-min(losses[:budget]) for _, losses in chosen.learned]
    reference = [-min(losses[:budget]) for _, losses in chosen.reference]
    if not all(np.isfinite([*learned, *reference])) or not float(np.median(reference)) > 0:
        return "a campaign has no result, or the reference's best is not above zero"
    value = float(np.median(learned)) / float(np.median(reference))
    return Measured(value, chosen.n, interval=_ratio_of_medians(learned, reference) if chosen.n > 1 else None)


def _ratio_of_medians(tops: Sequence[float], bottoms: Sequence[float]) -> tuple[float, float]:
    rng: Any = np.random.default_rng(len(tops))
    a = np.median(rng.choice(np.asarray(tops), size=(2000, len(tops))), axis=1)
    b = np.median(rng.choice(np.asarray(bottoms), size=(2000, len(bottoms))), axis=1)
    low, high = np.quantile(a / b, [0.05, 0.95])
    return float(low), float(high)


METRICS: tuple[tuple[str, str, str, Function], ...] = (
    ("degree_of_autonomy", "Degree of autonomy", "fraction", degree_of_autonomy),
    ("interventions", "Interventions", "per 100 experiments", interventions_per_100),
    ("lifetime_demonstrated_unassisted", "Lifetime, demonstrated, unassisted", "hour", longest_unassisted),
    ("lifetime_demonstrated_assisted", "Lifetime, demonstrated, assisted", "hour", longest_assisted),
    ("lifetime_theoretical_unassisted", "Lifetime, theoretical, unassisted", "hour", theoretical_lifetime),
    ("lifetime_theoretical_assisted", "Lifetime, theoretical, assisted", "hour", theoretical_assisted_lifetime),
    ("throughput_theoretical", "Throughput, theoretical", "per hour", theoretical_throughput),
    ("throughput_demonstrated", "Throughput, demonstrated", "per hour", demonstrated_throughput),
    ("precision", "Precision of replicates", "relative standard deviation", precision),
    ("material_use", "Material for each result", "uL", material_use),
    ("accessible_space", "Parameter space that gave results", "fraction", parameter_coverage),
    ("acceleration_factor", "Acceleration factor", "ratio", acceleration),
    ("enhancement_factor_normalised", "Enhancement factor, normalised", "fraction", enhancement),
    ("enhancement_factor", "Enhancement factor, as published", "ratio", enhancement_ratio),
)
"""Id, name, unit and function of each."""
