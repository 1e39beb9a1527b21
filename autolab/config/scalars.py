"""Plain scalars of YAML 1.2 (core schema): ``on``, ``no``, ``12:30`` and dates are texts, as they look.

Source of the patterns: YAML 1.2.2, section 10.3.2 (tag resolution of the core schema).
"""

from __future__ import annotations

import math
import re

__all__ = ["LONGEST_NUMBER", "read_scalar"]

Scalar = str | int | float | bool | None

LONGEST_NUMBER = 64
"""Digits and signs that a number has at most; more are no measurement."""

_NO_TEXT = frozenset("+-.~0123456789nNtTfF")
"""What a scalar begins with that is anything but a text, where it is not empty."""
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_NOT_A_NUMBER = frozenset({".nan", ".NaN", ".NAN"})


def read_scalar(text: str) -> Scalar:
    """Read an unquoted scalar.

    NaN and infinity are read as such, so that whatever takes the number can refuse them by name.

    Raises:
        ValueError: a number of more than `LONGEST_NUMBER` characters.
    """
    if text and text[0] not in _NO_TEXT:
        return text  # nearly always
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text in _NOT_A_NUMBER:
        return math.nan
    if infinite := _INFINITE.fullmatch(text):
        return -math.inf if infinite.group(1) == "-" else math.inf
    return _read_number(text)


def _read_number(text: str) -> Scalar:
    for pattern, base in ((_DECIMAL, 10), (_OCTAL, 8), (_HEXADECIMAL, 16)):
        if pattern.fullmatch(text):
            _check_length(text)
            return int(text if base == 10 else text[2:], base)
    if _FLOAT.fullmatch(text):
        _check_length(text)
        return float(text)
    return text


def _check_length(text: str) -> None:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number has at most {LONGEST_NUMBER} characters, and this one has {len(text)}: shorten it")
