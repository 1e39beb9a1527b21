"""Which trial a campaign recommends when it ends."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from autolab.campaign.book import Book
from autolab.campaign.claiming import claimed
from autolab.campaign.rules import best_of
from autolab.campaign.setup import CampaignSetup
from autolab.core.errors import ProposerError
from autolab.core.front import front_of, losses_of, middle_of
from autolab.core.problem import Problem
from autolab.core.proposing import Proposer, Recommendation
from autolab.core.seeds import derive_seed
from autolab.core.trials import Outcome

__all__ = ["recommended"]

_log = logging.getLogger(__name__)


def recommended(setup: CampaignSetup, book: Book, proposer: Proposer | None) -> Recommendation | None:
    """What the proposer recommends; the best value measured where there is none or it has no model.

    Where recipes were measured again to confirm the winner, it is one of them, by their fresh outcomes.

    Returns:
        None where no trial has an outcome.
    """
    outcomes = book.outcomes()
    if not outcomes:
        return None
    found = _unconfirmed(setup, book, proposer, outcomes)
    return claimed(setup.problem, found, [(book.suggestions[number], outcome) for number, outcome in outcomes])


def _unconfirmed(
    setup: CampaignSetup, book: Book, proposer: Proposer | None, outcomes: Sequence[tuple[int, Outcome]]
) -> Recommendation | None:
    observations = book.observations(number for number, _ in outcomes)
    try:
        if proposer is not None:
            return proposer.recommend(setup.problem, observations, derive_seed(setup.seed, "recommend"))
    except ProposerError as error:
        _log.warning("no model for the recommendation: %s", error)
    if setup.problem.seeks_front:
        return _middle(setup.problem, book, outcomes)
    best = best_of(setup.problem, outcomes)
    if best is None:
        return None
    estimate = setup.problem.score(dict(outcomes)[best.trial])
    values = book.suggestions[best.trial].values
    sem = None if estimate is None else estimate.sem
    return Recommendation(best.trial, values, best.value, sem, "the best value measured")


def _middle(problem: Problem, book: Book, outcomes: Sequence[tuple[int, Outcome]]) -> Recommendation | None:
    front = front_of(problem, outcomes)
    if not front:
        return None
    known = dict(outcomes)
    trial = front[middle_of([losses_of(problem, known[number]) for number in front])]
    estimate = known[trial][problem.objective.metric]
    said = f"the middle of the front of {len(front)} trials, as measured"
    return Recommendation(trial, book.suggestions[trial].values, estimate.value, estimate.sem, said, front)
