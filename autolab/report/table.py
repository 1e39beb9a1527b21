"""Trials as a table, for export: one row a trial, the same bytes for the same journal."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from autolab.core.errors import InputError
from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, Parameter, Value
from autolab.core.problem import Problem
from autolab.core.trials import Estimate, TrialState
from autolab.journal.records import TrialRecord

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Column", "columns_of", "csv_text", "write_parquet"]

Cell = Value | None


@dataclass(frozen=True)
class Column:
    """One column of the table."""

    name: str
    """Name with the unit at its end, such as ``cyan_uL``."""
    kind: Literal["text", "integer", "number"]
    cell: Callable[[TrialRecord], Cell]
    decimals: int | None = None
    """Digits after the point; None for the shortest text that reads back as the same number."""


def columns_of(problem: Problem) -> list[Column]:
    """The columns of a campaign's table: nothing in them depends on dates, ids or the machine."""
    columns = [Column("trial", "integer", lambda t: t.number), Column("state", "text", lambda t: str(t.state))]
    columns += [_parameter(parameter) for parameter in problem.space.parameters]
    for metric in problem.metrics:
        unit = problem.unit_of(metric)
        columns.append(Column(_named(metric, unit), "number", _estimate(metric, lambda e: e.value)))
        columns.append(Column(_named(f"{metric}_sem", unit), "number", _estimate(metric, lambda e: e.sem)))
    columns += [
        Column("verdict", "text", lambda t: t.verdict and t.verdict.decision),
        Column("engine", "text", lambda t: t.suggestion.engine),
        Column("workflow", "text", lambda t: t.workflow),
        Column("why", "text", lambda t: t.suggestion.reason),
        Column("suggested_s", "number", lambda t: t.lab_s(TrialState.SUGGESTED), 6),
        Column("started_s", "number", lambda t: t.begun_s, 6),
        Column("ended_s", "number", ended_s, 6),
    ]
    return columns


def ended_s(trial: TrialRecord) -> float | None:
    """Lab time at which a trial reached the state in which it ended; None while it has not."""
    ends = (TrialState.INGESTED, TrialState.FAILED, TrialState.REFUSED, TrialState.ABANDONED)
    return trial.lab_s(trial.state) if trial.state in ends else None


def csv_text(problem: Problem, trials: Sequence[TrialRecord]) -> str:
    """The table as CSV with a header line; texts that a spreadsheet would run as a formula begin with an apostrophe."""
    columns = columns_of(problem)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([_harmless(column.name) for column in columns])
    writer.writerows([_written(column, column.cell(trial)) for column in columns] for trial in trials)
    return file.getvalue()


def write_parquet(problem: Problem, trials: Sequence[TrialRecord], path: Path) -> None:
    """Write the table as Parquet.

    Raises:
        InputError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise InputError(
            "Parquet needs pyarrow, which is not installed: run 'pip install autolab[parquet]', or use --format csv"
        ) from error
    columns = columns_of(problem)
    arrays = [_array(pa.array, column, [column.cell(trial) for trial in trials]) for column in columns]
    pq.write_table(pa.table(arrays, names=[column.name for column in columns]), str(path))


def _array(array: Callable[..., pa.Array], column: Column, cells: list[Cell]) -> pa.Array:
    types = {"text": "string", "integer": "int64", "number": "float64"}
    convert = {"text": str, "integer": int, "number": float}[column.kind]
    return array([None if cell is None else convert(cell) for cell in cells], type=types[column.kind])


def _parameter(parameter: Parameter) -> Column:
    name = parameter.name
    return Column(_named(name, parameter.unit), _kind(parameter), lambda trial: trial.suggestion.values.get(name))


def _kind(parameter: Parameter) -> Literal["text", "integer", "number"]:
    if isinstance(parameter, IntegerParameter):
        return "integer"
    if isinstance(parameter, ChoiceParameter):
        return "number" if parameter.is_numeric else "text"
    if isinstance(parameter, FixedParameter) and isinstance(parameter.value, bool | str):
        return "text"
    return "number"


def _estimate(metric: str, part: Callable[[Estimate], float | None]) -> Callable[[TrialRecord], Cell]:
    def cell(trial: TrialRecord) -> Cell:
        estimate = (trial.outcome or {}).get(metric)
        return None if estimate is None else part(estimate)

    return cell


def _named(name: str, unit: str) -> str:
    return f"{name}_{unit}" if unit else name


def _written(column: Column, cell: Cell) -> str:
    if cell is None:
        return ""
    if column.kind == "text":
        return _harmless(str(cell))
    if column.decimals is not None:
        return f"{float(cell):.{column.decimals}f}"
    return str(int(cell)) if column.kind == "integer" else repr(float(cell)).removesuffix(".0")


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text
