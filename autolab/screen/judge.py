"""The verdict on one suggestion."""

from __future__ import annotations

from autolab.core.problem import Space
from autolab.core.trials import Suggestion, Verdict

__all__ = ["judge"]


def judge(suggestion: Suggestion, space: Space) -> Verdict:
    """Judge whether a suggestion is a point of the campaign's space, exactly as the hardware would be told.

    Proposers round their suggestions; the screen believes none of them.
    """
    reasons = tuple(space.violations(suggestion.values))
    return Verdict("refused" if reasons else "allowed", reasons)
