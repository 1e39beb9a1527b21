"""Each second of a trial counts once: for the devices, the proposer, the screen, the commits, or the loop itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autolab.campaign.stopwatch import Stopwatch

seconds = st.floats(0.0, 100.0)


@given(st.lists(st.tuples(st.sampled_from(["device", "proposer", "screen", "commit", "loop"]), seconds)))
def test_what_a_trial_took_is_the_sum_of_its_parts(parts: list[tuple[str, float]]):
    world: Any = SimpleNamespace(now=0.0, real=lambda: world.now, commit_seconds=0.0)
    stopwatch, device_s = Stopwatch(world, world), 0.0
    for what, took_s in parts:
        since = world.now
        world.now += took_s
        match what:
            case "device":
                device_s += took_s
            case "commit":
                world.commit_seconds += took_s
            case "proposer":
                stopwatch.waited_for_proposer(since)
            case "screen":
                stopwatch.waited_for_screen(since)
            case _:
                pass
    timings = stopwatch.lap(device_s)
    expected = sum(took_s for what, took_s in parts if what == "loop")
    assert abs(timings.overhead_s - expected) < 1e-9 * max(1.0, world.now)
    assert abs(timings.screen_s - sum(took_s for what, took_s in parts if what == "screen")) < 1e-9 * max(
        1.0, world.now
    )
    world.now += 1.0
    assert abs(stopwatch.lap(0.0).overhead_s - 1.0) < 1e-9 * world.now
