"""Replicates and repeats: how precise results are, and whether an experiment can be done again from its record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from autolab.core.trials import CONFIRM
from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.ledger import Campaign, Trial
from facility_review.measuring import Measured, Sources, Window, is_valid, measure
from facility_review.statistics import pooled_sd, pooled_sd_interval, wilson

__all__ = ["COLLECTOR", "relative_groups"]

Outcome = Mapping[str, tuple[float, float | None]]
COVERAGE_FACTOR = 2.0
"""Of the expanded uncertainty, about 95 % (JCGM 100:2008, 6.3.3)."""


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The metrics of replicates and repeats, for each realm."""
    parts, _ = sources.parts
    for part in parts:
        yield measure(sources, part, "m_precision_ratio", "replicates", precision_ratio)
        yield measure(sources, part, "m_rerun_agree", "trials", repeats_agree)


COLLECTOR = Collector("replicates", "journal: replicates and repeats", collect)


def relative_groups(window: Window, metric: str | None = None) -> tuple[list[list[float]], dict[str, list[int]]]:
    """Replicates of each trial over their mean, and the trials they are of.

    Args:
        window: The trials.
        metric: Only campaigns whose objective is this one; None for all.
    """
    groups: list[list[float]] = []
    parts: dict[str, list[int]] = {}
    for campaign, trials in window.parts:
        if metric is not None and campaign.metric != metric:
            continue
        for number, outcomes in _repeated(campaign, trials):
            found = [o[campaign.metric][0] for o in outcomes if campaign.metric in o]
            mean = sum(found) / len(found) if found else 0.0
            if len(found) > 1 and mean != 0.0:
                groups.append([value / abs(mean) for value in found])
                parts.setdefault(campaign.record.id, []).append(number)
    return groups, parts


def _repeated(campaign: Campaign, trials: Sequence[Trial]) -> Iterator[tuple[int, Sequence[Outcome]]]:
    """What the system itself measured more than once: replicates of trials, and the trials that confirm a winner."""
    confirming: dict[int, list[Outcome]] = {}
    for trial in trials:
        yield trial.number, campaign.replicates.get(trial.number, ())
        if trial.engine == CONFIRM and trial.repeat_of is not None and is_valid(trial):
            confirming.setdefault(trial.repeat_of, []).append(trial.outcome or {})
    yield from confirming.items()


def precision_ratio(window: Window, sources: Sources) -> Measured | str:
    """Pooled relative standard deviation of the system's own replicates over the required one; the worst metric."""
    required = sources.unit.requirements.precision_rsd
    metrics = sorted({campaign.metric for campaign, _ in window.parts} & set(required))
    if not metrics:
        return "no required precision is declared ('requirements: precision_rsd' in evidence.yaml)"
    found: list[Measured] = []
    for metric in metrics:
        groups, parts = relative_groups(window, metric)
        sd, dof = pooled_sd(groups)
        if dof:
            low, high = pooled_sd_interval(sd, dof)
            scale = required[metric]
            found.append(Measured(sd / scale, dof, interval=(low / scale, high / scale), parts=parts))
    if not found:
        return "no trial has replicates that the system scheduled; repeats that a person chose are none"
    return max(found, key=lambda measured: measured.value)


def repeats_agree(window: Window, _: Sources) -> Measured | str:
    """Share of repeats whose objective agrees with that of the trial they repeat.

    They agree where the difference is within twice its standard error (k = 2). A repeat that failed, or one without
    standard errors, does not agree.
    """
    n = k = 0
    parts: dict[str, list[int]] = {}
    for campaign, trials in window.parts:
        earlier = {trial.number: trial for trial in campaign.trials}
        for trial in trials:
            if trial.repeat_of is None or trial.repeat_of not in earlier:
                continue
            n += 1
            parts.setdefault(campaign.record.id, []).append(trial.number)
            first = earlier[trial.repeat_of]
            if is_valid(trial) and is_valid(first):
                a, b = (each.outcome or {} for each in (first, trial))
                k += _agree(a.get(campaign.metric), b.get(campaign.metric))
    if not n:
        return "no trial repeats another"
    return Measured(k / n, n, k, wilson(k, n), parts=parts)


def _agree(a: tuple[float, float | None] | None, b: tuple[float, float | None] | None) -> bool:
    if a is None or b is None or a[1] is None or b[1] is None:
        return False
    return abs(a[0] - b[0]) <= COVERAGE_FACTOR * math.hypot(a[1], b[1])
