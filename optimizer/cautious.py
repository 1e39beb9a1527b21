"""Suggestions under hard outcome constraints: what is predicted to break one too often is not proposed.

Before there is a model nothing is predicted, so the initial design is taken as it is until `BELIEVED` outcomes are
known; from then on its points are judged like all others, and one that is not permitted is replaced. Where the model
permits nothing, or fails, nothing is proposed and the campaign pauses with what is known: an exception for a campaign
that has not yet kept the constraint would be one for those that it is meant for.
"""

from __future__ import annotations

from dataclasses import dataclass

from autolab.core.errors import NoPermittedTrialError, ProposerError
from autolab.core.proposing import SuggestRequest
from autolab.core.trials import Suggestion
from optimizer.design import initial_trials
from optimizer.engine import FEWEST, Engine, explained, suggestion_of
from optimizer.evidence import Evidence
from optimizer.learner import NumericalFailureError, Wish
from optimizer.routing import Routing
from optimizer.space import key_of

__all__ = ["BELIEVED", "CautiousEngine"]

BELIEVED = 5
"""Outcomes from which the initial design is judged by the model too."""


@dataclass(frozen=True)
class CautiousEngine:
    """Proposes only what the hard outcome constraints permit."""

    routing: Routing
    beginning: Engine
    """Proposes while there is no model."""

    def suggest(self, request: SuggestRequest) -> Suggestion:
        from optimizer.botorch_learner import BoTorchLearner  # torch takes seconds to import
        from optimizer.hard import is_permitted

        evidence = Evidence(request.problem, request.observations, request.pending)
        replaced = ""
        if request.trial <= initial_trials(request.problem.space, request.engine) or evidence.n < FEWEST:
            first = self.beginning.suggest(request)
            if evidence.n < BELIEVED or is_permitted(evidence, first.values, request.seed):
                return first
            replaced = "; the point of the initial design is not permitted"
        try:
            wish = BoTorchLearner().permitted_wish(evidence, request.seed)
        except NumericalFailureError as error:
            raise NoPermittedTrialError(
                f"no trial is proposed: the model failed ({error}), and without it nobody knows what breaks a hard "
                "outcome constraint. Look at the outcomes for one that cannot be, correct it, and resume"
            ) from error
        return self._suggestion(request, evidence, wish, wish.said + replaced)

    def _suggestion(self, request: SuggestRequest, evidence: Evidence, wish: Wish, said: str) -> Suggestion:
        values = evidence.unit.decode(wish.point)
        if key_of(values) in evidence.forbidden:
            raise ProposerError(f"engine botorch made {values!r} for trial {request.trial}, which may not be tried")
        again = "; a repeat" if key_of(values) in evidence.taken else ""
        reason = f"best by a model of {evidence.n} outcomes, {said}{again}{self.routing.note}"
        return suggestion_of(request, values, "botorch", reason, explained(evidence, values, wish))
