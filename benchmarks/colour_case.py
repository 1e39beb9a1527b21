"""The simulated colour bench of `loop.py` as pure functions: dispensing, mixing, light and colour, no device."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.stats import qmc

from autolab.core.objectives import Objective
from autolab.core.parameters import RangeParameter, Values
from autolab.core.problem import Problem, Space
from autolab.core.seeds import derive_seed
from autolab.core.trials import Estimate, Outcome
from benchmarks.problems import Case
from optimizer.space import UnitSpace
from plans.colorimetry import colour_difference, lab_from_absorbance
from plans.colour import READS, TEAL, WELL_UL
from simulators.physics.dispensing import channel_bias, deliver
from simulators.physics.spectra import Optics, baseline_drift, noise_free_absorbance, scan, wavelengths_nm

__all__ = ["colour_bench", "true_colour"]

DYES = ("cyan", "magenta", "yellow")


def colour_bench() -> Case:
    """The simulated colour bench: three dyes and a time of mixing; distance of the colour from teal."""
    space = Space(
        (
            *(RangeParameter(dye, 0, 100, "uL", step=1) for dye in DYES),
            RangeParameter("mixing_time", 1, 30, "s", scale="log"),
        )
    )
    best, worst = _extremes(UnitSpace(space))
    return Case(
        name="colour_bench",
        problem=Problem(space, Objective("colour_distance", "minimize")),
        measure=_measure_colour,
        truth=true_colour,
        best=best,
        span=worst - best,
    )


def true_colour(values: Values) -> float:
    at_nm = wavelengths_nm()
    absorbance = noise_free_absorbance(_recipe(values), float(values["mixing_time"]), at_nm)
    return float(colour_difference(lab_from_absorbance(at_nm, absorbance), np.array(TEAL)))


def _recipe(values: Values) -> dict[str, float]:
    """Volume of each liquid in microlitres: the dyes, and clear liquid up to the volume of a well."""
    dyes = {dye: float(values[dye]) for dye in DYES}
    return {"clear": WELL_UL - sum(dyes.values()), **dyes}


def _measure_colour(values: Values, seed: int, trial: int) -> Outcome:
    """One well as the bench would measure it: dispensing, unevenness, drift and shot noise included."""
    at_nm, optics = wavelengths_nm(), Optics()
    volumes = {
        liquid: deliver(
            volume_ul,
            channel_bias(derive_seed(seed, "channel", liquid)),
            derive_seed(seed, "dispense", trial, liquid),
        ).into_well_ul
        for liquid, volume_ul in _recipe(values).items()
        if volume_ul > 0
    }
    baseline = baseline_drift(derive_seed(seed, "drift"), trial, optics.drift_step)
    spectra = [
        scan(
            volumes,
            float(values["mixing_time"]),
            integration_time_s=0.1,
            n_scans=4,
            baseline=baseline,
            rng=np.random.default_rng(derive_seed(seed, "scan", trial, read)),
            at_nm=at_nm,
            optics=optics,
        ).absorbance
        for read in range(READS)
    ]
    distances = colour_difference(lab_from_absorbance(at_nm, np.array(spectra)), np.array(TEAL))
    sem = float(distances.std(ddof=1) / np.sqrt(READS))
    return {"colour_distance": Estimate(float(distances.mean()), sem)}


def _extremes(unit: UnitSpace) -> tuple[float, float]:
    """Least and largest noise-free value: 4096 Sobol points, and a simplex search from the best three of either end."""
    points = qmc.Sobol(unit.d, rng=np.random.default_rng(0)).random(4096)
    values = np.array([true_colour(unit.decode(point)) for point in points])

    def search(sign: float) -> float:
        starts = points[np.argsort(sign * values)[:3]]
        found = [
            minimize(
                lambda x: sign * true_colour(unit.decode(np.clip(x, 0, 1))),
                start,
                method="Nelder-Mead",
                options={"xatol": 1e-6, "fatol": 1e-8, "maxiter": 2000},
            ).fun
            for start in starts
        ]
        return sign * float(min(found))

    return search(1.0), search(-1.0)
