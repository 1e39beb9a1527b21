"""Samples that people label or make by hand, while no controller runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from autolab.compose.acting import acting_as
from autolab.compose.amending import held_journal
from autolab.compose.approving import lab_of
from autolab.config.fields import BARCODE, PATTERNS
from autolab.config.materials import volume_ul
from autolab.core.authority import Action
from autolab.core.errors import InputError
from autolab.core.samples import Sample
from autolab.journal import samples
from autolab.journal.journal import Journal
from autolab.journal.records import CampaignRecord

__all__ = ["add_sample", "label_sample"]


def label_sample(data: Path, campaign: str, name: str, barcode: str, person: str | None) -> str:
    """Give a sample the barcode that stands on it.

    Args:
        data: The data folder.
        campaign: Id of a campaign of the sample's lab, or its beginning.
        name: Id of the sample.
        barcode: What stands on it.
        person: Who says so, as the lab file names them; None for the account.

    Returns:
        What was done, in one sentence.

    Raises:
        InputError: there is no such sample, the barcode is that of something else, or a controller runs.
        NotAuthorisedError: this person may not, or cannot prove who they are.
    """
    _require_barcode(barcode)
    with _held(data, campaign) as (journal, record, bench):
        who = acting_as(lab_of(record).authority, person, Action.BY_HAND, record.id)
        known = samples.sample(journal.states, record.lab, name)
        with journal.commit():
            samples.label(journal, record.lab, bench, known.sample.id, barcode)
            journal.intervene(record.id, None, who, "label", f"{known} has barcode {barcode}")
    return f"{known} has barcode {barcode}"


def add_sample(data: Path, campaign: str, barcode: str, at: str, made_from: Sequence[str], person: str | None) -> str:
    """Record a sample that a person made.

    Args:
        data: The data folder.
        campaign: Id of a campaign of the sample's lab, or its beginning.
        barcode: Its identity.
        at: Where it is, as ``labware:well``.
        made_from: Samples that it was made from, each as ``sample=volume``.
        person: Who made it, as the lab file names them; None for the account.

    Returns:
        What was done, in one sentence.

    Raises:
        InputError: the barcode is that of something else, the place is not there or taken, or a parent is not known or
            does not hold so much.
        NotAuthorisedError: this person may not, or cannot prove who they are.
    """
    _require_barcode(barcode)
    with _held(data, campaign) as (journal, record, bench):
        lab = lab_of(record)
        who = acting_as(lab.authority, person, Action.BY_HAND, record.id)
        places = {
            f"{kind.name}-{n}": (p, kind.wells) for kind in lab.labware.values() for n, p in enumerate(kind.places, 1)
        }
        labware, _, number = at.rpartition(":")
        if labware not in places:
            raise InputError(
                f"--at {at}: {labware or at!r} is no labware of {lab.name}: {', '.join(places) or 'it has none'}"
            )
        place, wells = places[labware]
        if not number.isdecimal() or int(number) >= wells:
            raise InputError(f"--at {at}: {labware} has wells 0 to {wells - 1}, and {number!r} was given")
        new = Sample(barcode, labware, place, int(number), barcode)
        with journal.commit():
            samples.register(journal, record.lab, bench, new, [_parent(text) for text in made_from], who)
            journal.intervene(record.id, None, who, "sample", f"{barcode} is in {labware}, well {number}")
    return f"sample {barcode} is in {labware}, well {number}: no trial is given this well"


@contextmanager
def _held(data: Path, campaign: str) -> Iterator[tuple[Journal, CampaignRecord, str]]:
    """The journal for this process alone, the campaign, and its bench."""
    with held_journal(data, campaign) as (journal, record):
        (row,) = journal.states.rows("SELECT bench FROM campaigns WHERE id = ?", (record.id,))
        yield journal, record, row["bench"]


def _parent(text: str) -> tuple[str, float]:
    name, equals, amount = text.partition("=")
    if not equals or not name:
        raise InputError(f"--from {text}: write SAMPLE=VOLUME, such as V-17=20uL")
    try:
        return name, volume_ul(amount if not _is_number(amount) else float(amount), "20 uL")
    except InputError as error:
        raise InputError(f"--from {text}: {error}") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _require_barcode(text: str) -> None:
    if not re.fullmatch(BARCODE, text):
        raise InputError(f"{text!r} is not {PATTERNS[BARCODE]}")
