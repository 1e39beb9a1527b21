"""The review of units: collect, reduce, score, report. The parts in between are pure; here the files are written."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TypeVar

from autolab.config.words import listed
from autolab.core.errors import InputError
from autolab.core.workers import in_processes
from facility_review.backing import SourceFile
from facility_review.campaigns import challenge_of
from facility_review.collecting import UnitEvidence, collectors, gather, read_books
from facility_review.comparing import changes
from facility_review.compiling import UnitFacts, compile_document
from facility_review.criteria import usable_inputs
from facility_review.document import AssessmentDocument, json_text
from facility_review.evidence import Finding, no_day
from facility_review.files import spaced_json, write_whole
from facility_review.instrument import Instrument
from facility_review.ledger import Campaign
from facility_review.oscal import assessment_results, plan_of_action
from facility_review.outlines import Group, groups, read_outline
from facility_review.page import render_page, template
from facility_review.redaction import redacted
from facility_review.reduction import examine
from facility_review.reference import reference
from facility_review.scoring import score
from facility_review.sdl import sdl_metrics
from facility_review.spreadsheet import write_workbook
from facility_review.tables import csv_tables
from facility_review.units import Unit, load_units

__all__ = ["Review", "assess", "outputs", "review", "write_empty_workbook", "write_outputs"]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Review:
    """One unit, reviewed."""

    document: AssessmentDocument
    changes: tuple[str, ...] = ()
    """What changed since an earlier assessment, where there was one to compare with."""
    unit: Unit | None = None
    """The unit's files, as they were read."""


def review(
    files: Sequence[Path],
    folders: Sequence[Path],
    instrument: Instrument,
    as_of: date,
    seed: int | None = None,
    earlier: Mapping[str, AssessmentDocument] | None = None,
    processes: int = 1,
    *,
    then: Callable[[Review], Result],
) -> tuple[Result, ...]:
    """Review units.

    Args:
        files: Lab files, or ``evidence.yaml`` files of units without one.
        folders: Data folders with their journals.
        instrument: The version of the instrument to use.
        as_of: The day of the assessment; what is later does not count.
        seed: Of the Monte Carlo draws; the instrument's own where None.
        earlier: Earlier assessments to compare with, by unit id.
        processes: How many may work at a time.
        then: What is done with each, in the process that made it.

    Returns:
        What ``then`` gave for each, in the order of the files.

    Raises:
        FileError: a lab file is refused (InputErrors where there are several refusals).
        InputError: an earlier assessment cannot be compared, or is of none of the units, or the day is none that can be
            reviewed.
    """
    if problem := no_day(as_of.isoformat()):
        raise InputError(f"as of {as_of}: {problem}")
    units = {unit.id: (str(file), unit) for file, unit in zip(files, load_units(files, processes), strict=True)}
    for name, document in (earlier or {}).items():
        if name not in units:
            raise InputError(f"the earlier assessment is of {document.unit.id}, which is none of those under review")
    outlines = [read_outline(folder) for folder in folders]
    simulated = frozenset[str]().union(*(each.simulated for each in outlines))
    shared = tuple(groups(units, outlines))
    for_each = max(1, processes // len(shared)) if shared else 1

    def reviewed(group: Group) -> list[tuple[str, Result]]:
        books = read_books(group.folders, processes=for_each)

        def one(name: str) -> tuple[str, Result]:
            file, unit = units[name]
            evidence = gather(unit, books, instrument, as_of, simulated)
            document = assess(instrument, evidence, as_of, seed, file)
            old = (earlier or {}).get(document.unit.id)
            made = Review(document, changes(old, document) if old is not None else (), evidence.unit)
            return name, then(made)

        return in_processes(one, sorted(group.units), for_each)

    if processes > 1:
        _make_ready()
    found = dict(each for some in in_processes(reviewed, shared, processes) for each in some)
    return tuple(found[name] for name in units)


def _make_ready() -> None:
    """Load and compile here what each review needs, so that processes find it done."""
    for signatures in ("asymmetric.ed25519", "serialization"):  # of heads
        importlib.import_module(f"cryptography.hazmat.primitives.{signatures}")
    collectors()
    reference()
    template()


def assess(
    instrument: Instrument, evidence: UnitEvidence, as_of: date, seed: int | None = None, lab_file: str = ""
) -> AssessmentDocument:
    """Reduce, score and write up one unit's evidence; the same arguments give the same document."""
    examined = examine(instrument, evidence, as_of)
    stated = frozenset(each.record.id for each in examined.judged if each.record.file is not None)
    inputs, unusable = usable_inputs(instrument, replace(examined.inputs, stated=stated))
    assessment = score(instrument, inputs, seed)
    unit = evidence.unit
    sources = [each.source for each in (unit.lab, unit.evidence) if each is not None]
    campaigns = evidence.ledger.campaigns if evidence.ledger is not None else ()
    challenges = {challenge_of(each.record) for each in campaigns} & reference().challenges.keys()
    findings = (*evidence.findings, *examined.findings, *_unpublished(campaigns))
    facts = UnitFacts(
        laboratory=unit.laboratory,
        boundary=unit.boundary,
        devices=tuple(unit.lab.devices) if unit.lab is not None else (),
        owner=unit.owner,
        configuration=unit.configuration,
        challenges=tuple(sorted(filter(None, challenges))),
        files=tuple(SourceFile(path=each.file, sha256=_digest(each.text)) for each in sources),
        to_mend=tuple(dict.fromkeys([*(str(each) for each in findings if not each.is_routine), *unusable])),
        missing=tuple(dict.fromkeys(str(each) for each in findings if each.is_routine)),
        campaign_metrics=sdl_metrics(evidence, instrument, as_of),
        lab_file=lab_file if unit.lab is not None else "",
    )
    return compile_document(instrument, inputs, assessment, examined.judged, facts, as_of)


def _unpublished(campaigns: Iterable[Campaign]) -> Iterator[Finding]:
    """Challenges that recorded campaigns name, and that nobody has published."""
    names: dict[str, list[str]] = {}
    for campaign in campaigns:
        if (name := challenge_of(campaign.record)) is not None and name not in reference().challenges:
            names.setdefault(name, []).append(campaign.record.id)
    for name, ids in names.items():
        try:
            reference().challenge(name)
        except InputError as error:
            yield Finding(f"{listed(ids[:3])}{' and others' if len(ids) > 3 else ''}: {error}; it does not count")


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files of one unit, before they are written."""

    page: str
    """Name of the HTML file."""
    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    """By name."""


def outputs(found: Review, *, is_redacted: bool = False) -> Outputs:
    """All files of one unit but the PDF; of a redacted view only page and JSON."""
    if is_redacted:
        view = redacted(found.document)
        texts = {"report-redacted.html": render_page(view), "assessment-redacted.json": json_text(view)}
        return Outputs("report-redacted.html", texts)
    document = found.document
    texts = {
        "report.html": render_page(document, found.changes),
        "assessment.json": json_text(document),
        "oscal-assessment-results.json": spaced_json(assessment_results(document)),
        "oscal-poam.json": spaced_json(plan_of_action(document)),
    }
    texts |= {f"{name}.csv": text for name, text in csv_tables(document).items()}
    return Outputs("report.html", texts)


def write_outputs(files: Outputs, folder: Path) -> Path:
    """Write the files of one unit, each whole or not at all. Returns the path of the page.

    Raises:
        StorageError: no room or no right to write.
    """
    for name, text in files.texts.items():
        write_whole(folder / name, text)
    return folder / files.page


def write_empty_workbook(found: Review, instrument: Instrument, folder: Path) -> Path | None:
    """Write a workbook of all criteria to be filled in, beside the report. Returns its path.

    Raises:
        InputError: it cannot be written there.
    """
    if found.unit is None:
        return None
    path = folder / "workbook.xlsx"
    write_workbook(instrument, found.unit, path)
    return path


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
