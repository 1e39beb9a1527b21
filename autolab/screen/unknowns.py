"""Readings that cannot be foreseen: a plan gets values for them, and it is noticed when it looks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Oracle", "Quantity", "SeenReading", "plain_value"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a reading may be, as its device describes it."""

    dtype: str = "number"
    """As the event model has it: number, integer, boolean, string or array."""
    shape: tuple[int, ...] = ()
    lower: float | None = None
    """Lowest value that it can have; None where nobody has said."""
    upper: float | None = None


UNBOUNDED = (0.0, -1e6, 1e6, 1.0, -1.0, 1e-3, 1e3)
"""What an unbounded number is in the first walks."""
TEXTS = ("", "unknown")
NEAR = 1e-6
"""How far from a number that a reading was compared with the next values are, relative to it."""


class Oracle:
    """Answers for the readings of one walk.

    Args:
        walk: Number of the walk, from 0. The first ones take the middle, the lowest and the highest values, the others
            draw them.
        seed: Of what is drawn.
        chosen: Values that were chosen for this walk, by key.
    """

    def __init__(self, walk: int, seed: int, chosen: Mapping[str, Any]) -> None:
        self._walk, self._chosen = walk, chosen
        self._draw = random.Random(f"{seed}.{walk}")  # noqa: S311 (values to try, no secrets)
        self.looked_at: dict[str, Any] = {}
        """The last value of each reading that the plan has looked at, by key."""
        self.compared: dict[str, set[Any]] = {}
        """What each reading was compared with, by key."""

    def answer(self, key: str, quantity: Quantity) -> Any:
        """A value for a reading that the plan is about to look at."""
        value = self._chosen[key] if key in self._chosen else self._value(quantity)
        self.looked_at[key] = value
        if quantity.shape or quantity.dtype == "array" or isinstance(value, bool):
            return value
        watched = _WATCHED.get(type(value))
        return value if watched is None else watched(value).watch(self.compared.setdefault(key, set()))

    def _value(self, quantity: Quantity) -> Any:
        if quantity.shape or quantity.dtype == "array":
            shape = tuple(n if n > 0 else 1 for n in quantity.shape) or (1,)
            return np.reshape([self._number(quantity) for _ in range(int(np.prod(shape)))], shape)
        if quantity.dtype == "boolean":
            return bool(self._walk % 2) if self._walk < 4 else self._draw.random() < 0.5
        if quantity.dtype == "string":
            return TEXTS[self._walk % len(TEXTS)]
        number = self._number(quantity)
        return round(number) if quantity.dtype == "integer" else number

    def _number(self, quantity: Quantity) -> float:
        lower, upper = quantity.lower, quantity.upper
        if lower is None or upper is None or not lower < upper:
            if self._walk < len(UNBOUNDED):
                return UNBOUNDED[self._walk]
            return self._draw.choice((-1.0, 1.0)) * 10.0 ** self._draw.uniform(-3.0, 6.0)
        if self._walk < 3:
            return ((lower + upper) / 2, lower, upper)[self._walk]
        return self._draw.choice((lower, upper, self._draw.uniform(lower, upper), self._draw.uniform(lower, upper)))


def near(value: Any) -> tuple[Any, ...]:
    """What a reading that was compared with ``value`` is in other walks: this, and a little less and more."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, int):
        return (value, value - 1, value + 1)
    step = NEAR * max(abs(value), 1.0)
    return (value, value - step, value + step)


class SeenReading(Mapping[str, Any]):
    """One reading of an answer to ``read``. It is no `dict`, so that nothing gets at a value without being noticed.

    Args:
        key: Key of the reading.
        known: Its value where it is known, as a tuple of one; empty where it is not.
        quantity: What it may be.
        oracle: Answers where the plan looks at what is not known, the time stamp included.
    """

    def __init__(self, key: str, known: tuple[Any, ...], quantity: Quantity, oracle: Oracle) -> None:
        self._key, self._known, self._quantity, self._oracle = key, known, quantity, oracle

    def __getitem__(self, name: str) -> Any:
        if name == "value":
            return self._known[0] if self._known else self._oracle.answer(self._key, self._quantity)
        if name == "timestamp":
            return self._oracle.answer(f"the time stamp of {self._key}", Quantity("number", (), 0.0, 4e9))
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(("value", "timestamp"))

    def __len__(self) -> int:
        return 2

    def __repr__(self) -> str:
        return f"<reading of {self._key}>"


class _Watched:
    """Notes what it is compared with; in all else it is the value."""

    _noted: set[Any]

    def watch(self, noted: set[Any]) -> Any:
        """Note in ``noted``."""
        self._noted = noted
        return self

    def _note(self, other: Any) -> None:
        if type(other) in (int, float, str) and len(self._noted) < 8:
            self._noted.add(other)

    def __lt__(self, other: Any) -> Any:
        self._note(other)
        return super().__lt__(other)  # pyright: ignore[reportAttributeAccessIssue] (the number's or text's)

    def __le__(self, other: Any) -> Any:
        self._note(other)
        return super().__le__(other)  # pyright: ignore[reportAttributeAccessIssue] (as above)

    def __gt__(self, other: Any) -> Any:
        self._note(other)
        return super().__gt__(other)  # pyright: ignore[reportAttributeAccessIssue] (as above)

    def __ge__(self, other: Any) -> Any:
        self._note(other)
        return super().__ge__(other)  # pyright: ignore[reportAttributeAccessIssue] (as above)

    def __eq__(self, other: Any) -> Any:
        self._note(other)
        return super().__eq__(other)

    def __ne__(self, other: Any) -> Any:
        self._note(other)
        return super().__ne__(other)

    def __hash__(self) -> int:
        return super().__hash__()


class _Number(_Watched, float):
    pass


class _Whole(_Watched, int):
    pass


class _Text(_Watched, str):
    pass


_WATCHED: Mapping[type, type[Any]] = {float: _Number, int: _Whole, str: _Text}


def plain_value(value: Any) -> Any:
    """The value that a plan sends, as the device's class would see it: without our watching."""
    if isinstance(value, _Number):
        return float(value)
    if isinstance(value, _Whole):
        return int(value)
    return str.__str__(value) if isinstance(value, _Text) else value
