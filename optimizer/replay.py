"""Replays a campaign against a world: suggestion, answer, and so on, with the seeds of a campaign and no lab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autolab.core.parameters import Values
from autolab.core.problem import Problem
from autolab.core.proposing import EngineSpec, Observation, Pending, SuggestRequest
from autolab.core.seeds import derive_seed
from optimizer.engine import suggest
from optimizer.world import World

__all__ = ["Ask", "Replayed", "engine_ask", "replay"]

Ask = Callable[[int, tuple[Observation, ...], tuple[Pending, ...]], Values]
"""Number of a trial, the outcomes that its suggestion may see, and the trials in flight; returns what to try."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One campaign that was replayed."""

    observations: tuple[Observation, ...]
    losses: tuple[float, ...]
    """True loss of each trial, in their order."""


def engine_ask(problem: Problem, engine: EngineSpec, seed: int) -> Ask:
    """Ask an engine as a campaign of this seed does."""

    def ask(trial: int, observations: tuple[Observation, ...], pending: tuple[Pending, ...]) -> Values:
        request = SuggestRequest(
            problem=problem,
            engine=engine,
            trial=trial,
            seed=derive_seed(seed, "suggest", trial),
            design_seed=derive_seed(seed, "design"),
            observations=observations,
            pending=pending,
        )
        return suggest(request).values

    return ask


def replay(world: World, ask: Ask, seed: int, trials: int, in_flight: int = 0) -> Replayed:
    """Run ``trials`` trials.

    Args:
        world: Answers.
        ask: Suggests.
        seed: Seed of the world; the same for all strategies that are compared.
        trials: How many, at most what the world can answer.
        in_flight: How many trials before the one that is suggested are known by their values only: as many as a
            campaign has lanes, 0 for one that waits for each outcome.

    Raises:
        ProposerError: no suggestion could be made.
    """
    observations: list[Observation] = []
    losses: list[float] = []
    tested: set[int] = set()
    for trial in range(1, trials + 1):
        seen = max(0, trial - 1 - in_flight)
        pending = tuple(Pending(item.trial, item.values) for item in observations[seen:])
        wish = ask(trial, tuple(observations[:seen]), pending)
        answer = world.answer(wish, tested, seed, trial)
        if answer.place is not None:
            tested.add(answer.place)
        observations.append(Observation(trial, answer.values, answer.outcome))
        losses.append(answer.loss)
    return Replayed(tuple(observations), tuple(losses))
