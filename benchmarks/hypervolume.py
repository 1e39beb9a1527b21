"""Two objectives: how much of the front ``botorch`` has after 60 trials, against Ax on the same noise.

::

    python -m benchmarks.hypervolume --out autolab-data/proofs/hypervolume
    python -m benchmarks.hypervolume --out FOLDER --page docs/proofs/hypervolume.md --date 2026-01-31

A cell is one arm on one problem with one seed: a line of ``<out>/cells.jsonl``. What is there is not run again.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autolab.compose.backtestscores import paired_interval
from autolab.core.front import hypervolume
from autolab.core.parameters import Values
from autolab.core.problem import Problem
from autolab.core.proposing import EngineSpec, Observation, Pending
from autolab.core.seeds import derive_seed
from benchmarks.cells import keep_cells, read_cells
from benchmarks.fronts import PROBLEMS, case
from benchmarks.optimizer_arms import INITIAL, AxPeer, inside
from benchmarks.optimizer_page import over_problems, said, shown, version
from optimizer.replay import engine_ask

ARMS = ("ours:botorch", "ax", "sobol")
OURS, CONTROL = "ours:botorch", "ax"
TRIALS = 60
SEEDS = 10
LEAST = 5
"""Pairs of seeds below which an interval says nothing."""
Rows = list[dict[str, Any]]
Ask = Callable[[int, tuple[Observation, ...], tuple[Pending, ...]], Values]
"""Number of a trial, the outcomes, and the suggestions that were not to be had; returns what to try."""


def main() -> None:
    """Run what is missing, then print the figures and write the page if one is asked for."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    arms = options.arms
    cells = [(problem, arm, seed) for seed in range(options.seeds) for problem in options.problems for arm in arms]
    done = {_cell(row) for row in _rows(options)}
    missing = [cell for cell in cells if cell not in done]
    print(f"{len(cells)} cells, {len(missing)} to run", flush=True)
    for number, (problem, arm, seed) in enumerate(missing, start=1):
        row = run_cell(problem, arm, seed, options.trials, options.out / "worlds")
        keep_cells(options.out / "cells.jsonl", row)
        print(f"{number}/{len(missing)} {problem} {arm} {seed}: {share(row):.4f} in {row['cpu_s']:.0f} s", flush=True)
    rows = [row for row in _rows(options) if _cell(row) in set(cells)]
    for line in figures(rows):
        print(line)
    if options.page:
        options.page.write_text(page(rows, len(cells), options.date), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds 0 to N-1")
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--page", type=Path, help="write the figures as a page of documentation")
    parser.add_argument("--date", default="undated", help="date to print on the page")
    return parser.parse_args()


def _rows(options: argparse.Namespace) -> Rows:
    return [row for row in read_cells(options.out / "cells.jsonl") if len(row["losses"]) == options.trials]


def _cell(row: dict[str, Any]) -> tuple[str, str, int]:
    return row["problem"], row["arm"], row["seed"]


def run_cell(problem: str, arm: str, seed: int, trials: int, kept: Path) -> dict[str, Any]:
    """Run one cell, in one thread. ``kept`` has the fitted emulators."""
    from threadpoolctl import threadpool_limits

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    posed = case(problem, kept)
    root = derive_seed(seed, "hypervolume proof", problem)
    ask = _ask_of(arm, posed.problem, root)
    past: tuple[Observation, ...] = ()
    missed: tuple[Pending, ...] = ()
    losses: list[tuple[float, float]] = []
    tested: set[int] = set()
    started = time.process_time()
    with threadpool_limits(1):
        for trial in range(1, trials + 1):
            wish = ask(trial, past, missed)
            reply = posed.answer(wish, tested, root, trial)
            tested |= set() if reply.place is None else {reply.place}
            missed += () if reply.values == wish else (Pending(trial, wish),)
            past = (*past, Observation(trial, reply.values, reply.outcome))
            losses.append(reply.losses)
    return {
        "problem": problem,
        "arm": arm,
        "seed": seed,
        "losses": losses,
        "cpu_s": time.process_time() - started,
        "reference": posed.reference,
        "best": posed.best,
        "r2": posed.r2,
    }


def _ask_of(arm: str, problem: Problem, seed: int) -> Ask:
    """The question of an arm. All begin with the same five points of a Sobol design."""
    if arm != CONTROL:
        return engine_ask(problem, EngineSpec(arm.removeprefix("ours:"), INITIAL), seed)
    design = engine_ask(problem, EngineSpec("sobol"), seed)
    peer = AxPeer(problem, derive_seed(seed, "peer") % 2**31)

    def ask(trial: int, past: tuple[Observation, ...], missed: tuple[Pending, ...]) -> Values:
        for seen in past[-1:]:
            peer.tell(seen.values, *((seen.outcome or {})[metric].value for metric in problem.metrics))
        return design(trial, past, missed) if trial <= INITIAL else inside(problem, peer.ask())

    return ask


def share(row: dict[str, Any]) -> float:
    """Hypervolume of all that a cell tested, as it is without noise, over that of the best front known."""
    return hypervolume([tuple(pair) for pair in row["losses"]], tuple(row["reference"])) / row["best"]


def figures(rows: Rows) -> Iterator[str]:
    """Lines of Markdown: a table of shares, the differences to Ax, and what is shown."""
    problems = list(dict.fromkeys(row["problem"] for row in rows))
    yield "| problem | arm | seeds | share of the best hypervolume (95 %) | CPU s per run |"
    yield "|---|---|---|---|---|"
    for problem in problems:
        for arm in ARMS:
            if found := [row for row in rows if (row["problem"], row["arm"]) == (problem, arm)]:
                cpu = np.mean([row["cpu_s"] for row in found])
                yield f"| {problem} | {arm} | {len(found)} | {_interval(_shares(found), problem, arm)} | {cpu:.0f} |"
    pairs = {problem: found for problem in problems if len(found := _pairs(rows, problem))}
    if not pairs:
        return
    yield from ("", f"Share of {OURS} less that of Ax on the same seed; above zero is better.", "")
    yield from ("| problem | seeds | difference (95 %) | not behind beyond the interval |", "|---|---|---|---|")
    for problem, found in pairs.items():
        differences = found[:, 0] - found[:, 1]
        verdict = shown(_high(differences, problem) >= 0.0) if len(found) >= LEAST else "NOT shown: too few seeds"
        yield f"| {problem} | {len(found)} | {_interval(differences, problem)} | {verdict} |"
    mean = over_problems(list(pairs.values()), lambda ours, theirs: (ours - theirs).mean(axis=-1), OURS)
    yield from ("", f"Mean over the problems: {said(*mean)}.")


def _shares(rows: Rows) -> NDArray[np.float64]:
    return np.array([share(row) for row in rows])


def _pairs(rows: Rows, problem: str) -> NDArray[np.float64]:
    """Shares of ours and of Ax on the seeds of both. Shape ``(n, 2)``."""
    of = {arm: {r["seed"]: share(r) for r in rows if _cell(r)[:2] == (problem, arm)} for arm in (OURS, CONTROL)}
    shared = sorted(of[OURS].keys() & of[CONTROL].keys())
    return np.array([[of[OURS][seed], of[CONTROL][seed]] for seed in shared])


def _interval(values: NDArray[np.float64], *identity: str) -> str:
    return said(*paired_interval(len(values), lambda rows: values[rows].mean(axis=-1), *identity))


def _high(values: NDArray[np.float64], *identity: str) -> float:
    """Upper end of the interval of several runs."""
    _, _, high = paired_interval(len(values), lambda rows: values[rows].mean(axis=-1), *identity)
    return float(high)


def page(rows: Rows, planned: int, date: str) -> str:
    """The page with its method, figures and versions."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("ax-platform", "botorch", "torch"))
    left = f" {len(rows)} of {planned} cells were run; the rest was interrupted." if len(rows) < planned else ""
    r2 = {row["problem"]: row["r2"] for row in rows if row["r2"] is not None}
    rough = "".join(f" R2 of {problem} is {value:.2f}." for problem, value in r2.items())
    lines = [
        "# Proof: two objectives",
        "",
        f"Measured {date} by `python -m benchmarks.hypervolume`; {versions}.{left}",
        "",
        *_METHOD,
        *(["", rough.strip()] if rough else []),
        "",
        *figures(rows),
        "",
    ]
    return "\n".join(lines)


_METHOD = (
    f"After {TRIALS} trials: the hypervolume of all that was tested, as it is without noise, over that of the best",
    "front that is known (of a table all its conditions; else of many points that fill the space, so that a run may",
    "have a little more than 1). It is measured from a tenth of the front's range beyond its worst. Nobody is told",
    f"thresholds: ours and Ax choose their own. All begin with the same {INITIAL} points of a Sobol design, meet the",
    "same noise, and wait for each outcome. Ax is its client with method *fast*. Problems and seeds were named before",
    "any engine ran. Intervals are 95 % percentile intervals of 2000 resamplings of the seeds.",
    "",
    "- `pool:crossed_barrel`: the toughness of measured barrels against the cross-section that is printed; one of the",
    "  replicates answers. Half of the grid was measured: where the table lacks a suggestion, the nearest condition",
    "  that was not tested answers. To Ax that is a trial that was abandoned, which it takes for one in flight; ours",
    "  is told that it is in flight. An engine that is told nothing asks for the same again and again.",
    "- `emulator:suzuki`: yield against palladium, five neural networks fitted to the table, with noise of 0.02 of the",
    "  range. What is printed or weighed in is known from the conditions, and has no noise.",
    "- `branin-currin`, `zdt2` (5 coordinates) and `dtlz2` (5 coordinates): noise of 0.01 of the range.",
)


if __name__ == "__main__":
    main()
