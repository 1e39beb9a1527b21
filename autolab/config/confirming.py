"""Reads how the winner of a campaign is confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autolab.config.campaignmodel import BudgetModel, ConfirmModel
from autolab.config.problems import Problems, valid
from autolab.core.confirming import Confirm
from autolab.core.objectives import Objective

__all__ = ["read_confirm"]

MOST_TRIALS = 99_999
"""Largest number of a trial: what an operation id holds."""


def read_confirm(problems: Problems, values: Mapping[str, Any], objectives: Sequence[Objective]) -> Confirm | None:
    """How the winner is confirmed; None where it is not. What is refused is gathered.

    Args:
        problems: What was found so far.
        values: The campaign file.
        objectives: What the campaign is to improve.
    """
    model, budget = valid(ConfirmModel, values.get("confirm")), valid(BudgetModel, values.get("budget"))
    if model is None:
        return None
    confirm = Confirm(model.best, model.replicates)
    if len(objectives) > 1 and any(objective.weight is None for objective in objectives):
        said = "confirm: a front has no winner to confirm: give each objective a weight, or remove the key"
        problems.add(("confirm",), said)
    if budget is not None and budget.trials + confirm.trials > MOST_TRIALS:
        problems.add(
            ("confirm",),
            f"confirm: {budget.trials} trials and {confirm.trials} that confirm the winner are more than the "
            f"{MOST_TRIALS} that a campaign can number: lower one of them",
        )
    return confirm
