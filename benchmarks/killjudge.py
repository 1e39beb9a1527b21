"""The judge of the kill harness: what the devices say against what the journal says."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from autolab.core.trials import FINAL
from autolab.journal.audit import audit
from autolab.journal.reader import JournalReader
from autolab.journal.records import IntentRecord, TrialRecord
from benchmarks.killlab import KillLab, Simulators

__all__ = ["Verdict", "judge", "total"]


@dataclass(frozen=True)
class Verdict:
    """What the judge found."""

    lab: str = "replay"
    """Which lab's campaign it was."""
    kills: Mapping[str, int] = field(default_factory=dict)
    """How many of each kind."""
    campaigns: int = 0
    trials: int = 0
    actions: int = 0
    lost: int = 0
    """Trials without an outcome, or with another than the devices gave or than a campaign that nobody killed had."""
    repeated: int = 0
    """Operations that the devices counted beyond those in the journal, and what was done twice under two names."""
    misplaced: int = 0
    """Things that are not where, or not as much as, the journal's actions make them."""
    unknown: int = 0
    """Trials in no final state, and actions whose state in the journal is not the one that the device says."""
    unexplained: int = 0
    """Actions that were in doubt after a kill and are not settled with evidence by somebody."""
    damaged: int = 0
    """Findings of the journal's audit."""
    in_doubt: int = 0
    """Actions that were in doubt after a kill."""
    by_person: int = 0
    """Those of them that a person had to settle."""
    broken_off: int = 0
    """Actions that their device's own death broke off; the trial was tried again as a new attempt."""
    fenced: int = 0
    """Controllers that woke up after another had taken over, and did nothing more."""

    @property
    def is_clean(self) -> bool:
        return self.faults == 0

    @property
    def faults(self) -> int:
        return self.lost + self.repeated + self.misplaced + self.unknown + self.unexplained + self.damaged

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


def total(verdicts: Iterable[Verdict], lab: str = "all") -> Verdict:
    """All verdicts together."""
    kills: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    for verdict in verdicts:
        kills.update(verdict.kills)
        sums.update({f.name: getattr(verdict, f.name) for f in fields(Verdict) if f.name not in ("lab", "kills")})
    return Verdict(lab, dict(kills), **sums)


def judge(
    lab: KillLab,
    data: Path,
    simulators: Simulators,
    doubted: set[tuple[str, int]],
    expected: list[tuple[Any, Any]],
    kills: Mapping[str, int],
    fenced: int,
) -> Verdict:
    """Compare the devices' own account with the journal's, when a campaign is over.

    What it finds in words goes into the file ``faults.txt`` of the data folder.

    Args:
        lab: The campaign's lab.
        data: The data folder of the campaign.
        simulators: The lab's simulators, running.
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
    account = lab.account(simulators, trials, intents)
    performed = [operation for operation, state in account.states.items() if state != "unknown"]
    in_journal = {intent.operation for intent in intents if intent.state in ("done", "failed")}
    settlers = [_settler(data, operation, seq) for operation, seq in doubted]
    (data / "faults.txt").write_text("\n".join([*account.doubles, *account.misplaced]), encoding="utf-8")
    return Verdict(
        lab=lab.name,
        kills=dict(kills),
        campaigns=1,
        trials=len(trials),
        actions=len(intents),
        lost=abs(len(trials) - len(expected))
        + sum(
            _is_lost(trial, account.measured[trial.number], there)
            for trial, there in zip(trials, expected, strict=False)
        ),
        repeated=abs(account.counted - len(performed))
        + sum(operation not in in_journal for operation in performed)
        + len(account.doubles),
        misplaced=len(account.misplaced),
        unknown=sum(trial.state not in FINAL for trial in trials)
        + sum(not _agree(intent, account.states[intent.operation]) for intent in intents),
        damaged=len(audit(data, None).findings),
        unexplained=sum(settler is None for settler in settlers),
        in_doubt=len(doubted),
        by_person=sum(settler not in (None, "system") for settler in settlers),
        broken_off=sum(state == "failed" for state in account.states.values()),
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


def _is_lost(trial: TrialRecord, measured: float | None, expected: tuple[Any, Any]) -> bool:
    """Whether a trial lacks its outcome, or has another one than it must have.

    What the devices keep of its last attempt must be the outcome. It must also be that of the campaign that nobody
    interrupted, where it is the first attempt's: another attempt draws another noise.
    """
    values, outcome = expected
    found = trial.outcome and trial.outcome["colour_distance"].value
    if found is None or trial.suggestion.values != values:
        return True
    return found != measured or (trial.attempt == 1 and found != outcome)


def _agree(intent: IntentRecord, state: str) -> bool:
    return {"done": "done", "failed": "failed", "void": "unknown"}.get(intent.state) == state
