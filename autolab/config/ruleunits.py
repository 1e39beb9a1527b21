"""The conditions of rules against what their signals can read: names, kinds and units, converted once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from autolab.config.units import convert, read_quantity
from autolab.config.words import did_you_mean, kind_of, listed, shown
from autolab.core.errors import InputError
from autolab.core.interlocks import (
    And,
    Comparison,
    Condition,
    Held,
    Integral,
    Measure,
    Not,
    Number,
    Or,
    Rate,
    Relation,
    Signal,
    SignalSpec,
    Vote,
    signal_of,
)

__all__ = ["resolved", "unit_of"]

Refuse = Callable[[str], None]


def resolved(condition: Condition, signals: Mapping[str, SignalSpec], refuse: Refuse) -> Condition:
    """The condition with each number in the unit of what it is compared with.

    Args:
        condition: As it was read from the text.
        signals: What each signal can read.
        refuse: Takes a sentence for each comparison that makes no sense; that one stays as it is.
    """
    match condition:
        case Comparison():
            try:
                return _comparison(condition, signals)
            except InputError as error:
                refuse(f"column {condition.column}: {error}")
                return condition
        case Not(term):
            return Not(resolved(term, signals, refuse))
        case Held(term):
            return replace(condition, term=resolved(term, signals, refuse))
        case And(terms) | Or(terms) | Vote(_, terms):
            return replace(condition, terms=tuple(resolved(term, signals, refuse) for term in terms))


def unit_of(measure: Measure, signals: Mapping[str, SignalSpec]) -> str:
    """The unit of a measure: that of its signal, per second for a rate, times seconds for an integral."""
    unit = signals[signal_of(measure)].unit
    match measure:
        case Signal():
            return unit
        case Rate():
            return f"{unit}/s" if unit else "1/s"
        case Integral():
            return f"{unit}*s" if unit else "s"


def _comparison(comparison: Comparison, signals: Mapping[str, SignalSpec]) -> Comparison:
    spec = _spec(comparison.left, signals)
    right = comparison.right
    if isinstance(right, Signal | Rate | Integral):
        _check_alike(comparison.left, right, spec, _spec(right, signals), signals)
        return comparison
    if not spec.is_number:
        _check_value(comparison, spec)
        return replace(comparison, right=right.value if isinstance(right, Number) else right)
    if not isinstance(right, Number):
        raise InputError(f"{comparison.left} is a number, and {shown(right)} is {kind_of(right)}: write a number")
    unit = unit_of(comparison.left, signals)
    quantity = read_quantity(str(right) if right.unit else right.value, unit)
    number = convert(quantity.value, quantity.unit, unit)
    if isinstance(comparison.left, Signal):
        _refuse_decided(comparison.relation, number, spec)
    return replace(comparison, right=Number(number, unit))


def _spec(measure: Measure, signals: Mapping[str, SignalSpec]) -> SignalSpec:
    """What the signal of a measure can read.

    Raises:
        InputError: the signal is not known, or cannot be summed up or derived.
    """
    name = signal_of(measure)
    spec = signals.get(name)
    if spec is None:
        guess = did_you_mean(name, signals)
        hint = f"did you mean {guess!r}?" if guess else "declare what it reads under 'signals'"
        raise InputError(f"{name} is not a signal that the envelope or 'signals' lists: {hint}")
    if not isinstance(measure, Signal) and not spec.is_number:
        raise InputError(f"{measure}: {name} reads no numbers: compare its value with == or !=")
    if isinstance(measure, Integral) and spec.lower is None:
        raise InputError(f"{measure}: the range of {name} is not known: give its min and max under 'signals'")
    return spec


def _check_alike(
    left: Measure, right: Measure, one: SignalSpec, other: SignalSpec, signals: Mapping[str, SignalSpec]
) -> None:
    if not (one.is_number and other.is_number):
        raise InputError(f"{left} and {right} cannot be compared: only two numbers can")
    units = [unit_of(side, signals) for side in (left, right)]
    if units[0] != units[1]:
        shown_units = listed(repr(unit) for unit in units)
        raise InputError(f"{left} and {right} are in {shown_units}: declare both signals in one unit")


def _check_value(comparison: Comparison, spec: SignalSpec) -> None:
    right, name = comparison.right, spec.name
    if comparison.relation not in {"==", "!="}:
        raise InputError(f"{name} reads values without an order: use == or !=")
    value = right.value if isinstance(right, Number) else right
    if isinstance(right, Number) and right.unit:
        raise InputError(f"{name} reads values without a unit: write {right.value:g}")
    if spec.is_text and not isinstance(value, str):
        raise InputError(f"{name} reads texts, and {shown(value)} is {kind_of(value)}: put it in quotes")
    if spec.values is not None and not any(_same(value, known) for known in spec.values):
        known = [shown(item) for item in spec.values]
        guess = did_you_mean(shown(value), known)
        hint = f"did you mean {guess}?" if guess else f"it reads {listed(known, 'or')}"
        raise InputError(f"{name} never reads {shown(value)}: {hint}")


def _same(value: object, known: object) -> bool:
    return value == known and isinstance(value, bool) == isinstance(known, bool)


def _refuse_decided(relation: Relation, number: float, spec: SignalSpec) -> None:
    """Refuse a comparison that the range of the signal decides: it can never be true, or never false.

    Raises:
        InputError: it is decided.
    """
    if spec.lower is None or spec.upper is None:
        return
    answers = {_holds(relation, reading, number) for reading in (spec.lower, spec.upper)}
    if len(answers) == 2 or (relation in {"==", "!="} and spec.lower <= number <= spec.upper):
        return
    when = "always" if True in answers else "never"
    raise InputError(
        f"{spec.name} {relation} {Number(number, spec.unit)} is {when} true, as it reads "
        f"{Number(spec.lower, spec.unit)} to {Number(spec.upper, spec.unit)}: correct the number, or the range"
    )


def _holds(relation: Relation, left: float, right: float) -> bool:
    match relation:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "==":
            return left == right
        case "!=":
            return left != right
