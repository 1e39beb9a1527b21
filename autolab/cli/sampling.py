"""Commands about samples and supplies: ``sample show``, ``sample label``, ``sample add``, ``stock``, ``refill``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autolab.cli.options import ActingAs, CampaignId, DataFolder, Json, OneOrNewest
from autolab.cli.output import columns, say, say_json

__all__ = ["commands", "refill", "stock"]

commands = typer.Typer(no_args_is_help=True, help="Samples: where one comes from, its barcode, one made by hand.")

Name = Annotated[str, typer.Argument(metavar="SAMPLE", help="Id of a sample of the campaign's lab, or its barcode.")]


@commands.command()
def show(campaign: CampaignId, name: Name, data: DataFolder = Path("autolab-data"), json: Json = False) -> None:
    """Show a sample: place, content, and where it comes from, back to the stock bottles."""
    from autolab.cli.tracing import trace_lines
    from autolab.core.canonical import plain
    from autolab.journal.reader import JournalReader
    from autolab.journal.samples import sample
    from autolab.report.provenance import sample_trace

    reader = JournalReader.open(data)
    try:
        found = sample(reader.states, reader.campaign(campaign).lab, name)
        trace, gaps = sample_trace(reader, found)
    finally:
        reader.close()
    if json:
        say_json({**plain(trace), "date": found.date, "gaps": list(gaps)})
    else:
        say("\n".join(trace_lines(trace, gaps, "")))


@commands.command()
def label(
    campaign: CampaignId,
    name: Name,
    barcode: Annotated[str, typer.Argument(metavar="BARCODE", help="What stands on it.")],
    person: ActingAs = None,
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Give a sample the barcode that stands on it."""
    from autolab.compose.sampling import label_sample

    say(label_sample(data, campaign, name, barcode, person))


@commands.command()
def add(
    campaign: CampaignId,
    barcode: Annotated[str, typer.Argument(metavar="BARCODE", help="Its identity: what stands on it.")],
    at: Annotated[str, typer.Option("--at", metavar="LABWARE:WELL", help="Where it is, such as strip-2:5.")],
    made_from: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="SAMPLE=VOLUME", help="A sample that it was made from, such as V-17=20uL."),
    ] = None,
    person: ActingAs = None,
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Record a sample that a person made. Its well is given to no trial."""
    from autolab.compose.sampling import add_sample

    say(add_sample(data, campaign, barcode, at, made_from or [], person))


def refill(
    lab: Annotated[Path, typer.Argument(metavar="LAB", help="The lab file.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The material or consumable.")],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="What is there now: '250 mL', or pieces.")],
    bottle: Annotated[str | None, typer.Option("--bottle", metavar="BARCODE", help="Of another bottle.")] = None,
    lot: Annotated[str | None, typer.Option("--lot", metavar="TEXT", help="Lot of what is in it.")] = None,
    expires: Annotated[str | None, typer.Option("--expires", metavar="DAY", help="Such as 2027-03-31.")] = None,
    person: ActingAs = None,
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Write down what was refilled: the line of the lab file from which it is counted down. Nothing may run."""
    from autolab.compose.refilling import Filling
    from autolab.compose.refilling import refill as write_down

    say(write_down(data, lab, Filling(name, amount, bottle, lot, expires), person))


def stock(campaign: OneOrNewest = None, data: DataFolder = Path("autolab-data"), json: Json = False) -> None:
    """Say what is left of materials, wells, tips and waste, what a campaign has used, and what it will still need."""
    from autolab.compose.supplyview import supplies_of
    from autolab.core.canonical import plain
    from autolab.journal.reader import JournalReader

    reader = JournalReader.open(data)
    try:
        name = reader.campaign(campaign).id
    finally:
        reader.close()
    record, supplies = supplies_of(data, name)
    if json:
        said = [{**plain(supply), "is_enough": supply.is_enough} for supply in supplies]
        say_json({"campaign": record.id, "supplies": said})
        return
    said = {True: "", False: "NOT ENOUGH", None: ""}
    rows = [
        (
            supply.name,
            " ".join(text for text in (supply.bottle, supply.lot and f"lot {supply.lot}") if text) or "–",
            supply.text(supply.left),
            supply.text(supply.booked),
            supply.text(supply.predicted),
            said[supply.is_enough],
        )
        for supply in supplies
    ]
    head = ("what", "bottle", "left", "used so far", "still needed", "")
    say(columns([head, *rows], right=(2, 3, 4)) if rows else f"{record.id}: its lab declares nothing that is used up")
