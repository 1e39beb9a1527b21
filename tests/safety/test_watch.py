"""The watchdog wants power only while it watches a controller whose beats are fresh, and nothing is latched."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.watch import Patience, RefusedError, Watch

PATIENCE = Patience()
STEP_S = 0.02
PID = 4711


def beating(latch: str | None = None) -> tuple[Watch, float]:
    """A watch that wants power, and has it, and the time by then."""
    watch, now_s = Watch(PATIENCE, latch, 0.0), 1.0
    watch.relay_says("STATE off", now_s)
    watch.arm(PID, now_s)
    for number in range(1, PATIENCE.beats + 1):
        now_s += STEP_S
        watch.beat(PID, number, now_s, now_s)
        watch.tick(now_s)
    assert watch.wants_power
    watch.relay_says("PET on", now_s)
    watch.take_events()
    return watch, now_s


def causes(watch: Watch) -> list[tuple[str, str]]:
    return [(event.what, event.cause) for event in watch.take_events()]


ACTS: dict[str, Callable[[Watch, int, float], None]] = {
    "arm": lambda watch, n, now_s: watch.arm(PID + n % 2, now_s),
    "beat": lambda watch, n, now_s: watch.beat(PID + n % 2, n, now_s - 0.01 * (n % 5), now_s),
    "release": lambda watch, n, now_s: watch.release(PID + n % 2),
    "died": lambda watch, n, now_s: watch.died(PID + n % 2),
    "trip": lambda watch, n, now_s: watch.trip("smoke", "somebody"),
    "stop": lambda watch, n, now_s: watch.press("somebody", now_s),
    "reset": lambda watch, n, now_s: watch.reset("somebody", "seen to", now_s),
    "relay on": lambda watch, n, now_s: watch.relay_says("PET on", now_s),
    "relay off": lambda watch, n, now_s: watch.relay_says("STATE off", now_s),
    "relay latched": lambda watch, n, now_s: watch.relay_says("PET latched dead-man", now_s),
    "relay reset": lambda watch, n, now_s: watch.relay_says("RESET off", now_s),
    "relay gone": lambda watch, n, now_s: watch.relay_gone(),
    "nothing": lambda watch, n, now_s: None,
}
STEPS = st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 60), st.floats(0.0, 0.4)), max_size=80)


@given(STEPS)
def test_power_is_wanted_only_for_a_watched_controller_with_fresh_beats_and_no_latch(
    steps: list[tuple[str, int, float]],
) -> None:
    watch, now_s, scan_s = Watch(PATIENCE, None, 0.0), 0.0, float("-inf")
    watch.relay_says("STATE off", 0.0)
    for act, number, wait_s in steps:
        now_s += wait_s
        latch = watch.latch
        if act == "beat":
            scan_s = max(scan_s, now_s - 0.01 * (number % 5))
        try:
            ACTS[act](watch, number, now_s)
        except RefusedError:
            assert (watch.latch, act in ("arm", "reset")) == (latch, True)
        watch.tick(now_s)
        assert act == "reset" or watch.latch == latch or latch is None, "only a reset ends a latch"
        if watch.wants_power:
            assert watch.latch is None
            assert watch.pid is not None
            assert now_s - scan_s <= PATIENCE.beat_s


def test_beats_that_are_missing_are_a_trip() -> None:
    watch, now_s = beating()
    watch.tick(now_s + 0.99 * PATIENCE.beat_s)
    assert watch.wants_power
    watch.tick(now_s + 1.01 * PATIENCE.beat_s)
    assert not watch.wants_power
    assert "hangs" in str(watch.latch)


def test_a_controller_that_waits_for_a_processor_has_a_little_longer() -> None:
    watch, now_s = beating()
    watch.tick(now_s + PATIENCE.beat_s + 0.2, 0.21)
    assert watch.wants_power
    watch.tick(now_s + PATIENCE.beat_s + PATIENCE.starved_s + 0.01, 9.0)
    assert "hangs" in str(watch.latch)


def test_a_controller_that_waits_for_something_else_has_not() -> None:
    watch, now_s = beating()
    watch.tick(now_s + PATIENCE.beat_s + 0.2, 0.1)
    assert "hangs" in str(watch.latch)


@pytest.mark.parametrize(
    ("pid", "number", "age_s"),
    [(PID, 3, 0.0), (PID, 2, 0.0), (PID + 1, 9, 0.0), (PID, 9, 0.2), (PID, 9, -1.0)],
    ids=["repeated", "old number", "another process", "old scan", "scan in the future"],
)
def test_a_beat_that_is_not_good_counts_as_none(pid: int, number: int, age_s: float) -> None:
    watch, now_s = beating()
    for step in range(1, 9):
        watch.beat(pid, number, now_s + step * STEP_S - age_s, now_s + step * STEP_S)
        watch.tick(now_s + step * STEP_S)
        number += pid != PID or age_s != 0.0
    assert not watch.wants_power


def test_a_beat_whose_scan_stands_still_counts_as_none() -> None:
    watch, now_s = beating()
    for step in range(1, 9):
        watch.beat(PID, 10 + step, now_s, now_s + step * STEP_S)
        watch.tick(now_s + step * STEP_S)
    assert "hangs" in str(watch.latch)


def test_death_is_a_trip_that_lets_go_of_the_controller() -> None:
    watch, _ = beating()
    watch.died(PID)
    assert watch.pid is None
    assert causes(watch) == [("trip", f"the controller of process {PID} has died")]


def test_death_before_the_first_beat_is_said_and_nothing_was_ever_on() -> None:
    watch = Watch(PATIENCE, None, 0.0)
    watch.relay_says("STATE off", 1.0)
    watch.arm(PID, 1.0)
    watch.died(PID)
    assert not watch.wants_power
    assert watch.latch is None
    assert causes(watch)[-1] == ("never energised", f"the controller of process {PID} has died")


def test_a_controller_that_never_beats_is_given_up() -> None:
    watch = Watch(PATIENCE, None, 0.0)
    watch.relay_says("STATE off", 1.0)
    watch.arm(PID, 1.0)
    watch.tick(1.0 + PATIENCE.start_s)
    assert watch.pid == PID
    watch.tick(1.1 + PATIENCE.start_s)
    assert watch.pid is None
    assert causes(watch)[-1][0] == "never energised"


def test_a_release_ends_the_power_without_a_latch() -> None:
    watch, _ = beating()
    watch.release(PID)
    assert (watch.wants_power, watch.latch, watch.pid) == (False, None, None)


def test_the_first_cause_stays() -> None:
    watch, now_s = beating()
    watch.press("alice", now_s)
    watch.died(PID)
    assert watch.latch == "emergency stop by alice"


def test_a_relay_that_dropped_by_itself_is_a_latch_here_too() -> None:
    watch, now_s = beating()
    watch.relay_says("PET latched dead-man: nobody asked", now_s)
    assert watch.latch == "the relay: dead-man: nobody asked"


def test_a_silent_relay_is_a_trip() -> None:
    watch, now_s = beating()
    for number in range(4, 40):
        now_s += STEP_S
        watch.beat(PID, number, now_s, now_s)
        watch.tick(now_s)
    assert watch.latch == "the relay does not answer"


def test_a_latched_watchdog_watches_nobody() -> None:
    with pytest.raises(RefusedError, match="latched off: smoke"):
        Watch(PATIENCE, "smoke", 0.0).arm(PID, 1.0)


def test_nobody_is_watched_before_the_relay_has_answered() -> None:
    with pytest.raises(RefusedError, match="relay does not answer"):
        Watch(PATIENCE, None, 0.0).arm(PID, 1.0)


def test_a_second_controller_is_refused() -> None:
    watch, now_s = beating()
    with pytest.raises(RefusedError, match=f"process {PID}"):
        watch.arm(PID + 1, now_s)


def test_a_reset_is_refused_while_the_cause_is_there() -> None:
    watch, now_s = beating()
    with pytest.raises(RefusedError, match="nothing is latched"):
        watch.reset("alice", "seen to", now_s)
    watch.press("bob", now_s)
    with pytest.raises(RefusedError, match="is still there"):
        watch.reset("alice", "seen to", now_s)
    watch.died(PID)
    with pytest.raises(RefusedError, match="still pressed"):
        watch.reset("alice", "seen to", now_s + PATIENCE.button_s)
    now_s += PATIENCE.button_s + PATIENCE.relay_s
    with pytest.raises(RefusedError, match="relay does not answer"):
        watch.reset("alice", "seen to", now_s)
    watch.relay_says("STATE latched emergency stop by bob", now_s)
    with pytest.raises(RefusedError, match="a name and a reason"):
        watch.reset("alice", " ", now_s)
    watch.reset("alice", "the bottle is back", now_s)
    assert causes(watch)[-1] == ("reset", "the bottle is back (it was: emergency stop by bob)")
    watch.relay_says("STATE latched emergency stop by bob", now_s)  # on its way before the relay heard of it
    watch.relay_says("RESET off", now_s)
    assert watch.latch is None


def test_a_button_that_is_held_down_is_one_trip() -> None:
    watch, now_s = beating()
    for step in range(50):
        watch.press("the door", now_s + 0.1 * step)
    assert causes(watch) == [("trip", "emergency stop by the door")]


def test_a_controller_that_says_its_trip_with_each_beat_says_one_trip() -> None:
    watch = armed()
    for _ in range(50):
        watch.trip("smoke", "controller")
    for _ in range(50):
        watch.trip("fire", "controller")
    assert (watch.latch, causes(watch)) == ("smoke", [("trip", "smoke"), ("trip", "fire")])


def test_the_same_trip_after_a_reset_is_another_one() -> None:
    watch = armed()
    watch.trip("smoke", "controller")
    watch.release(PID)
    watch.relay_says("STATE latched smoke", 1.0)
    watch.reset("alice", "aired", 1.0)
    watch.trip("smoke", "controller")
    assert [what for what, _ in causes(watch)] == ["trip", "released", "reset", "trip"]


# how long it waits: every number of seconds here is exact in binary

EXACT = Patience(beat_s=0.125, late_s=0.0625, starved_s=0.5, start_s=10.0, relay_s=0.5, button_s=1.0, beats=3)


def armed(at_s: float = 1.0) -> Watch:
    watch = Watch(EXACT, None, 0.0)
    watch.relay_says("STATE off", at_s)
    watch.arm(PID, at_s)
    watch.take_events()
    return watch


def powered(at_s: float = 1.0) -> Watch:
    """One that wants power, has it, and heard its last beat, of a scan just then, at that time."""
    watch = armed(at_s - 0.125)
    for number in range(3):
        then_s = at_s - 0.0625 + 0.03125 * number
        watch.beat(PID, 1 + number, then_s, then_s)
    watch.relay_says("PET on", at_s)
    watch.take_events()
    assert watch.wants_power
    assert watch.has_power
    return watch


def keep_beating(watch: Watch, from_s: float, for_s: float) -> float:
    """Beat, and let the relay answer, eight times a second; the time by then."""
    for number in range(1, int(for_s * 16) + 1):
        from_s += 0.0625
        watch.beat(PID, 100 + number, from_s, from_s)
        watch.relay_says("PET on", from_s)
        watch.tick(from_s)
    return from_s


def test_it_waits_as_long_as_its_documentation_says() -> None:
    """120 ms for a beat, and half a second more where the processor is busy: people stand beside what it switches."""
    assert Patience() == Patience(0.12, 0.05, 0.5, 10.0, 0.5, 1.0, 3)


def test_at_first_nothing_is_known_and_nothing_happens_while_nobody_is_watched() -> None:
    watch = Watch(EXACT, None, 0.0)
    assert watch.state() == {"power": "off", "latch": None, "watched": None}
    assert not watch.knows_relay
    for now_s in (0.0, 1.0, 100.0):
        watch.tick(now_s)
        assert not watch.is_late(now_s)
        assert watch.deadline_s is None
    assert causes(watch) == []
    watch.relay_says("STATE off", 100.0)
    assert watch.knows_relay


def test_what_it_is_asked_it_says() -> None:
    watch = powered()
    assert watch.state() == {"power": "on", "latch": None, "watched": PID}
    watch.trip("smoke", "somebody")
    watch.relay_says("TRIP off", 1.0)
    assert watch.state() == {"power": "off", "latch": "smoke", "watched": PID}


def test_what_happens_from_watching_to_release_is_kept_once_each() -> None:
    watch = Watch(EXACT, None, 0.0)
    watch.relay_says("STATE off", 1.0)
    watch.arm(PID, 1.0)
    end_s = keep_beating(watch, 1.0, 2.0)
    watch.release(PID + 1)
    watch.release(PID)
    watch.relay_says("OFF off", end_s)
    watch.tick(end_s + 100.0)
    assert causes(watch) == [
        ("watching", f"the controller of process {PID}"),
        ("energised", f"for the controller of process {PID}"),
        ("released", f"the controller of process {PID} has ended its work"),
    ]


def test_power_is_wanted_from_the_third_good_beat_on() -> None:
    watch = armed()
    for number, wanted in ((1, False), (2, False), (3, True)):
        watch.beat(PID, number, 1.0 + 0.03125 * number, 1.0 + 0.03125 * number)
        assert watch.wants_power == wanted


def test_beats_before_a_silence_do_not_count() -> None:
    watch = armed()
    for number in (1, 2):
        watch.beat(PID, number, 1.0, 1.0 + 0.03125 * number)
    watch.tick(1.125)
    watch.tick(1.25)
    for number in (3, 4):
        watch.beat(PID, number, 1.25 + 0.03125 * number, 1.25 + 0.03125 * number)
        assert not watch.wants_power
    watch.beat(PID, 5, 1.4375, 1.4375)
    assert watch.wants_power


def test_a_beat_that_comes_just_in_time_goes_on_counting() -> None:
    watch = armed()
    for number in (1, 2):
        watch.beat(PID, number, 1.0 + 0.03125 * number, 1.0 + 0.03125 * number)
    watch.tick(1.1875)
    watch.beat(PID, 3, 1.1875, 1.1875)
    assert watch.wants_power


def test_beats_of_a_loop_that_scanned_too_long_ago_give_no_power() -> None:
    watch = armed()
    for number in range(1, 9):
        watch.beat(PID, number, 1.0 + 0.0625 * number, 1.1875 + 0.0625 * number)
    assert not watch.wants_power
    for number in range(9, 12):
        watch.beat(PID, number, 1.0 + 0.0625 * number, 1.125 + 0.0625 * number)
    assert watch.wants_power, "just within the limit"


def test_one_scan_that_is_said_again_and_again_is_one_good_beat() -> None:
    watch = armed()
    for number in range(1, 9):
        watch.beat(PID, number, 1.0, 1.0)
    assert not watch.wants_power


def test_the_next_beat_is_due_so_long_after_the_last_scan() -> None:
    watch = powered(1.0)
    assert watch.deadline_s == 1.125
    watch.tick(1.125)
    assert watch.wants_power
    watch.tick(1.1875, 0.25)
    assert watch.deadline_s == 1.375
    watch.tick(1.25, 9.0)
    assert watch.deadline_s == 1.625
    watch.tick(1.40625)
    assert watch.deadline_s is None, "it no longer waits for a processor, and hangs"
    assert watch.latch == f"the controller of process {PID} hangs: no beat for 406 ms"


def test_it_is_late_before_it_hangs_and_only_where_power_is_wanted() -> None:
    watch = powered(1.0)
    assert not watch.is_late(1.0625)
    assert watch.is_late(1.09375)
    watch.release(PID)
    assert not watch.is_late(1.09375)


def test_a_campaign_goes_on_for_as_long_as_it_beats() -> None:
    watch = powered()
    keep_beating(watch, 1.0, 3 * EXACT.start_s)
    assert watch.wants_power
    assert causes(watch) == []


def test_a_relay_may_be_silent_for_half_a_second() -> None:
    watch = armed(1.0)
    watch.arm(PID, 1.5)
    with pytest.raises(RefusedError, match="relay does not answer"):
        watch.arm(PID, 1.5625)
    watch = powered(1.0)
    for step in range(1, 9):
        watch.beat(PID, 10 + step, 1.0 + 0.0625 * step, 1.0 + 0.0625 * step)
        watch.tick(1.0 + 0.0625 * step)
    assert watch.wants_power
    watch.beat(PID, 20, 1.5625, 1.5625)
    watch.tick(1.5625)
    assert watch.latch == "the relay does not answer"
    watch.died(PID)
    watch.relay_says("STATE latched", 9.0)
    watch.reset("alice", "seen to", 9.5)


def test_a_relay_that_has_gone_takes_the_power_and_that_is_a_trip_where_some_was_wanted() -> None:
    watch = powered()
    watch.relay_gone()
    assert (watch.has_power, watch.latch) == (False, "the relay has gone")
    idle = Watch(EXACT, None, 0.0)
    idle.relay_says("STATE off", 1.0)
    idle.relay_gone()
    assert (idle.latch, causes(idle)) == (None, [])


def test_a_relay_that_says_twice_why_it_dropped_is_one_trip() -> None:
    watch = powered()
    for _ in range(2):
        watch.relay_says("STATE latched dead-man", 1.0)
    assert causes(watch) == [("trip", "the relay: dead-man")]


def test_after_the_relay_has_reset_a_latch_of_its_own_counts_again() -> None:
    watch = powered()
    watch.trip("smoke", "somebody")
    watch.died(PID)
    watch.relay_says("STATE latched smoke", 2.0)
    watch.reset("alice", "seen to", 2.0)
    watch.relay_says("RESET off", 2.0)
    watch.relay_says("STATE latched dead-man", 2.5)
    assert watch.latch == "the relay: dead-man"


def test_a_controller_that_dies_between_its_beats_and_the_power_is_a_trip() -> None:
    watch = armed()
    for number in (1, 2, 3):
        watch.beat(PID, number, 1.0 + 0.03125 * number, 1.0 + 0.03125 * number)
    assert not watch.has_power
    watch.died(PID)
    assert watch.latch == f"the controller of process {PID} has died"


def test_a_controller_that_dies_while_the_power_of_the_last_one_is_still_on_is_a_trip() -> None:
    watch = powered()
    watch.release(PID)
    watch.arm(PID, 1.0)
    watch.died(PID)
    assert watch.latch == f"the controller of process {PID} has died"


def test_a_controller_that_was_watched_before_counts_for_nothing_in_the_next() -> None:
    watch = powered()
    watch.release(PID)
    assert not watch.wants_power
    watch.arm(PID + 1, 1.0)
    assert not watch.wants_power


def test_what_dies_under_a_latch_says_nothing_new() -> None:
    watch = armed()
    watch.trip("smoke", "somebody")
    watch.take_events()
    watch.died(PID)
    assert (watch.latch, causes(watch)) == ("smoke", [])


def test_an_emergency_stop_is_kept_also_where_something_else_has_tripped_before() -> None:
    watch = armed()
    watch.trip("smoke", "somebody")
    watch.press("the door", 1.0)
    assert watch.latch == "smoke"
    assert causes(watch) == [("trip", "smoke"), ("trip", "emergency stop by the door")]


def test_a_button_counts_as_released_a_second_after_its_last_word() -> None:
    watch = armed()
    watch.press("the door", 1.0)
    watch.press("the door", 2.0)
    assert len(causes(watch)) == 1
    watch.press("the door", 3.0625)
    assert len(causes(watch)) == 1, "pressed again"


def test_a_reset_needs_a_name_and_a_reason() -> None:
    watch = Watch(EXACT, "smoke", 0.0)
    watch.relay_says("STATE latched smoke", 1.0)
    for by, because in ((" ", "seen to"), ("alice", ""), ("", "")):
        with pytest.raises(RefusedError, match="a name and a reason"):
            watch.reset(by, because, 1.0)
    watch.reset("alice", "seen to", 1.0)
