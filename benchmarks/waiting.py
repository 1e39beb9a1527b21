"""No waiting: how long lanes wait for a suggestion, and what it costs that suggestions are made ahead.

::

    python -m benchmarks.waiting --out autolab-data/proofs/waiting
    python -m benchmarks.waiting --out FOLDER --page docs/proofs/waiting.md --date 2026-01-31

Two kinds of cells, each a line of ``<out>/waiting.jsonl``; what is there is not run again.

- *wait*: a campaign on the replay lab over sockets, with its processes, in real time. Its trials last a second with
  ``lean``, and with ``botorch`` twice as long as a suggestion took just before it. From the journal: the
  share of the campaign's time in which no trial ran because none had been suggested.
- *regret*: the same campaign twice on a table of measured conditions, with the loop's rule (of the trial before, the
  values are known and no more) and blocking (each suggestion waits for all outcomes): how far its best trial is from
  the best of the table.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks.cells import keep_cells, read_cells
from benchmarks.waiting_page import figures, page

ENGINES = ("lean", "botorch")
TRIALS = 40
WAITS = 3
"""Seeds of the campaigns that are timed."""
SECOND_S = 1.0
"""How long a trial lasts with ``lean``."""
TIMES = 2.0
"""How many times as long as a suggestion a trial lasts with ``botorch``."""
POOLS = (
    "pool:agnp_pvlab",
    "pool:colors_bob",
    "pool:crossed_barrel",
    "pool:hplc",
    "pool:autoam",
    "pool:colors_n9",
    "pool:p3ht_cnt",
    "pool:suzuki",
)
"""All tables of measured conditions; the first four were compared first."""
REGRETS = 20
"""Seeds of the campaigns that are compared."""
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "replay"
Cell = tuple[str, str, str, int]


def main() -> None:
    """Run what is missing, print the figures, and write the page if one is asked for."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    done = {_cell(row) for row in read_rows(options.out)}
    missing = [cell for cell in _cells(options) if cell not in done]
    for number, (kind, engine, problem, seed) in enumerate(missing, start=1):
        row = waited(engine, seed) if kind == "wait" else regretted(engine, problem, seed)
        keep_cells(options.out / "waiting.jsonl", row)
        print(f"{number}/{len(missing)} {kind} {engine} {problem} {seed}: {row['said']}", flush=True)
    rows = read_rows(options.out)
    for line in figures(rows):
        print(line)
    if options.page is not None:
        options.page.write_text(page(rows, options.date), encoding="utf-8")


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """All cells recorded in ``folder``."""
    return read_cells(folder / "waiting.jsonl")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("autolab-data/proofs/waiting"), help="folder of the results")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--waits", type=int, default=WAITS, help="seeds of the campaigns that are timed")
    parser.add_argument("--regrets", type=int, default=REGRETS, help="seeds of the campaigns that are compared")
    parser.add_argument("--page", type=Path, help="write the figures as a page of documentation")
    parser.add_argument("--date", default="undated", help="date to print on the page")
    return parser.parse_args()


def _cells(options: argparse.Namespace) -> Iterator[Cell]:
    for engine in options.engines:
        for seed in range(1, options.waits + 1):
            yield "wait", engine, "replay", seed
    for engine in options.engines:
        for seed in range(options.regrets):
            for problem in POOLS:
                yield "regret", engine, problem, seed


def _cell(row: dict[str, Any]) -> Cell:
    return row["kind"], row["engine"], row["problem"], row["seed"]


def waited(engine: str, seed: int) -> dict[str, Any]:
    """One timed campaign: its length, and how long it waited for suggestions, in real seconds."""
    trial_s = SECOND_S if engine == "lean" else TIMES * statistics.median(_suggestions_s(engine, seed))
    with tempfile.TemporaryDirectory() as folder:
        timings = _campaign(Path(folder), engine, seed, trial_s)
    waits, wall_s = [t.proposer_s for t in timings], sum(t.wall_s for t in timings)
    share, later = sum(waits) / wall_s, sum(waits[1:]) / sum(t.wall_s for t in timings[1:])
    return {
        "kind": "wait",
        "engine": engine,
        "problem": "replay",
        "seed": seed,
        "trials": len(timings),
        "trial_s": trial_s,
        "wall_s": wall_s,
        "waits_s": waits,
        "said": f"{100 * share:.3f} % of {wall_s:.0f} s, {100 * later:.3f} % after the first trial",
    }


def _campaign(folder: Path, engine: str, seed: int, trial_s: float) -> list[Any]:
    """Where the time of each trial went, of a campaign whose measurements last so many seconds."""
    from autolab.journal.reader import JournalReader

    lab = folder / "lab"
    shutil.copytree(EXAMPLE, lab)
    about = yaml.safe_load((lab / "lab.yaml").read_text(encoding="utf-8"))
    about["devices"]["instrument"]["simulator"]["options"]["duration_s"] = trial_s
    (lab / "lab.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
    command = [sys.executable, "-m", "autolab.cli", "run", lab / "campaign.yaml", "--simulate", "--engine", engine]
    command += ["--trials", TRIALS, "--seed", seed, "--data", folder / "data"]
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    reader = JournalReader.open(folder / "data")
    try:
        trials = reader.trials(reader.campaign().id)
    finally:
        reader.close()
    return [trial.timings for trial in trials]


def _suggestions_s(engine: str, seed: int) -> list[float]:
    """How long suggestions by its model take now, in real seconds, as a campaign asks its host."""
    import time

    from autolab.config.campaign import load_campaign
    from autolab.core.proposing import EngineSpec, Observation, Pending, SuggestRequest
    from autolab.core.trials import Estimate
    from optimizer.client import ProposerHost

    problem, spec = load_campaign(EXAMPLE / "campaign.yaml").problem, EngineSpec(engine)
    past: list[Observation] = []
    spent: list[float] = []
    with ProposerHost(warm=engine) as host:
        for trial in range(1, TRIALS + 1):
            pending = tuple(Pending(seen.trial, seen.values) for seen in past[-1:])
            begun = time.perf_counter()
            made = host.suggest(SuggestRequest(problem, spec, trial, trial, seed, tuple(past[:-1]), pending))
            spent += [time.perf_counter() - begun] if made.engine == engine else []
            colour = sum((float(value) / 120.0 - 0.4) ** 2 for value in made.values.values())
            past.append(Observation(trial, made.values, {problem.objective.metric: Estimate(colour)}))
    return spent[1:]  # the first one imports


def regretted(engine: str, problem: str, seed: int) -> dict[str, Any]:
    """One campaign, ahead and blocking: regret after its trials, as a share of the table's range."""
    from autolab.core.proposing import EngineSpec
    from autolab.core.seeds import derive_seed
    from benchmarks.optimizer_problems import world
    from optimizer.replay import engine_ask, replay

    warnings.simplefilter("ignore")
    made, root = world(problem, Path()), derive_seed(seed, "waiting", problem)
    ask = engine_ask(made.problem, EngineSpec(engine), root)
    ahead, blocking = (
        (min(replay(made, ask, root, TRIALS, n).losses) - made.best) / (made.worst - made.best) for n in (1, 0)
    )
    return {
        "kind": "regret",
        "engine": engine,
        "problem": problem,
        "seed": seed,
        "trials": TRIALS,
        "ahead": ahead,
        "blocking": blocking,
        "said": f"{ahead:.4f} ahead, {blocking:.4f} blocking",
    }


if __name__ == "__main__":
    main()
