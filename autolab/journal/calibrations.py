"""Calibrations as they were performed: each from its beginning on, with what it gave and which trials relied on it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from autolab.core.calibrations import Calibration, Validity
from autolab.core.canonical import canonical_json
from autolab.core.operations import CALIBRATING
from autolab.core.principals import Principal
from autolab.core.samples import Sample
from autolab.core.trials import Outcome
from autolab.journal.database import Database
from autolab.journal.journal import Journal

__all__ = [
    "Begun",
    "Performed",
    "Use",
    "begin",
    "close_open",
    "done",
    "fail",
    "first_done",
    "history",
    "last_done",
    "of_campaign",
    "of_lab",
    "relied_on",
    "use",
    "use_well",
    "uses_of",
]

_ROWS = "SELECT c.*, p.name AS person FROM calibrations c JOIN principals p ON p.id = c.principal "
_outcome = TypeAdapter(Outcome)
_validity = TypeAdapter(Validity)


@dataclass(frozen=True, slots=True)
class Performed:
    """A calibration that was performed, or that did not come to its end."""

    id: int
    lab: str
    bench: str
    name: str
    kind: str
    instruments: Mapping[str, str]
    """Model and serial number of each instrument that it is for, by the name of the device."""
    declared: str
    """Content hash of how it was done."""
    campaign: str
    trial: int
    """The trial before which it was performed."""
    attempt: int
    by: str
    state: str
    """``begun``, ``done`` or ``failed``."""
    begun: str
    ended: str | None
    lab_s: float | None
    """Lab seconds of its campaign at its end."""
    runs: tuple[str, ...]
    """Uids of its Bluesky runs."""
    values: Outcome | None
    """What its reducer gave; None where it has none."""
    failure: str | None
    valid: Validity
    """How long it was declared to be valid."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A calibration that has just begun."""

    id: int
    replicate: int
    """Replicate number of its operation ids."""


@dataclass(frozen=True, slots=True)
class Use:
    """A run of a trial that relied on a calibration."""

    calibration: int
    run: str
    """Uid of the run; empty where an instrument acted before a run was open."""
    measurements: int


def begin(
    journal: Journal,
    calibration: Calibration,
    instruments: Mapping[str, str],
    campaign: str,
    trial: int,
    attempt: int,
    by: Principal,
) -> Begun:
    """Record that a calibration begins.

    Args:
        journal: Keeps the record.
        calibration: What is performed.
        instruments: Model and serial number of each instrument that it is for.
        campaign: Id of the campaign.
        trial: The trial before which it is performed.
        attempt: The attempt at it.
        by: Who has it performed.
    """
    with journal.commit():
        place = (campaign, trial, attempt)
        counted = journal.states.rows(
            "SELECT COUNT(*) AS n FROM calibrations WHERE campaign = ? AND trial = ? AND attempt = ?", place
        )
        replicate = CALIBRATING + counted[0]["n"]
        (where,) = journal.states.rows("SELECT lab, bench FROM campaigns WHERE id = ?", (campaign,))
        row = journal.states.insert(
            "calibrations",
            lab=where["lab"],
            bench=where["bench"],
            name=calibration.name,
            kind=calibration.kind,
            instruments=canonical_json(instruments),
            declared=calibration.declared,
            campaign=campaign,
            trial=trial,
            attempt=attempt,
            replicate=replicate,
            principal=journal.principal(by),
            state="begun",
            begun=journal.date(),
            valid=canonical_json(calibration.valid),
        )
    return Begun(row, replicate)


def done(journal: Journal, begun: Begun, runs: Sequence[str], values: Outcome | None) -> None:
    """Record that a calibration has ended well, and what it gave. Its documents are on the disk before."""
    journal.documents.make_durable()
    said = None if values is None else canonical_json(values)
    journal.states.write(
        "UPDATE calibrations SET state = 'done', ended = ?, lab_s = ?, runs = ?, \"values\" = ? WHERE id = ?",
        (journal.date(), journal.lab_s(), canonical_json(list(runs)), said, begun.id),
    )


def fail(journal: Journal, begun: Begun, runs: Sequence[str], why: str) -> None:
    """Record that a calibration has given nothing usable."""
    journal.states.write(
        "UPDATE calibrations SET state = 'failed', ended = ?, lab_s = ?, runs = ?, failure = ? WHERE id = ?",
        (journal.date(), journal.lab_s(), canonical_json(list(runs)), why, begun.id),
    )


def close_open(journal: Journal, campaign: str, trial: int) -> None:
    """Record that calibrations before a trial did not come to their end: what they would have given is not known."""
    journal.states.write(
        "UPDATE calibrations SET state = 'failed', ended = ?, failure = ? "
        "WHERE campaign = ? AND trial = ? AND state = 'begun'",
        (journal.date(), "it did not come to its end", campaign, trial),
    )


def use_well(journal: Journal, campaign: str, trial: int, begun: Begun, sample: Sample, bench: str) -> None:
    """Record the well that a calibration uses."""
    with journal.commit():
        (where,) = journal.states.rows("SELECT lab FROM campaigns WHERE id = ?", (campaign,))
        place = {"labware": sample.labware, "place": sample.place, "well": sample.well}
        journal.states.insert("samples", id=sample.id, lab=where["lab"], bench=bench, **place)
        link = {"campaign": campaign, "trial": trial, "replicate": begun.replicate, "sample": sample.id}
        journal.states.insert("trial_samples", **link)


def use(journal: Journal, calibration: int, campaign: str, trial: int, attempt: int, run: str, n: int) -> None:
    """Record that a run of a trial relies on a calibration, and so many further measurements with it."""
    place = (calibration, campaign, trial, attempt, run)
    with journal.commit():
        known = journal.states.rows(
            "UPDATE calibration_uses SET measurements = measurements + ? WHERE calibration = ? AND campaign = ? "
            "AND trial = ? AND attempt = ? AND run = ? RETURNING run",
            (n, *place),
        )
        if not known:
            names = ("calibration", "campaign", "trial", "attempt", "run")
            journal.states.insert("calibration_uses", **dict(zip(names, place, strict=True)), measurements=n)


def last_done(states: Database, lab: str, bench: str, name: str, after: int = 0) -> Performed | None:
    """The last performance of a calibration on a bench that ended well; None where there is none.

    Args:
        states: Database of the states.
        lab: Name of the lab.
        bench: Identity of the hardware's contents.
        name: Name of the calibration.
        after: Only one that was begun after the performance with this number.
    """
    where = "c.lab = ? AND c.bench = ? AND c.name = ? AND c.state = 'done' AND c.id > ? ORDER BY c.id DESC LIMIT 1"
    return next(iter(_read(states, where, (lab, bench, name, after))), None)


def first_done(states: Database, lab: str, bench: str, name: str, after: int) -> Performed | None:
    """The first performance after another one that ended well, as `last_done`."""
    where = "c.lab = ? AND c.bench = ? AND c.name = ? AND c.state = 'done' AND c.id > ? ORDER BY c.id LIMIT 1"
    return next(iter(_read(states, where, (lab, bench, name, after))), None)


def history(states: Database, lab: str, bench: str, calibration: Calibration) -> list[Performed]:
    """All performances on a bench that ended well and were done as the calibration is declared, the oldest first."""
    where = "c.lab = ? AND c.bench = ? AND c.name = ? AND c.state = 'done' AND c.declared = ? ORDER BY c.id"
    return _read(states, where, (lab, bench, calibration.name, calibration.declared))


def uses_of(states: Database, calibration: int) -> tuple[int, int]:
    """How many attempts at trials have relied on a performance, and how many measurements were made with it."""
    (row,) = states.rows(
        "SELECT COUNT(*) AS trials, COALESCE(SUM(n), 0) AS n FROM (SELECT SUM(measurements) AS n FROM "
        "calibration_uses WHERE calibration = ? GROUP BY campaign, trial, attempt)",
        (calibration,),
    )
    return row["trials"], row["n"]


def relied_on(states: Database, campaign: str, trial: int) -> list[tuple[Use, Performed]]:
    """What the runs of a trial relied on, in the order in which it was performed."""
    uses = [
        Use(row["calibration"], row["run"], row["measurements"])
        for row in states.rows(
            "SELECT * FROM calibration_uses WHERE campaign = ? AND trial = ? ORDER BY calibration, rowid",
            (campaign, trial),
        )
    ]
    ids = json.dumps([one.calibration for one in uses])
    known = {one.id: one for one in _read(states, "c.id IN (SELECT value FROM json_each(?))", (ids,))}
    return [(one, known[one.calibration]) for one in uses]


def of_campaign(states: Database, campaign: str) -> list[Performed]:
    """What was performed in a campaign, the oldest first."""
    return _read(states, "c.campaign = ? ORDER BY c.id", (campaign,))


def of_lab(states: Database, lab: str, bench: str) -> list[Performed]:
    """What was performed in a lab on a bench, the oldest first."""
    return _read(states, "c.lab = ? AND c.bench = ? ORDER BY c.id", (lab, bench))


def _read(states: Database, where: str, values: tuple[object, ...]) -> list[Performed]:
    return [
        Performed(
            row["id"],
            row["lab"],
            row["bench"],
            row["name"],
            row["kind"],
            json.loads(row["instruments"]),
            row["declared"],
            row["campaign"],
            row["trial"],
            row["attempt"],
            row["person"],
            row["state"],
            row["begun"],
            row["ended"],
            row["lab_s"],
            tuple(json.loads(row["runs"] or "[]")),
            None if row["values"] is None else _outcome.validate_json(row["values"]),
            row["failure"],
            _validity.validate_json(row["valid"]),
        )
        for row in states.rows(f"{_ROWS} WHERE {where}", values)
    ]
