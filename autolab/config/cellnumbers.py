"""Numbers in the cells of a table that people have kept: what is one, and what is wrong with what is none."""

from __future__ import annotations

import math
import re

from autolab.config.columns import Wanted
from autolab.config.measuredrow import LARGEST
from autolab.config.tables import Cell
from autolab.config.units import check_same_dimension, parse_quantity
from autolab.core.errors import InputError

__all__ = ["Numbers"]

_PERCENT = ("%", "percent")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = re.compile(
    rf"\d{{4}}-\d\d-\d\d.*|\d\d?[./]\d\d?[./](?:\d\d)?\d\d.*|\d\d?[-. ]{_MONTH}(?:[-. ]\d+)?|{_MONTH}[-. ]\d+"
    r"|\d\d?:\d\d(?::\d\d(?:\.\d+)?)?",
    re.IGNORECASE,
)
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:[,' \u00a0\u2009\u202f]\d{3})+(?:\.\d+)?")
_COMMA = re.compile(r"[-+]?(?:\d{1,3}(?:[.' ]\d{3})+|\d+),\d+(?:[eE][-+]?\d+)?")
_BOUND = re.compile(r"[<>≤≥~≈±].*|.*±.*")


class Numbers:
    """Reads the numbers of one table.

    Args:
        decimal: Sign between the whole part and the rest, ``.`` or ``,``.
    """

    def __init__(self, decimal: str = ".") -> None:
        self._decimal = decimal

    def read(self, column: Wanted, cell: Cell) -> float:
        """The finite number in a cell, in the unit of its column.

        Raises:
            InputError: there is none; the message says what stands there instead, and what to do.
        """
        value = self._parsed(column, cell) if isinstance(cell, str) else cell
        if -LARGEST <= value <= LARGEST:
            return value
        if not math.isfinite(value):
            raise InputError("it must be a finite number: give the value, or take the row out")
        raise InputError(f"it is beyond ±{LARGEST:g}: use a larger unit")

    def _parsed(self, column: Wanted, text: str) -> float:
        written = text
        if self._decimal == ",":
            if "." in text:
                raise InputError(
                    "there is a point in it, and 'decimal' says that numbers have a comma: write it plainly"
                )
            text = text.replace(",", ".")
        unit = column.unit if column.written is None else column.written
        if text.endswith("%") and unit in _PERCENT:
            text = text[:-1].rstrip()
        try:
            if "_" not in text:
                return float(text)
        except ValueError:
            pass
        return self._with_unit(text, written, unit)

    def _with_unit(self, text: str, written: str, unit: str) -> float:
        """A number with the very unit of its column behind it is one, too."""
        if said := _oddity(text, written, unit):
            raise InputError(said)
        try:
            quantity = parse_quantity(text)
        except InputError:
            raise InputError("a number is wanted") from None
        check_same_dimension(quantity.unit, unit)
        if quantity.unit == unit:
            return quantity.value
        said = f"its unit is {quantity.unit!r}, and that of the column {unit!r}"
        raise InputError(f"{said}: a column has one unit, so write the number in it")


def _oddity(text: str, written: str, unit: str) -> str | None:
    """What a text is that should be a number, where it is one of the things that spreadsheets are known for."""
    if not text:
        return (
            "it is empty: give the value, or take the row out (of merged cells only the first holds it, and a formula "
            "needs to be computed and saved)"
        )
    if text.startswith("#"):
        return "this is an error of the spreadsheet: mend its formula, or take the row out"
    if _DATE.fullmatch(text):
        return "this is a date or a time: where a spreadsheet has made it of a number, type the number again as one"
    if text.endswith("%"):
        return (
            f"this is in percent, and the column is {f'in {unit}' if unit else 'a pure number'}: write the number in it"
        )
    if _COMMA.fullmatch(written) and not _GROUPED.fullmatch(written):
        return (
            "there is a comma in it: write it with a point, or say in the mapping 'decimal: \",\"' for the whole table"
        )
    if _GROUPED.fullmatch(written):
        return "thousands are set apart in it: write the digits together"
    if _BOUND.fullmatch(text):
        return "this is a bound or has an error with it: write one number (a standard error has a column of its own)"
    if "−" in text or "–" in text:
        return "its minus is a dash: write it with '-'"
    return None
