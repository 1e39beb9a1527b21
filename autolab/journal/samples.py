"""The samples of a lab: each has one identity, one place, its parents, and a content that the record adds up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autolab.core.errors import InputError
from autolab.core.operations import OperationId
from autolab.core.principals import Principal
from autolab.core.samples import Sample, sample_id
from autolab.journal.bottles import shelves
from autolab.journal.database import Database
from autolab.journal.journal import Journal

__all__ = ["Poured", "SampleRecord", "bearing", "contents", "label", "parents_of", "poured_into", "register", "sample"]

DUST_UL = 1e-6
"""Less than this is rounding."""
_SAMPLE = "SELECT s.*, p.name AS person FROM samples s LEFT JOIN principals p ON p.id = s.principal "
_POURED = """
SELECT i.*, t.sample AS mine FROM trial_samples t JOIN intents i
    ON i.campaign = t.campaign AND i.trial = t.trial AND i.replicate = t.replicate
WHERE t.sample = ? AND i.state <> 'void' AND json_extract(i.action, '$.material') IS NOT NULL ORDER BY i.rowid
"""
_OTHERS = "SELECT sample FROM trial_samples WHERE campaign = ? AND trial = ? AND replicate = ?"


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """A sample, and whose it is."""

    sample: Sample
    lab: str
    bench: str
    made_by: str | None
    """Who registered it by hand; None where a trial made it."""
    date: str | None
    """When that was."""

    def __str__(self) -> str:
        return f"sample {self.sample.id} ({self.sample.labware}, well {self.sample.well})"


@dataclass(frozen=True, slots=True)
class Poured:
    """A dispense into a sample."""

    operation: str
    campaign: str
    trial: int
    device: str
    material: str
    volume_ul: float
    """What it really used where that is known, in microlitres."""
    state: str
    """``intended``, ``done`` or ``failed``."""
    lab_s: float
    """When it was intended, in lab seconds of its campaign."""


def sample(states: Database, lab: str, name: str) -> SampleRecord:
    """A sample of a lab by its id or its barcode.

    Raises:
        InputError: there is none.
    """
    found = _found(states, lab, name)
    if found is None:
        raise InputError(f"no sample of {lab} is called {name!r}, and none has it as its barcode: see 'autolab show'")
    return found


def bearing(states: Database, lab: str, barcode: str) -> SampleRecord | None:
    """The sample of a lab that has this barcode, or this id; None where none has."""
    return _found(states, lab, barcode)


def label(journal: Journal, lab: str, bench: str, of: str, barcode: str) -> None:
    """Give a sample the barcode that stands on it.

    Args:
        journal: Keeps the record.
        lab: Name of the lab.
        bench: Identity of the hardware's contents.
        of: Id of the sample.
        barcode: What stands on it.

    Raises:
        InputError: the barcode is that of something else, or the sample has another one.
    """
    states = journal.states
    found = sample(states, lab, of)
    if found.sample.barcode == barcode:
        return
    if found.sample.barcode is not None:
        raise InputError(f"{found} has barcode {found.sample.barcode!r} already: a sample keeps the one that it has")
    _refuse_used(states, lab, bench, barcode)
    with journal.commit():
        states.write("UPDATE samples SET barcode = ? WHERE id = ?", (barcode, found.sample.id))


def register(
    journal: Journal, lab: str, bench: str, new: Sample, parents: Sequence[tuple[str, float]], by: Principal
) -> None:
    """Record a sample that a person made.

    Args:
        journal: Keeps the record.
        lab: Name of the lab.
        bench: Identity of the hardware's contents.
        new: The sample, with its place.
        parents: Samples that it was made from, by id or barcode, and how much of each, in microlitres.
        by: Who made it.

    Raises:
        InputError: the barcode is that of something else, the sample is elsewhere, its well holds another one, or a
            parent is not known or does not hold so much.
    """
    states = journal.states
    there = _found(states, lab, new.id)
    if (
        there is not None
        and there.bench == bench
        and (there.sample.labware, there.sample.well)
        != (
            new.labware,
            new.well,
        )
    ):
        raise InputError(
            f"{there} cannot be in {new.labware}, well {new.well}, as well: a sample is in one place; give the new "
            "one an identity of its own, with '--from' for what it was made from"
        )
    _refuse_used(states, lab, bench, new.id)
    where = (lab, bench, new.labware, new.well)
    taken = states.rows("SELECT id FROM samples WHERE lab = ? AND bench = ? AND labware = ? AND well = ?", where)
    if taken:
        raise InputError(
            f"{new.labware}, well {new.well}, holds sample {taken[0]['id']} already: a well is used once; "
            "name a free one"
        )
    made_from = [(_enough(states, lab, name, volume_ul), volume_ul) for name, volume_ul in parents]
    with journal.commit():
        row: dict[str, Any] = {"id": new.id, "lab": lab, "bench": bench, "labware": new.labware, "place": new.place}
        row |= {"well": new.well, "barcode": new.barcode, "principal": journal.principal(by), "date": journal.date()}
        states.insert("samples", **row)
        for parent, volume_ul in made_from:
            states.insert("sample_parents", sample=new.id, parent=parent, volume_ul=volume_ul)


def parents_of(states: Database, of: str) -> list[tuple[str, float]]:
    """Ids of the samples that a sample was made from, and how much of each, in microlitres."""
    rows = states.rows("SELECT parent, volume_ul FROM sample_parents WHERE sample = ? ORDER BY rowid", (of,))
    return [(row["parent"], row["volume_ul"]) for row in rows]


def poured_into(states: Database, of: str) -> list[Poured]:
    """The dispenses into a sample, by whichever trial, the oldest first. What is not settled counts as done."""
    return [
        Poured(
            row["operation"],
            row["campaign"],
            row["trial"],
            row["device"],
            (action := json.loads(row["action"]))["material"],
            row["used_ul"] if row["used_ul"] is not None else action.get("volume_ul") or 0.0,
            row["state"],
            row["intended_lab_s"],
        )
        for row in states.rows(_POURED, (of,))
        if _goes_into(states, row) == of
    ]


def contents(states: Database, of: str) -> dict[str, float]:
    """What a sample holds by the record, in microlitres by material.

    It is what was poured and what came from its parents, less what others were made from.
    """
    whole = _whole(states, of)
    total = sum(whole.values())
    taken = states.rows("SELECT SUM(volume_ul) AS ul FROM sample_parents WHERE parent = ?", (of,))[0]["ul"] or 0.0
    left = max(0.0, 1.0 - taken / total) if total > 0.0 else 0.0
    return {material: volume_ul * left for material, volume_ul in whole.items()}


def _whole(states: Database, of: str) -> dict[str, float]:
    """What ever went into a sample. A sample is made after its parents, so that this comes to an end."""
    found: dict[str, float] = {}
    for poured in poured_into(states, of):
        found[poured.material] = found.get(poured.material, 0.0) + poured.volume_ul
    for parent, volume_ul in parents_of(states, of):
        theirs: Mapping[str, float] = _whole(states, parent)
        total = sum(theirs.values())
        for material, its_ul in theirs.items() if total > 0.0 else ():
            found[material] = found.get(material, 0.0) + its_ul * volume_ul / total
    return found


def _goes_into(states: Database, row: dict[str, Any]) -> str:
    """The sample that an action poured into: that of its attempt, or the one that the trial was given."""
    attempt = OperationId.parse(row["operation"]).attempt
    own = sample_id(row["campaign"], row["trial"], attempt)
    known = {r["sample"] for r in states.rows(_OTHERS, (row["campaign"], row["trial"], row["replicate"]))}
    return own if own in known else row["mine"]


def _enough(states: Database, lab: str, name: str, volume_ul: float) -> str:
    """Id of a parent that holds so much.

    Raises:
        InputError: there is none, or it holds less.
    """
    parent = sample(states, lab, name)
    held_ul = sum(contents(states, parent.sample.id).values())
    if volume_ul > held_ul + DUST_UL:
        raise InputError(
            f"{parent} holds {held_ul:.4g} µL by the record, and {volume_ul:g} µL cannot come from it: look again"
        )
    return parent.sample.id


def _refuse_used(states: Database, lab: str, bench: str, barcode: str) -> None:
    if (there := _found(states, lab, barcode)) is not None:
        raise InputError(f"barcode {barcode!r} is that of {there}: a barcode names one thing; use another one")
    for shelf in shelves(states, lab, bench).values():
        for bottle in shelf.bottles():
            if bottle.id == barcode:
                raise InputError(
                    f"barcode {barcode!r} is that of a bottle of {bottle.material}: a barcode names one thing; use "
                    "another one"
                )


def _found(states: Database, lab: str, name: str) -> SampleRecord | None:
    rows = states.rows(f"{_SAMPLE} WHERE s.lab = ? AND (s.id = ? OR s.barcode = ?)", (lab, name, name))
    for row in rows:
        held = Sample(row["id"], row["labware"], row["place"], row["well"], row["barcode"])
        return SampleRecord(held, row["lab"], row["bench"], row["person"], row["date"])
    return None
