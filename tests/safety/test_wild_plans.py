"""Plans that hypothesis draws: nested, by many paths, half of their values outside. None of these arrives."""

from __future__ import annotations

import logging

import pytest
from bluesky import RunEngine

from benchmarks.wildplans import wild_world

MESSAGES = 10_000
"""In `make prove` there are a million, see `benchmarks.envelope`."""


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # bluesky's, of plans that a refusal cuts short
def test_no_plan_that_hypothesis_draws_brings_a_value_outside_to_an_instrument() -> None:
    engine = RunEngine(context_managers=[])
    messages = tried = arrived = number = 0
    logging.disable(logging.CRITICAL)
    try:
        while messages < MESSAGES:
            number += 1
            with wild_world(engine) as world:
                world.run_many(number, 60)
                assert world.arrived_outside == []
            messages, tried, arrived = messages + world.messages, tried + world.tried_outside, arrived + world.arrived
    finally:
        logging.disable(logging.NOTSET)
    assert tried > MESSAGES / 10
    assert arrived > MESSAGES / 100
