"""The facility's chapter of the yearly report: one paragraph for each point of Sec. 6(a).

Every sentence with a figure carries the ids of the records that it was counted from. Where there is no record the
sentence says *none recorded*, and nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from autolab.core.errors import InputError
from facility_review import paragraphs
from facility_review.agreements import Agreements
from facility_review.annualmodels import AnnualModel
from facility_review.campaigns import CampaignFacts
from facility_review.document import AssessmentDocument
from facility_review.entries import Entries, EntryModel, read_entries
from facility_review.paragraphs import Said, Sentence
from facility_review.registers import Registers
from facility_review.timeline import Timeline

__all__ = ["FILE", "Chapter", "Paragraph", "Sentence", "Sources", "annual_chapter", "markdown"]

FILE = "annual.yaml"
"""Name of the file that people write."""
_MOST_IDS = 6
"""Ids that the Markdown text names after a sentence; the JSON has all."""
_TITLES: Mapping[str, str] = {
    "EO-6a-i": "Operational status and capabilities",
    "EO-6a-ii": "Integration with laboratories, shared computing, data and facilities",
    "EO-6a-iii": "Users, students and training",
    "EO-6a-iv": "Results",
    "EO-6a-v": "Partnerships and transitions",
    "EO-6a-vi": "Needs and recommendations",
}


@dataclass(frozen=True, slots=True)
class Paragraph:
    """What is said to one point of Sec. 6(a)."""

    clause: str
    title: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """The chapter of one facility."""

    lab: str
    laboratory: str
    first: date
    """First day that it is about."""
    as_of: date
    """Last day that it is about."""
    report_due: date
    paragraphs: tuple[Paragraph, ...]
    notes: tuple[str, ...]
    """What was left out, and why."""


@dataclass(frozen=True, slots=True)
class Sources:
    """All records that the chapter is counted from."""

    lab: str
    laboratory: str
    campaigns: tuple[CampaignFacts, ...]
    registers: Registers
    agreements: Agreements
    assessment: AssessmentDocument | None
    """The unit's assessment, where one was made."""
    annual: Entries[AnnualModel] | None
    """What people wrote, where they did."""


def annual_chapter(sources: Sources, timeline: Timeline) -> Chapter:
    """The chapter for the report that falls due next.

    Args:
        sources: The records.
        timeline: The milestones as of the day of the chapter; it says which days the report is about.

    Raises:
        FileError: ``annual.yaml`` or one line of it is refused.
        InputErrors: several lines are refused; all of them are reported.
        InputError: the assessment is of another unit or of a later day.
    """
    first, as_of = timeline.period
    _check_assessment(sources, as_of)
    said = _said(sources)
    current = [each for each in said if each.day is None or first <= each.day]
    campaigns = [each for each in sources.campaigns if first <= each.day <= as_of]
    makers = {
        "EO-6a-i": paragraphs.status(sources.assessment, campaigns),
        "EO-6a-ii": paragraphs.integration(sources.registers, current),
        "EO-6a-iii": paragraphs.people(campaigns, current),
        "EO-6a-iv": paragraphs.results(campaigns, current),
        "EO-6a-v": paragraphs.partners(sources.agreements, current),
        "EO-6a-vi": paragraphs.needs(sources.assessment, current),
    }
    notes = [] if sources.annual is not None else [f"there is no {FILE} beside the lab file"]
    if sources.assessment is None:
        notes.append("no assessment was given (level, gates and gaps: none recorded)")
    for what, n in (
        ("campaign", len(sources.campaigns) - len(campaigns)),
        (f"entry of {FILE}", len(said) - len(current)),
    ):
        if n:
            notes.append(f"left out, as from before {first}: {n} × {what}")
    notes += [each.proof.problem for each in said if each.proof.problem]
    made = tuple(Paragraph(clause, _TITLES[clause], tuple(each)) for clause, each in makers.items())
    return Chapter(sources.lab, sources.laboratory, first, as_of, timeline.report_due, made, tuple(notes))


def read_annual(folder: Path, as_of: date) -> Entries[AnnualModel] | None:
    """Read ``annual.yaml``, where there is one.

    Raises:
        FileError: the file or one line of it is refused.
        InputErrors: several lines are refused; all of them are reported.
    """
    return read_entries(folder / FILE, AnnualModel, as_of)


def markdown(chapter: Chapter) -> str:
    """The chapter as Markdown, ready to be pasted."""
    lines = [f"# {chapter.lab}, {chapter.laboratory}", "", f"From {chapter.first} to {chapter.as_of}."]
    for paragraph in chapter.paragraphs:
        number = paragraph.clause.removeprefix("EO-6a-")
        text = " ".join(_with_ids(sentence) for sentence in paragraph.sentences)
        lines += ["", f"## Sec. 6(a)({number}) {paragraph.title}", "", text]
    if chapter.notes:
        lines += ["", "---", "", *(f"- {note}" for note in chapter.notes)]
    return "\n".join(lines) + "\n"


def _with_ids(sentence: Sentence) -> str:
    if not sentence.evidence:
        return sentence.text
    more = len(sentence.evidence) - _MOST_IDS
    ids = ", ".join(f"`{each}`" for each in sentence.evidence[:_MOST_IDS])
    return f"{sentence.text} [{ids}{f' and {more} more' if more > 0 else ''}]"


def _check_assessment(sources: Sources, as_of: date) -> None:
    found = sources.assessment
    if found is None:
        return
    if sources.lab not in {found.unit.id, found.unit.name}:
        raise InputError(
            f"the assessment is of {found.unit.id!r}, and the chapter is about {sources.lab!r}: give its own"
        )
    if found.as_of > as_of:
        raise InputError(
            f"the assessment is as of {found.as_of}, after {as_of}: give an earlier one, or a later --as-of"
        )


def _said(sources: Sources) -> list[Said]:
    """The entries of ``annual.yaml``, each with the sentence that it makes."""
    entries = sources.annual
    if entries is None:
        return []
    model = entries.model
    said: list[Said] = []

    def add(group: str, name: str, each: EntryModel, kind: str, text: str, day: str | None, people: int = 0) -> None:
        path = (group, name)
        at = entries.day((*path, "date"), day, is_past=True)
        said.append(Said(group, kind, text, people, at, entries.proof(path, each)))

    for name, link in model.integration.items():
        add("integration", name, link, link.kind, f"{link.to}: {link.what}", link.date)
    for name, group in model.engagement.items():
        add("engagement", name, group, group.kind, group.what, group.date, group.people)
    for name, result in model.results.items():
        for number, campaign in enumerate(result.campaigns):
            entries.campaign(("results", name, "campaigns", number), campaign, sources.campaigns)
        add("results", name, result, result.kind, _titled(result.title, result.reference), result.date)
    for name, moved in model.transitions.items():
        add("transitions", name, moved, "transition", f"{moved.to}: {moved.what}", moved.date)
    for name, need in model.needs.items():
        add("needs", name, need, need.kind, need.what + (f", because {need.because}" if need.because else ""), None)
    entries.problems.raise_any()
    return said


def _titled(title: str, reference: str | None) -> str:
    return f"'{title}'" + (f" ({reference})" if reference else "")
