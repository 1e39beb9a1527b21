"""What a campaign's model has learned, and how far it can be trusted: as it was recorded, or fitted now."""

from __future__ import annotations

from pathlib import Path

from autolab.core.diagnoses import Diagnosis
from autolab.core.proposing import Observation
from autolab.core.seeds import derive_seed
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord

__all__ = ["diagnosis_of"]


def diagnosis_of(data: Path, name: str | None) -> tuple[CampaignRecord, Diagnosis | str]:
    """The diagnosis of a campaign; it is fitted anew while the campaign has not ended.

    Args:
        data: The data folder.
        name: Id of the campaign, or its beginning; None for the newest.

    Returns:
        The campaign, and its diagnosis or why there is none.

    Raises:
        InputError: there is no such campaign.
        ProposerError: the proposer host failed.
    """
    reader = JournalReader.open(data)
    try:
        campaign = reader.campaign(name)
        trials = reader.trials(campaign.id)
    finally:
        reader.close()
    recommendation = campaign.recommendation
    if campaign.state != "finished" or recommendation is None:
        from optimizer.client import ProposerHost
        from optimizer.routing import choose

        observations = tuple(Observation(t.number, t.suggestion.values, t.outcome) for t in trials if t.outcome)
        with ProposerHost(warm=choose(campaign.problem, campaign.engine).name, is_ahead=False) as proposer:
            seed = derive_seed(campaign.seed, "recommend")
            recommendation = proposer.recommend(campaign.problem, observations, seed)
    if recommendation is None:
        return campaign, "no trial has an outcome yet"
    reason = f"there is no model to check; trial {recommendation.trial} is recommended as {recommendation.reason}"
    return campaign, recommendation.diagnosis or reason
