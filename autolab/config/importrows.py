"""Judges the rows of a table that is to be imported: each is taken, or refused with all that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from autolab.config.cellnumbers import Numbers
from autolab.config.columns import Wanted, conversion
from autolab.config.measuredrow import NOTHING, broken_rule, is_same
from autolab.config.tables import Cell
from autolab.config.words import did_you_mean, listed, shown
from autolab.core.errors import InputError
from autolab.core.imports import ImportedFrom, ImportedRow, Refusal
from autolab.core.parameters import (
    ChoiceParameter,
    FixedParameter,
    IntegerParameter,
    Parameter,
    RangeParameter,
    Value,
    Values,
)
from autolab.core.problem import Problem
from autolab.core.trials import Estimate, Outcome

__all__ = ["SEM", "RowJudge"]

SEM = "_sem"
"""Behind the name of a metric: its standard error."""
_TOTALS = frozenset(
    (
        *("total", "totals", "sum", "subtotal", "mean", "average", "avg", "median", "min", "max", "std", "stdev", "sd"),
        *("count", "n", "summe", "gesamt", "mittelwert", "somme", "moyenne"),
    )
)
"""How the line begins that a spreadsheet puts below its rows."""


class RowJudge:
    """Judges one row after the other; what must be there once only is remembered.

    Args:
        problem: The space and the metrics.
        header: The headings, to know them again.
        columns: Where things stand.
        constants: Values of parameters that have no column.
        decimal: Sign before the decimals.
    """

    def __init__(
        self,
        problem: Problem,
        header: Sequence[str],
        columns: Sequence[Wanted],
        constants: Mapping[str, Value],
        decimal: str,
    ) -> None:
        self._space = problem.space
        self._metrics = problem.metrics
        self._header = [heading.casefold() for heading in header]
        self._columns = {column.name: column for column in columns}
        self._constants = constants
        self._numbers = Numbers(decimal)
        self._rules = {rule.name: rule for rule in problem.space.conditionals}
        self._names = problem.space.names
        self._ordered = sorted(problem.space.parameters, key=lambda parameter: parameter.name in self._rules)
        self._stepped = [parameter for parameter in self._ordered if _has_steps(parameter)]
        self._convert: dict[str, Callable[[float], float] | None] = {
            column.name: conversion(column, is_difference=column.name.endswith(SEM)) for column in columns
        }
        choices = {str(c).casefold() for p in self._ordered if isinstance(p, ChoiceParameter) for c in p.choices}
        self._totals = _TOTALS - choices
        self._seen: dict[tuple[Cell, ...], int] = {}
        self._barcodes: dict[str, int] = {}
        self._wells: dict[tuple[str, str], int] = {}
        self._errors: list[Refusal] = []
        self._row = 0
        self.n_rounded = 0
        """Rows that were taken although they break a constraint, by less than tables are rounded."""
        self.n_between = 0
        """Rows that were taken although they lie between the steps of a parameter."""

    def judge(self, row: int, cells: Sequence[Cell]) -> ImportedRow | list[Refusal]:
        """The row as values and outcome, or why it is refused.

        Args:
            row: Its number, for messages.
            cells: Its cells.
        """
        self._row, self._errors = row, []
        if said := self._no_measurement(cells):
            return [Refusal(row, "", "", "", said)]
        if len(cells) < len(self._header):
            cells = [*cells, *[""] * (len(self._header) - len(cells))]
        values = self._values(cells)
        outcome = self._outcome(cells)
        source = ImportedFrom(row, *(self._text(name, cells) for name in ("barcode", "labware", "well")))
        if not self._errors:
            self._check_rules(values)
        if not self._errors:
            self._check_once(cells, source)
        return self._errors or ImportedRow(source, values, outcome)

    def _no_measurement(self, cells: Sequence[Cell]) -> str | None:
        """Why a row is none of the measurements, if it is not."""
        n = len(self._header)
        more = [cell for cell in cells[n:] if cell != ""] if len(cells) > n else ()
        if more:
            return f"it has {shown(more[0])} beyond the {n} columns that have headings"
        first = next(cell for cell in cells if cell != "")
        if not isinstance(first, str):
            return None  # as a heading it would be a text
        first = first.casefold()
        if first in self._header:
            filled = [cell.casefold() if isinstance(cell, str) else cell for cell in cells if cell != ""]
            if len(filled) > 1 and all(cell in self._header for cell in filled):
                return "the headings stand here again: take the row out"
        if first.rstrip(":. ") in self._totals:
            return f"it begins with {first!r}: a line that sums up others is no measurement"
        return None

    def _refuse(self, name: str, cell: Cell, bound: str, reason: str) -> None:
        column = self._columns.get(name)
        text = cell if isinstance(cell, str) else f"{cell:g}"
        self._errors.append(Refusal(self._row, name if column is None else column.heading, text, bound, reason))

    # what was set

    def _values(self, cells: Sequence[Cell]) -> Values:
        """All parameters; what does not matter there stands where it then stands, whatever its cell says."""
        found: Values = {}
        for parameter in self._ordered:
            rule = self._rules.get(parameter.name)
            if rule is not None and not all(name in found for name, _ in rule.when):
                continue  # what it depends on is refused, and nobody knows whether it matters
            if rule is not None and not rule.is_active(found):
                found[parameter.name] = rule.otherwise
                continue
            value = self._value(parameter, cells)
            if value is not None:
                found[parameter.name] = value
        return {name: found[name] for name in self._names if name in found} if self._rules else found

    def _value(self, parameter: Parameter, cells: Sequence[Cell]) -> Value | None:
        column = self._columns.get(parameter.name)
        if isinstance(parameter, FixedParameter):
            if column is not None and not is_same(parameter.value, _as_text(cells[column.index])):
                said = f"the campaign has it fixed at {shown(parameter.value)}"
                self._refuse(parameter.name, cells[column.index], shown(parameter.value), said)
            return parameter.value
        if column is None:
            return self._constants[parameter.name]
        cell = cells[column.index]
        if isinstance(parameter, ChoiceParameter):
            return self._choice(parameter, cell)
        number = self._number(column, cell)
        if number is None:
            return None
        if not parameter.lower <= number <= parameter.upper:
            unit = f" {parameter.unit}" if parameter.unit else ""
            side, at = ("below", parameter.lower) if number < parameter.lower else ("above", parameter.upper)
            said = f"{parameter.name} = {number:g}{unit} is {side} {at:g}{unit}"
            self._refuse(parameter.name, cell, _bound(parameter), said)
        elif isinstance(parameter, IntegerParameter):
            if not number.is_integer():
                self._refuse(parameter.name, cell, _bound(parameter), "a whole number is wanted")
            return int(number)
        return number

    def _choice(self, parameter: ChoiceParameter, cell: Cell) -> Value | None:
        text = _as_text(cell)
        if parameter.is_numeric:
            number = self._number(self._columns[parameter.name], cell)
            if number is None:
                return None
            text = repr(number).removesuffix(".0")
        for choice in parameter.choices:
            if is_same(choice, text):
                return choice
        guess = did_you_mean(text, [str(choice) for choice in parameter.choices]) if text else None
        choices = listed(map(shown, parameter.choices), "or")
        hint = f"did you mean {guess!r}?" if guess else f"choices are {choices}"
        said = "is none of the choices" if text else "it is empty"
        self._refuse(parameter.name, cell, choices, f"{said}: {hint}")
        return None

    # what was found

    def _outcome(self, cells: Sequence[Cell]) -> Outcome:
        found: Outcome = {}
        for metric in self._metrics:
            column, error = self._columns[metric], self._columns.get(f"{metric}{SEM}")
            cell = cells[column.index]
            if isinstance(cell, str) and cell.casefold() in NOTHING:
                self._refuse(metric, cell, "", f"{metric} was not measured here: give the value, or take the row out")
                continue
            value = self._number(column, cell)
            sem = self._sem(error, cells[error.index]) if error is not None else None
            if value is not None:
                found[metric] = Estimate(value, sem)
        return found

    def _sem(self, column: Wanted, cell: Cell) -> float | None:
        if isinstance(cell, str) and cell.casefold() in NOTHING:
            return None
        sem = self._number(column, cell)
        if sem is not None and sem < 0:
            self._refuse(column.name, cell, "at least 0", "a standard error is at least 0")
            return None
        return sem

    def _number(self, column: Wanted, cell: Cell) -> float | None:
        """The number in a cell in the campaign's unit; None where it was refused."""
        try:
            value = self._numbers.read(column, cell)
            convert = self._convert[column.name]
            return value if convert is None else convert(value)
        except InputError as error:
            self._refuse(column.name, cell, "", str(error))
            return None

    def _text(self, name: str, cells: Sequence[Cell]) -> str:
        column = self._columns.get(name)
        return "" if column is None else _as_text(cells[column.index])

    # what holds for the row, and for all rows together

    def _check_rules(self, values: Values) -> None:
        said, is_rounded = broken_rule(self._space, values)
        if said is not None:
            self._refuse("", "", said.removesuffix(" does not hold"), f"the constraint {said}")
            return
        self.n_rounded += is_rounded
        self.n_between += any(not p.holds(values[p.name]) for p in self._stepped)

    def _check_once(self, cells: Sequence[Cell], source: ImportedFrom) -> None:
        """Refuse a row that stands there twice, and a sample that two rows claim."""
        first = self._seen.setdefault(tuple(cells), self._row)
        if first != self._row:
            self._refuse("", "", "", f"it is row {first} again: take one out, or tell the two apart by a column")
            return
        if source.barcode:
            first = self._barcodes.setdefault(source.barcode, self._row)
            if first != self._row:
                said = f"row {first} has this barcode, too: a sample has one of its own"
                self._refuse("barcode", source.barcode, "once", said)
        if source.well:
            place = (source.labware.casefold(), source.well.casefold())
            first = self._wells.setdefault(place, self._row)
            if first != self._row:
                where = f"well {source.well}" + (f" of {source.labware}" if source.labware else "")
                self._refuse("well", source.well, "once", f"row {first} has {where}, too: a well is used once")


def _bound(parameter: RangeParameter | IntegerParameter) -> str:
    return f"{parameter.lower:g} to {parameter.upper:g}{f' {parameter.unit}' if parameter.unit else ''}"


def _has_steps(parameter: Parameter) -> bool:
    """Whether a number inside the bounds of a parameter may be none of its values."""
    if isinstance(parameter, IntegerParameter):
        return parameter.step != 1
    return isinstance(parameter, RangeParameter) and parameter.step is not None


def _as_text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else repr(cell).removesuffix(".0")
