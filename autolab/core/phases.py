"""Phases: named, journalled parts of a plan, as the plan's messages carry them.

A plan marks a phase by two messages that do nothing in a bare RunEngine (``null`` with a mark). A lane of a campaign
reads the marks: it answers the first one with the recorded result where the phase has been completed before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["PhaseBegins", "PhaseDone", "PhaseEnds", "Settlement"]


@dataclass(frozen=True, slots=True)
class PhaseBegins:
    """A phase is about to begin."""

    name: str
    """A slug of at most 14 characters, unique in the plan."""


@dataclass(frozen=True, slots=True)
class PhaseEnds:
    """A phase is complete."""

    name: str
    result: Any
    """What the phase returns; anything that JSON can hold."""


@dataclass(frozen=True, slots=True)
class PhaseDone:
    """The answer to `PhaseBegins` where the phase was completed by an earlier run of the plan."""

    result: Any


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of an action that was intended and not seen to end."""

    state: Literal["done", "not done", "partly", "running", "unknown"]
    """*Partly* and *unknown* are never guessed at: a person settles them."""
    evidence: str
    """What was asked and what the answer was, in one sentence."""
    used_ul: float | None = None
    """Volume that it really used, in microlitres, where the device knows that of an action that was done partly."""
