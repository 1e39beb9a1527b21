"""Files of entries that people write beside a unit's evidence: what an entry may carry, and what stands behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field, StringConstraints

from autolab.config.fields import TEXT, Date, FileModel, Text
from autolab.config.problems import Problems
from autolab.config.words import KeyPath, did_you_mean, listed, shown
from autolab.config.yamlfile import read_yaml
from facility_review.campaigns import CampaignFacts
from facility_review.evidence import no_day
from facility_review.unitfiles import file_hash, unreadable

__all__ = ["Approval", "ApprovalModel", "Entries", "EntryModel", "OwnerClass", "Proof", "Words", "read_entries"]

OwnerClass = Literal["federal", "partner"]
"""Who owns it: a Federal body or one of its laboratories, or a partner."""
Words = Annotated[str, StringConstraints(pattern=TEXT, max_length=2000)]
"""One paragraph."""
M = TypeVar("M", bound=FileModel)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class EntryModel(FileModel):
    """What every entry may carry."""

    evidence: list[Text] = Field(default_factory=list[str], max_length=100)
    """Ids of evidence records, addresses or document numbers that show it."""
    document: Text | None = None
    """Path of a document that shows it, from the folder of this file."""
    sha256: Text | None = None
    """SHA-256 of that document when it was approved, in hexadecimal digits: a change is said."""
    notes: Words | None = None
    """Anything else that a reader should know."""


class ApprovalModel(FileModel):
    """Who approved something, and when."""

    by: Text = Field(examples=["A. Person, data steward"])
    """Name and role."""
    date: Date = Field(examples=["2026-05-04"])
    """Day of the approval."""
    until: Date | None = None
    """Last day on which it counts."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved something, and whether it counts."""

    by: str
    on: date
    until: date | None
    is_in_force: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """Where an entry is written, and what stands behind it."""

    ref: str
    """Its id in the evidence of a deliverable, such as ``registers.yaml#data.teal``."""
    line: int | None = None
    evidence: tuple[str, ...] = ()
    document: str | None = None
    sha256: str | None = None
    """Of the document as it was found."""
    state: Literal["none", "found", "missing", "altered"] = "none"

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids that a figure made from it carries."""
        return (self.ref, *self.evidence)

    @property
    def problem(self) -> str:
        """What is wrong with its document, as a sentence; empty where nothing is."""
        words = {"missing": "is missing", "altered": "is not the one that was approved (its SHA-256 differs)"}
        return f"{self.ref}: the document {self.document} {words[self.state]}" if self.state in words else ""


class Entries(Generic[M]):
    """One such file: its model, and checks that need the day or the folder.

    Args:
        path: The file.
        model: What it says.
        problems: Gathers what is wrong with it.
        as_of: Day of the deliverable.
    """

    def __init__(self, path: Path, model: M, problems: Problems, as_of: date) -> None:
        self.path, self.model, self.problems, self.as_of = path, model, problems, as_of

    def day(self, path: KeyPath, text: str | None, *, is_past: bool = False) -> date | None:
        """A day as a date; refused where the calendar lacks it, or where it should be past and is not."""
        if text is None:
            return None
        if problem := no_day(text):
            self.problems.add(path, problem)
            return None
        day = date.fromisoformat(text)
        if is_past and day > self.as_of:
            self.problems.add(path, f"{text} is after {self.as_of}, the day of this review: mend it, or leave it out")
        return day

    def days(self, path: KeyPath, first: str | None, last: str | None) -> tuple[date | None, date | None]:
        """A first and a last day, each of which may be missing; refused where they are swapped."""
        begin, end = self.day((*path, "from"), first), self.day((*path, "until"), last)
        if begin is not None and end is not None and end < begin:
            self.problems.add((*path, "until"), f"{end} is before {begin}, its first day: swap them")
        return begin, end

    def approval(self, path: KeyPath, model: ApprovalModel | None) -> Approval | None:
        """An approval as it counts on the day."""
        if model is None:
            return None
        on = self.day((*path, "date"), model.date, is_past=True)
        until = self.day((*path, "until"), model.until)
        if on is not None and until is not None and until < on:
            self.problems.add((*path, "until"), f"{until} is before {on}, the day of the approval: mend one of them")
        return Approval(model.by, on or self.as_of, until, until is None or until >= self.as_of)

    def known(self, path: KeyPath, name: str, names: list[str], what: str) -> None:
        """Refuse a name that the file does not define."""
        if name not in names:
            guess = did_you_mean(name, names)
            hint = f"did you mean {guess!r}?" if guess else f"this file has {listed(names)}"
            self.problems.add(path, f"{shown(name)} is no {what}: {hint}")

    def campaign(self, path: KeyPath, said: str, campaigns: Sequence[CampaignFacts]) -> CampaignFacts | None:
        """The campaign that an entry names by its id or the unique beginning of it; refused where there is none."""
        found = [each for each in campaigns if each.id == said] or [c for c in campaigns if c.id.startswith(said)]
        if len(found) == 1:
            return found[0]
        what = f"{len(found)} campaigns begin with" if found else "no campaign of this lab begins with"
        newest = listed([each.id for each in campaigns[-5:]])
        self.problems.add(path, f"{what} {shown(said)} up to {self.as_of}: name one of them; the newest are {newest}")
        return None

    def proof(self, path: KeyPath, entry: EntryModel) -> Proof:
        """What stands behind an entry; its document is read and hashed."""
        ref = f"{self.path.name}#{'.'.join(str(part) for part in path)}"
        line = self.problems.source.line(path)
        wanted = entry.sha256
        if wanted is not None and not _SHA256.fullmatch(wanted):
            self.problems.add((*path, "sha256"), f"{shown(wanted)} is no SHA-256: write its 64 hexadecimal digits")
        if wanted is not None and entry.document is None:
            self.problems.add((*path, "sha256"), "sha256 has no effect without document: name the file, or remove it")
        if entry.document is None:
            return Proof(ref, line, tuple(entry.evidence))
        try:
            if problem := unreadable(self.path.parent, entry.document):
                self.problems.add((*path, "document"), f"{entry.document}: {problem}")
                return Proof(ref, line, tuple(entry.evidence), entry.document, None, "missing")
            digest = file_hash(self.path.parent / entry.document)
        except OSError:
            return Proof(ref, line, tuple(entry.evidence), entry.document, None, "missing")
        state = "altered" if wanted not in {None, digest} else "found"
        return Proof(ref, line, tuple(entry.evidence), entry.document, digest, state)


def read_entries(path: Path, model: type[M], as_of: date) -> Entries[M] | None:
    """Read a file of entries; None where there is no such file, since nobody has to write one.

    Args:
        path: The file.
        model: What it may say.
        as_of: Day of the deliverable.

    Raises:
        FileError: the file or one line of it is refused.
        InputErrors: several lines are refused; all of them are reported.
    """
    if not path.exists():
        return None
    file = read_yaml(path)
    problems = Problems(file.source)
    problems.check_shape(model, file.values)
    problems.raise_any()
    return Entries(path, model.model_validate(file.values), problems, as_of)
