"""The kind of workflow of a trial, by who chose its values and who did the work (EO 14363, Sec. 3(e))."""

from __future__ import annotations

from typing import Literal

from autolab.core.trials import CONFIRM, PERSON, REPEAT

__all__ = ["Workflow", "workflow_of"]

Workflow = Literal["manual", "automated", "AI-augmented", "AI-directed"]
_NO_MODEL = frozenset({PERSON, REPEAT, CONFIRM, "sobol", "random", "grid"})
"""Engines that learn from no outcome: a person, a rule, or a fixed design."""


def workflow_of(engine: str, *, by_hand: bool, decided: bool) -> Workflow:
    """The kind of workflow of a trial.

    *Manual*: a person or a fixed design chose the values, and a person did a part of the work. *Automated*: the devices
    did all of it. *AI-augmented*: a model chose the values, and a person did a part of the work or decided that it may
    run. *AI-directed*: a model chose, the devices did, and nobody stood in between.

    Args:
        engine: Engine of the suggestion.
        by_hand: Whether a person did a part of it.
        decided: Whether a person had to approve it.
    """
    if engine in _NO_MODEL:
        return "manual" if by_hand else "automated"
    return "AI-augmented" if by_hand or decided else "AI-directed"
