"""The verdict on one suggestion."""

from __future__ import annotations

from collections.abc import Sequence

from autolab.core.principals import Principal
from autolab.core.problem import Space
from autolab.core.quarantine import Quarantine
from autolab.core.trials import Suggestion, Verdict

__all__ = ["SCREEN", "judge"]

SCREEN = Principal("screen", "system")
"""Who gives the verdicts."""


def judge(suggestion: Suggestion, space: Space, closed: Sequence[Quarantine] = ()) -> Verdict:
    """Judge whether a suggestion is a point of the campaign's space, exactly as the hardware would be told.

    Proposers round their suggestions and keep out of regions that are closed; the screen believes none of them.

    Args:
        suggestion: What is suggested.
        space: The campaign's space.
        closed: Regions in quarantine.
    """
    reasons = tuple(space.violations(suggestion.values))
    if not reasons:
        reasons = tuple(str(quarantine) for quarantine in closed if quarantine.holds(suggestion.values, space))
    return Verdict("refused" if reasons else "allowed", reasons)
