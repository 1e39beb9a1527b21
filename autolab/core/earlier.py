"""Earlier data: outcomes of another campaign, or of a table, from which the proposer may learn beside its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat

from autolab.core.parameters import Value, Values
from autolab.core.trials import Estimate, Outcome

__all__ = ["Earlier"]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was measured before, in the units of the campaign that uses it, frozen when that campaign began."""

    name: str
    """The campaign's id, or the table as the campaign file names it."""
    sha256: str
    """Of the table, or of the rows."""
    parameters: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    """Values of the parameters, then of the metrics."""
    errors: tuple[tuple[float | None, ...], ...] = ()
    """Standard errors of the metrics, for each of ``rows``; empty where none is known."""

    def __str__(self) -> str:
        return f"{self.name}: {len(self.rows)} outcomes (SHA-256 {self.sha256[:12]})"

    def trials(self) -> Iterator[tuple[Values, Outcome]]:
        """Values and outcome of each row."""
        n = len(self.parameters)
        for row, errors in zip(self.rows, self.errors or repeat((None,) * len(self.metrics)), strict=False):
            found = [Estimate(float(number), sem) for number, sem in zip(row[n:], errors, strict=True)]
            yield dict(zip(self.parameters, row[:n], strict=True)), dict(zip(self.metrics, found, strict=True))
