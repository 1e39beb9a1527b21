"""The book of a running campaign: what is known of each trial, by number."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice

from autolab.campaign.rules import Best, best_of, visible
from autolab.campaign.setup import CampaignSetup
from autolab.core.constraints import Constraint
from autolab.core.faults import SCREENED
from autolab.core.problem import Problem, Space
from autolab.core.proposing import Observation, Pending, SuggestRequest
from autolab.core.quarantine import Quarantine
from autolab.core.seeds import derive_seed
from autolab.core.trials import Outcome, Suggestion, Verdict

__all__ = ["Book", "request_for"]


@dataclass
class Book:
    """Suggestions and outcomes of one campaign. An outcome of None is that of a trial that failed or was refused.

    A conclusion is final: each is looked at once, however long the campaign.
    """

    suggestions: dict[int, Suggestion] = field(default_factory=dict[int, Suggestion])
    concluded: dict[int, Outcome | None] = field(default_factory=dict[int, Outcome | None])
    closes: dict[int, float] = field(default_factory=dict[int, float])
    """Half width of the region around each trial that is in quarantine, as a fraction of each parameter's range."""
    prepared: set[int] = field(default_factory=set[int])
    """Trials that wait for their plate."""
    faults: dict[int, str] = field(default_factory=dict[int, str])
    """Why trials have no outcome, where that is known: the kind of fault, or `autolab.core.faults.SCREENED`."""
    _observed: dict[int, Observation] = field(default_factory=dict[int, Observation])
    _n_noted: int = 0
    """Conclusions that are among the outcomes below, in the order in which they came."""
    _outcomes: list[tuple[int, Outcome]] = field(default_factory=list[tuple[int, Outcome]])
    _best: Best | None = None
    _n_ranked: int = 0

    @property
    def next_number(self) -> int:
        """Number of the trial that has not been suggested yet."""
        return len(self.suggestions) + 1

    def outcomes(self) -> list[tuple[int, Outcome]]:
        """Trial number and outcome of those that have one, in the order of trial numbers."""
        for number, outcome in islice(self.concluded.items(), self._n_noted, None):
            if outcome is not None:
                insort(self._outcomes, (number, outcome), key=lambda pair: pair[0])
        self._n_noted = len(self.concluded)
        return self._outcomes.copy()

    def best(self, problem: Problem) -> Best | None:
        """The best trial so far, as `best_of` finds it among all outcomes; always asked with the same problem."""
        loss = problem.ranking.loss
        for number, outcome in islice(self.concluded.items(), self._n_ranked, None):
            found = None if outcome is None else best_of(problem, [(number, outcome)])
            known = [best for best in (self._best, found) if best is not None]
            self._best = min(known, key=lambda best: (loss(best.value), best.trial), default=None)
        self._n_ranked = len(self.concluded)
        return self._best

    def observations(self, numbers: Iterable[int]) -> tuple[Observation, ...]:
        """Observations of concluded trials: the same object each time, since a conclusion is final."""
        return tuple([self._observed.get(number) or self._observe(number) for number in numbers])

    def _observe(self, number: int) -> Observation:
        values, outcome = self.suggestions[number].values, self.concluded[number]
        made = Observation(number, values, outcome, self.closes.get(number), self.faults.get(number))
        return self._observed.setdefault(number, made)

    def refused(self, number: int, verdict: Verdict) -> None:
        """The screen has refused a trial: where its values are to blame, that is known of it."""
        if verdict.blames_recipe:
            self.faults[number] = SCREENED

    def pending(self, numbers: Iterable[int]) -> tuple[Pending, ...]:
        """Values of suggested trials."""
        return tuple(Pending(n, self.suggestions[n].values) for n in numbers)

    def quarantines(self) -> list[Quarantine]:
        """Regions that are closed."""
        return [Quarantine(n, self.suggestions[n].values, region) for n, region in sorted(self.closes.items())]

    def failures_in_a_row(self, space: Space) -> int:
        """How many of the trials that concluded last, by number, have no outcome.

        Those that were passed over because another trial had closed their region say nothing of the lab.
        """
        count, closed = 0, self.quarantines()
        for number in sorted(self.concluded, reverse=True):
            if self.concluded[number] is not None:
                break
            values = self.suggestions[number].values
            count += not any(region.trial != number and region.holds(values, space) for region in closed)
        return count


def request_for(setup: CampaignSetup, book: Book, trial: int, bounds: tuple[Constraint, ...] = ()) -> SuggestRequest:
    """The request for a trial's suggestion: all that it may depend on, from the book alone.

    Args:
        setup: The campaign.
        book: What is known of each trial.
        trial: Number of the trial to suggest.
        bounds: What the materials that are left allow it to be.
    """
    seen, pending = visible(trial, setup.lanes, setup.per_plate)
    problem = setup.problem
    if bounds:
        space = replace(problem.space, constraints=(*problem.space.constraints, *bounds))
        problem = replace(problem, space=space)
    return SuggestRequest(
        problem=problem,
        engine=setup.engine,
        trial=trial,
        seed=derive_seed(setup.seed, "suggest", trial),
        design_seed=derive_seed(setup.seed, "design"),
        observations=book.observations(seen),
        pending=book.pending(pending),
    )
