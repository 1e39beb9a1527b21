"""Absorption spectra of dye mixtures, and what a real spectrometer makes of them. Pure functions.

Units: wavelengths in nm, volumes in µL, times in s, absorbances decadic and dimensionless. Arrays over wavelength have
the shape (n_wavelengths,).

The dyes are stand-ins: the maxima lie near those of Brilliant Blue FCF (630 nm), Acid Fuchsin (546 nm) and Tartrazine
(427 nm); widths, side bands and strengths are chosen so that a well of pure stock absorbs about 1.5.

References:
    [Beer1852] Beer-Lambert law: IUPAC Compendium of Chemical Terminology, doi:10.1351/goldbook.B00626.
    [Skoog2018] Skoog, Holler, Crouch, Principles of Instrumental Analysis, 7th ed., Cengage 2018, section 13B
        (stray radiation: ``A' = log((P0 + Ps) / (P + Ps))``).
    [Janesick2007] Janesick, Photon Transfer, SPIE Press 2007, doi:10.1117/3.725073, chapter 3 (shot noise is the
        square root of the signal in electrons, read noise adds in quadrature). For the mean counts used here a
        Poisson variable is well approximated by a normal one.
    [Danckwerts1952] Danckwerts, The definition and measurement of some characteristics of mixtures, Applied
        Scientific Research A 3 (1952) 279-296, doi:10.1007/BF03184936 (intensity of segregation; a first-order decay
        with the time of mixing is its simplest law for a stirred vessel).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DYES",
    "Band",
    "Optics",
    "Scans",
    "baseline_drift",
    "mixture_absorbance",
    "noise_free_absorbance",
    "scan",
    "segregation",
    "wavelengths_nm",
]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Band:
    """One Gaussian absorption band of an undiluted stock solution."""

    maximum_nm: float
    width_nm: float
    """Standard deviation of the Gaussian."""
    absorbance: float
    """Absorbance at the maximum over the optical path of a well."""


DYES: Mapping[str, tuple[Band, ...]] = {
    "cyan": (Band(630.0, 32.0, 1.50), Band(585.0, 30.0, 0.45), Band(409.0, 18.0, 0.22)),
    "magenta": (Band(546.0, 30.0, 1.45), Band(505.0, 28.0, 0.40)),
    "yellow": (Band(427.0, 36.0, 1.55), Band(460.0, 22.0, 0.25)),
    "clear": (),
}
"""Bands of each stock. A liquid that is not listed absorbs nothing."""


@dataclass(frozen=True, slots=True)
class Optics:
    """The spectrometer and the well as the light sees them."""

    n_wavelengths: int = 31
    stray: float = 0.002
    """Stray light as a fraction of the full light."""
    counts_per_s: float = 2.0e5
    """Counts of a blank in one second."""
    dark_counts_per_s: float = 200.0
    read_noise: float = 12.0
    """Standard deviation of a reading in counts."""
    drift_step: float = 5.0e-4
    """Standard deviation of the baseline's step from trial to trial, in absorbance."""
    mixing_time_s: float = 4.0
    """Time constant of mixing."""
    settling: float = 0.25
    """Fraction of the dye that the light does not meet in a well that was never mixed: it lies on the bottom."""
    unevenness: float = 0.08
    """Relative standard deviation of the absorbance of a well that was never mixed."""


@dataclass(frozen=True, slots=True)
class Scans:
    """The average of several scans, and how much they scatter."""

    absorbance: Array
    """Mean over the scans, shape (n_wavelengths,)."""
    scatter: Array
    """Sample standard deviation between scans, shape (n_wavelengths,); zero for a single scan."""


def wavelengths_nm(n_wavelengths: int = 31) -> Array:
    """Evenly spaced wavelengths from 400 to 700 nm, shape (n_wavelengths,)."""
    return np.linspace(400.0, 700.0, n_wavelengths)


def mixture_absorbance(volumes_ul: Mapping[str, float], at_nm: Array) -> Array:
    """Absorbance of a perfect mixture: ``A = sum_i a_i(wavelength) * V_i / sum_j V_j`` [Beer1852]_.

    Volumes are taken as additive; an empty well absorbs nothing.

    Args:
        volumes_ul: Volume of each stock in the well.
        at_nm: Wavelengths, shape (n_wavelengths,).

    Returns:
        Absorbance, shape (n_wavelengths,).
    """
    total = sum(volumes_ul.values())
    absorbance = np.zeros_like(at_nm, dtype=np.float64)
    if total <= 0:
        return absorbance
    for material, volume in volumes_ul.items():
        for band in DYES.get(material, ()):
            shape = np.exp(-0.5 * ((at_nm - band.maximum_nm) / band.width_nm) ** 2)
            absorbance += band.absorbance * (volume / total) * shape
    return absorbance


def segregation(mixed_s: float, time_constant_s: float) -> float:
    """Intensity of segregation after mixing: ``exp(-t / tau)``, 1 unmixed, 0 mixed [Danckwerts1952]_."""
    return float(np.exp(-max(mixed_s, 0.0) / time_constant_s))


def noise_free_absorbance(
    volumes_ul: Mapping[str, float], mixed_s: float, at_nm: Array, optics: Optics | None = None
) -> Array:
    """What an endless average would read: mixing and stray light included, noise and drift left out.

    A well that is not fully mixed reads low: its absorbance is that of the mixture times ``1 - settling * I``, with
    the intensity of segregation ``I``. Stray light bends high absorbances down [Skoog2018]_.

    Args:
        volumes_ul: Volume of each stock in the well.
        mixed_s: Time for which the well was mixed; ``inf`` for a perfect mixture.
        at_nm: Wavelengths, shape (n_wavelengths,).
        optics: The instrument; None for the one of the bench.

    Returns:
        Absorbance, shape (n_wavelengths,).
    """
    optics = optics or Optics()
    seen = 1.0 - optics.settling * segregation(mixed_s, optics.mixing_time_s)
    return _with_stray(mixture_absorbance(volumes_ul, at_nm) * seen, optics.stray)


def baseline_drift(seed: int, trial: int, step: float) -> float:
    """Baseline in absorbance at a trial: a random walk by trial number, the same however often it is asked.

    Args:
        seed: Seed of the walk.
        trial: Trial number; the walk starts from 0 at trial 0.
        step: Standard deviation of one step.
    """
    return float(np.random.default_rng(seed).standard_normal(max(trial, 0)).sum() * step)


def scan(
    volumes_ul: Mapping[str, float],
    mixed_s: float,
    *,
    integration_time_s: float,
    n_scans: int,
    baseline: float,
    rng: np.random.Generator,
    at_nm: Array,
    optics: Optics | None = None,
) -> Scans:
    """Measure a well: unevenness of the mixture once, shot noise and read noise in each scan.

    Counts of one scan are normal with mean ``S`` and variance ``S + r**2`` [Janesick2007]_; the absorbance is
    ``-log10((S - D) / (R - D))`` with the mean dark counts ``D`` and the mean counts of a blank ``R``.

    Args:
        volumes_ul: Volume of each stock in the well.
        mixed_s: Time for which the well was mixed.
        integration_time_s: Of one scan.
        n_scans: Scans to average, at least 1.
        baseline: Drift of the baseline in absorbance.
        rng: Source of the noise.
        at_nm: Wavelengths, shape (n_wavelengths,).
        optics: The instrument; None for the one of the bench.

    Returns:
        Mean and scatter of the scans.
    """
    optics = optics or Optics()
    left = segregation(mixed_s, optics.mixing_time_s)
    uneven = max(1.0 + optics.unevenness * np.sqrt(left) * rng.standard_normal(), 0.0)
    seen = (1.0 - optics.settling * left) * uneven
    absorbance = _with_stray(mixture_absorbance(volumes_ul, at_nm) * seen, optics.stray)
    blank = optics.counts_per_s * integration_time_s
    dark = optics.dark_counts_per_s * integration_time_s
    counts = blank * 10.0 ** -(absorbance + baseline) + dark
    noise = rng.standard_normal((n_scans, at_nm.size)) * np.sqrt(counts + optics.read_noise**2)
    net = np.maximum(counts + noise - dark, 1.0)  # less than one count of light cannot be told from none
    scans = -np.log10(net / blank)
    scatter = scans.std(axis=0, ddof=1) if n_scans > 1 else np.zeros(at_nm.size)
    return Scans(scans.mean(axis=0), scatter)


def _with_stray(absorbance: Array, stray: float) -> Array:
    return np.asarray(-np.log10((10.0**-absorbance + stray) / (1.0 + stray)), dtype=np.float64)
