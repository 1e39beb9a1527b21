"""What people state in ``evidence.yaml``: documents, test reports and attestations, each with its files hashed.

A number that somebody has typed is documented at best: nobody can show that it is complete. What is measured is
computed from records, by a collector. Without a file it is attested, for a document that is not there is none.

An entry that is wrong is a finding with file and line, and does not count; the others do.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

from autolab.config.problems import Problems
from autolab.config.specs import Source
from autolab.core.canonical import content_hash
from autolab.core.errors import InputError
from facility_review.evidence import (
    COMPARED,
    MOST,
    EvidenceRecord,
    Finding,
    Integrity,
    Method,
    finding_of,
    is_named,
    no_day,
)
from facility_review.evidencemodel import EntryModel
from facility_review.inputs import EvidenceClass
from facility_review.unitfiles import file_hash, unreadable
from facility_review.units import Unit

__all__ = ["read_declared", "read_entry", "verified"]

_HASH = re.compile(r"[0-9a-f]{64}")
_METHODS: Mapping[EvidenceClass, Method] = {"measured": "TEST", "documented": "EXAMINE", "attested": "INTERVIEW"}


def read_declared(unit: Unit) -> Iterator[EvidenceRecord | Finding]:
    """Read the entries of a unit's file of evidence, and check the hashes of the files that they name."""
    if unit.evidence is None:
        return
    entries = unit.evidence.values.get("evidence", [])
    if not isinstance(entries, list):
        source = unit.evidence.source
        said = "'evidence' must be a list: begin each entry with '- '"
        yield Finding(said, source.file, source.line(("evidence",)))
        return
    seen: dict[str, int | None] = {}
    lines = _lines_of_entries(unit.evidence.source)
    for number, raw in enumerate(cast("list[Any]", entries)):
        source = replace(unit.evidence.source, lines=lines[number])
        try:
            record, found = read_entry(unit, source, number, raw)
            if record.id in seen:
                raise source.error(("id",), f"the id {record.id!r} stands at line {seen[record.id]} too: change one")
        except InputError as error:
            yield from finding_of(error)
            continue
        seen[record.id] = source.line(())
        yield from found
        yield record


def _lines_of_entries(source: Source) -> Mapping[int, Mapping[tuple[str | int, ...], int]]:
    """By the number of an entry, its lines by the paths inside it."""
    found: dict[int, dict[tuple[str | int, ...], int]] = defaultdict(dict)
    for path, line in source.lines.items():
        if len(path) > 1 and path[0] == "evidence" and isinstance(path[1], int):
            found[path[1]][path[2:]] = line
    return found


def read_entry(
    unit: Unit, source: Source, number: int, raw: object, collector: str = "evidence.yaml"
) -> tuple[EvidenceRecord, list[Finding]]:
    """One entry, and what a person should know of its files.

    Args:
        unit: The unit that it is evidence of.
        source: Where it was written, for messages.
        number: Its place, from 0.
        raw: Its plain values.
        collector: What read it.

    Raises:
        FileError: it is refused.
        InputErrors: several of its lines are.
    """
    if not isinstance(raw, dict):
        raise source.error((), "an entry is a mapping: write '- criterion: SAF-01' and its keys below it")
    problems = Problems(source)
    problems.check_shape(EntryModel, cast("dict[str, Any]", raw))
    problems.raise_any()
    entry = EntryModel.model_validate(raw)
    _check(entry, problems)
    problems.raise_any()
    subject = entry.criterion or entry.metric or entry.fact or ""
    name = entry.id or f"{subject}-{number + 1}"
    integrity, digest, found = verified(unit.folder, entry.files, source, subject)
    record = _record(unit, source, entry, name, (integrity, digest), collector)
    if entry.class_name == "measured":
        why = "it is stated as measured, and nobody can show that a statement is complete: documented at best"
        record = replace(record, evidence_class="documented", notes=(*record.notes, why))
        found.append(Finding(f"{name}: {why}", source.file, source.line(("class",)), subject, name))
    return record, found


def _record(
    unit: Unit, source: Source, entry: EntryModel, name: str, checked: tuple[Integrity, str | None], collector: str
) -> EvidenceRecord:
    """The record that an entry stands for.

    Raises:
        FileError: its numbers contradict each other.
    """
    is_number = isinstance(entry.value, int | float) and not isinstance(entry.value, bool)
    try:
        return EvidenceRecord(
            id=name,
            unit=unit.id,
            subject=entry.criterion or entry.metric or entry.fact or "",
            evidence_class=entry.class_name,
            realm=entry.realm,
            method=entry.method or _METHODS[entry.class_name],
            source=", ".join(sorted(entry.files)) or f"statement of {entry.by}",
            collected=datetime.fromisoformat(entry.date).replace(tzinfo=UTC),
            value=float(entry.value) if is_number and entry.fact is None and entry.value is not None else None,
            step=entry.step,
            fact=entry.value if entry.fact is not None else None,
            n=entry.n,
            successes=entry.successes,
            interval=None if entry.interval is None else (entry.interval[0], entry.interval[1]),
            valid_until=None if entry.valid_until is None else date.fromisoformat(entry.valid_until),
            query=entry.query,
            sha256=checked[1],
            integrity=checked[0],
            tool=entry.tool,
            tool_version=entry.tool_version,
            collector=collector,
            attestor=entry.by or "",
            independence=entry.independence,
            identity=unit.identified if entry.realm == "physical" else (),
            configuration=entry.configuration,
            marking=entry.marking,
            supersedes=tuple(entry.supersedes),
            notes=(entry.notes,) if entry.notes else (),
            file=source.file,
            line=source.line(()),
        )
    except InputError as error:
        raise source.error((), str(error)) from None


def _check(entry: EntryModel, problems: Problems) -> None:
    """Gather what pydantic cannot say of one entry."""
    about = {"criterion": entry.criterion, "metric": entry.metric, "fact": entry.fact}
    subjects = [key for key, name in about.items() if name is not None]
    if len(subjects) != 1:
        said = " and ".join(subjects) or "none of them"
        problems.add((), f"an entry is about one of 'criterion', 'metric' and 'fact', and this one gives {said}")
    if entry.value is None and entry.step is None:
        problems.add((), "neither 'value' nor 'step' is given: write the value of the metric or fact, or the step")
    _check_numbers(entry, problems)
    for key, day in (("date", entry.date), ("valid_until", entry.valid_until)):
        if day is not None and (problem := no_day(day)):
            problems.add((key,), problem)
    if entry.valid_until is None and entry.class_name != "measured":
        problems.add((), f"what is {entry.class_name} counts until a day: add 'valid_until: 2027-10-01'")
    elif entry.valid_until is not None and entry.valid_until < entry.date:
        problems.add(("valid_until",), f"{entry.valid_until} is before the day of the entry, {entry.date}")
    if entry.by is None:
        problems.add((), "no name stands for it: add 'by: ' and the person who approved it, ran it or says so")
    if entry.by is not None and not is_named(entry.by):
        problems.add(("by",), f"{entry.by!r} is no named person: write who approved it, ran it or says so")
    if entry.fact == COMPARED:
        said = f"{COMPARED} is ignored as a statement: give 'configuration' with SAF-01, and the hashes are compared"
        problems.add(("fact",), said)
    for file, digest in entry.files.items():
        if digest and not _HASH.fullmatch(digest):
            problems.add(("files", file), f"{digest!r} is no SHA-256: paste what 'sha256sum {file}' prints")


def _check_numbers(entry: EntryModel, problems: Problems) -> None:
    for key, number in (("value", entry.value), ("n", entry.n), ("successes", entry.successes)):
        if isinstance(number, int) and abs(number) > MOST:
            problems.add((key,), f"{key} is beyond {MOST:.0e}, and nothing that is counted or measured is: correct it")
    if entry.fact is None and isinstance(entry.value, bool | str):
        problems.add(("value",), f"{entry.value!r} is no number, and a metric's value is one")


def verified(
    folder: Path, files: Mapping[str, str], source: Source, subject: str
) -> tuple[Integrity, str | None, list[Finding]]:
    """Compare files with the hashes that were written of them.

    Args:
        folder: Where the paths start.
        files: SHA-256 by path; empty where nobody has hashed the file.
        source: Where they were written, for messages.
        subject: What they are evidence of.

    Returns:
        What became of it, one hash for all of them, and what a person should know.

    Raises:
        FileError: one of them is empty, too large, no plain file, or not under the folder.
    """
    found, integrity = list[Finding](), cast("Integrity", "verified" if files else "unhashed")
    for name, digest in files.items():
        line = source.line(("files", name))
        try:
            if problem := unreadable(folder, name):
                raise source.error(("files", name), f"{name}: {problem}")
            present = file_hash(folder / name)
        except OSError as error:
            said = f"{name}: is missing or cannot be read ({error.strerror}): it counts one class lower"
            found.append(Finding(said, source.file, line, subject))
            integrity = "failed"
            continue
        if not digest:
            said = f"{name}: has no hash, so it counts one class lower: write {present}"
            found.append(Finding(said, source.file, line, subject))
            integrity = integrity if integrity == "failed" else "unhashed"
        elif digest != present:
            said = f"{name}: is not what was hashed (it was {digest[:12]}…, and is {present[:12]}…): one class lower"
            found.append(Finding(said, source.file, line, subject))
            integrity = "failed"
    digests = sorted(digest for digest in files.values() if digest)
    whole = digests[0] if len(digests) == 1 else content_hash(digests) if digests else None
    return integrity, whole, found
