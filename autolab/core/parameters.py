"""Parameters: what a campaign may vary, and the values each of them may take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from autolab.core.errors import InputError

__all__ = [
    "ChoiceParameter",
    "Descriptor",
    "FixedParameter",
    "IntegerParameter",
    "Parameter",
    "RangeParameter",
    "Value",
    "Values",
]

Value = float | int | bool | str
"""One value of a parameter."""
Values = dict[str, Value]
"""One value for each parameter, by name. Made once and never changed."""


@dataclass(frozen=True, slots=True)
class RangeParameter:
    """A real number between two bounds, both included.

    Raises:
        InputError: bounds that are swapped, equal or not finite; a step that is not above zero or larger than the
            range; a log scale that reaches zero.
    """

    name: str
    lower: float
    upper: float
    unit: str = ""
    """Unit as pint writes it; empty for a pure number."""
    step: float | None = None
    """Resolution of the hardware: values are ``lower + k * step``. None for a continuous parameter."""
    scale: Literal["linear", "log"] = "linear"
    kind: Literal["range"] = "range"

    def __post_init__(self) -> None:
        _check_bounds(self.name, self.lower, self.upper)
        if self.step is not None:
            _check_step(self.name, self.step, self.upper - self.lower)
        if self.scale == "log" and self.lower <= 0:
            raise InputError(
                f"{self.name}: a log scale needs bounds above zero, and the lower bound is {self.lower:g}: "
                "raise the lower bound, or remove 'scale: log'"
            )

    def grid_size(self) -> int | None:
        """Number of values on the step grid; None for a continuous parameter."""
        return None if self.step is None else math.floor((self.upper - self.lower) / self.step * (1 + 1e-12)) + 1

    def round(self, value: float) -> float:
        """The nearest value that the hardware can do, inside the bounds."""
        value = float(min(max(value, self.lower), self.upper))  # a bound may be a whole number
        if self.step is None:
            return value
        index = round((value - self.lower) / self.step)
        return self.at(min(index, (self.grid_size() or 1) - 1))

    def at(self, index: int) -> float:
        """Value number ``index`` of the step grid, free of the dust of binary fractions."""
        if self.step is None:
            return float(self.lower)
        decimals = 6 - math.floor(math.log10(self.step))  # a millionth of a step and less is dust
        return float(min(max(round(self.lower + index * self.step, decimals), self.lower), self.upper))

    def holds(self, value: Value) -> bool:
        """True where ``value`` is a number inside the bounds and on the step grid. NaN never is."""
        if isinstance(value, bool | str) or not math.isfinite(value):
            return False
        return self.lower <= value <= self.upper and math.isclose(
            self.round(value), value, rel_tol=1e-9, abs_tol=1e-9 * (self.upper - self.lower)
        )


@dataclass(frozen=True, slots=True)
class IntegerParameter:
    """A whole number between two bounds, both included."""

    name: str
    lower: int
    upper: int
    unit: str = ""
    step: int = 1
    kind: Literal["integer"] = "integer"

    def __post_init__(self) -> None:
        _check_bounds(self.name, self.lower, self.upper)
        _check_step(self.name, self.step, self.upper - self.lower)

    def grid_size(self) -> int:
        """Number of values."""
        return (self.upper - self.lower) // self.step + 1

    def round(self, value: float) -> int:
        """The nearest value, inside the bounds."""
        index = round((min(max(value, self.lower), self.upper) - self.lower) / self.step)
        return self.at(min(index, self.grid_size() - 1))

    def at(self, index: int) -> int:
        """Value number ``index``, counted from the lower bound."""
        return self.lower + index * self.step

    def holds(self, value: Value) -> bool:
        """True where ``value`` is one of the whole numbers that this parameter takes."""
        if isinstance(value, bool | str) or not math.isfinite(value) or value != int(value):
            return False
        return self.lower <= value <= self.upper and (int(value) - self.lower) % self.step == 0


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A property of choices, such as the boiling point of solvents."""

    name: str
    numbers: tuple[float, ...]
    """One for each choice, in their order."""


@dataclass(frozen=True, slots=True)
class ChoiceParameter:
    """One of several values. Ordered choices have a meaningful neighbourhood; unordered ones have none of their own.

    Raises:
        InputError: fewer than two choices, or the same one twice; descriptors that do not tell the choices apart.
    """

    name: str
    choices: tuple[Value, ...]
    ordered: bool = False
    unit: str = ""
    kind: Literal["choice"] = "choice"
    descriptors: tuple[Descriptor, ...] = ()
    """Properties of unordered choices by which models know which of them are alike."""

    def __post_init__(self) -> None:
        if len(self.choices) < 2:
            raise InputError(f"{self.name}: choices need at least two values, and there is {len(self.choices)}")
        for index, choice in enumerate(self.choices):
            if isinstance(choice, float) and not math.isfinite(choice):
                raise InputError(f"{self.name}: choice {choice!r} is not a finite number")
            if choice in self.choices[:index]:
                raise InputError(f"{self.name}: choice {choice!r} is given twice")
        if self.descriptors:
            self._check_descriptors()

    def _check_descriptors(self) -> None:
        if self.ordered:
            raise InputError(f"{self.name}: 'descriptors' say which choices are alike, and so does 'ordered': keep one")
        for descriptor in self.descriptors:
            numbers = descriptor.numbers
            if len(numbers) != len(self.choices):
                said = f"{len(numbers)} numbers for {len(self.choices)} choices"
                raise InputError(f"{self.name}: descriptor {descriptor.name!r} has {said}: give one for each")
            if not all(math.isfinite(number) for number in numbers):
                raise InputError(f"{self.name}: descriptor {descriptor.name!r} holds a number that is not finite")
            if min(numbers) == max(numbers):
                said = f"is {numbers[0]:g} for all choices and tells none apart"
                raise InputError(f"{self.name}: descriptor {descriptor.name!r} {said}: remove it")
        rows = list(zip(*(descriptor.numbers for descriptor in self.descriptors), strict=True))
        for index, row in enumerate(rows):
            if row in rows[:index]:
                one, other = self.choices[rows.index(row)], self.choices[index]
                said = f"{one!r} and {other!r} have the same descriptors, so that models take them for one"
                raise InputError(f"{self.name}: {said}: add a descriptor in which they differ")

    @property
    def is_numeric(self) -> bool:
        """True where every choice is a number, so that a constraint may use it."""
        return all(isinstance(choice, int | float) and not isinstance(choice, bool) for choice in self.choices)

    def holds(self, value: Value) -> bool:
        """True where ``value`` is one of the choices, of the same type."""
        return any(self.is_choice(choice, value) for choice in self.choices)

    @staticmethod
    def is_choice(choice: Value, value: Value) -> bool:
        """True where ``value`` is ``choice``, of the same type."""
        return choice == value and isinstance(choice, bool) == isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class FixedParameter:
    """One value that every trial has."""

    name: str
    value: Value
    unit: str = ""
    kind: Literal["fixed"] = "fixed"

    def __post_init__(self) -> None:
        if isinstance(self.value, float) and not math.isfinite(self.value):
            raise InputError(f"{self.name}: value {self.value!r} is not a finite number")

    def holds(self, value: Value) -> bool:
        """True where ``value`` is the fixed one."""
        return value == self.value


Parameter = RangeParameter | IntegerParameter | ChoiceParameter | FixedParameter


def _check_bounds(name: str, lower: float, upper: float) -> None:
    for bound in (lower, upper):
        if not math.isfinite(bound):
            raise InputError(f"{name}: bound {bound!r} is not a finite number")
    if lower == upper:
        raise InputError(f"{name}: both bounds are {lower:g}: widen them, or write 'value: {lower:g}' to fix it")
    if lower > upper:
        raise InputError(f"{name}: bounds [{lower:g}, {upper:g}] are swapped: write [{upper:g}, {lower:g}]")


def _check_step(name: str, step: float, width: float) -> None:
    if not (math.isfinite(step) and step > 0):
        raise InputError(f"{name}: step {step!r} must be a finite number above zero")
    if step > width * (1 + 1e-12):
        raise InputError(f"{name}: step {step:g} is larger than the range of {width:g}: use a smaller step")
