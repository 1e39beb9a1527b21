"""Our engines behind bluesky-adaptive's protocols: what its plans ask an optimiser.

`AdaptiveOptimizer` meets its ``Optimizer``, ``CanRegisterSuggestions``, ``TrialFaultAware``,
``SupportsStoppingCriteria`` and ``Checkpointable`` by their form, so nothing of it is imported here. In its loop there
is no screen, no guard and no journal of ours: what runs there is answered for by whoever runs it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from autolab.core.canonical import plain, text_of
from autolab.core.errors import InputError
from autolab.core.parameters import Value, Values
from autolab.core.problem import Problem
from autolab.core.proposing import EngineSpec, Observation, Pending, SuggestRequest
from autolab.core.seeds import derive_seed
from autolab.core.trials import Estimate, Outcome
from optimizer.engine import suggest
from optimizer.evidence import Evidence
from optimizer.recommendation import recommend

__all__ = ["AdaptiveOptimizer"]

_ID = "_id"
_OBSERVATIONS: TypeAdapter[tuple[Observation, ...]] = TypeAdapter(tuple[Observation, ...])
_PENDING: TypeAdapter[tuple[Pending, ...]] = TypeAdapter(tuple[Pending, ...])


class AdaptiveOptimizer:
    """An engine with the memory that bluesky-adaptive expects of an optimiser.

    Args:
        problem: What is sought; names of parameters are those of the actuators.
        engine: Which engine suggests.
        seed: Root of all draws: the same seed and outcomes give the same suggestions.
        checkpoint: File that holds what is known; read at once where it is there. None keeps nothing.

    Raises:
        InputError: the file is none of ours.
    """

    def __init__(self, problem: Problem, engine: EngineSpec, seed: int, checkpoint: Path | None = None) -> None:
        self._problem, self._engine, self._seed, self._file = problem, engine, seed, checkpoint
        self._observations: tuple[Observation, ...] = ()
        self._pending: tuple[Pending, ...] = ()
        if checkpoint is not None and checkpoint.exists():
            self._restore(checkpoint)

    def suggest(self, num_points: int | None = None) -> Sequence[Mapping[str, Any]]:
        """So many points, each with an ``_id``; those before count as being in flight.

        Raises:
            ProposerError: no suggestion could be made.
        """
        return [self._suggest_one() for _ in range(1 if num_points is None else num_points)]

    def ingest(self, points: Sequence[Mapping[str, Any]]) -> None:
        """Take outcomes: numbers, or pairs of a mean and its standard error, by metric. Without a known ``_id`` they
        are another person's data, and must carry the parameters.

        Raises:
            InputError: a metric or parameter is missing, or no number; then nothing is taken.
        """
        taken = [self._outcome_of(point) for point in points]
        for values, outcome, point in taken:
            self._conclude(point.get(_ID), values, outcome)

    def register_suggestions(self, suggestions: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Take points that a person chose, and give each an ``_id``.

        Raises:
            InputError: one is no point of the space; then none is taken.
        """
        wanted = [self._values_of(point) for point in suggestions]
        for values in wanted:
            if broken := self._problem.space.violations(values):
                raise InputError(f"{values!r} is no point of the space: {'; '.join(broken)}")
        return [self._begin(values) for values in wanted]

    def register_failures(self, suggestions: Sequence[Mapping[str, Any]]) -> None:
        """These were tried in vain: they are not suggested again."""
        for point in suggestions:
            self._conclude(point.get(_ID), self._values_of(point), None)

    def get_best_points(self) -> Sequence[tuple[Any, Mapping[str, Any], Mapping[str, Any]]]:
        """Id, values and outcomes of the best point, of all points of the front where a front is sought."""
        best = recommend(self._problem, self._observations, self._seed, engine=self._engine.name, with_model=False)
        if best is None:
            return []
        trials = best.front or (best.trial,)
        found = [each for each in self._observations if each.trial in trials and each.outcome is not None]
        return [
            (each.trial, each.values, {metric: estimate.value for metric, estimate in (each.outcome or {}).items()})
            for each in found
        ]

    def should_stop(self) -> tuple[bool, str | None]:
        """True where an outcome within the outcome constraints has reached the objective's target."""
        objective, evidence = self._problem.objective, Evidence(self._problem, self._observations, ())
        if self._problem.others or objective.target is None or evidence.n == 0:
            return False, None
        for (seen, outcome), keeps in zip(evidence.usable, evidence.keeps_constraints, strict=True):
            if keeps and objective.is_reached(outcome[objective.metric].value):
                return True, f"trial {seen.trial} has reached the target of {objective.metric}, {objective.target:g}"
        return False, None

    def checkpoint(self) -> None:
        """Write what is known to the file that was named, whole or not at all.

        Raises:
            InputError: none was named, or it cannot be written.
        """
        if self._file is None:
            raise InputError("no checkpoint file was named: make the optimizer with checkpoint=PATH")
        known = {"observations": plain(self._observations), "pending": plain(self._pending), "seed": self._seed}
        part = self._file.with_name(f"{self._file.name}.part")
        try:
            part.write_text(text_of(known), encoding="utf-8")
            part.replace(self._file)
        except OSError as error:
            raise InputError(f"{self._file}: the checkpoint cannot be written: {error.strerror}") from None

    def _restore(self, file: Path) -> None:
        try:
            known = json.loads(file.read_text(encoding="utf-8"))
            self._observations = _OBSERVATIONS.validate_python(known["observations"])
            self._pending = _PENDING.validate_python(known["pending"])
            seed = known["seed"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file}: no checkpoint of this optimizer ({error}): move it away") from None
        if seed != self._seed:
            raise InputError(f"{file}: was written with seed {seed}, not {self._seed}: give that seed, or another file")

    @property
    def _next(self) -> int:
        return 1 + max((each.trial for each in (*self._observations, *self._pending)), default=0)

    def _suggest_one(self) -> Mapping[str, Any]:
        trial = self._next
        request = SuggestRequest(
            problem=self._problem,
            engine=self._engine,
            trial=trial,
            seed=derive_seed(self._seed, "suggest", trial),
            design_seed=derive_seed(self._seed, "design"),
            observations=self._observations,
            pending=self._pending,
        )
        return self._begin(suggest(request).values)

    def _begin(self, values: Values) -> Mapping[str, Any]:
        trial = self._next
        self._pending = (*self._pending, Pending(trial, values))
        return {_ID: trial, **values}

    def _outcome_of(self, point: Mapping[str, Any]) -> tuple[Values, Outcome, Mapping[str, Any]]:
        outcome: dict[str, Estimate] = {}
        for metric in self._problem.metrics:
            if metric not in point:
                raise InputError(f"an outcome lacks the metric {metric!r}: it has {sorted(map(str, point))}")
            outcome[metric] = _estimate(metric, point[metric])
        return self._values_of(point), outcome, point

    def _values_of(self, point: Mapping[str, Any]) -> Values:
        """The values of a point with a known ``_id``, or those that it carries."""
        known = (*self._pending, *self._observations)
        flying = next((each.values for each in known if each.trial == point.get(_ID)), None)
        if flying is not None:
            return flying
        missing = [name for name in self._problem.space.names if name not in point]
        if missing:
            raise InputError(f"point {point.get(_ID)!r} was not suggested, and lacks the parameter {missing[0]!r}")
        return {name: _value(name, point[name]) for name in self._problem.space.names}

    def _conclude(self, identity: Any, values: Values, outcome: Outcome | None) -> None:
        """A point in flight, or one that nobody has asked for, has come to its end; what is told again is corrected."""
        if any(each.trial == identity for each in self._observations):
            told = (replace(each, outcome=outcome) if each.trial == identity else each for each in self._observations)
            self._observations = tuple(told)
            return
        trial = identity if any(each.trial == identity for each in self._pending) else self._next
        self._pending = tuple(each for each in self._pending if each.trial != trial)
        self._observations = (*self._observations, Observation(trial, values, outcome))


def _estimate(metric: str, value: Any) -> Estimate:
    pair: Any = value
    mean, sem = pair if isinstance(value, tuple | list) and len(pair) == 2 else (pair, None)
    try:
        return Estimate(float(mean), None if sem is None else float(sem))
    except (TypeError, ValueError):
        raise InputError(f"{metric} = {value!r} is no number, and no pair of a mean and its standard error") from None


def _value(name: str, value: Any) -> Value:
    if isinstance(value, str | bool | int | float):
        return value
    try:
        return float(value)  # a number of numpy's
    except (TypeError, ValueError):
        raise InputError(f"{name} = {value!r} is neither a number nor a text") from None
