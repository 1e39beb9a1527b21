"""The book of a campaign: what it says does not depend on the order in which trials conclude."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autolab.campaign.book import Book
from autolab.campaign.rules import best_of
from autolab.core.objectives import Objective, OutcomeConstraint
from autolab.core.problem import Problem
from autolab.core.trials import Estimate, Outcome
from tests.campaign.softlab import PROBLEM

OUTCOMES = st.one_of(st.none(), st.tuples(st.integers(-2, 2), st.integers(0, 2)))
PROBLEMS = (
    PROBLEM,
    Problem(PROBLEM.space, Objective("y", "maximize"), (OutcomeConstraint("z", "<=", 1.0),)),
    Problem(PROBLEM.space, Objective("y", "minimize"), others=(Objective("z", "minimize"),)),
)


@given(st.sampled_from(PROBLEMS), st.lists(OUTCOMES, max_size=8), st.randoms(use_true_random=False))
def test_the_best_so_far_is_that_of_all_outcomes_in_whatever_order_they_come(problem, drawn, random):
    book, numbers = Book(), list(range(1, len(drawn) + 1))
    random.shuffle(numbers)
    for number in numbers:
        found = drawn[number - 1]
        outcome: Outcome | None = found and {"y": Estimate(found[0]), "z": Estimate(found[1])}
        book.concluded[number] = outcome
        known = [(n, o) for n, o in sorted(book.concluded.items()) if o is not None]
        assert (book.best(problem), book.outcomes()) == (best_of(problem, known), known)
