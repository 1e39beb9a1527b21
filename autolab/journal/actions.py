"""The journal of actions and phases: what plans intend, do and complete."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from autolab.core.canonical import canonical_json, plain
from autolab.core.operations import OperationId
from autolab.core.principals import Principal
from autolab.journal.records import MovementRecord, Past, PhaseRecord
from autolab.journal.scribe import Scribe

__all__ = ["ActionJournal"]


class ActionJournal(Scribe):
    """Writes actions as *intended* before they are sent and as *done* or *failed* when they have ended."""

    def intend(
        self, operation: OperationId, campaign: str, device: str, action: Mapping[str, Any], counter: int | None = None
    ) -> None:
        """Record an action before it is begun; one that was found not to have happened may be intended again.

        Args:
            operation: Id of the action.
            campaign: Id of the campaign.
            device: Name of the device.
            action: The action as it is sent.
            counter: The device's own count of operations before it, where it is known.

        Raises:
            StorageError: an action of this operation id has been recorded before, or another controller has taken
                over the lab.
        """
        with self.commit():
            self._refuse_if_fenced()
            again = self.states.rows(
                "UPDATE intents SET state = 'intended', epoch = ?, counter = ?, intended_lab_s = ?, "
                "settled_lab_s = NULL WHERE operation = ? AND state = 'void' RETURNING operation",
                (self._epoch, counter, self.lab_s(), str(operation)),
            )
            if again:
                return
            self.states.insert(
                "intents",
                operation=str(operation),
                campaign=campaign,
                trial=operation.trial,
                replicate=operation.replicate,
                device=device,
                action=canonical_json(action),
                state="intended",
                intended_lab_s=self.lab_s(),
                epoch=self._epoch,
                counter=counter,
            )

    def settle(
        self,
        operation: OperationId | str,
        state: Literal["done", "failed", "void"],
        detail: str | None = None,
        *,
        by: Principal | None = None,
        lab_s: float | None = None,
        used_ul: float | None = None,
    ) -> None:
        """Record how an action ended.

        Args:
            operation: Id of the action.
            state: ``void`` where it did not happen at all.
            detail: Why it failed; or the evidence, where it was in doubt.
            by: Who settled it, where it was in doubt.
            lab_s: Lab time to record; None for the present one.
            used_ul: Volume that it really used, in microlitres; None where it is the one that was intended.
        """
        with self.commit():
            who = None if by is None else self.principal(by)
            self.states.write(
                "UPDATE intents SET state = ?, settled_lab_s = ?, detail = ?, evidence = ?, settled_by = ?, "
                "used_ul = ? WHERE operation = ?",
                (state, self.lab_s() if lab_s is None else lab_s, detail, by and detail, who, used_ul, str(operation)),
            )

    def used(self, operation: OperationId | str, used_ul: float) -> None:
        """Record what an action that has failed really used, in microlitres."""
        self.states.write("UPDATE intents SET used_ul = ? WHERE operation = ?", (used_ul, str(operation)))

    # phases

    def past(self, campaign: str, trial: int, attempt: int, others: Sequence[int] = ()) -> Past:
        """What earlier runs of a trial's plan have done in this attempt at it.

        Args:
            campaign: Id of the campaign.
            trial: Number of the trial.
            attempt: Number of the attempt.
            others: Trials whose actions count too: those of its plate.
        """
        actions = self.states.rows(
            "SELECT operation, state FROM intents WHERE campaign = ? AND trial IN (SELECT value FROM json_each(?))",
            (campaign, json.dumps([trial, *others])),
        )
        phases = self.states.rows(
            "SELECT name, result FROM phases WHERE campaign = ? AND trial = ? AND attempt = ? AND state = 'done'",
            (campaign, trial, attempt),
        )
        return Past(
            {row["operation"]: row["state"] for row in actions},
            {row["name"]: PhaseRecord(**json.loads(row["result"])) for row in phases},
        )

    def documents_of(self, campaign: str, trial: int, phase: PhaseRecord) -> list[tuple[str, dict[str, Any]]]:
        """What a phase recorded, with the start documents and descriptors that it needs, as (name, document)."""
        rows = self.documents.rows(
            "SELECT name, document FROM documents WHERE campaign = ? AND trial = ? AND id <= ? "
            "AND (id >= ? OR name IN ('start', 'descriptor')) ORDER BY id",
            (campaign, trial, phase.last, phase.first),
        )
        return [(row["name"], json.loads(row["document"])) for row in rows]

    def phase_done(self, campaign: str, trial: int, attempt: int, name: str, phase: PhaseRecord) -> None:
        """Record that a phase is complete, with what it returned; what it measured is on the disk before."""
        self.documents.make_durable()
        with self.commit():
            self.states.insert(
                "phases",
                campaign=campaign,
                trial=trial,
                replicate=1,
                attempt=attempt,
                name=name,
                state="done",
                result=canonical_json(phase),
                lab_s=self.lab_s(),
            )

    def moved(self, campaign: str, movement: MovementRecord) -> None:
        """Record a movement when it has ended. It may be lost in a power failure: nothing depends on it."""
        self.documents.insert("movements", campaign=campaign, **plain(movement))
