"""The proposer's seam: what it is asked, and what it must be able to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from autolab.core.parameters import Values
from autolab.core.problem import Problem
from autolab.core.trials import Outcome, Suggestion

__all__ = ["EngineSpec", "Observation", "Pending", "Proposer", "SuggestRequest"]


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """Which engine proposes, and how it begins."""

    name: str = "ax"
    """``ax``, ``botorch``, ``sobol`` or ``random``."""
    initial: int | None = None
    """Trials of the space-filling initial design; None for twice the number of free parameters, at least 5."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A finished trial: its values, and its outcome or None where it failed or was refused."""

    trial: int
    values: Values
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Pending:
    """A trial in flight: its values are known, its outcome is not."""

    trial: int
    values: Values


@dataclass(frozen=True, slots=True)
class SuggestRequest:
    """All that a suggestion may depend on. The same request gives the same suggestion, in any process."""

    problem: Problem
    engine: EngineSpec
    trial: int
    seed: int
    """Seed of this suggestion, derived from (campaign seed, trial number)."""
    design_seed: int
    """Seed of the initial design, derived from the campaign seed alone: its points belong together."""
    observations: tuple[Observation, ...] = ()
    pending: tuple[Pending, ...] = ()


class Proposer(Protocol):
    """Suggests trials. Suggestions are already rounded to what the hardware can do."""

    def suggest(self, request: SuggestRequest) -> Suggestion:
        """Suggest the trial that ``request`` asks for.

        Raises:
            ProposerError: no suggestion could be made.
        """
        ...

    def close(self) -> None:
        """Let go of processes and sockets. Idempotent."""
        ...
