"""What the RunEngine's pauses do to a dispense: what docs/explanation/pausing.md says, executed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from bluesky import Msg, RunEngine
from bluesky.suspenders import SuspendFloor
from bluesky.utils import RunEngineInterrupted
from ophyd import Signal
from ophyd.status import StatusBase

from plans.conventions import act


class Pump:
    """Keeps what it was asked to pour; its first pour takes until the test ends it, where the test says so."""

    name, parent = "pump", None

    def __init__(self, is_slow: bool = False) -> None:
        self.poured: list[float] = []
        self._is_slow = is_slow

    def set(self, amount: float) -> StatusBase:
        self.poured.append(amount)
        status = StatusBase()
        if not self._is_slow or len(self.poured) > 1:
            status.set_finished()
        return status


def plainly(pump: Pump) -> Iterator[Msg]:
    """As Bluesky's own stubs write it."""
    yield from bps.checkpoint()
    yield from bps.mv(pump, 30.0)


def as_an_action(pump: Pump) -> Iterator[Msg]:
    """As our plans write it."""
    yield from bps.checkpoint()
    yield from act(pump, 30.0)


@pytest.fixture
def engine() -> RunEngine:
    return RunEngine(context_managers=[])


def _paused_after(n: int, plan: Iterator[Msg]) -> Iterator[Msg]:
    """The plan, with a pause after its first n messages."""
    seen = 0

    def process(msg: Msg) -> tuple[None, Iterator[Msg] | None]:
        nonlocal seen
        seen += 1
        return None, bps.pause() if seen == n else None

    yield from bpp.plan_mutator(plan, process)


def _run_through(engine: RunEngine, plan: Iterator[Msg]) -> None:
    """Run a plan that is paused on its way, and resume it as a person does, where that can be done."""
    with pytest.raises(RunEngineInterrupted):
        engine(plan)
    if engine.state == "paused":
        engine.resume()
    assert engine.state == "idle"


@pytest.mark.parametrize(("after", "poured"), [(1, [30.0]), (2, [30.0, 30.0]), (3, [30.0, 30.0])])
def test_bluesky_repeats_a_dispense_that_it_was_paused_after(engine: RunEngine, after: int, poured: list[float]):
    pump = Pump()
    _run_through(engine, _paused_after(after, plainly(pump)))
    assert pump.poured == poured


@pytest.mark.parametrize("after", range(1, 6))
def test_an_action_is_never_repeated_after_which_message_ever_it_was_paused(engine: RunEngine, after: int):
    pump = Pump()
    _run_through(engine, _paused_after(after, as_an_action(pump)))
    assert pump.poured == ([] if after == 2 else [30.0])  # 2: paused where it has no checkpoint, before it pours


@pytest.mark.parametrize(("make", "poured"), [(plainly, [30.0, 30.0]), (as_an_action, [30.0])])
def test_a_pause_in_the_middle_of_a_dispense_repeats_it_in_bluesky_and_ends_an_action(
    engine: RunEngine, make: Callable[[Pump], Iterator[Msg]], poured: list[float]
):
    pump = Pump(is_slow=True)

    def from_another_thread(msg: Msg) -> None:
        if msg.command == "wait" and len(pump.poured) == 1:
            threading.Thread(target=engine.request_pause).start()

    engine.msg_hook = from_another_thread
    _run_through(engine, make(pump))
    assert pump.poured == poured


@pytest.mark.parametrize(("make", "poured"), [(plainly, [30.0, 30.0]), (as_an_action, [30.0])])
def test_a_suspender_repeats_a_dispense_of_bluesky_and_ends_a_plan_of_actions(
    engine: RunEngine, make: Callable[[Pump], Iterator[Msg]], poured: list[float]
):
    """A suspender pauses and resumes by itself: nobody is asked."""
    pump, beam, is_back = Pump(), Signal(name="beam", value=10.0), asyncio.Event()

    def beam_comes_back() -> Iterator[Msg]:
        beam.put(10.0)
        is_back.set()
        yield from bps.null()

    def beam_falls(msg: Msg) -> None:
        if msg.command == "wait_for" and not is_back.is_set():
            beam.put(1.0)

    def plan() -> Iterator[Msg]:
        yield from make(pump)
        yield from bps.wait_for([is_back.wait])

    engine.install_suspender(SuspendFloor(beam, 5.0, pre_plan=beam_comes_back))
    engine.msg_hook = beam_falls
    with pytest.raises(RunEngineInterrupted) if make is as_an_action else nullcontext():
        engine(plan())
    assert (pump.poured, engine.state) == (poured, "idle")


def test_clean_up_runs_when_a_pause_ends_an_action(engine: RunEngine):
    pump = Pump()
    cleaned: list[Any] = []

    def clean() -> Iterator[Msg]:
        cleaned.append("washed")
        yield from bps.null()

    _run_through(engine, bpp.finalize_wrapper(_paused_after(3, as_an_action(pump)), clean))
    assert (pump.poured, cleaned) == ([30.0], ["washed"])
