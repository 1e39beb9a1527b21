"""Units, by pint: read and converted once, at the edge. Inside, numbers carry their unit in a name or a field.

The registry is built when it is first needed (it takes most of a second). The grammar of a unit is closed: names,
``*``, ``/`` and small whole powers, as in ``mm/s**2``; so no text can make pint compute anything large.
"""

from __future__ import annotations

import functools
import importlib
import math
import re
from dataclasses import dataclass
from typing import Any

from autolab.config.words import did_you_mean, shown
from autolab.core.errors import InputError

__all__ = [
    "Quantity",
    "check_same_dimension",
    "check_unit",
    "convert",
    "convert_difference",
    "dimension_of",
    "parse_quantity",
    "read_quantity",
]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?\.?(?:nan|inf)\b"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*(.*?)\s*", re.IGNORECASE | re.ASCII)
_NAME = r"(?:[A-Za-zµμΩÅ°][A-Za-zµμΩÅ°_]{0,29}\d?|%)"
_POWER = r"(?:\s?(?:\*\*|\^)\s?-?\d{1,2})?"
_UNIT = re.compile(rf"(?:1\s?/\s?)?{_NAME}{_POWER}(?:\s?[*/·]\s?{_NAME}{_POWER}){{0,5}}")
_COMMON = (
    *("nL", "uL", "mL", "L", "nm", "um", "mm", "cm", "m", "ms", "s", "min", "h", "degC", "K", "ug", "mg", "g", "kg"),
    *("Pa", "kPa", "mbar", "bar", "mV", "V", "mA", "A", "W", "Hz", "rpm", "mol", "mmol", "percent", "degree"),
    *("mm/s", "uL/s", "mL/min", "uL/min", "degC/min", "K/min", "mol/L", "mmol/L", "mg/mL"),
)
"""Units that a misspelt one is compared with."""
_DIMENSIONS = {
    "": "a pure number",
    "m": "a length",
    "m**2": "an area",
    "L": "a volume",
    "s": "a time",
    "kg": "a mass",
    "K": "a temperature",
    "mol": "an amount of substance",
    "A": "an electric current",
    "V": "a voltage",
    "Hz": "a frequency",
    "m/s": "a speed",
    "m/s**2": "an acceleration",
    "L/s": "a flow",
    "K/s": "a heating rate",
    "Pa": "a pressure",
    "J": "an energy",
    "W": "a power",
    "mol/L": "a concentration",
    "g/L": "a mass concentration",
}
"""The dimensions of a lab in words, each by one of its units."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit."""

    value: float
    unit: str
    """Unit as it was written; empty for a pure number."""

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}".rstrip()


def parse_quantity(text: str) -> Quantity:
    """Read a number with its unit, such as ``250 mL``, ``-5 degC`` or ``3``.

    NaN and infinity are read as numbers, so that whatever takes them can refuse them by name.

    Raises:
        InputError: there is no number, or the unit is not known.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise InputError(f"{shown(text)} is not a number with a unit: write for example '250 mL'")
    number, unit = match.groups()
    try:
        check_unit(unit)
    except InputError as error:
        raise InputError(f"{shown(text)}: {error}") from None
    return Quantity(float(number.lower().replace(".nan", "nan").replace(".inf", "inf")), unit)


def read_quantity(value: str | float, wanted: str | None = None) -> Quantity:
    """Read a quantity as a file gives it: a text such as ``250 mL``, or a pure number.

    Args:
        value: What the file says.
        wanted: A unit of the dimension that is wanted; None where any will do.

    Raises:
        InputError: no number, not a finite one, an unknown unit, or a unit of another dimension. The message begins
            with the value, so that it can follow the name of its key.
    """
    quantity = parse_quantity(value) if isinstance(value, str) else Quantity(float(value), "")
    if not math.isfinite(quantity.value):
        raise InputError(f"{shown(value)} is not a finite number")
    if wanted is not None:
        try:
            check_same_dimension(quantity.unit, wanted)
        except InputError as error:
            raise InputError(f"{shown(value)}: {error}") from None
    return quantity


def check_unit(unit: str) -> None:
    """Refuse a text that is no unit. The empty unit is that of a pure number.

    Raises:
        InputError: ``unit`` is not known; the message says what may have been meant.
    """
    _unit(unit)


def dimension_of(unit: str) -> str:
    """The dimension of a unit in words, such as ``a volume``.

    Raises:
        InputError: ``unit`` is not known.
    """
    dimension = _unit(unit).dimensionality
    for example, words in _DIMENSIONS.items():
        if _unit(example).dimensionality == dimension:
            return words
    return f"a quantity of dimension {dimension}"


def check_same_dimension(unit: str, wanted: str) -> None:
    """Refuse a unit that cannot be converted to the wanted one.

    Args:
        unit: Unit that was written.
        wanted: Unit of the dimension that is wanted.

    Raises:
        InputError: the two differ in dimension, or one is not known.
    """
    if _unit(unit).dimensionality != _unit(wanted).dimensionality:
        raise InputError(
            f"{shown(unit) if unit else 'without a unit it'} is {dimension_of(unit)}, "
            f"and {dimension_of(wanted)} is wanted"
            + (f": use {wanted!r} or a unit like it" if wanted else ": write the number without a unit")
        )


def convert(value: float, from_unit: str, to_unit: str) -> float:
    """Convert a value, such as 20 degC to 293.15 K.

    Args:
        value: Number in ``from_unit``.
        from_unit: Unit of ``value``.
        to_unit: Unit that is wanted.

    Returns:
        The number in ``to_unit``, rounded to 15 significant digits to shake off the dust of binary fractions.

    Raises:
        InputError: the units differ in dimension, or one is not known.
    """
    check_same_dimension(from_unit, to_unit)
    if from_unit == to_unit:
        return value
    source, target = _unit(from_unit), _unit(to_unit)
    return _dusted(float(_registry().Quantity(value, source).to(target).magnitude))


def convert_difference(value: float, from_unit: str, to_unit: str) -> float:
    """Convert a difference, such as a step of 9 degF to 5 degC: the zero points of the units do not matter.

    Args:
        value: Difference in ``from_unit``.
        from_unit: Unit of ``value``.
        to_unit: Unit that is wanted.

    Raises:
        InputError: the units differ in dimension, or one is not known.
    """
    check_same_dimension(from_unit, to_unit)
    if from_unit == to_unit:
        return value
    quantity = _registry().Quantity
    source, target = ((quantity(1.0, unit) - quantity(0.0, unit)).units for unit in (_unit(from_unit), _unit(to_unit)))
    return _dusted(float(quantity(value, source).to(target).magnitude))


def _dusted(number: float) -> float:
    return float(f"{number:.15g}")


@functools.cache
def _registry() -> Any:
    """The registry of pint, from the cache in the user's home: to parse its definitions takes half a second."""
    make = importlib.import_module("pint").UnitRegistry
    try:
        return make(cache_folder=":auto:")
    except Exception:  # noqa: BLE001 (whatever is wrong with a cache, the definitions themselves stand beside pint)
        return make()


@functools.lru_cache(maxsize=1024)
def _unit(text: str) -> Any:
    """The pint unit of a text."""
    if text and not _UNIT.fullmatch(text):
        raise InputError(f"{shown(text)} is not a unit: write for example 'uL', 'mm/s' or 'degC'")
    try:
        unit = _registry().Unit(text.replace("·", "*"))
        _registry().Quantity(1.0, unit).to_base_units()  # some texts are names of units that stand for no number
    except (importlib.import_module("pint").PintError, AttributeError, ArithmeticError, TypeError, ValueError):
        guess = did_you_mean(text, _COMMON, cutoff=0.5)
        hint = f"did you mean {guess!r}?" if guess else "write for example 'uL', 'mm/s' or 'degC'"
        raise InputError(f"{shown(text)} is not a unit: {hint}") from None
    return unit
