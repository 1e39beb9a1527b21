"""Others' optimisers as an engine of ours: those that meet bluesky-adaptive's ``Optimizer`` protocol.

An optimiser is made anew for each suggestion and told all that is known (decision 18): outcomes by ``ingest``, without
an ``_id``, as of points that it has not suggested; trials in flight and those that failed by ``register_suggestions``
and ``register_failures``, where it has them. What it then suggests is rounded to the hardware, inside all constraints,
and never a point that may not be tried. The initial design is ours.

What makes one is a function of two arguments::

    def make(problem: Problem, seed: int) -> Optimizer: ...
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np

from autolab.core.errors import ProposerError
from autolab.core.parameters import Values
from autolab.core.problem import Problem
from autolab.core.proposing import SuggestRequest
from autolab.core.trials import Suggestion
from optimizer.engine import LearningEngine
from optimizer.evidence import Evidence
from optimizer.learner import Forecast, NumericalFailureError, Wish
from optimizer.space import Points

__all__ = ["TheirEngine", "TheirLearner", "Theirs"]

_AX = "optimizer.their_ax.make"


@runtime_checkable
class Theirs(Protocol):
    """What is asked of an optimiser; the same two as in ``bluesky_adaptive.protocols.Optimizer``."""

    def suggest(self, num_points: int | None = None) -> Sequence[Mapping[str, Any]]:
        """So many points to try next, by the names of the parameters."""
        ...

    def ingest(self, points: Sequence[Mapping[str, Any]]) -> None:
        """Take points with their outcomes, by the names of parameters and metrics."""
        ...


@dataclass(frozen=True)
class TheirEngine(LearningEngine):
    """Begins with our design, then follows an optimiser of others."""

    def suggest(self, request: SuggestRequest) -> Suggestion:
        if request.trial == 1:  # what cannot be made is refused before anything is tried
            cast("TheirLearner", self.make_learner()).made(request.problem, request.seed)
        return super().suggest(request)

    def reason(self, evidence: Evidence) -> str:
        flying = f" and {len(evidence.pending)} in flight" if evidence.pending else ""
        by = cast("TheirLearner", self.make_learner()).name
        return f"suggested by {by} from {evidence.n} outcomes{flying}{self.routing.note}"


class TheirLearner:
    """An optimiser in the form that bluesky-adaptive asks of one.

    Args:
        make: Dotted name of what makes it; None for bluesky-adaptive's optimiser by Ax.
    """

    def __init__(self, make: str | None) -> None:
        self._dotted = make or _AX
        self.name = make or "bluesky-adaptive's AxOptimizer"

    def made(self, problem: Problem, seed: int) -> Theirs:
        """The optimiser, which knows nothing yet.

        Raises:
            ProposerError: it cannot be imported or made, or is none.
        """
        try:
            make = _resolved(self._dotted)
            found = make(problem, seed % 2**31)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            hint = "pip install 'autolab[adaptive]'" if package == "bluesky_adaptive" else f"install {package}"
            raise ProposerError(f"engine {self.name}: there is no module {error.name!r}: {hint}") from error
        except ProposerError:
            raise
        except Exception as error:  # another's code may raise anything
            raise ProposerError(f"engine {self.name}: making it failed: {type(error).__name__}: {error}") from error
        if not isinstance(found, Theirs):
            raise ProposerError(
                f"engine {self.name}: it made a {type(found).__name__}, which lacks suggest or ingest: make what meets "
                "bluesky_adaptive.protocols.Optimizer"
            )
        return found

    def wish(self, evidence: Evidence, seed: int) -> Wish:
        from optimizer.numerics import seeded, single_thread  # torch, which their libraries use too

        with single_thread(), seeded(seed):
            optimizer = self.made(evidence.problem, seed)
            try:
                _tell(optimizer, evidence)
                (suggested,) = optimizer.suggest(1)
            except Exception as error:  # another's code may raise anything: a point of the design is taken instead
                raise NumericalFailureError(f"{self.name} stopped with {type(error).__name__}: {error}") from error
        return Wish(self._point(evidence, suggested), self._foresee)

    def _point(self, evidence: Evidence, suggested: Mapping[str, Any]) -> Points:
        """The point of the unit cube, shape ``(d,)``; what is beyond a bound is taken to it.

        Raises:
            ProposerError: it is no point of these parameters.
        """
        free = [dimension.parameter.name for dimension in evidence.unit.dimensions]
        if missing := [name for name in free if name not in suggested]:
            raise ProposerError(f"engine {self.name}: it suggests {dict(suggested)!r}, which lacks {missing[0]!r}")
        try:
            point = evidence.unit.encode({name: suggested[name] for name in free})
        except (TypeError, ValueError):
            point = np.full(len(free), np.nan)
        if not np.isfinite(point).all():
            bad = free[int(np.flatnonzero(~np.isfinite(point))[0])]
            raise ProposerError(f"engine {self.name}: it suggests {bad} = {suggested[bad]!r}, which is no value of it")
        return np.clip(point, 0.0, 1.0)

    def _foresee(self, _: Points) -> Forecast:
        raise NumericalFailureError(f"{self.name} says nothing of what it expects")


def _tell(optimizer: Theirs, evidence: Evidence) -> None:
    """Tell an optimiser all that is known."""
    rows = [{**seen.values, **{m: outcome[m].value for m in evidence.outputs}} for seen, outcome in evidence.usable]
    if rows:
        optimizer.ingest(rows)
    register = getattr(optimizer, "register_suggestions", None)
    fail = getattr(optimizer, "register_failures", None)
    if register is None:
        return
    in_vain = [seen.values for seen in evidence.observations if seen.trial in evidence.failed]
    if fail is not None and in_vain:
        fail(register([_free(evidence, values) for values in in_vain]))
    if evidence.pending:
        register([_free(evidence, each.values) for each in evidence.pending])


def _free(evidence: Evidence, values: Values) -> dict[str, Any]:
    return {dimension.parameter.name: values[dimension.parameter.name] for dimension in evidence.unit.dimensions}


def _resolved(dotted: str) -> Callable[[Problem, int], Any]:
    """What a dotted name stands for.

    Raises:
        ProposerError: the module has no such function.
        ModuleNotFoundError: there is no such module.
    """
    module, _, name = dotted.rpartition(".")
    found = getattr(importlib.import_module(module), name, None)
    if not callable(found):
        raise ProposerError(f"engine {dotted}: {module} has no function {name!r}")
    return cast("Callable[[Problem, int], Any]", found)
