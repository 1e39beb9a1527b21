"""What is claimed of a winner that was measured again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from autolab.core.confirming import Claim, claims
from autolab.core.parameters import Value, Values
from autolab.core.problem import Problem
from autolab.core.proposing import Recommendation
from autolab.core.trials import CONFIRM, Outcome, Suggestion

__all__ = ["Recipe", "claimed", "keeps", "recipe_of"]

Recipe = tuple[tuple[str, Value], ...]


def claimed(
    problem: Problem, found: Recommendation | None, measured: Iterable[tuple[Suggestion, Outcome]]
) -> Recommendation | None:
    """What is recommended, of the recipes that were measured again by these fresh outcomes alone.

    What led to a recipe is left out: the best of many measurements is partly the luckiest.

    Args:
        problem: Says what is best.
        found: What is recommended without confirmation.
        measured: All trials with an outcome, in the order of their numbers.

    Returns:
        ``found`` where no recipe was measured again.
    """
    first: dict[Recipe, Suggestion] = {}
    fresh: dict[Recipe, list[Outcome]] = {}
    for suggestion, outcome in measured:
        first.setdefault(recipe_of(suggestion.values), suggestion)
        if suggestion.engine == CONFIRM and problem.score(outcome) is not None:
            fresh.setdefault(recipe_of(suggestion.values), []).append(outcome)
    if not fresh:
        return found
    found_of = dict(zip(fresh, claims([_scores(problem, outcomes) for outcomes in fresh.values()]), strict=True))
    keep = [key for key, outcomes in fresh.items() if keeps(problem, outcomes)]
    key = min(keep or fresh, key=lambda one: (problem.ranking.loss(found_of[one].mean), first[one].trial))
    claim, n = found_of[key], len(fresh[key])
    many = f"{len(fresh)} recipes that were" if len(fresh) > 1 else "the recipe that was"
    reason = f"best of {many} measured again, by these fresh measurements alone ({n} of it)"
    return _with_claim(found, first[key], claim, n, reason if keep else f"{reason}; none keeps the outcome constraints")


def _with_claim(found: Recommendation | None, of: Suggestion, claim: Claim, n: int, reason: str) -> Recommendation:
    plain = found or Recommendation(of.trial, of.values, claim.mean, claim.sem, reason)
    return replace(
        plain,
        trial=of.trial,
        values=of.values,
        mean=claim.mean,
        sem=claim.sem,
        reason=reason,
        interval=claim.interval,
        confirmed=n,
    )


def _scores(problem: Problem, outcomes: Sequence[Outcome]) -> list[float]:
    scores = [problem.score(outcome) for outcome in outcomes]
    return [score.value for score in scores if score is not None]


def keeps(problem: Problem, outcomes: Sequence[Outcome]) -> bool:
    """Whether the means of the outcomes keep all outcome constraints."""
    return all(
        constraint.holds(sum(outcome[constraint.metric].value for outcome in outcomes) / len(outcomes))
        for constraint in problem.outcome_constraints
    )


def recipe_of(values: Values) -> Recipe:
    """What two trials of the same values have in common."""
    return tuple(sorted(values.items(), key=lambda item: item[0]))
