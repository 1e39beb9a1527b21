"""The interlocks of a lab at work: scan by scan they forbid writes, trip, and alarm, and let be what is bypassed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from autolab.core.interlocks import Reading, Rule, SignalSpec, Truth
from autolab.core.principals import Principal
from safety.interpreter import Interpreter, acting
from safety.latches import Act, Bypass, Latches, LatchMachine, Reset, Scanned
from safety.trip import Trip

__all__ = ["Interlocks", "Onset"]


@dataclass(frozen=True, slots=True)
class Onset:
    """A rule has begun to act, or would act and is bypassed."""

    rule: str
    what: Literal["trip", "alarm", "bypassed"]
    cause: str
    """The rule, whether it holds or is unknown, and its hazard, in one sentence."""


def _anybody(by: Principal, act: Act, rule: str) -> bool:  # noqa: ARG001 (the seam of the machine)
    """Who may do what was found out before it comes here."""
    return True


class Interlocks:
    """Evaluates the rules of a lab, and acts on its trip.

    Before the rules have seen as much past as they ask for, permissives forbid and nothing trips; `is_ready` says when
    that is over. Nothing may be commanded before.

    Args:
        rules: The rules.
        signals: What each signal can read.
        trip: The lab's trip; its guards ask the permissives from here on.
        tell: Told of each trip, each alarm and each bypassed rule when it begins to act, in their order.
        date_s: Seconds since 1970, by which bypasses end.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        signals: Mapping[str, SignalSpec],
        trip: Trip,
        tell: Callable[[Onset], object],
        date_s: Callable[[], float],
    ) -> None:
        self._rules, self._interpreter = tuple(rules), Interpreter(rules, signals)
        self._by_name = {rule.name: rule for rule in rules}
        self._permissives = tuple(rule for rule in rules if rule.effect == "permissive")
        self._machine = LatchMachine([rule.name for rule in rules if rule.effect != "alarm"], _anybody)
        self._trip, self._tell, self._date_s = trip, tell, date_s
        self._truths: Mapping[str, Truth] = {}
        self._told: frozenset[str] = frozenset()
        """Alarms that go on, and bypassed rules that would act."""
        self._given: tuple[Bypass, ...] | None = None
        self._permitting: dict[str, tuple[Rule, ...]] = {}
        self._bypassed: frozenset[str] = frozenset()
        self._first_s: float | None = None
        self.latches = Latches()
        """What has tripped since the start, the first cause first, and the bypasses in force."""
        self.is_ready = False
        trip.heed(self.forbids)

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that the rules read."""
        return self._interpreter.signals

    def heed(self, bypasses: Sequence[Bypass]) -> None:
        """Let these bypasses, and no others, be in force from the next scan on, each until it ends. Any thread."""
        self._given = tuple(bypasses)

    @property
    def bypassed(self) -> frozenset[str] | None:
        """Names of the rules whose bypass is in force; None where a scan has yet to take up what was given."""
        return None if self._given is not None else self._bypassed

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
        is_warm = at_s - self._first_s >= self._interpreter.warm_up_s
        causes = acting(self._rules, self._truths, "trip") if is_warm else ()
        self._latch(tuple(rule.name for rule in causes))
        if is_warm:
            self._ring()
            self.is_ready = True
        return self._trip.cause

    def forbids(self, signal: str) -> str | None:
        """Why ``device.signal`` may not be written now, in words; None where it may."""
        rules = self._permitting.get(signal)
        if rules is None:
            rules = self._permitting[signal] = tuple(rule for rule in self._permissives if rule.covers(signal))
        truths, bypassed = self._truths, self._bypassed
        for rule in rules:
            if truths.get(rule.name) is not True and rule.name not in bypassed:
                return self._words(rule)
        return None

    def check_reset(self, rule: str, by: Principal) -> None:
        """Refuse a reset while the cause is there.

        Raises:
            InputError: the rule has not tripped, or its cause is still there, or unknown.
        """
        self._machine.take(self.latches, Reset(self._date_s(), rule, by))

    def _latch(self, causes: tuple[str, ...]) -> None:
        """Latch what acts and is not bypassed, and tell it."""
        given = self._given
        before = self.latches if given is None else replace(self.latches, bypasses=given)
        self.latches = self._machine.take(before, Scanned(self._date_s(), causes))
        self._bypassed = frozenset(item.rule for item in self.latches.bypasses if item.approver is not None)
        if self._given is given:  # what was given meanwhile is for the next scan
            self._given = None
        for latch in self.latches.latched[len(before.latched) :]:
            cause = self._words(self._by_name[latch.rule])
            self._trip.trip(cause)  # first of all: what is told may have to wait for the disk
            self._tell(Onset(latch.rule, "trip", cause))

    def _ring(self) -> None:
        """Tell each alarm, and each bypassed rule that would act, when it has begun; one that goes on is told once."""
        begun = [rule for rule in self._rules if rule.effect == "alarm" or rule.name in self._bypassed]
        begun = [rule for rule in begun if rule.acts(self._truths.get(rule.name))]
        for rule in begun:
            if rule.name not in self._told:
                what = "alarm" if rule.effect == "alarm" else "bypassed"
                self._tell(Onset(rule.name, what, self._words(rule)))
        self._told = frozenset(rule.name for rule in begun)

    def _words(self, rule: Rule) -> str:
        truth = self._truths.get(rule.name)
        state = "is unknown" if truth is None else "does not hold" if rule.effect == "permissive" else "holds"
        return f"interlock {rule.name}: {rule.when} {state} ({rule.why})"
