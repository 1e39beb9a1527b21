"""The page of `benchmarks.watchdog`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["FALSE_TRIP", "page"]

FALSE_TRIP = "false trip"
"""A trial in which the power did not come, or went, before anything was wrong. It is counted, and made again."""

BARS: Mapping[tuple[str, str], tuple[str, float]] = {
    ("quiet", "controller killed"): ("p95", 10.0),
    ("under load", "controller killed"): ("p95", 40.0),
    ("quiet", "controller hung"): ("max", 150.0),
    ("quiet", "watchdog killed"): ("max", 150.0),
}
"""What was promised, in milliseconds."""
_HEAD = """\
# How fast the power goes

From the fault to the loss of power at the stage, in milliseconds of real time, taken in the simulator's process.
`python -m benchmarks.watchdog` measures it, over the relay, watchdog, heartbeat and simulator that campaigns use. The
load is four processes that only burn time, on the two shared processors of this machine.
{date}
| | fault | trials | p50 | p95 | max | promised | |
|---|---|---|---|---|---|---|---|
"""


def page(results: Sequence[Mapping[str, Any]], hour: Mapping[str, Any] | None, date: str) -> str:
    """The figures as a page in Markdown.

    Args:
        results: The trials; ``ms`` is None where there was never any power, and negative where there should not be.
        hour: What `benchmarks.watchdog.campaigns` counted, or None.
        date: The date.
    """
    rows: list[str] = []
    never: list[str] = []
    for load, case in dict.fromkeys((result["load"], result["case"]) for result in results):
        if case == FALSE_TRIP:
            continue
        found = [result["ms"] for result in results if (result["load"], result["case"]) == (load, case)]
        if case == "killed before its first beat":
            had_power = sum(ms is not None for ms in found)
            never.append(f"{load}, {len(found)} trials: power in {had_power}")
            continue
        rows.append(_row(load, case, np.array(found)))
    text = _HEAD.format(date=f"\nMeasured on {date}.\n" if date else "") + "\n".join(rows) + "\n"
    if never:
        text += f"\nControllers that were killed before their first beat: {'; '.join(never)}.\n"
    trips = [result for result in results if result["case"] == FALSE_TRIP]
    text += f"\nFalse trips while a controller of these trials started, which were made again: {len(trips)}"
    text += f" ({'; '.join(str(trip.get('cause')) for trip in trips[:3])}).\n" if trips else ".\n"
    if hour is not None:
        loads = f"{hour['least_load']:.1f} to {hour['most_load']:.1f}"
        text += (
            f"\nFalse trips in {hour['hours']:.2f} h of campaigns on the colour bench with a relay, "
            f"{hour['campaigns']} campaigns with {hour['trials']} trials, at a load average of {loads}: "
            f"{hour['trips']}.\n"
        )
    return text


def _row(load: str, case: str, found: np.ndarray) -> str:
    figures = {"p50": np.percentile(found, 50), "p95": np.percentile(found, 95), "max": found.max()}
    bar = BARS.get((load, case))
    promised = (
        ("reported", "")
        if bar is None
        else (f"{bar[0]} ≤ {bar[1]:g}", "kept" if figures[bar[0]] <= bar[1] else "**not kept**")
    )
    words = (load, case, str(len(found)), *(f"{value:.1f}" for value in figures.values()), *promised)
    return f"| {' | '.join(words)} |"
