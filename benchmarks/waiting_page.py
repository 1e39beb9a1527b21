"""Figures of `waiting.py`: how long lanes waited, and paired differences of regret."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections import Counter
from collections.abc import Iterator
from typing import Any

__all__ = ["figures", "page"]

MOST_WAIT, MOST_REGRET = 0.01, 0.005
"""Largest share of the campaign's time spent waiting, and largest mean difference of regret."""
FEWEST_SEEDS, TABLES = 8, 4
"""Campaigns on each table, and tables, below which nothing is said of regret."""
Rows = list[dict[str, Any]]


def figures(rows: Rows) -> Iterator[str]:
    """Lines of Markdown: a table for each kind of cell, and what they say."""
    waits, regrets = ([row for row in rows if row["kind"] == kind] for kind in ("wait", "regret"))
    yield from _waits(waits)
    yield ""
    yield from _regrets(regrets)


def _waits(rows: Rows) -> Iterator[str]:
    yield "| engine | campaigns | trials | a trial lasts (s) | waited | worst campaign | longest wait (s) | of trial |"
    yield "|---|---|---|---|---|---|---|---|"
    for engine in _engines(rows):
        own = [row for row in rows if row["engine"] == engine]
        shares = [sum(row["waits_s"]) / row["wall_s"] for row in own]
        share = sum(sum(row["waits_s"]) for row in own) / sum(row["wall_s"] for row in own)
        longest, trial = max((wait, n) for row in own for n, wait in enumerate(row["waits_s"], start=1))
        lasts = statistics.median(row["trial_s"] for row in own)
        verdict = "shown" if share < MOST_WAIT else "NOT shown"
        yield (
            f"| {engine} | {len(own)} | {own[0]['trials']} | {lasts:.2f} | {100 * share:.2f} % ({verdict}) "
            f"| {100 * max(shares):.2f} % | {longest:.2f} | {trial} |"
        )


def _regrets(rows: Rows) -> Iterator[str]:
    yield "| engine | table | seeds | regret ahead | regret blocking | paired difference |"
    yield "|---|---|---|---|---|---|"
    for engine in _engines(rows):
        own = [row for row in rows if row["engine"] == engine]
        for problem in sorted({row["problem"] for row in own}):
            yield _compared(engine, problem.partition(":")[2], [row for row in own if row["problem"] == problem])
        yield _compared(engine, "all", own)
    yield ""
    for engine in _engines(rows):
        own = [row for row in rows if row["engine"] == engine]
        seeds = Counter(row["problem"] for row in own)
        mean = statistics.fmean(_differences(own))
        verdict = "shown" if mean <= MOST_REGRET else "NOT shown"
        if len(seeds) < TABLES or min(seeds.values()) < FEWEST_SEEDS:
            verdict = f"NOT shown: {len(own)} pairs of campaigns are too few"
        yield f"- {engine}: mean difference {mean:+.4f} of the range; at most +{MOST_REGRET:g}: {verdict}."


def _compared(engine: str, table: str, rows: Rows) -> str:
    differences = _differences(rows)
    error = f"{statistics.stdev(differences) / math.sqrt(len(rows)):.4f}" if len(rows) > 1 else "unknown"
    ahead, blocking = (statistics.fmean(row[how] for row in rows) for how in ("ahead", "blocking"))
    return (
        f"| {engine} | {table} | {len({row['seed'] for row in rows})} | {ahead:.4f} | {blocking:.4f} "
        f"| {statistics.fmean(differences):+.4f} ± {error} |"
    )


def _differences(rows: Rows) -> list[float]:
    return [row["ahead"] - row["blocking"] for row in rows]


def _engines(rows: Rows) -> list[str]:
    return list(dict.fromkeys(row["engine"] for row in rows))


def page(rows: Rows, date: str) -> str:
    """The page with its method and figures."""
    lines = [
        "# Proof: no waiting",
        "",
        f"Measured on {date} with Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}, by",
        "`python -m benchmarks.waiting`.",
        "",
        "While a trial runs, the next one is suggested: it sees all outcomes but that of the running trial, of which",
        "it knows the values ([the loop](../explanation/the-loop.md)). The campaigns of the first table ran on the",
        "replay lab over sockets, in real time, with proposer, simulator and dry runs in processes of their own.",
        "*Waited* is the share of a campaign's time, from its start to the end of its last trial, in which no trial",
        f"ran because none had been suggested; below {100 * MOST_WAIT:g} % is promised. A trial with `lean` lasts a",
        "second; with `botorch` it lasts twice as long as a suggestion by its model took in the median.",
        "",
        *figures(rows),
        "",
        "Regret is the distance of the best trial of a campaign from the best condition of the table, as a share of",
        "the table's range, without noise; *ahead* with the loop's rule, *blocking* where each suggestion waits for",
        "all outcomes. Both meet the same world with the same seeds; ± is one standard error of the paired difference.",
        "",
    ]
    return "\n".join(lines)
