"""Views over the assessments of many units: scores by dimension, challenges, gaps, standards, freshness."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from facility_review.backing import GapLine
from facility_review.document import AssessmentDocument
from facility_review.reference import Reference

__all__ = [
    "ABLE",
    "ChallengeRow",
    "Freshness",
    "GapRow",
    "HeatCell",
    "HeatRow",
    "MissingRow",
    "StandardRow",
    "challenge_rows",
    "freshness",
    "gap_rows",
    "heat_rows",
    "missing_rows",
    "standard_rows",
]

ABLE = frozenset({"R3", "R4", "R5"})
"""Levels at which a unit counts as able to do AI-directed experimentation."""
SOON = timedelta(days=60)
"""Evidence that expires within this time is said to expire soon."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """Scores of a laboratory's units in one dimension, 0 to 5."""

    median: float
    worst: float
    worst_unit: str
    """Name of the unit with the lowest score."""
    n: int


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A laboratory's units that one version of the instrument assessed."""

    version: str
    n: int
    cells: Mapping[str, HeatCell]
    """By dimension."""


@dataclass(frozen=True, slots=True)
class ChallengeRow:
    """A challenge that campaigns of at least one unit name."""

    id: str
    name: str
    is_published: bool
    able: Mapping[str, int]
    """Number of units at R3 or above, by laboratory."""
    named: Mapping[str, int]
    """Number of all units whose campaigns name it, by laboratory."""


@dataclass(frozen=True, slots=True)
class GapRow:
    """What several units lack."""

    subject: str
    """Criterion or gate."""
    action: str
    kinds: tuple[str, ...]
    units: tuple[str, ...]
    laboratories: int
    sizes: Mapping[str, int]
    """Number of units by effort class."""
    person_days: tuple[float, float]
    """Of all these units together, by the planning ranges of the instrument."""


@dataclass(frozen=True, slots=True)
class StandardRow:
    """A standard that units use."""

    standard: str
    interfaces: tuple[str, ...]
    full: int
    """Units that conform to it in full somewhere, and in part nowhere."""
    partial: int
    """Units that conform to it in part."""


@dataclass(frozen=True, slots=True)
class MissingRow:
    """An interface or practice without a standard in use."""

    interface: str
    unused: int
    """Units that use none, though one exists."""
    nonexistent: int
    """Units that say that none exists."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the evidence of a unit is on the day of the portfolio, by number of records."""

    fresh: int
    expiring: int
    expired: int
    lowered: int
    """Records that count less than they say, for another reason than their age."""
    next_expiry: date | None
    """First day on which something that still counts expires."""

    @property
    def total(self) -> int:
        """Number of records."""
        return self.fresh + self.expiring + self.expired + self.lowered


def heat_rows(documents: Iterable[AssessmentDocument]) -> tuple[HeatRow, ...]:
    """Scores of one laboratory's units, a row for each version of the instrument."""
    by_version: dict[str, list[AssessmentDocument]] = {}
    for each in documents:
        by_version.setdefault(each.instrument.version, []).append(each)
    return tuple(_heat_row(version, those) for version, those in sorted(by_version.items()))


def _heat_row(version: str, documents: Sequence[AssessmentDocument]) -> HeatRow:
    scores: dict[str, list[tuple[float, str]]] = {}
    for each in documents:
        for line in each.dimensions:
            if line.score is not None:
                scores.setdefault(line.id, []).append((line.score, each.unit.name))
    cells: dict[str, HeatCell] = {}
    for name, those in scores.items():
        worst, unit = min(those)
        cells[name] = HeatCell(statistics.median(score for score, _ in those), worst, unit, len(those))
    return HeatRow(version, len(documents), cells)


def challenge_rows(
    documents: Iterable[AssessmentDocument], laboratories: Mapping[str, str], reference: Reference
) -> tuple[ChallengeRow, ...]:
    """Challenges that units name, by name.

    Args:
        documents: The newest assessment of each unit.
        laboratories: Laboratory of each unit, by its id.
        reference: The published challenges.
    """
    able: dict[str, dict[str, int]] = {}
    named: dict[str, dict[str, int]] = {}
    for each in documents:
        laboratory = laboratories[each.unit.id]
        for name in dict.fromkeys(each.unit.challenges):
            counts = named.setdefault(name, {})
            counts[laboratory] = counts.get(laboratory, 0) + 1
            able.setdefault(name, {})
            if each.level.id in ABLE:
                able[name][laboratory] = able[name].get(laboratory, 0) + 1
    rows = [
        ChallengeRow(
            name,
            reference.challenges[name].name if name in reference.challenges else name,
            name in reference.challenges,
            dict(sorted(able[name].items())),
            dict(sorted(counts.items())),
        )
        for name, counts in named.items()
    ]
    return tuple(sorted(rows, key=lambda row: (not row.is_published, row.name.casefold())))


def gap_rows(documents: Iterable[AssessmentDocument], laboratories: Mapping[str, str]) -> tuple[GapRow, ...]:
    """Gaps by what they lack: the one that most units have first."""
    found: dict[str, dict[str, GapLine]] = {}
    for each in documents:
        for gap in each.gaps.items:
            subject = gap.criterion or gap.gate or gap.gap_id
            found.setdefault(subject, {}).setdefault(each.unit.id, gap)
    rows = [_gap_row(subject, those, laboratories) for subject, those in found.items()]
    return tuple(sorted(rows, key=lambda row: (-len(row.units), row.subject)))


def _gap_row(subject: str, gaps: Mapping[str, GapLine], laboratories: Mapping[str, str]) -> GapRow:
    those = [gaps[unit] for unit in sorted(gaps)]
    sizes = [gap.effort_class for gap in those]
    return GapRow(
        subject=subject,
        action=those[0].action,
        kinds=tuple(sorted({gap.kind for gap in those})),
        units=tuple(sorted(gaps)),
        laboratories=len({laboratories[unit] for unit in gaps}),
        sizes={size: sizes.count(size) for size in ("S", "M", "L", "XL") if size in sizes},
        person_days=(sum(gap.person_days[0] for gap in those), sum(gap.person_days[1] for gap in those)),
    )


def standard_rows(documents: Iterable[AssessmentDocument]) -> tuple[StandardRow, ...]:
    """Standards in use: the one that most units use first."""
    interfaces: dict[str, set[str]] = {}
    full: dict[str, set[str]] = {}
    partial: dict[str, set[str]] = {}
    for each in documents:
        for line in each.standards_register:
            if line.conformance in {"full", "partial"} and line.standard_used:
                interfaces.setdefault(line.standard_used, set()).add(line.interface_or_practice)
                units = full if line.conformance == "full" else partial
                units.setdefault(line.standard_used, set()).add(each.unit.id)
    rows = [
        StandardRow(
            name,
            tuple(sorted(interfaces[name])),
            len(full.get(name, set()) - partial.get(name, set())),
            len(partial.get(name, set())),
        )
        for name in interfaces
    ]
    return tuple(sorted(rows, key=lambda row: (-(row.full + row.partial), row.standard)))


def missing_rows(documents: Iterable[AssessmentDocument]) -> tuple[MissingRow, ...]:
    """Interfaces and practices without a standard in use: the one that most units lack first."""
    unused: dict[str, set[str]] = {}
    nonexistent: dict[str, set[str]] = {}
    for each in documents:
        for line in each.standards_register:
            if line.conformance == "none":
                unused.setdefault(line.interface_or_practice, set()).add(each.unit.id)
            elif line.conformance == "no_standard_exists":
                nonexistent.setdefault(line.interface_or_practice, set()).add(each.unit.id)
    names = {*unused, *nonexistent}
    rows = [MissingRow(name, len(unused.get(name, set())), len(nonexistent.get(name, set()))) for name in names]
    return tuple(sorted(rows, key=lambda row: (-(row.unused + row.nonexistent), row.interface)))


def freshness(document: AssessmentDocument, as_of: date) -> Freshness:
    """How old the evidence of one unit is on a day that may be later than its assessment."""
    counts = {"fresh": 0, "expiring": 0, "expired": 0, "lowered": 0}
    expiries: list[date] = []
    for line in document.evidence_index:
        until = line.counts_until
        if until is not None and until < as_of:
            counts["expired"] += 1
        elif line.evidence_class != line.made_class:
            counts["lowered"] += 1
        else:
            is_soon = until is not None and until - as_of <= SOON
            counts["expiring" if is_soon else "fresh"] += 1
            expiries += [] if until is None else [until]
    return Freshness(
        counts["fresh"], counts["expiring"], counts["expired"], counts["lowered"], min(expiries, default=None)
    )
