"""What is known of the trials that a plan is for: one by itself, or all of a plate."""

from __future__ import annotations

from dataclasses import dataclass

from autolab.core.errors import PlanError
from autolab.core.operations import CALIBRATING, SHARED, OperationId
from autolab.journal.records import Past

__all__ = ["ALONE", "Plated"]


@dataclass(frozen=True)
class Plated:
    """The trials that a plan is for, and the names that the preparation of a plate has used up."""

    parts: tuple[tuple[int, int], ...] = ()
    """Number and attempt of each; what comes before the plan is recorded with the first one."""
    names: tuple[int, int] | None = None
    """Trial and attempt by which the actions are named that a plate shares; None for a trial by itself."""
    spent: frozenset[str] = frozenset()
    """Operation ids and names of phases."""

    @property
    def trials(self) -> tuple[int, ...]:
        """Numbers of the trials whose actions count; none where a trial is by itself."""
        return () if self.names is None else (self.names[0], *(trial for trial, _ in self.parts))

    def refuse_spent(self, name: str) -> None:
        """Refuse a name that belongs to the preparation: what it names would be taken for done.

        Raises:
            PlanError: it does.
        """
        if name in self.spent:
            raise PlanError(
                f"the plan that measures the plate uses {name!r} again, which a preparation has used: what "
                "bears a name that was used counts as done; give it another name"
            )

    def has_begun(self, past: Past) -> bool:
        """Whether the plan has done an action or a phase that is not done again; what comes before it does not count.

        Args:
            past: What earlier runs have done, those of ``trials`` included.
        """
        done = [OperationId.parse(name) for name, state in past.actions.items() if state != "void"]
        begun = [one for one in done if str(one) not in self.spent and self._is_of_plan(one)]
        return bool(begun or past.phases.keys() - self.spent)

    def _is_of_plan(self, operation: OperationId) -> bool:
        mine = operation.trial, operation.attempt
        if operation.replicate == SHARED:
            return mine == self.names
        return mine in self.parts and 0 < operation.replicate < CALIBRATING


ALONE = Plated()
"""A trial that is measured by its own plan, or prepared, as its lane sees it."""
