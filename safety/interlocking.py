"""The interlocks of a lab at work: scan by scan they forbid writes, trip, and alarm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from autolab.core.interlocks import Reading, Rule, SignalSpec, Truth
from safety.interpreter import Interpreter, acting, forbidding
from safety.trip import Trip

__all__ = ["Interlocks"]


class Interlocks:
    """Evaluates the rules of a lab, and acts on its trip.

    Before the rules have seen as much past as they ask for, permissives forbid and nothing trips; `is_ready` says when
    that is over. Nothing may be commanded before.

    Args:
        rules: The rules.
        signals: What each signal can read.
        trip: The lab's trip; its guards ask the permissives from here on.
        alarm: Told when an alarm begins, in one sentence.
    """

    def __init__(
        self, rules: Sequence[Rule], signals: Mapping[str, SignalSpec], trip: Trip, alarm: Callable[[str], object]
    ) -> None:
        self._rules, self._interpreter = tuple(rules), Interpreter(rules, signals)
        self._trip, self._alarm = trip, alarm
        self._truths: Mapping[str, Truth] = {}
        self._alarms: frozenset[str] = frozenset()
        self._first_s: float | None = None
        self.is_ready = False
        trip.heed(self.forbids)

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that the rules read."""
        return self._interpreter.signals

    def scan(self, at_s: float, readings: Mapping[str, Reading]) -> str | None:
        """Evaluate all rules once.

        Args:
            at_s: Lab time, which goes on from scan to scan.
            readings: Reading by ``device.signal``; one that is missing is unknown.

        Returns:
            Why the lab has tripped; None where it has not.

        Raises:
            SafetyError: time does not go on.
        """
        self._truths = self._interpreter.scan(at_s, readings)
        self._first_s = at_s if self._first_s is None else self._first_s
        if at_s - self._first_s >= self._interpreter.warm_up_s:
            for rule in acting(self._rules, self._truths, "trip"):
                self._trip.trip(self._words(rule))
            self._ring()
            self.is_ready = True
        return self._trip.cause

    def forbids(self, signal: str) -> str | None:
        """Why ``device.signal`` may not be written now, in words; None where it may."""
        rules = forbidding(self._rules, self._truths, signal)
        return self._words(rules[0]) if rules else None

    def _ring(self) -> None:
        """Tell each alarm that has begun; one that goes on is told once."""
        rules = acting(self._rules, self._truths, "alarm")
        for rule in rules:
            if rule.name not in self._alarms:
                self._alarm(self._words(rule))
        self._alarms = frozenset(rule.name for rule in rules)

    def _words(self, rule: Rule) -> str:
        truth = self._truths.get(rule.name)
        state = "is unknown" if truth is None else "does not hold" if rule.effect == "permissive" else "holds"
        return f"interlock {rule.name}: {rule.when} {state} ({rule.why})"
