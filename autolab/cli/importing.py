"""The command ``import``: what was measured before becomes trials that a campaign can learn from."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autolab.cli.options import DataFolder, Json
from autolab.cli.output import columns, say, say_json, tell
from autolab.core.errors import InputError
from autolab.core.trials import Realm

if TYPE_CHECKING:
    from autolab.compose.importing import Imported
    from autolab.core.imports import ReadTable

__all__ = ["Where", "import_"]

SHOWN = 8
"""Rows of the preview."""


class Where(StrEnum):
    """Where rows were measured."""

    PHYSICAL = Realm.PHYSICAL.value
    EMULATED = Realm.EMULATED.value
    SIMULATED = Realm.SIMULATED.value


def import_(
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="The campaign file; nothing is run.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, Excel (.xlsx) or Parquet, with headings.")],
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Says what the columns are, where headings do not.")
    ] = None,
    realm: Annotated[
        Where | None,
        typer.Option("--realm", metavar="physical|emulated|simulated", help="Where the rows were measured."),
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Show what would be taken; write nothing.")] = False,
    data: DataFolder = Path("autolab-data"),
    json: Json = False,
) -> None:
    """Import earlier measurements as trials that campaigns can learn from. Rows that do not fit are listed."""
    from autolab.compose.importing import ImportWish, import_table, preview_table
    from autolab.core.principals import local_person

    wish = ImportWish(campaign, file, mapping, None if realm is None else realm.value)
    show: Callable[[ReadTable], None] = (lambda _: None) if json else _show
    if preview:
        found = preview_table(wish, data)
        show(found.table)
    else:
        found = import_table(wish, data, local_person(), show)
    if json:
        say_json(_as_json(found))
    if not found.table.rows:
        raise InputError(f"{file}: no row can be taken: nothing was written")
    if not json:
        say(_ending(found, campaign))


def _show(table: ReadTable) -> None:
    for note in table.notes:
        tell(f"note: {note}")
    say("\n".join(f"{column}" for column in table.columns))
    if table.rows:
        say("")
        say(columns(_preview(table), right=range(len(_preview(table)[0]))))
    if len(table.rows) > SHOWN:
        say(f"… and {len(table.rows) - SHOWN} more rows like these")
    if table.refused:
        tell(f"\n{table.n_refused} of {table.n_read} rows are refused:")
    for refusal in table.refused:
        tell(f"{table.file}: {refusal}")


def _preview(table: ReadTable) -> list[tuple[str, ...]]:
    first = table.rows[0]
    rows = [("row", *first.values, *first.outcome)]
    for row in table.rows[:SHOWN]:
        values = [f"{value:.6g}" if isinstance(value, float) else str(value) for value in row.values.values()]
        outcome = [
            f"{each.value:.6g}" if each.sem is None else f"{each.value:.6g} ± {each.sem:.2g}"
            for each in row.outcome.values()
        ]
        rows.append((str(row.source.row), *values, *outcome))
    return rows


def _ending(found: Imported, campaign: Path) -> str:
    taken = f"{len(found.table.rows)} of {found.table.n_read} rows"
    if found.campaign is None:
        return f"\n{taken} would be taken; nothing was written: leave --preview out"
    return (
        f"\n{taken} are trials of {found.campaign} ({str(found.realm).upper()}). To learn from them, write in "
        f"{campaign.name}: earlier: [{found.campaign}]"
    )


def _as_json(found: Imported) -> dict[str, Any]:
    from autolab.core.canonical import plain

    table = found.table
    return {
        "campaign": found.campaign,
        "realm": found.realm,
        "file": table.file,
        "sha256": table.sha256,
        "sheet": table.sheet,
        "columns": plain(table.columns),
        "values": plain(table.constants),
        "rows": table.n_read,
        "taken": len(table.rows),
        "preview": plain(table.rows[:SHOWN]),
        "refused": plain(table.refused),
        "notes": list(table.notes),
    }
