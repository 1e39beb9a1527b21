"""The command ``review``: how ready units are for AI-directed work, on what evidence, and what to do first."""

from __future__ import annotations

import atexit
import gc
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autolab.cli.days import day_of
from autolab.cli.options import Json, existing
from autolab.cli.output import say, say_json, tell
from autolab.config.words import listed

if TYPE_CHECKING:
    from facility_review.document import AssessmentDocument
    from facility_review.review import Review

__all__ = ["review"]

MOST = 5
"""Changes that are said one by one; the report holds all."""
MOST_TO_MEND = 20
"""Mistakes that are said one by one."""
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


@dataclass(frozen=True, slots=True)
class _Written:
    """One unit whose files are there, and what is said of it: all that comes from the process that reviewed it."""

    page: Path
    workbook: Path | None
    answer: dict[str, Any]
    before: str
    """What is said before the place of the report."""
    after: str

    def text(self, printed: Path | None) -> str:
        """All that is said of it, once it is known whether there is a PDF."""
        beside = "" if printed is None else f", and {printed.name} beside it"
        return f"{self.before}\n  report    {self.page}{beside}\n{self.after}"


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
    from autolab.core.workers import n_processors
    from facility_review.instrument import load_instrument
    from facility_review.review import outputs, review, write_empty_workbook, write_outputs

    day, used = day_of(as_of), load_instrument(instrument)
    old = _earlier(diff)
    olds = {} if old is None else {old.unit.id: old}
    target = out or _home(data) / "reviews" / day.isoformat()
    answers: list[dict[str, Any]] = []

    def written(one: Review) -> _Written:
        page = write_outputs(outputs(one, is_redacted=redacted), target / one.document.unit.id)
        empty = write_empty_workbook(one, used, page.parent) if workbook else None
        before, after = _before(one, is_redacted=redacted), _after(one, page, is_redacted=redacted)
        return _Written(page, empty, _answer(one, page), before, after)

    for each in review(labs, _folders(data), used, day, seed, olds, n_processors(), then=written):
        printed, note = (None, None) if no_pdf else _print(each.page)
        answers.append(each.answer | {"pdf": None if printed is None else str(printed)})
        if not json:
            say(each.text(printed))
            if each.workbook is not None:
                say(f"  workbook  {each.workbook}")
        if note is not None:
            tell(note)
    if json:
        say_json(answers)
    atexit.register(gc.freeze)  # the process ends: nobody has to look for garbage in all that was imported


def _earlier(diff: Path | None) -> AssessmentDocument | None:
    from facility_review.document import read_document

    return None if diff is None else read_document(diff)


def _home(data: list[Path] | None) -> Path:
    return data[0] if data else Path(os.environ.get("AUTOLAB_DATA") or "autolab-data")


def _folders(data: list[Path] | None) -> list[Path]:
    """The data folders that were named, or the usual one where it has a journal: a unit may have none.

    What the review itself writes into the usual folder is no journal, so that a second run reads what the first did.

    Raises:
        InputError: one that was named is not there.
    """
    from facility_review.campaigns import journal_files

    if data:
        return [existing(folder) for folder in data]
    usual = _home(data)
    return [usual] if journal_files(usual) or "AUTOLAB_DATA" in os.environ else []


def _print(page: Path) -> tuple[Path | None, str | None]:
    """The PDF beside a page; otherwise a sentence that says why there is none."""
    from facility_review.printing import find_browser, print_pdf

    browser = find_browser()
    if browser is None:
        return None, NO_BROWSER
    path = page.with_suffix(".pdf")
    problem = print_pdf(page, path, browser)
    return (path, None) if problem is None else (None, f"No PDF was made: {problem}")


def _answer(found: Review, page: Path) -> dict[str, Any]:
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
        "to_mend": list(document.coverage.to_mend),
        "notes": list(document.coverage.missing),
        "changes": list(found.changes),
        "report": str(page),
    }


def _before(found: Review, *, is_redacted: bool) -> str:
    """What is said of a unit before the place of its report."""
    from facility_review.page import readable

    document = found.document
    mark = "  SIMULATED PROFILE" if document.level.is_simulated_profile else ""
    lines = [f"{document.unit.name}, {document.unit.laboratory}, as of {document.as_of}{mark}"]
    lines += _to_mend(document)
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
    if document.coverage.missing and not is_redacted:
        lines.append(
            f"  notes     {len(document.coverage.missing)} on what was not found or not computed: in the report, 7"
        )
    return "\n".join(lines)


def _after(found: Review, page: Path, *, is_redacted: bool) -> str:
    """What is said of a unit after the place of its report."""
    lines = _who_may_have_it(page, is_redacted=is_redacted)
    if not is_redacted:
        lines.append(f"  next      {_next(found.document)}")
    return "\n".join(lines)


def _to_mend(document: AssessmentDocument) -> list[str]:
    """Mistakes of a person, before all else: what they are about counts less than it could, or not at all."""
    said = document.coverage.to_mend
    if not said:
        return []
    lines = [
        f"  to mend   {each}" if number == 0 else f"  {'':<9} {each}" for number, each in enumerate(said[:MOST_TO_MEND])
    ]
    more = len(said) - MOST_TO_MEND
    return [*lines, *([f"  {'':<9} and {more} more: in the report, 7"] if more > 0 else []), ""]


def _who_may_have_it(page: Path, *, is_redacted: bool) -> list[str]:
    """Which of the views in the folder is for whom."""
    if not is_redacted:
        return [f"  {'':<9} full and INTERNAL: gates, gaps and names. For others, write the view of --redacted"]
    beside = [page.with_name(name) for name in ("report.html", "report.pdf") if page.with_name(name).is_file()]
    lines = [
        f"  {'':<9} redacted, with {page.with_name('assessment-redacted.json').name}: may leave, once it was reviewed"
    ]
    if beside:
        names = listed([each.name for each in beside])
        lines.append(f"  {'':<9} {names} in the same folder: full and INTERNAL, not to be handed on with it")
    return lines


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


def _some(head: str, sentences: tuple[str, ...], most: int = MOST) -> list[str]:
    lines = [f"  {head if number == 0 else '':<9} {each}" for number, each in enumerate(sentences[:most])]
    more = len(sentences) - most
    return [*lines, f"  {'':<9} and {more} more in the report"] if more > 0 else lines


def _next(document: AssessmentDocument) -> str:
    """What can be done by tomorrow, or else the first gap of the path, with what speaks for it in ``evidence.yaml``."""
    order = {name: number for number, name in enumerate(document.gaps.path_to_next.gaps)}
    items = sorted(document.gaps.items, key=lambda each: (order.get(each.gap_id, len(order)), each.priority))
    quick = next((each for each in items if each.is_quick and each.command), None)
    if quick is not None:
        return f"{quick.command}  (by tomorrow: {quick.criterion or quick.gate}, {quick.action})"
    if not items:
        return "nothing: no gap was found"
    return f"{items[0].action}; then an entry '{items[0].entry}' in evidence.yaml, with its files"
