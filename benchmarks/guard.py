"""What the guard's check of a write costs while 50 interlocks are heeded: ``python -m benchmarks.guard``."""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from autolab.core.envelope import RangeLimit
from autolab.core.interlocks import Reading, Rule, SignalSpec
from autolab.core.ruletext import parse_condition
from safety.guard import Guard
from safety.interlocking import Interlocks
from safety.trip import Trip

N_RULES, N_SIGNALS, N_WRITES = 50, 20, 50_000
MOST_US = 25.0
"""Longest median of a check in microseconds."""
SIGNALS = [f"device{i}.value" for i in range(N_SIGNALS)]


def guarded() -> tuple[Guard, Guard]:
    """A guard without interlocks, and one whose every write 50 permissives are asked about; all of them hold."""
    limit = RangeLimit("heater.power", 0.0, 100.0, "W")
    trip = Trip()
    rules = [
        Rule(f"rule-{i}", parse_condition(f"{SIGNALS[i % N_SIGNALS]} < 80 K"), "permissive", ("heater",))
        for i in range(N_RULES)
    ]
    specs = {name: SignalSpec(name, "K", 0.0, 100.0) for name in SIGNALS}
    interlocks = Interlocks(rules, specs, trip, lambda _: None, lambda: 0.0)
    interlocks.scan(1.0, {name: Reading(20.0, is_good=True, age_s=0.1) for name in SIGNALS})
    return Guard("heater", {"power": limit}, trip=Trip()), Guard("heater", {"power": limit}, trip=trip)


def checks_us(guard: Guard, n: int = N_WRITES) -> list[float]:
    """Time of each check in microseconds, ascending."""
    found: list[float] = []
    for i in range(n):
        value = float(i % 100)
        start = time.perf_counter_ns()
        guard.check("power", value)
        found.append((time.perf_counter_ns() - start) / 1000.0)
    return sorted(found)


def page(date: str, rows: dict[str, list[float]]) -> str:
    """The page of the figures."""
    lines = [
        "# Proof: what the guard costs at each write",
        "",
        f"Measured on {date} with `python -m benchmarks.guard`: {N_WRITES} writes that the envelope allows, each",
        f"asked of a guard whose lab has {N_RULES} interlocks over {N_SIGNALS} signals, all of them permissives of",
        "that write, and all of them holding: the longest way through. The scan evaluates them, the write does not.",
        f"At most {MOST_US:g} µs in the median is allowed.",
        "",
        "| guard | median (µs) | 99th percentile (µs) |",
        "|---|---|---|",
        *(f"| {name} | {statistics.median(row):.1f} | {row[int(0.99 * len(row))]:.1f} |" for name, row in rows.items()),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the page, or write it; exit code 1 where the median is too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--date", default="today")
    options = parser.parse_args()
    bare, full = guarded()
    rows = {"no interlocks": checks_us(bare), f"{N_RULES} permissives": checks_us(full)}
    text = page(options.date, rows)
    print(text)
    if options.page is not None:
        options.page.write_text(text, encoding="utf-8")
    if statistics.median(rows[f"{N_RULES} permissives"]) > MOST_US:
        raise SystemExit(f"the median is above {MOST_US:g} µs")


if __name__ == "__main__":
    main()
