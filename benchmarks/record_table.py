"""Records the table of the replay example on the simulated colour bench: ``python benchmarks/record_table.py FILE``.

64 recipes of a Sobol design, each mixed and measured in two wells.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from pathlib import Path

from bluesky import RunEngine
from scipy.stats import qmc

from autolab.compose.benches import in_memory
from autolab.compose.names import Names
from autolab.compose.opening import open_lab
from autolab.config.lab import load_lab
from autolab.core.clock import VirtualClock
from autolab.core.operations import Operations
from autolab.core.samples import Sample
from autolab.journal.trialdata import trial_data
from plans.colour import colour_distance, mix_and_measure

RECIPES, REPLICATES, SEED = 64, 2, 2026
LARGEST_UL = 100.0
MIXING_S = 20.0
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def main(file: Path) -> None:
    lab = load_lab(EXAMPLES / "colour" / "lab.yaml")
    clock = VirtualClock()
    names = Names(lab.source, lab.packages, EXAMPLES)
    recipes = qmc.Sobol(3, seed=SEED).random(RECIPES) * LARGEST_UL
    with (
        open_lab(lab, names, in_memory(lab, names, clock, SEED), clock) as bench,
        file.open("w", newline="", encoding="utf-8") as out,
    ):
        engine = RunEngine(context_managers=[])
        engine.waiting_hook = lambda statuses: statuses and clock.run_until(lambda: all(s.done for s in statuses))
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["cyan", "magenta", "yellow", "colour_distance"])
        wells = iter(bench.wells)
        for number, recipe in enumerate(recipes, 1):
            cyan, magenta, yellow = (round(float(volume), 1) for volume in recipe)
            for replicate in range(1, REPLICATES + 1):
                labware, place, well = next(wells)
                documents = []
                engine(
                    mix_and_measure(
                        **bench.devices,
                        cyan=cyan,
                        magenta=magenta,
                        yellow=yellow,
                        mixing_time=MIXING_S,
                        sample=Sample(f"t{number}r{replicate}", labware, place, well),
                        operations=replace(Operations("record", number), replicate=replicate),
                    ),
                    lambda name, document, kept=documents: kept.append((name, document)),
                )
                outcome = colour_distance(trial_data(documents))
                writer.writerow([cyan, magenta, yellow, round(outcome["colour_distance"].value, 4)])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
