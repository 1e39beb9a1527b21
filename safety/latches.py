"""Latches, resets and bypasses: a pure machine. Its state is a frozen value, each event gives the next one.

A trip whose cause is present, or unknown, latches and stays until an authorised person resets it after the cause has
cleared. A bypass lets a cause be for a limited time: one person asks for it with a reason and a compensating measure,
another approves. Nothing here asks for the time; it is in seconds since 1970, so that it goes on over a restart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from autolab.core.errors import InputError
from autolab.core.interlocks import RELAY
from autolab.core.principals import Principal

__all__ = [
    "LONGEST_BYPASS_S",
    "MOST_BYPASSES",
    "Act",
    "ApproveBypass",
    "AskBypass",
    "Bypass",
    "EndBypass",
    "Event",
    "LatchMachine",
    "Latched",
    "Latches",
    "Reset",
    "Scanned",
]

LONGEST_BYPASS_S = 8 * 3600.0
"""A bypass ends after one shift, whatever happens."""
MOST_BYPASSES = 2
"""Bypasses that are asked for or in force at a time."""
Act = Literal["reset", "ask", "approve", "end"]
May = Callable[[Principal, Act, str], bool]
"""Whether a principal may do this to the rule of that name."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """The interlocks were evaluated."""

    at_s: float
    causes: tuple[str, ...]
    """Rules whose cause is present or unknown, in the order of the lab file."""


@dataclass(frozen=True, slots=True)
class Reset:
    """A person wants to reset a trip."""

    at_s: float
    rule: str
    by: Principal


@dataclass(frozen=True, slots=True)
class AskBypass:
    """A person asks for a bypass."""

    at_s: float
    rule: str
    by: Principal
    reason: str
    measure: str
    """What is done instead, so that the hazard is still looked after."""
    until_s: float
    """When it ends."""


@dataclass(frozen=True, slots=True)
class ApproveBypass:
    """Another person approves it."""

    at_s: float
    rule: str
    by: Principal


@dataclass(frozen=True, slots=True)
class EndBypass:
    """A person withdraws a request, or ends a bypass early."""

    at_s: float
    rule: str
    by: Principal


Event = Scanned | Reset | AskBypass | ApproveBypass | EndBypass


@dataclass(frozen=True, slots=True)
class Latched:
    """A trip that has acted and was not reset."""

    rule: str
    since_s: float


@dataclass(frozen=True, slots=True)
class Bypass:
    """A bypass that was asked for, and is in force once somebody has approved it.

    Raises:
        InputError: it is about the relay's own trip, gives no reason or measure, lasts too long, or was approved by
            whoever asked for it.
    """

    rule: str
    reason: str
    measure: str
    requester: Principal
    since_s: float
    until_s: float
    approver: Principal | None = None

    def __post_init__(self) -> None:
        if self.rule == RELAY:
            raise InputError("the relay's own trip cannot be bypassed: find out why it dropped, and reset it")
        if not (self.reason.strip() and self.measure.strip()):
            raise InputError(f"a bypass of {self.rule} needs a reason and a compensating measure: give both")
        if not 0.0 < self.until_s - self.since_s <= LONGEST_BYPASS_S:
            hours = (self.until_s - self.since_s) / 3600.0
            raise InputError(f"a bypass of {self.rule} for {hours:g} h: it lasts above 0 and at most 8 h")
        if self.approver == self.requester:
            raise InputError(f"{self.requester.name} asked for the bypass of {self.rule}: another person approves it")


@dataclass(frozen=True, slots=True)
class Latches:
    """The state of all trips."""

    latched: tuple[Latched, ...] = ()
    """In the order in which they acted."""
    first: str | None = None
    """The first cause: the rule that acted first since nothing was latched. It stays until all are reset."""
    bypasses: tuple[Bypass, ...] = ()
    causes: tuple[str, ...] | None = None
    """Rules whose cause was present or unknown in the last scan; None before the first, where all are unknown."""
    at_s: float = -math.inf
    """Time of the last event."""

    def is_latched(self, rule: str) -> bool:
        """Whether the rule has acted and was not reset."""
        return any(latch.rule == rule for latch in self.latched)

    def is_bypassed(self, rule: str) -> bool:
        """Whether a bypass of the rule is in force."""
        return any(item.rule == rule and item.approver is not None for item in self.bypasses)

    def has_cause(self, rule: str) -> bool:
        """Whether the rule's cause is present or unknown."""
        return self.causes is None or rule in self.causes

    @property
    def may_run(self) -> bool:
        """Whether no trip is latched, and none is about to be: the rules were evaluated."""
        return not self.latched and self.causes is not None


class LatchMachine:
    """What an event does to the latches.

    Args:
        rules: Names of the trips, in the order of the lab file; the relay's own belongs to them in any case.
        may: Says who may do what.
    """

    def __init__(self, rules: Sequence[str], may: May) -> None:
        self.rules = (*rules, *([] if RELAY in rules else [RELAY]))
        self._may = may

    def take(self, state: Latches, event: Event) -> Latches:
        """The state after an event.

        Time that goes back ends every bypass: nobody knows how long it would last.

        Raises:
            InputError: a person may not do this, or not now; the state stays as it is.
        """
        now = _with_time(state, event.at_s)
        match event:
            case Scanned():
                return self._scanned(now, event)
            case Reset():
                return self._reset(now, event)
            case AskBypass():
                return self._ask(now, event)
            case ApproveBypass():
                return self._approve(now, event)
            case EndBypass():
                return self._end(now, event)

    def _scanned(self, state: Latches, event: Scanned) -> Latches:
        now = replace(state, causes=tuple(rule for rule in self.rules if rule in event.causes))
        return _with_latches(now)

    def _reset(self, state: Latches, event: Reset) -> Latches:
        self._check(event.by, "reset", event.rule)
        if not state.is_latched(event.rule):
            raise InputError(f"{event.rule} has not tripped, so there is nothing to reset")
        if state.has_cause(event.rule) and not state.is_bypassed(event.rule):
            why = "was not evaluated since the start" if state.causes is None else "is still there, or unknown"
            raise InputError(f"{event.rule} is not reset: its cause {why}; remove the cause, and reset again")
        left = tuple(latch for latch in state.latched if latch.rule != event.rule)
        return replace(state, latched=left, first=state.first if left else None)

    def _ask(self, state: Latches, event: AskBypass) -> Latches:
        self._check(event.by, "ask", event.rule)
        if event.rule not in self.rules:
            raise InputError(
                f"{event.rule} is no interlock of this lab that can be bypassed: there are {', '.join(self.rules)}"
            )
        if any(item.rule == event.rule for item in state.bypasses):
            raise InputError(f"{event.rule} is bypassed, or a bypass was asked for: end that one first")
        if len(state.bypasses) >= MOST_BYPASSES:
            names = ", ".join(item.rule for item in state.bypasses)
            raise InputError(
                f"{MOST_BYPASSES} bypasses are there already ({names}): end one before you ask for another"
            )
        bypass = Bypass(event.rule, event.reason, event.measure, event.by, event.at_s, event.until_s)
        return replace(state, bypasses=(*state.bypasses, bypass))

    def _approve(self, state: Latches, event: ApproveBypass) -> Latches:
        self._check(event.by, "approve", event.rule)
        asked = _bypass_of(state, event.rule)
        if asked.approver is not None:
            raise InputError(f"the bypass of {event.rule} was approved by {asked.approver.name} already")
        approved = tuple(replace(item, approver=event.by) if item is asked else item for item in state.bypasses)
        return replace(state, bypasses=approved)

    def _end(self, state: Latches, event: EndBypass) -> Latches:
        self._check(event.by, "end", event.rule)
        ended = _bypass_of(state, event.rule)
        left = tuple(item for item in state.bypasses if item is not ended)
        return _with_latches(replace(state, bypasses=left))

    def _check(self, by: Principal, act: Act, rule: str) -> None:
        if by.kind != "person":
            raise InputError(f"{by.name} is no person: only a person resets, and asks for, approves and ends a bypass")
        if not self._may(by, act, rule):
            raise InputError(f"{by.name} may not {act} here ({rule}): ask somebody who is authorised")


def _bypass_of(state: Latches, rule: str) -> Bypass:
    for item in state.bypasses:
        if item.rule == rule:
            return item
    raise InputError(f"nobody has asked for a bypass of {rule}, or it has ended: ask for one")


def _with_time(state: Latches, at_s: float) -> Latches:
    """The state at a time: bypasses that are over are gone, and their causes act."""
    left = tuple(item for item in state.bypasses if at_s < item.until_s) if at_s >= state.at_s else ()
    return _with_latches(replace(state, at_s=at_s, bypasses=left))


def _with_latches(state: Latches) -> Latches:
    """The state in which each cause that is not bypassed is latched."""
    acting = [rule for rule in state.causes or () if not state.is_latched(rule) and not state.is_bypassed(rule)]
    if not acting:
        return state
    latched = (*state.latched, *(Latched(rule, state.at_s) for rule in acting))
    return replace(state, latched=latched, first=state.first or acting[0])
