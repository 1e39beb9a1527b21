"""Which trial a campaign recommends when it ends."""

from __future__ import annotations

import logging

from autolab.campaign.book import Book
from autolab.campaign.rules import best_of
from autolab.campaign.setup import CampaignSetup
from autolab.core.errors import ProposerError
from autolab.core.proposing import Proposer, Recommendation
from autolab.core.seeds import derive_seed

__all__ = ["recommended"]

_log = logging.getLogger(__name__)


def recommended(setup: CampaignSetup, book: Book, proposer: Proposer | None) -> Recommendation | None:
    """What the proposer recommends; the best value measured where there is none or it has no model.

    Returns:
        None where no trial has an outcome.
    """
    outcomes = book.outcomes()
    if not outcomes:
        return None
    observations = book.observations(number for number, _ in outcomes)
    try:
        if proposer is not None:
            return proposer.recommend(setup.problem, observations, derive_seed(setup.seed, "recommend"))
    except ProposerError as error:
        _log.warning("no model for the recommendation: %s", error)
    best = best_of(setup.problem, outcomes)
    if best is None:
        return None
    estimate = dict(outcomes)[best.trial][setup.problem.objective.metric]
    values = book.suggestions[best.trial].values
    return Recommendation(best.trial, values, estimate.value, estimate.sem, "the best value measured")
