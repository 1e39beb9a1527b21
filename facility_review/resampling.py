"""Bootstrap intervals over campaigns and experiments: seeded, so that the same values give the same interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from autolab.core.seeds import derive_seed

__all__ = ["ratio_interval", "share_interval"]

RESAMPLES = 2000


def ratio_interval(
    tops: Sequence[float], bottoms: Sequence[float], identity: str, of: Callable[[Any, Any], Any] | None = None
) -> tuple[float, float] | None:
    """90 % percentile bootstrap over clusters of a ratio of sums; None where there is one cluster, or none.

    Args:
        tops: Sum of what is counted, by cluster.
        bottoms: Sum of what it is counted from, by cluster.
        identity: Of what is resampled, for the seed.
        of: From both sums of all resamples to the statistic; their ratio where it is not given.
    """
    if len(tops) < 2:
        return None
    rng = np.random.default_rng(derive_seed(0, identity))
    top, bottom = np.asarray(tops, dtype=np.float64), np.asarray(bottoms, dtype=np.float64)
    drawn = rng.multinomial(len(top), np.full(len(top), 1 / len(top)), size=RESAMPLES).astype(np.float64)
    sums, totals = drawn @ top, drawn @ bottom
    found = of(sums, totals) if of is not None else np.divide(sums, totals, where=totals > 0, out=np.zeros(RESAMPLES))
    low, high = np.quantile(found, [0.05, 0.95])
    return float(low), float(high)


def share_interval(values: Sequence[float], identity: str) -> tuple[float, float] | None:
    """90 % percentile bootstrap of a mean over experiments, of which many have the same value."""
    return _resampled_mean(tuple(sorted(Counter(values).items())), identity) if len(values) > 1 else None


@lru_cache(maxsize=1024)
def _resampled_mean(counts: tuple[tuple[float, int], ...], identity: str) -> tuple[float, float]:
    """The interval from how often each value occurs: many campaigns have the same."""
    n = sum(count for _, count in counts)
    rng = np.random.default_rng(derive_seed(0, identity))
    shares = np.asarray([count / n for _, count in counts])
    values = np.asarray([value for value, _ in counts])
    drawn = rng.multinomial(n, shares / shares.sum(), size=RESAMPLES) @ values / n
    low, high = np.quantile(drawn, [0.05, 0.95])
    return float(low), float(high)
