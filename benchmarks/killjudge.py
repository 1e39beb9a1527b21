"""The judge of the kill harness: what the instrument says against what the journal says."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import zmq

from autolab.core.trials import FINAL
from autolab.journal.audit import audit
from autolab.journal.reader import JournalReader
from autolab.journal.records import IntentRecord, TrialRecord

__all__ = ["Verdict", "ask", "judge", "total"]

Known = Mapping[str, Mapping[str, Any]]
"""What the instrument knows of each operation, by its id."""


@dataclass(frozen=True)
class Verdict:
    """What the judge found."""

    kills: Mapping[str, int] = field(default_factory=dict)
    """How many of each kind."""
    campaigns: int = 0
    trials: int = 0
    actions: int = 0
    lost: int = 0
    """Trials without an outcome, or with another than the instrument gave or than a campaign that nobody killed had."""
    repeated: int = 0
    """Operations that the instrument counted beyond those in the journal, and second measurements of one trial."""
    unknown: int = 0
    """Trials in no final state, and actions whose state in the journal is not the one that the instrument says."""
    unexplained: int = 0
    """Actions that were in doubt after a kill and are not settled with evidence by somebody."""
    damaged: int = 0
    """Findings of the journal's audit."""
    in_doubt: int = 0
    """Actions that were in doubt after a kill."""
    by_person: int = 0
    """Those of them that a person had to settle."""
    broken_off: int = 0
    """Measurements that the instrument's own death broke off; the trial was tried again as a new attempt."""
    fenced: int = 0
    """Controllers that woke up after another had taken over, and did nothing more."""

    @property
    def is_clean(self) -> bool:
        return self.faults == 0

    @property
    def faults(self) -> int:
        return self.lost + self.repeated + self.unknown + self.unexplained + self.damaged

    @property
    def n_kills(self) -> int:
        return sum(self.kills.values())

    @property
    def upper_bound(self) -> float:
        """Largest rate of faults per kill that is not excluded at 95 %: exact, after [Clopper1934]_.

        Without a fault it is nearly 3 / kills, the rule of three.

        .. [Clopper1934] C. J. Clopper, E. S. Pearson, The use of confidence or fiducial limits illustrated in the case
           of the binomial, Biometrika 26 (1934) 404.
        """
        from scipy.stats import beta

        if self.faults >= self.n_kills:
            return 1.0
        return float(beta.ppf(0.95, self.faults + 1, self.n_kills - self.faults))

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        return cls(**json.loads(text))


def total(verdicts: Iterable[Verdict]) -> Verdict:
    """All verdicts together."""
    kills: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    for verdict in verdicts:
        kills.update(verdict.kills)
        sums.update({f.name: getattr(verdict, f.name) for f in fields(Verdict) if f.name != "kills"})
    return Verdict(dict(kills), **sums)


def ask(address: str, op: str, **args: Any) -> dict[str, Any]:
    """Ask the instrument over a bare socket, as the protocol's page describes it."""
    socket = zmq.Context.instance().socket(zmq.REQ)
    try:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVTIMEO, 10_000)
        socket.connect(address)
        socket.send_json({"id": "judge", "op": op, "args": args})
        return dict(socket.recv_json())
    finally:
        socket.close()


def judge(
    data: Path,
    address: str,
    doubted: set[tuple[str, int]],
    expected: list[tuple[Any, Any]],
    kills: Mapping[str, int],
    fenced: int,
) -> Verdict:
    """Compare the instrument's own account with the journal's, when a campaign is over.

    Args:
        data: The data folder of the campaign.
        address: Where the instrument listens.
        doubted: Operations that were found in doubt after a kill, with the length of the journal's log then.
        expected: Values and outcome of each trial in a campaign that nobody interrupted.
        kills: What was done to it.
        fenced: Controllers that were overtaken and refused to go on.
    """
    reader = JournalReader.open(data)
    try:
        campaign = reader.campaign().id
        trials, intents = reader.trials(campaign), reader.intents(campaign)
    finally:
        reader.close()
    contents = json.loads((data / "simulators" / "replay" / "instrument.json").read_text(encoding="utf-8"))
    known: Known = {
        operation: ask(address, "query", operation=operation)
        for operation in {*contents["operations"], *(intent.operation for intent in intents)}
    }
    performed = [operation for operation, record in known.items() if record["state"] != "unknown"]
    in_journal = {intent.operation for intent in intents if intent.state in ("done", "failed")}
    settlers = [_settler(data, operation, seq) for operation, seq in doubted]
    return Verdict(
        kills=dict(kills),
        campaigns=1,
        trials=len(trials),
        actions=len(intents),
        lost=abs(len(trials) - len(expected))
        + sum(_is_lost(trial, intents, known, there) for trial, there in zip(trials, expected, strict=False)),
        repeated=ask(address, "status")["counter"]
        - len(performed)
        + sum(operation not in in_journal for operation in performed)
        + _measured_twice(known),
        unknown=sum(trial.state not in FINAL for trial in trials)
        + sum(not _agree(intent, known[intent.operation]["state"]) for intent in intents),
        damaged=len(audit(data, None).findings),
        unexplained=sum(settler is None for settler in settlers),
        in_doubt=len(doubted),
        by_person=sum(settler not in (None, "system") for settler in settlers),
        broken_off=sum(record["state"] == "failed" for record in known.values()),
        fenced=fenced,
    )


def _settler(data: Path, operation: str, seq: int) -> str | None:
    """What kind of principal settled an action that was in doubt, with evidence; None where nobody did.

    Args:
        data: The data folder.
        operation: Id of the action.
        seq: Length of the log when it was in doubt.
    """
    with closing(sqlite3.connect(f"file:{data / 'journal.sqlite'}?mode=ro", uri=True)) as connection:
        kinds = dict(connection.execute("SELECT id, kind FROM principals").fetchall())
        entries = connection.execute("SELECT entry FROM log ORDER BY seq").fetchall()
    row: dict[str, Any] = {}
    for entry in (json.loads(text) for (text,) in entries):
        if entry["table"] != "intents" or entry["key"] != {"operation": operation}:
            continue
        row |= entry["row"]
        if entry["seq"] > seq:
            return kinds.get(row.get("settled_by")) if row["state"] != "intended" and row.get("evidence") else None
    return None


def _is_lost(trial: TrialRecord, intents: list[IntentRecord], known: Known, expected: tuple[Any, Any]) -> bool:
    """Whether a trial lacks its outcome, or has another one than it must have.

    The instrument's result of its last measurement must be the outcome. It must also be that of the campaign that
    nobody interrupted, where the first attempt gave it: another attempt draws another noise.
    """
    values, outcome = expected
    found = trial.outcome and trial.outcome["colour_distance"].value
    mine = [intent.operation for intent in intents if intent.trial == trial.number]
    done = [operation for operation in mine if known[operation]["state"] == "done"]
    if not done or found is None or trial.suggestion.values != values:
        return True
    measured = known[done[-1]]["result"]["metrics"]["colour_distance"]
    return found != measured or (done[-1].endswith(".a1") and found != outcome)


def _measured_twice(known: Known) -> int:
    """Measurements beyond the first that was completed, over all trials."""
    done = Counter(operation.split(".")[1] for operation, record in known.items() if record["state"] == "done")
    return sum(n - 1 for n in done.values())


def _agree(intent: IntentRecord, state: str) -> bool:
    return {"done": "done", "failed": "failed", "void": "unknown"}.get(intent.state) == state
