"""What was made of the outcomes of trials before anybody learned from them: drift corrected, and quality judged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from autolab.core.canonical import canonical_json
from autolab.core.quality import Finding
from autolab.core.trials import Estimate, Outcome
from autolab.journal.database import Database
from autolab.journal.journal import Journal

__all__ = ["Corrected", "Judgement", "judge", "judgements", "last_judgement"]


@dataclass(frozen=True, slots=True)
class Corrected:
    """A metric that was corrected for the drift of an instrument."""

    metric: str
    raw: Estimate
    corrected: Estimate
    calibration: int
    """Number of the reference measurement that it was corrected by."""
    said: str
    """How, in words."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was made of the outcome of an attempt at a trial."""

    trial: int
    attempt: int
    passed: bool
    raw: Outcome
    """As the reducer gave it."""
    corrections: tuple[Corrected, ...]
    findings: tuple[Finding, ...]


_judgement = TypeAdapter(Judgement)


def judge(
    journal: Journal,
    campaign: str,
    trial: int,
    attempt: int,
    raw: Outcome,
    corrections: Sequence[Corrected],
    findings: Sequence[Finding],
) -> None:
    """Record what was made of an outcome. The last record of an attempt counts."""
    journal.states.insert(
        "judgements",
        campaign=campaign,
        trial=trial,
        attempt=attempt,
        passed=int(all(finding.passed for finding in findings)),
        raw=canonical_json(raw),
        corrections=canonical_json(list(corrections)),
        findings=canonical_json(list(findings)),
        lab_s=journal.lab_s(),
    )


def judgements(states: Database, campaign: str) -> list[Judgement]:
    """What was made of the outcomes of a campaign, the last of each attempt, in the order of the trials."""
    rows = states.rows(
        "SELECT * FROM judgements WHERE id IN (SELECT MAX(id) FROM judgements WHERE campaign = ? "
        "GROUP BY trial, attempt) ORDER BY trial, attempt",
        (campaign,),
    )
    return [_read(row) for row in rows]


def last_judgement(states: Database, campaign: str, trial: int) -> Judgement | None:
    """What was made of the outcome of a trial's last attempt; None where nothing was."""
    rows = states.rows(
        "SELECT * FROM judgements WHERE campaign = ? AND trial = ? ORDER BY attempt DESC, id DESC LIMIT 1",
        (campaign, trial),
    )
    return _read(rows[0]) if rows else None


def _read(row: dict[str, Any]) -> Judgement:
    facts = {name: json.loads(row[name]) for name in ("raw", "corrections", "findings")}
    facts |= {"trial": row["trial"], "attempt": row["attempt"], "passed": bool(row["passed"])}
    return _judgement.validate_python(facts)
