"""Provenance of results, and of the commands that made them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from autolab.config.people import read_people
from autolab.config.problems import Problems
from autolab.config.specs import Source
from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.ledger import Campaign, Trial
from facility_review.measuring import NOBODY, Measured, Sources, Window, is_valid, measure
from facility_review.resampling import ratio_interval
from facility_review.statistics import wilson
from facility_review.units import plain_lab

__all__ = ["COLLECTOR", "LINKS"]

LINKS = (
    "sample", "protocol version", "device and firmware", "calibration", "raw data hash", "analysis code version",
    "planner decision", "person", "environment", "time",
)  # fmt: skip
"""The ten links that the instrument asks of a result."""
OWN = ("calibration", "sample", "protocol version", "planner decision", "time")
"""Those that a result can have by itself."""
NEVER = frozenset({"device and firmware", "raw data hash"})
"""Those that a journal never holds: no firmware, and documents that are not hashed."""


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """The metrics of provenance and attribution, for each realm."""
    parts, _ = sources.parts
    for part in parts:
        yield measure(sources, part, "m_prov_complete", "trials", provenance_complete)
        yield measure(sources, part, "m_command_attribution", "commands", commands_attributed)


COLLECTOR = Collector("provenance", "journal: samples, permits, principals and versions", collect)


def provenance_complete(window: Window, _: Sources) -> Measured | str:
    """Mean share of the ten links that a result has."""
    tops, bottoms = list[float](), list[float]()
    parts: dict[str, list[int]] = {}
    for campaign, trials in window.parts:
        results = [trial for trial in trials if is_valid(trial)]
        if results:
            always = _links(campaign)
            tops.append(sum(_share(always, *_traits(campaign, trial)) for trial in results))
            bottoms.append(len(results))
            parts[campaign.record.id] = [trial.number for trial in results]
    if not bottoms:
        return "no trial has given a result"
    notes = (
        f"a journal never holds {', '.join(sorted(NEVER))}",
        "'environment' is that of the software: versions and processor",
    )
    interval = ratio_interval(tops, bottoms, "m_prov_complete")
    return Measured(sum(tops) / sum(bottoms), int(sum(bottoms)), interval=interval, notes=notes, parts=parts)


def _links(campaign: Campaign) -> frozenset[str]:
    """The links that each result of a campaign has.

    The version of autolab is that of the plans and reducers that come with it.
    """
    has_version = bool(campaign.record.environment.get("autolab"))
    held = {
        "protocol version": has_version,
        "analysis code version": has_version,
        "person": campaign.person[1] == "person" and campaign.person[0] not in NOBODY,
        "environment": bool(campaign.record.environment),
    }
    return frozenset(link for link, has in held.items() if has)


def _traits(campaign: Campaign, trial: Trial) -> tuple[bool, ...]:
    """Which links of `OWN` a result has by itself."""
    return (
        trial.number in campaign.calibrated,
        trial.has_sample,
        trial.plan_hash is not None,
        bool(trial.engine),
        trial.begun is not None,
    )


@cache
def _share(always: frozenset[str], *traits: bool) -> float:
    """Share of all links that a result has: those of its campaign, and its own. Most results have the same."""
    return len(always | {link for link, has in zip(OWN, traits, strict=True) if has}) / len(LINKS)


def commands_attributed(window: Window, _: Sources) -> Measured | str:
    """Share of the actions sent to devices that have a proven author, a used permit and a campaign.

    An author is proven where the lab file of the campaign names the person: then a key was asked for. The account of
    the computer alone proves nobody. Moves without an action are not counted.
    """
    n = k = 0
    parts: dict[str, list[int]] = {}
    for campaign, trials in window.parts:
        is_proven = campaign.person[0] in _people(campaign)
        for trial in trials:
            n += trial.n_commands
            k += trial.n_commands if is_proven and trial.has_permit else 0
        parts[campaign.record.id] = [trial.number for trial in trials if trial.n_commands]
    if not n:
        return "no action is recorded"
    return Measured(k / n, n, k, wilson(k, n), parts=parts)


def _people(campaign: Campaign) -> frozenset[str]:
    """Names of the people in the lab file that a campaign started with."""
    values = plain_lab(campaign.record.lab_file)
    if values is None:
        return frozenset()
    problems = Problems(Source(campaign.record.id, campaign.record.lab_file, {}))
    return frozenset(read_people(problems, values).people)
