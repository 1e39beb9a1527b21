"""What is left of the materials, as constraints on the next suggestion, so that it can be made.

What a suggestion may see depends on trial numbers: of the trials whose outcomes it sees, what they have used by the
record; of those in flight, what they are expected to use, whether or not they have used it by now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from autolab.campaign.book import Book
from autolab.campaign.lab import OpenLab, OwnStock
from autolab.campaign.recipe import Use, learned
from autolab.campaign.rules import visible
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stock import volume
from autolab.core.constraints import Constraint
from autolab.core.operations import Operations
from autolab.core.parameters import Values
from autolab.core.problem import Space
from autolab.core.samples import Sample
from autolab.core.seeds import derive_seed
from autolab.journal.journal import Journal
from autolab.screen.rig import DryRunRequest

__all__ = ["Left", "bounds_of"]

LITTLE = 0.1
"""Fraction of what a trial may take of a material: where less is left, it bounds nothing (decision 19)."""


class Left:
    """Says what the materials that are left allow the next trial to be.

    Where the budget could empty a bottle, what a trial uses is learned from dry runs of the plan, before the first
    suggestion (`autolab.campaign.recipe`). A material of which that gives no sum over the parameters bounds nothing:
    the campaign pauses when it is too little.

    Args:
        setup: The campaign.
        lab: The lab, open.
        journal: Knows what was used.
        sample: The sample that a trial would be given; None where it needs none, or no well is free.
    """

    def __init__(
        self, setup: CampaignSetup, lab: OpenLab, journal: Journal, sample: Callable[[int], Sample | None]
    ) -> None:
        self._setup, self._lab, self._journal, self._sample = setup, lab, journal, sample
        self._own: OwnStock | None = None
        self._used: Counter[str] = Counter()
        self._counted = 0
        """Trials, from the first on, whose use is in ``_used``."""
        self._uses: tuple[Use, ...] = ()

    def bounds(self, book: Book, number: int) -> tuple[Constraint, ...]:
        """Constraints on trial ``number``; none where nothing binds, and where nothing could be made: then it pauses.

        Args:
            book: What is known of each trial; those that the suggestion sees have concluded.
            number: Number of the trial to suggest.
        """
        if self._setup.plan_screen is None or not self._lab.rules.materials:
            return ()
        if self._own is None:
            self._own = self._lab.own_stock(self._journal, self._setup.id)
            if min(self._own.before.values(), default=0.0) < self._most_ul() * self._setup.budget.trials:
                self._uses = learned(self._setup.problem.space, self._needs_ul)
        if not self._uses:
            return ()
        seen, pending = visible(number, self._setup.lanes, self._setup.per_plate)
        left = self._left(self._own, len(seen))
        flying = [book.suggestions[trial].values for trial in pending]
        free = {u.material: left[u.material] - sum(map(u.at, flying)) for u in self._uses if u.material in left}
        return bounds_of(self._setup.problem.space, self._uses, free)

    def _left(self, own: OwnStock, n_seen: int) -> dict[str, float]:
        """What the first ``n_seen`` trials have left of each material, in microlitres."""
        for trial in range(self._counted + 1, n_seen + 1):
            self._used.update(own.used(trial))
        self._counted = max(self._counted, n_seen)
        return {name: before - self._used[name] for name, before in own.before.items()}

    def _most_ul(self) -> float:
        """What a trial can pour at most, in microlitres: what its well holds; infinite where nobody has said."""
        holds = [kind.capacity_ul for kind in self._lab.rules.labware.values()]
        if not self._setup.uses_samples or not holds:
            return float("inf")
        return max(float("inf") if capacity_ul is None else capacity_ul for capacity_ul in holds)

    def _needs_ul(self) -> Callable[[Values], Mapping[str, float] | None]:
        """What the plan would pour at a point, by a dry run from how things stand now; None where nobody knows."""
        setup, screen, trial = self._setup, self._setup.plan_screen, 1
        sample = self._sample(trial)
        if screen is None or (setup.uses_samples and sample is None):
            return lambda _: None
        present, operations = screen.present(), Operations(setup.key, trial)
        md, seed = setup.metadata(trial, 1, self._lab.name, self._lab.realm), derive_seed(setup.seed, "uses")

        def needs(values: Values) -> Mapping[str, float] | None:
            found = screen.runner.run(DryRunRequest(values, operations, sample, md, present, seed))
            return None if found.found == "not analysable" else found.needs_ul()

        return needs


def bounds_of(space: Space, uses: Sequence[Use], free_ul: Mapping[str, float]) -> tuple[Constraint, ...]:
    """What is left, as constraints on the parameters: those that bind somewhere in the space.

    A material of which next to nothing is left bounds nothing: a trial that needs more of it waits for a refill. None
    where no point of the space keeps all of them.

    Args:
        space: The space.
        uses: What a trial pours of the materials.
        free_ul: What is left of each for one trial, in microlitres.
    """
    bounds = [
        use.within(free, f"{use.material} is bounded to {volume(free)} by what is left in its bottle")
        for use in uses
        if LITTLE * (most := use.most(space)) <= (free := free_ul.get(use.material, float("inf"))) < most
    ]
    if not bounds or not all(bound.names for bound in bounds):
        return ()
    from autolab.config.feasibility import find_conflict  # scipy's optimisers take a third of a second to import

    bounds = [bound for bound in bounds if not find_conflict(_beyond(space, bound))]
    within = replace(space, constraints=(*space.constraints, *bounds))
    return () if find_conflict(within) else tuple(bounds)


def _beyond(space: Space, bound: Constraint) -> Space:
    """The part of the space that a bound cuts off."""
    turned = bound.text.replace("<=", ">=") if "<=" in bound.text else bound.text.replace(">=", "<=")
    return replace(space, constraints=(*space.constraints, Constraint(turned)))
