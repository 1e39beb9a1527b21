"""Regret where parameters are constrained or mixed: `lean` and `botorch` against Ax, on the same seeds.

::

    python -m benchmarks.constrained                                                   # all cells
    python -m benchmarks.constrained --page docs/proofs/constrained.md --date 2026-01-31

A cell is one arm on one problem with one seed: a line of ``docs/proofs/constrained.jsonl``. What is there is not run
again: all cells take some three hours, most of them Ax's. Take out the lines of an engine of ours that was changed.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autolab.compose.backtestscores import paired_interval
from autolab.core.seeds import derive_seed
from benchmarks.cells import keep_cells, read_cells
from benchmarks.functions import FUNCTIONS, without_equality
from benchmarks.optimizer import played
from benchmarks.optimizer_arms import INITIAL
from benchmarks.optimizer_page import over_problems, said, shown, version

CELLS = Path(__file__).resolve().parents[1] / "docs" / "proofs" / "constrained.jsonl"
CONTROL = "ax"
OURS = ("ours:lean", "ours:botorch")
ARMS = (*OURS, CONTROL, "sobol")
TRIALS = 50
SEEDS = 8
LEAST = 5
"""Pairs of seeds below which an interval says nothing."""
WANTED = 6
"""Problems on which the regret is to be no worse than Ax's."""
Rows = list[dict[str, Any]]


def main() -> None:
    """Run what is missing, then print the figures and write the page if one is asked for."""
    options = _options()
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    cells = [(problem, arm, seed) for seed in range(options.seeds) for problem in options.problems for arm in ARMS]
    done = {_cell(row) for row in read_cells(options.cells)}
    missing = [cell for cell in cells if cell not in done]
    print(f"{len(cells)} cells, {len(missing)} to run", flush=True)
    for number, (problem, arm, seed) in enumerate(missing, start=1):
        row = run_cell(problem, arm, seed)
        keep_cells(options.cells, row | {"date": options.date})
        print(f"{number}/{len(missing)} {problem} {arm} {seed}: {row['regret']:.4f}", flush=True)
    rows = [row for row in read_cells(options.cells) if _cell(row) in set(cells)]
    for line in figures(rows):
        print(line)
    if options.page:
        options.page.write_text(page(rows, len(cells), options.date), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=Path, default=CELLS, help="file of the results")
    parser.add_argument("--problems", nargs="+", choices=FUNCTIONS, default=list(FUNCTIONS))
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds 0 to N-1")
    parser.add_argument("--page", type=Path, help="write the figures as a page of documentation")
    parser.add_argument("--date", default="undated", help="date of the cells that are run, and of the page")
    return parser.parse_args()


def _cell(row: dict[str, Any]) -> tuple[str, str, int]:
    return row["problem"], row["arm"], row["seed"]


def run_cell(problem: str, arm: str, seed: int, trials: int = TRIALS) -> dict[str, Any]:
    """Run one cell, in one thread."""
    from threadpoolctl import threadpool_limits

    made = FUNCTIONS[problem]
    if arm == CONTROL and any(constraint.relation == "==" for constraint in made.problem.space.constraints):
        made = without_equality(made)
    with threadpool_limits(1):
        found = played(made, arm, derive_seed(seed, "constrained proof", problem), trials)
    return {"problem": problem, "arm": arm, "seed": seed, **found}


def figures(rows: Rows) -> Iterator[str]:
    """Lines of Markdown: a table of regrets, the differences to Ax, and what is shown."""
    problems = list(dict.fromkeys(row["problem"] for row in rows))
    yield f"| problem | seeds | {' | '.join(ARMS)} |"
    yield "|---|---|" + "---|" * len(ARMS)
    for problem in problems:
        of_arms = [_regrets(rows, problem, arm) for arm in ARMS]
        means = [f"{np.mean(list(found.values())):.4f}" if found else "–" for found in of_arms]
        yield f"| {problem} | {len(of_arms[0])} | {' | '.join(means)} |"
    for ours in OURS:
        pairs = {problem: found for problem in problems if len(found := _pairs(rows, problem, ours)) > 1}
        if pairs:
            yield from _differences(pairs, ours)


def _differences(pairs: dict[str, NDArray[np.float64]], ours: str) -> Iterator[str]:
    yield from ("", f"Regret of {ours} less that of Ax on the same seed; below zero is better.", "")
    yield from ("| problem | seeds | difference (95 %) | not behind beyond the interval |", "|---|---|---|---|")
    n_good = 0
    for problem, found in pairs.items():
        differences = found[:, 0] - found[:, 1]
        value, low, high = paired_interval(
            len(differences), lambda rows, d=differences: d[rows].mean(axis=-1), problem, ours
        )
        is_good = len(found) >= LEAST and bool(low <= 0.0)
        n_good += is_good
        yield f"| {problem} | {len(found)} | {said(value, low, high)} | {shown(is_good)} |"
    mean = over_problems(list(pairs.values()), lambda one, other: (one - other).mean(axis=-1), ours)
    yield from ("", f"Mean over the problems: {said(*mean)}.")
    yield f"No worse than Ax on {n_good} of {len(pairs)}; wanted on at least {WANTED}: {shown(n_good >= WANTED)}."


def _regrets(rows: Rows, problem: str, arm: str) -> dict[int, float]:
    return {row["seed"]: row["regret"] for row in rows if _cell(row)[:2] == (problem, arm)}


def _pairs(rows: Rows, problem: str, arm: str) -> NDArray[np.float64]:
    """Regrets of an arm and of Ax on the seeds of both. Shape ``(n, 2)``."""
    ours, control = _regrets(rows, problem, arm), _regrets(rows, problem, CONTROL)
    return np.array([[ours[seed], control[seed]] for seed in sorted(ours.keys() & control.keys())])


def page(rows: Rows, planned: int, date: str) -> str:
    """The page with its method, figures and versions."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("ax-platform", "botorch", "torch"))
    left = f" {len(rows)} of {planned} cells were run; the rest was interrupted." if len(rows) < planned else ""
    dates = sorted({row.get("date", date) for row in rows} or {date})
    measured = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    head = f"Measured {measured} by `python -m benchmarks.constrained`; {versions}.{left}"
    return "\n".join(["# Proof: constrained and mixed parameters", "", head, "", *_METHOD, "", *figures(rows), ""])


_METHOD = (
    f"Mean regret after {TRIALS} trials: how far the best true value so far is from the best of the space, in units of",
    "the range over the space; noise is 0.01 of that range. Each waits for its outcomes, and begins with",
    f"{INITIAL} points of a Sobol design, the same for all. Ax is its client with method *fast*. Problems and seeds",
    "were named before any engine ran. Intervals are 95 % percentile intervals of 2000 resamplings of the seeds.",
    "",
    "- `linear:` Hartmann's function of six coordinates that sum to 1.5 at most, Branin's below a line, and",
    "  Styblinski's and Tang's of four that sum to -8 at least.",
    "- `mixture:` Hartmann's function of four parts that sum to 1. Ax takes no equality: it chooses three parts, which",
    "  sum to 1 at most, and begins with five points of a design of these.",
    "- `mixed:` Ackley's function of two continuous and three whole numbers; Branin's, moved by a choice of three; and",
    "  Hartmann's of four continuous coordinates, of which three sum to 0.8 at most, one in tenths, and one of four",
    "  levels.",
)


if __name__ == "__main__":
    main()
