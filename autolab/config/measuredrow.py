"""One row of a table of measured conditions: from cells to values and metrics, or out of the space and counted."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autolab.config.columns import Wanted
from autolab.config.units import convert
from autolab.config.words import did_you_mean, listed, shown
from autolab.core.constraints import Constraint
from autolab.core.errors import InputError
from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, Parameter, Value, Values
from autolab.core.problem import Problem, Space

__all__ = ["LARGEST", "NOTHING", "RowReader", "broken_rule", "is_same"]

_ROUNDED = 0.005
"""How far beyond a constraint a measured row may be, as a fraction of the bound: tables are rounded."""
LARGEST = 1e100
"""Numbers beyond it cannot be squared and summed."""
NOTHING = frozenset({"", "nan", "na", "n/a", "-", "–"})
"""What people write where a metric was not measured."""


class RowReader:
    """Reads rows, and counts those that cannot be used.

    Args:
        problem: The space and the metrics.
        columns: Where they stand.
    """

    def __init__(self, problem: Problem, columns: Sequence[Wanted]) -> None:
        self._problem = problem
        self._columns = {column.name: column for column in columns}
        self._outside: list[tuple[int, str]] = []
        self._unmeasured: list[int] = []
        self._rounded: list[int] = []
        self._between: list[int] = []

    def read(self, line: int, cells: Sequence[str]) -> tuple[Values, dict[str, float]] | None:
        """Values and metrics of a row, in the campaign's units; None where the row is left out.

        Raises:
            InputError: a cell is not what its column wants.
        """
        values, outside = self._values(cells)
        metrics = {name: self._metric(self._columns[name], cells) for name in self._problem.metrics}
        if outside is None:
            outside = self._broken(line, values)
        if outside is not None:
            self._outside.append((line, outside))
            return None
        if any(value is None for value in metrics.values()):
            self._unmeasured.append(line)
            return None
        if any(not p.holds(values[p.name]) for p in self._problem.space.parameters):
            self._between.append(line)
        return values, {name: value for name, value in metrics.items() if value is not None}

    @property
    def notes(self) -> list[str]:
        """How many rows were left out, and why; how many were taken although they are not exact."""
        found: list[str] = []
        if self._outside:
            line, why = self._outside[0]
            found.append(f"{_rows(self._outside)} outside the space and left out (first in line {line}: {why})")
        if self._unmeasured:
            found.append(
                f"{_rows(self._unmeasured, 'without')} a value and left out (first in line {self._unmeasured[0]})"
            )
        if self._rounded:
            found.append(
                f"{_rows(self._rounded)} beyond a constraint by less than {100 * _ROUNDED:g} % of its bound and taken "
                f"as rounded (first in line {self._rounded[0]})"
            )
        if self._between:
            found.append(f"{_rows(self._between)} between the steps of a parameter (first in line {self._between[0]})")
        return found

    def _values(self, cells: Sequence[str]) -> tuple[Values, str | None]:
        """The values of all parameters, and why the row lies outside, if it does.

        What does not matter there stands where it then stands, whatever its cell says.
        """
        space = self._problem.space
        rules = {rule.name: rule for rule in space.conditionals}
        found: Values = {}
        outside: str | None = None
        for parameter in sorted(space.parameters, key=lambda parameter: parameter.name in rules):
            rule = rules.get(parameter.name)
            if rule is not None and not rule.is_active(found):
                found[parameter.name] = rule.otherwise
                continue
            found[parameter.name], said = self._value(parameter, cells)
            outside = outside or said
        return {name: found[name] for name in space.names}, outside

    def _value(self, parameter: Parameter, cells: Sequence[str]) -> tuple[Value, str | None]:
        """The value of a parameter, and why it lies outside, if it does."""
        column = self._columns.get(parameter.name)
        if isinstance(parameter, FixedParameter):
            same = column is None or is_same(parameter.value, cells[column.index])
            return parameter.value, None if same else f"{parameter.name} is not {shown(parameter.value)}"
        if column is None:
            raise RuntimeError(f"{parameter.name}: no column was found for it, and none was refused")
        if isinstance(parameter, ChoiceParameter):
            return _choice(parameter, column, cells[column.index])
        number = _number(column, cells[column.index])
        unit = f" {parameter.unit}" if parameter.unit else ""
        if not parameter.lower <= number <= parameter.upper:
            side, bound = ("below", parameter.lower) if number < parameter.lower else ("above", parameter.upper)
            return number, f"{parameter.name} = {number:g}{unit} is {side} {bound:g}"
        if isinstance(parameter, IntegerParameter):
            return (
                (int(number), None) if number.is_integer() else (number, f"{parameter.name} = {number:g} is not whole")
            )
        return number, None

    def _metric(self, column: Wanted, cells: Sequence[str]) -> float | None:
        text = cells[column.index]
        if text.casefold() in NOTHING:
            return None
        number = _number(column, text)
        if abs(number) > LARGEST:
            raise InputError(
                f"column {column.heading!r} holds {text} here: it is beyond ±{LARGEST:g}, use a larger unit"
            )
        return number

    def _broken(self, line: int, values: Values) -> str | None:
        """The constraint that a row breaks by more than rounding, in words."""
        said, is_rounded = broken_rule(self._problem.space, values)
        if is_rounded:
            self._rounded.append(line)
        return said


def broken_rule(space: Space, values: Values) -> tuple[str | None, bool]:
    """The constraint that a measured point breaks by more than rounding, and whether one by less."""
    if not space.constraints and not space.at_most:
        return None, False
    numbers = {n: float(v) for n, v in values.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    for rule in space.at_most:
        if not rule.holds(numbers):
            return f"{rule.text} does not hold", False
    broken = [constraint for constraint in space.constraints if not constraint.holds(numbers)]
    for constraint in broken:
        if not constraint.excess(numbers) <= _ROUNDED * _bound(constraint):
            return f"{constraint.text} does not hold", False
    return None, bool(broken)


def _bound(constraint: Constraint) -> float:
    linear = constraint.linear
    return 1.0 if linear is None else max(1.0, abs(linear.bound))


def _rows(lines: Sequence[object], verb: str = "") -> str:
    n = len(lines)
    return f"{n} row{'' if n == 1 else 's'} {verb or ('is' if n == 1 else 'are')}"


def _number(column: Wanted, text: str) -> float:
    """A finite number in the campaign's unit.

    Raises:
        InputError: the cell is empty, or no finite number.
    """
    if not text:
        raise InputError(f"column {column.heading!r} is empty here: give the value, or take the row out")
    try:
        number = float(text)
    except ValueError:
        comma = ", with a point and not a comma in it" if "," in text else ""
        raise InputError(f"column {column.heading!r} holds {shown(text)} here: a number is wanted{comma}") from None
    if not math.isfinite(number):
        raise InputError(f"column {column.heading!r} holds {text} here: it must be a finite number")
    return number if column.written in (None, column.unit) else convert(number, column.written, column.unit)


def _choice(parameter: ChoiceParameter, column: Wanted, text: str) -> tuple[Value, str | None]:
    if not text:
        raise InputError(f"column {column.heading!r} is empty here: give the value, or take the row out")
    if parameter.is_numeric:
        text = repr(_number(column, text)).removesuffix(".0")
    for choice in parameter.choices:
        if is_same(choice, text):
            return choice, None
    guess = did_you_mean(text, [str(choice) for choice in parameter.choices])
    hint = f"did you mean {guess!r}?" if guess else f"choices are {listed(map(shown, parameter.choices), 'or')}"
    return text, f"{parameter.name} = {shown(text)} is none of its choices: {hint}"


def is_same(value: Value, text: str) -> bool:
    """Whether a cell says ``value``."""
    if isinstance(value, str):
        return text == value
    if isinstance(value, bool):
        return text.casefold() == str(value).casefold()
    try:
        return math.isclose(float(text), value, rel_tol=1e-9)
    except ValueError:
        return False
