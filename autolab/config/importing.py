"""Reads a table of earlier measurements as rows that a campaign may take. Nothing is written, and no row is guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from autolab.config.columns import Field, Wanted, match_columns, problem_fields
from autolab.config.importmap import ImportMap
from autolab.config.importrows import SEM, RowJudge
from autolab.config.tables import Table, read_table
from autolab.config.words import shown
from autolab.core.errors import InputError
from autolab.core.imports import ImportedRow, ReadColumn, ReadTable, Refusal
from autolab.core.parameters import FixedParameter, Value
from autolab.core.problem import Problem, is_numeric

__all__ = ["IDENTITY", "field_names", "read_import"]

IDENTITY = ("barcode", "labware", "well")
"""Columns that say which sample was measured."""


def field_names(problem: Problem) -> tuple[str, ...]:
    """What a column of a table may be."""
    return tuple(field.name for field in _fields(problem, {}))


def read_import(path: Path, problem: Problem, mapping: ImportMap) -> ReadTable:
    """Read a table and judge each of its rows.

    Args:
        path: CSV, an Excel workbook or Parquet, by its ending.
        problem: Says what is wanted, in which units and bounds.
        mapping: What a person says of the table.

    Raises:
        FileError: it cannot be read, or has no headings.
        InputErrors: columns are missing, ambiguous, or in a unit of another dimension.
        InputError: a value that the mapping gives is none that its parameter takes.
    """
    constants = _constants(problem, mapping.values)
    table = read_table(path, mapping.layout)
    fields = list(_fields(problem, constants))
    columns, notes = match_columns(table.file, table.header_row, table.header, fields, mapping.columns)
    judge = RowJudge(problem, table.header, columns, constants, mapping.decimal)
    rows, refused = list[ImportedRow](), list[Refusal]()
    for number, cells in table.rows:
        found = judge.judge(number, cells)
        rows.append(found) if isinstance(found, ImportedRow) else refused.extend(found)
    return ReadTable(
        file=table.file,
        sha256=table.sha256,
        sheet=table.sheet,
        columns=tuple(_read_column(column) for column in columns),
        rows=tuple(rows),
        refused=tuple(refused),
        n_read=len(table.rows),
        notes=(*notes, *_more_notes(table, judge)),
        constants=constants,
    )


def _fields(problem: Problem, constants: Mapping[str, Value]) -> Iterator[Field]:
    """What a table may have a column for."""
    for field in problem_fields(problem):
        if field.name not in constants:
            yield field
        if field.what == "metric":
            said = f"standard error of {field.name}, as"
            yield Field(said, f"{field.name}{SEM}", field.unit, is_needed=False, is_difference=True)
    taken = {*problem.space.names, *problem.metrics}
    for name in IDENTITY:
        if name not in taken:
            yield Field("identity", name, "", is_needed=False)


def _constants(problem: Problem, values: Mapping[str, Value]) -> dict[str, Value]:
    """The values that a mapping gives, as the parameters take them.

    Raises:
        InputError: one is no value of its parameter.
    """
    found: dict[str, Value] = {}
    for parameter in problem.space.parameters:
        if parameter.name in values and not isinstance(parameter, FixedParameter):
            value = values[parameter.name]
            if isinstance(value, int | float) and not isinstance(value, bool) and is_numeric(parameter):
                value = float(value) if parameter.kind == "range" else value
            if not parameter.holds(value):
                raise InputError(f"values.{parameter.name}: {shown(value)} is outside what the parameter allows")
            found[parameter.name] = value
    for name in values:
        if name not in problem.space.names:
            raise InputError(f"values.{name}: only parameters have values here, and this is none")
    return found


def _read_column(column: Wanted) -> ReadColumn:
    return ReadColumn(
        column.heading, column.name, column.unit if column.written is None else column.written, column.unit
    )


def _more_notes(table: Table, judge: RowJudge) -> Iterator[str]:
    if table.n_empty:
        yield f"empty rows left out: {table.n_empty}"
    if judge.n_rounded:
        yield f"rows beyond a constraint by so little that it is taken for rounding: {judge.n_rounded}"
    if judge.n_between:
        yield f"rows between the steps of a parameter, taken as they are: {judge.n_between}"
