"""What the guard promises, measured: ``python -m benchmarks.envelope [--page FILE --date DATE]``.

A million messages of plans that hypothesis draws, on devices in memory; what arrives at the instruments is judged. And
the cost of a check. It goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import statistics
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bluesky import RunEngine

from benchmarks.wildplans import ROWS, wild_world

PLANS = 100
"""Plans in a chunk, which is what an interruption loses."""


@dataclass(frozen=True)
class Chunk:
    """What some plans did."""

    number: int
    messages: int
    steps: int
    tried_outside: int
    arrived: int
    arrived_outside: list[Any]


@dataclass(frozen=True)
class Cost:
    """Medians in microseconds."""

    check_range: float
    check_step: float
    check_pattern: float
    refused: float
    guarded_write: float
    bare_write: float


@cache
def _engine() -> RunEngine:
    logging.disable(logging.CRITICAL)  # each refusal is an error of the plan, and would be logged
    warnings.simplefilter("ignore")
    return RunEngine(context_managers=[])


def run_chunk(number: int) -> Chunk:
    """Draw and run the plans of one chunk; the number is their seed."""
    with wild_world(_engine()) as world:
        world.run_many(number, PLANS)
    outside = [list(arrival) for arrival in world.arrived_outside]
    return Chunk(number, world.messages, world.steps, world.tried_outside, world.arrived, outside)


def run_all(out: Path, messages: int, workers: int) -> list[Chunk]:
    """Run chunks until there are so many messages, and keep each in a file; those that are there are not run again."""
    out.mkdir(parents=True, exist_ok=True)
    kept = out / "chunks.jsonl"
    chunks = [Chunk(**json.loads(line)) for line in kept.read_text().splitlines()] if kept.exists() else []
    numbers = (number for number in count(1) if number not in {chunk.number for chunk in chunks})
    with (
        kept.open("a", encoding="utf-8") as lines,
        ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=20) as pool,
    ):
        while sum(chunk.messages for chunk in chunks) < messages:
            for chunk in pool.map(run_chunk, [next(numbers) for _ in range(4 * workers)]):
                chunks.append(chunk)
                lines.write(json.dumps(asdict(chunk)) + "\n")
                lines.flush()
            print(f"{sum(chunk.messages for chunk in chunks)} messages", flush=True)
    return chunks


def median_us(call: Callable[[], Any], times: int = 20_000) -> float:
    """Median of many calls, in microseconds, with what it costs to look at the watch (some 0.1)."""
    taken = list[float]()
    for _ in range(times):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return 1e6 * statistics.median(taken)


def cost() -> Cost:
    """What a check costs, and a write to a core in memory with and without it."""
    from ophyd import EpicsSignal

    from autolab.core.addresses import MemoryAddress
    from autolab.core.clock import VirtualClock
    from autolab.core.envelope import AllowedValues, RangeLimit
    from autolab.core.errors import EnvelopeError
    from devices.memory import MemoryLayer
    from devices.motion import EpicsStage
    from safety.guard import Guard
    from simulators.base import MemoryStore, Settings
    from simulators.motion import StageCore
    from tests.safety.epics_rows import PATTERN

    guard = Guard(
        "stage",
        {
            "position": RangeLimit("stage.position", 0.0, 300.0, "mm", max_step=300.0),
            "velocity": RangeLimit("stage.velocity", 1.0, 100.0, "mm/s"),
            "operation": AllowedValues("stage.operation", (), pattern=PATTERN),
        },
    )

    def refused() -> None:
        try:
            guard.check("velocity", 999.0)
        except EnvelopeError:
            return

    clock = VirtualClock()
    core = StageCore(Settings("stage", clock, MemoryStore(), seed=1))
    stage = EpicsStage(name="stage", at=MemoryAddress(core, prefix="M:"), clock=clock, guard=guard)
    stage.connect(1.0)
    bare = EpicsSignal("M:VELOCITY_RBV", "M:VELOCITY", name="bare", cl=MemoryLayer(core, clock, "M:"))
    bare.wait_for_connection(timeout=1.0)
    return Cost(
        median_us(lambda: guard.check("velocity", 50.0)),
        median_us(lambda: guard.check("position", 50.0, lambda: 40.0)),
        median_us(lambda: guard.check("operation", "k1.t1.r1.measure.a1")),
        median_us(refused),
        median_us(lambda: stage.velocity.put(50.0), 5_000),
        median_us(lambda: bare.put(50.0), 5_000),
    )


def page(chunks: list[Chunk], found: Cost, date: str) -> Iterator[str]:
    messages, outside = sum(chunk.messages for chunk in chunks), sum(len(chunk.arrived_outside) for chunk in chunks)
    rows = ", ".join(row.__name__.replace("_", " ") for row in ROWS)
    yield "# Proof: nothing leaves the envelope\n"
    yield prose(
        f"""Measured {date} with Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}, by
        `python -m benchmarks.envelope`, on a busy machine (load average {os.getloadavg()[0]:.1f})."""
    )
    yield "## Plans that nobody would write\n"
    yield prose(
        f"""{PLANS * len(chunks)} plans, drawn by hypothesis, on devices in memory ({rows}). Each step tries to write a
        value by a message, a verb of another device, or a direct call down to the process variable, the line or the
        message; steps are nested in the wrappers of plans, and a refused step does not end its plan. What the
        instruments received is judged by a rule that is written anew for it."""
    )
    yield f"- messages: {messages}"
    yield f"- attempts to write: {sum(chunk.steps for chunk in chunks)}"
    yield f"- of them with a value outside: {sum(chunk.tried_outside for chunk in chunks)}"
    yield f"- writes that arrived: {sum(chunk.arrived for chunk in chunks)}"
    yield f"- of them outside: {outside}\n"
    yield prose(
        """What this does not show: real wires, and classes of others on them. The bypass matrix in
        `tests/safety/test_bypass_matrix.py` does, with fewer values. Code that replaces the guard itself, or opens a
        socket of its own, is no path through a device."""
    )
    yield "## What a check costs\n"
    yield "Medians in microseconds, without rules. The promise: at most 25 per write with 50 rules.\n"
    yield "| what | median, µs |"
    yield "|---|---|"
    yield f"| a check against limits | {found.check_range:.1f} |"
    yield f"| against limits and a largest step | {found.check_step:.1f} |"
    yield f"| of a text against a pattern | {found.check_pattern:.1f} |"
    yield f"| that refuses | {found.refused:.1f} |"
    yield f"| a guarded `put` to an instrument in memory, checked three times on its way | {found.guarded_write:.1f} |"
    yield f"| the same `put` of a bare ophyd signal | {found.bare_write:.1f} |"


def prose(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=Path("autolab-data/proofs/envelope"))
    parser.add_argument("--page", type=Path)
    parser.add_argument("--date", default="undated")
    arguments = parser.parse_args()
    found = cost()
    chunks = run_all(arguments.out, arguments.messages, arguments.workers)
    text = "\n".join(page(chunks, found, arguments.date)).rstrip() + "\n"
    print(text)
    if arguments.page is not None:
        arguments.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
