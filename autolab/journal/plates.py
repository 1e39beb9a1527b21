"""The record of plates: which trials are prepared, what that took, and which are measured together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from autolab.core.canonical import canonical_json
from autolab.core.operations import OperationId
from autolab.core.trials import TrialState
from autolab.journal.database import Database
from autolab.journal.journal import Journal

__all__ = ["lead_of", "measure", "names_of", "prepared", "spent"]

_PREPARED, _PLATE = "(prepared)", "(plate)"
"""What stands in the table of phases; no phase of a plan can have these names."""


def prepared(journal: Journal, campaign: str, trial: int, attempt: int) -> None:
    """Record that a trial waits for its plate, and which of its actions and phases belong to its preparation."""
    past = journal.past(campaign, trial, attempt)
    actions = [one for one in past.actions if OperationId.parse(one).attempt == attempt]
    with journal.commit():
        _keep(journal, campaign, trial, attempt, _PREPARED, [*actions, *past.phases])
        journal.enter(campaign, trial, TrialState.PREPARED, None)


def measure(journal: Journal, campaign: str, trials: Sequence[tuple[int, int]], lane: int) -> None:
    """Record that trials are measured together, or again where that was interrupted.

    Args:
        journal: Keeps the record.
        campaign: Id of the campaign.
        trials: Number and attempt of each.
        lane: Number of the lane.
    """
    lead = names_of(journal, campaign, trials)
    numbers = ", ".join(str(trial) for trial, _ in trials)
    with journal.commit():
        for trial, attempt in trials:
            if lead_of(journal.states, campaign, trial, attempt) is None:
                _keep(journal, campaign, trial, attempt, _PLATE, lead)
            journal.begin_again(campaign, trial, lane, f"measured on a plate: trials {numbers}", attempt)


def names_of(journal: Journal, campaign: str, trials: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Trial and attempt by which the actions are named that trials share: the first one when the measuring began."""
    known = [lead_of(journal.states, campaign, trial, attempt) for trial, attempt in trials]
    return next((one for one in known if one is not None), min(trials))


def lead_of(states: Database, campaign: str, trial: int, attempt: int) -> tuple[int, int] | None:
    """Trial and attempt by which the actions are named that the trials of its plate share; None before it begins."""
    rows = _rows(states, campaign, trial, attempt, _PLATE)
    return (int(rows[0][0]), int(rows[0][1])) if rows else None


def spent(journal: Journal, campaign: str, trials: Sequence[tuple[int, int]]) -> frozenset[str]:
    """Operation ids and names of phases that the preparation of trials has used up."""
    rows = (_rows(journal.states, campaign, trial, attempt, _PREPARED) for trial, attempt in trials)
    return frozenset(str(name) for found in rows for row in found for name in row)


def _keep(journal: Journal, campaign: str, trial: int, attempt: int, name: str, what: object) -> None:
    journal.states.insert(
        "phases", campaign=campaign, trial=trial, replicate=1, attempt=attempt, name=name, state="plate",
        result=canonical_json(what), lab_s=journal.lab_s(),
    )  # fmt: skip


def _rows(states: Database, campaign: str, trial: int, attempt: int, name: str) -> list[list[Any]]:
    rows = states.rows(
        "SELECT result FROM phases WHERE campaign = ? AND trial = ? AND attempt = ? AND name = ?",
        (campaign, trial, attempt, name),
    )
    return [json.loads(row["result"]) for row in rows]
