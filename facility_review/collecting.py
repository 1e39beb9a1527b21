"""Gathers the evidence of units: every collector that stands in `facility_review.collectors` is asked.

A new kind of record gets its collector by one new file there, with a ``COLLECTOR`` in it. Nothing is registered
elsewhere.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

from autolab.core.errors import AutolabError, InputError, StorageError
from autolab.core.workers import in_processes
from autolab.journal.audit import Audit, audit
from autolab.journal.reader import JournalReader
from facility_review import collectors as package
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.instrument import Instrument
from facility_review.ledger import Campaign, Ledger, read_ledgers
from facility_review.measuring import Slice, Sources
from facility_review.outlines import plain_serial, read_outline
from facility_review.units import Identity, Unit

__all__ = ["Book", "Collector", "UnitEvidence", "collect", "collectors", "gather", "read_books"]


@dataclass(frozen=True, slots=True)
class Collector:
    """Reads one source."""

    name: str
    source: str
    """What it reads, in words."""
    collect: Callable[[Sources], Iterator[EvidenceRecord | Finding]]


@dataclass(frozen=True, slots=True)
class UnitEvidence:
    """All that was gathered of one unit."""

    unit: Unit
    records: tuple[EvidenceRecord, ...]
    findings: tuple[Finding, ...]
    ledger: Ledger | None = None
    """What its journal says; None where there is none."""
    slices: tuple[Slice, ...] = ()
    """Its campaigns by realm, with what was computed of them."""


@cache
def collectors() -> tuple[Collector, ...]:
    """All collectors, by the names of their files.

    Raises:
        InputError: a file in the package has no ``COLLECTOR``.
    """
    found: list[Collector] = []
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        collector = loaded.__dict__.get("COLLECTOR")
        if not isinstance(collector, Collector):
            raise InputError(f"{loaded.__file__}: has no COLLECTOR: give it one, or move it out of the package")
        found.append(collector)
    return tuple(found)


def collect(
    units: Iterable[Unit],
    folders: Sequence[Path],
    instrument: Instrument,
    as_of: date,
    *,
    check_log: bool = True,
) -> tuple[UnitEvidence, ...]:
    """Gather the evidence of units. A journal that cannot be read is a finding of each of them.

    Args:
        units: The units.
        folders: Data folders with their journals.
        instrument: Gives the windows.
        as_of: The day of the assessment; what is dated after it does not count.
        check_log: Compare each journal with its log. Without it, what comes from a journal counts as unhashed.
    """
    books = read_books(folders, check_log=check_log)
    simulated = frozenset[str]().union(*(read_outline(folder).simulated for folder in folders))
    return tuple(gather(unit, books, instrument, as_of, simulated) for unit in units)


@dataclass(frozen=True, slots=True)
class Book:
    """The journal of one data folder, as far as it could be read."""

    folder: Path
    ledgers: dict[str, Ledger]
    audit: Audit | None
    findings: tuple[Finding, ...]


def read_books(folders: Sequence[Path], *, check_log: bool = True, processes: int = 1) -> list[Book]:
    """Read journals.

    Args:
        folders: Their data folders.
        check_log: Compare each with its log.
        processes: How many may be read at a time.
    """
    for_each = max(1, processes // max(1, len(folders)))
    return in_processes(lambda folder: _read_book(folder, check_log, for_each), folders, processes)


def _read_book(folder: Path, check_log: bool, processes: int) -> Book:
    place = str(folder)
    try:
        reader = JournalReader.open(folder)
    except AutolabError as error:
        said = f"the journal cannot be read, so nothing that it holds is counted: {error}"
        return Book(folder, {}, None, (Finding(said, place),))
    try:
        ledgers = read_ledgers(reader, folder)
    except (StorageError, ValueError, KeyError, TypeError) as error:  # a row that autolab did not write
        said = f"the journal cannot be read, so nothing that it holds is counted ({type(error).__name__}: {error})"
        return Book(folder, {}, None, (Finding(said, place),))
    finally:
        reader.close()
    if not check_log:
        said = "the journal was not compared with its log: what comes from it counts one class lower"
        return Book(folder, ledgers, None, (Finding(said, place),))
    try:
        compared = audit(folder, None, processes)
    except AutolabError as error:
        return Book(folder, ledgers, None, (Finding(f"the log cannot be checked: {error}", place),))
    said = [Finding(f"the record is not what was written: {finding.text}", place) for finding in compared.findings]
    return Book(folder, ledgers, compared, tuple(said))


def gather(
    unit: Unit, books: Sequence[Book], instrument: Instrument, as_of: date, simulated: frozenset[str]
) -> UnitEvidence:
    """Gather the evidence of one unit.

    Args:
        unit: The unit.
        books: Its journals, of which a lab may have several; those of other units are passed over.
        instrument: Gives the windows.
        as_of: The day of the assessment.
        simulated: Serial numbers that simulators have reported, of whatever lab.
    """
    books = sorted(books, key=lambda book: str(book.folder))
    mine = [book for book in books if unit.id in book.ledgers]
    findings = [
        *unit.findings,
        *(finding for book in books if book in mine or not book.ledgers for finding in book.findings),
    ]
    ledger, twice = _merged([book.ledgers[unit.id] for book in mine])
    findings += twice
    audits = [book.audit for book in mine]
    worst = None if None in audits or not audits else max(filter(None, audits), key=lambda a: len(a.findings))
    checked, doubts = _checked(unit, simulated, as_of)
    sources = Sources(checked, instrument, as_of, ledger, worst, tuple(filter(None, audits)) if worst else ())
    records: list[EvidenceRecord] = []
    for collector in collectors():
        for found in collector.collect(sources):
            if isinstance(found, Finding):
                findings.append(found)
            else:
                records.append(found)
    return UnitEvidence(checked, tuple(records), tuple(dict.fromkeys([*findings, *doubts])), ledger, sources.parts[0])


def _merged(ledgers: Sequence[Ledger]) -> tuple[Ledger | None, list[Finding]]:
    """The journals of one lab as one. A campaign that stands in two of them counts once, or not at all if they differ.

    What stands in both in the same words, trips and proof tests among it, is one.
    """
    if len(ledgers) < 2:
        return ledgers[0] if ledgers else None, []
    campaigns: dict[str, Campaign] = {}
    places: dict[str, list[str]] = {}
    differing: set[str] = set()
    for ledger in ledgers:
        for campaign in ledger.campaigns:
            name = campaign.record.id
            if campaigns.setdefault(name, campaign).digest != campaign.digest:
                differing.add(name)
            places.setdefault(name, []).append(str(ledger.folder))
    findings = [
        Finding(
            f"campaign {name} differs between the journals of {', '.join(places[name])}, so it does not count: "
            "name the data folder that it ran in, and leave out the others"
        )
        for name in sorted(differing)
    ]
    merged = replace(
        ledgers[0],
        campaigns=tuple(campaigns[key] for key in sorted(campaigns) if key not in differing),
        trips=tuple(dict.fromkeys(trip for ledger in ledgers for trip in ledger.trips)),
        bypasses=tuple(row for ledger in ledgers for row in ledger.bypasses),
        proofs=tuple(dict.fromkeys(proof for ledger in ledgers for proof in ledger.proofs)),
    )
    return merged, findings


def _checked(unit: Unit, simulated: frozenset[str], as_of: date) -> tuple[Unit, tuple[Finding, ...]]:
    """The unit without an identity that cannot be: a simulator's own, one of two devices, or one not read yet."""
    if unit.identity is None:
        return unit, ()
    source = unit.evidence.source if unit.evidence is not None else None
    said = list(_doubts(unit.identity, simulated, as_of))
    findings = tuple(
        Finding(
            f"{why}, so nothing stated counts as physical",
            None if source is None else source.file,
            None if source is None else source.line(place),
        )
        for place, why in said
    )
    if not findings:
        return unit, ()
    return replace(unit, identity=Identity(unit.identity.by, unit.identity.on, {})), findings


def _doubts(identity: Identity, simulated: frozenset[str], as_of: date) -> Iterator[tuple[tuple[str, str], str]]:
    """Key and sentence of each thing that speaks against an identity."""
    devices = ("identity", "devices")
    if identity.on > as_of:
        why = f"it was read on {identity.on}, which is after {as_of}, the day of the assessment: mend the date"
        yield ("identity", "date"), why
    by_serial: dict[str, list[str]] = {}
    for name, serial in sorted(identity.serial_numbers.items()):
        by_serial.setdefault(plain_serial(serial), []).append(name)
    for names in by_serial.values():
        if len(names) > 1:
            serial = identity.serial_numbers[names[0]]
            yield devices, f"{', '.join(names)}: serial number {serial!r} stands for each of them: read the plates"
    claimed = [name for serial, names in by_serial.items() if serial in simulated for name in names]
    if claimed:
        which = ", ".join(f"{name} ({identity.devices[name]})" for name in sorted(claimed))
        yield devices, f"{which}: a device of this identity has said that it is simulated"
