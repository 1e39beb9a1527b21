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
