"""How often a misfit is named that is there, and one that is not: ``python -m benchmarks.misfits --page FILE``.

Campaigns of 30 trials over three parameters, steered by the lean engine from a design of 10, on responses with one
fault built in, and on three without. What is counted is what the diagnosis of the whole campaign names.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from autolab.core.objectives import Objective
from autolab.core.parameters import RangeParameter, Values
from autolab.core.problem import Problem, Space
from autolab.core.proposing import EngineSpec, Observation, SuggestRequest
from autolab.core.seeds import derive_seed
from autolab.core.trials import Estimate
from optimizer.engine import suggest
from optimizer.recommendation import recommend

SPACE = Space(tuple(RangeParameter(name, 0, 1) for name in "abc"))
TRIALS, DESIGN = 30, 10
KINDS = ("blind", "outliers", "scale", "drift")
Response = Callable[[int, Values, float], float]
"""Of the trial, its values and a standard normal draw."""


def wave(x: Values) -> float:
    return 5 + 3 * math.sin(3 * float(x["a"])) + 4 * (float(x["b"]) - 0.6) ** 2 + 0.3 * float(x["c"])


def peak(x: Values) -> float:
    return 1 + 20 * math.exp(-8 * ((float(x["a"]) - 0.3) ** 2 + (float(x["b"]) - 0.6) ** 2))


def steep(x: Values, noise: float) -> float:
    return math.exp(4 * float(x["a"]) + 1.5 * float(x["b"]) + 0.3 * noise)


RESPONSES: dict[str, tuple[str, Response]] = {
    "no fault, noise": ("a wave with noise of 2 % of its range", lambda _t, x, e: wave(x) + 0.1 * e),
    "no fault, no noise": ("the same without noise", lambda _t, x, _e: wave(x)),
    "no fault, peak": ("a peak that is maximised", lambda _t, x, e: peak(x) + 0.1 * e),
    "blind": ("noise alone", lambda _t, _x, e: 5 + e),
    "outliers": ("the wave, trials 14 and 21 too high by 5", lambda t, x, e: wave(x) + 0.1 * e + 5 * (t in (14, 21))),
    "scale": ("an exponential, scatter of 30 %", lambda _t, x, e: steep(x, e)),
    "drift": ("the wave, rising by 1.5 over the campaign", lambda t, x, e: wave(x) + 0.1 * e + 0.05 * t),
}


def named(name: str, seed: int) -> list[str]:
    """Kinds of the misfits that are named of one campaign."""
    problem = Problem(SPACE, Objective("y", "maximize" if "peak" in name else "minimize"))
    rng, response = np.random.default_rng(seed), RESPONSES[name][1]
    past: list[Observation] = []
    for trial in range(1, TRIALS + 1):
        own = derive_seed(seed, "suggest", trial)
        request = SuggestRequest(
            problem, EngineSpec("lean", DESIGN), trial, own, derive_seed(seed, "design"), tuple(past)
        )
        values = suggest(request).values
        past.append(Observation(trial, values, {"y": Estimate(response(trial, values, float(rng.standard_normal())))}))
    found = recommend(problem, tuple(past), engine="lean")
    if found is None or found.diagnosis is None:
        return []
    return [misfit.kind for misfit in found.diagnosis.metrics[0].misfits]


def page(counts: dict[str, Counter[str]], seeds: int, date: str) -> str:
    lines = [
        "# Misfits that are named",
        "",
        f"Measured on {date} by `python -m benchmarks.misfits`: {seeds} campaigns of {TRIALS} trials for each line, "
        f"over three parameters, steered by `lean` from a design of {DESIGN}. Counted are the campaigns in "
        "which the diagnosis names a misfit; the wave has a range of about 6.",
        "",
        f"| campaign | response | {' | '.join(KINDS)} |",
        f"|---|---|{'---|' * len(KINDS)}",
    ]
    for name, counted in counts.items():
        cells = (f"{counted[kind]} of {seeds}" for kind in KINDS)
        lines.append(f"| {name} | {RESPONSES[name][0]} | {' | '.join(cells)} |")
    lines += [
        "",
        "A campaign that steers to the best leaves few trials elsewhere, so that much cannot be seen: an outlier far "
        "from all other trials is not told from a peak, and a drift is taken for the effect of what changed meanwhile. "
        "What is evenly spread shows more (`tests/optimizer/test_diagnosis.py`).",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--date", default="an unknown day")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    counts: dict[str, Counter[str]] = {}
    for name in RESPONSES:
        counts[name] = Counter(kind for seed in range(options.seeds) for kind in set(named(name, seed)))
        print(name, dict(counts[name]), flush=True)
    if options.page:
        options.page.write_text(page(counts, options.seeds, options.date), encoding="utf-8")


if __name__ == "__main__":
    main()
