"""What a scan of the interlocks costs: ``python -m benchmarks.interlocks``; 50 rules over 20 signals."""

from __future__ import annotations

import statistics
import time

from autolab.core.interlocks import Reading, Rule, SignalSpec
from autolab.core.ruletext import parse_condition
from safety.interpreter import Interpreter

N_SCANS = 20_000
SIGNALS = [f"device{i}.value" for i in range(20)]


def rules() -> list[Rule]:
    """Fifty rules as a lab has them: thresholds, pairs, votes, and one in five with a past."""
    texts: list[str] = []
    for i in range(50):
        one, two, three = (SIGNALS[(i + k) % 20] for k in range(3))
        texts.append(
            (
                f"{one} > 80 K",
                f"{one} > 60 K and {two} < 10 K",
                f"2oo3({one} > 80 K, {two} > 80 K, {three} > 80 K)",
                f"({one} > 70 K or not {two} < 50 K) and {three} > 5 K",
                (f"{one} > 80 K for 2 s", f"rate({one} over 30 s) > 2 K/s", f"integral({one} over 60 s) > 4e3 K*s")[
                    i // 5 % 3
                ],
            )[i % 5]
        )
    return [Rule(f"rule-{i}", parse_condition(text), "trip") for i, text in enumerate(texts)]


def scans_us() -> list[float]:
    """Time of each scan in microseconds; ten scans a second."""
    interpreter = Interpreter(rules(), {name: SignalSpec(name, "K", 0.0, 100.0) for name in SIGNALS})
    found: list[float] = []
    for n in range(N_SCANS):
        readings = {name: Reading(20.0 + (n + i) % 7, True, 0.1) for i, name in enumerate(SIGNALS)}
        start = time.perf_counter_ns()
        interpreter.scan(n / 10.0, readings)
        found.append((time.perf_counter_ns() - start) / 1000.0)
    return sorted(found)


def main() -> None:
    """Print the median and the 99th percentile."""
    found = scans_us()
    print(f"{len(rules())} rules over {len(SIGNALS)} signals, {N_SCANS} scans")
    print(f"median {statistics.median(found):.1f} µs, 99th percentile {found[int(0.99 * N_SCANS)]:.1f} µs")


if __name__ == "__main__":
    main()
