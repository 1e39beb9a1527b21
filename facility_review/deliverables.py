"""The order's other deliverables for one facility, made from the same records as its assessment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from autolab.core.errors import InputError, IntegrityError, StorageError
from facility_review.agreements import FUNCTIONS, Agreements, read_agreements
from facility_review.annual import Chapter, Sources, annual_chapter, markdown, read_annual
from facility_review.campaigns import CampaignFacts, read_campaigns
from facility_review.crate import verify_pack
from facility_review.deliverablespage import render_deliverables
from facility_review.document import AssessmentDocument
from facility_review.entries import Approval
from facility_review.files import csv_text, json_text, write_whole
from facility_review.instrument import load_instrument
from facility_review.pack import Pack, choose_campaign, write_pack
from facility_review.reference import Challenge
from facility_review.registers import Registers, read_registers
from facility_review.timeline import Timeline, calendar_of, timeline

__all__ = ["MARKING", "Deliverables", "deliverables", "make_pack", "write_deliverables"]

MARKING = "INTERNAL - review for CUI and export control before release"


@dataclass(frozen=True, slots=True)
class Deliverables:
    """All deliverables of one facility on one day."""

    lab: str
    laboratory: str
    as_of: date
    instrument: str
    """Version of the instrument whose milestones they are."""
    marking: str
    timeline: Timeline
    registers: Registers
    agreements: Agreements
    chapter: Chapter
    campaigns: tuple[CampaignFacts, ...]
    notes: tuple[str, ...]
    """What could not be read."""


def deliverables(
    lab: str, laboratory: str, folder: Path, data: Path, as_of: date, assessment: AssessmentDocument | None = None
) -> Deliverables:
    """Make the deliverables of one facility. A journal that cannot be read is said, and counts as empty.

    Args:
        lab: Name of the lab.
        laboratory: The organisation that it belongs to.
        folder: Where ``registers.yaml``, ``agreements.yaml`` and ``annual.yaml`` are; none of them has to be.
        data: The data folder.
        as_of: The day.
        assessment: The unit's assessment, where one was made.

    Raises:
        FileError: a file or one line of it is refused.
        InputErrors: several lines are refused; all of them are reported.
        InputError: the assessment is of another unit or of a later day.
    """
    campaigns: tuple[CampaignFacts, ...] = ()
    notes: tuple[str, ...] = ()
    try:
        campaigns = read_campaigns(data, lab, as_of)
    except (InputError, StorageError) as error:
        notes = (f"{error} (campaigns: none recorded)",)
    instrument = load_instrument().file
    milestones = timeline(calendar_of(instrument.order, instrument.timeline), as_of)
    registers = read_registers(folder, campaigns, as_of)
    agreements = read_agreements(folder, campaigns, as_of)
    annual = read_annual(folder, as_of)
    sources = Sources(lab, laboratory, campaigns, registers, agreements, assessment, annual)
    return Deliverables(
        lab=lab,
        laboratory=laboratory,
        as_of=as_of,
        instrument=instrument.instrument.version,
        marking=MARKING if assessment is None else assessment.marking.text,
        timeline=milestones,
        registers=registers,
        agreements=agreements,
        chapter=annual_chapter(sources, milestones),
        campaigns=campaigns,
        notes=notes,
    )


def make_pack(
    found: Deliverables,
    data: Path,
    out: Path,
    challenge: Challenge,
    campaign: str | None = None,
    more: dict[str, str] | None = None,
) -> Pack:
    """Write the evidence pack of a demonstration campaign, and read it back.

    Args:
        found: The deliverables.
        data: The data folder.
        out: Where the pack goes.
        challenge: What the campaign demonstrates.
        campaign: Its id or the unique beginning of it; the newest that has ended by default.
        more: Texts to add, by their path in the pack.

    Raises:
        InputError: there is no such campaign.
        StorageError: the journal cannot be read, or there is no room or no right to write.
        IntegrityError: what was read back is not what was written.
    """
    if found.notes:
        raise InputError(f"{found.notes[0]}: there is nothing to pack")
    chosen = choose_campaign(found.campaigns, challenge, campaign)
    pack = write_pack(data, chosen.id, challenge, out, found.as_of, more=more, marking=found.marking)
    for path in (pack.folder, pack.zip):
        if path is not None and (problems := verify_pack(path)):
            raise IntegrityError(f"{path}: was read back and is not what was written: {problems[0]}; write it again")
    return pack


def write_deliverables(found: Deliverables, out: Path, pack: Pack | None = None) -> list[Path]:
    """Write the page, the JSON, the tables and the chapter. Returns their paths, the page first.

    Raises:
        StorageError: no room or no right to write.
    """
    texts = {
        "deliverables.html": render_deliverables(found, pack),
        "deliverables.json": json_text(found),
        "annual-chapter.md": markdown(found.chapter),
        **{f"{name}.csv": text for name, text in _tables(found).items()},
    }
    return [write_whole(out / name, text) for name, text in texts.items()]


def _tables(found: Deliverables) -> dict[str, str]:
    milestones = [
        (row.id, row.clause, row.what, row.due, row.days, row.status, row.source, row.checked)
        for row in found.timeline.rows
    ]
    resources = [
        (r.id, r.kind, r.name, r.owner, r.owner_class, r.state, r.since, r.facts.get("capacity", ""), r.proof.ref)
        for r in found.registers.resources
    ]
    data = [
        (
            *(d.id, d.title, d.owner, d.owner_class, d.digitisation, d.standard, " ".join(d.missing)),
            *(_approval(d.approval), " ".join(d.realms), d.trials, " ".join(d.campaigns), d.proof.ref),
        )
        for d in found.registers.data
    ]
    models = [
        (
            m.id,
            m.name,
            m.kind,
            m.version,
            m.owner,
            m.owner_class,
            _approval(m.approval),
            " ".join(m.campaigns),
            m.proof.ref,
        )
        for m in found.registers.models
    ]
    agreements = [
        (
            FUNCTIONS[name][0],
            a.id,
            a.title,
            a.kind,
            " ".join(p.name for p in a.partners),
            a.first,
            a.last,
            a.state,
            a.proof.ref,
        )
        for name, those in found.agreements.by_function().items()
        for a in those
    ]
    return {
        "milestones": csv_text(("id", "clause", "what", "due", "days", "status", "source", "checked"), milestones),
        "resources": csv_text(_RESOURCES, resources),
        "data-sets": csv_text(_DATA, data),
        "models": csv_text(_MODELS, models),
        "agreements": csv_text(_AGREEMENTS, agreements),
    }


_RESOURCES = ("id", "kind", "name", "owner", "owner_class", "state", "since", "capacity", "evidence")
_DATA = (
    *("id", "title", "owner", "owner_class", "digitisation", "standard", "missing_metadata"),
    *("source_approval", "realms", "trials", "campaigns", "evidence"),
)
_MODELS = ("id", "name", "kind", "version", "owner", "owner_class", "source_approval", "campaigns", "evidence")
_AGREEMENTS = ("function", "id", "title", "kind", "partners", "from", "until", "state", "evidence")


def _approval(approval: Approval | None) -> str:
    if approval is None:
        return "none recorded"
    return f"{approval.by}, {approval.on}" + ("" if approval.is_in_force else f", ended {approval.until}")
