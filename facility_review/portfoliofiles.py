"""Finds the assessments that a portfolio is made from, and writes it: a page, JSON and tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autolab.core.errors import InputError
from facility_review.document import read_document
from facility_review.files import csv_text, json_text, write_whole
from facility_review.portfolio import Next, Portfolio, Read
from facility_review.portfoliopage import render_portfolio

__all__ = ["find_assessments", "portfolio_json", "portfolio_tables", "write_portfolio"]

NAME = "assessment.json"
_UNIT_COLUMNS = (
    *("laboratory", "unit", "name", "level", "assured_level", "simulated", "index", "index_from", "index_to"),
    *("coverage", "instrument_version", "as_of", "open_hold_gates", "next_level", "person_days_from"),
    *("person_days_to", "earliest", "latest"),
)
_HEAT_COLUMNS = ("laboratory", "version", "dimension", "median", "worst", "worst_unit", "n_units")
_GATE_COLUMNS = ("laboratory", "unit", "gate", "kind", "state")
_GAP_COLUMNS = ("subject", "n_units", "n_laboratories", "person_days_from", "person_days_to", "action", "units")


def find_assessments(places: Sequence[Path]) -> tuple[list[Read], list[str]]:
    """Read every assessment at or below some places. A file that cannot be read is passed over, and said.

    Args:
        places: Folders, or files.

    Raises:
        InputError: a place does not exist, or there is no assessment that can be read.
    """
    files: dict[Path, Path] = {}
    for place in places:
        if not place.exists():
            raise InputError(f"{place}: there is no such folder: name the folders that 'autolab review' wrote")
        found = [place] if place.is_file() else sorted(place.rglob(NAME))
        files |= {path.resolve(): path for path in found if path.resolve() not in files}
    reads: list[Read] = []
    unread: list[str] = []
    for path in files.values():
        try:
            reads.append(Read(str(path), read_document(path)))
        except InputError as error:
            unread.append(str(error))
    if not reads:
        why = "; ".join(unread) or f"no {NAME} below {', '.join(map(str, places))}"
        raise InputError(f"{why}: run 'autolab review' for a lab first, and name the folder that it wrote")
    return reads, unread


def write_portfolio(found: Portfolio, out: Path) -> list[Path]:
    """Write all files of a portfolio, each whole or not at all. Returns their paths, the page first.

    Raises:
        StorageError: no room or no right to write.
    """
    texts = {
        "portfolio.html": render_portfolio(found),
        "portfolio.json": portfolio_json(found),
        **{f"portfolio-{name}.csv": text for name, text in portfolio_tables(found).items()},
    }
    return [write_whole(out / name, text) for name, text in texts.items()]


def portfolio_json(found: Portfolio) -> str:
    """The portfolio as JSON. The same portfolio gives the same text."""
    return json_text(found)


def portfolio_tables(found: Portfolio) -> dict[str, str]:
    """Units, scores by dimension, gates and gaps as CSV, by name."""
    dimensions = [name for name, _ in found.dimensions]
    units = [
        (
            *(laboratory.id, unit.id, unit.name, unit.level, unit.assured, _yes(unit.is_simulated)),
            *(_number(unit.index), *map(_number, unit.index_interval or (None, None))),
            *(_number(unit.coverage), unit.version, unit.as_of, " ".join(unit.open_hold)),
            *_next(unit.next),
        )
        for laboratory in found.laboratories
        for unit in laboratory.units
    ]
    heat = [
        (laboratory.id, row.version, name, _number(cell.median), _number(cell.worst), cell.worst_unit, cell.n)
        for laboratory in found.laboratories
        for row in laboratory.heat
        for name in dimensions
        if (cell := row.cells.get(name)) is not None
    ]
    gates = [
        (laboratory.id, unit.id, gate, kind, unit.gates.get(gate, "withheld"))
        for laboratory in found.laboratories
        for unit in laboratory.units
        for gate, _, kind in found.gates
    ]
    gaps = [
        (row.subject, len(row.units), row.laboratories, *map(_number, row.person_days), row.action, " ".join(row.units))
        for row in found.gaps
    ]
    return {
        "units": csv_text(_UNIT_COLUMNS, units),
        "dimensions": csv_text(
            ("laboratory", "version", "dimension", "median", "worst", "worst_unit", "n_units"), heat
        ),
        "gates": csv_text(_GATE_COLUMNS, gates),
        "gaps": csv_text(
            ("subject", "n_units", "n_laboratories", "person_days_from", "person_days_to", "action", "units"), gaps
        ),
    }


def _next(found: Next | None) -> tuple[object, ...]:
    if found is None:
        return ("",) * 5
    return (found.target, *map(_number, found.person_days or (None, None)), *(found.earliest or ("", "")))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
