"""Commands ``portfolio`` and ``deliverables``: many units side by side, and what the order asks of one facility."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autolab.cli.days import day_of
from autolab.cli.options import DataFolder, Json, existing
from autolab.cli.output import columns, say, say_json, tell
from autolab.core.errors import InputError

if TYPE_CHECKING:
    from facility_review.deliverables import Deliverables
    from facility_review.pack import Pack
    from facility_review.portfolio import Portfolio

__all__ = ["deliverables", "portfolio"]

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="The day, such as 2026-11-22; today by default."),
]
MOST = 10
"""What is missing, said line by line up to this many; the page has all."""


def portfolio(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Folders that 'autolab review' wrote; or their assessment.json."),
    ],
    out: Annotated[Path, typer.Option("--out", file_okay=False, metavar="DIR", help="Where to write.")] = Path(
        "portfolio"
    ),
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Put the assessments of many units side by side: one HTML page, JSON and CSV. Says where it is.

    Levels are counted, never averaged. What lies below the folders is found at any depth.
    """
    from facility_review.portfolio import portfolio as gather
    from facility_review.portfoliofiles import find_assessments, write_portfolio
    from facility_review.reference import reference

    reads, unread = find_assessments(folders)
    found = gather(reads, reference(), day_of(as_of), unread)
    files = write_portfolio(found, out)
    for note in found.notes:
        tell(f"left out: {note}")
    say_json(_portfolio_answer(found, files)) if json else say(_portfolio_text(found, files))


def deliverables(
    ctx: typer.Context,
    lab: Annotated[Path, typer.Argument(metavar="LAB", help="Lab file; registers.yaml and the others lie beside it.")],
    data: DataFolder = Path("autolab-data"),
    out: Annotated[Path | None, typer.Option("--out", file_okay=False, metavar="DIR", help="Where to write.")] = None,
    as_of: AsOf = None,
    assessment: Annotated[
        Path | None, typer.Option("--assessment", dir_okay=False, metavar="FILE", help="The lab's assessment.json.")
    ] = None,
    challenge: Annotated[
        str | None,
        typer.Option("--challenge", metavar="ID", help="Pack the evidence of a campaign for this challenge."),
    ] = None,
    campaign: Annotated[
        str | None,
        typer.Option("--campaign", metavar="ID", help="Which campaign; the newest that has ended by default."),
    ] = None,
    json: Json = False,
) -> None:
    """Write what the order asks of one facility, from its records: milestones, registers, agreements, yearly chapter.

    With --challenge also an evidence pack of a demonstration campaign, which is read back and checked.
    """
    from autolab.config.lab import load_lab
    from facility_review.deliverables import deliverables as gather
    from facility_review.deliverables import make_pack, write_deliverables
    from facility_review.document import read_document
    from facility_review.reference import reference

    if campaign is not None and challenge is None:
        raise InputError("--campaign has no effect without --challenge ID: add it, or leave --campaign out")
    source = ctx.get_parameter_source("data")
    if source is not None and source.name == "COMMANDLINE":
        existing(data)
    wanted = None if challenge is None else reference().challenge(challenge)
    spec = load_lab(lab)
    assessed = None if assessment is None else read_document(assessment)
    found = gather(spec.name, spec.laboratory, lab.parent, data, day_of(as_of), assessed)
    target = out or data / "deliverables" / spec.name / found.as_of.isoformat()
    pack = None
    if wanted is not None:
        more = {} if assessment is None else {"assessment.json": assessment.read_text(encoding="utf-8")}
        pack = make_pack(found, data, target, wanted, campaign, more)
    files = write_deliverables(found, target, pack)
    missing = (*found.notes, *found.registers.notes, *found.agreements.notes, *found.chapter.notes)
    for note in missing[:MOST]:
        tell(f"missing: {note}")
    if len(missing) > MOST:
        tell(f"missing: and {len(missing) - MOST} more, see the page")
    say_json(_deliverables_answer(found, files, pack)) if json else say(_deliverables_text(found, files, pack))


def _portfolio_text(found: Portfolio, files: Sequence[Path]) -> str:
    units = found.units
    held = sum(bool(unit.open_hold) for unit in units)
    simulated = sum(unit.is_simulated for unit in units)
    levels = [level for level, n in found.by_level.items() if n]
    header = ("laboratory", "units", *levels, "highest assured", "first open hold gate")
    rows = [
        (
            *(lab.id, str(len(lab.units)), *(str(lab.by_level[level] or "·") for level in levels)),
            *(lab.highest_assured, "none known" if lab.lowest_hold is None else " in ".join(lab.lowest_hold)),
        )
        for lab in found.laboratories
    ]
    table = columns([header, *rows], right=range(1, 2 + len(levels)))
    said = f"{_count(len(units), 'unit')}, {held} with an open hold gate, {simulated} simulated"
    return f"{table}\n{said}; as of {found.as_of}\n{files[0]}"


def _portfolio_answer(found: Portfolio, files: Sequence[Path]) -> dict[str, Any]:
    return {
        "as_of": found.as_of.isoformat(),
        "units": len(found.units),
        "by_level": dict(found.by_level),
        "open_hold_gates": {unit.id: list(unit.open_hold) for unit in found.units if unit.open_hold},
        "left_out": list(found.notes),
        "files": [str(path) for path in files],
    }


def _deliverables_text(found: Deliverables, files: Sequence[Path], pack: Pack | None) -> str:
    timeline, registers = found.timeline, found.registers
    days = (timeline.report_due - found.as_of).days
    when = "today" if days == 0 else f"in {_count(days, 'day')}"
    overdue = sum(row.status == "overdue_unconfirmed" for row in timeline.rows)
    in_force = sum(each.is_in_force for each in found.agreements.agreements)
    new_data = sum(not each.is_written for each in registers.data)
    new_models = sum(not each.is_written for each in registers.models)
    rows = [
        ("milestones", f"day {timeline.day}; {overdue} overdue and unconfirmed; yearly report due {when}"),
        ("campaigns", f"{len(found.campaigns)} on record, {_count(sum(c.trials for c in found.campaigns), 'trial')}"),
        ("resources", str(len(registers.resources)) if registers.resources else "none recorded"),
        ("data sets", f"{len(registers.data)}, {new_data} without an entry"),
        (
            "models",
            f"{len(registers.models)}, {new_models} without an entry",
        ),
        ("agreements", f"{in_force} in force" if found.agreements.agreements else "none recorded"),
    ]
    if pack is not None:
        where = pack.folder if pack.zip is None else pack.zip
        realm = "" if pack.realm == "physical" else f" ({pack.realm.upper()})"
        rows.append(("pack", f"{pack.campaign}{realm}, {pack.files} files, read back: {where}"))
    return f"{found.lab}, {found.laboratory}, as of {found.as_of}\n{columns(rows)}\n{files[0]}"


def _deliverables_answer(found: Deliverables, files: Sequence[Path], pack: Pack | None) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "lab": found.lab,
        "as_of": found.as_of.isoformat(),
        "milestones": {row.id: row.status for row in found.timeline.rows},
        "report_due": found.timeline.report_due.isoformat(),
        "campaigns": [each.id for each in found.campaigns],
        "files": [str(path) for path in files],
    }
    if pack is not None:
        answer["pack"] = {
            "folder": str(pack.folder),
            "zip": None if pack.zip is None else str(pack.zip),
            "campaign": pack.campaign,
            "sha256": pack.sha256,
        }
    return answer


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"
