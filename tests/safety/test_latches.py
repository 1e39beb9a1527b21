"""Trips stay until a person resets them, bypasses end, and every state that can be reached keeps the promises."""

from __future__ import annotations

import itertools
import json
import math
from collections import deque
from dataclasses import replace

import pytest

import safety.latches
from autolab.core.errors import InputError, SafetyError
from autolab.core.interlocks import RELAY
from autolab.core.principals import Principal
from safety.latches import (
    LONGEST_BYPASS_S,
    Act,
    ApproveBypass,
    AskBypass,
    Bypass,
    EndBypass,
    Event,
    Latched,
    Latches,
    LatchMachine,
    Reset,
    Scanned,
)
from safety.latchrecord import from_plain, to_plain

ANN, BOB, EVE = (Principal(name, "person") for name in ("ann", "bob", "eve"))
BOT = Principal("bot", "agent")
HOUR = 3600.0


def _may(by: Principal, act: Act, rule: str) -> bool:
    return by.name != "eve"


MACHINE = LatchMachine(["hot", "far", "full"], _may)


def _after(*events: Event, machine: LatchMachine = MACHINE, state: Latches | None = None) -> Latches:
    state = state or Latches()
    for event in events:
        state = machine.take(state, event)
    return state


def _asked(rule: str = "hot", at_s: float = 0.0, hours: float = 1.0, by: Principal = ANN) -> AskBypass:
    return AskBypass(at_s, rule, by, "sensor is being replaced", "a person watches the bath", at_s + hours * HOUR)


def _names(state: Latches) -> list[str]:
    return [latch.rule for latch in state.latched]


# Latch and reset


def test_a_trip_stays_when_its_cause_has_gone() -> None:
    state = _after(Scanned(0.0, ("hot",)), Scanned(1.0, ()))
    assert state.latched == (Latched("hot", 0.0),)
    assert not state.may_run


def test_a_lab_runs_only_after_a_scan_without_a_trip() -> None:
    assert not Latches().may_run
    assert _after(Scanned(0.0, ())).may_run
    assert not _after(Scanned(0.0, ("far",))).may_run


def test_causes_latch_in_the_order_of_the_file_and_the_first_is_kept() -> None:
    state = _after(Scanned(0.0, ("full", "far")), Scanned(1.0, ("hot",)))
    assert (_names(state), state.first) == (["far", "full", "hot"], "far")
    state = _after(Scanned(2.0, ()), Reset(3.0, "far", ANN), state=state)
    assert (_names(state), state.first) == (["full", "hot"], "far")
    state = _after(Reset(3.0, "full", ANN), Reset(3.0, "hot", BOB), state=state)
    assert (state.latched, state.first, state.may_run) == ((), None, True)
    assert _after(Scanned(4.0, ("hot",)), state=state).first == "hot"


def test_a_cause_that_is_no_rule_is_not_latched() -> None:
    assert _after(Scanned(0.0, ("other",))).may_run


def test_the_relays_own_trip_is_always_there_and_once() -> None:
    assert LatchMachine(["hot"], _may).rules == ("hot", RELAY)
    assert LatchMachine([RELAY, "hot"], _may).rules == (RELAY, "hot")
    assert _names(_after(Scanned(0.0, (RELAY,)))) == [RELAY]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([Scanned(0.0, ("hot",)), Reset(1.0, "hot", ANN)], "hot is not reset: its cause is still there, or unknown"),
        ([Scanned(0.0, ()), Reset(1.0, "hot", ANN)], "hot has not tripped, so there is nothing to reset"),
        ([Scanned(0.0, ("hot",)), Scanned(1.0, ()), Reset(1.0, "hot", EVE)], "eve may not reset here"),
        ([Scanned(0.0, ("hot",)), Scanned(1.0, ()), Reset(1.0, "hot", BOT)], "bot is no person"),
        ([_asked(by=EVE)], "eve may not ask here"),
        ([_asked(by=BOT)], "bot is no person"),
        ([_asked(RELAY)], "the relay's own trip cannot be bypassed"),
        ([_asked("other")], "other is no interlock of this lab that can be bypassed: there are hot, far, full, relay"),
        ([replace(_asked(), reason=" ")], "a bypass of hot needs a reason and a compensating measure"),
        ([replace(_asked(), measure="")], "a bypass of hot needs a reason and a compensating measure"),
        ([_asked(hours=0.0)], "a bypass of hot for 0 h: it lasts above 0 and at most 8 h"),
        ([_asked(hours=8.001)], "a bypass of hot for 8.001 h"),
        ([_asked(hours=math.nan)], "a bypass of hot for nan h"),
        ([_asked(), _asked(by=BOB)], "hot is bypassed, or a bypass was asked for"),
        ([_asked(), _asked("far"), _asked("full")], "2 bypasses are there already (hot, far)"),
        ([_asked(), ApproveBypass(1.0, "hot", ANN)], "ann asked for the bypass of hot: another person approves it"),
        ([_asked(), ApproveBypass(1.0, "hot", EVE)], "eve may not approve here"),
        ([_asked(), ApproveBypass(1.0, "hot", BOT)], "bot is no person"),
        ([ApproveBypass(1.0, "hot", BOB)], "nobody has asked for a bypass of hot, or it has ended"),
        ([_asked(), ApproveBypass(HOUR, "hot", BOB)], "nobody has asked for a bypass of hot, or it has ended"),
        ([_asked(), *[ApproveBypass(1.0, "hot", BOB)] * 2], "the bypass of hot was approved by bob already"),
        ([EndBypass(1.0, "hot", BOB)], "nobody has asked for a bypass of hot"),
        ([_asked(), EndBypass(1.0, "hot", EVE)], "eve may not end here"),
    ],
    ids=lambda value: value[:50] if isinstance(value, str) else "",
)
def test_what_may_not_be_is_refused_with_its_reason(events: list[Event], message: str) -> None:
    state = _after(*events[:-1])
    with pytest.raises(InputError) as caught:
        MACHINE.take(state, events[-1])
    assert str(caught.value).startswith(message)


# Bypass

BYPASSED = _after(Scanned(0.0, ()), _asked(), ApproveBypass(1.0, "hot", BOB))


def test_a_bypass_lets_its_own_cause_be_and_no_other() -> None:
    state = _after(Scanned(2.0, ("hot", "far")), state=BYPASSED)
    assert _names(state) == ["far"]
    assert state.has_cause("hot")


def test_a_request_lets_nothing_be_until_it_is_approved() -> None:
    assert _names(_after(_asked(), Scanned(1.0, ("hot",)))) == ["hot"]


@pytest.mark.parametrize(("at_s", "latched"), [(HOUR - 0.001, []), (HOUR, ["hot"])])
def test_a_bypass_ends_in_time_and_the_cause_trips(at_s: float, latched: list[str]) -> None:
    state = _after(Scanned(2.0, ("hot",)), Scanned(at_s, ("hot",)), state=BYPASSED)
    assert _names(state) == latched
    assert len(state.bypasses) == 1 - len(latched)


def test_an_approval_is_of_one_bypass() -> None:
    state = _after(_asked(), _asked("far"), ApproveBypass(1.0, "far", BOB))
    assert [state.is_bypassed(rule) for rule in ("hot", "far")] == [False, True]


def test_any_event_ends_a_bypass_that_is_over() -> None:
    state = _after(Scanned(2.0, ("hot",)), _asked("far", HOUR), state=BYPASSED)
    assert (_names(state), [item.rule for item in state.bypasses]) == (["hot"], ["far"])
    assert state.latched[0].since_s == HOUR


def test_a_bypass_lasts_a_shift_at_most() -> None:
    assert _after(_asked(hours=8.0)).bypasses[0].until_s == LONGEST_BYPASS_S == 8 * HOUR
    assert _after(_asked(hours=0.5 / HOUR)).bypasses[0].until_s == 0.5


def test_time_that_goes_back_ends_every_bypass() -> None:
    state = _after(Scanned(2.0, ("hot",)), _asked("far", 2.0), state=BYPASSED)
    assert len(_after(Scanned(2.0, ("hot",)), state=state).bypasses) == 2
    state = _after(Scanned(1.0, ("hot",)), state=state)
    assert (_names(state), state.bypasses) == (["hot"], ())


def test_ending_a_bypass_trips_its_cause_at_once() -> None:
    assert _names(_after(Scanned(2.0, ("hot",)), EndBypass(3.0, "hot", ANN), state=BYPASSED)) == ["hot"]
    assert _after(_asked("far", 2.0), EndBypass(3.0, "hot", ANN), state=BYPASSED).bypasses[0].rule == "far"


def test_a_bypassed_trip_is_reset_although_its_cause_is_there() -> None:
    state = _after(Scanned(0.0, ("hot",)), _asked(), ApproveBypass(1.0, "hot", BOB))
    assert _names(state) == ["hot"]
    assert _after(Reset(2.0, "hot", ANN), Scanned(3.0, ("hot",)), state=state).may_run


# Restart


def test_a_restart_clears_nothing_and_knows_no_cause() -> None:
    state = _after(Scanned(2.0, ("hot", "far")), _asked("far", 3.0), state=BYPASSED)
    again = from_plain(json.loads(json.dumps(to_plain(state))))
    assert again == replace(state, causes=None)
    assert not again.may_run
    with pytest.raises(InputError, match="its cause was not evaluated since the start"):
        MACHINE.take(again, Reset(4.0, "far", ANN))
    assert from_plain(to_plain(Latches())) == Latches()


def test_a_trip_outlives_its_rule_until_it_is_reset() -> None:
    state = replace(_after(Scanned(0.0, ("hot",))), causes=None)
    without = LatchMachine(["far"], _may)
    with pytest.raises(InputError, match="its cause was not evaluated since the start"):
        without.take(state, Reset(1.0, "hot", ANN))
    state = _after(Scanned(1.0, ("far", "hot")), machine=without, state=state)
    assert _names(state) == ["hot", "far"]
    assert _names(_after(Reset(2.0, "hot", ANN), machine=without, state=state)) == ["far"]


GOOD = to_plain(_after(Scanned(2.0, ("far",)), state=BYPASSED))
BYPASS = GOOD["bypasses"][0]


@pytest.mark.parametrize(
    "plain",
    [
        None,
        [],
        {},
        {**GOOD, "latched": None},
        {**GOOD, "latched": [{"rule": 5, "since_s": 0.0}]},
        {**GOOD, "latched": [{"rule": "far", "since_s": math.nan}]},
        {**GOOD, "latched": [{"rule": "far", "since_s": True}]},
        {**GOOD, "latched": [{"rule": "far", "since_s": "0"}]},
        {**GOOD, "latched": []},
        {**GOOD, "first": None},
        {**GOOD, "first": 5},
        {**GOOD, "at_s": math.inf},
        {**GOOD, "bypasses": [{**BYPASS, "approver": BYPASS["requester"]}]},
        {**GOOD, "bypasses": [{**BYPASS, "rule": RELAY}]},
        {**GOOD, "bypasses": [{**BYPASS, "until_s": 9 * HOUR}]},
        {**GOOD, "bypasses": [{**BYPASS, "requester": {"name": "ann", "kind": "ghost"}}]},
    ],
    ids=range(16),
)
def test_a_record_that_is_none_is_refused(plain: object) -> None:
    with pytest.raises(SafetyError, match="keep the lab in its safe state"):
        from_plain(plain)


# Every state that can be reached

TICK = 4 * HOUR
SMALL = LatchMachine(["a", "b"], _may)


def _events(at_s: float) -> list[Event]:
    """Everything that can happen, at once, a tick later, or after time has gone back."""
    subsets = [causes for n in range(4) for causes in itertools.combinations(SMALL.rules, n)]
    found: list[Event] = [Scanned(at_s + dt, causes) for dt in (0.0, TICK) for causes in subsets]
    found.append(Scanned(at_s - 1.0, SMALL.rules))
    for rule, by in itertools.product(SMALL.rules, (ANN, BOB, EVE)):
        found += [Reset(at_s, rule, by), ApproveBypass(at_s, rule, by), EndBypass(at_s, rule, by)]
        found += [AskBypass(at_s, rule, by, "reason", "measure", at_s + n * TICK) for n in (1, 2)]
    return found


def _based(state: Latches) -> Latches:
    """The state with its time at zero: only differences of time matter, so that few states stand for all."""
    bypasses = (
        replace(
            item,
            since_s=max(item.since_s - state.at_s, item.until_s - state.at_s - LONGEST_BYPASS_S),
            until_s=item.until_s - state.at_s,
        )
        for item in state.bypasses
    )
    return replace(state, latched=tuple(Latched(n, 0.0) for n in _names(state)), bypasses=tuple(bypasses), at_s=0.0)


def _check_step(before: Latches, event: Event, after: Latches) -> None:
    """The promises, each without the machine's own words."""
    lost = set(_names(before)) - set(_names(after))
    in_force = {item.rule for item in after.bypasses if item.approver is not None}
    if lost:
        assert isinstance(event, Reset)
        assert lost == {event.rule}
        assert event.by in {ANN, BOB}
        assert before.causes is not None
        assert event.rule not in before.causes or event.rule in in_force
    assert set(after.causes or ()) - in_force <= set(_names(after)), "a cause is there, and nothing is latched"
    assert RELAY not in {item.rule for item in after.bypasses}
    assert len(after.bypasses) <= 1
    for item in after.bypasses:
        assert after.at_s < item.until_s <= item.since_s + LONGEST_BYPASS_S
        assert {item.requester, item.approver} <= {ANN, BOB, None}
        assert item.requester != item.approver
        if item not in before.bypasses:
            assert isinstance(event, ApproveBypass if item.approver else AskBypass)
            assert event.by == (item.approver or item.requester)
    kept = [name for name in _names(before) if name not in lost]
    assert _names(after)[: len(kept)] == kept
    assert (after.first is None) == (not after.latched)
    if before.latched and after.latched:
        assert after.first == before.first
    elif after.latched:
        assert after.first == after.latched[0].rule


def _check_way_out(state: Latches) -> None:
    """A restart loses nothing; and a cause that has gone and an authorised person are enough to run again, always."""
    assert from_plain(json.loads(json.dumps(to_plain(state)))) == replace(state, causes=None)
    clear = _after(Scanned(1.0, ()), *(Reset(1.0, name, ANN) for name in _names(state)), machine=SMALL, state=state)
    assert clear.may_run


def test_every_state_that_can_be_reached_keeps_the_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety.latches, "MOST_BYPASSES", 1)
    start = replace(Latches(), at_s=0.0)
    seen, waiting, n_steps, n_refused = {start}, deque([start]), 0, 0
    events = _events(0.0)
    while waiting:
        state = waiting.popleft()
        _check_way_out(state)
        for event in events:
            try:
                after = SMALL.take(state, event)
            except InputError:
                n_refused += 1
                continue
            n_steps += 1
            _check_step(state, event, after)
            based = _based(after)
            if based not in seen:
                seen.add(based)
                waiting.append(based)
    assert len(seen) > 500
    assert n_steps > 20_000
    assert n_refused > n_steps / 2


def test_the_bypass_of_a_value_is_checked_where_it_is_built() -> None:
    with pytest.raises(InputError, match="another person approves it"):
        Bypass("hot", "reason", "measure", ANN, 0.0, HOUR, ANN)
