"""The documents sink of a lane: what the RunEngine emits goes into the journal, keyed by lane and trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autolab.core.errors import WireError
from autolab.journal.assets import keep_assets
from autolab.journal.journal import Journal

__all__ = ["Sink"]


class Sink:
    """Keeps the documents of one lane, and those of the trial that is running for its reducer.

    A document that cannot be kept ends the plan: what is not recorded is not done.
    """

    def __init__(self, journal: Journal, campaign: str, lane: int) -> None:
        self._journal = journal
        self._campaign = campaign
        self._lane = lane
        self._trial = 0
        self.documents: list[tuple[str, dict[str, Any]]] = []
        self.last = 0
        """Number of the document that was kept last."""
        self.run = ""
        """Uid of the run that was opened last for the trial; empty where none was."""

    def begin(self, trial: int) -> None:
        """The documents from here on belong to ``trial``."""
        self._trial = trial
        self.documents, self.run = [], ""

    def __call__(self, name: str, document: Mapping[str, Any]) -> None:
        """Keep a document.

        Raises:
            WireError: it holds a number that is not finite.
            StorageError: no room or no right to write.
        """
        try:
            self.last = self._journal.record(self._campaign, self._lane, self._trial, name, document)
        except ValueError as error:
            raise WireError(f"a device gave a number that is not finite, which no record can hold ({error})") from error
        self.documents.append((name, dict(document)))
        if name == "start":
            self.run = str(document["uid"])

    def keep_assets(self) -> None:
        """Record the files that the documents of the trial name, with their hashes.

        Raises:
            WireError: one is not there.
            StorageError: no room or no right to write.
        """
        keep_assets(self._journal, self._campaign, self._trial, self.documents)

    def recall(self, documents: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Give the reducer what an earlier run recorded."""
        self.documents.extend(documents)
