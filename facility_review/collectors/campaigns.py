"""Campaigns and trials: how far the loop is closed, and what comes out of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, RangeParameter
from autolab.core.seeds import derive_seed
from autolab.core.trials import REPEAT
from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.ledger import Campaign, Trial
from facility_review.measuring import (
    PRACTICE_DAYS,
    Measured,
    Slice,
    Sources,
    Window,
    hours_active,
    is_ai_directed,
    is_valid,
    machine_record,
    measure,
    once,
)
from facility_review.resampling import ratio_interval, share_interval
from facility_review.statistics import wilson

__all__ = ["COLLECTOR"]

DAY_S = 86_400.0


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The metrics of campaigns and trials, for each realm."""
    parts, findings = sources.parts
    yield from findings
    for part in parts:
        yield measure(sources, part, "m_closed_loop_hours", "trials", closed_loop_hours)
        yield measure(sources, part, "m_cl_iterations", "trials", iterations)
        yield measure(sources, part, "m_ai_directed_share", "trials", ai_directed_share)
        yield measure(sources, part, "m_valid_yield", "trials", valid_yield)
        yield measure(sources, part, "m_param_coverage", "trials", parameter_coverage)
        yield measure(sources, part, "m_throughput_ratio", "trials", throughput_ratio)
        yield measure(sources, part, "m_material_ratio", "commands", material_ratio)
        yield measure(sources, part, "m_compute_deadline", "trials", decisions_in_time)
        yield measure(sources, part, "m_meta_complete", "trials", metadata_complete)
        yield from _closed_loop_campaigns(sources, part)


UNDER_WAY = frozenset({"screened", "running", "prepared", "acquired", "reduced"})
"""States of a trial that has not ended, in a campaign that runs."""
COLLECTOR = Collector("campaigns", "journal: campaigns and trials", collect)


def _loops(window: Window) -> dict[str, tuple[Campaign, tuple[Trial, ...]]]:
    """Campaigns in which a model chose trials from outcomes, and no person chose one."""
    return {
        campaign.record.id: (campaign, trials)
        for campaign, trials in window.parts
        if any(is_ai_directed(t) and is_valid(t) for t in trials) and all(t.engine != REPEAT for t in trials)
    }


def _numbers(loops: Mapping[str, tuple[Campaign, tuple[Trial, ...]]]) -> dict[str, list[int]]:
    return {name: [trial.number for trial in trials] for name, (_, trials) in loops.items()}


def _left_out(window: Window, loops: Mapping[str, object]) -> tuple[str, ...]:
    others = [campaign.record.id for campaign, _ in window.parts if campaign.record.id not in loops]
    return (f"not closed loop, and left out: {', '.join(others)}",) if others else ()


def closed_loop_hours(window: Window, _: Sources) -> Measured | str:
    """Hours of lab time of the campaigns that ran as a closed loop, from their first start to their last end."""
    loops = _loops(window)
    hours = sum(hours_active(trials) for _, trials in loops.values())
    return Measured(hours, len(loops), notes=_left_out(window, loops), parts=_numbers(loops))


def iterations(window: Window, _: Sources) -> Measured | str:
    """Trials of the longest campaign that a model chose, and whose outcomes it learned from."""
    loops = _loops(window)
    if not loops:
        return "no campaign ran as a closed loop"
    counts = {name: sum(is_ai_directed(t) and is_valid(t) for t in trials) for name, (_, trials) in loops.items()}
    longest = max(counts, key=lambda name: (counts[name], name))
    return Measured(counts[longest], counts[longest], parts=_numbers({longest: loops[longest]}))


def ai_directed_share(window: Window, _: Sources) -> Measured | str:
    """Share of started trials that a model chose from outcomes; the initial design and repeats are not among them."""
    n = len(window.trials)
    k = sum(is_ai_directed(trial) for trial in window.trials)
    return Measured(k / n, n, k, wilson(k, n))


def _ended(window: Window) -> Iterator[Trial]:
    """Started trials without those that are still running."""
    for campaign, trials in window.parts:
        is_running = campaign.record.state == "running"
        yield from (t for t in trials if not (is_running and t.state in UNDER_WAY))


def valid_yield(window: Window, _: Sources) -> Measured | str:
    """Share of started trials that gave a result."""
    ended = list(_ended(window))
    if not ended:
        return "no trial has ended"
    k = sum(is_valid(trial) for trial in ended)
    return Measured(k / len(ended), len(ended), k, wilson(k, len(ended)))


@once
def parameter_coverage(window: Window, __: Sources) -> Measured | str:
    """Mean over parameters of the range that gave results over the range that the campaigns declare.

    Parameters of one name and unit are one parameter; on its own scale, logarithmic where it is declared so.
    """
    declared: dict[str, tuple[float, float] | frozenset[Any]] = {}
    scales: dict[str, str] = {}
    for campaign, _ in window.parts:
        for parameter in campaign.record.problem.space.parameters:
            _declare(parameter, declared, scales)
    points: list[list[dict[str, Any]]] = []
    for campaign, trials in window.parts:
        points.append([campaign.points[trial.number] for trial in trials if is_valid(trial)])
    n = sum(map(len, points))
    if not declared or not n:
        return "no parameter has given a result"
    notes = ("declared is what its campaigns may vary; the envelope may be wider",)
    covered = [_share(name, span, scales.get(name), points) for name, span in declared.items()]
    places = np.arange(len(points))
    value = float(sum(share(places[None, :])[0] for share in covered) / len(covered))
    if len(points) < 2:
        return Measured(value, n, notes=notes)
    rng = np.random.default_rng(derive_seed(0, "m_param_coverage"))
    drawn = np.stack([rng.integers(0, len(points), len(points)) for _ in range(500)])
    low, high = np.quantile(sum(share(drawn) for share in covered) / len(covered), [0.05, 0.95])
    return Measured(value, n, interval=(float(low), float(high)), notes=notes)


def _declare(parameter: Any, declared: dict[str, Any], scales: dict[str, str]) -> None:
    if isinstance(parameter, RangeParameter | IntegerParameter):
        low, high = declared.get(parameter.name, (parameter.lower, parameter.upper))
        declared[parameter.name] = (min(low, parameter.lower), max(high, parameter.upper))
        scales[parameter.name] = parameter.scale if isinstance(parameter, RangeParameter) else "linear"
    elif isinstance(parameter, ChoiceParameter):
        declared[parameter.name] = frozenset({*declared.get(parameter.name, ()), *parameter.choices})
    elif not isinstance(parameter, FixedParameter):
        raise TypeError(f"{parameter!r} is no parameter")


def _share(name: str, span: Any, scale: str | None, points: Sequence[Sequence[dict[str, Any]]]) -> Share:
    """How much of what is declared of one parameter campaigns have covered."""
    seen = [[point[name] for point in each if name in point] for each in points]
    return _share_of_choices(seen, span) if scale is None else _share_of_range(seen, span, scale)


Share = Callable[[NDArray[np.int64]], NDArray[np.float64]]
"""From samples of campaigns (n, m), each row the places of m campaigns, to what each sample covers (n,)."""


def _share_of_choices(seen: Sequence[Sequence[Any]], choices: frozenset[Any]) -> Share:
    """How much of a declared choice campaigns have run, of which each has run some."""
    was_run = np.array([[choice in values for choice in choices] for values in map(frozenset, seen)])
    return lambda samples: was_run[samples].any(axis=1).mean(axis=1)


def _share_of_range(seen: Sequence[Sequence[float]], span: tuple[float, float], scale: str) -> Share:
    """How much of a declared range lies between the ends of what campaigns have run."""
    first, last = (math.log(end) if scale == "log" else end for end in span)
    ends = np.array([(min(values), max(values)) if values else (math.inf, -math.inf) for values in seen], dtype=float)
    if scale == "log":
        ends[np.isfinite(ends)] = np.log(ends[np.isfinite(ends)])

    def share(samples: NDArray[np.int64]) -> NDArray[np.float64]:
        low, high = ends[samples, 0].min(axis=1), ends[samples, 1].max(axis=1)
        return np.where(low > high, 0.0, high - low) / (last - first)

    return share


def throughput_ratio(window: Window, sources: Sources) -> Measured | str:
    """Results per active day over what the declared ideal cycle allows."""
    ideal_s = sources.unit.requirements.ideal_cycle_s
    if ideal_s is None:
        return "no ideal cycle is declared ('requirements: ideal_cycle_s' in evidence.yaml)"
    days = Counter(trial.begun[:10] for trial in window.trials if trial.begun is not None)
    valid = Counter(trial.begun[:10] for trial in window.valid if trial.begun is not None)
    possible = DAY_S / ideal_s * sources.unit.requirements.parallel_lanes
    found = [valid[day] / possible for day in sorted(days)]
    interval = ratio_interval(found, [1.0] * len(found), "m_throughput_ratio")
    return Measured(sum(found) / len(found), len(found), interval=interval)


def material_ratio(window: Window, sources: Sources) -> Measured | str:
    """Microlitres per result over those of the documented manual method."""
    baseline = sources.unit.requirements.material_baseline_ul
    if baseline is None:
        return "no baseline is declared ('requirements: material_baseline_ul' in evidence.yaml)"
    used = [trial.used_ul for trial in window.trials if trial.used_ul is not None]
    n = len(window.valid)
    if not used or not n:
        return "no action that uses material is recorded of a result"
    factor = len(used) / n / baseline
    interval = share_interval(used, "m_material_ratio")
    scaled = None if interval is None else (interval[0] * factor, interval[1] * factor)
    return Measured(sum(used) / n / baseline, n, interval=scaled)


def decisions_in_time(window: Window, sources: Sources) -> Measured | str:
    """Share of trials that did not wait longer for the proposer than the declared deadline."""
    deadline_s = sources.unit.requirements.decision_deadline_s
    if deadline_s is None:
        return "no deadline is declared ('requirements: decision_deadline_s' in evidence.yaml)"
    waits = [trial.proposer_s for trial in window.trials if trial.proposer_s is not None]
    if not waits:
        return "no trial has recorded how long it waited for the proposer"
    k = sum(wait <= deadline_s for wait in waits)
    return Measured(k / len(waits), len(waits), k, wilson(k, len(waits)))


def metadata_complete(window: Window, _: Sources) -> Measured | str:
    """Mean share of the fields that a started trial must have.

    The fields: a value of each parameter of the campaign, the screen's verdict, a used permit, a run, and, of a result,
    the objective with its standard error, of a failure the kind of fault.
    """
    shares: list[float] = []
    for campaign, trials in window.parts:
        names = set(campaign.record.problem.space.names)
        for trial in trials:
            has_all = names == campaign.points[trial.number].keys()
            fields = [trial.is_judged, trial.has_permit, trial.has_run, has_all]
            if is_valid(trial):
                fields.append((trial.outcome or {}).get(campaign.metric, (0.0, None))[1] is not None)
            elif trial.state == "failed":
                fields.append(trial.fault is not None)
            shares.append(sum(fields) / len(fields))
    return Measured(sum(shares) / len(shares), len(shares), interval=share_interval(shares, "m_meta_complete"))


def _closed_loop_campaigns(sources: Sources, part: Slice) -> Iterator[EvidenceRecord]:
    """The fact `closed_loop_campaigns`: how many were completed."""
    window = part.window(PRACTICE_DAYS)
    if window is None or sources.as_of - window.newest.date() > timedelta(days=PRACTICE_DAYS):
        return
    loops = {name: found for name, found in _loops(window).items() if found[0].record.state == "finished"}
    found = Measured(len(loops), len(loops), parts=_numbers(loops))
    yield machine_record(sources, part, window, "closed_loop_campaigns", "trials", found, fact=len(loops))
