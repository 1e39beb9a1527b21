"""Benchmark runs: campaigns on one problem, some chosen by a model and some by a strategy that does not learn."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from autolab.core.objectives import Objective
from autolab.core.seeds import derive_seed
from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.factors import acceleration_factor, enhancement_factor, goal_loss, trials_needed
from facility_review.ledger import Campaign
from facility_review.measuring import NOT_LEARNED, Measured, Sources, Window, measure, once
from facility_review.statistics import Floats

__all__ = ["COLLECTOR", "Benchmark", "acceleration", "benchmarks", "enhancement"]

RESAMPLES = 2000
MOST_DRAWN = 1_000_000
"""Numbers that are drawn at a time: 8 MB of them."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Campaigns on one problem. Losses in the order of the trials: small is good."""

    objective: Objective
    learned: tuple[tuple[str, tuple[float, ...]], ...]
    """Campaign and the losses of its results; infinite where a trial gave none."""
    reference: tuple[tuple[str, tuple[float, ...]], ...]

    @property
    def n(self) -> int:
        """Pairs: as many as there are of the rarer kind."""
        return min(len(self.learned), len(self.reference))


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The metrics of benchmark runs, for each realm."""
    parts, _ = sources.parts
    for part in parts:
        yield measure(sources, part, "m_af", "trials", acceleration)
        yield measure(sources, part, "m_ef_norm", "trials", enhancement)


COLLECTOR = Collector("benchmarks", "journal: campaigns on one problem by engines that learn and that do not", collect)


@once
def benchmarks(window: Window) -> list[Benchmark]:
    """Problems on which campaigns of both kinds have run, the one with most pairs first.

    The same problem, budget and number of lanes; a reference is a campaign whose engine does not learn.
    """
    groups: dict[str, list[Campaign]] = defaultdict(list)
    for campaign, _ in window.parts:
        if campaign.record.problem.others:
            continue  # several objectives have no one number to compare by
        groups[campaign.contest].append(campaign)
    found: list[Benchmark] = []
    for campaigns in groups.values():
        learned = tuple((c.record.id, c.losses) for c in campaigns if c.record.engine.name not in NOT_LEARNED)
        reference = tuple((c.record.id, c.losses) for c in campaigns if c.record.engine.name in NOT_LEARNED)
        if learned and reference:
            found.append(Benchmark(campaigns[0].record.problem.objective, learned, reference))
    return sorted(found, key=lambda benchmark: (-benchmark.n, benchmark.learned[0][0]))


@once
def acceleration(window: Window, _: Sources) -> Measured | str:
    """Acceleration factor: median trials to the target without learning over median trials with it.

    The target is the one that the campaign file declares, so it was fixed beforehand. A reference that never reached it
    counts with the trials that it ran, which is less than it would have needed; a learner that never did counts as
    infinite. Adesiji et al. 2025, doi 10.1039/D5DD00337G.
    """
    with_target = [benchmark for benchmark in benchmarks(window) if benchmark.objective.target is not None]
    if not with_target:
        return "no problem with a target was run both with and without a learning engine"
    chosen = with_target[0]
    goal = goal_loss(chosen.objective)
    learned = [trials_needed(losses, goal) or math.inf for _, losses in chosen.learned]
    needed = _needed_by_reference(chosen.reference, goal)
    reference = [float(n or len(losses)) for n, (_, losses) in zip(needed, chosen.reference, strict=True)]
    n_short = needed.count(None)
    notes = (f"{n_short} reference campaigns did not reach the target: the factor is a lower bound",) if n_short else ()
    return _compared(chosen, learned, reference, acceleration_factor, notes, "m_af")


@once
def enhancement(window: Window, _: Sources) -> Measured | str:
    """Normalised enhancement factor: gain of the best result over the reference, at equal budget.

    Divided by the best loss of all against the median loss of the reference, so that a constant offset does not matter.
    Medians over campaigns.
    """
    found = benchmarks(window)
    if not found:
        return "no problem was run both with and without a learning engine"
    chosen = found[0]
    budget = min(len(losses) for _, losses in (*chosen.learned, *chosen.reference))
    middle, least = _middle_and_least(chosen.reference)
    learned = [min(losses[:budget], default=math.inf) for _, losses in chosen.learned]
    reference = [min(losses[:budget], default=math.inf) for _, losses in chosen.reference]
    if not all(map(math.isfinite, (*learned, *reference))):
        return "a campaign on the problem has no result"
    span = middle - min(least, *(loss for _, losses in chosen.learned for loss in losses))
    if span <= 0:
        return "the results of the reference do not differ"
    return _compared(chosen, learned, reference, lambda a, b: enhancement_factor(a, b, span), (), "m_ef_norm")


Runs = tuple[tuple[str, tuple[float, ...]], ...]
"""Campaigns, each with the losses of its trials."""


@lru_cache(maxsize=16)
def _needed_by_reference(reference: Runs, goal: float) -> tuple[int | None, ...]:
    """Trials that each campaign of the reference needed: many are compared with the same."""
    return tuple(trials_needed(losses, goal) for _, losses in reference)


@lru_cache(maxsize=16)
def _middle_and_least(reference: Runs) -> tuple[float, float]:
    """Median and least of all finite losses of the reference, with which each campaign is compared; NaN of none."""
    found = [loss for _, losses in reference for loss in losses if math.isfinite(loss)]
    return (float(np.median(found)), min(found)) if found else (math.nan, math.nan)


def _compared(
    chosen: Benchmark,
    learned: Sequence[float],
    reference: Sequence[float],
    statistic: Callable[[Floats, Floats], Floats],
    notes: tuple[str, ...],
    metric: str,
) -> Measured:
    ours, theirs = np.asarray(learned, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    parts = {name: range(1, len(losses) + 1) for name, losses in (*chosen.learned, *chosen.reference)}
    said = (f"{len(learned)} campaigns with and {len(reference)} without learning on one problem",)
    interval = _interval(ours, theirs, statistic, metric) if chosen.n > 1 else None
    value = float(statistic(ours, theirs))
    return Measured(value, chosen.n, interval=interval, notes=(*said, *notes), parts=parts)


def _interval(
    learned: Floats, reference: Floats, statistic: Callable[[Floats, Floats], Floats], metric: str
) -> tuple[float, float]:
    """90 % percentile bootstrap of a statistic of two samples, which are resampled each by itself.

    A resample draws from the one and then from the other; many are drawn at a time, which gives the same numbers.
    """
    rng = np.random.default_rng(derive_seed(0, metric))
    n, m = len(learned), len(reference)
    ends = np.repeat([n, m], [n, m])
    drawn: list[Floats] = []
    at_a_time = max(1, MOST_DRAWN // (n + m))
    for done in range(0, RESAMPLES, at_a_time):
        places = rng.integers(0, np.broadcast_to(ends, (min(at_a_time, RESAMPLES - done), n + m)))
        drawn.append(statistic(learned[places[:, :n]], reference[places[:, n:]]))
    low, high = np.quantile(np.concatenate(drawn), [0.05, 0.95])
    return float(low), float(high)
