"""How long it takes to score units and to read the instrument: ``python -m benchmarks.review [--units 20]``.

The units are the supervised closed loop of the worked examples with every value moved a little, so that no two are the
same. Figures are printed and kept nowhere.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml

from facility_review.inputs import Answer, Inputs, inputs_from
from facility_review.instrument import FOLDER, Instrument, load_instrument, read_instrument
from facility_review.scales import COUNTED
from facility_review.scoring import score

__all__ = ["main", "moved"]

EXAMPLES = Path(__file__).parent.parent / "tests" / "facility_review" / "worked_examples.yaml"


def moved(instrument: Instrument, unit: Inputs, seed: int) -> Inputs:
    """A unit like another, every value within 5 % of the other's."""
    rng = np.random.default_rng(seed)

    def near(name: str, answer: Answer) -> Answer:
        scale = instrument.criteria[name].metric
        if scale is None or answer.value is None:
            return answer
        value = answer.value * float(rng.uniform(0.95, 1.05))
        return replace(
            answer, value=min(value, 1.0) if instrument.metrics[scale.id].ci_method in COUNTED else value, interval=None
        )

    records = {name: near(name, answer) for name, answer in unit.records.items()}
    return replace(unit, unit=f"unit-{seed}", records=records)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=20, help="how many units (20)")
    wanted = parser.parse_args().units
    begun = time.perf_counter()
    read_instrument(FOLDER / "v0_1_0.yaml")
    print(f"instrument read and checked in {time.perf_counter() - begun:.2f} s")
    instrument = load_instrument()
    example = inputs_from(yaml.safe_load(EXAMPLES.read_text(encoding="utf-8"))["units"]["B"]["input"], "B")
    units = [moved(instrument, example, seed) for seed in range(wanted)]
    draws = instrument.file.aggregation.draws
    seconds: list[float] = []
    for unit in units:
        begun = time.perf_counter()
        score(instrument, unit)
        seconds.append(time.perf_counter() - begun)
    print(f"{wanted} units scored at {draws} draws in {sum(seconds):.2f} s")
    print(f"a unit takes {1000 * statistics.median(seconds):.0f} ms (median), {1000 * max(seconds):.0f} ms (longest)")
    print(f"most memory held: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
