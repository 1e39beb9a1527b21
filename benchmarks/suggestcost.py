"""What a suggestion costs: processor time of one outcome taken in and one suggestion made, one thread, side by side.

::

    python -m benchmarks.suggestcost --out autolab-data/proofs/cost            # on a quiet machine
    python -m benchmarks.suggestcost --out FOLDER --page docs/proofs/suggest-cost.md --date 2026-01-31

Each cell (kind of problem, arm, d, n) is a line of ``<out>/cost.jsonl``; what is there is not measured again. A cell
has its own process: n outcomes at random points of a smooth noisy function are told, one suggestion is made and not
counted, and then each step tells one outcome and asks for the next point, refits included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.cells import keep_cells, read_cells
from benchmarks.optimizer_page import shown, version

CONTROL = "ax"
SIZES = (10, 50, 100, 200, 500)
LARGE = (1000, 2000, 5000)
"""Outcomes for the arms in `GROWING` only."""
GROWING = ("ours:lean", "ours:auto")
DIMENSIONS = (3, 6, 12)
KINDS = ("linear", "mixture", "mixed")
KIND_D, KIND_N = 6, 40
STEPS = 16
"""Steps of a cell: at least as many as the longest interval between two refits."""
FEWEST_STEPS, CAP_S = 5, 60.0
"""After so many steps a cell ends when it has used so many seconds."""
ALLOWED = {"ours:lean": (30, 50), "ours:botorch": (2, 2)}
"""What part of Ax's processor time an engine may take, 1 in so many: free, and constrained or mixed."""
ALLOWED_WORST = {"ours:lean": 8}
"""What part of Ax's median its worst step may take, at the same size: 1 in so many."""
Cell = tuple[str, str, int, int]


def main() -> None:
    """Measure what is missing, and print the figures."""
    options = _options()
    if options.cell:
        kind, arm, d, n = options.cell.split()
        print(json.dumps(measure(kind, arm, int(d), int(n))))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out / "cost.jsonl"
    done = {(row["kind"], row["arm"], row["d"], row["n"]) for row in read_cells(kept)}
    cells = [cell for cell in _cells(options) if cell not in done]
    for number, cell in enumerate(cells, start=1):
        row = _in_a_process(cell)
        keep_cells(kept, row)
        steps = row["cpu_s"]
        said = f"median {sorted(steps)[len(steps) // 2]:.4f} s, worst {max(steps):.4f} s" if steps else row["refused"]
        print(f"{number}/{len(cells)} {' '.join(map(str, cell))}: {said}", flush=True)
    rows = read_cells(kept)
    for line in figures(rows):
        print(line)
    if options.page:
        options.page.write_text(page(rows, options.date), encoding="utf-8")


def _options() -> argparse.Namespace:
    from benchmarks.optimizer import arms
    from benchmarks.optimizer_arms import is_installed

    known = [arm for arm in arms() if arm not in ("random", "sobol", "botorch-snapped", "ours:grid")]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("autolab-data/proofs/cost"))
    parser.add_argument("--arms", nargs="+", choices=known, default=[arm for arm in known if is_installed(arm)])
    parser.add_argument("--dimensions", nargs="+", type=int, default=list(DIMENSIONS))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS))
    parser.add_argument("--cell", help="one cell, in this process")
    parser.add_argument("--page", type=Path, help="write the figures as a page of documentation")
    parser.add_argument("--date", default="undated", help="date to print on the page")
    return parser.parse_args()


def _cells(options: argparse.Namespace) -> Iterator[Cell]:
    for d in options.dimensions:
        for n in (*options.sizes, *(LARGE if tuple(options.sizes) == SIZES else ())):
            for arm in options.arms:
                if n not in LARGE or arm in GROWING:
                    yield "free", arm, d, n
    for kind in options.kinds:
        for arm in options.arms:
            if arm.startswith("ours:") or arm == CONTROL:
                yield kind, arm, KIND_D, KIND_N


def _in_a_process(cell: Cell) -> dict[str, Any]:
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    words = [sys.executable, "-m", "benchmarks.suggestcost", "--cell", " ".join(map(str, cell))]
    done = subprocess.run(words, env={**os.environ, **one}, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(kind: str, arm: str, d: int, n: int) -> dict[str, Any]:
    """Processor seconds of each step of one cell."""
    import numpy as np
    import torch

    from autolab.core.proposing import Observation
    from autolab.core.trials import Estimate
    from benchmarks.optimizer_arms import ask_of
    from optimizer.design import feasible_draws
    from optimizer.space import UnitSpace

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    row: dict[str, Any] = {"kind": kind, "arm": arm, "d": d, "n": n, "cpu_s": [], "refused": ""}
    if kind == "mixture" and arm == CONTROL:
        return {**row, "refused": "Ax takes no equality"}
    bare = Bare(kind, d)
    unit = UnitSpace(bare.problem.space)
    rng = np.random.default_rng(1000 * d + n)

    def observed(trial: int, values: Any) -> Observation:
        point = unit.encode(values)
        value = float(np.sin(3 * point).sum() + ((point - 0.4) ** 2).sum() + 0.05 * rng.standard_normal())
        return Observation(trial, values, {"y": Estimate(value)})

    draws = feasible_draws(unit, 7, n)
    observations = [observed(trial, unit.decode(point)) for trial, point in enumerate(draws, start=1)]
    ask = ask_of(arm, bare, 1)  # pyright: ignore[reportArgumentType] (an arm looks at the problem of a world alone)
    wish = ask(n + 1, tuple(observations), ())
    while len(row["cpu_s"]) < STEPS and (len(row["cpu_s"]) < FEWEST_STEPS or sum(row["cpu_s"]) < CAP_S):
        observations.append(observed(len(observations) + 1, wish))
        started = time.process_time()
        wish = ask(len(observations) + 1, tuple(observations), ())
        row["cpu_s"].append(time.process_time() - started)
    return row


class Bare:
    """A problem without answers, for arms that are told what to learn from."""

    def __init__(self, kind: str, d: int) -> None:
        from autolab.core.constraints import Constraint
        from autolab.core.objectives import Objective
        from autolab.core.parameters import ChoiceParameter, IntegerParameter, Parameter, RangeParameter
        from autolab.core.problem import Problem, Space

        names = [f"x{index}" for index in range(d)]
        parameters: list[Parameter] = [RangeParameter(name, 0.0, 1.0) for name in names]
        if kind == "mixed":
            parameters[-2:] = [IntegerParameter(names[-2], 0, 20), ChoiceParameter(names[-1], ("a", "b", "c"))]
        texts = {"linear": [f"{' + '.join(names[:3])} <= 1.5"], "mixture": [f"{' + '.join(names)} == 1"]}
        space = Space(tuple(parameters), tuple(Constraint(text) for text in texts.get(kind, [])))
        self.problem = Problem(space, Objective("y", "minimize"))


def figures(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Lines of Markdown: median and worst step of each cell, and what they are against Ax."""
    import numpy as np

    cost = {(row["kind"], row["arm"], row["d"], row["n"]): row["cpu_s"] for row in rows if row["cpu_s"]}
    arms = sorted({arm for _, arm, _, _ in cost})
    yield from ("", "| kind | d | n | " + " | ".join(arms) + " |", "|---|---|---|" + "---|" * len(arms))
    for kind, d, n in sorted({(kind, d, n) for kind, _, d, n in cost}):
        cells = [cost.get((kind, arm, d, n)) for arm in arms]
        said = ["–" if c is None else f"{_ms(float(np.median(c)))} / {_ms(max(c))}" for c in cells]
        yield f"| {kind} | {d} | {n} | {' | '.join(said)} |"
    yield ""
    for arm in arms:
        if arm != CONTROL:
            yield from _against(cost, arm)


def _ms(seconds: float) -> str:
    """Milliseconds to three digits, and whole ones."""
    return f"{1000 * seconds:.3g}" if seconds < 1.0 else f"{1000 * seconds:.0f}"


def _against(cost: dict[Cell, list[float]], arm: str) -> Iterator[str]:
    import numpy as np

    for at, (is_free, name) in enumerate(((True, "free"), (False, "constrained and mixed"))):
        shared = [
            (steps, cost[kind, CONTROL, d, n])
            for (kind, other, d, n), steps in sorted(cost.items())
            if other == arm and (kind == "free") is is_free and (kind, CONTROL, d, n) in cost
        ]
        if shared:
            mean = np.exp(np.mean([np.log(np.median(control) / np.median(steps)) for steps, control in shared]))
            worst = min(np.median(control) / max(steps) for steps, control in shared)
            allowed = _allowed(mean, ALLOWED[arm][at]) if arm in ALLOWED else ""
            allowed_worst = _allowed(worst, ALLOWED_WORST[arm]) if arm in ALLOWED_WORST and is_free else ""
            yield (
                f"- {arm}, {name}: 1/{mean:.3g} of Ax's processor time on the geometric mean of {len(shared)} cells"
                f"{allowed}."
            )
            yield f"- {arm}, {name}: its worst step is 1/{worst:.3g} of Ax's median at the same size{allowed_worst}."


def _allowed(ratio: float, least: float) -> str:
    return f"; at most 1/{least}: {shown(ratio >= least)}"


def page(rows: list[dict[str, Any]], date: str) -> str:
    """The page with its method, figures and versions."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("ax-platform", "botorch", "torch", "numpy", "scipy"))
    head = f"Measured {date} by `python -m benchmarks.suggestcost`; {versions}."
    return "\n".join(["# Proof: what a suggestion costs", "", head, "", *_METHOD, *figures(rows), ""])


_METHOD = (
    "Processor time in ms of one outcome taken in and one suggestion made, in one thread: median / worst of the steps.",
    "A cell is a process of its own with n outcomes at random points of a smooth noisy function in d dimensions, then",
    f"{STEPS} steps (at least {FEWEST_STEPS} where they take longer than {CAP_S:g} s in all), so that each engine's",
    "refits are among them. The first suggestion, which imports and compiles, does not count. Ax is its client with",
    "method *fast*.",
    "",
    f"- `free`: d ranges. Beyond {SIZES[-1]} outcomes only `lean` is asked, for how it grows.",
    f"- `linear`, `mixture` and `mixed`: {KIND_N} outcomes in {KIND_D} dimensions; three coordinates sum to 1.5 at",
    "  most; all sum to 1 (Ax takes no equality); a whole number and a choice of three among ranges.",
)


if __name__ == "__main__":
    main()
