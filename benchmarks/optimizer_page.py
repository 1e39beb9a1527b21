"""Figures of `optimizer.py`: regret and experiments to the best 1 %, paired with Ax, with bootstrap intervals."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autolab.compose.backtestscores import paired_interval, resampled
from benchmarks.optimizer_arms import is_installed
from benchmarks.optimizer_problems import LEAST_R2

__all__ = ["figures", "over_problems", "said", "shown", "version", "write_page"]

Rows = list[dict[str, Any]]
Runs = dict[int, dict[str, Any]]
FLOOR = 0.001
"""Regret below which no difference counts."""
ALLOWED_MEAN, ALLOWED_ONE = 0.005, 0.02
"""How much worse than Ax ours may be: over all problems, and on each of them."""
GATE = "pool:p3ht_cnt"
CONTROL = "ax"


class Table:
    """All cells: regret after the last trial and experiments to the best 1 %, by problem, arm and seed."""

    def __init__(self, rows: Rows) -> None:
        self.worlds = {row["problem"]: row["world"] for row in rows}
        rough = {name for name, facts in self.worlds.items() if facts.get("r2", 1.0) < LEAST_R2}
        self.rough = sorted(rough)
        self.problems = sorted(self.worlds.keys() - rough)
        self.trials = rows[0]["trials"] if rows else 0
        self._runs: dict[tuple[str, str], Runs] = {}
        for row in rows:
            self._runs.setdefault((row["problem"], row["arm"]), {})[row["seed"]] = row
        self.arms = sorted({arm for _, arm in self._runs})

    def runs(self, problem: str, arm: str) -> Runs:
        return self._runs.get((problem, arm), {})

    def values(self, problem: str, arm: str, measure: Callable[[dict[str, Any]], float]) -> NDArray[np.float64]:
        runs = self.runs(problem, arm)
        return np.array([measure(runs[seed]) for seed in sorted(runs)])

    def pairs(self, arm: str, other: str, measure: Callable[[dict[str, Any]], float]) -> list[NDArray[np.float64]]:
        """For each problem that both have run: the measure of both on the seeds of both. Shapes ``(n, 2)``."""
        found: list[NDArray[np.float64]] = []
        for problem in self.problems:
            ours, theirs = self.runs(problem, arm), self.runs(problem, other)
            if shared := sorted(ours.keys() & theirs.keys()):
                found.append(np.array([[measure(ours[seed]), measure(theirs[seed])] for seed in shared]))
        return found

    def regret(self, run: dict[str, Any]) -> float:
        return run["regret"]

    def floored(self, run: dict[str, Any]) -> float:
        return max(run["regret"], FLOOR)

    def experiments(self, run: dict[str, Any]) -> float:
        return float(self.trials if run["needed"] is None else run["needed"])


def figures(rows: Rows) -> Iterator[str]:
    """Lines of Markdown: a table for each problem, the pairs with Ax, the geometric means, and what is shown."""
    table = Table(rows)
    for problem in table.problems:
        yield from _problem(table, problem)
    for name in table.rough:
        yield f"- `{name}` is left out: its R2 is {table.worlds[name]['r2']:.2f}, below {LEAST_R2:g}."
    if CONTROL in table.arms:
        yield from _differences(table)
        yield from _geometric(table)
    yield from _shows(table)


def _problem(table: Table, problem: str) -> Iterator[str]:
    world = table.worlds[problem]
    accuracy = f"; R2 of the emulator {world['r2']:.2f}, RMSE {world['rmse']:.3g}" if "r2" in world else ""
    yield ""
    yield f"### {problem}"
    yield ""
    yield f"Best loss {world['best']:.4g}, best 1 % at {world['top 1 %']:.4g}, worst {world['worst']:.4g}{accuracy}."
    yield ""
    yield f"| arm | seeds | regret@{table.trials} (95 %) | median experiments to top 1 % | reached | CPU s per run |"
    yield "|---|---|---|---|---|---|"
    for arm in table.arms:
        regret = table.values(problem, arm, table.regret)
        if not len(regret):
            continue
        needed = table.values(problem, arm, table.experiments)
        reached = sum(run["needed"] is not None for run in table.runs(problem, arm).values())
        cpu = table.values(problem, arm, lambda run: run["cpu_s"]).mean()
        interval = said(*paired_interval(len(regret), lambda rows, r=regret: r[rows].mean(axis=-1), problem, arm))
        yield (
            f"| {arm} | {len(regret)} | {interval} | {np.median(needed):.4g} | {reached} of {len(regret)} | {cpu:.1f} |"
        )


def _differences(table: Table) -> Iterator[str]:
    yield from ("", "## Paired with Ax", "")
    yield "Regret less that of Ax on the same seed, the same design and the same noise; below zero is better. 95 %."
    yield ""
    yield f"| arm | mean over problems | {' | '.join(table.problems)} |"
    yield f"|---|---|{'---|' * len(table.problems)}"
    for arm in table.arms:
        if arm == CONTROL or not table.pairs(arm, CONTROL, table.regret):
            continue
        cells = [_one_difference(table, arm, problem) for problem in table.problems]
        yield f"| {arm} | {said(*mean_difference(table, arm))} | {' | '.join(map(_or_dash, cells))} |"


def mean_difference(table: Table, arm: str) -> tuple[float, Any, Any]:
    """Mean over problems of the mean paired difference in regret, seeds resampled within each problem."""
    return over_problems(
        table.pairs(arm, CONTROL, table.regret), lambda ours, theirs: (ours - theirs).mean(axis=-1), arm
    )


def _one_difference(table: Table, arm: str, problem: str) -> tuple[float, Any, Any] | None:
    ours, theirs = table.runs(problem, arm), table.runs(problem, CONTROL)
    shared = sorted(ours.keys() & theirs.keys())
    if not shared:
        return None
    differences = np.array([ours[seed]["regret"] - theirs[seed]["regret"] for seed in shared])
    return paired_interval(len(shared), lambda rows: differences[rows].mean(axis=-1), problem, arm, "difference")


def _geometric(table: Table) -> Iterator[str]:
    yield from ("", "## Geometric means against Ax", "")
    yield (
        f"Over problems and shared seeds: regret, at least {FLOOR:g}, and experiments to the best 1 %, at most "
        f"{table.trials}. Below 1 is better than Ax. 95 %."
    )
    yield ""
    yield "| arm | problems | regret of the arm | regret over Ax's | experiments of the arm | experiments over Ax's |"
    yield "|---|---|---|---|---|---|"
    for arm in table.arms:
        pairs, needed = table.pairs(arm, CONTROL, table.floored), table.pairs(arm, CONTROL, table.experiments)
        if pairs:
            own, steps = (np.exp(np.mean([np.log(p[:, 0]).mean() for p in each])) for each in (pairs, needed))
            ratios = [said(*_ratio(each, arm)) for each in (pairs, needed)]
            yield f"| {arm} | {len(pairs)} | {own:.4f} | {ratios[0]} | {steps:.1f} | {ratios[1]} |"


def _ratio(pairs: list[NDArray[np.float64]], arm: str) -> tuple[float, Any, Any]:
    value, low, high = over_problems(pairs, lambda ours, theirs: np.log(ours / theirs).mean(axis=-1), arm)
    return float(np.exp(value)), None if low is None else np.exp(low), None if high is None else np.exp(high)


def over_problems(
    pairs: list[NDArray[np.float64]], statistic: Callable[[NDArray[np.float64], NDArray[np.float64]], Any], arm: str
) -> tuple[float, Any, Any]:
    """Mean over problems of a statistic of the pairs; each problem's seeds are resampled by themselves."""
    value = float(np.mean([statistic(each[:, 0], each[:, 1]) for each in pairs]))
    if min(len(each) for each in pairs) < 2:
        return value, None, None
    draws = [
        statistic(each[rows, 0], each[rows, 1])
        for number, each in enumerate(pairs)
        for rows in [resampled(len(each), arm, str(number))]
    ]
    low, high = np.quantile(np.mean(draws, axis=0), [0.025, 0.975])
    return value, float(low), float(high)


def _shows(table: Table) -> Iterator[str]:
    yield from ("", "## What is shown", "")
    for arm in (arm for arm in table.arms if arm.startswith("ours:")):
        if CONTROL in table.arms and table.pairs(arm, CONTROL, table.regret):
            yield from _against_ax(table, arm)
            for measure, name in ((table.floored, "regret"), (table.experiments, "experiments to the best 1 %")):
                yield from _ahead(table, arm, measure, name)
        reference = table.runs(GATE, "botorch-as-is")
        if reference and (ours := table.runs(GATE, arm)):
            shared = sorted(ours.keys() & reference.keys())
            n, m = (sum(runs[seed]["needed"] is not None for seed in shared) for runs in (ours, reference))
            yield (
                f"- {arm} on {GATE}: the best 1 % within {table.trials} trials in {n} of {len(shared)} seeds, BoTorch "
                f"as is in {m}. At least as many: {shown(n >= m)}."
            )


def _against_ax(table: Table, arm: str) -> Iterator[str]:
    mean = mean_difference(table, arm)
    each = {problem: _one_difference(table, arm, problem) for problem in table.problems}
    known = {problem: found for problem, found in each.items() if found is not None}
    worst = max(known, key=lambda problem: known[problem][0])
    yield (
        f"- {arm} against Ax, mean difference of regret {said(*mean)} over {len(known)} problems. "
        f"At most +{ALLOWED_MEAN:g}: {shown(mean[0] <= ALLOWED_MEAN)}."
    )
    yield (
        f"- {arm} against Ax, the worst problem is {worst} with {said(*known[worst])}. "
        f"At most +{ALLOWED_ONE:g} on each: {shown(known[worst][0] <= ALLOWED_ONE)}."
    )


def _ahead(table: Table, arm: str, measure: Callable[[dict[str, Any]], float], name: str) -> Iterator[str]:
    for other in table.arms:
        if other == arm or other.startswith("ours:") or not (pairs := table.pairs(arm, other, measure)):
            continue
        value, low, high = _ratio(pairs, arm)
        if other in (CONTROL, "botorch-as-is", "botorch-snapped"):
            yield (
                f"- {arm}, {name} over that of {other}: {said(value, low, high)}. Not behind beyond the interval: "
                + (f"{shown(low is not None and low <= 1.0)}.")
            )
        else:
            yield f"- {arm}, {name} over that of {other}: {said(value, low, high)}. Ahead: {shown(value < 1.0)}."


def said(value: float, low: Any, high: Any) -> str:
    """A figure with its interval, where it has one."""
    return f"{value:.4f}" if low is None else f"{value:.4f} ({low:.4f} to {high:.4f})"


def _or_dash(found: tuple[float, Any, Any] | None) -> str:
    return "–" if found is None else said(*found)


def shown(so: bool) -> str:
    """The verdict on a claim."""
    return "shown" if so else "NOT shown"


def write_page(path: Path, rows: Rows, absent: list[str], planned: int, date: str) -> None:
    """Write the page with its method, figures, versions and how to run it again."""
    versions = ", ".join(f"{name} {version(name)}" for name in _VERSIONED if version(name))
    left = f" {len(rows)} of {planned} cells were run; the rest was interrupted." if len(rows) < planned else ""
    dates = sorted({row.get("date", date) for row in rows} or {date})
    measured = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    missing = f"Not on this page: {', '.join(map(_absent, absent))}." if absent else "No arm is missing."
    lines = [
        "# Proof: fewest experiments",
        "",
        f"Measured {measured} by `python -m benchmarks.optimizer`; {versions}. {missing}{left}",
        "",
        *_METHOD,
        *figures(rows),
        "",
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")


def _absent(arm: str) -> str:
    return f"{arm} (not asked for)" if is_installed(arm) else f"{arm} (not installed: the extra 'peers' brings it)"


def version(name: str) -> str:
    """Version of a package; empty where it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


_VERSIONED = ("ax-platform", "botorch", "torch", "scikit-learn", "bluesky-adaptive", "baybe", "xopt", "optuna")

_METHOD = (
    "Problems, arms and seeds were named before any engine ran. Regret is how far the best true value so far is from",
    "the best of the problem, in units of its range; the true value of a condition is the mean of its replicates, that",
    "of an emulator its answer without noise. A run that never reaches the best 1 % counts with all of its trials.",
    "",
    "- `pool:`: a table of measured conditions. Of those that a run has not tested, the nearest to the suggestion",
    "  answers, with one of its replicates. `botorch-as-is` scores the pool itself, `botorch-snapped` as others do.",
    "- `emulator:`: five neural networks fitted to a table, with noise of 0.02 of the range; accuracy by five-fold",
    "  cross-validation over conditions.",
    "- All arms begin with the same five points of a Sobol design, but for bluesky-adaptive, which lays its own. Each",
    "  waits for its outcomes. Ax is its client with method *fast*; `botorch-as-is` is `SingleTaskGP` and",
    "  `qLogNoisyExpectedImprovement` with their defaults, 10 restarts and 512 raw samples.",
    "- The parts of p3ht_cnt sum to 100. Ours is told so; the peers, of which most cannot be told, search the box.",
    "- `auto` first took `lean` for p3ht_cnt too. It takes `botorch` for mixtures since one seed had missed the best",
    "  1 % (the row of `ours:lean`): there it is not blind.",
    "- Intervals are 95 % percentile intervals of 2000 resamplings of the seeds, within each problem.",
)
