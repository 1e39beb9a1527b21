"""Does the loop learn? Ours against a Sobol design and against bluesky-adaptive's own loop, on the same seeds.

::

    python -m benchmarks.loop --out results                # 20 seeds, 40 trials, the bench and the replayed sets
    python -m benchmarks.loop --out results --page docs/proofs/loop.md --date 2026-01-31

Results are appended to ``<out>/<case>.jsonl``, one campaign a line; what is there is not run again.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.cells import keep_cells, read_cells

CASES = ("colour_bench", "crossed_barrel", "agnp_pvlab", "colors_bob", "hplc")
DEFAULT_ARMS = ("autolab", "sobol", "bluesky-adaptive")


def main() -> None:
    """Run what is missing, then print the figures and write the page if one is asked for."""
    options = _options()
    jobs = [
        (case, arm, seed, options.trials)
        for seed in range(options.first_seed, options.first_seed + options.seeds)
        for case in options.cases
        for arm in options.arms
    ]
    options.out.mkdir(parents=True, exist_ok=True)
    done = {(row["case"], row["arm"], row["seed"], row["trials"]) for row in read_rows(options.out)}
    missing = [job for job in jobs if job not in done]
    print(f"{len(jobs)} campaigns, {len(missing)} to run", flush=True)
    _run(missing, options)
    from benchmarks.loop_page import figures, write_page

    rows = [row for row in read_rows(options.out) if (row["case"], row["arm"], row["seed"], row["trials"]) in set(jobs)]
    for line in figures(rows):
        print(line)
    if options.page:
        write_page(options.page, rows, options.date)


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """All campaigns recorded in ``folder``."""
    rows: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.jsonl")):
        rows += read_cells(path)
    return rows


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--arms", nargs="+", default=list(DEFAULT_ARMS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--page", type=Path, help="write the figures as a page of documentation")
    parser.add_argument("--date", default="undated", help="date to print on the page")
    return parser.parse_args()


def _run(missing: list[tuple[str, str, int, int]], options: argparse.Namespace) -> None:
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_campaign, *job) for job in missing]
        for future in as_completed(futures):
            row = future.result()
            keep_cells(options.out / f"{row['case']}.jsonl", row)
            print(
                f"{row['case']} {row['arm']} seed {row['seed']}: regret {row['regret']:.4f} in {row['wall_s']:.0f} s",
                flush=True,
            )


def _campaign(case_name: str, arm: str, seed: int, trials: int) -> dict[str, Any]:
    """Run one campaign (in a process of the pool)."""
    from benchmarks.arms import ARMS

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    case = _case(case_name)
    started, cpu = time.perf_counter(), time.process_time()
    result = ARMS[arm](case, seed, trials)
    values = result["values"][result["recommended"] - 1]
    return {
        "case": case_name,
        "arm": arm,
        "seed": seed,
        "trials": trials,
        "regret": case.regret(values),
        "truth": case.truth(values),
        "wall_s": time.perf_counter() - started,
        "cpu_s": time.process_time() - cpu,
        **result,
    }


@cache
def _case(name: str) -> Any:
    if name == "colour_bench":
        from benchmarks.colour_case import colour_bench

        return colour_bench()
    from benchmarks.problems import crossed_barrel, surveyed

    folder = os.environ.get("AUTOLAB_DATASETS")
    if not folder:
        raise SystemExit(f"{name} needs the tables: set AUTOLAB_DATASETS to their folder")
    return crossed_barrel(Path(folder)) if name == "crossed_barrel" else surveyed(name, Path(folder))


if __name__ == "__main__":
    main()
