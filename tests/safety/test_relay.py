"""The relay gives power only to whoever asks for it again and again, and never again by itself once it has dropped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hypothesis import given
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


def test_it_needs_the_standard_library_and_nothing_else(repository: Path, tmp_path: Path) -> None:
    """Isolated, without site packages: nothing of this project can be imported."""
    command = [sys.executable, "-I", "-S", "safety/relay.py", str(tmp_path), str(tmp_path / "relay"), "0.1"]
    done = subprocess.run(command, cwd=repository, input=b"", capture_output=True, timeout=60, check=True)
    assert done.stdout == b"ready\n"
    text = (repository / "safety/relay.py").read_text(encoding="utf-8")
    assert not [line for line in text.splitlines() if "import" in line and ("autolab" in line or "safety" in line)]
