"""What the controller and the proposer host say to each other: one JSON object a line, in canonical form.

Requests carry ``suggest`` or ``recommend``; the answer carries ``ok`` or ``error``, and the number of its request::

    {"id": 1, "known": 0, "suggest": {...SuggestRequest}}     -> {"id": 1, "ok": {...Suggestion}}
    {"id": 2, "known": 7, "recommend": {...RecommendRequest}} -> {"id": 2, "ok": {...Recommendation} | null}
    anything that fails                                       -> {"id": 2, "error": {"kind": "ProposerError", ...}}

A campaign's observations grow at their end only, so each is sent once: ``known`` says how many observations of the
request before this one also begin this one, and ``observations`` holds the others.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache, lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from autolab.core.canonical import plain, text_of
from autolab.core.problem import Problem
from autolab.core.proposing import Observation, SuggestRequest

__all__ = [
    "RecommendRequest",
    "adapter",
    "line_of",
    "shortened",
]


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RecommendRequest:
    """What `optimizer.recommendation.recommend` is asked."""

    problem: Problem
    observations: tuple[Observation, ...]
    seed: int
    engine: str | None = None
    with_model: bool = True


def adapter(kind: type[_T]) -> TypeAdapter[_T]:
    """What reads a kind of message. It takes some time to make, and a process reads two kinds at most."""
    return _adapter(kind)


def shortened(request: SuggestRequest | RecommendRequest, told: tuple[Observation, ...]) -> tuple[int, dict[str, Any]]:
    """A request without the observations that ``told`` holds already, and how many those are: all of them or none."""
    known = len(told) if request.observations[: len(told)] == told else 0
    others = {field.name: getattr(request, field.name) for field in fields(request) if field.name != "problem"}
    others["observations"] = request.observations[known:]
    return known, {"problem": _plain_problem(request.problem), **plain(others)}


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@lru_cache(maxsize=4)
def _plain_problem(problem: Problem) -> Any:
    """A campaign's problem is the same in all of its requests."""
    return plain(problem)


def line_of(message: dict[str, Any]) -> bytes:
    """One message as a line; all in it is plain."""
    return text_of(message).encode() + b"\n"
