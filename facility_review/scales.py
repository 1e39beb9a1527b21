"""From a metric's value to a raw score, and from a record to what is put on the scale."""

from __future__ import annotations

import math

import numpy as np

from facility_review.inputs import Answer
from facility_review.instrumentmodel import Metric, MetricScale
from facility_review.statistics import (
    Floats,
    Interval,
    clopper_pearson_lower,
    clopper_pearson_upper,
    cpk_interval,
    garwood,
    miscoverage_interval,
    mtbf_interval,
    pooled_sd_interval,
    wilson,
)

__all__ = ["COUNTED", "has_interval", "raw_score", "raw_scores", "successes", "value_interval", "value_on_scale"]

COUNTED = ("wilson", "clopper_pearson_lower", "wilson_abs_diff")
"""Methods of the metrics that are a share of n."""


def raw_scores(scale: MetricScale, values: Floats) -> Floats:
    """Raw score of each value: piecewise linear through the cut points, on a logarithmic scale where the metric asks.

    Args:
        scale: The metric's scale.
        values: Any shape, in the metric's unit.

    Returns:
        0 to 5, same shape.
    """
    points = np.asarray((scale.zero_at, *scale.cut_points), dtype=np.float64)
    scores = np.arange(6.0)
    if scale.scale == "log":
        floor = points[-1] / 10 if scale.better == "lower" else points[0]
        values, points = np.log10(np.maximum(values, floor)), np.log10(points)
    if scale.better == "lower":
        points, scores = points[::-1], scores[::-1]
    return np.interp(values, points, scores)


def raw_score(scale: MetricScale, value: float) -> float:
    """Raw score of one value (see `raw_scores`)."""
    return float(raw_scores(scale, np.asarray(value, dtype=np.float64)))


def successes(value: float, n: float) -> float:
    """The count behind a share; a real number where the share was rounded."""
    count = value * n
    return float(round(count)) if abs(count - round(count)) < 1e-6 else count


def value_interval(metric: Metric, answer: Answer) -> Interval | None:
    """90 % interval of a value: the record's own, or by the metric's method from value and n; None where neither is.

    A bootstrap and order statistics need the records themselves: their interval comes with the record or not at all.
    """
    if answer.interval is not None or answer.value is None or not answer.n:
        return answer.interval
    value, n = answer.value, answer.n
    match metric.ci_method:
        case "wilson" | "clopper_pearson_lower":
            found = wilson(successes(value, n), n)
        case "wilson_abs_diff":
            found = miscoverage_interval(value, n)
        case "poisson_garwood":
            low, high = garwood(value * n / 100, n)
            found = 100 * low, 100 * high
        case "gamma_exact":
            found = mtbf_interval(value, n)
        case "chi2_pooled_sd":
            found = pooled_sd_interval(value, n)
        case "cpk_normal_approx":
            found = cpk_interval(value, n)
        case _:
            return None
    return found if all(math.isfinite(bound) for bound in found) else None


def has_interval(metric: Metric, answer: Answer) -> bool:
    """Whether the uncertainty of a value is known, as the sample-size caps ask.

    Order statistics count as known where n is: the timings are in the record.
    """
    if metric.ci_method == "none" or value_interval(metric, answer) is not None:
        return True
    return metric.ci_method == "order_statistics" and bool(answer.n)


def value_on_scale(scale: MetricScale, answer: Answer) -> float | None:
    """What is put on the scale: the value, or its one-sided 95 % bound where the criterion scores that.

    Returns:
        None where there is no value, or a bound is asked for and neither n nor an interval is known.
    """
    if answer.value is None or scale.value_used == "point":
        return answer.value
    is_lower = scale.value_used == "ci95_lower_one_sided"
    if answer.n:
        bound = clopper_pearson_lower if is_lower else clopper_pearson_upper
        return bound(successes(answer.value, answer.n), answer.n)
    if answer.interval is not None:
        return answer.interval[0] if is_lower else answer.interval[1]
    return None
