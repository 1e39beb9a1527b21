"""Monte Carlo: what each criterion could as well have scored, given how little was seen of it.

The draws of a criterion come from the seed and its own id: neither the other criteria nor their order matters. Criteria
are drawn independently; where several rest on one cause, the intervals are too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autolab.core.seeds import derive_seed
from facility_review.criteria import Scored
from facility_review.instrument import Instrument
from facility_review.instrumentmodel import Metric, MetricScale
from facility_review.scales import COUNTED, raw_scores, successes, value_interval
from facility_review.statistics import Floats, normal_quantile

__all__ = ["draw_criterion", "draw_scores", "quantiles", "tidy"]

SIGMAS_90 = 2 * normal_quantile(0.95)
"""Width of a 90 % interval of a normal distribution, in standard deviations: 2 x 1.645."""


def draw_scores(instrument: Instrument, scored: Sequence[Scored], seed: int, draws: int) -> Floats:
    """Scores of all criteria, of shape (draws, criteria); what does not apply is 0."""
    drawn = np.zeros((draws, len(scored)))
    for column, item in enumerate(scored):
        if item.score.is_applicable:
            drawn[:, column] = draw_criterion(instrument, item, seed, draws)
    return drawn


def draw_criterion(instrument: Instrument, scored: Scored, seed: int, draws: int) -> Floats:
    """Scores that one criterion could as well have, of shape (draws,).

    A ladder is drawn as its raters would answer again; a count by its Jeffreys posterior; any other metric as a normal
    value on the scale that it is scored on. A score by a one-sided bound is cautious already, and fixed.
    """
    answer = scored.answer
    if answer.evidence_class == "none" or (answer.value is None and answer.step is None):
        return np.full(draws, scored.score.score)
    rng = np.random.default_rng(derive_seed(seed, "criterion", scored.criterion.id))
    scale = scored.criterion.metric
    if scale is None:
        if answer.step is None:
            return np.full(draws, scored.score.score)
        sd = instrument.file.rating.rater_sd[answer.evidence_class]
        return np.clip(np.round(scored.score.raw + rng.normal(0, sd, draws)), 0, scored.cap)
    metric = instrument.metrics[scale.id]
    if scale.value_used != "point" or metric.ci_method == "none":
        return np.full(draws, scored.score.score)
    values = _draw_values(scored, metric, scale, rng, draws)
    if values is None:
        return np.full(draws, scored.score.score)
    return np.minimum(raw_scores(scale, values), scored.cap)


def tidy(value: float) -> float:
    """A score without the last digits, which differ from one processor to the next."""
    return round(float(value), 9)


def quantiles(drawn: Floats) -> tuple[float, float]:
    """The 90 % interval of what was drawn."""
    low, high = np.quantile(drawn, [0.05, 0.95])
    return tidy(low), tidy(high)


def _draw_values(
    scored: Scored, metric: Metric, scale: MetricScale, rng: np.random.Generator, draws: int
) -> Floats | None:
    answer = scored.answer
    if answer.value is None:
        return None
    value, n = answer.value, answer.n or 0
    if metric.ci_method == "wilson_abs_diff" and n:
        nominal = 0.90
        hits = max(0.0, nominal - value) * n
        return np.abs(rng.beta(hits + 0.5, n - hits + 0.5, draws) - nominal)
    if metric.ci_method in COUNTED and n:
        hits = successes(value, n)
        return rng.beta(hits + 0.5, n - hits + 0.5, draws)
    if metric.ci_method == "poisson_garwood" and n:
        return 100 * rng.gamma(value * n / 100 + 0.5, 1 / n, draws)
    interval = value_interval(metric, answer)
    if interval is None:
        return None
    if scale.scale == "log" and min(value, *interval) > 0:
        centre, low, high = np.log((value, *interval))
        return np.exp(rng.normal(centre, (high - low) / SIGMAS_90, draws))
    return rng.normal(value, (interval[1] - interval[0]) / SIGMAS_90, draws)
