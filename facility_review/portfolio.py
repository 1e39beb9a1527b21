"""Many units side by side: what their assessments say, and nothing that they do not.

Levels are counted, never averaged. Two units are ranked only where the same version of the instrument gave them the
same level and the intervals of their indices do not overlap. Laboratories stand in the order of their names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from math import ceil

from autolab.core.errors import InputError
from facility_review.assessment import LEVELS
from facility_review.document import AssessmentDocument
from facility_review.parts import GateLine
from facility_review.portfolioviews import (
    ChallengeRow,
    Freshness,
    GapRow,
    HeatRow,
    MissingRow,
    StandardRow,
    challenge_rows,
    freshness,
    gap_rows,
    heat_rows,
    missing_rows,
    standard_rows,
)
from facility_review.reference import Reference

__all__ = ["Laboratory", "Next", "Point", "Portfolio", "Read", "Unit", "is_ranked_above", "portfolio"]

_CLOSED = frozenset({"pass", "not applicable"})


@dataclass(frozen=True, slots=True)
class Read:
    """An assessment, and the file that it was read from."""

    file: str
    document: AssessmentDocument


@dataclass(frozen=True, slots=True)
class Next:
    """What the next level takes, by the planning ranges of the instrument."""

    target: str
    gaps: int
    person_days: tuple[float, float] | None
    """None where the assessment gives none."""
    earliest: tuple[date, date] | None
    """Days on which it could be reached if the work began on the day of the portfolio: best and worst case."""
    is_complete: bool
    """False where closing the gaps is not enough."""
    blockers: tuple[str, ...]
    """What else is needed."""


@dataclass(frozen=True, slots=True)
class Point:
    """One assessment of a unit, for its trend."""

    as_of: date
    version: str
    level: str
    index: float | None
    is_comparable: bool
    """Whether the same version gave it and the point before it; the first is comparable with nothing."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit by its newest assessment."""

    id: str
    name: str
    laboratory: str
    file: str
    as_of: date
    age_days: int
    version: str
    level: str
    assured: str
    is_simulated: bool
    is_provisional: bool
    is_redacted: bool
    realm: str
    index: float | None
    index_interval: tuple[float, float] | None
    coverage: float
    measured_share: float
    gates: Mapping[str, str]
    """State of each gate; empty where the assessment withholds them."""
    open_hold: tuple[str, ...]
    """Hold gates that failed or were not demonstrated."""
    open_ceiling: tuple[str, ...]
    next: Next | None
    freshness: Freshness
    trend: tuple[Point, ...]
    """Its assessments up to the day, the oldest first."""
    above: tuple[str, ...]
    """Units that it ranks above; empty says nothing."""


@dataclass(frozen=True, slots=True)
class Laboratory:
    """All units of one laboratory that were given. It has no level of its own."""

    id: str
    """Abbreviation of a national laboratory, or the name as written."""
    name: str
    is_national: bool
    units: tuple[Unit, ...]
    by_level: Mapping[str, int]
    """Number of units at each level."""
    highest_assured: str
    """What it can do: the highest assured level among its units."""
    lowest_hold: tuple[str, str] | None
    """What it must fix: the first open hold gate by number, with the unit; None where none is open or known."""
    heat: tuple[HeatRow, ...]
    """One row for each version of the instrument that assessed some of them."""


@dataclass(frozen=True, slots=True)
class Portfolio:
    """All laboratories that were given, on one day."""

    as_of: date
    laboratories: tuple[Laboratory, ...]
    missing: tuple[tuple[str, str], ...]
    """National laboratories of which no assessment was given: abbreviation and name. It says nothing about them."""
    versions: Mapping[str, int]
    """Number of units by the instrument's version."""
    by_level: Mapping[str, int]
    dimensions: tuple[tuple[str, str], ...]
    """Id and name."""
    gates: tuple[tuple[str, str, str], ...]
    """Id, name and kind."""
    challenges: tuple[ChallengeRow, ...]
    n_published: int
    """Number of published challenges."""
    gaps: tuple[GapRow, ...]
    standards: tuple[StandardRow, ...]
    no_standard: tuple[MissingRow, ...]
    markings: tuple[str, ...]
    """How the assessments may be handed on, in their words."""
    disclaimers: tuple[str, ...]
    """What the instruments say of themselves."""
    notes: tuple[str, ...]
    """What was left out, or could not be read."""

    @property
    def units(self) -> tuple[Unit, ...]:
        """All units, by laboratory."""
        return tuple(unit for laboratory in self.laboratories for unit in laboratory.units)


def portfolio(reads: Sequence[Read], reference: Reference, as_of: date, unread: Sequence[str] = ()) -> Portfolio:
    """Put assessments side by side. Their order does not matter.

    Args:
        reads: The assessments; several of one unit are its history.
        reference: Names of laboratories and challenges.
        as_of: The day; later assessments do not count.
        unread: What could not be read, in sentences; it stands on the page.

    Raises:
        InputError: none is given, two differ for one unit and day, or two laboratories have a unit of one id.
    """
    histories, notes = _histories(reads, reference, as_of)
    newest = [history[-1] for history in histories]
    documents = {read.document.unit.id: read.document for read in newest}
    units = [_unit(history, newest, as_of) for history in histories]
    groups: dict[str, list[Unit]] = {}
    for unit in units:
        groups.setdefault(_laboratory_id(unit.laboratory, reference), []).append(unit)
    laboratories = [_laboratory(name, those, documents, reference) for name, those in groups.items()]
    laboratories.sort(key=lambda each: (not each.is_national, each.name.casefold(), each.name))
    missing = [(each.id, each.name) for each in reference.laboratories.values() if each.id not in groups]
    in_laboratory = {unit.id: each.id for each in laboratories for unit in each.units}
    of_newest = max(documents.values(), key=lambda each: (_numbers(each.instrument.version), each.unit.id))
    return Portfolio(
        as_of=as_of,
        laboratories=tuple(laboratories),
        missing=tuple(sorted(missing, key=lambda pair: pair[1])),
        versions=dict(sorted(Counter(unit.version for unit in units).items())),
        by_level=_by_level(units),
        dimensions=tuple((line.id, line.name) for line in of_newest.dimensions),
        gates=_gates(documents.values()),
        challenges=challenge_rows(documents.values(), in_laboratory, reference),
        n_published=len(reference.challenges),
        gaps=gap_rows(documents.values(), in_laboratory),
        standards=standard_rows(documents.values()),
        no_standard=missing_rows(documents.values()),
        markings=tuple(sorted({each.marking.text for each in documents.values()})),
        disclaimers=tuple(sorted({each.instrument.disclaimer for each in documents.values()})),
        notes=(*notes, *unread),
    )


def is_ranked_above(one: AssessmentDocument, other: AssessmentDocument) -> bool:
    """Whether a unit ranks above another: same version, same level, and its whole interval lies above the other's.

    Nothing is ranked at R0: what a failed hold gate leaves is information only, and simulated profiles stand there.
    """
    if one.instrument.version != other.instrument.version or one.level.id != other.level.id:
        return False
    if one.level.id == LEVELS[0] or one.level.is_simulated_profile or other.level.is_simulated_profile:
        return False
    ours, theirs = one.profile.index_interval, other.profile.index_interval
    return ours is not None and theirs is not None and ours[0] > theirs[1]


def _histories(reads: Sequence[Read], reference: Reference, as_of: date) -> tuple[list[list[Read]], list[str]]:
    """The assessments of each unit up to the day, the oldest first; units in the order of their ids."""
    in_time = [read for read in reads if read.document.as_of <= as_of]
    if not in_time:
        later = f"; {len(reads)} are from later days" if reads else ""
        raise InputError(f"no assessment up to {as_of} was found{later}: run 'autolab review' for a lab first")
    n_later = len(reads) - len(in_time)
    notes = [f"{n_later} assessment{'s' if n_later != 1 else ''} of later days left out"] if n_later else []
    in_time.sort(key=lambda read: (read.document.unit.id, read.document.as_of, read.file))
    groups = groupby(in_time, key=lambda read: read.document.unit.id)
    return [_history(list(group), reference) for _, group in groups], notes


def _history(reads: Sequence[Read], reference: Reference) -> list[Read]:
    """The assessments of one unit: one for each day, the full one where there is a redacted one, too."""
    history: list[Read] = []
    for read in reads:
        found = read.document
        before = history[-1] if history else None
        names = {_laboratory_id(each.document.unit.laboratory, reference) for each in (reads[0], read)}
        if len(names) > 1:
            raise InputError(_two_labs(reads[0], read))
        if before is None or before.document.as_of != found.as_of:
            history.append(read)
        elif before.document.marking.is_redacted != found.marking.is_redacted:
            history[-1] = read if before.document.marking.is_redacted else before
        elif before.document != found:
            raise InputError(_two_results(before, read))
    return history


def _two_labs(one: Read, other: Read) -> str:
    first, second = one.document.unit.laboratory, other.document.unit.laboratory
    return (
        f"{one.file} and {other.file}: two units have the id {one.document.unit.id!r}, one of {first!r} and one "
        f"of {second!r}: change 'name' in the lab file of one of them, and 'unit' in its evidence.yaml, "
        "review it again, and take its earlier assessments out of the folders; where both are one laboratory, write "
        "'laboratory' alike instead"
    )


def _two_results(one: Read, other: Read) -> str:
    unit = one.document.unit.id
    return (
        f"{one.file} and {other.file}: two assessments of {unit!r} as of {one.document.as_of} differ: take one of the "
        "files out of the folders; where they are of two units, change 'name' in the lab file of one, and 'unit' in "
        "its evidence.yaml, and review it again"
    )


def _unit(history: Sequence[Read], newest: Iterable[Read], as_of: date) -> Unit:
    read = history[-1]
    found = read.document
    return Unit(
        id=found.unit.id,
        name=found.unit.name,
        laboratory=found.unit.laboratory,
        file=read.file,
        as_of=found.as_of,
        age_days=(as_of - found.as_of).days,
        version=found.instrument.version,
        level=found.level.id,
        assured=found.assured_level.id,
        is_simulated=found.level.is_simulated_profile,
        is_provisional=bool(found.level.provisional),
        is_redacted=found.marking.is_redacted,
        realm=found.unit.realm or "none",
        index=found.profile.index,
        index_interval=found.profile.index_interval,
        coverage=found.coverage.coverage,
        measured_share=found.coverage.measured_share,
        gates={gate.id: gate.state for gate in found.gates},
        open_hold=_open(found.gates, "hold"),
        open_ceiling=_open(found.gates, "ceiling"),
        next=_next(found, as_of),
        freshness=freshness(found, as_of),
        trend=_trend(history),
        above=tuple(sorted(r.document.unit.id for r in newest if is_ranked_above(found, r.document))),
    )


def _open(gates: Iterable[GateLine], kind: str) -> tuple[str, ...]:
    return tuple(sorted(gate.id for gate in gates if gate.kind == kind and gate.state not in _CLOSED | {"waived"}))


def _next(found: AssessmentDocument, as_of: date) -> Next | None:
    path = found.gaps.path_to_next
    if path.target is None:
        return None
    days = path.lead_time_days
    earliest = None if days is None else (as_of + timedelta(ceil(days[0])), as_of + timedelta(ceil(days[1])))
    return Next(path.target, len(path.gaps), path.person_days, earliest, path.is_complete, path.blockers)


def _trend(history: Sequence[Read]) -> tuple[Point, ...]:
    points: list[Point] = []
    for read in history:
        found = read.document
        version = found.instrument.version
        is_comparable = bool(points) and points[-1].version == version
        points.append(Point(found.as_of, version, found.level.id, found.profile.index, is_comparable))
    return tuple(points)


def _laboratory(
    name: str, units: Sequence[Unit], documents: Mapping[str, AssessmentDocument], reference: Reference
) -> Laboratory:
    known = reference.laboratory(name)
    held = [(gate, unit.name) for unit in units for gate in unit.open_hold]
    return Laboratory(
        id=known.id if known else name,
        name=known.name if known else name,
        is_national=known is not None,
        units=tuple(sorted(units, key=lambda unit: (unit.name.casefold(), unit.id))),
        by_level=_by_level(units),
        highest_assured=max((unit.assured for unit in units), key=LEVELS.index),
        lowest_hold=min(held, default=None),
        heat=heat_rows([documents[unit.id] for unit in units]),
    )


def _by_level(units: Iterable[Unit]) -> dict[str, int]:
    counts = Counter(unit.level for unit in units)
    return {level: counts[level] for level in LEVELS}


def _gates(documents: Iterable[AssessmentDocument]) -> tuple[tuple[str, str, str], ...]:
    """Every gate that an assessment has, by id; its name is that of the newest version."""
    found: dict[str, tuple[str, str, str]] = {}
    for each in sorted(documents, key=lambda each: (_numbers(each.instrument.version), each.unit.id)):
        found |= {gate.id: (gate.id, gate.name, gate.kind) for gate in each.gates}
    return tuple(found[name] for name in sorted(found))


def _laboratory_id(name: str, reference: Reference) -> str:
    known = reference.laboratory(name)
    return name if known is None else known.id


def _numbers(version: str) -> tuple[int, ...]:
    """A version as numbers, for its order."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))
