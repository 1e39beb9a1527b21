"""What a person should know of a campaign's goal before it runs, in sentences."""

from __future__ import annotations

from autolab.config.specs import CampaignSpec
from optimizer.design import initial_trials

__all__ = ["goal_notes"]


def goal_notes(campaign: CampaignSpec) -> list[str]:
    """One sentence for each thing about the goal of a campaign that its file does not say by itself."""
    problem = campaign.problem
    notes = [f"rule in force: {rule}" for rule in problem.avoided]
    notes += [f"rule not applied, since it has expired: {rule}" for rule in problem.lapsed]
    initial = initial_trials(campaign.problem.space, campaign.engine)
    if campaign.problem.seeks_front:
        names = " and ".join(objective.metric for objective in campaign.problem.objectives)
        notes.append(f"{names} have no weights: the front is sought, the trials that no other one beats in all of them")
        bare = [objective.metric for objective in campaign.problem.objectives if objective.threshold is None]
        if bare:
            notes.append(
                f"no 'threshold' for {' and '.join(bare)}: what is still of interest is chosen from the outcomes"
            )
    for constraint in campaign.problem.hard_constraints:
        share = f"{100 * (constraint.hard or 0.0):g} %"
        notes.append(
            f"{constraint} is hard: no trial is proposed that is predicted to break it with more than {share}, and the "
            f"campaign pauses where there is no other; the first {min(initial, 5)} outcomes come before any prediction"
        )
    return notes
