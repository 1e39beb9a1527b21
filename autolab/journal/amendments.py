"""What is added to the record of trials and changed in it, with its reason: nothing is erased."""

from __future__ import annotations

from collections.abc import Mapping

from autolab.core.canonical import canonical_json
from autolab.core.errors import InputError
from autolab.core.principals import Principal
from autolab.core.trials import NEXT, REPEAT, Estimate, Suggestion, TrialState
from autolab.journal.journal import Journal
from autolab.journal.records import CampaignRecord, TrialRecord

__all__ = ["abandon", "change_budget", "confirm", "correct", "inject", "repeat"]


def correct(
    journal: Journal, trial: TrialRecord, campaign: str, values: Mapping[str, Estimate], by: Principal, because: str
) -> None:
    """Give a trial another outcome from here on; the one before is kept beside it.

    Args:
        journal: Keeps the record.
        trial: The trial.
        campaign: Id of its campaign.
        values: The metrics that change.
        by: Who says so.
        because: Why.

    Raises:
        InputError: the trial has no outcome, or not this metric.
    """
    if trial.state is not TrialState.INGESTED or trial.outcome is None:
        raise InputError(f"trial {trial.number} is {trial.state} and has no outcome to correct")
    for name in values:
        if name not in trial.outcome:
            raise InputError(f"trial {trial.number} has no metric {name!r}; it has {', '.join(trial.outcome)}")
    after = {**trial.outcome, **values}
    changes = ", ".join(f"{name} {_text(trial.outcome[name])} → {_text(values[name])}" for name in values)
    with journal.commit():
        journal.intervene(campaign, trial.number, by, "correct", f"{changes}: {because}")
        journal.states.insert(
            "corrections",
            campaign=campaign,
            trial=trial.number,
            before=canonical_json(trial.outcome),
            after=canonical_json(after),
            principal=journal.principal(by),
            reason=because,
            date=journal.date(),
        )
        journal.states.write(
            "UPDATE trials SET outcome = ? WHERE campaign = ? AND number = ?",
            (canonical_json(after), campaign, trial.number),
        )


def repeat(
    journal: Journal, trial: TrialRecord, campaign: CampaignRecord, number: int, by: Principal, because: str
) -> None:
    """Suggest a trial again, as a new trial beyond the budget that the campaign has.

    Args:
        journal: Keeps the record.
        trial: The trial to repeat.
        campaign: Its campaign.
        number: Number of the new trial.
        by: Who wants it.
        because: Why.

    Raises:
        InputError: the screen refused the trial.
    """
    if trial.state is TrialState.REFUSED:
        raise InputError(f"trial {trial.number} was refused by the screen, and would be again")
    reason = f"repeat of trial {trial.number}: {because}"
    again = Suggestion(number, trial.suggestion.values, REPEAT, reason, trial.suggestion.seed, (), ())
    with journal.commit():
        journal.intervene(campaign.id, trial.number, by, "repeat", f"as trial {number}: {because}")
        journal.suggest(campaign.id, trial.realm, again)
        journal.states.write(
            "UPDATE trials SET repeat_of = ?, asked_by = ? WHERE campaign = ? AND number = ?",
            (trial.number, journal.principal(by), campaign.id, number),
        )
        why = f"trial {trial.number} is to be repeated as trial {number}"
        journal.end_campaign(campaign.id, "paused", why, campaign.recommendation)


def inject(journal: Journal, campaign: str, realm: str, suggestion: Suggestion, by: Principal, because: str) -> None:
    """Record a trial that a person hands in to a campaign that runs.

    Args:
        journal: Keeps the record.
        campaign: Id of the campaign.
        realm: Where it will happen.
        suggestion: The trial.
        by: Who wants it; they may not approve it themselves.
        because: Why.
    """
    with journal.commit():
        journal.intervene(campaign, suggestion.trial, by, "inject", because)
        journal.suggest(campaign, realm, suggestion)
        journal.states.write(
            "UPDATE trials SET asked_by = ? WHERE campaign = ? AND number = ?",
            (journal.principal(by), campaign, suggestion.trial),
        )


def confirm(journal: Journal, campaign: str, realm: str, suggestion: Suggestion, of: int) -> None:
    """Record a trial that confirms the winner.

    Args:
        journal: Keeps the record.
        campaign: Id of the campaign.
        realm: Where it will happen.
        suggestion: The trial.
        of: Number of the trial that it repeats.
    """
    with journal.commit():
        journal.suggest(campaign, realm, suggestion)
        journal.states.write(
            "UPDATE trials SET repeat_of = ? WHERE campaign = ? AND number = ?", (of, campaign, suggestion.trial)
        )


def abandon(journal: Journal, trial: TrialRecord, campaign: str, by: Principal, because: str) -> None:
    """Give up a trial that has not ended. What was in doubt about its actions stays so, in the record.

    Raises:
        InputError: the trial has ended.
    """
    if TrialState.ABANDONED not in NEXT[trial.state]:
        raise InputError(f"trial {trial.number} is {trial.state}: only a trial that has not ended can be abandoned")
    with journal.commit():
        journal.intervene(campaign, trial.number, by, "abandon", because)
        journal.abandon(campaign, trial.number, f"{by.name}: {because}")


def change_budget(journal: Journal, campaign: CampaignRecord, trials: int, by: Principal, because: str) -> None:
    """Give a campaign another budget from its next resume on."""
    with journal.commit():
        said = f"{campaign.budget_trials} → {trials} trials: {because}"
        journal.intervene(campaign.id, None, by, "change budget", said)
        journal.states.write(
            "UPDATE campaigns SET options = json_set(options, '$.trials', ?1), "
            "settings = json_set(settings, '$.budget_trials', ?1) WHERE id = ?2",
            (trials, campaign.id),
        )


def _text(estimate: Estimate) -> str:
    return f"{estimate.value:.6g}" + ("" if estimate.sem is None else f" ± {estimate.sem:.2g}")
