"""Rules of the envelope: pure functions from a limit, a value and the present value to a refusal or nothing."""

from __future__ import annotations

import math
import re
from enum import Enum
from typing import Any

from autolab.core.envelope import AllowedValues, Limit, RangeLimit
from autolab.core.errors import EnvelopeError

__all__ = ["check_rate", "check_write", "is_proven", "plain_scalar"]


def check_write(signal: str, limit: Limit | None, value: object, present: float | None = None) -> None:
    """Refuse a write that would leave the envelope. Unknown is unsafe.

    Args:
        signal: ``device.signal``, for the message.
        limit: The declared limit, in the signal's own unit; None where none is declared.
        value: What is to be written, in the signal's own unit.
        present: The signal's present value, in its own unit; None where it is not known.

    Raises:
        EnvelopeError: no limit is declared, or the signal is prohibited; the value is not a finite number, is outside
            the limits, is too large a step or a step from an unknown value; or is not among the allowed values.
    """
    if limit is None:
        raise EnvelopeError(
            f"{signal}: refused to write {value!r}: the lab's envelope declares no limit for it; "
            "declare its min, max and unit (or its allowed values) in the lab file"
        )
    if limit.tier == "prohibited":
        raise EnvelopeError(f"{signal}: refused to write {value!r}: the lab's envelope prohibits every write of it")
    if isinstance(limit, AllowedValues):
        _check_allowed(signal, limit, value)
    else:
        _check_range(signal, limit, value, present)


def check_rate(signal: str, limit: RangeLimit, value: object, before: float | None, elapsed_s: float) -> None:
    """Refuse a write that changes what is commanded faster than the envelope allows. Unknown is unsafe.

    Args:
        signal: ``device.signal``, for the message.
        limit: The declared limit, with its largest rate, in the signal's own unit.
        value: What is to be written, a number in the signal's own unit.
        before: What was written before, or read at first; None where it is not known.
        elapsed_s: Lab seconds since then.

    Raises:
        EnvelopeError: it is too fast, or nobody knows how fast it is, or it is not a finite number.
    """
    if limit.max_rate is None:
        return
    number = _finite(signal, value)
    if before is None or not math.isfinite(before) or not elapsed_s >= 0.0:
        raise EnvelopeError(
            f"{signal}: refused to write {number:g} {limit.unit}: what it was before is not known, so a rate of at "
            f"most {limit.max_rate:g} {limit.unit}/s cannot be made sure of"
        )
    change = abs(number - before)
    if change > limit.max_rate * elapsed_s * (1 + 1e-9):
        raise EnvelopeError(
            f"{signal}: refused to write {number:g} {limit.unit}: that is {change:g} {limit.unit} from {before:g} "
            f"after {elapsed_s:.3g} s, and the envelope allows {limit.max_rate:g} {limit.unit}/s: wait "
            f"{change / limit.max_rate - elapsed_s:.3g} s, or go in smaller steps"
        )


def is_proven(limit: Limit, value: object) -> bool:
    """Whether a value lies in the proven region of a signal. What is not known to lie there does not.

    Args:
        limit: The declared limit, in the signal's own unit.
        value: What is to be written, in the signal's own unit.
    """
    if limit.proven is None:
        return False
    if isinstance(limit, RangeLimit):
        number = _number(value)
        return number is not None and limit.proven[0] <= number <= limit.proven[1]
    if limit.proven == "all":
        return True
    plain = plain_scalar(value)
    return any(_same(proven, plain) for proven in limit.proven)


def _check_allowed(signal: str, limit: AllowedValues, value: object) -> None:
    plain = plain_scalar(value)
    if limit.pattern is not None:
        if isinstance(plain, str) and re.fullmatch(limit.pattern, plain):
            return
        raise EnvelopeError(f"{signal}: refused to write {value!r}: it does not match the pattern {limit.pattern!r}")
    if any(_same(allowed, plain) for allowed in limit.values):
        return
    allowed = ", ".join(str(item) for item in limit.values)
    raise EnvelopeError(f"{signal}: refused to write {value!r}: allowed are {allowed}")


def _same(allowed: str | float | bool, plain: str | float | bool | None) -> bool:
    """Equal and of one kind: a truth value is no number, though Python counts it among them."""
    return isinstance(plain, bool) == isinstance(allowed, bool) and plain == allowed


def plain_scalar(value: object) -> str | float | bool | None:
    """The text, number or truth value that a value is; None for anything else.

    Only Python's own types and numpy's are believed, and members of enumerations that are texts or numbers. An object
    of another class may say that it is another one each time it is asked, and the wire asks last.
    """
    if isinstance(value, Enum) and isinstance(value, str | int | float):
        value = value.value
    elif type(value).__module__ == "numpy":
        value = _unwrapped(value)
    return value if type(value) in (bool, int, float, str) else None  # pyright: ignore[reportReturnType] (just seen)


def _unwrapped(value: Any) -> object:
    """The plain value of a numpy scalar or a zero-dimensional array; None for an array of any other shape."""
    return value.item() if getattr(value, "shape", None) == () else None


def _check_range(signal: str, limit: RangeLimit, value: object, present: float | None) -> None:
    number = _finite(signal, value)
    if not limit.lower <= number <= limit.upper:
        raise EnvelopeError(
            f"{signal}: refused to write {number:g} {limit.unit}: "
            f"the envelope allows {limit.lower:g} to {limit.upper:g} {limit.unit}"
        )
    if limit.max_step is None:
        return
    if present is None or not math.isfinite(present):
        raise EnvelopeError(
            f"{signal}: refused to write {number:g} {limit.unit}: its present value is not known, "
            f"so a step of at most {limit.max_step:g} {limit.unit} cannot be made sure of"
        )
    if abs(number - present) > limit.max_step * (1 + 1e-9):
        raise EnvelopeError(
            f"{signal}: refused to write {number:g} {limit.unit}: from {present:g} that is a step of "
            f"{abs(number - present):g} {limit.unit}, and the envelope allows {limit.max_step:g}"
        )


def _finite(signal: str, value: object) -> float:
    """The finite number that a value is; refused where it is none."""
    number = _number(value)
    if number is None or not math.isfinite(number):
        raise EnvelopeError(f"{signal}: refused to write {value!r}: it is not a finite number")
    return number


def _number(value: object) -> float | None:
    """A plain number, also from a zero-dimensional array; None for anything else, booleans and texts included."""
    plain = plain_scalar(value)
    if isinstance(plain, bool | str) or plain is None:
        return None
    try:
        return float(plain)
    except OverflowError:
        return None
