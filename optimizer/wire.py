"""What the controller and the proposer host say to each other: one JSON object a line, in canonical form.

Requests carry one of ``warm``, ``suggest`` or ``recommend``; the answer carries ``ok`` or ``error``, and the number of
its request::

    {"id": 1, "warm": "ax"}                      -> {"id": 1, "ok": "ax"}
    {"id": 2, "suggest": {...SuggestRequest}}    -> {"id": 2, "ok": {...Suggestion}}
    {"id": 3, "recommend": {...RecommendRequest}} -> {"id": 3, "ok": {...Recommendation} | null}
    anything that fails                          -> {"id": 2, "error": {"kind": "ProposerError", "message": "..."}}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from autolab.core.canonical import canonical_json
from autolab.core.problem import Problem
from autolab.core.proposing import Observation, SuggestRequest
from autolab.core.trials import Suggestion
from optimizer.recommendation import Recommendation

__all__ = [
    "RECOMMENDATION",
    "RECOMMEND_REQUEST",
    "SUGGESTION",
    "SUGGEST_REQUEST",
    "RecommendRequest",
    "line_of",
]


@dataclass(frozen=True, slots=True)
class RecommendRequest:
    """What `optimizer.recommendation.recommend` is asked."""

    problem: Problem
    observations: tuple[Observation, ...]
    seed: int
    with_model: bool = True


SUGGEST_REQUEST: TypeAdapter[SuggestRequest] = TypeAdapter(SuggestRequest)
SUGGESTION: TypeAdapter[Suggestion] = TypeAdapter(Suggestion)
RECOMMEND_REQUEST: TypeAdapter[RecommendRequest] = TypeAdapter(RecommendRequest)
RECOMMENDATION: TypeAdapter[Recommendation | None] = TypeAdapter(Recommendation | None)


def line_of(message: dict[str, Any]) -> bytes:
    """One message as a line."""
    return canonical_json(message).encode() + b"\n"
