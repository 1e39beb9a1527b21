"""The proposer's seam: what it is asked, and what it must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from autolab.core.diagnoses import Diagnosis
from autolab.core.parameters import Values
from autolab.core.problem import Problem
from autolab.core.trials import Outcome, Suggestion

__all__ = [
    "ADAPTIVE",
    "RANKED",
    "UNLEARNED",
    "EngineSpec",
    "Observation",
    "Pending",
    "Proposer",
    "Recommendation",
    "SuggestRequest",
]


UNLEARNED = frozenset({"sobol", "random", "grid"})
"""Engines that learn nothing, and so predict nothing."""
RANKED = 99
"""How many of the best trials a recommendation names at most."""
ADAPTIVE = "bluesky-adaptive"
"""The engine that is an optimiser of bluesky-adaptive, or of others in its form: it learns, and says no prediction."""


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """Which engine proposes, and how it begins."""

    name: str = "botorch"
    """``auto``, ``ax``, ``botorch``, ``lean``, ``sobol``, ``random``, ``grid`` or ``bluesky-adaptive``."""
    initial: int | None = None
    """Trials of the space-filling initial design; None for twice the number of free parameters, at least 5."""
    make: str | None = None
    """With ``bluesky-adaptive``: dotted name of what makes the optimiser, see `optimizer.theirs`; None for its Ax."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A finished trial: its values, and its outcome or None where it failed or was refused."""

    trial: int
    values: Values
    outcome: Outcome | None
    closes: float | None = None
    """Half width of the region around it that is in quarantine, see `autolab.core.quarantine`; None where none is."""
    fault: str | None = None
    """Why it has no outcome: the kind of its fault, or `autolab.core.faults.SCREENED`. None where nobody knows."""


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


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The trial that a campaign recommends, and on what ground."""

    trial: int
    values: Values
    mean: float
    """Value of the objective's metric: by its fresh measurements where it is confirmed; else midway between model and
    measurement where there is a model, and as measured where there is none."""
    sem: float | None
    reason: str
    """How it was chosen, in one sentence."""
    front: tuple[int, ...] = ()
    """With several objectives without weights: all trials of the front, of which this one is the middle."""
    diagnosis: Diagnosis | None = None
    """How far the model can be trusted; None where there is none."""
    ranked: tuple[int, ...] = ()
    """The best trials by what is believed of them, this one first: one for each recipe, and `RANKED` at most. None
    where a front is sought."""
    interval: tuple[float, float] | None = None
    """Of a confirmed one: within which the true value lies with a probability of 90 %."""
    confirmed: int = 0
    """How many fresh measurements of its recipe the mean is of; 0 where it is not confirmed."""


class Proposer(Protocol):
    """Suggests trials. Suggestions are already rounded to what the hardware can do."""

    def suggest(self, request: SuggestRequest) -> Suggestion:
        """Suggest the trial that ``request`` asks for.

        Raises:
            ProposerError: no suggestion could be made.
        """
        ...

    def recommend(self, problem: Problem, observations: Sequence[Observation], seed: int) -> Recommendation:
        """Say which trial is best, by what is known of it.

        Raises:
            ProposerError: no trial can be recommended.
        """
        ...

    def close(self) -> None:
        """Let go of processes and sockets. Idempotent."""
        ...
