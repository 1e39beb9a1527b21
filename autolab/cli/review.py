"""The command ``review``: how ready units are for AI-directed work, on what evidence, and what to do first."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autolab.cli.options import Json
from autolab.cli.output import say, say_json, tell
from autolab.core.errors import InputError

if TYPE_CHECKING:
    from facility_review.document import AssessmentDocument
    from facility_review.review import Review

__all__ = ["review"]

MOST = 5
"""Findings and changes that are said one by one; the report holds all."""
NO_BROWSER = "No PDF was made: Chromium is not installed here. Install it, or print the page from a browser."


Labs = Annotated[
    list[Path],
    typer.Argument(metavar="LAB…", help="Lab files, or evidence.yaml files of units that do not run autolab."),
]
Data = Annotated[
    list[Path] | None,
    typer.Option("--data", file_okay=False, metavar="DIR", help="Folder that holds the data; may be repeated."),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Day of the assessment, such as 2026-11-22; today by default."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", file_okay=False, metavar="DIR", help="Where to write; reviews/DATE in the data folder."),
]
Redacted = Annotated[
    bool, typer.Option("--redacted", help="Write only the view without weaknesses, names, paths and hashes.")
]
Diff = Annotated[
    Path | None,
    typer.Option("--diff", dir_okay=False, metavar="FILE", help="Earlier assessment.json: say what changed, and why."),
]
Seed = Annotated[
    int | None, typer.Option("--seed", min=0, metavar="N", help="Seed of the draws; the instrument's by default.")
]
Version = Annotated[
    str | None,
    typer.Option("--instrument", metavar="VERSION", help="Version of the instrument; the newest by default."),
]


def review(
    labs: Labs,
    data: Data = None,
    as_of: AsOf = None,
    out: Out = None,
    redacted: Redacted = False,
    diff: Diff = None,
    seed: Seed = None,
    instrument: Version = None,
    workbook: Annotated[
        bool, typer.Option("--workbook", help="Write a workbook of all criteria too, to be filled in.")
    ] = False,
    no_pdf: Annotated[bool, typer.Option("--no-pdf", help="Print no PDF beside the page.")] = False,
    json: Json = False,
) -> None:
    """Assess how ready units are for AI-directed work, and write a report for each.

    The report is one HTML file with JSON, CSV and OSCAL files beside it. The instrument is a proposal, not endorsed.
    """
    from autolab.core.workers import in_processes, n_processors
    from facility_review.instrument import load_instrument
    from facility_review.review import outputs, review, write_empty_workbook, write_outputs

    day, used = _day(as_of), load_instrument(instrument)
    old = _earlier(diff)
    n, olds = n_processors(), {} if old is None else {old.unit.id: old}
    found = review(labs, _folders(data), used, day, seed, olds, n)
    if old is not None and old.unit.id not in {each.document.unit.id for each in found}:
        raise InputError(f"{diff}: is of {old.unit.id}, which is none of the units that are reviewed here")
    target = out or _home(data) / "reviews" / day.isoformat()
    answers: list[dict[str, Any]] = []

    def written(one: Review) -> Path:
        return write_outputs(outputs(one, is_redacted=redacted), target / one.document.unit.id)

    for each, page in zip(found, in_processes(written, found, n), strict=True):
        empty = write_empty_workbook(each, used, page.parent) if workbook else None
        printed, note = (None, None) if no_pdf else _print(page)
        answers.append(_answer(each, page, printed))
        if not json:
            say(_text(each, page, printed, is_redacted=redacted))
            if empty is not None:
                say(f"  workbook  {empty}")
        if note is not None:
            tell(note)
    if json:
        say_json(answers)


def _earlier(diff: Path | None) -> AssessmentDocument | None:
    from facility_review.document import read_document

    return None if diff is None else read_document(diff)


def _day(text: str | None) -> date:
    from autolab.core.clock import real_clock

    if text is None:
        return real_clock().date().date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--as-of {text}: is no day; write year, month and day, such as 2026-11-22") from None


def _home(data: list[Path] | None) -> Path:
    return data[0] if data else Path(os.environ.get("AUTOLAB_DATA") or "autolab-data")


def _folders(data: list[Path] | None) -> list[Path]:
    """The data folders that were named, or the usual one where it is there: a unit may have none."""
    if data:
        return data
    usual = _home(data)
    return [usual] if usual.is_dir() or "AUTOLAB_DATA" in os.environ else []


def _print(page: Path) -> tuple[Path | None, str | None]:
    """The PDF beside a page; otherwise a sentence that says why there is none."""
    from facility_review.printing import find_browser, print_pdf

    browser = find_browser()
    if browser is None:
        return None, NO_BROWSER
    path = page.with_suffix(".pdf")
    problem = print_pdf(page, path, browser)
    return (path, None) if problem is None else (None, f"No PDF was made: {problem}")


def _answer(found: Review, page: Path, printed: Path | None) -> dict[str, Any]:
    document = found.document
    return {
        "unit": document.unit.id,
        "as_of": document.as_of.isoformat(),
        "instrument": document.instrument.version,
        "level": document.level.id,
        "assured_level": document.assured_level.id,
        "p_level": document.p_level,
        "is_simulated_profile": document.level.is_simulated_profile,
        "coverage": document.coverage.coverage,
        "open_gates": [each.id for each in document.gates if each.state in ("fail", "not demonstrated")],
        "blocking": list(document.gaps.blocking),
        "findings": list(document.coverage.missing),
        "changes": list(found.changes),
        "report": str(page),
        "pdf": None if printed is None else str(printed),
    }


def _text(found: Review, page: Path, printed: Path | None, *, is_redacted: bool) -> str:
    from facility_review.page import readable

    document = found.document
    mark = "  SIMULATED PROFILE" if document.level.is_simulated_profile else ""
    lines = [f"{document.unit.name}, {document.unit.laboratory}, as of {document.as_of}{mark}"]
    lines.append(f"  gates     {_gates(document)}")
    lines.append(f"  level     {_level(document)}")
    lines.append(
        f"  coverage  {document.coverage.coverage:.0%}: {document.coverage.n_with_evidence} of "
        f"{document.coverage.n_criteria} criteria have evidence, {document.coverage.measured_share:.0%} of what can be "
        "measured is measured"
    )
    for number, item in enumerate(document.gaps.blocking, start=1):
        head = f"blocks {document.level.next}" if number == 1 else ""
        lines.append(f"  {head:<9} {number}. {readable(document, item).partition(';')[0]}")
    lines += _some("changed", found.changes)
    lines += _some("note", document.coverage.missing)
    lines.append(f"  report    {page}{'' if printed is None else f', and {printed.name} beside it'}")
    if not is_redacted:
        lines.append(f"  next      {_next(document)}")
    return "\n".join(lines)


def _gates(document: AssessmentDocument) -> str:
    counts = Counter(each.state for each in document.gates)
    said = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    holds = [each.id for each in document.gates if each.kind == "hold" and each.state in ("fail", "not demonstrated")]
    return f"{said}; hold gates open: {' '.join(holds) or 'none'}"


def _level(document: AssessmentDocument) -> str:
    following = document.level.next
    chance = "" if following is None else f"; probability of {following} or more {document.p_level[following]:.0%}"
    provisional = "; provisional" if document.level.provisional else ""
    return f"{document.level.id} {document.level.name}; assured {document.assured_level.id}{chance}{provisional}"


def _some(head: str, sentences: tuple[str, ...]) -> list[str]:
    lines = [f"  {head if number == 0 else '':<9} {each}" for number, each in enumerate(sentences[:MOST])]
    more = len(sentences) - MOST
    return [*lines, f"  {'':<9} and {more} more in the report"] if more > 0 else lines


def _next(document: AssessmentDocument) -> str:
    """What can be done by tomorrow, or else the first gap of the path."""
    order = {name: number for number, name in enumerate(document.gaps.path_to_next.gaps)}
    items = sorted(document.gaps.items, key=lambda each: (order.get(each.gap_id, len(order)), each.priority))
    quick = next((each for each in items if each.is_quick and each.command), None)
    if quick is not None:
        return f"{quick.command}  (by tomorrow: {quick.criterion or quick.gate}, {quick.action})"
    return items[0].action if items else "nothing: no gap was found"
