"""Is what is claimed of a confirmed winner true? Whole campaigns on the simulated colour bench, in memory.

::

    python -m benchmarks.confirming --out autolab-data/proofs/confirming
    python -m benchmarks.confirming --out FOLDER --page docs/proofs/confirming.md --date 2026-01-31

Each seed is a bench of its own: channels with their errors, drift and noise. Results are lines of
``<out>/confirming.jsonl``; what is there is not run again.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.cells import keep_cells, read_cells

SEEDS, TRIALS, BEST, REPLICATES = 200, 30, 3, 3
DRAWS = 1000
"""Measurements whose mean is taken for the true value."""
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "colour"
DYES = ("cyan", "magenta", "yellow")
STATES = {
    "as it stood": "the bench as it stood while the winner was confirmed",
    "without drift": "the bench without the drift of its baseline",
    "nominal": "no error at all: nominal volumes, no noise",
}


def main() -> None:
    """Run what is missing, print the figures, and write the page if one is asked for."""
    options = _options()
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "confirming.jsonl"
    rows = read_cells(path)
    done = {row["seed"] for row in rows}
    for seed in range(options.seeds):
        if seed in done:
            continue
        row = confirmed(seed)
        rows.append(row)
        keep_cells(path, row)
        print(f"seed {seed}: claimed {row['claimed']:.3f} ± {row['sem']:.3f} in {row['cpu_s']:.1f} s", flush=True)
    rows = [row for row in rows if row["seed"] < options.seeds]
    lines = figures(rows)
    print("\n".join(lines))
    if options.page is not None:
        options.page.write_text("\n".join([*_page_head(rows, options.date), *lines, ""]), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=Path("autolab-data/proofs/confirming"), help="folder of the results"
    )
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--page", type=Path, help="write the figures as a page of documentation")
    parser.add_argument("--date", default="undated", help="date to print on the page")
    return parser.parse_args()


def confirmed(seed: int) -> dict[str, Any]:
    """One campaign: what is claimed with and without confirmation, and what is true of either recipe."""
    from autolab.compose.options import RunOptions
    from autolab.compose.running import run_campaign
    from autolab.core.trials import CONFIRM
    from optimizer.recommendation import recommend

    begun, watcher = time.process_time(), _Watcher()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "campaign.yaml"
        text = (EXAMPLE / "campaign.yaml").read_text(encoding="utf-8")
        file.write_text(f"{text}confirm: {{best: {BEST}, replicates: {REPLICATES}}}\n", encoding="utf-8")
        (Path(folder) / "lab.yaml").write_text((EXAMPLE / "lab.yaml").read_text(encoding="utf-8"), encoding="utf-8")
        options = RunOptions(
            data=Path(folder), simulate=True, virtual=True, in_memory=True, seed=seed, engine="lean", trials=TRIALS
        )
        result = run_campaign(file, options, observers=(watcher,), proposer=_InProcess())
    found, searched = result.recommendation, [o for o, engine in watcher.seen if engine != CONFIRM]
    if found is None or found.interval is None or watcher.problem is None:
        raise RuntimeError(f"seed {seed}: nothing is claimed: {result.reason}")
    before = recommend(watcher.problem, tuple(searched), 0, engine="lean")
    if before is None or before.sem is None:
        raise RuntimeError(f"seed {seed}: nothing would have been claimed")
    middle = TRIALS + BEST * REPLICATES // 2 + 1
    return {
        "seed": seed,
        "claimed": found.mean,
        "sem": found.sem,
        "interval": found.interval,
        "confirmed": found.confirmed,
        "true": truths(found.values, seed, middle),
        "unconfirmed": {"claimed": before.mean, "sem": before.sem, "true": truths(before.values, seed, middle)},
        "cpu_s": round(time.process_time() - begun, 2),
    }


class _InProcess:
    """The lean engine in this process."""

    def suggest(self, request: Any) -> Any:
        from optimizer.engine import suggest

        return suggest(request)

    def recommend(self, problem: Any, observations: Sequence[Any], seed: int) -> Any:
        from optimizer.recommendation import recommend

        return recommend(problem, tuple(observations), seed, engine="lean")

    def close(self) -> None:
        pass


class _Watcher:
    """Keeps each outcome with the engine that suggested its trial."""

    def __init__(self) -> None:
        self.problem: Any = None
        self.seen: list[tuple[Any, str]] = []
        self._begun: dict[int, Any] = {}

    def notify(self, event: Any) -> None:
        from autolab.campaign.events import CampaignStarted, TrialEnded, TrialStarted
        from autolab.core.proposing import Observation

        if isinstance(event, CampaignStarted):
            self.problem = event.problem
        elif isinstance(event, TrialStarted):
            self._begun[event.suggestion.trial] = event.suggestion
        elif isinstance(event, TrialEnded) and event.outcome is not None:
            suggestion = self._begun[event.trial]
            self.seen.append((Observation(event.trial, suggestion.values, event.outcome), suggestion.engine))


def truths(values: dict[str, Any], seed: int, trial: int) -> dict[str, float]:
    """What endless measurements of a recipe would give on the bench of a seed, see `STATES`.

    Args:
        values: The recipe.
        seed: Seed of the bench.
        trial: Number of the trial whose drift is that of the bench as it stood.
    """
    from autolab.core.seeds import derive_seed
    from benchmarks.colour_case import true_colour
    from simulators.physics.spectra import Optics, baseline_drift

    drift = baseline_drift(derive_seed(seed, "spectrometer", "drift"), trial, Optics().drift_step)
    return {
        "as it stood": _mean_colour(values, seed, drift),
        "without drift": _mean_colour(values, seed, 0.0),
        "nominal": true_colour(values),
    }


def _mean_colour(values: dict[str, Any], seed: int, baseline: float) -> float:
    import numpy as np

    from autolab.core.seeds import derive_seed
    from plans.colorimetry import colour_difference, lab_from_absorbance
    from plans.colour import SMALLEST_UL, TEAL, WELL_UL
    from simulators.physics.dispensing import channel_bias, deliver
    from simulators.physics.spectra import scan, wavelengths_nm

    at_nm, rng = wavelengths_nm(), np.random.default_rng(derive_seed(seed, "truth"))
    wanted = {dye: float(values[dye]) for dye in DYES}
    wanted["clear"] = WELL_UL - sum(wanted.values())
    # The bench draws a channel's error from its number among the dispenser's channels.
    biases = {n: channel_bias(derive_seed(seed, "dispenser", "bias", at)) for at, n in enumerate((*DYES, "clear"))}
    spectra: list[Any] = []
    for draw in range(DRAWS):
        volumes = {
            liquid: deliver(volume, biases[liquid], derive_seed(seed, "truth", draw, liquid)).into_well_ul
            for liquid, volume in wanted.items()
            if volume >= SMALLEST_UL
        }
        mixed_s = float(values["mixing_time"])
        seen = scan(
            volumes, mixed_s, integration_time_s=0.1, n_scans=4, baseline=baseline, rng=rng, at_nm=at_nm
        )  # one reading of a well: the mean over several has the same expectation
        spectra.append(seen.absorbance)
    return float(colour_difference(lab_from_absorbance(at_nm, np.array(spectra)), np.array(TEAL)).mean())


def figures(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What the campaigns came to, as lines of a page."""
    lines = ["| true value of the recipe: endless measurements on … | claimed less true | in standard errors | "
             "90 % intervals that hold it |", "|---|---|---|---|"]  # fmt: skip
    for state, said in STATES.items():
        errors = [row["claimed"] - row["true"][state] for row in rows]
        scaled = [error / row["sem"] for error, row in zip(errors, rows, strict=True)]
        held = [row["interval"][0] <= row["true"][state] <= row["interval"][1] for row in rows]
        lines.append(f"| {said} | {_mean(errors)} | {_mean(scaled)} | {100 * statistics.mean(held):.1f} % |")
    scaled = [(row["claimed"] - row["true"]["as it stood"]) / row["sem"] for row in rows]
    held = statistics.mean(row["interval"][0] <= row["true"]["as it stood"] <= row["interval"][1] for row in rows)
    others = [row["unconfirmed"] for row in rows]
    off = [(one["claimed"] - one["true"]["as it stood"]) / one["sem"] for one in others]
    plain = statistics.mean(abs(each) <= 1.645 for each in off)
    gain = [one["true"]["as it stood"] - row["true"]["as it stood"] for one, row in zip(others, rows, strict=True)]
    return [
        *lines,
        "",
        f"- Claimed less true within one standard error on average: {_shown(abs(statistics.mean(scaled)) <= 1.0)} "
        f"({statistics.mean(scaled):+.2f}).",
        f"- 90 % intervals hold the true value in 85 to 95 % of the campaigns: {_shown(0.85 <= held <= 0.95)} "
        f"({100 * held:.1f} %).",
        f"- Without confirmation the same searches would have claimed {_mean(off)} standard errors too much, and "
        f"intervals of 1.645 standard errors would have held the true value in {100 * plain:.1f} %.",
        f"- The recipe that is recommended after confirmation is truly better by {_mean(gain)}.",
    ]  # fmt: skip


def _mean(numbers: Sequence[float]) -> str:
    error = statistics.stdev(numbers) / len(numbers) ** 0.5 if len(numbers) > 1 else 0.0
    return f"{statistics.mean(numbers):+.3f} ± {error:.3f}"


def _shown(is_shown: bool) -> str:
    return "shown" if is_shown else "NOT shown"


def _page_head(rows: Sequence[dict[str, Any]], date: str) -> list[str]:
    cpu_s = statistics.median(row["cpu_s"] for row in rows)
    return [
        "# Proof: a confirmed claim is true",
        "",
        f"Measured {date} by `python -m benchmarks.confirming`: {len(rows)} campaigns of `examples/colour` in memory, "
        f"seeds 0 to {len(rows) - 1}, engine `lean`, {TRIALS} trials and `confirm: {{best: {BEST}, replicates: "
        f"{REPLICATES}}}`; {cpu_s:.1f} s of processor time each.",
        "",
        "Each seed is a bench of its own, with the dispensing errors of its channels, its drift and its noise. What is",
        f"true of a recipe is the mean of {DRAWS} further measurements of it, by the bench's own physics. A colour",
        "difference cannot be negative, so that noise alone makes it larger: the nominal value, of a world without any",
        "error, is not what any number of measurements would give. Replicates are made one after the other, and cannot",
        "show a drift that is common to all of them. The first line is what a claim is held to. Prior and estimate",
        "were chosen on the bench's physics as pure functions with seeds 1000 to 1199 (decision 21).",
        "",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
