"""Imported rows: what was measured before and elsewhere, as a table says it, judged row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from autolab.core.parameters import Values
from autolab.core.trials import Outcome

__all__ = ["IMPORT", "IMPORTED", "ImportedFrom", "ImportedRow", "ReadColumn", "ReadTable", "Refusal"]

IMPORT = "import"
"""Engine of a trial that was imported."""
IMPORTED = "imported"
"""State of the campaign that holds imported trials: nothing more is done in it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row of a table is not taken."""

    row: int
    """As the spreadsheet or the editor numbers it."""
    column: str
    """The heading; empty where the row as a whole is meant."""
    value: str
    """What stands there."""
    bound: str
    """What is allowed, such as ``1 to 5 mL/min``; empty where nothing is the bound."""
    reason: str

    def __str__(self) -> str:
        place = f", column {self.column!r}" if self.column else ""
        value = f", {self.value!r}" if self.value else ""
        return f"row {self.row}{place}{value}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ImportedFrom:
    """The row of a table, and what it says of the sample that was measured; empty texts where it says nothing."""

    row: int
    barcode: str = ""
    labware: str = ""
    well: str = ""

    def __str__(self) -> str:
        return ", ".join((f"row {self.row}", *self._sample()))

    def _sample(self) -> Iterator[str]:
        parts = (("barcode", self.barcode), ("labware", self.labware), ("well", self.well))
        return (f"{name} {text}" for name, text in parts if text)


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """A row that is taken: what was set and what was found, in the units of the campaign."""

    source: ImportedFrom
    values: Values
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """A column that is used."""

    heading: str
    name: str
    """The parameter or metric; ``METRIC_sem`` for its standard error; or ``barcode``, ``labware``, ``well``."""
    written: str
    """Unit of the column."""
    unit: str
    """Unit of the campaign."""

    def __str__(self) -> str:
        unit = f", {self.unit or 'no unit'}" if self.written == self.unit else f", from {self.written} to {self.unit}"
        return f"{self.name} from {self.heading!r}{unit if self.unit or self.written else ''}"


@dataclass(frozen=True, slots=True)
class ReadTable:
    """A table, read and judged. Nothing has been written."""

    file: str
    """Its path, as the person named it."""
    sha256: str
    sheet: str
    """Name of the sheet; empty where the file has none."""
    columns: tuple[ReadColumn, ...]
    rows: tuple[ImportedRow, ...]
    refused: tuple[Refusal, ...]
    n_read: int
    """Rows below the headings that are not empty."""
    notes: tuple[str, ...]
    """What a person should know of the reading, one sentence each."""
    constants: Mapping[str, object] = field(default_factory=dict[str, object])
    """Values that the mapping gives to parameters without a column."""

    @property
    def n_refused(self) -> int:
        """Rows that are not taken; one row may be refused for several reasons."""
        return len({refusal.row for refusal in self.refused})
