"""Fewest experiments: ours against Ax, BoTorch as is and the peers, on measured tables as pools and emulators.

::

    python -m benchmarks.optimizer --out autolab-data/proofs/optimizer                   # all cells, 50 trials each
    python -m benchmarks.optimizer --out FOLDER --page docs/proofs/optimizer.md --date 2026-01-31

A cell is one arm on one problem with one seed: a line of ``<out>/cells.jsonl``. What is there is not run again. Peers
that are not installed are left out, and the page names them: ``pip install autolab[peers]`` brings them.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.optimizer_arms import NEEDS, PEERS, is_installed
from benchmarks.optimizer_problems import POOLS, PROBLEMS

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
    missing = [cell for cell in cells if cell not in {_cell(row) for row in read_rows(options.out, options.trials)}]
    print(f"{len(cells)} cells, {len(missing)} to run", flush=True)
    _run(missing, options)
    from benchmarks.optimizer_page import figures, write_page

    wanted = set(cells)
    rows = [row for row in read_rows(options.out, options.trials) if _cell(row) in wanted]
    absent = [arm for arm in arms() if arm not in {row["arm"] for row in rows}]
    for line in figures(rows):
        print(line)
    if options.page:
        from benchmarks.suggestcost import read_rows as read_cost

        write_page(options.page, rows, read_cost(options.out), absent, len(cells), options.date)


def arms() -> tuple[str, ...]:
    """All arms, the engines of ours as they are now."""
    from optimizer.routing import ENGINES

    ours = tuple(f"ours:{engine}" for engine in ENGINES if engine not in NOT_OURS)
    return (*ours, "random", "sobol", *PEERS)


def read_rows(folder: Path, trials: int) -> list[dict[str, Any]]:
    """All cells of so many trials that are recorded in ``folder``; a line that was cut off does not count."""
    rows: list[dict[str, Any]] = []
    path = folder / "cells.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return [row for row in rows if len(row["losses"]) == trials]


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
                if is_installed(arm) and not is_few and not is_twice:
                    found.append((problem, arm, seed))
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--arms", nargs="+", choices=arms(), default=list(arms()))
    parser.add_argument("--seeds", type=int, default=MANY, help=f"seeds 0 to N-1; peers take {FEW} at most")
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--page", type=Path, help="write the figures as a page of documentation")
    parser.add_argument("--date", default="undated", help="date to print on the page")
    return parser.parse_args()


def _run(missing: list[Cell], options: argparse.Namespace) -> None:
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    path = options.out / "cells.jsonl"
    is_cut_off = path.exists() and not path.read_bytes().endswith(b"\n")
    with (
        ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as workers,
        path.open("a", encoding="utf-8") as file,
    ):
        file.write("\n" if is_cut_off else "")
        futures = [workers.submit(run_cell, *cell, options.trials, options.out) for cell in missing]
        for number, future in enumerate(as_completed(futures), start=1):
            row = future.result()
            file.write(json.dumps(row) + "\n")
            file.flush()
            last = min(row["losses"])
            print(f"{number}/{len(missing)} {row['problem']} {row['arm']} {row['seed']}: {last:.4g}", flush=True)


def run_cell(problem: str, arm: str, seed: int, trials: int, out: Path) -> dict[str, Any]:
    """Run one cell (in a worker process)."""
    from autolab.core.seeds import derive_seed
    from benchmarks.optimizer_arms import ask_of
    from benchmarks.optimizer_problems import facts, world
    from optimizer.replay import replay

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    made = world(problem, out / "worlds")
    root = derive_seed(seed, "optimizer proof", problem)
    started = time.process_time()
    found = replay(made, ask_of(arm, made, root), root, trials)
    return {
        "problem": problem,
        "arm": arm,
        "seed": seed,
        "losses": list(found.losses),
        "cpu_s": time.process_time() - started,
        "world": facts(made),
    }


if __name__ == "__main__":
    main()
