"""How a campaign stands: counted and looked up in the record, so that one of 100,000 trials is told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from autolab.core.front import front_of
from autolab.core.objectives import Objective, OutcomeConstraint
from autolab.core.problem import Problem
from autolab.core.trials import Estimate, TrialState
from autolab.journal.database import Database
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, TrialRecord
from autolab.report.facts import WITHOUT_OUTCOME, recommended_trial, target_is_met

__all__ = ["Found", "Standing", "best_trial", "last_ended"]

Found = tuple[int, float, float | None]
"""Number, value and standard error of a trial."""
_Outcome = dict[str, dict[str, float | None]]
_outcome = msgspec.json.Decoder(_Outcome).decode


@dataclass(frozen=True, slots=True)
class Standing:
    """How a campaign stands."""

    campaign: CampaignRecord
    counts: Mapping[TrialState, int]
    """Number of trials in each state; states in which there is none are left out."""
    n_measured: int
    """Trials with an outcome."""
    best: tuple[int, Estimate] | None
    """The best trial as measured; None while no trial keeps all outcome constraints, and for a front."""
    front: tuple[int, ...]
    """Trials of the front: those that are recommended, or as measured while it runs; none where none is sought."""

    @classmethod
    def read(cls, reader: JournalReader, campaign: CampaignRecord) -> Standing:
        """How a campaign stands now.

        Raises:
            StorageError: the journal cannot be read.
        """
        query = "SELECT state, COUNT(*) AS n FROM trials WHERE campaign = ? GROUP BY state"
        found = {row["state"]: int(row["n"]) for row in reader.states.rows(query, (campaign.id,))}
        n_measured, best = best_trial(reader.states, campaign)
        return cls(
            campaign,
            {state: found[state] for state in TrialState if state in found},
            n_measured,
            None if best is None else (best[0], Estimate(best[1], best[2])),
            _front(reader.states, campaign),
        )

    @property
    def objective(self) -> Objective:
        """What trials are ordered by, see `Facts.objective`."""
        return self.campaign.problem.ranking

    @property
    def n_without_outcome(self) -> int:
        """Trials that failed, were refused, abandoned, or are in doubt."""
        return sum(n for state, n in self.counts.items() if state in WITHOUT_OUTCOME)

    @property
    def recommended_trial(self) -> int | None:
        """Number of the trial that the campaign recommends, or the best as measured while it runs."""
        return recommended_trial(self.campaign, None if self.best is None else self.best[0])

    @property
    def target_is_met(self) -> bool | None:
        """Whether the target is met, see `Facts.target_is_met`."""
        return target_is_met(self.campaign, None if self.best is None else self.best[1].value)


def best_trial(states: Database, campaign: CampaignRecord, after: int = 0) -> tuple[int, Found | None]:
    """Number of trials with an outcome, and the best of them as measured that keeps all outcome constraints.

    Args:
        states: Database of the states.
        campaign: The campaign.
        after: Only trials with a higher number are looked at.

    Returns:
        The second is None where no trial keeps them, and for a front.
    """
    problem, n_measured, best, least = campaign.problem, 0, None, float("inf")
    for number, outcome in _outcomes(states, campaign.id, after):
        score = _score(problem, outcome)
        if score is None:
            continue
        n_measured += 1
        if problem.seeks_front or not problem.ranking.loss(score[0]) < least:
            continue
        if all(_keeps(bound, outcome.get(bound.metric)) for bound in problem.outcome_constraints):
            least, best = problem.ranking.loss(score[0]), (number, *score)
    return n_measured, best


def last_ended(reader: JournalReader, campaign: str, limit: int) -> list[TrialRecord]:
    """The last trials of a campaign that have an outcome, or ended without one, by number.

    Args:
        reader: Reads the journal.
        campaign: Id of the campaign.
        limit: At most so many.
    """
    without = ", ".join(f"'{state}'" for state in WITHOUT_OUTCOME)
    rows = reader.states.rows(
        f"SELECT number FROM trials WHERE campaign = ? AND (outcome IS NOT NULL OR state IN ({without})) "  # noqa: S608 (states are ours)
        "ORDER BY number DESC LIMIT ?",
        (campaign, limit),
    )
    numbers = {row["number"] for row in rows}
    return [trial for trial in reader.trials(campaign, after=min(numbers, default=1) - 1) if trial.number in numbers]


def _outcomes(states: Database, campaign: str, after: int = 0) -> Iterator[tuple[int, _Outcome]]:
    query = "SELECT number, outcome FROM trials WHERE campaign = ? AND number > ? AND outcome IS NOT NULL ORDER BY 1"
    for batch in states.batches(query, (campaign, after)):
        for number, text in batch:
            yield number, _outcome(text)


def _front(states: Database, campaign: CampaignRecord) -> tuple[int, ...]:
    if not campaign.problem.seeks_front:
        return ()
    if campaign.recommendation is not None:
        return campaign.recommendation.front
    found = [(number, _estimates(outcome)) for number, outcome in _outcomes(states, campaign.id)]
    return front_of(campaign.problem, found)


def _estimates(outcome: _Outcome) -> dict[str, Estimate]:
    return {name: Estimate(one["value"] or 0.0, one.get("sem")) for name, one in outcome.items()}


def _score(problem: Problem, outcome: _Outcome) -> tuple[float, float | None] | None:
    """Value and standard error of what trials are ordered by. One objective is looked up and not weighed."""
    if not problem.others:
        found = outcome.get(problem.objective.metric)
        return None if found is None else (found["value"] or 0.0, found.get("sem"))
    score = problem.score(_estimates(outcome))
    return None if score is None else (score.value, score.sem)


def _keeps(bound: OutcomeConstraint, found: dict[str, float | None] | None) -> bool:
    return found is not None and bound.holds(found["value"] or 0.0)
