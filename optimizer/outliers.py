"""Outcomes that the others make impossible, and the noise that models take for each outcome.

The rule, from `ENOUGH` outcomes on: the outcome that lies farthest from what the model predicts of it from all the
others is left out, and the model fitted again to the rest. Where it then lies more standard deviations away than any of
so many outcomes does with a probability of 1 %, were the model right, it is doubted, and the next one is looked at; at
most one outcome in five. An outcome is only doubted where two others lie within a fifth of the ranges (root mean square
over the parameters): elsewhere it may be a peak.

A doubted outcome is kept, with its noise inflated by the square of its distance from the prediction: it then lies about
one standard deviation away. A repeat that agrees with it makes it possible again.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from autolab.core.diagnoses import ENOUGH
from autolab.core.explanations import Doubt
from optimizer.cholesky import inverse_of_factor
from optimizer.evidence import Evidence
from optimizer.lean_model import Features, LeanModel
from optimizer.learner import NumericalFailureError
from optimizer.space import Points

__all__ = ["doubts_of", "noises_of"]

_RARE = 0.005
"""Probability on either side that any outcome is doubted, were the model right."""
_FEW = 0.2
_NEAR, _WITNESSES = 0.2, 2
"""Distance within which an outcome has witnesses against it, and how many it takes."""
_MOST = 300
"""Outcomes up to which doubts are looked for: the work grows with the cube of their number."""


def noises_of(evidence: Evidence, metric: str) -> Points | None:
    """Variances of the noise of the usable outcomes, with those of doubted ones inflated; None where it is learned.

    In the metric's unit squared. Shape ``(n,)``.
    """
    known = evidence.noises(metric)
    found, noise = _found(evidence, metric)
    if not found:
        return known
    noises = np.full(evidence.n, noise) if known is None else known.copy()
    for row, mean, _ in found:
        noises[row] += (evidence.values(metric)[row] - mean) ** 2
    return noises


def doubts_of(evidence: Evidence, metric: str) -> tuple[Doubt, ...]:
    """The outcomes in ``metric`` that are doubted, by number of the trial; none unless the problem asks for it."""
    rows, values = sorted(_found(evidence, metric)[0]), evidence.values(metric)
    return tuple(
        Doubt(metric, evidence.usable[row][0].trial, float(values[row]), float(f"{mean:.6g}"), float(f"{sd:.6g}"))
        for row, mean, sd in rows
        if evidence.usable[row][0].trial > 0  # what earlier campaigns lend is theirs to doubt
    )


_Found = tuple[tuple[tuple[int, float, float], ...], float]


def _found(evidence: Evidence, metric: str) -> _Found:
    """Row, mean and standard deviation predicted by the others of each doubted outcome, and the noise of the others."""
    if not evidence.problem.doubts_outliers or not ENOUGH <= evidence.n <= _MOST:
        return (), 0.0
    dimensions, known = evidence.unit.dimensions, evidence.noises(metric)
    return _searched(
        tuple(dim.size if dim.is_categorical else None for dim in dimensions),
        tuple((at, dim.table.tobytes()) for at, dim in enumerate(dimensions) if dim.table is not None),
        evidence.points.tobytes(),
        evidence.values(metric).tobytes(),
        None if known is None else known.tobytes(),
    )


@lru_cache(maxsize=16)
def _searched(
    choices: tuple[int | None, ...],
    tables: tuple[tuple[int, bytes], ...],
    points: bytes,
    values: bytes,
    known: bytes | None,
) -> _Found:
    """`_found`, remembered: one suggestion asks several times."""
    described = {at: np.frombuffer(table).reshape(choices[at] or 0, -1) for at, table in tables}
    features = Features([None if size is None else np.linspace(0.0, 1.0, size) for size in choices], described)
    outcomes = np.frombuffer(values)
    places = np.frombuffer(points).reshape(len(outcomes), -1)
    noises = None if known is None else np.frombuffer(known)
    try:
        with np.errstate(all="ignore"):  # a search for hyperparameters may try what a float does not hold
            return _search(features, places, outcomes, noises)
    except NumericalFailureError:
        return (), 0.0


def _search(features: Features, points: Points, values: Points, known: Points | None) -> _Found:
    def model_of(rows: NDArray[np.intp]) -> LeanModel:
        return LeanModel(features, points[rows], values[rows], known=None if known is None else known[rows])

    n, far = len(values), -ndtri(_RARE / len(values))
    rest, doubted = np.arange(n), list[int]()
    model = model_of(rest)
    while len(doubted) + 1 <= _FEW * n:
        root = inverse_of_factor(model.lower)
        worst = int(np.argmax(np.abs(model.alpha) / np.sqrt(np.einsum("ij,ij->j", root, root))))
        row, others = int(rest[worst]), np.delete(rest, worst)
        without = model_of(others)
        mean, sd = _predicted(without, points[row], known, row)
        apart = np.sqrt(((points[others] - points[row]) ** 2).mean(axis=1))
        if abs(values[row] - mean) <= far * sd or (apart < _NEAR).sum() < _WITNESSES:
            break
        doubted.append(row)
        rest, model = others, without
    found = tuple((row, *_predicted(model, points[row], known, row)) for row in doubted)
    return found, model.scale**2 * model.hyperparameters.noise


def _predicted(model: LeanModel, point: Points, known: Points | None, row: int) -> tuple[float, float]:
    """Mean and standard deviation of what would be measured at ``point``."""
    (mean,), (deviation,) = model.predict(point[None, :])
    noise = model.scale**2 * model.hyperparameters.noise if known is None else known[row]
    return float(mean), float(np.hypot(deviation, np.sqrt(noise)))
