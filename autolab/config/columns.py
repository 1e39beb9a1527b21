"""Matches the columns of a table to what a campaign wants of it, by name, with the unit behind it.

A column belongs to what has its name; the unit may stand behind it: ``flow``, ``flow [mL/min]``, ``flow (mL/min)``, or
``flow_mL/min`` as ``autolab export`` writes it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autolab.config.units import convert, convert_difference
from autolab.config.words import did_you_mean, listed
from autolab.core.errors import FileError, InputError, InputErrors
from autolab.core.parameters import FixedParameter
from autolab.core.problem import Problem

__all__ = ["Chosen", "Field", "Wanted", "conversion", "match_columns", "problem_fields", "raise_any"]

_MOST_ERRORS = 10
_HEADING = re.compile(r"(.*?)\s*(?:\[([^\[\]]*)\]|\(([^()]*)\))")


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a table may have a column for."""

    what: str
    """Its kind, such as ``parameter``."""
    name: str
    unit: str
    is_needed: bool
    is_difference: bool = False
    """True of a standard error: the zero points of its units do not matter."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The column that a person has named for a field."""

    heading: str
    unit: str | None = None
    """Unit of its numbers; None where the heading says it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column that is used."""

    name: str
    """Of the parameter or metric."""
    heading: str
    index: int
    unit: str
    """Unit of the campaign."""
    written: str | None
    """Unit that the heading names; None where it names none."""


def problem_fields(problem: Problem) -> Iterator[Field]:
    """The parameters and metrics of a problem. A fixed parameter needs no column."""
    for parameter in problem.space.parameters:
        yield Field("parameter", parameter.name, parameter.unit, not isinstance(parameter, FixedParameter))
    for metric in problem.metrics:
        yield Field("metric", metric, problem.unit_of(metric), is_needed=True)


def match_columns(
    file: str, line: int, header: Sequence[str], fields: Sequence[Field], chosen: Mapping[str, Chosen] | None = None
) -> tuple[list[Wanted], list[str]]:
    """Which column holds what, and what a person should know of that.

    Args:
        file: Path of the table, for messages.
        line: Where its headings stand.
        header: The headings.
        fields: What is wanted, or may be there.
        chosen: Columns that a person has named, by the name of the field.

    Raises:
        InputErrors: there is no column, or more than one, for something that is wanted, or its unit does not fit.
    """
    found: list[Wanted] = []
    errors: list[InputError] = []
    named = chosen or {}
    for field in fields:
        try:
            columns = _columns(header, field, named.get(field.name))
            if len(columns) == 1:
                found.append(_wanted(header[columns[0]], columns[0], field, named.get(field.name)))
            elif columns:
                both = listed(repr(header[index]) for index in columns)
                raise InputError(f"{both} could all be the {field.what} {field.name!r}: rename all but one")
            elif field.is_needed:
                raise InputError(_missing(field, header))
        except InputError as error:
            errors.append(FileError(file, line, str(error)))
    raise_any(errors)
    return found, _notes(header, found)


def conversion(column: Wanted, *, is_difference: bool = False) -> Callable[[float], float] | None:
    """Turns numbers of a column into the campaign's unit; None where they are in it.

    Where the two units differ by a factor and an offset, as all but a few do, no unit is looked at again.
    """
    source, target = column.written, column.unit
    if source is None or source == target:
        return None
    change = convert_difference if is_difference else convert
    offset = change(0.0, source, target)
    factor = change(1.0, source, target) - offset
    if math.isclose(change(1000.0, source, target), 1000.0 * factor + offset, rel_tol=1e-9):
        return lambda value: float(f"{value * factor + offset:.12g}")
    return lambda value: change(value, source, target)


def raise_any(errors: Sequence[InputError]) -> None:
    """Raise what was gathered, at most ten of it.

    Raises:
        InputError: there was one.
        InputErrors: there were several.
    """
    if len(errors) > _MOST_ERRORS:
        more = InputError(f"and {len(errors) - _MOST_ERRORS} more lines are refused")
        raise InputErrors([*errors[:_MOST_ERRORS], more])
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise InputErrors(errors)


def _columns(header: Sequence[str], field: Field, chosen: Chosen | None) -> list[int]:
    """Where the columns stand that could be the field.

    Raises:
        InputError: a person has named a column that is not there.
    """
    if chosen is None:
        return [index for index, text in enumerate(header) if field.name in _meanings(text, field.unit)]
    found = [index for index, text in enumerate(header) if text == chosen.heading]
    if not found:
        guess = did_you_mean(chosen.heading, [text for text in header if text])
        hint = f"did you mean {guess!r}?" if guess else f"columns are {listed(repr(text) for text in header if text)}"
        raise InputError(f"no column has the heading {chosen.heading!r}, named for {field.name!r}: {hint}")
    return found


def _meanings(text: str, unit: str) -> set[str]:
    """Names that a heading may stand for."""
    found = {text}
    if match := _HEADING.fullmatch(text):
        found.add(match.group(1))
    if unit and text.endswith(f"_{unit}"):
        found.add(text.removesuffix(f"_{unit}"))
    return found


def _wanted(text: str, index: int, field: Field, chosen: Chosen | None) -> Wanted:
    """The column at ``index``.

    Raises:
        InputError: its unit is of another dimension, or none at all.
    """
    match = _HEADING.fullmatch(text)
    if chosen is not None and chosen.unit is not None:
        written = chosen.unit
    elif text == field.name or (match is None and chosen is not None):
        return Wanted(field.name, text, index, field.unit, None)
    else:
        written = field.unit if match is None else (match.group(2) or match.group(3) or "").strip()
    try:
        convert(1.0, written, field.unit)
    except InputError as error:
        raise InputError(f"column {text!r}: {error}") from None
    return Wanted(field.name, text, index, field.unit, written)


def _missing(field: Field, header: Sequence[str]) -> str:
    bare = {(match.group(1) if (match := _HEADING.fullmatch(text)) else text): text for text in header if text}
    guess = did_you_mean(field.name, bare)
    hint = f"did you mean {bare[guess]!r}? Rename it" if guess else f"columns are {listed(map(repr, bare.values()))}"
    return f"there is no column for the {field.what} {field.name!r}: {hint}"


def _notes(header: Sequence[str], found: Sequence[Wanted]) -> list[str]:
    """Which columns were not used, which were taken to be in the campaign's unit, and which were converted."""
    used = {column.index for column in found}
    unused = [text for index, text in enumerate(header) if index not in used and text]
    notes = [f"columns that the campaign does not name were not used: {', '.join(unused)}"] if unused else []
    bare = [f"{column.name} in {column.unit}" for column in found if column.unit and column.written is None]
    if bare:
        notes.append(f"columns without a unit were taken in the campaign's: {', '.join(bare)}")
    converted = [f"{c.name} from {c.written} to {c.unit}" for c in found if c.written not in (None, c.unit)]
    if converted:
        notes.append(f"converted: {', '.join(converted)}")
    return notes
