"""Traces: what one walk through a plan would do, in order, and what a rule of the screen says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from autolab.core.effects import Effect

__all__ = ["Finding", "Rule", "Trace"]


@dataclass(frozen=True, slots=True)
class Trace:
    """The effects of one walk through a plan, from the state of the lab in which it would begin."""

    effects: tuple[Effect, ...]
    messages: tuple[int, ...]
    """For each effect the number of the plan's message that has it, from 1."""
    start: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False)
    """What was known when it began: value by key of the documents (``stage_position``). What is missing is unknown."""
    end: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False)
    """What would be known at its end, likewise."""
    branch: str = field(default="", compare=False)
    """Which readings led here, in words; empty where the plan looked at none that could not be foreseen."""
    ends_with: str | None = None
    """The error with which the plan itself ends here; None where it comes to its end."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule finds in a trace."""

    decision: Literal["needs approval", "refused"]
    reason: str
    """A sentence that names message, signal, value and bound, and what to do."""


Rule = Callable[[Trace], Sequence[Finding]]
"""Judges a trace; a pure function that knows its limits."""
