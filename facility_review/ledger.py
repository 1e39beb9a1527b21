"""What the journal of a data folder says of each unit, read once, in the columns that the collectors need.

The queries stand here as text, because they are part of the evidence: each record names the one that it came from.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from autolab.core.canonical import content_hash
from autolab.core.trials import TrialState
from autolab.journal.histories import Moment, moments
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, DeviceRecord

__all__ = ["QUERIES", "Campaign", "Intervention", "Ledger", "Proof", "ProofPath", "Trial", "Trip", "read_ledgers"]

QUERIES: Mapping[str, str] = {
    "trials": (
        'SELECT campaign, number, state, engine, realm, fault, repeat_of, "values", outcome, '
        "seen <> '[]' AS is_informed, verdict IS NOT NULL AS is_judged, EXISTS (SELECT 1 FROM trial_samples s "
        "WHERE s.campaign = t.campaign AND s.trial = t.number) AS has_sample, EXISTS (SELECT 1 FROM run_trials r "
        "WHERE r.campaign = t.campaign AND r.trial = t.number) AS has_run, EXISTS (SELECT 1 FROM permits p "
        "WHERE p.campaign = t.campaign AND p.trial = t.number AND used = 1) AS has_permit, "
        "json_extract(timings, '$.proposer_s') AS proposer_s, "
        "json_extract(proposal, '$.plan_hash') AS plan_hash, history FROM trials t ORDER BY campaign, number"
    ),
    "interventions": (
        "SELECT i.campaign, i.trial, p.name, p.kind, i.cause, i.detail, i.lab_s, i.date FROM interventions i "
        "JOIN principals p ON p.id = i.principal ORDER BY i.id"
    ),
    "commands": (
        "SELECT i.campaign, i.trial, COUNT(*) AS n, SUM(CASE WHEN i.state <> 'void' THEN COALESCE(i.used_ul, "
        "json_extract(i.action, '$.volume_ul')) END) AS used_ul FROM intents i GROUP BY i.campaign, i.trial"
    ),
    "materials": (
        "SELECT campaign, json_extract(action, '$.material') AS material, SUM(COALESCE(used_ul, "
        "json_extract(action, '$.volume_ul'))) AS used_ul FROM intents WHERE state <> 'void' "
        "AND json_extract(action, '$.volume_ul') IS NOT NULL GROUP BY campaign, material"
    ),
    "settled": (
        "SELECT i.campaign, i.trial, p.name, p.kind, i.settled_lab_s AS lab_s FROM intents i "
        "JOIN principals p ON p.id = i.settled_by ORDER BY i.rowid"
    ),
    "replicates": (
        "SELECT campaign, trial, replicate, outcome FROM replicates WHERE (campaign, trial) IN (SELECT campaign, trial "
        "FROM replicates WHERE outcome IS NOT NULL GROUP BY campaign, trial HAVING COUNT(DISTINCT replicate) > 1) "
        "AND outcome IS NOT NULL ORDER BY campaign, trial, replicate, attempt"
    ),
    "trips": (
        "SELECT t.lab, t.campaign, t.cause, t.lab_s, t.date, p.name, p.kind, t.reset_date FROM trips t "
        "LEFT JOIN principals p ON p.id = t.reset_by ORDER BY t.id"
    ),
    "bypasses": "SELECT lab, rule, since_s, until_s, approver, ended_s FROM bypasses ORDER BY id",
    "proof tests": (
        "SELECT t.id, t.lab, t.lab_hash, p.name, t.date, t.passed FROM proof_tests t "
        "JOIN principals p ON p.id = t.principal ORDER BY t.id"
    ),
    "proof paths": "SELECT test, rule, cause, passed, latch_ms, power_ms FROM proof_paths ORDER BY test, number",
    "approvals": "SELECT campaign, trial FROM approvals WHERE used IS NOT NULL ORDER BY id",
    "needing approval": (
        "SELECT t.campaign, t.number FROM trials t WHERE json_extract(t.verdict, '$.decision') = 'needs approval' "
        "ORDER BY t.campaign, t.number"
    ),
    "hold requests": "SELECT campaign, verb, date FROM requests WHERE verb IN ('pause', 'stop') ORDER BY id",
    "corrections": "SELECT campaign, trial FROM corrections ORDER BY id",
    "devices": "SELECT * FROM devices ORDER BY rowid",
}
"""Each query by the name of what it reads."""


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

    @cached_property
    def digest(self) -> str:
        """Hash over all rows that were read of it."""
        rows = [msgspec.json.encode(self.trials).decode()]
        rows += [repr(self.record), repr(self.person), repr(self.devices), repr(self.starts), repr(self.faults)]
        rows += [repr(self.interventions), repr(self.settled), repr(self.replicates), repr(self.approved)]
        rows += [repr((self.needing_approval, self.used_ul, self.corrected, self.holds))]
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()

    @cached_property
    def points(self) -> tuple[dict[str, Any], ...]:
        """The values of each trial, in the order of `trials`."""
        return tuple(json.loads(f"[{','.join(trial.values for trial in self.trials)}]"))

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


Rows = Sequence[dict[str, Any]]
_NO_COMMANDS = {"n": 0, "used_ul": None}


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
        mine = {name: rows.get(record.id, []) for name, rows in by_campaign.items()}
        campaigns[record.lab].append(_campaign(record, person[record.id], mine))
    paths = _grouped(tables["proof paths"], "test")
    labs = {*campaigns, *(row["lab"] for name in ("trips", "bypasses", "proof tests") for row in tables[name])}
    return {
        lab: Ledger(
            lab,
            folder,
            tuple(campaigns.get(lab, ())),
            tuple(_trip(row) for row in tables["trips"] if row["lab"] == lab),
            tuple(row for row in tables["bypasses"] if row["lab"] == lab),
            tuple(_proof(row, paths.get(row["id"], [])) for row in tables["proof tests"] if row["lab"] == lab),
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
                commands.get(row["number"], {"n": 0, "used_ul": None}),
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
    )


def _entered(histories: Mapping[int, Sequence[Moment]], state: TrialState) -> tuple[tuple[int, float, str], ...]:
    """Trial, lab seconds and date of each time that one came into a state, the earliest first."""
    found = [(trial, lab_s, day) for trial, been in histories.items() for one, lab_s, day, _ in been if one == state]
    return tuple(sorted(found, key=lambda each: (each[1], each[2])))


def _ended(history: Sequence[Moment]) -> tuple[float, str]:
    """Lab seconds and date of a trial's last change."""
    return max(moment[1] for moment in history), max(moment[2] for moment in history)


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
    return {metric: (estimate["value"], estimate["sem"]) for metric, estimate in json.loads(text).items()}


def _trip(row: Mapping[str, Any]) -> Trip:
    return Trip(row["campaign"], row["cause"], row["lab_s"], row["date"], row["name"], row["kind"], row["reset_date"])


def _proof(row: Mapping[str, Any], paths: Rows) -> Proof:
    found = tuple(
        ProofPath(path["rule"], path["cause"], bool(path["passed"]), path["latch_ms"], path["power_ms"])
        for path in paths
    )
    return Proof(row["id"], row["lab_hash"], row["name"], row["date"], bool(row["passed"]), found)
