"""Fewest experiments: ours against Ax, BoTorch as is and the peers, on measured tables as pools and emulators.

::

    python -m benchmarks.optimizer --out autolab-data/proofs/optimizer                   # all cells, 50 trials each
    python -m benchmarks.optimizer --out FOLDER --page docs/proofs/optimizer.md --date 2026-01-31

A cell is one arm on one problem with one seed: a line of ``docs/proofs/optimizer.jsonl``, beside a line for each
problem. What is there is not run again: all cells take more than a day of a processor, which no machine has to give at
once. Take out the lines of an engine of ours that was changed. Peers that are not installed are left out, and the page
names them: ``pip install autolab[peers]`` brings them.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cells import keep_cells, read_cells
from benchmarks.optimizer_arms import NEEDS, PEERS, is_installed
from benchmarks.optimizer_problems import POOLS, PROBLEMS
from optimizer.world import World

CELLS = Path(__file__).resolve().parents[1] / "docs" / "proofs" / "optimizer.jsonl"
MANY, FEW = 20, 8
"""Seeds: many for Ax, BoTorch, ours and the designs that learn nothing, few for the rest."""
TRIALS = 50
NOT_OURS = ("ax", "sobol", "random", "grid")
"""Engines of ours that are no arm after ``ours:``: Ax itself is the control."""
Cell = tuple[str, str, int]


def main() -> None:
    """Run what is missing, then print the figures and write the page if one is asked for."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    cells = _cells(options)
    done = {_cell(row) for row in read_rows(options.cells, options.trials)}
    missing = [cell for cell in cells if cell not in done and is_installed(cell[1])]
    print(f"{len(cells)} cells, {len(missing)} to run", flush=True)
    _run(missing, options)
    from benchmarks.optimizer_page import figures, write_page

    wanted = set(cells)
    rows = [row for row in read_rows(options.cells, options.trials) if _cell(row) in wanted]
    absent = [arm for arm in arms() if arm not in {row["arm"] for row in rows}]
    for line in figures(rows):
        print(line)
    if options.page:
        write_page(options.page, rows, absent, len(cells), options.date)


def arms() -> tuple[str, ...]:
    """All arms, the engines of ours as they are now."""
    from optimizer.routing import ENGINES

    ours = tuple(f"ours:{engine}" for engine in ENGINES if engine not in NOT_OURS)
    return (*ours, "random", "sobol", *PEERS)


def read_rows(path: Path, trials: int) -> list[dict[str, Any]]:
    """All cells of so many trials that are in the file, each with its world; a line that was cut off does not count."""
    lines = read_cells(path)
    worlds = {line["problem"]: line["world"] for line in lines if "world" in line}
    rows = [line for line in lines if line.get("trials") == trials and line["problem"] in worlds]
    return [{**row, "world": worlds[row["problem"]]} for row in rows]


def scored(losses: Sequence[float], world: Mapping[str, float]) -> dict[str, Any]:
    """What is kept of a run: regret after all trials, and how many it took to the best 1 %, None where it never did."""
    from autolab.compose.backtestscores import needed_trials, regrets

    run = np.array([losses])
    (needed,) = needed_trials(run, world["top 1 %"])
    return {"regret": round(float(regrets(run, world["best"], world["worst"])[0, -1]), 6), "needed": needed}


def _cell(row: dict[str, Any]) -> Cell:
    return row["problem"], row["arm"], row["seed"]


def _cells(options: argparse.Namespace) -> list[Cell]:
    """Seed by seed, so that an interrupted run has all arms on the seeds that it has."""
    found: list[Cell] = []
    for seed in range(options.seeds):
        for problem in options.problems:
            for arm in options.arms:
                is_few = arm in NEEDS and seed >= FEW
                is_twice = arm == "botorch-snapped" and problem not in POOLS
                if not is_few and not is_twice:
                    found.append((problem, arm, seed))
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the fitted emulators")
    parser.add_argument("--cells", type=Path, default=CELLS, help="file of the results")
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--arms", nargs="+", choices=arms(), default=list(arms()))
    parser.add_argument("--seeds", type=int, default=MANY, help=f"seeds 0 to N-1; peers take {FEW} at most")
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--page", type=Path, help="write the figures as a page of documentation")
    parser.add_argument("--date", default="undated", help="date of the cells that are run, and of the page")
    return parser.parse_args()


def _run(missing: list[Cell], options: argparse.Namespace) -> None:
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as workers:
        try:
            _keep_all([workers.submit(run_cell, *cell, options.trials, options.out) for cell in missing], options)
        except BaseException:  # or the rest would be run for hours, and nobody would keep it
            workers.shutdown(wait=False, cancel_futures=True)
            raise


def _keep_all(futures: list[Future[tuple[dict[str, Any], dict[str, float]]]], options: argparse.Namespace) -> None:
    worlds = {line["problem"] for line in read_cells(options.cells) if "world" in line}
    for number, future in enumerate(as_completed(futures), start=1):
        row, world = future.result()
        row, problem = row | {"date": options.date}, row["problem"]
        keep_cells(options.cells, *([] if problem in worlds else [{"problem": problem, "world": world}]), row)
        worlds.add(problem)
        regret = f"{row['regret']:.4f}"
        print(f"{number}/{len(futures)} {problem} {row['arm']} {row['seed']}: {regret}", flush=True)


def run_cell(problem: str, arm: str, seed: int, trials: int, out: Path) -> tuple[dict[str, Any], dict[str, float]]:
    """Run one cell (in a worker process). Returns its row, and the facts of its world."""
    from autolab.core.seeds import derive_seed
    from benchmarks.optimizer_problems import facts, world

    made = world(problem, out / "worlds")
    found = played(made, arm, derive_seed(seed, "optimizer proof", problem), trials)
    return {"problem": problem, "arm": arm, "seed": seed, "trials": trials, **found}, facts(made)


def played(made: World, arm: str, seed: int, trials: int) -> dict[str, Any]:
    """What a campaign of an arm comes to, as `scored`, and its processor time."""
    from benchmarks.optimizer_arms import ask_of
    from optimizer.replay import replay

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    started = time.process_time()
    found = replay(made, ask_of(arm, made, seed), seed, trials)
    cpu_s = round(time.process_time() - started, 1)
    return {**scored(found.losses, {"best": made.best, "worst": made.worst, **made.shares}), "cpu_s": cpu_s}


if __name__ == "__main__":
    main()
