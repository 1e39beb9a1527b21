"""Conditions as formulas for z3, over all readings that the signals can give.

What depends on the past is abstracted so that nothing possible is left out: `for` may be true where its part is, a
rate is anything that the range allows, and so is an integral. So what z3 finds impossible is impossible, and what it
finds possible may take a past that a lab never has. Unknown readings are left out: they only make rules act.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

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
    SetStep,
    Signal,
    SignalSpec,
    Vote,
    measures_in,
    signal_of,
)
from autolab.core.parameters import Value

__all__ = ["Logic"]

Formula = Any
"""A formula or a term of z3, which has no types."""


class Logic:
    """Conditions as formulas, and questions about them.

    Args:
        signals: What each signal can read.
        is_steady: True where all readings have been what they are for ever: `for` is its part, a rate is zero.
    """

    def __init__(self, signals: Mapping[str, SignalSpec], is_steady: bool = False) -> None:
        self._z3: Any = importlib.import_module("z3")
        self._signals = signals
        self._is_steady = is_steady
        self._solver = self._z3.Solver()
        self._terms: dict[Measure, Formula] = {}
        self._holds: list[tuple[Held, Formula, Formula]] = []
        self._texts: dict[str, int] = {}

    def formula(self, condition: Condition) -> Formula:
        """The condition as a formula."""
        z3 = self._z3
        match condition:
            case Comparison():
                return self._comparison(condition)
            case Not(term):
                return z3.Not(self.formula(term))
            case And(terms):
                return z3.And([self.formula(term) for term in terms])
            case Or(terms):
                return z3.Or([self.formula(term) for term in terms])
            case Vote(needed, terms):
                return z3.PbGe([(self.formula(term), 1) for term in terms], needed)
            case Held():
                return self._held(condition)

    def negated(self, formula: Formula) -> Formula:
        """True where the formula is false."""
        return self._z3.Not(formula)

    def written(self, step: SetStep) -> Formula:
        """That a signal reads what a step of the safe state has written."""
        right: Operand = Number(float(step.value)) if self._signals[step.signal].is_number else step.value
        return self._comparison(Comparison(Signal(step.signal), "==", right))

    def can_be(self, *formulas: Formula) -> bool:
        """Whether all the formulas can be true at once."""
        return self._model(formulas) is not None

    def follows(self, formula: Formula, *given: Formula) -> bool:
        """Whether the formula is true wherever all that is given is."""
        return not self.can_be(*given, self.negated(formula))

    def witness(self, conditions: Iterable[Condition], *formulas: Formula) -> str:
        """Readings for which all the formulas are true, of what the conditions measure; empty where none are."""
        model = self._model(formulas)
        if model is None:
            return ""
        measures = dict.fromkeys(measure for condition in conditions for measure in measures_in(condition))
        return ", ".join(f"{measure} = {self._reading(model, measure)}" for measure in measures)

    def readings(self, conditions: Iterable[Condition], *formulas: Formula) -> dict[str, Value] | None:
        """Readings by signal for which all the formulas are true, in the units of the signals; None where none are.

        Args:
            conditions: What they measure is read: no integrals and rates, whose readings no single moment gives.
            formulas: What is to be true.
        """
        model = self._model(formulas)
        if model is None:
            return None
        names = dict.fromkeys(signal_of(measure) for condition in conditions for measure in measures_in(condition))
        return {name: self._value(model, name) for name in names}

    def _value(self, model: Any, name: str) -> Value:
        value, spec = model.eval(self._term(Signal(name)), model_completion=True), self._signals[name]
        if spec.is_number:
            return float(value.as_fraction())
        place: int = value.as_long()
        if spec.values is not None:
            return spec.values[place]
        return next((text for text, number in self._texts.items() if number == place), "another text")

    def _model(self, formulas: Iterable[Formula]) -> Any:
        """One state in which all the formulas are true, or None.

        Raises:
            RuntimeError: z3 gives up; the formulas are linear, so it never should.
        """
        self._solver.push()
        try:
            self._solver.add(*formulas)
            answer = self._solver.check()
            if answer == self._z3.unknown:
                raise RuntimeError(f"z3 cannot decide on {formulas}: {self._solver.reason_unknown()}")
            return self._solver.model() if answer == self._z3.sat else None
        finally:
            self._solver.pop()

    def _held(self, held: Held) -> Formula:
        """Implies its part; and a longer wait for the same, or for more, implies a shorter one."""
        part = self.formula(held.term)
        if self._is_steady:
            return part
        for known, _, formula in self._holds:
            if known == held:
                return formula
        z3 = self._z3
        formula = z3.Bool(str(held))
        self._solver.add(z3.Implies(formula, part))
        for other, other_part, other_formula in self._holds:
            if held.for_s >= other.for_s and self.follows(other_part, part):
                self._solver.add(z3.Implies(formula, other_formula))
            if other.for_s >= held.for_s and self.follows(part, other_part):
                self._solver.add(z3.Implies(other_formula, formula))
        self._holds.append((held, part, formula))
        return formula

    def _comparison(self, comparison: Comparison) -> Formula:
        left, right = self._term(comparison.left), comparison.right
        if isinstance(right, Signal | Rate | Integral):
            return _related(comparison.relation, left, self._term(right))
        if isinstance(right, Number):
            return _related(comparison.relation, left, self._real(right.value))
        spec = self._signals[str(comparison.left)]
        return _related(comparison.relation, left, self._place(spec, right))

    def _place(self, spec: SignalSpec, value: Value) -> int:
        """The number that stands for a value or a text."""
        if spec.values is None:
            return self._texts.setdefault(str(value), len(self._texts))
        places = [i for i, item in enumerate(spec.values) if item == value and type(item) is type(value)]
        return places[0] if places else len(spec.values)

    def _term(self, measure: Measure) -> Formula:
        """The variable of a measure, within its range."""
        if measure not in self._terms:
            self._terms[measure] = self._new_term(measure)
        return self._terms[measure]

    def _new_term(self, measure: Measure) -> Formula:
        z3 = self._z3
        if not isinstance(measure, Signal):
            return self._windowed(measure)
        spec = self._signals[measure.name]
        if not spec.is_number:
            term = z3.Int(measure.name)
            self._solver.add(term >= 0, *([term < len(spec.values)] if spec.values is not None else []))
            return term
        term = z3.Real(measure.name)
        self._within(term, spec.lower, spec.upper, 1.0)
        return term

    def _windowed(self, measure: Rate | Integral) -> Formula:
        z3, spec = self._z3, self._signals[measure.signal]
        if self._is_steady:
            return self._real(0.0) if isinstance(measure, Rate) else self._term(Signal(measure.signal)) * measure.over_s
        term = z3.Real(str(measure))
        if spec.lower is not None and spec.upper is not None:
            if isinstance(measure, Integral):
                self._within(term, spec.lower, spec.upper, measure.over_s)
            else:
                self._within(term, spec.lower - spec.upper, spec.upper - spec.lower, 1.0 / measure.over_s)
        return term

    def _within(self, term: Formula, lower: float | None, upper: float | None, factor: float) -> None:
        if lower is not None and upper is not None:
            self._solver.add(term >= self._real(lower * factor), term <= self._real(upper * factor))

    def _real(self, number: float) -> Formula:
        exact = Fraction(repr(number))
        return self._z3.Q(exact.numerator, exact.denominator)

    def _reading(self, model: Any, measure: Measure) -> str:
        """What a measure reads in a state, as a person writes it."""
        value = model.eval(self._term(measure), model_completion=True)
        name = signal_of(measure)
        spec = self._signals[name]
        if spec.is_number:
            suffix = "" if isinstance(measure, Signal) else "/s" if isinstance(measure, Rate) else "*s"
            return f"{float(value.as_fraction()):.6g} {spec.unit}{suffix}".rstrip()
        place: int = value.as_long()
        if spec.values is None:
            return next((repr(text) for text, number in self._texts.items() if number == place), "another text")
        item = spec.values[place]
        return ("true" if item else "false") if isinstance(item, bool) else repr(item)


def _related(relation: Relation, left: Formula, right: Formula) -> Formula:
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
