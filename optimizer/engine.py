"""Engines: what makes a suggestion out of a request.

An engine keeps nothing between two requests that could change an answer: the same request gives the same suggestion in
any process. Which engine serves a problem is decided in `optimizer.routing`, and told with each suggestion.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from autolab.core.errors import ProposerError
from autolab.core.explanations import Explanation
from autolab.core.front import front_of
from autolab.core.parameters import Values
from autolab.core.proposing import ADAPTIVE, UNLEARNED, SuggestRequest
from autolab.core.trials import Suggestion
from optimizer.design import design_point, initial_trials, uniform_point
from optimizer.evidence import LARGEST, Evidence
from optimizer.explanation import explain
from optimizer.factorial import factorial_point, factorial_size
from optimizer.learner import Forecast, Learner, Loan, NumericalFailureError, Wish
from optimizer.rounding import NoPointLeftError, nearest
from optimizer.routing import Routing, choose
from optimizer.space import Key, Points

__all__ = [
    "FEWEST",
    "Engine",
    "GridEngine",
    "LearningEngine",
    "RandomEngine",
    "SobolEngine",
    "explained",
    "suggest",
    "suggestion_of",
]

FEWEST = 2
"""Outcomes that a model needs at least."""


class Engine(Protocol):
    """Makes suggestions, and is without memory."""

    def suggest(self, request: SuggestRequest) -> Suggestion:
        """Suggest the trial that ``request`` asks for, rounded to what the hardware can do.

        Raises:
            ProposerError: No suggestion could be made.
        """
        ...


def suggest(request: SuggestRequest) -> Suggestion:
    """Suggest the trial that ``request`` asks for, by the engine that serves its problem.

    Raises:
        ProposerError: There is no such engine, or no point of the space is left.
    """
    routing = choose(request.problem, request.engine, _evidence(request).failed)
    is_cautious = bool(request.problem.hard_constraints) and routing.name not in UNLEARNED
    return _noting_what_is_left(
        (_cautious(routing) if is_cautious else _engine(routing, request.engine.make)).suggest(request), request
    )


def _noting_what_is_left(suggestion: Suggestion, request: SuggestRequest) -> Suggestion:
    """The suggestion, with what the materials that are left had allowed."""
    passing = [constraint for constraint in request.problem.space.constraints if constraint.is_passing]
    if not passing:
        return suggestion
    reason = "; ".join((suggestion.reason, *(constraint.because for constraint in passing)))
    explanation = replace(suggestion.explanation or Explanation(), left=tuple(each.text for each in passing))
    return replace(suggestion, reason=reason, explanation=explanation)


def _engine(routing: Routing, make: str | None) -> Engine:
    if routing.name == "sobol":
        return SobolEngine()
    if routing.name == "random":
        return RandomEngine()
    if routing.name == "grid":
        return GridEngine()
    if routing.name == ADAPTIVE:
        return _theirs(routing, make)
    return LearningEngine(routing, {"ax": _ax, "botorch": _botorch, "lean": _lean}[routing.name])


def _lean() -> Learner:
    from optimizer.lean_learner import LeanLearner  # scipy's optimisers take a third of a second to import

    return LeanLearner()


def _theirs(routing: Routing, make: str | None) -> Engine:
    from optimizer.theirs import TheirEngine, TheirLearner  # it is built on this module

    return TheirEngine(routing, lambda: TheirLearner(make))


def _cautious(routing: Routing) -> Engine:
    from optimizer.cautious import CautiousEngine  # it is built on this module

    return CautiousEngine(routing, LearningEngine(routing, _botorch))


def _botorch() -> Learner:
    from optimizer.botorch_learner import BoTorchLearner  # torch takes seconds to import

    return BoTorchLearner()


def _ax() -> Learner:
    from optimizer.ax_learner import AxLearner  # Ax takes seconds to import

    return AxLearner()


class SobolEngine:
    """Proposes a space-filling design, point by point, and learns nothing."""

    def suggest(self, request: SuggestRequest) -> Suggestion:
        evidence = _evidence(request)
        values, note = _design_point(request, evidence)
        return suggestion_of(request, values, "sobol", f"space-filling design, point {request.trial}{note}")


class RandomEngine:
    """Proposes points at random, and learns nothing."""

    def suggest(self, request: SuggestRequest) -> Suggestion:
        evidence = _evidence(request)
        values, note = _untaken(evidence, lambda avoid: uniform_point(evidence.unit, request.seed, avoid=avoid))
        return suggestion_of(request, values, "random", f"drawn at random{note}")


class GridEngine:
    """Proposes all combinations of a few levels of each parameter, in an order drawn at random, and learns nothing."""

    def suggest(self, request: SuggestRequest) -> Suggestion:
        evidence = _evidence(request)
        index = request.trial - 1
        values, note = _untaken(
            evidence, lambda avoid: factorial_point(evidence.unit, request.design_seed, index, avoid=avoid)
        )
        size = factorial_size(evidence.unit)
        return suggestion_of(request, values, "grid", f"full factorial of {size} points, in random order{note}")


@dataclass(frozen=True)
class LearningEngine:
    """Begins with a space-filling design, then follows a model."""

    routing: Routing
    make_learner: Callable[[], Learner]
    """Called when the initial design is over: the learner's library may still be importing until then."""

    def suggest(self, request: SuggestRequest) -> Suggestion:
        evidence = _evidence(request)
        initial = initial_trials(request.problem.space, request.engine)
        if request.trial <= initial:
            return self._filling(request, evidence, f"initial design, point {request.trial} of {initial}")
        if evidence.n < FEWEST:
            known = "no outcome yet" if evidence.n == 0 else "only one outcome"
            return self._filling(request, evidence, f"space-filling point, since there is {known} to learn from")
        if evidence.is_flat and not request.problem.outcome_constraints:
            why = f"since all {evidence.n} outcomes are equal and a model could learn nothing from them"
            return self._filling(request, evidence, f"space-filling point, {why}")
        seed = request.seed
        try:
            loan = _loan(evidence)
            wish = self.make_learner().wish(loan.evidence, seed)
        except NumericalFailureError as error:
            return self._filling(request, evidence, f"space-filling point, since the model failed: {error}")
        values, note = _untaken(
            evidence, lambda avoid: nearest(evidence.unit, wish.point, avoid=avoid, seed=request.seed)
        )
        explanation = explained(evidence, values, _own(wish, evidence.n))
        reason = self.reason(evidence) + loan.said + note
        return suggestion_of(request, values, self.routing.name, reason, explanation)

    def _filling(self, request: SuggestRequest, evidence: Evidence, reason: str) -> Suggestion:
        if evidence.failed and request.trial > initial_trials(request.problem.space, request.engine):
            with suppress(NumericalFailureError, NoPointLeftError):
                return self._away(request, evidence, reason)
        values, note = _design_point(request, evidence)
        return suggestion_of(request, values, "sobol", reason + note)

    def _away(self, request: SuggestRequest, evidence: Evidence, reason: str) -> Suggestion:
        from optimizer.filling import away_from_failures  # scipy's optimisers take a third of a second to import
        from optimizer.success import success_of

        success = success_of(evidence)
        if success is None:
            raise ProposerError("no trial has failed for its recipe, and one was to be kept away from")
        values = away_from_failures(evidence, success, request.seed)
        chance = float(success(evidence.unit.encode(values)[None, :])[0])
        explanation = replace(explain(evidence, values, None, _SILENT["sobol"]), success=chance)
        said = f"{reason}, away from {_failures(evidence)}"
        return suggestion_of(request, values, "sobol", said, explanation)

    def reason(self, evidence: Evidence) -> str:
        """Why a point of the learner is suggested, in one sentence."""
        flying = f" and {len(evidence.pending)} in flight" if evidence.pending else ""
        reason = f"expected improvement over {_incumbent(evidence)}, by a model of {evidence.n} outcomes{flying}"
        if evidence.failed:
            reason += f", times the probability of success after {_failures(evidence)}"
        if evidence.too_large:
            reason += f"; without trial {', '.join(map(str, evidence.too_large))}, whose outcome is beyond {LARGEST:g}"
        if evidence.problem.costs is not None:
            reason += f", for each {evidence.problem.costs.unit} of its cost"
            if evidence.problem.costs.spend is not None:
                reason += f" to the power {evidence.problem.costs.power(evidence.run):.2f}"
        return reason + self.routing.note


def _failures(evidence: Evidence) -> str:
    n = len(evidence.failed)
    return "1 trial that failed" if n == 1 else f"{n} trials that failed"


def _loan(evidence: Evidence) -> Loan:
    """The evidence with what earlier campaigns lend to it."""
    if not evidence.problem.earlier:
        return Loan(evidence, "")
    from optimizer.transfer import borrow  # scipy's optimisers take a third of a second to import

    return borrow(evidence)


def _own(wish: Wish, n: int) -> Wish:
    """The same, with what it says of the campaign's own ``n`` outcomes only, which come last."""

    def foresee(point: Points) -> Forecast:
        forecast = wish.foresee(point)
        return replace(forecast, known=forecast.known[-n:])

    return replace(wish, foresee=foresee)


def _incumbent(evidence: Evidence) -> str:
    """What a suggestion is to be better than, in words."""
    if evidence.problem.seeks_front:
        front = front_of(evidence.problem, [(seen.trial, outcome) for seen, outcome in evidence.usable])
        size = f"{len(front)} trial{'s' if len(front) != 1 else ''}" if front else "no trial yet"
        return f"the hypervolume of the front ({size})"
    from optimizer.outliers import doubts_of  # scipy's optimisers take a third of a second to import

    doubted = {doubt.trial for metric in evidence.outputs for doubt in doubts_of(evidence, metric)}
    believed = replace(evidence, observations=tuple(o for o in evidence.observations if o.trial not in doubted))
    observation, outcome = believed.usable[believed.incumbent]
    ranking, score = evidence.problem.ranking, evidence.problem.score(outcome)
    value = "" if score is None else f" ({ranking.metric} {score.value:.4g} {ranking.unit}".rstrip() + ")"
    return f"trial {observation.trial}{value}"


def _evidence(request: SuggestRequest) -> Evidence:
    return Evidence(request.problem, request.observations, request.pending)


def _design_point(request: SuggestRequest, evidence: Evidence) -> tuple[Values, str]:
    index = _place_in_design(request, evidence)
    return _untaken(evidence, lambda avoid: design_point(evidence.unit, request.design_seed, index, avoid=avoid))


def _place_in_design(request: SuggestRequest, evidence: Evidence) -> int:
    """Which point of the design comes now: where changes cost, those of equal choices come together."""
    costs, initial = request.problem.costs, initial_trials(request.problem.space, request.engine)
    if costs is None or not costs.changes or request.trial > initial:
        return request.trial - 1
    dearest_first = [name for name, _ in sorted(costs.changes, key=lambda part: -part[1])]
    points = [design_point(evidence.unit, request.design_seed, index) for index in range(initial)]
    order = sorted(range(initial), key=lambda index: [str(points[index][name]) for name in dearest_first])
    return order[request.trial - 1]


def _untaken(evidence: Evidence, find: Callable[[Collection[Key]], Values]) -> tuple[Values, str]:
    """A point that was not tried before; where all were, one that at least did not fail and is not in flight."""
    try:
        return find(evidence.taken), ""
    except NoPointLeftError:
        if evidence.taken == evidence.forbidden:
            raise
    return find(evidence.forbidden), "; a repeat, since every other point has been tried"


_SILENT = {
    "sobol": "a point that fills the space",
    "random": "a point drawn at random",
    "grid": "a point of a grid",
}


def explained(evidence: Evidence, values: Values, wish: Wish) -> Explanation:
    """Why ``values`` are suggested, by the models behind ``wish``. A suggestion is never lost over its explanation."""
    try:
        return explain(evidence, values, wish.foresee(evidence.unit.encode(values)))
    except NumericalFailureError as error:
        return explain(evidence, values, None, str(error))


def suggestion_of(
    request: SuggestRequest, values: Values, engine: str, reason: str, explanation: Explanation | None = None
) -> Suggestion:
    """The suggestion of ``values``, with what it was made from.

    Args:
        request: What was asked.
        values: The point.
        engine: What made it.
        reason: Why, in one sentence.
        explanation: Why, in numbers; None where nothing was predicted.

    Raises:
        ProposerError: They are no point of the space.
    """
    problems = request.problem.space.violations(values)
    if problems:
        raise ProposerError(f"engine {engine} made {values!r} for trial {request.trial}, which is no point: {problems}")
    return Suggestion(
        trial=request.trial,
        values=values,
        engine=engine,
        reason=reason,
        seed=request.seed,
        seen=tuple(sorted(observation.trial for observation in request.observations)),
        pending=tuple(sorted(pending.trial for pending in request.pending)),
        explanation=explanation or explain(_evidence(request), values, None, _SILENT[engine]),
    )
