"""The problems of `optimizer.py`: the shared tables as pools, and emulators fitted to five of them.

Named before any engine ran. Each parameter lies between the least and the greatest value of its column; crossed
barrels have the grid of their table, and the parts of p3ht_cnt sum to 100. The emulators are ensembles of neural
networks, which share no prior with the Gaussian processes that they judge; noise 0.02 of the range.
"""

from __future__ import annotations

import csv
import json
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Literal

from autolab.config.measured import read_measured
from autolab.core.constraints import Constraint
from autolab.core.objectives import Objective
from autolab.core.parameters import IntegerParameter, Parameter, RangeParameter
from autolab.core.problem import Problem, Space
from optimizer.emulator import Emulator, fit_emulator
from optimizer.world import Pool, World, conditions_of

__all__ = ["EMULATED", "GOALS", "LEAST_R2", "POOLS", "PROBLEMS", "world"]

GOALS: dict[str, Literal["minimize", "maximize"]] = {
    "agnp_pvlab": "minimize",
    "autoam": "maximize",
    "colors_bob": "minimize",
    "colors_n9": "minimize",
    "crossed_barrel": "maximize",
    "hplc": "maximize",
    "p3ht_cnt": "maximize",
    "suzuki": "maximize",
}
POOLS = tuple(f"pool:{name}" for name in GOALS)
EMULATED = tuple(f"emulator:{name}" for name in ("agnp_pvlab", "colors_bob", "crossed_barrel", "hplc", "suzuki"))
PROBLEMS = (*POOLS, *EMULATED)
LEAST_R2 = 0.5
"""Accuracy below which an emulator is left out, and the page says so."""
_NOISE = 0.02
_BARRELS: tuple[Parameter, ...] = (
    IntegerParameter("n", 6, 12, step=2),
    RangeParameter("theta_deg", 0, 200, step=25),
    RangeParameter("r_mm", 1.5, 2.5, step=0.1),
    RangeParameter("t_mm", 0.7, 1.4, step=0.35),
)
_MIXTURE = "p3ht_pct + d1_pct + d2_pct + d6_pct + d8_pct == 100"


def world(name: str, cache: Path) -> World:
    """A problem with its answers. A fitted emulator is kept in ``cache``."""
    kind, _, table = name.partition(":")
    pool = _pool(table, _folder())
    return pool if kind == "pool" else _emulator(table, pool, cache)


def _folder() -> Path:
    folder = os.environ.get("AUTOLAB_DATASETS")
    if not folder:
        raise SystemExit("the proof needs the tables: set AUTOLAB_DATASETS to their folder")
    return Path(folder)


def _pool(table: str, folder: Path) -> Pool:
    path = folder / f"{table}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        *names, metric = next(reader)
        columns = list(zip(*([float(cell) for cell in row] for row in reader), strict=True))
    parameters = tuple(
        RangeParameter(name, min(values), max(values)) for name, values in zip(names, columns[:-1], strict=True)
    )
    mixture = (Constraint(_MIXTURE),) if table == "p3ht_cnt" else ()
    space = Space(_BARRELS if table == "crossed_barrel" else parameters, mixture)
    problem = Problem(space, Objective(metric, GOALS[table]))
    measured = read_measured(path, problem)
    if len(measured.rows) != measured.n_read:
        raise SystemExit(f"{path}: rows were left out: {'; '.join(measured.notes)}")
    return Pool(problem, conditions_of([(row.values, row.metrics) for row in measured.rows]))


def _emulator(table: str, pool: Pool, cache: Path) -> Emulator:
    kept = cache / f"{table}.pickle"
    if kept.exists():
        return pickle.loads(kept.read_bytes())
    fitted = fit_emulator(pool, "network", 0)
    noise = dict.fromkeys(fitted.noise, _NOISE * (fitted.worst - fitted.best))
    made = replace(fitted, noise=noise)
    _ = made.best, made.shares
    cache.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(pickle.dumps(made))
    part.replace(kept)
    return made


def facts(made: World) -> dict[str, float]:
    """What is printed of a world."""
    accuracy = {"r2": made.accuracy[0].r2, "rmse": made.accuracy[0].rmse} if isinstance(made, Emulator) else {}
    return json.loads(json.dumps({"best": made.best, "worst": made.worst, **made.shares, **accuracy}))
