"""What the journal of a data folder says of each unit, read once, in the columns that the collectors need.

The queries are in `facility_review.queries`.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from autolab.core.canonical import content_hash
from autolab.core.imports import IMPORTED
from autolab.core.trials import TrialState
from autolab.journal.conformance import ConformanceTest, conformance_tests
from autolab.journal.histories import Moment, moments
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, DeviceRecord
from facility_review.queries import QUERIES

__all__ = ["Campaign", "Intervention", "Ledger", "Proof", "ProofPath", "Trial", "Trip", "read_ledgers"]


class Trial(msgspec.Struct, frozen=True, gc=False):
    """One trial, as far as metrics look at it. There are many, and a frozen dataclass takes longer to make."""

    number: int
    state: str
    engine: str
    realm: str
    fault: str | None
    repeat_of: int | None
    values: str
    """As JSON; read where it is needed."""
    outcome: Mapping[str, tuple[float, float | None]] | None
    """Value and standard error by metric; None where there is none."""
    proposer_s: float | None
    """Seconds that it waited for the proposer."""
    is_informed: bool
    """Whether its suggestion had seen an outcome."""
    is_judged: bool
    """Whether the screen has given a verdict."""
    has_sample: bool
    has_run: bool
    has_permit: bool
    """Whether a permit for exactly its values was used."""
    plan_hash: str | None
    begun_s: float | None
    """Lab seconds from the campaign's start until it ran first; None where it never did."""
    begun: str | None
    """Date of that, ISO 8601 in UTC."""
    ended_s: float
    """Lab seconds of its last change of state."""
    ended: str
    n_commands: int = 0
    """Actions that it sent to devices."""
    used_ul: float | None = None
    """Microlitres of material that they used; None where none of them uses any."""


@dataclass(frozen=True, slots=True)
class Intervention:
    """Something that a person, or the system itself, did to a campaign."""

    trial: int | None
    name: str
    kind: str
    cause: str
    detail: str
    lab_s: float
    date: str


@dataclass(frozen=True, slots=True)
class Trip:
    """A trip of the lab, with its reset where there was one."""

    campaign: str
    cause: str
    lab_s: float
    date: str
    reset_by: str | None
    reset_kind: str | None
    reset: str | None


@dataclass(frozen=True, slots=True)
class ProofPath:
    """One way from a cause to what it must bring about, exercised once."""

    rule: str
    cause: str
    passed: bool
    latch_ms: float | None
    power_ms: float | None


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof test of the lab's interlocks and relay."""

    id: int
    lab_hash: str
    by: str
    date: str
    passed: bool
    paths: tuple[ProofPath, ...]


@dataclass(frozen=True)
class Campaign:
    """One campaign with all that was recorded of it."""

    record: CampaignRecord
    person: tuple[str, str]
    """Name and kind of the principal who started it."""
    devices: tuple[DeviceRecord, ...]
    trials: tuple[Trial, ...]
    starts: tuple[tuple[int, float, str], ...]
    """Trial, lab seconds and date of each start and each new attempt."""
    faults: tuple[tuple[int, float, str], ...]
    """Trial, lab seconds and date of each failure, attempts among them."""
    interventions: tuple[Intervention, ...]
    settled: tuple[Intervention, ...]
    """Actions in doubt that somebody has settled."""
    replicates: Mapping[int, tuple[Mapping[str, tuple[float, float | None]], ...]]
    """Outcomes of each replicate, by trial; only of trials that have several."""
    used_ul: Mapping[str, float]
    """Microlitres that were used, by material."""
    approved: tuple[int, ...]
    """Trials whose approvals were used."""
    needing_approval: tuple[int, ...]
    corrected: tuple[int, ...]
    holds: tuple[str, ...]
    """Dates on which a person asked from another process that it pauses or stops."""
    calibrated: frozenset[int] = frozenset()
    """Trials whose runs relied on calibrations that stood."""

    @cached_property
    def digest(self) -> str:
        """Hash over all rows that were read of it."""
        rows = [msgspec.json.encode(self.trials).decode()]
        rows += [repr(self.record), repr(self.person), repr(self.devices), repr(self.starts), repr(self.faults)]
        rows += [repr(self.interventions), repr(self.settled), repr(self.replicates), repr(self.approved)]
        rows += [repr((self.needing_approval, self.used_ul, self.corrected, self.holds))]
        rows += [repr(sorted(self.calibrated))] if self.calibrated else []
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()

    @cached_property
    def _begun(self) -> tuple[str, str] | None:
        """When the first and the last trial began; None where there is none, or one that never did."""
        begun = [trial.begun for trial in self.trials]
        dates = [date for date in begun if date is not None]
        return (min(dates), max(dates)) if dates and len(dates) == len(begun) else None

    def begun_between(self, first: str, last: str) -> tuple[Trial, ...]:
        """Trials that began between two days, both included; ISO 8601."""
        ends = self._begun
        if ends is not None and first <= ends[0][:10] and ends[1][:10] <= last:
            return self.trials  # nearly always
        return tuple(trial for trial in self.trials if trial.begun is not None and first <= trial.begun[:10] <= last)

    def newest_between(self, first: str, last: str) -> str | None:
        """When the newest of these began; None where there is none."""
        ends, trials = self._begun, self.begun_between(first, last)
        if ends is not None and trials is self.trials:
            return ends[1]
        return max((trial.begun for trial in trials if trial.begun is not None), default=None)

    @cached_property
    def points(self) -> Mapping[int, dict[str, Any]]:
        """The values of each trial, by its number."""
        values = msgspec.json.decode(f"[{','.join(trial.values for trial in self.trials)}]")
        return {trial.number: point for trial, point in zip(self.trials, values, strict=True)}

    @cached_property
    def contest(self) -> str:
        """What campaigns must share to be compared: the problem, the budget and the number of lanes, as a hash."""
        return content_hash([self.record.problem, self.record.budget_trials, self.record.lanes])

    @cached_property
    def losses(self) -> tuple[float, ...]:
        """Losses of the trials that were started, in their order: small is good, infinite where there is no result."""
        objective = self.record.problem.objective
        found: list[float] = []
        for trial in self.trials:
            if trial.begun is not None:
                value = (trial.outcome or {}).get(objective.metric) if trial.state == "ingested" else None
                found.append(math.inf if value is None else objective.loss(value[0]))
        return tuple(found)

    @property
    def metric(self) -> str:
        """The objective's metric."""
        return self.record.problem.objective.metric


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that a data folder records of one lab."""

    lab: str
    folder: Path | None
    campaigns: tuple[Campaign, ...] = ()
    trips: tuple[Trip, ...] = ()
    bypasses: tuple[Mapping[str, Any], ...] = ()
    proofs: tuple[Proof, ...] = field(default=())
    conformance: tuple[ConformanceTest, ...] = ()


Rows = Sequence[dict[str, Any]]
_NO_COMMANDS = {"n": 0, "used_ul": None}
_LAB_S, _DATE = itemgetter(1), itemgetter(2)  # of a moment


def read_ledgers(reader: JournalReader, folder: Path | None) -> dict[str, Ledger]:
    """Read the journal of a data folder, by lab.

    Args:
        reader: Its journal, open.
        folder: The data folder, for the record.

    Raises:
        StorageError: it is damaged.
    """
    with reader.states.snapshot():
        records = reader.campaigns()
        tables = {name: reader.states.rows(query) for name, query in QUERIES.items()}
    by_campaign = {name: _grouped(rows, "campaign") for name, rows in tables.items() if rows and "campaign" in rows[0]}
    people = reader.states.rows("SELECT c.id, p.name, p.kind FROM campaigns c JOIN principals p ON p.id = c.principal")
    person = {row["id"]: (row["name"], row["kind"]) for row in people}
    campaigns: dict[str, list[Campaign]] = defaultdict(list)
    for record in records:
        if record.state == IMPORTED:  # measured before and elsewhere: it says nothing of what this lab has done
            continue
        if not record.is_experiment:
            continue
        mine = {name: rows.get(record.id, []) for name, rows in by_campaign.items()}
        campaigns[record.lab].append(_campaign(record, person[record.id], mine))
    paths = _grouped(tables["proof paths"], "test")
    tested = [row["lab"] for row in reader.states.rows("SELECT DISTINCT lab FROM conformance_tests")]
    labs = {*campaigns, *tested, *(row["lab"] for name in ("trips", "bypasses", "proof tests") for row in tables[name])}
    return {
        lab: Ledger(
            lab,
            folder,
            tuple(campaigns.get(lab, ())),
            tuple(_trip(row) for row in tables["trips"] if row["lab"] == lab),
            tuple(row for row in tables["bypasses"] if row["lab"] == lab),
            tuple(_proof(row, paths.get(row["id"], [])) for row in tables["proof tests"] if row["lab"] == lab),
            tuple(conformance_tests(reader.states, lab)),
        )
        for lab in sorted(labs)
    }


def _grouped(rows: Rows, key: str) -> dict[Any, list[dict[str, Any]]]:
    found: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return found


def _campaign(record: CampaignRecord, person: tuple[str, str], rows: Mapping[str, Rows]) -> Campaign:
    histories = {row["number"]: moments(row["history"]) for row in rows.get("trials", ())}
    ended = {trial: _ended(history) for trial, history in histories.items()}
    commands = {row["trial"]: row for row in rows.get("commands", ())}
    replicates: dict[int, dict[int, Mapping[str, tuple[float, float | None]]]] = defaultdict(dict)
    for row in rows.get("replicates", ()):  # of several attempts at one replicate, the last one stands
        replicates[row["trial"]][row["replicate"]] = _outcome(row["outcome"]) or {}
    return Campaign(
        record=record,
        person=person,
        devices=tuple(
            DeviceRecord(row["name"], row["class"], row["address"], row["model"], row["serial_number"], row["realm"])
            for row in rows.get("devices", ())
        ),
        trials=tuple(
            _trial(
                row,
                histories[row["number"]],
                ended[row["number"]],
                commands.get(row["number"], _NO_COMMANDS),
            )
            for row in rows.get("trials", ())
        ),
        starts=_entered(histories, TrialState.RUNNING),
        faults=_entered(histories, TrialState.FAILED),
        interventions=tuple(
            Intervention(r["trial"], r["name"], r["kind"], r["cause"], r["detail"], r["lab_s"], r["date"])
            for r in rows.get("interventions", ())
        ),
        settled=tuple(
            Intervention(r["trial"], r["name"], r["kind"], "settle", "", r["lab_s"] or 0.0, ended[r["trial"]][1])
            for r in rows.get("settled", ())
        ),
        replicates={trial: tuple(outcomes.values()) for trial, outcomes in replicates.items()},
        used_ul={row["material"]: row["used_ul"] for row in rows.get("materials", ())},
        approved=tuple(row["trial"] for row in rows.get("approvals", ()) if row["trial"] is not None),
        needing_approval=tuple(row["number"] for row in rows.get("needing approval", ())),
        corrected=tuple(row["trial"] for row in rows.get("corrections", ())),
        holds=tuple(row["date"] for row in rows.get("hold requests", ())),
        calibrated=frozenset(row["trial"] for row in rows.get("calibrations", ())),
    )


def _entered(histories: Mapping[int, Sequence[Moment]], state: TrialState) -> tuple[tuple[int, float, str], ...]:
    """Trial, lab seconds and date of each time that one came into a state, the earliest first."""
    found = [(trial, lab_s, day) for trial, been in histories.items() for one, lab_s, day, _ in been if one == state]
    return tuple(sorted(found, key=lambda each: (each[1], each[2])))


def _ended(history: Sequence[Moment]) -> tuple[float, str]:
    """Lab seconds and date of a trial's last change."""
    return max(map(_LAB_S, history)), max(map(_DATE, history))


def _trial(
    row: Mapping[str, Any], history: Sequence[Moment], ended: tuple[float, str], commands: Mapping[str, Any]
) -> Trial:
    begun = next((moment for moment in history if moment[0] == TrialState.RUNNING), None)
    return Trial(
        row["number"],
        row["state"],
        row["engine"],
        row["realm"],
        row["fault"],
        row["repeat_of"],
        row["values"],
        _outcome(row["outcome"]),
        row["proposer_s"],
        bool(row["is_informed"]),
        bool(row["is_judged"]),
        bool(row["has_sample"]),
        bool(row["has_run"]),
        bool(row["has_permit"]),
        row["plan_hash"],
        begun and begun[1],
        begun and begun[2],
        *ended,
        commands["n"],
        commands["used_ul"],
    )


def _outcome(text: str | None) -> Mapping[str, tuple[float, float | None]] | None:
    if text is None:
        return None
    return {metric: (estimate["value"], estimate["sem"]) for metric, estimate in msgspec.json.decode(text).items()}


def _trip(row: Mapping[str, Any]) -> Trip:
    return Trip(row["campaign"], row["cause"], row["lab_s"], row["date"], row["name"], row["kind"], row["reset_date"])


def _proof(row: Mapping[str, Any], paths: Rows) -> Proof:
    found = tuple(
        ProofPath(path["rule"], path["cause"], bool(path["passed"]), path["latch_ms"], path["power_ms"])
        for path in paths
    )
    return Proof(row["id"], row["lab_hash"], row["name"], row["date"], bool(row["passed"]), found)
