"""Plans that nobody would write: hypothesis draws them, they run on devices in memory, and what arrives is judged.

A plan is a list of steps, some of them nested in the wrappers that plans use. Each step tries to write a value to
something by one of several paths; about half of the values are outside the envelope. A refused step does not end the
plan, so that what comes after a refusal is tried as well.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bluesky import Msg, RunEngine
from bluesky import plan_stubs as bps
from bluesky import preprocessors as bpp
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import tests.epics_env  # noqa: F401 (fixes the Channel Access ports before anything imports ophyd)
from tests.safety import action_rows, epics_rows, foreign_rows
from tests.safety.benches import Bench, Subject
from tests.safety.bypass_paths import Carrier
from tests.safety.wiretaps import Arrival, outside

__all__ = ["World", "wild_world"]

ROWS = (
    epics_rows.stage,
    epics_rows.careless_stage,
    epics_rows.spectrometer,
    action_rows.dispenser,
    action_rows.arm,
    action_rows.instrument,
    action_rows.hotplate,
    foreign_rows.synthetic_axis,
    foreign_rows.positioner,
)
WAITS = ("stage_sigs",)
"""Direct calls that wait, which nothing may do in the loop of the RunEngine."""

Plan = Generator[Msg, Any, Any]
VALUES = st.one_of(
    st.tuples(st.just("bad"), st.integers(0, 20)),
    st.tuples(st.just("good"), st.integers(0, 1)),
    st.tuples(st.just("any"), st.floats() | st.floats(-10, 300) | st.integers() | st.text(max_size=8)),
)
STEPS = st.tuples(st.integers(0, 100), st.integers(0, 100), VALUES)
PLANS = st.lists(
    STEPS | st.tuples(st.sampled_from(["finalize", "preprocessor", "stage", "run"]), st.lists(STEPS, max_size=5)),
    min_size=10,
    max_size=40,
)


@dataclass
class World:
    """Every device in memory, under one RunEngine, and the counts of what was tried."""

    engine: RunEngine
    benches: tuple[Bench, ...]
    messages: int = 0
    steps: int = 0
    tried_outside: int = 0
    arrived: int = 0
    arrived_outside: list[Arrival] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._targets = [(bench, subject) for bench in self.benches for subject in bench.subjects]
        self.engine.msg_hook = self._count
        self.engine.waiting_hook = self._wait
        self.engine.register_command("call", self._call)

    def run_many(self, number: int, plans: int) -> None:
        """Draw and run so many plans; the same number gives the same ones."""

        @seed(number)
        @settings(
            max_examples=plans,
            database=None,
            deadline=None,
            derandomize=False,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(PLANS)
        def run_each(plan: list[Any]) -> None:
            self.run(plan)

        run_each()

    def run(self, steps: list[Any]) -> None:
        """Run one plan, and look at what arrived."""
        self.engine(self._sequence(steps))
        for bench in self.benches:
            bench.finish()
            arrivals = bench.arrived()
            self.arrived += len(arrivals)
            self.arrived_outside += outside(bench.limits, arrivals)

    def _sequence(self, steps: list[Any]) -> Plan:
        yield Msg("null")
        for step in steps:
            try:
                yield from self._nested(step) if len(step) == 2 else self._step(*step)
            except Exception:  # noqa: BLE001 (refused in whatever way; the next step is tried all the same)
                continue

    def _nested(self, step: tuple[str, list[Any]]) -> Plan:
        wrapper, steps = step
        if wrapper == "finalize":
            return bpp.finalize_wrapper(self._failing(), self._sequence(steps))
        if wrapper == "preprocessor":
            left = [steps]
            return bpp.plan_mutator(_nothing(), lambda _: (self._sequence(left.pop()), None) if left else (None, None))
        if wrapper == "stage":
            carrier = Carrier(name="carrier")
            carrier.act = lambda: [self._write(*self._resolved(inner[0], inner[2])) for inner in steps]
            return bpp.stage_wrapper(_nothing(), [carrier])
        return bpp.run_wrapper(self._sequence(steps))

    def _failing(self) -> Plan:
        yield Msg("null")
        raise RuntimeError("the plan fails")

    def _step(self, target: int, path: int, drawn: tuple[str, Any]) -> Plan:
        bench, subject, value = self._resolved(target, drawn)
        self.steps += 1
        self.tried_outside += bool(outside(bench.limits, [(subject.name, value)]))
        ways = [way for name, way in (subject.ways | subject.sealed).items() if name not in WAITS]
        paths: list[Callable[[], Plan]] = [
            lambda: self._set(subject, value),
            lambda: bps.mv(subject.thing, subject.wrap(value)),
            *(lambda verb=verb: self._carried(verb, bench, subject, value) for verb in ("trigger", "unstage", "stop")),
            *(lambda way=way: iter([Msg("call", None, lambda: bench.use(way, value))]) for way in ways),
        ]
        return paths[path % len(paths)]()

    def _resolved(self, target: int, drawn: tuple[str, Any]) -> tuple[Bench, Subject, Any]:
        bench, subject = self._targets[target % len(self._targets)]
        kind, value = drawn
        if kind == "any":
            return bench, subject, value
        values = list(subject.bad.values()) if kind == "bad" or not subject.good else subject.good
        return bench, subject, values[value % len(values)]

    def _set(self, subject: Subject, value: Any) -> Plan:
        yield Msg("set", subject.thing, subject.wrap(value), group="g")
        yield Msg("wait", group="g")

    def _carried(self, verb: str, bench: Bench, subject: Subject, value: Any) -> Plan:
        carrier = Carrier(name="carrier")
        carrier.act = lambda: self._write(bench, subject, value)
        yield Msg(verb, carrier)

    def _write(self, bench: Bench, subject: Subject, value: Any) -> None:
        bench.write(subject, value)

    async def _call(self, message: Msg) -> None:
        message.args[0]()

    def _count(self, _: Msg) -> None:
        self.messages += 1

    def _wait(self, statuses: Any) -> None:
        clocks = {bench.clock for bench in self.benches if bench.clock is not None}
        for clock in clocks:
            clock.run_until(lambda: all(status.done for status in statuses or ()))


def _nothing() -> Plan:
    yield Msg("null")


@contextmanager
def wild_world(engine: RunEngine) -> Iterator[World]:
    """New devices under an engine. Instruments keep every operation that they did, so a world should not grow old."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield World(engine, tuple(stack.enter_context(row(engine, folder)) for row in ROWS))
        engine.unregister_command("call")
        engine.msg_hook = engine.waiting_hook = None
