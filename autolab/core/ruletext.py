"""The text form of an interlock's condition: a closed grammar, read by descent, never by ``eval``.

::

    stage.position > 290 mm for 2 s
    rate(bath.temperature over 30 s) > 2 K/min
    integral(lamp.power over 1 h) > 5 kJ
    2oo3(t1.value > 80 degC, t2.value > 80 degC, t3.value > 80 degC)
    arm.gripper == 'closed' and not (door.closed == true)

    condition  = term { "and" term } | term { "or" term }
    term       = "not" plain | plain [ "for" window ]
    plain      = comparison | vote | "(" condition ")"
    vote       = K "oo" N "(" condition { "," condition } ")"
    comparison = measure ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) ( measure | number [unit] | text | "true" | "false" )
    measure    = device.signal | ( "rate" | "integral" ) "(" device.signal "over" window ")"
    window     = number ( "ms" | "s" | "min" | "h" )

Where a reader could be in doubt, brackets are wanted: around a mix of ``and`` and ``or``, and around what ``for`` and
``not`` are about.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

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
    Operand,
    Or,
    Rate,
    Relation,
    Signal,
    Vote,
)

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "parse_condition"]

T = TypeVar("T")
MAX_LENGTH = 1000
"""Most characters of a condition."""
MAX_DEPTH = 20
"""Deepest nesting of brackets."""
_WINDOWS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_LONGEST_WINDOW_S = 24 * 3600.0
_KEYWORDS = ("and", "or", "not", "for", "over", "true", "false")
_UNIT_NAME = r"(?:[A-Za-zµμΩÅ°][A-Za-zµμΩÅ°_]*\d?|%)"
_POWER = r"(?:\s?(?:\*\*|\^)\s?-?\d{1,2})?"
_UNIT = (
    rf"(?!(?:{'|'.join(_KEYWORDS)})\b)(?:1\s?/\s?)?{_UNIT_NAME}{_POWER}"
    rf"(?:\s?[*/·]\s?(?:{_UNIT_NAME}{_POWER})){{0,5}}"
)
_TOKENS = re.compile(
    rf"""\s*(?:
        (?P<vote>\d+oo\d+\b)
      | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:\s*(?P<unit>{_UNIT}))?
      | (?P<signal>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<text>'[^']*'|"[^"]*")
      | (?P<relation><=|>=|==|!=|<|>)
      | (?P<mark>[(),])
    )""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int
    """From 1."""
    unit: str = ""

    @property
    def shown(self) -> str:
        return "the end" if self.kind == "end" else repr(f"{self.text} {self.unit}".rstrip())


def parse_condition(text: str) -> Condition:
    """Read a condition. Numbers keep the unit that they were written with.

    Args:
        text: The condition in the grammar above.

    Raises:
        InputError: the text is not in the grammar; the message gives the column, what stands there and what is wanted.
    """
    if len(text) > MAX_LENGTH:
        raise InputError(f"a condition has at most {MAX_LENGTH} characters, and this one has {len(text)}: split it")
    return _Reader(_tokens(text)).read()


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKENS.match(text, at)
        if match is None:
            column = at + len(text[at:]) - len(text[at:].lstrip()) + 1
            raise _refused(column, f"{text[column - 1]!r} is not part of a condition", _hint(text[column - 1 :]))
        kind = "number" if match.lastgroup == "unit" else cast("str", match.lastgroup)
        found.append(_Token(kind, match[kind], match.start(kind) + 1, match["unit"] or ""))
        at = match.end()
    return [*found, _Token("end", "", end + 1)]


def _hint(rest: str) -> str:
    if rest[0] == "=":
        return "write '==' for equal"
    if rest[0] in "'\"":
        return f"close the text with {rest[0]}"
    if rest[0] in "&|!":
        return "write 'and', 'or', 'not'"
    return "allowed are signals, numbers with units, texts in quotes, comparisons, and, or, not, for, rate, integral"


def _refused(column: int, what: str, advice: str) -> InputError:
    return InputError(f"column {column}: {what}: {advice}")


class _Reader:
    """Reads the tokens of one condition."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def read(self) -> Condition:
        condition = self._condition()
        if self._now.kind != "end":
            raise self._unexpected("'and', 'or', 'for' or the end")
        return condition

    @property
    def _now(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._now
        self._at += 1
        return token

    def _is(self, *texts: str) -> bool:
        return self._now.kind in {"word", "mark"} and self._now.text in texts

    def _expect(self, text: str) -> None:
        if not self._is(text):
            raise self._unexpected(repr(text))
        self._at += 1

    def _unexpected(self, wanted: str) -> InputError:
        return _refused(self._now.column, f"{self._now.shown} stands here", f"{wanted} is wanted")

    def _condition(self) -> Condition:
        terms = [self._term()]
        word = self._now.text if self._is("and", "or") else None
        while self._is("and", "or"):
            if self._now.text != word:
                raise _refused(
                    self._now.column, "'and' and 'or' are mixed", "put brackets around what belongs together"
                )
            if isinstance(terms[-1], Held) and not self._ends_bracket():
                raise self._open_for()
            self._take()
            terms.append(self._term())
        if word is None:
            return terms[0]
        if isinstance(terms[-1], Held) and not self._ends_bracket():
            raise self._open_for()
        return And(tuple(terms)) if word == "and" else Or(tuple(terms))

    def _ends_bracket(self) -> bool:
        return self._tokens[self._at - 1].text == ")"

    def _open_for(self) -> InputError:
        return _refused(
            self._tokens[self._at - 1].column,
            "it is not plain what 'for' is about",
            "put brackets around the part with 'for', or around all that is meant",
        )

    def _term(self) -> Condition:
        if self._is("not"):
            self._take()
            if self._is("not"):
                raise _refused(self._now.column, "'not' stands twice", "remove both")
            plain = self._plain()
            if self._is("for"):
                raise _refused(
                    self._now.column, "it is not plain what 'for' is about", "write (not ...) for, or not (... for ...)"
                )
            return Not(plain)
        plain = self._plain()
        if not self._is("for"):
            return plain
        self._take()
        return Held(plain, self._window())

    def _plain(self) -> Condition:
        if self._now.kind == "vote":
            return self._vote()
        if not self._is("("):
            return self._comparison()
        return self._inside(self._condition)

    def _inside(self, read: Callable[[], T]) -> T:
        """What stands between brackets."""
        if self._depth >= MAX_DEPTH:
            raise _refused(self._now.column, f"brackets are nested more than {MAX_DEPTH} deep", "split the rule")
        self._expect("(")
        self._depth += 1
        found = read()
        self._expect(")")
        self._depth -= 1
        return found

    def _vote(self) -> Vote:
        token = self._take()
        needed, total = (int(part) for part in token.text.split("oo"))
        terms = self._inside(self._terms)
        if len(terms) != total or not 1 <= needed <= total:
            raise _refused(
                token.column,
                f"{token.text} is given {len(terms)} conditions",
                f"give as many as it says, at least {needed} and one for each sensor, separated by commas",
            )
        return Vote(needed, terms)

    def _terms(self) -> tuple[Condition, ...]:
        terms = [self._condition()]
        while self._is(","):
            self._take()
            terms.append(self._condition())
        return tuple(terms)

    def _comparison(self) -> Comparison:
        column = self._now.column
        left = self._measure()
        if self._now.kind != "relation":
            raise _refused(
                self._now.column,
                f"{self._now.shown} stands here",
                f"a comparison is wanted, such as '{left} > 5 mm' or '{left} == true'",
            )
        relation = cast("Relation", self._take().text)
        right = self._operand()
        if self._now.kind == "relation":
            raise _refused(self._now.column, "a second comparison follows", "join two comparisons with 'and'")
        if isinstance(right, bool | str) and relation not in {"==", "!="}:
            raise _refused(column, f"{left} is compared with a text or a truth value by {relation}", "use == or !=")
        return Comparison(left, relation, right, column)

    def _measure(self) -> Measure:
        token = self._now
        if token.kind == "signal":
            return Signal(self._take().text)
        if self._is("rate", "integral"):
            self._take()
            signal, over_s = self._inside(self._windowed)
            return Rate(signal, over_s) if token.text == "rate" else Integral(signal, over_s)
        if token.kind == "number":
            raise _refused(token.column, f"{token.shown} stands here", "put the signal first, and the number after it")
        raise self._unexpected("a signal such as 'stage.position', rate(...), integral(...), 'not' or a bracket")

    def _windowed(self) -> tuple[str, float]:
        if self._now.kind != "signal":
            raise self._unexpected("a signal such as 'bath.temperature'")
        name = self._take().text
        if not self._is("over"):
            raise _refused(self._now.column, f"{self._now.shown} stands here", f"a window is wanted: {name} over 30 s")
        self._take()
        return name, self._window()

    def _window(self) -> float:
        token = self._now
        if token.kind != "number" or token.unit not in _WINDOWS:
            raise self._unexpected("a time such as '2 s', in ms, s, min or h,")
        self._take()
        seconds = float(token.text) * _WINDOWS[token.unit]
        if not 0.0 < seconds <= _LONGEST_WINDOW_S:
            raise _refused(token.column, f"{token.shown} is no possible time", "give one above zero, of at most 24 h")
        return seconds

    def _operand(self) -> Operand:
        token = self._now
        if token.kind == "number":
            self._take()
            if not math.isfinite(float(token.text)):
                raise _refused(token.column, f"{token.shown} is not a finite number", "correct it")
            return Number(float(token.text), token.unit)
        if token.kind == "text":
            return self._take().text[1:-1]
        if self._is("true", "false"):
            return self._take().text == "true"
        if token.kind == "signal" or self._is("rate", "integral"):
            return self._measure()
        raise self._unexpected("a number with its unit, a text in quotes, true, false or a signal")
