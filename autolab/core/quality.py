"""Quality checks: whether what a trial measured may be believed, before anybody learns from it. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from autolab.core.data import TrialData
from autolab.core.trials import Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Finding", "QualityCheck", "Reference", "judge_quality", "key_in"]


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """A check as it is declared, in the lab file or with a reducer."""

    name: str
    kind: Literal["saturation", "range", "scatter", "stall", "drift"]
    of: str
    """What is looked at: a signal as ``device.signal`` (saturation, stall, range), a metric of the outcome (scatter,
    range), or a reference (drift)."""
    min: float | None = None
    max: float | None = None
    """Of a saturation the value at which it begins, of a scatter the largest standard error, of a drift the largest
    difference; in the unit of what is looked at."""
    share: float = 0.0
    """Of a saturation: the share of a reading's values that may be saturated."""
    metric: str = ""
    """Of a drift: the metric of the reference."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says of one trial."""

    check: str
    kind: str
    passed: bool
    said: str
    """What was seen, against which bound."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of a reference when a trial is judged."""

    drift: float | None = None
    """Difference of its last value from its first one; None where it was not measured."""
    out_of_control: str | None = None
    """Which rule of its control chart the last value breaks; None where it breaks none."""


def judge_quality(
    checks: Sequence[QualityCheck],
    data: TrialData,
    outcome: Outcome,
    before: Mapping[str, Any],
    references: Mapping[tuple[str, str], Reference],
) -> tuple[Finding, ...]:
    """What the checks say of a trial. One that looks at what the trial neither recorded nor yields says nothing.

    Args:
        checks: The checks.
        data: What the trial recorded.
        outcome: What it yields.
        before: The last reading of the trial before, by data key.
        references: What is known of each reference, by its name and metric.
    """
    found: list[Finding] = []
    for check in checks:
        if check.kind == "drift":
            said = _drift(check, references.get((check.of, check.metric)))
        elif "." in check.of:
            said = _signal(check, data, before)
        else:
            said = _metric(check, outcome)
        if said is not None:
            found.append(Finding(check.name, check.kind, *said))
    return tuple(found)


def key_in(keys: Sequence[str], signal: str) -> str | None:
    """The data key of a signal ``device.signal`` among those that were recorded; None where it was not."""
    device, _, rest = signal.partition(".")
    wanted = (f"{device}_{rest.replace('.', '_')}", f"{device}-{rest.replace('.', '-')}", device if not rest else "")
    return next((key for key in keys if key in wanted), None)


_Said = tuple[bool, str]
"""Whether it passed, and what was seen."""


def _drift(check: QualityCheck, reference: Reference | None) -> _Said | None:
    if reference is None:  # of an instrument that the campaign does not use
        return None
    what = f"{check.metric} of {check.of}"
    if check.max is None:
        rule = reference.out_of_control
        return rule is None, f"{what} breaks {rule}" if rule else f"{what} is in control"
    if reference.drift is None:
        return False, f"{what} was not measured: nobody knows how far it has drifted"
    return abs(reference.drift) <= check.max, f"{what} has drifted by {reference.drift:.3g} (at most {check.max:g})"


def _signal(check: QualityCheck, data: TrialData, before: Mapping[str, Any]) -> _Said | None:
    device = check.of.partition(".")[0]
    keys = list(dict.fromkeys(key for event in data.events for key in event))
    key = key_in(keys, check.of)
    if key is None:
        is_recorded = any(name == device or name.startswith((f"{device}_", f"{device}-")) for name in keys)
        return (False, f"{device} was recorded without {check.of}: is it called like this?") if is_recorded else None
    readings = _readings(data, key)
    if readings is None:
        return False, f"{check.of} was not read in each event, or is no number"
    if check.kind == "saturation":
        return _saturation(check, readings)
    return _stall(check, readings, before.get(key)) if check.kind == "stall" else _range(check, readings)


def _readings(data: TrialData, key: str) -> NDArray[np.float64] | None:
    """Readings of a data key, shape ``(n_events, n_values)``; None where they are no finite numbers."""
    import numpy as np  # frozen values stay light

    try:
        values = np.asarray([event[key] for event in data.events], dtype=np.float64)
    except (KeyError, ValueError, TypeError):
        return None
    return values.reshape(len(values), -1) if np.all(np.isfinite(values)) else None


def _saturation(check: QualityCheck, readings: NDArray[np.float64]) -> _Said:
    limit = float("inf") if check.max is None else check.max
    share = float((readings >= limit).mean(axis=1).max())
    said = (
        f"{100 * share:.3g} % of the values of {check.of} are at {limit:g} or above (at most {100 * check.share:g} %)"
    )
    return share <= check.share, said


def _stall(check: QualityCheck, readings: NDArray[np.float64], before: Any) -> _Said:
    """An instrument that measures has noise: readings that are all the same, to the last bit, are one that hangs."""
    last = [] if before is None else [list(map(float, before))]
    rows = [*last, *readings.tolist()]
    if any(one == other for one, other in pairwise(rows)):
        return False, f"{check.of} gave the same reading twice, to the last digit: it hangs"
    return True, f"{check.of} moves"


def _range(check: QualityCheck, readings: NDArray[np.float64]) -> _Said:
    return _within(check, float(readings.min()), float(readings.max()))


def _metric(check: QualityCheck, outcome: Outcome) -> _Said | None:
    if check.of not in outcome:
        return None
    estimate = outcome[check.of]
    if check.kind == "range":
        return _within(check, estimate.value, estimate.value)
    limit = float("inf") if check.max is None else check.max
    if estimate.sem is None:
        return False, f"{check.of} has no standard error: nobody knows how much it scatters"
    return estimate.sem <= limit, f"{check.of} has a standard error of {estimate.sem:.3g} (at most {limit:g})"


def _within(check: QualityCheck, low: float, high: float) -> _Said:
    is_in = (check.min is None or low >= check.min) and (check.max is None or high <= check.max)
    seen = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
    bounds = f"{'-∞' if check.min is None else f'{check.min:g}'} to {'∞' if check.max is None else f'{check.max:g}'}"
    return is_in, f"{check.of} is {seen} ({bounds} is possible)"
