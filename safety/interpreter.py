"""The one interpreter of interlocks: from the readings of a scan to true, false or unknown for each rule.

Logic is that of Kleene: what does not depend on an unknown part is known. Rules are compiled once to closures over a
list of slots; a scan fills the slots of the readings, then those of the windows, then asks each rule. What needs a
past (`for`, `rate`, `integral`) keeps it here, and nothing is known of the time before the first scan.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from autolab.core.errors import SafetyError
from autolab.core.interlocks import (
    And,
    Comparison,
    Condition,
    Effect,
    Held,
    Integral,
    Measure,
    Not,
    Number,
    Or,
    Rate,
    Reading,
    Relation,
    Rule,
    Signal,
    SignalSpec,
    Truth,
    Vote,
    conditions_in,
    measures_in,
)
from autolab.core.parameters import Value
from safety.windows import HeldWindow, Interval, RateWindow, SumWindow

__all__ = ["Interpreter", "acting"]

Slots = list[object]
"""What one scan knows: a plain value, an interval, a truth, or None for unknown, by slot."""
Ask = Callable[[], Truth]
_PLAIN: dict[Relation, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


class Interpreter:
    """Evaluates rules, scan by scan.

    Args:
        rules: The rules, their numbers in the units of the signals.
        signals: What each signal can read; a rule that names another is a defect.

    Raises:
        KeyError: a rule names a signal that is not in `signals`.
    """

    def __init__(self, rules: Sequence[Rule], signals: Mapping[str, SignalSpec]) -> None:
        self._program = _Program(signals)
        self._rules = [(rule.name, self._program.ask(rule.when, rule.stale_after_s)) for rule in rules]
        self._last_s = -math.inf
        windows = [m.over_s for rule in rules for m in measures_in(rule.when) if isinstance(m, Rate)]
        holds = [part.for_s for rule in rules for part in conditions_in(rule.when) if isinstance(part, Held)]
        self.warm_up_s = max([*windows, *holds], default=0.0)
        """Seconds of scans after which no `rate` and no `for` is unknown for want of a past."""

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that the rules read, each once."""
        return tuple(dict.fromkeys(name for name, _ in self._program.inputs))

    def scan(self, at_s: float, readings: Mapping[str, Reading]) -> dict[str, Truth]:
        """Evaluate each rule on the readings of this moment.

        Args:
            at_s: When, in seconds on a clock that never goes back.
            readings: Reading by ``device.signal``, in plain Python values; one that is missing is unknown.

        Returns:
            True, false or None (unknown) by name of the rule.

        Raises:
            SafetyError: the time is not after that of the scan before; nothing was evaluated.
        """
        if not self._last_s < at_s < math.inf:
            raise SafetyError(
                f"interlocks: a scan at {at_s!r} s follows one at {self._last_s!r} s: time must go on, so the rules "
                "count as unknown; bring the lab into its safe state and restart"
            )
        self._last_s = at_s
        self._program.fill(at_s, readings)
        return {name: ask() for name, ask in self._rules}


def acting(rules: Iterable[Rule], truths: Mapping[str, Truth], effect: Effect) -> tuple[Rule, ...]:
    """The rules of an effect that act, in their order; one that was not evaluated is unknown, and acts."""
    return tuple(rule for rule in rules if rule.effect == effect and rule.acts(truths.get(rule.name)))


class _Program:
    """What is computed in a scan, each thing once."""

    def __init__(self, signals: Mapping[str, SignalSpec]) -> None:
        self._specs = signals
        self._slots: Slots = []
        self._places: dict[tuple[Measure | Held, float], int] = {}
        self._reads: list[tuple[int, str, float, Callable[[object], bool]]] = []
        self._windows: list[tuple[int, Callable[[float], object]]] = []
        self.inputs: list[tuple[str, float]] = []

    def fill(self, at_s: float, readings: Mapping[str, Reading]) -> None:
        """Fill the slots: first of readings, then of windows, inner ones before outer ones."""
        slots, get = self._slots, readings.get
        for place, name, stale_after_s, is_possible in self._reads:
            reading = get(name)
            slots[place] = (
                reading.value
                if reading is not None
                and reading.is_good is True
                and 0.0 <= reading.age_s <= stale_after_s
                and is_possible(reading.value)
                else None
            )
        for place, update in self._windows:
            slots[place] = update(at_s)

    def ask(self, condition: Condition, stale_after_s: float) -> Ask:
        """A closure that gives the truth of a condition in the present scan."""
        match condition:
            case Comparison():
                return self._comparison(condition, stale_after_s)
            case Not(term):
                return _negated(self.ask(term, stale_after_s))
            case And(terms):
                return _all_of([self.ask(term, stale_after_s) for term in terms])
            case Or(terms):
                return _negated(_all_of([_negated(self.ask(term, stale_after_s)) for term in terms]))
            case Vote(needed, terms):
                return _vote(needed, [self.ask(term, stale_after_s) for term in terms])
            case Held():
                return self._held(condition, stale_after_s)

    def _place(self, what: Measure | Held, stale_after_s: float) -> int:
        """A new slot."""
        self._slots.append(None)
        self._places[what, stale_after_s] = len(self._slots) - 1
        return len(self._slots) - 1

    def _held(self, held: Held, stale_after_s: float) -> Ask:
        place = self._places.get((held, stale_after_s))
        if place is None:
            window = HeldWindow(held.for_s, self.ask(held.term, stale_after_s))
            place = self._place(held, stale_after_s)
            self._windows.append((place, window.update))
        return _truth_in(self._slots, place)

    def _measure(self, measure: Measure, stale_after_s: float) -> int:
        """The slot of a measure."""
        place = self._places.get((measure, stale_after_s))
        if place is not None:
            return place
        if isinstance(measure, Signal):
            place = self._place(measure, stale_after_s)
            self._reads.append((place, measure.name, stale_after_s, _possible(self._specs[measure.name])))
            self.inputs.append((measure.name, stale_after_s))
            return place
        source = self._measure(Signal(measure.signal), stale_after_s)
        spec, now = self._specs[measure.signal], _number_in(self._slots, source)
        window = RateWindow(measure.over_s, now) if isinstance(measure, Rate) else SumWindow(measure.over_s, now, spec)
        place = self._place(measure, stale_after_s)
        self._windows.append((place, window.update))
        return place

    def _comparison(self, comparison: Comparison, stale_after_s: float) -> Ask:
        left, right, relation = comparison.left, comparison.right, comparison.relation
        place = self._measure(left, stale_after_s)
        if isinstance(right, Signal | Rate | Integral):
            other = self._measure(right, stale_after_s)
            return _between_intervals(self._slots, place, other, relation)
        constant = right.value if isinstance(right, Number) else right
        if isinstance(left, Integral):
            self._slots.append((constant, constant))
            return _between_intervals(self._slots, place, len(self._slots) - 1, relation)
        return _with_constant(self._slots, place, relation, constant)


def _possible(spec: SignalSpec) -> Callable[[object], bool]:
    """Whether a value is one that the signal can read; a truth value is no number, NaN is none, and None is nothing."""
    values = spec.values
    if values is not None:
        return lambda value: any(value == item and isinstance(value, bool) == isinstance(item, bool) for item in values)
    if spec.is_text:
        return lambda value: isinstance(value, str)
    lower = -math.inf if spec.lower is None else spec.lower
    upper = math.inf if spec.upper is None else spec.upper
    return lambda value: (
        isinstance(value, float | int)
        and not isinstance(value, bool)
        and lower <= value <= upper
        and -math.inf < value < math.inf
    )


def _number_in(slots: Slots, place: int) -> Callable[[], float | None]:
    def now() -> float | None:
        value = slots[place]
        return value if isinstance(value, float | int) else None

    return now


def _truth_in(slots: Slots, place: int) -> Ask:
    def ask() -> Truth:
        truth = slots[place]
        return truth if isinstance(truth, bool) else None

    return ask


def _with_constant(slots: Slots, place: int, relation: Relation, constant: Value) -> Ask:
    compare = _PLAIN[relation]

    def ask() -> Truth:
        value = slots[place]
        return None if value is None else compare(value, constant)

    return ask


def _between_intervals(slots: Slots, left: int, right: int, relation: Relation) -> Ask:
    def ask() -> Truth:
        one, other = _interval(slots[left]), _interval(slots[right])
        return None if one is None or other is None else _related(relation, one, other)

    return ask


def _interval(value: object) -> Interval | None:
    """A measure as an interval; a plain number is one without width."""
    if isinstance(value, float | int):
        return (value, value)
    return value  # pyright: ignore[reportReturnType] (the slots of measures hold numbers, intervals and None)


def _related(relation: Relation, one: Interval, other: Interval) -> Truth:
    """How any number of one interval compares with any of the other; None where it depends on which."""
    if relation in {"==", "!="}:
        is_apart = one[1] < other[0] or other[1] < one[0]
        is_point = one[0] == one[1] and other[0] == other[1]
        equal = False if is_apart else True if is_point else None
        return equal if relation == "==" or equal is None else not equal
    compare = _PLAIN[relation]
    outer, inner = (one[0], other[1]), (one[1], other[0])
    first, last = (compare(*outer), compare(*inner))
    return first if first == last else None


def _negated(term: Ask) -> Ask:
    def ask() -> Truth:
        truth = term()
        return None if truth is None else not truth

    return ask


def _all_of(terms: Sequence[Ask]) -> Ask:
    def ask() -> Truth:
        found: Truth = True
        for term in terms:
            truth = term()
            if truth is False:
                return False
            if truth is None:
                found = None
        return found

    return ask


def _vote(needed: int, terms: Sequence[Ask]) -> Ask:
    def ask() -> Truth:
        truths = [term() for term in terms]
        if truths.count(True) >= needed:
            return True
        return False if len(truths) - truths.count(False) < needed else None

    return ask
