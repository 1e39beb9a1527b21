"""The relay gives power only to whoever asks for it again and again, and never again by itself once it has dropped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from safety.relay import PETS, Relay

DEAD_MAN_S = 0.1
MESSAGES = st.one_of(
    st.integers(0, 40).map(lambda number: f"PET {number}"),
    st.sampled_from(["OFF", "TRIP", "TRIP smoke", "RESET", "STATE", "", "PET", "PET x", "ON", "PET ٣"]),
    st.text(max_size=12),
)
STEPS = st.lists(st.tuples(MESSAGES, st.floats(0.0, 0.3)), max_size=60)


def petted(relay: Relay, count: int, start_s: float = 0.0, first: int = 1) -> Relay:
    for number in range(count):
        relay.heed(f"PET {first + number}", start_s + 0.02 * number)
        relay.tick(start_s + 0.02 * number)
    return relay


@given(STEPS)
def test_there_is_power_only_after_pets_in_a_row_and_within_the_dead_man(steps: list[tuple[str, float]]) -> None:
    relay, now_s, pets, heard_s = Relay(DEAD_MAN_S, None), 0.0, 0, float("-inf")
    for message, wait_s in steps:
        now_s += wait_s
        before = relay.is_on
        relay.heed(message, now_s)
        is_pet = message.startswith("PET ") and message[4:].isdecimal()
        if is_pet:
            pets, heard_s = pets + 1, now_s
        elif message == "OFF" or message.startswith("TRIP"):
            pets = 0
        relay.tick(now_s)
        assert not relay.is_on or now_s - heard_s <= DEAD_MAN_S
        assert not relay.is_on or relay.latch is None
        assert before or not relay.is_on or (is_pet and pets >= PETS)


@given(STEPS)
def test_a_latch_ends_with_a_reset_only_and_keeps_its_first_cause(steps: list[tuple[str, float]]) -> None:
    relay, now_s = Relay(DEAD_MAN_S, "first"), 0.0
    for message, wait_s in steps:
        if message == "RESET":
            continue
        now_s += wait_s
        relay.heed(message, now_s)
        relay.tick(now_s)
        assert (relay.is_on, relay.latch) == (False, "first")
    relay.heed("RESET", now_s)
    assert (relay.is_on, relay.latch) == (False, None)


def test_power_goes_on_with_the_third_pet_and_off_with_the_first_that_is_missing() -> None:
    relay = petted(Relay(DEAD_MAN_S, None), PETS - 1)
    assert not relay.is_on
    assert petted(relay, 1, 0.04, first=PETS).is_on
    relay.tick(0.04 + DEAD_MAN_S)
    assert relay.is_on
    relay.tick(0.05 + DEAD_MAN_S)
    assert not relay.is_on
    assert "dead-man" in str(relay.latch)


@given(st.floats(0.0, 1.0), st.integers(1, 9))
@example(0.01, 9)
def test_time_in_which_nobody_ran_is_lent_once_and_no_longer_than_the_dead_man(late_s: float, times: int) -> None:
    relay = petted(Relay(DEAD_MAN_S, None), PETS)
    for _ in range(times):
        relay.overslept(late_s)
    relay.tick(0.04 + 1.99 * DEAD_MAN_S)
    assert relay.is_on == (late_s > 0.01 and times * (late_s + 0.04) >= 0.99 * DEAD_MAN_S)
    relay.tick(0.05 + 2 * DEAD_MAN_S)
    assert not relay.is_on


def test_a_pet_that_comes_twice_counts_once() -> None:
    relay = Relay(DEAD_MAN_S, None)
    for step in range(10):
        relay.heed("PET 7", 0.01 * step)
    assert not relay.is_on


def test_old_pets_do_not_hold_the_power() -> None:
    relay = petted(Relay(DEAD_MAN_S, None), 5)
    for step in range(20):
        relay.heed("PET 2", 0.1 + 0.01 * step)
        relay.tick(0.1 + 0.01 * step)
    assert not relay.is_on


def test_off_takes_the_power_without_a_latch() -> None:
    relay = petted(Relay(DEAD_MAN_S, None), 5)
    relay.heed("OFF", 0.1)
    assert (relay.is_on, relay.latch) == (False, None)


def test_three_pets_in_a_row_give_power_wherever_their_count_begins() -> None:
    for first in (0, 1, 7, 10**9):
        relay = petted(Relay(DEAD_MAN_S, None), 2, first=first)
        assert not relay.is_on
        assert petted(relay, 1, 0.04, first=first + 2).is_on


def test_a_watchdog_that_counts_anew_is_heard_once_the_dead_man_is_over() -> None:
    relay = petted(Relay(0.5, None), 2, first=40)
    relay.heed("PET 1", 0.5)
    assert petted(relay, 2, 1.25, first=1).is_on is False
    assert petted(relay, 1, 1.5, first=3).is_on, "the pets of before do not count, and neither do their numbers"


def test_a_pet_at_the_very_end_of_the_dead_man_is_in_time() -> None:
    relay = Relay(0.5, None)
    for number in range(3):
        relay.heed(f"PET {number}", 0.5 * number)
    assert (relay.is_on, relay.deadline_s) == (True, 1.5)
    relay.tick(1.5)
    assert relay.is_on
    relay.tick(1.625)
    assert relay.state == "latched dead-man: nobody has asked for power for 500 ms"
    late = Relay(0.5, None)
    for number in range(9):
        late.heed(f"PET {number}", 0.625 * number)
        assert not late.is_on


@pytest.mark.parametrize("messages", [["OFF"], ["RESET"], ["TRIP smoke", "RESET"]])
def test_after_off_trip_and_reset_it_takes_three_pets_again(messages: list[str]) -> None:
    relay = petted(Relay(DEAD_MAN_S, None), 2)
    for message in messages:
        relay.heed(message, 0.04)
    assert not petted(relay, 2, 0.05, first=11).is_on
    assert petted(relay, 1, 0.09, first=13).is_on


def test_while_it_is_latched_pets_are_counted_for_nothing() -> None:
    relay = petted(Relay(DEAD_MAN_S, "smoke"), 5)
    relay.heed("RESET", 0.09)
    assert not petted(relay, 2, 0.1, first=6).is_on


def test_time_that_was_lent_ends_with_the_next_pet() -> None:
    relay = Relay(0.5, None)
    for number in range(3):
        relay.heed(f"PET {number}", 0.0)
    relay.overslept(0.21)
    assert relay.deadline_s == pytest.approx(0.75)
    relay.overslept(9.0)
    assert relay.deadline_s == 1.0
    relay.heed("PET 9", 1.0)
    assert relay.deadline_s == 1.5


def test_an_old_pet_that_comes_late_does_not_hold_the_power_in_lent_time() -> None:
    relay = petted(Relay(DEAD_MAN_S, None), 3)
    relay.overslept(9.0)
    relay.heed("PET 3", 0.04 + 1.5 * DEAD_MAN_S)
    relay.tick(0.05 + 2 * DEAD_MAN_S)
    assert not relay.is_on


def test_a_number_alone_makes_no_pet() -> None:
    relay = Relay(DEAD_MAN_S, None)
    for number in range(9):
        relay.heed(f"STATE {number}", 0.01 * number)
    assert not relay.is_on
    relay.heed("TRIP 7", 0.1)
    assert relay.latch == "7"


def test_it_says_on_off_or_latched_and_why() -> None:
    relay = Relay(DEAD_MAN_S, None)
    assert (relay.state, relay.deadline_s) == ("off", None)
    assert petted(relay, 3).state == "on"
    relay.heed("TRIP smoke in the hood", 0.05)
    assert (relay.state, relay.deadline_s) == ("latched smoke in the hood", None)
    relay.heed("RESET", 0.05)
    relay.heed("TRIP", 0.05)
    assert relay.state == "latched no cause was given"


def test_it_needs_the_standard_library_and_nothing_else(repository: Path, tmp_path: Path) -> None:
    """Isolated, without site packages: nothing of this project can be imported."""
    command = [sys.executable, "-I", "-S", "safety/relay.py", str(tmp_path), str(tmp_path / "relay"), "0.1"]
    done = subprocess.run(command, cwd=repository, input=b"", capture_output=True, timeout=60, check=True)
    assert done.stdout == b"ready\n"
    text = (repository / "safety/relay.py").read_text(encoding="utf-8")
    assert not [line for line in text.splitlines() if "import" in line and ("autolab" in line or "safety" in line)]
