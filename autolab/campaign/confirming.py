"""Confirming the winner: when the search is over, the best trials are run again before one of them is claimed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autolab.campaign.book import Book
from autolab.campaign.claiming import Recipe, keeps, recipe_of
from autolab.campaign.finishing import give_up
from autolab.campaign.rules import best_of, gain_end, good_end, used_up
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stopping import End
from autolab.campaign.telling import Teller
from autolab.core.errors import ProposerError
from autolab.core.problem import Problem
from autolab.core.proposing import Proposer
from autolab.core.seeds import derive_seed
from autolab.core.trials import CONFIRM, Outcome, Suggestion
from autolab.journal import amendments
from autolab.journal.journal import Journal

__all__ = ["Confirming"]


class Confirming:
    """Decides when the search is over, and which trials confirm its winner. It keeps nothing that is not in the record.

    Args:
        setup: The campaign.
        book: What is known of each trial.
        proposer: Says which trials are best.
        journal: Keeps the record.
        realm: Where trials happen.
        since_s: Lab seconds at which the last search was over, where the campaign was interrupted; None where none was.
    """

    def __init__(
        self,
        setup: CampaignSetup,
        book: Book,
        proposer: Proposer,
        journal: Journal,
        realm: str,
        since_s: float | None = None,
    ) -> None:
        self._setup, self._book, self._proposer, self._journal = setup, book, proposer, journal
        self._realm = realm
        self._numbers = [number for number, one in book.suggestions.items() if one.engine == CONFIRM]
        is_last = bool(self._numbers) and max(self._numbers) == max(book.suggestions)
        self.end: End | None = self._search_end(since_s) if is_last and since_s is not None else None
        """How the search ended, from when its winner is being confirmed; None before."""

    @property
    def is_used_up(self) -> bool:
        """Whether nothing is left to run: all trials of the budget are over, or all that confirm the winner."""
        over = sum(number in self._book.concluded for number in self._numbers)
        if self.end is not None:
            return over == len(self._numbers)
        return len(self._book.concluded) - over >= self._setup.budget.trials

    @property
    def is_searched(self) -> bool:
        """Whether no further trial may be suggested: the budget is used up, or the winner is being confirmed."""
        return self.end is not None or self._n_searched >= self._setup.budget.trials

    @property
    def at_last(self) -> End:
        """How the campaign ends that nothing else has ended."""
        return self.end or used_up(self._setup.budget)

    def begin(self, end: End | None, left: Iterable[Suggestion], teller: Teller) -> tuple[Suggestion, ...]:
        """The trials that confirm the winner, recorded, where that is wanted and due; none of them else.

        Args:
            end: How the search ended; None where its budget is used up.
            left: Trials that were not begun: they are given up.
            teller: Tells observers.
        """
        if self._setup.confirm is None or self.end is not None or (end is not None and end.state != "finished"):
            return ()
        wanted = self._missing(self._setup.confirm.best, self._setup.confirm.replicates)
        if wanted:
            with self._journal.commit():  # all of them or none: what a crash leaves is the whole choice
                for suggestion, of in wanted:
                    amendments.confirm(self._journal, self._setup.id, self._realm, suggestion, of)
            self.end = end or used_up(self._setup.budget)
            self._numbers += [suggestion.trial for suggestion, _ in wanted]
            give_up(self._setup, left, self._journal, teller)
            teller.note(f"the search is over ({self.end.reason}); its best trials are measured again")
        return tuple(suggestion for suggestion, _ in wanted)

    @property
    def _n_searched(self) -> int:
        return len(self._book.suggestions) - len(self._numbers)

    def _search_end(self, since_s: float) -> End | None:
        """How the search ended, by the rules; None where they have changed, and it goes on."""
        setup, numbers = self._setup, set(self._numbers)
        outcomes = [pair for pair in self._book.outcomes() if pair[0] not in numbers]
        best = best_of(setup.problem, outcomes)
        suggestions = [self._book.suggestions[number] for number in sorted(self._book.suggestions)]
        return (
            good_end(setup.problem, setup.budget, setup.stopping, best, outcomes, since_s)
            or gain_end(setup.problem, setup.stopping.expected_gain, suggestions)
            or (used_up(setup.budget) if self._n_searched >= setup.budget.trials else None)
        )

    def _missing(self, best: int, replicates: int) -> list[tuple[Suggestion, int]]:
        """Each measurement that is missing, with the trial that it repeats. Recipes take turns: a drift hits all."""
        book, ranked = self._book, self._ranked()[:best]
        known = [recipe_of(book.suggestions[number].values) for number in self._numbers if self._is_good(number)]
        found: list[tuple[Suggestion, int]] = []
        for nth in range(1, replicates + 1):
            for place, of in enumerate(ranked, 1):
                first = book.suggestions[of]
                if known.count(recipe_of(first.values)) < nth:
                    number = book.next_number + len(found)
                    reason = f"measurement {nth} of {replicates} to confirm trial {of}, number {place} of the best"
                    found.append((Suggestion(number, first.values, CONFIRM, reason, first.seed, (), ()), of))
        return found

    def _is_good(self, number: int) -> bool:
        return self._book.concluded.get(number) is not None

    def _ranked(self) -> Sequence[int]:
        """The best trials, one for each recipe, the best one first: as the proposer believes, or else as measured."""
        problem, outcomes = self._setup.problem, self._book.outcomes()
        observations = self._book.observations(number for number, _ in outcomes)
        if not outcomes:
            return ()
        try:
            found = self._proposer.recommend(problem, observations, derive_seed(self._setup.seed, "recommend"))
            ranked: Sequence[int] = found.ranked if found else ()
        except ProposerError:
            ranked = ()
        return ranked or _as_measured(problem, [(self._book.suggestions[n], outcome) for n, outcome in outcomes])


def _as_measured(problem: Problem, measured: Iterable[tuple[Suggestion, Outcome]]) -> list[int]:
    """Trials by their scores, the first one of each recipe; those that keep the outcome constraints, if any does."""
    rows = [(one, outcome, score) for one, outcome in measured if (score := problem.score(outcome)) is not None]
    rows = [row for row in rows if keeps(problem, [row[1]])] or rows
    recipes: dict[Recipe, int] = {}
    for one, _, _ in sorted(rows, key=lambda row: (problem.ranking.loss(row[2].value), row[0].trial)):
        recipes.setdefault(recipe_of(one.values), one.trial)
    return list(recipes.values())
