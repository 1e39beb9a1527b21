"""Which kind of workflow a trial of the record was."""

from __future__ import annotations

from autolab.core.operations import SHARED
from autolab.core.workflows import Workflow, workflow_of
from autolab.journal.database import Database

__all__ = ["workflow"]

_FACTS = """
SELECT t.engine,
    EXISTS (SELECT 1 FROM questions q WHERE q.campaign = t.campaign AND q.trial = t.number)
        OR EXISTS (SELECT 1 FROM phases p JOIN questions q ON q.campaign = p.campaign
            AND q.trial = json_extract(p.result, '$[0]') AND q.operation LIKE ?
            WHERE p.campaign = t.campaign AND p.trial = t.number AND p.name = '(plate)') AS by_hand,
    EXISTS (SELECT 1 FROM approvals a WHERE a.campaign = t.campaign AND a.trial = t.number AND a.used IS NOT NULL)
        AS decided
FROM trials t WHERE t.campaign = ? AND t.number = ?
"""
"""A person did a part of a trial where they were asked in it, or while its plate was measured (module `plates`)."""


def workflow(states: Database, campaign: str, trial: int) -> Workflow | None:
    """The kind of workflow of a trial, as the record has it now; None where there is no such trial."""
    for row in states.rows(_FACTS, (f"%.r{SHARED}.%", campaign, trial)):
        return workflow_of(row["engine"], by_hand=bool(row["by_hand"]), decided=bool(row["decided"]))
    return None
