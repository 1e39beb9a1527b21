"""Changing the record of a campaign that does not run: a trial corrected, repeated or abandoned by a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autolab.compose.options import RunOptions
from autolab.compose.resuming import options_of
from autolab.compose.running import data_folder
from autolab.core.clock import real_clock
from autolab.core.errors import InputError
from autolab.core.imports import IMPORTED
from autolab.core.principals import Principal
from autolab.core.proposing import Observation
from autolab.core.seeds import derive_seed
from autolab.core.trials import Estimate
from autolab.journal import amendments
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, TrialRecord

__all__ = ["abandon_trial", "change_budget", "correct_outcome", "held_journal", "repeat_trial"]


def correct_outcome(
    data: Path, name: str, number: int, values: Mapping[str, Estimate], because: str, by: Principal
) -> str:
    """Give a trial another outcome, for the suggestions and the recommendation from here on.

    Args:
        data: The data folder.
        name: Id of the campaign, or its beginning.
        number: Number of the trial.
        values: The metrics that change, each in its unit.
        because: Why; it is kept.
        by: Who says so.

    Returns:
        What was done, in one sentence.

    Raises:
        InputError: there is no such trial or metric, or a controller runs the campaign.
    """
    with _held(data, name, number, because) as at:
        amendments.correct(at.journal, at.trial, at.campaign.id, values, by, because)
        if at.campaign.state == "finished":
            _recommend_again(at.journal, at.campaign)
    return f"trial {number} of {at.campaign.id} is corrected; the outcome before is kept beside it"


def repeat_trial(data: Path, name: str, number: int, because: str, by: Principal) -> str:
    """Have a trial run again, as a new one beyond the budget, when the campaign is resumed.

    Returns:
        What was done, in one sentence.

    Raises:
        InputError: there is no such trial, the campaign was stopped for good or cannot be resumed, or a controller
            runs it.
    """
    with _held(data, name, number, because) as at:
        if at.campaign.state == "stopped":
            raise InputError(f"{at.campaign.id} was stopped for good: start a new campaign")
        if at.campaign.state == IMPORTED:
            said = "hand its values to a campaign that runs: 'autolab inject'"
            raise InputError(f"{at.campaign.id} was imported, and nothing can be run in it: {said}")
        if at.campaign.options.get("virtual"):
            raise InputError(f"{at.campaign.id} ran on the virtual clock, and cannot go on: run it again")
        amendments.repeat(at.journal, at.trial, at.campaign, at.n_trials + 1, by, because)
    return f"trial {number} is repeated as trial {at.n_trials + 1} by 'autolab resume {at.campaign.id}'"


def abandon_trial(data: Path, name: str, number: int, because: str, by: Principal) -> str:
    """Give up a trial that was interrupted or is in doubt.

    Returns:
        What was done, in one sentence.

    Raises:
        InputError: there is no such trial, it has ended, or a controller runs the campaign.
    """
    with _held(data, name, number, because) as at:
        amendments.abandon(at.journal, at.trial, at.campaign.id, by, because)
    return f"trial {number} is abandoned; go on with 'autolab resume {at.campaign.id}'"


def change_budget(data: Path, name: str, trials: int, because: str, by: Principal) -> str:
    """Give a campaign that does not run another number of trials, from its next resume on. Repeats come on top.

    Args:
        data: The data folder.
        name: Id of the campaign, or its beginning.
        trials: How many trials it may run in all.
        because: Why; it is kept.
        by: Who wants it.

    Returns:
        What was done, in one sentence.

    Raises:
        InputError: the campaign has ended, has begun more trials than that, or a controller runs it.
    """
    if not because.strip():
        raise InputError("--because: say why, such as 'the gain is worth ten more'; it is kept with the change")
    with held_journal(data, name) as (journal, campaign):
        options_of(campaign, data)  # refuses what cannot be resumed
        RunOptions(data=data, trials=trials)  # refuses what is no budget
        reader = JournalReader(journal.states, journal.documents)
        begun = len(reader.trials(campaign.id)) - reader.n_repeats(campaign.id)
        if trials < begun:
            raise InputError(f"{campaign.id} has begun {begun} trials already: its budget cannot be {trials}")
        amendments.change_budget(journal, campaign, trials, by, because)
    said = f"{campaign.id} may run {trials} trials, and not {campaign.budget_trials}"
    return f"{said}; 'autolab resume {campaign.id}' goes on"


@dataclass(frozen=True)
class _Held:
    """A trial in a journal that nobody else writes."""

    journal: Journal
    campaign: CampaignRecord
    trial: TrialRecord
    n_trials: int


@contextmanager
def _held(data: Path, name: str, number: int, because: str) -> Iterator[_Held]:
    if not because.strip():
        raise InputError("--because: say why, such as 'the cuvette was dirty'; it is kept with the change")
    with held_journal(data, name) as (journal, campaign):
        trials = JournalReader(journal.states, journal.documents).trials(campaign.id)
        found = [trial for trial in trials if trial.number == number]
        if not found:
            raise InputError(f"{campaign.id} has no trial {number}; it has {len(trials)}")
        yield _Held(journal, campaign, found[0], len(trials))


@contextmanager
def held_journal(data: Path, name: str) -> Iterator[tuple[Journal, CampaignRecord]]:
    """The journal of a data folder that nobody else writes, and one of its campaigns; lab time is counted on.

    Raises:
        InputError: there is no such campaign, or a controller runs.
    """
    JournalReader.open(data).close()  # where there is none, nothing is made
    with data_folder(RunOptions(data=data)):
        journal = Journal(data, real_clock())
        try:
            campaign = JournalReader(journal.states, journal.documents).campaign(name)
            journal.count_on(campaign.id)
            yield journal, campaign
        finally:
            journal.close()


def _recommend_again(journal: Journal, campaign: CampaignRecord) -> None:
    """A campaign that has finished recommends what its corrected outcomes say."""
    from autolab.campaign.claiming import claimed
    from optimizer.client import ProposerHost
    from optimizer.routing import choose

    trials = JournalReader(journal.states, journal.documents).trials(campaign.id)
    observations = tuple(Observation(t.number, t.suggestion.values, t.outcome) for t in trials if t.outcome)
    with ProposerHost(warm=choose(campaign.problem, campaign.engine).name, is_ahead=False) as proposer:
        seed = derive_seed(campaign.seed, "recommend")
        recommendation = proposer.recommend(campaign.problem, observations, seed)
    measured = [(trial.suggestion, trial.outcome) for trial in trials if trial.outcome]
    recommendation = claimed(campaign.problem, recommendation, measured)
    journal.end_campaign(campaign.id, campaign.state, campaign.reason or "", recommendation)
