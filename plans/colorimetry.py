"""Colorimetry: from a spectrum to the CIE 1976 colour space, as pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["colour_difference", "lab_from_absorbance"]

Array = NDArray[np.float64]


def _lobe(wavelength_nm: Array, centre: float, below: float, above: float) -> Array:
    """A Gaussian with one width below its centre and another above, both as reciprocals in 1/nm."""
    width = np.where(wavelength_nm < centre, below, above)
    return np.exp(-0.5 * ((wavelength_nm - centre) * width) ** 2)


def colour_matching(wavelength_nm: Array) -> Array:
    """CIE 1931 colour-matching functions, multi-lobe fit.

    Source: C. Wyman, P.-P. Sloan, P. Shirley, "Simple Analytic Approximations to the CIE XYZ Color Matching
    Functions", Journal of Computer Graphics Techniques 2(2), 2013, equations 4 to 6.

    Args:
        wavelength_nm: Wavelengths in nanometres, shape ``(n,)``.

    Returns:
        x-bar, y-bar and z-bar, shape ``(3, n)``.
    """
    nm = np.asarray(wavelength_nm, dtype=np.float64)
    x = 0.362 * _lobe(nm, 442.0, 0.0624, 0.0374) + 1.056 * _lobe(nm, 599.8, 0.0264, 0.0323)
    x = x - 0.065 * _lobe(nm, 501.1, 0.0490, 0.0382)
    y = 0.821 * _lobe(nm, 568.8, 0.0213, 0.0247) + 0.286 * _lobe(nm, 530.9, 0.0613, 0.0322)
    z = 1.217 * _lobe(nm, 437.0, 0.0845, 0.0278) + 0.681 * _lobe(nm, 459.0, 0.0385, 0.0725)
    return np.stack([x, y, z])


def lab_from_absorbance(wavelength_nm: Array, absorbance: Array) -> Array:
    """Colour of light of equal energy seen through an absorbing liquid.

    Transmittance is ``10 ** -absorbance``; the conversion to L*, a*, b* follows CIE 15:2018, section 8.2.1, with the
    equal-energy illuminant E as white.

    Args:
        wavelength_nm: Evenly spaced wavelengths in nanometres, shape ``(n,)``.
        absorbance: Decadic absorbance, shape ``(..., n)``.

    Returns:
        L*, a*, b*, shape ``(..., 3)``.
    """
    matching = colour_matching(wavelength_nm)
    white = matching.sum(axis=1)
    ratio = np.power(10.0, -np.asarray(absorbance, dtype=np.float64)) @ matching.T / white
    threshold = (6.0 / 29.0) ** 3
    root: Array = np.cbrt(ratio)
    f: Array = np.where(ratio > threshold, root, (841.0 / 108.0) * ratio + 4.0 / 29.0)
    fx, fy, fz = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116.0 * fy - 16.0, 500.0 * (fx - fy), 200.0 * (fy - fz)], axis=-1)


def colour_difference(lab: Array, target: Array) -> Array:
    """CIE 1976 colour difference: the distance in L*, a*, b* (CIE 15:2018, section 8.2.1.3).

    Args:
        lab: Colours, shape ``(..., 3)``.
        target: One colour, shape ``(3,)``.

    Returns:
        Differences, shape ``(...)``. About 2.3 is just noticeable (Mahy et al. 1994).
    """
    return np.linalg.norm(np.asarray(lab) - np.asarray(target), axis=-1)
