"""What is left to do when a campaign is over: trials that are not run, the recommendation, and the last record."""

from __future__ import annotations

from collections.abc import Iterable

from autolab.campaign.book import Book
from autolab.campaign.events import CampaignEnded, CampaignResult
from autolab.campaign.recommending import recommended
from autolab.campaign.rules import target_met
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stopping import End
from autolab.campaign.telling import Teller
from autolab.core.proposing import Proposer
from autolab.core.trials import Suggestion
from autolab.journal.journal import Journal

__all__ = ["finish", "give_up"]


def finish(
    setup: CampaignSetup,
    end: End,
    left: Iterable[Suggestion],
    book: Book,
    journal: Journal,
    teller: Teller,
    proposer: Proposer,
) -> CampaignResult:
    """Record how a campaign ended, and tell it.

    Args:
        setup: The campaign.
        end: How it ends.
        left: Trials that were not begun: abandoned where it ends for good.
        book: What is known of each trial.
        journal: Keeps the record.
        teller: Tells observers.
        proposer: Asked for a recommendation, unless the campaign is only paused.
    """
    give_up(setup, left if end.state in ("finished", "stopped") else (), journal, teller)
    recommendation = recommended(setup, book, None if end.state == "paused" else proposer)
    journal.end_campaign(setup.id, end.state, end.reason, recommendation)
    outcomes = book.outcomes()
    is_met = target_met(setup.problem, outcomes)
    if is_met is not None and recommendation is not None and recommendation.confirmed:
        is_met = setup.problem.ranking.is_reached(recommendation.mean)
    result = CampaignResult(setup.id, end.state, end.reason, end.exit_code, len(outcomes), is_met, recommendation)
    teller.tell(CampaignEnded(result, teller.lab_s()))
    return result


def give_up(setup: CampaignSetup, left: Iterable[Suggestion], journal: Journal, teller: Teller) -> None:
    """Record that trials are not going to be run, since the search has ended, and tell it."""
    for suggestion in left:
        journal.abandon(setup.id, suggestion.trial, "the campaign ended before it was run")
        teller.trial_ended(suggestion.trial, "abandoned", "the campaign ended before it was run")
