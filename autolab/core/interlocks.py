"""Interlocks: rules on readings, as frozen values. Their text form is read in `ruletext`, and given back by ``str``.

A condition is three-valued: true, false, or unknown where a reading is missing, bad, stale or not a number. Numbers
are in the unit of the signal they are compared with; windows are in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from autolab.core.errors import InputError
from autolab.core.parameters import Value

__all__ = [
    "RELAY",
    "STALE_AFTER_S",
    "And",
    "Comparison",
    "Condition",
    "Effect",
    "Hazard",
    "Held",
    "Integral",
    "Measure",
    "Not",
    "Number",
    "Operand",
    "Or",
    "Rate",
    "Reading",
    "Relation",
    "Rule",
    "SafeStateStep",
    "SetStep",
    "Signal",
    "SignalSpec",
    "StopStep",
    "Truth",
    "Vote",
    "conditions_in",
    "measures_in",
    "signal_of",
    "window_text",
]

Truth = bool | None
"""True, false, or None for unknown."""
Relation = Literal["<", "<=", ">", ">=", "==", "!="]
Effect = Literal["permissive", "trip", "alarm"]
"""Permissive: must be true for a write. Trip: brings the lab into its safe state, and latches. Alarm: is shown."""
RELAY = "relay"
"""Name of the relay's own trip, which stands beside the rules of the lab file."""
STALE_AFTER_S = 5.0
"""Age in seconds beyond which a reading is unknown, where the rule does not say otherwise."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of one signal at the moment of a scan."""

    value: Value | None
    """None where the device did not answer."""
    is_good: bool
    """False where the device itself, or the connection, says that the value cannot be relied on."""
    age_s: float
    """Seconds since the value was measured."""


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """What a signal that rules may name can read: a number in a unit, or one of some values.

    Raises:
        InputError: a range that is not below itself or not finite, or a range and values together.
    """

    name: str
    """``device.signal``."""
    unit: str = ""
    """Unit of the readings; empty for a pure number and where there is none."""
    lower: float | None = None
    """Lowest reading that is physically possible; one below it is unknown. None where nobody has said."""
    upper: float | None = None
    """Highest reading that is physically possible."""
    values: tuple[Value, ...] | None = None
    """All values that it can read; None for numbers, and for texts of any kind."""
    is_text: bool = False
    """True for texts of any kind."""

    def __post_init__(self) -> None:
        if (self.lower is None) != (self.upper is None):
            raise InputError(f"{self.name}: a range has both min and max: give both, or neither")
        if self.lower is not None and self.upper is not None:
            if not (math.isfinite(self.lower) and math.isfinite(self.upper) and self.lower < self.upper):
                raise InputError(f"{self.name}: min {self.lower:g} must be below max {self.upper:g}, both finite")
            if self.values is not None or self.is_text:
                raise InputError(f"{self.name}: give either a range or values, and not both")

    @property
    def is_number(self) -> bool:
        """True where the readings are numbers on a scale."""
        return self.values is None and not self.is_text


@dataclass(frozen=True, slots=True)
class Signal:
    """The reading of a signal."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a signal changes, per second, as its mean over a window."""

    signal: str
    over_s: float

    def __str__(self) -> str:
        return f"rate({self.signal} over {window_text(self.over_s)})"


@dataclass(frozen=True, slots=True)
class Integral:
    """A signal summed up over the window that ends at the scan, in its unit times seconds."""

    signal: str
    over_s: float

    def __str__(self) -> str:
        return f"integral({self.signal} over {window_text(self.over_s)})"


Measure = Signal | Rate | Integral
"""What a comparison compares."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its unit."""

    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{_number_text(self.value)} {self.unit}".rstrip()


Operand = Number | Measure | Value
"""What a measure is compared with. A plain number is one of a signal's values, which has no unit."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A measure compared with a constant or with another measure."""

    left: Measure
    relation: Relation
    right: Operand
    column: int = field(default=1, compare=False)
    """Where it begins in the text, from 1."""

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {_operand_text(self.right)}"


@dataclass(frozen=True, slots=True)
class Not:
    """True where the term is false."""

    term: Condition

    def __str__(self) -> str:
        return f"not {_bracketed(self.term)}"


@dataclass(frozen=True, slots=True)
class And:
    """True where all terms are."""

    terms: tuple[Condition, ...]

    def __str__(self) -> str:
        return " and ".join(_bracketed(term) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Or:
    """True where any term is."""

    terms: tuple[Condition, ...]

    def __str__(self) -> str:
        return " or ".join(_bracketed(term) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Held:
    """True where the term has been true without a break for so many seconds."""

    term: Condition
    for_s: float

    def __str__(self) -> str:
        inner = str(self.term) if isinstance(self.term, Comparison | Vote) else f"({self.term})"
        return f"{inner} for {window_text(self.for_s)}"


@dataclass(frozen=True, slots=True)
class Vote:
    """True where at least so many of the terms are: ``2oo3``."""

    needed: int
    terms: tuple[Condition, ...]

    def __str__(self) -> str:
        return f"{self.needed}oo{len(self.terms)}({', '.join(str(term) for term in self.terms)})"


Condition = Comparison | Not | And | Or | Held | Vote


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the cause-and-effect matrix. Its numbers are in the units of its signals.

    Raises:
        InputError: a permissive that permits nothing, or another rule that says what it permits.
    """

    name: str
    when: Condition
    effect: Effect
    of: tuple[str, ...] = ()
    """Devices and signals that a permissive permits to write."""
    why: str = ""
    """The hazard in words."""
    stale_after_s: float = STALE_AFTER_S
    """Age in seconds beyond which a reading is unknown."""
    text: str = field(default="", compare=False)
    """The condition as the file gives it."""
    line: int | None = field(default=None, compare=False)
    """Line of the lab file."""

    def __post_init__(self) -> None:
        if self.effect == "permissive" and not self.of:
            raise InputError(f"{self.name}: a permissive permits something: add 'of: [device]'")
        if self.effect != "permissive" and self.of:
            raise InputError(f"{self.name}: 'of' goes with permissives: remove it, or write 'effect: permissive'")
        if not (math.isfinite(self.stale_after_s) and self.stale_after_s > 0):
            raise InputError(f"{self.name}: stale_after {self.stale_after_s!r} must be a finite time above zero")

    def acts(self, truth: Truth) -> bool:
        """Whether the rule acts: trips, alarms, or forbids. Unknown acts."""
        return truth is not True if self.effect == "permissive" else truth is not False

    def covers(self, signal: str) -> bool:
        """Whether a permissive is about writes to ``device.signal``."""
        return any(signal == item or signal.startswith(f"{item}.") for item in self.of)


@dataclass(frozen=True, slots=True)
class Hazard:
    """A state of the lab that must not arise: some rule has to act on it."""

    name: str
    when: Condition
    text: str = field(default="", compare=False)
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class StopStep:
    """A step of the safe state: stop a device."""

    device: str
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SetStep:
    """A step of the safe state: write a value."""

    signal: str
    """``device.signal``."""
    value: Value
    """In the signal's own unit."""
    unit: str = ""
    line: int | None = field(default=None, compare=False)


SafeStateStep = StopStep | SetStep


def conditions_in(condition: Condition) -> tuple[Condition, ...]:
    """A condition and all that it is made of, parts before wholes."""
    match condition:
        case Comparison():
            inner: tuple[Condition, ...] = ()
        case Not(term) | Held(term):
            inner = conditions_in(term)
        case And(terms) | Or(terms) | Vote(_, terms):
            inner = tuple(part for term in terms for part in conditions_in(term))
    return (*inner, condition)


def measures_in(condition: Condition) -> tuple[Measure, ...]:
    """The measures that a condition compares, in the order of its text, each as often as it stands there."""
    comparisons = [part for part in conditions_in(condition) if isinstance(part, Comparison)]
    sides = [side for comparison in comparisons for side in (comparison.left, comparison.right)]
    return tuple(side for side in sides if isinstance(side, Signal | Rate | Integral))


def signal_of(measure: Measure) -> str:
    """The signal that a measure is of, as ``device.signal``."""
    return measure.name if isinstance(measure, Signal) else measure.signal


def window_text(seconds: float) -> str:
    """A time as a rule says it: ``2 s``, ``5 min``, ``1 h``."""
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= size and seconds % size == 0.0:
            return f"{_number_text(seconds / size)} {unit}"
    return f"{_number_text(seconds)} s"


def _number_text(number: float) -> str:
    return repr(float(number)).removesuffix(".0")


def _operand_text(operand: Operand) -> str:
    if isinstance(operand, bool):
        return "true" if operand else "false"
    if isinstance(operand, str):
        return f'"{operand}"' if "'" in operand else f"'{operand}'"
    return str(operand)


def _bracketed(term: Condition) -> str:
    return str(term) if isinstance(term, Comparison | Vote) else f"({term})"
