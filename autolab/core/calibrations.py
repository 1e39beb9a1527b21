"""Calibrations: what a lab does so that its instruments can be believed, and how long that lasts.

Warm-ups, blanks, dark spectra, reference measurements and calibrations proper are all of one kind here: a plan, the
instruments that it is for, and a validity. What was never done, or nobody knows of, is invalid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from autolab.core.canonical import content_hash
from autolab.core.parameters import Value

__all__ = ["Calibration", "Correction", "Drift", "Standing", "Validity", "duration", "why_invalid"]


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a reference may wander before a calibration is invalid."""

    of: str
    """Name of the reference: a calibration of the lab that is repeated more often."""
    metric: str
    """What the reference yields."""
    by: float
    """Largest difference from its first value after the calibration, in the unit of the metric."""


@dataclass(frozen=True, slots=True)
class Validity:
    """How long a calibration lasts: until the first of these is used up. None is no limit."""

    time_s: float | None = None
    trials: int | None = None
    """Attempts at trials that use the instrument."""
    measurements: int | None = None
    """Times that an instrument it is for was read or acted."""
    drift: Drift | None = None

    def __str__(self) -> str:
        said = [
            None if self.time_s is None else duration(self.time_s),
            None if self.trials is None else f"{self.trials} trials",
            None if self.measurements is None else f"{self.measurements} measurements",
            None if self.drift is None else f"a drift of {self.drift.metric} in {self.drift.of} by {self.drift.by:g}",
        ]
        return " or ".join(text for text in said if text is not None)


@dataclass(frozen=True, slots=True)
class Correction:
    """How outcomes are corrected for what a reference shows to have drifted."""

    metric: str
    """The metric of the outcome."""
    by: str
    """The metric of the reference."""
    how: Literal["difference", "ratio"]
    """Whether the drift adds to what is measured, or multiplies it."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A calibration as the lab file declares it."""

    name: str
    kind: Literal["warm-up", "blank", "dark", "reference", "calibration"]
    of: tuple[str, ...]
    """The instruments that it is for: devices of the lab."""
    plan: str
    """Dotted name of its plan."""
    reduce: str | None
    """Dotted name of its reducer; None where it yields no value."""
    valid: Validity
    if_invalid: Literal["wait", "refuse"] = "wait"
    """*Wait*: it is performed before the next trial. *Refuse*: the campaign pauses, and a person is asked for it."""
    arguments: Mapping[str, Value] = field(default_factory=dict[str, Value])
    """What its plan is given besides devices, as the file says it."""
    corrects: tuple[Correction, ...] = ()
    """What is corrected by the difference between its last value and its first one on the bench."""

    @property
    def declared(self) -> str:
        """Content hash of how it is done: done in another way, it is another calibration."""
        parts: dict[str, Any] = {"plan": self.plan, "reduce": self.reduce, "with": self.arguments, "of": self.of}
        return content_hash(parts)

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r} of {', '.join(self.of)}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the last time that a calibration was performed."""

    age_s: float | None
    """Lab seconds since its end; None where nobody knows, as where a clock was set back."""
    trials: int
    measurements: int
    drift: float | None = None
    """How far its reference has wandered since; None where it was not measured twice."""
    is_same: bool = True
    """Whether it was done in the way that the lab file declares, on the instruments that the lab has."""
    ahead_s: float = 0.0
    """Lab seconds for which it is going to be needed: a trial is not begun under one that ends before it."""
    n_next: int = 1
    """Trials that are to rely on it at once: those of a plate."""


def why_invalid(calibration: Calibration, standing: Standing | None) -> str | None:
    """Why a calibration does not stand, in a few words; None where it does.

    Args:
        calibration: The calibration.
        standing: What is known of its last performance; None where it was never performed.
    """
    valid = calibration.valid
    if standing is None:
        return "it was never performed"
    if not standing.is_same:
        return "it was performed in another way, or on another instrument"
    if valid.time_s is not None and standing.age_s is None:
        return "nobody knows how old it is: a clock was set back"
    if valid.time_s is not None and standing.age_s is not None and standing.age_s + standing.ahead_s >= valid.time_s:
        is_over = standing.age_s >= valid.time_s
        age = f"is {duration(standing.age_s)}" if is_over else f"would be {duration(standing.age_s + standing.ahead_s)}"
        return f"it {age} old{'' if is_over else ' before the trial ends'}, and is valid for {duration(valid.time_s)}"
    if valid.trials is not None and standing.trials + standing.n_next > valid.trials:
        more = "" if standing.n_next == 1 else f", {standing.n_next} are to come at once"
        return f"{standing.trials} trials were made with it{more}, and it is valid for {valid.trials}"
    if valid.measurements is not None and standing.measurements >= valid.measurements:
        return f"{standing.measurements} measurements were made with it, and it is valid for {valid.measurements}"
    if valid.drift is not None and standing.drift is not None and abs(standing.drift) > valid.drift.by:
        said = f"{valid.drift.metric} of {valid.drift.of} has drifted by {standing.drift:.3g} since"
        return f"{said}, and {valid.drift.by:g} is allowed"
    return None


def duration(seconds: float) -> str:
    """A time in words, such as ``8 h`` or ``90 s``."""
    for unit, size in (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size or seconds == size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
