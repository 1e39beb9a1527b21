"""Tables of real measurements: which rows answer for a condition."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from autolab.core.errors import FileError, InputError

__all__ = ["Nearest", "ReplayTable"]

MAX_BYTES = 50_000_000
_LEAST_SPAN = 1e-100
"""Range below which a column counts as constant: the squares of its differences could not be told from 0."""
_Cell = str | float


@dataclass(frozen=True, slots=True)
class Nearest:
    """The measured condition nearest to what was asked for."""

    condition: Mapping[str, _Cell]
    """Value of each parameter."""
    distance: float
    """Euclidean distance, each number divided by the range of its column; 0 for a condition that was measured."""
    rows: tuple[int, ...]
    """Its replicates: row numbers of the table, from 0."""


class ReplayTable:
    """Measurements, one a row, with their replicates found by their condition.

    Args:
        columns: Cells of the used columns by name; a column of texts is categorical.
        parameters: Columns that say what was set.
        metrics: Columns that say what was measured; numbers.
        sha256: Hash of the table's bytes.
    """

    def __init__(
        self,
        columns: Mapping[str, Sequence[_Cell]],
        *,
        parameters: Sequence[str],
        metrics: Sequence[str],
        sha256: str = "",
    ) -> None:
        self.parameters, self.metrics, self.sha256 = tuple(parameters), tuple(metrics), sha256
        self.texts = frozenset(name for name in parameters if isinstance(columns[name][0], str))
        self._numbers = tuple(name for name in parameters if name not in self.texts)
        self._texts = tuple(name for name in parameters if name in self.texts)
        self._values = {name: np.asarray(columns[name], dtype=np.float64) for name in metrics}
        replicates: dict[tuple[_Cell, ...], list[int]] = {}
        for row, condition in enumerate(zip(*(columns[name] for name in parameters), strict=True)):
            replicates.setdefault(condition, []).append(row)
        self._conditions = tuple(replicates)
        self._place = {condition: place for place, condition in enumerate(replicates)}
        self._rows = tuple(tuple(rows) for rows in replicates.values())
        by_name = dict(zip(self.parameters, zip(*self._conditions, strict=True), strict=True))
        self._points: NDArray[np.float64] = np.array([by_name[name] for name in self._numbers], dtype=np.float64).T
        self._labels = {name: np.array(by_name[name], dtype=str) for name in self._texts}
        span = np.ptp(self._points, axis=0) if self._numbers else np.ones(0)
        self._span: NDArray[np.float64] = np.where(span > _LEAST_SPAN, span, 1.0)

    @classmethod
    def load(cls, path: Path, *, metrics: Sequence[str], parameters: Sequence[str] | None = None) -> ReplayTable:
        """Read a CSV file with a header.

        Args:
            path: The file, in UTF-8.
            metrics: Names of the columns that were measured.
            parameters: Names of the columns that were set; None for all others.

        Raises:
            FileError: it cannot be read, a column is missing, or a cell is empty or not a finite number.
            InputError: no metric is named.
        """
        if not metrics:
            raise InputError(f"{path}: name at least one column under 'metrics', which is what was measured")
        data = _read(path)
        header, rows = _cells(path, data)
        parameters = [name for name in header if name not in metrics] if parameters is None else parameters
        for name in (*parameters, *metrics):
            if name not in header:
                raise FileError(str(path), 1, f"there is no column {name!r}; there are {', '.join(header)}")
        columns = {name: _column(path, name, [row[header.index(name)] for row in rows]) for name in parameters}
        for name in metrics:
            columns[name] = _column(path, name, [row[header.index(name)] for row in rows])
            if isinstance(columns[name][0], str):
                raise FileError(str(path), None, f"column {name!r} is a metric, and not all of its cells are numbers")
        return cls(columns, parameters=parameters, metrics=metrics, sha256=hashlib.sha256(data).hexdigest())

    @property
    def n_rows(self) -> int:
        """Number of measurements."""
        return sum(len(rows) for rows in self._rows)

    def nearest(self, values: Mapping[str, object]) -> Nearest:
        """The measured condition nearest to ``values``; of two that are equally near, the one that stands first.

        Texts must match exactly.

        Raises:
            InputError: a parameter is missing or unknown, a number is not one, or no condition has a text.
        """
        if set(values) != set(self.parameters):
            raise InputError(f"needs a value for each of {', '.join(self.parameters)}, and for nothing else")
        distances = np.zeros(len(self._conditions))
        if self._numbers:
            point = np.array([_number(name, values[name]) for name in self._numbers])
            distances = np.sqrt((((self._points - point) / self._span) ** 2).sum(axis=1))
        for name in self._texts:
            matches = self._labels[name] == values[name] if isinstance(values[name], str) else np.zeros(1, dtype=bool)
            if not matches.any():
                known = ", ".join(sorted(set(self._labels[name].tolist())))
                raise InputError(f"no measured condition has {name} = {values[name]!r}; measured are {known}")
            distances = np.where(matches, distances, np.inf)
        best = self._place.get(tuple(cast(_Cell, values[name]) for name in self.parameters), int(np.argmin(distances)))
        if not math.isfinite(distances[best]):
            raise InputError("no measured condition has this combination of texts")
        condition = dict(zip(self.parameters, self._conditions[best], strict=True))
        return Nearest(condition, float(distances[best]), self._rows[best])

    def metrics_of(self, row: int) -> dict[str, float]:
        """What was measured in a row."""
        return {name: float(self._values[name][row]) for name in self.metrics}

    def mean(self, values: Mapping[str, object]) -> dict[str, float]:
        """What was measured at the nearest condition, as the mean over its replicates: without noise, as far as known.

        Raises:
            InputError: see `nearest`.
        """
        rows = list(self.nearest(values).rows)
        return {name: float(self._values[name][rows].mean()) for name in self.metrics}


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileError(str(path), None, f"the table is larger than {MAX_BYTES // 1_000_000} MB")
        return path.read_bytes()
    except OSError as error:
        raise FileError(str(path), None, f"the table cannot be read: {error.strerror}") from None


def _cells(path: Path, data: bytes) -> tuple[list[str], list[list[str]]]:
    """Header and rows, every row as long as the header."""
    try:
        lines = [row for row in csv.reader(io.StringIO(data.decode("utf-8-sig")), strict=True) if row]
    except UnicodeDecodeError:
        raise FileError(str(path), None, "the table is not text in UTF-8: save it as CSV, UTF-8") from None
    except csv.Error as error:
        raise FileError(str(path), None, f"the table is not CSV: {error}") from None
    if len(lines) < 2:
        raise FileError(str(path), None, "the table needs a header and at least one row")
    header = [name.strip() for name in lines[0]]
    if len(set(header)) < len(header):
        raise FileError(str(path), 1, "two columns have the same name")
    for number, row in enumerate(lines[1:], start=2):
        if len(row) != len(header):
            raise FileError(str(path), number, f"this row has {len(row)} cells, and the header has {len(header)}")
    return header, lines[1:]


def _column(path: Path, name: str, cells: Sequence[str]) -> list[_Cell]:
    """A column as numbers where every cell is one, else as texts."""
    texts = [cell.strip() for cell in cells]
    for number, text in enumerate(texts, start=2):
        if not text:
            raise FileError(str(path), number, f"column {name!r} is empty here: give the value, or take the row out")
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return cast("list[_Cell]", texts)
    for number, value in enumerate(numbers, start=2):
        if not math.isfinite(value):
            raise FileError(str(path), number, f"column {name!r} holds {value!r} here: it must be a finite number")
    return cast("list[_Cell]", numbers)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{name} = {value!r} is not a finite number")
    return float(value)
